"""What the server says about itself."""

from typing import Literal

from pydantic import Field

from ml.serving.http.schemas.base import Given


class Welcome(Given):
    """What this is, and where to go on."""

    name: str
    description: str
    links: dict[str, str]


class Live(Given):
    """The process answers."""

    status: Literal["live"]


class Ready(Given):
    """A known client gets the known answer."""

    status: Literal["ready"]
    model_version: int
    snapshot_id: str
    threshold: float
    since: str
    note: str | None = Field(None, description="Why a newer champion or snapshot does not answer.")
