"""New applicants, simulations, and what would have to change."""

from typing import Annotated, Literal

from pydantic import Field, StrictFloat, StrictInt, StrictStr

from ml.serving.http.schemas.base import ClientId, Explained, Given, Scored, Taken
from ml.serving.what_if.simulation import MOST_VARIANTS

DecisionId = Annotated[StrictStr, Field(pattern="^[0-9a-f]{32}$")]
Number = Annotated[StrictFloat, Field(allow_inf_nan=False)]
RawValue = StrictInt | Number | Annotated[StrictStr, Field(max_length=300)] | None
RawRow = dict[Annotated[str, Field(max_length=60)], RawValue]


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


class Variant(Scored, Explained):
    """An application as it would be."""

    changes: RawRow = Field({})


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
