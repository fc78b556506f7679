"""A client's facts, where they stand, and who is like the client."""

from typing import Literal

from pydantic import Field

from ml.serving.http.schemas.base import Given


class Fact(Given):
    """A feature of a client."""

    feature: str
    theme: str
    label: str
    description: str
    unit: str
    value: float | str | None
    words: str
    protected: bool


class ThemeTitle(Given):
    """A theme of the catalogue."""

    code: str
    title: str


class Facts(Given):
    """A client's features, by theme."""

    client_id: int
    snapshot_id: str
    themes: list[ThemeTitle]
    facts: list[Fact]


class Position(Given):
    """A client's value, and where it stands."""

    client_id: int
    value: float | str | None
    words: str
    sentence: str
    share_below: dict[str, float | None]


class Population(Given):
    """How a feature is distributed, by group: shares by bin of `edges`, or by value of `values`."""

    feature: str
    label: str
    description: str
    unit: str
    protected: bool
    model_version: int
    snapshot_id: str
    kind: Literal["number", "text"]
    edges: list[float] = Field([])
    values: list[str] = Field([])
    groups: dict[str, list[float]]
    known: dict[str, float] = Field({}, description="Share of the group with a value.")
    clients: dict[str, int] = Field({})
    client: Position | None


class Interval(Given):
    """An interval of a share (Wilson)."""

    level: float
    low: float
    high: float


class SimilarClients(Given):
    """Clients whose outcome is known and who are like another."""

    client_id: int
    clients: int
    repaid: int
    repaid_share: float
    interval: Interval
    space: str
    model_version: int
    snapshot_id: str
