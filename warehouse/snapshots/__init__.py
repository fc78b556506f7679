"""Immutable copies of marts that passed the gate: written, found, checked."""
