"""Known shifts of the clients in application_test, so that a drift report can be held against the truth."""

from dataclasses import dataclass, field

MILD = {
    "EXT_SOURCE_2": -0.25,
    "EXT_SOURCE_3": -0.30,
    "AMT_INCOME_TOTAL": 0.20,
    "AMT_GOODS_PRICE": 0.25,
    "DAYS_EMPLOYED": 0.20,
    "EXT_SOURCE_1?": 0.20,
    "bureau.STATE": 0.25,
    "previous.STATUS": 0.25,
}
STRONG = {
    "EXT_SOURCE_1": -0.50,
    "EXT_SOURCE_2": -0.60,
    "EXT_SOURCE_3": -0.70,
    "AMT_INCOME_TOTAL": 0.60,
    "AMT_GOODS_PRICE": 0.60,
    "DAYS_BIRTH": 0.50,
    "DAYS_EMPLOYED": 0.50,
    "OCCUPATION": 0.50,
    "REGION_RATING_CLIENT": 0.50,
    "EXT_SOURCE_1?": 0.50,
    "AMT_REQ_CREDIT_BUREAU_HOUR?": 0.50,
    "bureau.STATE": 0.60,
    "bureau.DAYS_CREDIT": 0.50,
    "previous.STATUS": 0.60,
    "pos.LATE_SHARE": 0.60,
    "card.UTILISATION": 0.50,
}


@dataclass(frozen=True)
class Drift:
    """A named set of shifts, each in standard deviations of the variable's normal score."""

    name: str
    shifts: dict[str, float] = field(default_factory=dict)

    def describe(self) -> str:
        """One line: variable and shift."""
        return ", ".join(f"{name} {shift:+.2f}" for name, shift in self.shifts.items()) or "nothing"


DRIFTS = {drift.name: drift for drift in (Drift("none"), Drift("mild", MILD), Drift("strong", STRONG))}
