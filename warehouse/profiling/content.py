"""Everything that the page shows, measured."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from warehouse.loading.contract import Contract
from warehouse.profiling.oddities import Extreme, Oddity
from warehouse.profiling.rates import Breakdown, DefaultRate
from warehouse.profiling.strength import Strength
from warehouse.profiling.tables import TableProfile


@dataclass(frozen=True)
class Profile:
    """What was measured on one warehouse.

    Attributes
    ----------
    warehouse : str
        Name of the file.
    made_at : datetime
        In UTC.
    contract : Contract
    tables : sequence of TableProfile
        application_train first.
    overall : DefaultRate
        Of all labelled applications.
    defaulters_credit : float or None
        Defaulters' share of the credit granted, between 0 and 1; None without labelled applications.
    breakdowns : sequence of Breakdown
    oddities : sequence of Oddity
    extremes : sequence of Extreme
    rising, falling : sequence of Strength
        Columns of application_train that rise and fall most with default.
    features : sequence of Strength or None
        Features of the marts, the strongest first; None when the marts are not built.
    """

    warehouse: str
    made_at: datetime
    contract: Contract
    tables: Sequence[TableProfile]
    overall: DefaultRate
    defaulters_credit: float | None
    breakdowns: Sequence[Breakdown]
    oddities: Sequence[Oddity]
    extremes: Sequence[Extreme]
    rising: Sequence[Strength]
    falling: Sequence[Strength]
    features: Sequence[Strength] | None
