"""Scores of whole populations."""
