"""Text as SQL: identifiers and literals."""

from pathlib import Path


def quoted(*names: str) -> str:
    """SQL identifier of one or more parts, each in double quotes.

    Examples
    --------
    >>> quoted("marts", "client_features")
    '"marts"."client_features"'
    """
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)


def literal(text: str | Path) -> str:
    """SQL literal of a text or a path.

    Examples
    --------
    >>> literal("O'Brien")
    "'O''Brien'"
    """
    return "'" + str(text).replace("'", "''") + "'"
