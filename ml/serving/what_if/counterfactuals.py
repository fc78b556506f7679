"""What would have to change for a grant: a down payment, the number of payments, the goods; at most three of them.

Less credit for the same goods is a down payment (AMT_CREDIT). Cheaper goods are financed to the same share, so that the
credit falls with their price (AMT_GOODS_PRICE). The annuity follows from credit and number of payments (PAYMENTS).

All candidates of a grid go through the snapshot's SQL and the served model in one pass, those nearest to the
application that are granted are then drawn as near to it as the model allows, in a second pass. What is proposed has
been decided by the model itself; it is plausible when nothing about the loan or what it costs lies farther out than
with 99 % of accepted clients, or than it lies already.
"""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from ml.data.population import ACCEPTED, GRID
from ml.served.scorer import GRANT
from ml.serving.deciding.decisions import Document, documents
from ml.serving.deciding.records import Records
from ml.serving.deciding.refusals import UNUSABLE_INPUT, Refusal
from ml.serving.live.features import Features
from ml.serving.live.generation import Generation
from ml.serving.what_if.applicants import APPLICATION, Subject, subject_of, variants_of
from ml.serving.what_if.simulation import ANNUITY, CREDIT, GOODS_PRICE, PAYMENTS, record_simulation, upper_case

COUNTERFACTUAL = "counterfactual"
FIELDS = (CREDIT, PAYMENTS, GOODS_PRICE)
DEFAULT_LIMITS = {CREDIT: (0.6, 1.0), PAYMENTS: (0.5, 2.0), GOODS_PRICE: (0.4, 1.0)}  # of what is asked for
STEPS = {1: 12, 2: 5, 3: 3}  # of each field, by the number of fields that change
MOST_PROPOSALS = 3
MOST_REFINED = 8
REFINEMENTS = 12
SMALLEST_CHANGE = 0.005
ONE_MORE_CHANGE = 0.15  # a further change counts as much as 15 % of a value
TAIL = 0.005
LOAN_THEMES = frozenset({"loan", "affordability"})
NONE_FOUND, GRANTED = "none within these limits", "granted already"
Factors = dict[str, float]


@dataclass(frozen=True)
class Asked:
    """What the client asks for."""

    credit: float
    annuity: float
    goods_price: float | None

    @property
    def values(self) -> dict[str, float]:
        """By field."""
        known = {CREDIT: self.credit, PAYMENTS: self.credit / self.annuity}
        return known if self.goods_price is None else known | {GOODS_PRICE: self.goods_price}

    def changed(self, factors: Factors) -> dict[str, float]:
        """Columns of the application when fields are multiplied."""
        cheaper = factors.get(GOODS_PRICE, 1.0)
        credit = round(self.credit * factors.get(CREDIT, 1.0) * cheaper, 2)
        payments = self.credit / self.annuity * factors.get(PAYMENTS, 1.0)
        columns = {CREDIT: credit, ANNUITY: round(credit / payments, 2)}
        if GOODS_PRICE in factors and self.goods_price is not None:
            columns[GOODS_PRICE] = round(self.goods_price * cheaper, 2)
        return columns


@dataclass(frozen=True)
class Candidate:
    """Factors by field, and what the model says to the application that they make."""

    factors: Factors
    document: Document


def propose(
    generation: Generation,
    records: Records,
    by: str,
    *,
    client_id: int | None = None,
    decision_id: str | None = None,
    limits: Mapping[str, tuple[float, float]] | None = None,
    most_changes: int = 3,
) -> Document:
    """The nearest applications that would be granted.

    Parameters
    ----------
    generation : Generation
    records : Records
    by : str
        Name of the key that asks.
    client_id, decision_id
        One of them, as in `ml.serving.what_if.simulation.simulate`.
    limits : mapping of str to pair of float, optional
        Smallest and largest value by field (`FIELDS`); the other fields stay. By default 60 to 100 % of the credit for
        the same goods, half to twice the payments, 40 to 100 % of the price of the goods.
    most_changes : int
        1 to 3.

    Returns
    -------
    dict
        `granted_already`, `proposals` (nearest first; `changes`, the new columns, score and decision), `message`.

    Raises
    ------
    Refusal
        There is no such client or decision, the application has no amount or annuity, or a limit is none.
    """
    subject = subject_of(generation, records, client_id=client_id, decision_id=decision_id)
    asked = _asked(upper_case(subject.rows[APPLICATION]))
    ranges = _ranges(asked, limits)
    baseline, found = _granted(generation, subject, asked, _grid(asked, ranges, most_changes))
    granted_already = baseline["decision"] == GRANT
    proposals = [] if granted_already else _proposals(generation, subject, asked, found)
    content: Document = {
        "baseline": baseline,
        "granted_already": granted_already,
        "proposals": proposals,
        "limits": {field: {"least": low, "most": high} for field, (low, high) in ranges.items()},
        "message": GRANTED if granted_already else "" if proposals else NONE_FOUND,
    }
    return record_simulation(generation, records, subject, COUNTERFACTUAL, by, content)


