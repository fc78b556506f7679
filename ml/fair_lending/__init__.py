"""Decisions by protected group."""
