"""Mutations that change no rule: what their name holds, and why nobody could tell."""

EQUIVALENT: dict[str, str] = {}


def reason(name: str) -> str | None:
    """Why a mutation changes nothing; None when it may."""
    return next((why for part, why in EQUIVALENT.items() if part in name), None)
