"""What a page shows, computed from decisions, clients and the model; charts, tables."""
