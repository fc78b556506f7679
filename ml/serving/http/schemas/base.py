"""What all of them are made of: what is taken refuses unknown fields; what is absent stays null."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictInt

LARGEST_ID = 2**53  # JSON's own limit for whole numbers; ids of the release have six digits
ClientId = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID, description="SK_ID_CURR of an application.")]
Word = Literal["grant", "refuse"]


class Taken(BaseModel):
    """Base of what is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Given(BaseModel):
    """Base of what is given."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


class Reason(Given):
    """A fact about the client that led to the decision."""

    code: str
    title: str
    text: str
    points: float = Field(description="Below 0 it costs points.")
    feature: str


class Theme(Given):
    """What the client's values of one theme add to the points of the average applicant."""

    code: str
    title: str
    points: float
    protected: bool = Field(description="Gender, age or family: never a reason.")


class History(Given):
    """A source of history, and whether it knows the client."""

    source: str
    known: bool
    text: str


class Explained(Given):
    """Why a score is what it is."""

    reasons: list[Reason] = Field([], max_length=4)
    average_points: float | None = Field(None, description="Of the average applicant in training.")
    themes: list[Theme] = Field([])
    adjustment_points: float | None = Field(None, description="What averaging and calibrating add to the themes.")
    riskier_than: dict[str, float | None] = Field({}, description="Share with a lower probability, by group.")
    history: list[History] = Field([])


class Scored(Given):
    """A score and the decision that goes with it."""

    probability: float = Field(ge=0, le=1, description="Of default.")
    class_: Literal["good payer", "bad payer"] = Field(alias="class")
    decision: Word
    threshold: float = Field(ge=0, le=1, description="Refused from this probability on; comes from the model alone.")
    distance_to_threshold: float = Field(description="Probability minus threshold: from 0 on refused.")
    points: float = Field(description="600 at odds of 50 to 1 of repaying, 20 more when the odds double.")
    points_at_threshold: float
    model_version: int
    snapshot_id: str
