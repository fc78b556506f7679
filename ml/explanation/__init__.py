"""Why a model, or a decision, is as it is."""
