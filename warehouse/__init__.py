"""Raw files, the DuckDB warehouse, its quality gate and its published snapshots."""
