"""Rows of each generated table."""
