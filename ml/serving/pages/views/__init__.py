"""What a page shows, computed from decisions, clients and the model; words, charts, tables."""