def _granted(
    generation: Generation, subject: Subject, asked: Asked, candidates: Sequence[Factors]
) -> tuple[Document, list[Candidate]]:
    """The application as it is, and the candidates that the model grants and that are plausible."""
    replacements = [{}, *(asked.changed(factors) for factors in candidates)]
    features = variants_of(generation, subject.rows, replacements)
    baseline, *answers = documents(generation, features, reasons=False)
    plausible = _plausible(generation, features)
    return baseline, [
        Candidate(factors, answer)
        for factors, answer, sound in zip(candidates, answers, plausible, strict=True)
        if sound and answer["decision"] == GRANT
    ]


def _proposals(generation: Generation, subject: Subject, asked: Asked, found: Sequence[Candidate]) -> list[Document]:
    """The nearest candidates, drawn as near to the application as the model grants them."""
    shares = [step / REFINEMENTS for step in range(1, REFINEMENTS)]
    closer = [_towards(one.factors, share) for one in _nearest(found, MOST_REFINED) for share in shares]
    refined = _granted(generation, subject, asked, closer)[1] if closer else []
    return [_proposal(asked, candidate) for candidate in _nearest([*found, *refined], MOST_PROPOSALS)]


def _asked(application: Mapping[str, Any]) -> Asked:
    credit, annuity = application.get(CREDIT), application.get(ANNUITY)
    if not credit or not annuity:
        raise Refusal(UNUSABLE_INPUT, "the application has no amount or no annuity to change")
    return Asked(float(credit), float(annuity), application.get(GOODS_PRICE))


def _ranges(asked: Asked, limits: Mapping[str, tuple[float, float]] | None) -> dict[str, tuple[float, float]]:
    """Smallest and largest value of each field that may change."""
    if limits is None:
        return {
            field: (round(value * DEFAULT_LIMITS[field][0], 2), round(value * DEFAULT_LIMITS[field][1], 2))
            for field, value in asked.values.items()
        }
    for field, (low, high) in limits.items():
        if field not in asked.values or not 0 < low <= high:
            raise Refusal(UNUSABLE_INPUT, f"limits are two rising numbers above 0 for {', '.join(asked.values)}")
    return dict(limits)


def _plausible(generation: Generation, features: Features) -> list[bool]:
    """Whether terms of the loan lie within those of accepted clients; the first row is what is asked for.

    A value that lies outside already may stay there, but go no farther.
    """
    stats = generation.stats
    names = tuple(
        name
        for name in stats.numeric
        if generation.catalog[name].theme in LOAN_THEMES and name in features.layout.number_at
    )
    accepted = stats.quantiles[ACCEPTED][[stats.numeric.index(name) for name in names]]
    low, high = accepted[:, round(TAIL * (GRID - 1))], accepted[:, round((1 - TAIL) * (GRID - 1))]
    values = features.numbers(names)
    own = values[0]
    with np.errstate(invalid="ignore"):
        outside = (values[1:] < np.fmin(low, own)) | (values[1:] > np.fmax(high, own))
    return [not row.any() for row in outside]


def _grid(asked: Asked, ranges: Mapping[str, tuple[float, float]], most_changes: int) -> list[Factors]:
    """Every combination of steps within the limits, with one, two and three fields changed."""
    grid: list[Factors] = []
    for changes in range(1, min(most_changes, len(ranges)) + 1):
        for fields in itertools.combinations(ranges, changes):
            steps = [_steps(asked.values[field], ranges[field], STEPS[changes]) for field in fields]
            grid += [dict(zip(fields, factors, strict=True)) for factors in itertools.product(*steps)]
    return grid


def _steps(value: float, limits: tuple[float, float], count: int) -> list[float]:
    """Factors from one limit to the other, without those that change next to nothing."""
    factors = np.linspace(limits[0] / value, limits[1] / value, count).tolist()
    return [factor for factor in factors if abs(factor - 1) >= SMALLEST_CHANGE]


def _towards(factors: Factors, share: float) -> Factors:
    """A part of the way from what is asked for to a candidate."""
    return {field: 1 + share * (factor - 1) for field, factor in factors.items()}


def _distance(factors: Factors) -> float:
    """How far a candidate lies from what is asked for."""
    return sum(abs(math.log(factor)) for factor in factors.values()) + ONE_MORE_CHANGE * (len(factors) - 1)


def _nearest(candidates: Sequence[Candidate], count: int) -> list[Candidate]:
    """The nearest candidate of each set of fields, the nearest first."""
    ordered = sorted(candidates, key=lambda candidate: _distance(candidate.factors))
    best: dict[frozenset[str], Candidate] = {}
    for candidate in ordered:
        best.setdefault(frozenset(candidate.factors), candidate)
    return list(best.values())[:count]


def _proposal(asked: Asked, candidate: Candidate) -> Document:
    columns = asked.changed(candidate.factors)
    new = Asked(columns[CREDIT], columns[ANNUITY], columns.get(GOODS_PRICE, asked.goods_price)).values
    changes = [
        {"field": field, "from": round(asked.values[field], 1), "to": round(new[field], 1)}
        for field in candidate.factors
    ]
    down_payment = None if asked.goods_price is None else round(new[GOODS_PRICE] - new[CREDIT], 2)
    return {"changes": changes, "application": columns, "down_payment": down_payment} | candidate.document
