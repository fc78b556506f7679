"""Registered models: stored, found, loaded, exported, promoted."""
