"""Decisions about clients, their records and their outcomes."""

from typing import Annotated, Literal

from pydantic import Field, StrictBool, StrictStr

from ml.serving.deciding.decisions import MOST_IN_A_BATCH
from ml.serving.http.schemas.base import ClientId, Explained, Given, Scored, Taken, Word


class ClientRequest(Taken):
    """A client of the snapshot."""

    client_id: ClientId


class BatchRequest(Taken):
    """Clients of the snapshot."""

    client_ids: Annotated[list[ClientId], Field(min_length=1, max_length=MOST_IN_A_BATCH)]
    reasons: StrictBool = True


class OutcomeRequest(Taken):
    """What a person did with a decision."""

    action: Literal["agree", "override", "request_review", "answer_review"]
    ground: Literal["agreed", "documents_seen", "data_wrong", "circumstances_changed", "policy", "other"] | None = None
    note: Annotated[StrictStr, Field(max_length=2_000)] | None = None
    final_decision: Word | None = Field(None, description="To answer a review; of the other actions it follows.")


class PlainDecision(Scored):
    """A recorded decision without reasons."""

    decision_id: str
    decided_at: str
    kind: Literal["client", "applicant"]
    client_id: int | None


class Decision(PlainDecision, Explained):
    """A recorded decision with its reasons."""


class Event(Given):
    """Something that a person did with a decision."""

    happened_at: str
    action: str
    final_decision: Word | None
    ground: str | None
    note: str | None
    done_by: str


class DecisionWithTrail(Decision):
    """A decision as it was answered, and what happened since."""

    trail: list[Event]


class Batch(Given):
    """Decisions in the order asked for, and the ids that the snapshot does not hold."""

    decisions: list[Decision]
    unknown: list[int]


class RecentDecision(Given):
    """A line of the list of decisions."""

    decision_id: str
    decided_at: str
    kind: str
    client_id: int | None
    decision: Word
    probability: float
    threshold: float
    model_version: int
    snapshot_id: str
    decided_by: str


class Recent(Given):
    """The latest decisions, newest first."""

    decisions: list[RecentDecision]
