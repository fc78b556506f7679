"""A decision from the score to the record, and what people do with it."""
