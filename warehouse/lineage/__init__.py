"""From a feature back to the raw columns that it is computed from, read out of the compiled SQL of the models."""
