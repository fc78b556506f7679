"""Text as SQL: identifiers and literals."""


def quoted(*names: str) -> str:
    """SQL identifier of one or more parts, each in double quotes.

    Examples
    --------
    >>> quoted("marts", "client_features")
    '"marts"."client_features"'
    """
    return ".".join('"' + name.replace('"', '""') + '"' for name in names)
