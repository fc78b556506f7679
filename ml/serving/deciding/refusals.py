"""Refusals of a request: stable codes, and no value of a client in any of them."""

UNKNOWN_CLIENT = "unknown-client"
UNKNOWN_DECISION = "unknown-decision"
UNKNOWN_FEATURE = "unknown-feature"
UNUSABLE_INPUT = "unusable-input"
IMMUTABLE_FIELD = "immutable-field"
ALREADY_RECORDED = "already-recorded"


class Refusal(Exception):  # noqa: N818 - it is an answer, not a fault
    """A request that cannot be granted.

    Parameters
    ----------
    code : str
        One of this module's.
    detail : str
        For people.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code
        self.detail = detail
