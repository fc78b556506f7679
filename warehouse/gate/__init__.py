"""The quality gate: expectations on raw tables and marts, and their findings."""
