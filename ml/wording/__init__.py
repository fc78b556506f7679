"""Features and values in plain words."""
