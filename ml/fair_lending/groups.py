"""What a decision rule does to groups of applicants: approvals, errors, cost and calibration, with intervals."""

from collections.abc import Mapping
from dataclasses import dataclass, fields

import numpy as np
import pandas as pd
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from numpy.typing import NDArray

from ml.evaluation.bootstrap import Interval, drawn_cells, percentile_interval
from ml.evaluation.metrics import FALSE_NEGATIVE_COST, FALSE_POSITIVE_COST, decision_costs

FOUR_FIFTHS = 0.8
SMALL_GROUP = 30
RESAMPLES = 2_000
AGE_EDGES = (30, 40, 50, 60)
DAYS_PER_YEAR = 365.25
NOT_KNOWN = "not known"
GENDERS = {"F": "women", "M": "men"}

FloatArray = NDArray[np.float64]
Resamples = dict[str, dict[str, FloatArray]]  # measure by group


@dataclass(frozen=True)
class GroupMeasures:
    """One group of applicants under one decision rule; shares from 0 to 1, intervals of 95 %.

    Attributes
    ----------
    attribute, group : str
        Such as "age" and "30 to 39".
    applicants, defaulters : int
    default_rate : float
        Share that defaulted.
    approval_rate : Interval
        Share granted credit.
    impact_ratio : Interval
        Approval rate over that of the group of the attribute that is approved most, small groups left out if others
        are there; NaN for applicants of whom the attribute is not known.
    true_positive_rate : Interval
        Share of the defaulters refused; NaN without defaulters.
    false_positive_rate : Interval
        Share of the good payers refused; NaN without good payers.
    cost_per_1000 : Interval
        10 per defaulter granted credit and 1 per good payer refused, per 1,000 applications.
    mean_probability : float
        Mean predicted default probability; calibrated when it equals `default_rate`.
    brier_score : float
        Mean squared distance of probability and outcome.
    """

    attribute: str
    group: str
    applicants: int
    defaulters: int
    default_rate: float
    approval_rate: Interval
    impact_ratio: Interval
    true_positive_rate: Interval
    false_positive_rate: Interval
    cost_per_1000: Interval
    mean_probability: float
    brier_score: float

    @property
    def is_small(self) -> bool:
        """Fewer than 30 defaulters: the intervals say more than the estimates."""
        return self.defaulters < SMALL_GROUP

    @property
    def fails_four_fifths(self) -> bool:
        """Approved less than four fifths as often as the group of the attribute that is approved most."""
        return self.impact_ratio.estimate < FOUR_FIFTHS


def age_band(age: float) -> str:
    """Band of ten years of an age in years.

    Examples
    --------
    >>> [age_band(age) for age in (21.5, 30.0, 59.9, 60.0, float("nan"))]
    ['under 30', '30 to 39', '50 to 59', '60 and over', 'not known']
    """
    if np.isnan(age):
        return NOT_KNOWN
    if age < AGE_EDGES[0]:
        return f"under {AGE_EDGES[0]}"
    if age >= AGE_EDGES[-1]:
        return f"{AGE_EDGES[-1]} and over"
    low = max(edge for edge in AGE_EDGES if edge <= age)
    return f"{low} to {low + 9}"


def attributes(gender: pd.Series, days_birth: pd.Series, family_status: pd.Series) -> dict[str, pd.Series]:
    """Group of each applicant by attribute, from the columns of the marts (days_birth < 0)."""
    ages = -days_birth.astype("float64") / DAYS_PER_YEAR
    return {
        "gender": gender.map(GENDERS).fillna(NOT_KNOWN),
        "age": ages.map(age_band),
        "family status": family_status.fillna(NOT_KNOWN).astype(str),
    }


def measure_groups(
    target: NDArray[np.int8],
    probability: FloatArray,
    refused: NDArray[np.bool_],
    groups: Mapping[str, pd.Series],
    seed: int,
) -> list[GroupMeasures]:
    """Measure every group of every attribute.

    Parameters
    ----------
    target : ndarray of shape (n_applicants,)
        1 = default.
    probability : ndarray of shape (n_applicants,)
        Predicted default probability, 0 to 1.
    refused : ndarray of bool of shape (n_applicants,)
        Decisions.
    groups : mapping of str to Series of shape (n_applicants,)
        Group of each applicant by attribute; see `attributes`.
    seed : int
        Of the bootstrap.

    Returns
    -------
    list of GroupMeasures
        By attribute; groups in alphabetical order, the youngest first.

    References
    ----------
    .. [1] S. Bird et al., "Fairlearn: a toolkit for assessing and improving fairness in AI", Microsoft, 2020.
    .. [2] Uniform Guidelines on Employee Selection Procedures, 29 CFR 1607.4 D, 1978: the four-fifths rule.
    """
    random = np.random.default_rng(seed)
    measured = []
    for attribute, membership in groups.items():
        names = membership.to_numpy()
        points = _points(target, probability, refused, names)
        order = sorted(points.index, key=lambda name: (name == NOT_KNOWN, not name.startswith("under"), name))
        drawn = {name: _resampled(target[names == name], refused[names == name], random) for name in order}
        known = [name for name in order if name != NOT_KNOWN]
        large = [name for name in known if points.loc[name, "defaulters"] >= SMALL_GROUP]
        most = max(large or known, key=lambda name: points.loc[name, "approval_rate"], default=None)
        measured += [_group(attribute, name, points, drawn, most) for name in order]
    return measured


