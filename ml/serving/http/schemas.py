"""What the routes take and give. Unknown fields are refused; what is absent stays null."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StrictBool, StrictFloat, StrictInt, StrictStr

from ml.serving.decisions import MOST_IN_A_BATCH
from ml.serving.simulation import MOST_VARIANTS

LARGEST_ID = 2**53  # JSON's own limit for whole numbers; ids of the release have six digits
ClientId = Annotated[StrictInt, Field(ge=1, le=LARGEST_ID, description="SK_ID_CURR of an application.")]
DecisionId = Annotated[StrictStr, Field(pattern="^[0-9a-f]{32}$")]
Number = Annotated[StrictFloat, Field(allow_inf_nan=False)]
RawValue = StrictInt | Number | Annotated[StrictStr, Field(max_length=300)] | None
RawRow = dict[Annotated[str, Field(max_length=60)], RawValue]
Word = Literal["grant", "refuse"]


class Taken(BaseModel):
    """Base of what is taken."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Given(BaseModel):
    """Base of what is given."""

    model_config = ConfigDict(extra="forbid", protected_namespaces=())


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


class Scored(Given):
    """A score and the decision that goes with it."""

    probability: float = Field(ge=0, le=1, description="Of default.")
    decision: Word
    threshold: float = Field(ge=0, le=1, description="Refused from this probability on; comes from the model alone.")
    distance_to_threshold: float = Field(description="Probability minus threshold: from 0 on refused.")
    points: float = Field(description="600 at odds of 50 to 1 of repaying, 20 more when the odds double.")
    points_at_threshold: float
    model_version: int
    snapshot_id: str


class PlainDecision(Scored):
    """A recorded decision without reasons."""

    decision_id: str
    decided_at: str
    kind: Literal["client", "applicant"]
    client_id: int | None
    class_: Literal["good payer", "bad payer"] = Field(alias="class")


class Decision(PlainDecision):
    """A recorded decision with its reasons."""

    reasons: list[Reason] = Field([], max_length=4)
    average_points: float | None = Field(None, description="Of the average applicant in training.")
    themes: list[Theme] = []
    adjustment_points: float | None = Field(None, description="What averaging and calibrating add to the themes.")
    riskier_than: dict[str, float | None] = Field({}, description="Share with a lower probability, by group.")
    history: list[History] = []


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


class ApplicationRequest(Taken):
    """Raw rows of an applicant, in the columns of the raw files; SK_ID_CURR may be left out everywhere."""

    application: RawRow
    bureau: list[RawRow] | None = None
    bureau_balance: list[RawRow] | None = None
    previous_application: list[RawRow] | None = None
    installments_payments: list[RawRow] | None = None
    POS_CASH_balance: list[RawRow] | None = None
    credit_card_balance: list[RawRow] | None = None


class SimulationRequest(Taken):
    """New values for fields of a form; of a client of the snapshot, or of whom a decision was about."""

    client_id: ClientId | None = None
    decision_id: DecisionId | None = None
    variants: Annotated[list[RawRow], Field(min_length=1, max_length=MOST_VARIANTS)]


class Variant(Scored):
    """An application as it would be."""

    changes: RawRow = {}
    class_: Literal["good payer", "bad payer"] = Field(alias="class")
    reasons: list[Reason] = Field([], max_length=4)
    average_points: float | None = None
    themes: list[Theme] = []
    adjustment_points: float | None = None
    riskier_than: dict[str, float | None] = {}
    history: list[History] = []


class Simulated(Given):
    """What all simulations have in common. None of them is a decision."""

    simulation_id: str
    simulated_at: str
    client_id: int | None
    decision_id: str | None
    model_version: int
    snapshot_id: str
    baseline: Variant = Field(description="The application as it is.")


class Simulation(Simulated):
    """An application as it is, and as it would be."""

    kind: Literal["simulation"]
    variants: list[Variant]


class Limits(Taken):
    """Smallest and largest value of a field."""

    least: Annotated[float, Field(gt=0, allow_inf_nan=False)]
    most: Annotated[float, Field(gt=0, allow_inf_nan=False)]


class CounterfactualRequest(Taken):
    """Whom to find a grant for, and within which limits."""

    client_id: ClientId | None = None
    decision_id: DecisionId | None = None
    limits: dict[Literal["AMT_CREDIT", "PAYMENTS", "AMT_GOODS_PRICE"], Limits] | None = Field(
        None, description="Fields that may change; PAYMENTS is how many annuities make up the credit."
    )
    most_changes: Annotated[StrictInt, Field(ge=1, le=3)] = 3


class Change(Given):
    """A field, and what it would have to be."""

    field: str
    from_: float = Field(alias="from")
    to: float


class Proposal(Scored):
    """An application that the served model grants."""

    changes: list[Change]
    application: dict[str, float]
    down_payment: float | None = Field(description="Price of the goods minus the credit.")
    class_: Literal["good payer", "bad payer"] = Field(alias="class")


class Range(Given):
    """Smallest and largest value that was looked at."""

    least: float
    most: float


class Counterfactuals(Simulated):
    """The nearest applications that would be granted."""

    kind: Literal["counterfactual"]
    granted_already: bool
    proposals: list[Proposal]
    limits: dict[str, Range]
    message: str = Field(description="Says so when there is none within these limits.")


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
    edges: list[float] = []
    values: list[str] = []
    groups: dict[str, list[float]]
    known: dict[str, float] = Field({}, description="Share of the group with a value.")
    clients: dict[str, int] = {}
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
