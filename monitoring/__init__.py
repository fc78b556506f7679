"""Drift of the marts between a reference population and the current one."""