def groups_frame(measured: list[GroupMeasures]) -> pd.DataFrame:
    """One row per group with all measures; the ends of an interval in columns `_low` and `_high`."""
    return pd.DataFrame([_row(group) for group in measured])


def lowest_impact(measured: list[GroupMeasures]) -> dict[str, GroupMeasures]:
    """Group of least impact ratio by attribute, small groups left out; attributes with such a group only."""
    found: dict[str, GroupMeasures] = {}
    for group in measured:
        lowest = found.get(group.attribute)
        usable = not group.is_small and not np.isnan(group.impact_ratio.estimate)
        if usable and (lowest is None or group.impact_ratio.estimate < lowest.impact_ratio.estimate):
            found[group.attribute] = group
    return found


def _points(
    target: NDArray[np.int8], probability: FloatArray, refused: NDArray[np.bool_], names: NDArray[np.object_]
) -> pd.DataFrame:
    """Estimates by group.

    Fairlearn counts the decisions by group, outcome and decision, weighted: row by row it takes minutes.
    """
    rows = pd.DataFrame({"group": names, "target": target, "refused": refused.astype(int), "probability": probability})
    cells = rows.groupby(["group", "target", "refused"]).size().reset_index(name="applicants")
    measures = {
        "refusal_rate": selection_rate,
        "true_positive_rate": true_positive_rate,
        "false_positive_rate": false_positive_rate,
    }
    points = MetricFrame(
        metrics=measures,
        y_true=cells["target"],
        y_pred=cells["refused"],
        sensitive_features=cells["group"],
        sample_params={name: {"sample_weight": cells["applicants"]} for name in measures},
    ).by_group.astype(float)
    rows["brier_score"] = (probability - target) ** 2
    rows["cost_per_1000"] = 1000 * decision_costs(target, refused)
    by_group = rows.groupby("group")
    points["applicants"], points["defaulters"] = by_group.size(), by_group["target"].sum()
    points[["brier_score", "cost_per_1000"]] = by_group[["brier_score", "cost_per_1000"]].mean()
    points["mean_probability"] = by_group["probability"].mean()
    points["approval_rate"] = 1 - points["refusal_rate"]
    points.loc[points["defaulters"] == 0, "true_positive_rate"] = np.nan
    points.loc[points["defaulters"] == points["applicants"], "false_positive_rate"] = np.nan
    return points


def _resampled(
    target: NDArray[np.int8], refused: NDArray[np.bool_], random: np.random.Generator
) -> dict[str, FloatArray]:
    """Measures of resamples of a group, whose decisions have four outcomes."""
    cells = np.bincount(2 * target.astype(int) + refused, minlength=4)
    drawn = drawn_cells(cells, RESAMPLES, random).astype(float)
    granted_payers, refused_payers, granted_defaulters, refused_defaulters = drawn.T
    costs = FALSE_NEGATIVE_COST * granted_defaulters + FALSE_POSITIVE_COST * refused_payers
    with np.errstate(invalid="ignore"):  # a resample of one class
        return {
            "approval_rate": (granted_payers + granted_defaulters) / target.size,
            "true_positive_rate": refused_defaulters / (refused_defaulters + granted_defaulters),
            "false_positive_rate": refused_payers / (refused_payers + granted_payers),
            "cost_per_1000": 1000 * costs / target.size,
        }


def _group(attribute: str, name: str, points: pd.DataFrame, drawn: Resamples, most: str | None) -> GroupMeasures:
    point = points.loc[name]
    intervals = {measure: percentile_interval(point[measure], values) for measure, values in drawn[name].items()}
    return GroupMeasures(
        attribute=attribute,
        group=name,
        applicants=int(point["applicants"]),
        defaulters=int(point["defaulters"]),
        default_rate=float(point["defaulters"] / point["applicants"]),
        impact_ratio=_impact(name, points["approval_rate"], drawn, most),
        mean_probability=float(point["mean_probability"]),
        brier_score=float(point["brier_score"]),
        **intervals,
    )


def _impact(name: str, approval: pd.Series, drawn: Resamples, most: str | None) -> Interval:
    if most is None or name == NOT_KNOWN or approval[most] == 0:
        return Interval(np.nan, np.nan, np.nan)
    if name == most:
        return Interval(1.0, 1.0, 1.0)
    with np.errstate(invalid="ignore", divide="ignore"):  # a resample of refused applicants only
        ratios = drawn[name]["approval_rate"] / drawn[most]["approval_rate"]
    return percentile_interval(approval[name] / approval[most], ratios)


def _row(group: GroupMeasures) -> dict[str, object]:
    row: dict[str, object] = {}
    for item in fields(group):
        value = getattr(group, item.name)
        if isinstance(value, Interval):
            row |= {item.name: value.estimate, f"{item.name}_low": value.low, f"{item.name}_high": value.high}
        else:
            row[item.name] = value
    return row | {"is_small": group.is_small, "fails_four_fifths": group.fails_four_fifths}
