"""Contributions of features to the log-odds of default: exact Shapley values, averaged over the model's members."""

from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from ml.served.calibration import log_odds
from ml.served.scorer import CreditScorer
from ml.served.transformers import LinearInputs
from warehouse.core.errors import ModelError

RATE_SUFFIX = "_default_rate"
EXPLAINED_FAMILIES = "LightGBM or logistic regression"


@dataclass(frozen=True)
class Contributions:
    """What each feature adds to the log-odds of default of each applicant, against the average applicant.

    Attributes
    ----------
    features : tuple of str
        Raw features that an explained member reads; what a member made of one of them counts as that one.
    values : ndarray of float64 of shape (n_applicants, n_features)
        Log-odds; above 0 raises the risk.
    base : float
        Log-odds of the average applicant in training, averaged over the members.
    explained_share : float
        Weight of the members that stand in `values` among all; 0 to 1.
    left_out : tuple of str
        Families of the other members.
    """

    features: tuple[str, ...]
    values: NDArray[np.float64]
    base: float
    explained_share: float
    left_out: tuple[str, ...] = ()

    @property
    def log_odds(self) -> NDArray[np.float64]:
        """`base` and contributions added up, shape (n_applicants,); a single member's own log-odds."""
        return self.base + self.values.sum(axis=1)


class Encoded:
    """Clients as the first step of the members gives them: made once for all members whose first step is the same.

    Parameters
    ----------
    frame : DataFrame of shape (n_applicants, n_columns)
        Raw features; one applicant or more.
    """

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._done: list[tuple[ColumnTransformer, pd.DataFrame]] = []

    def by(self, member: Pipeline) -> pd.DataFrame:
        """What the first step of a member gives."""
        step = member[0]
        for other, encoded in self._done:
            if _same_encoder(step, other):
                return encoded
        self._done.append((step, step.transform(self.frame)))
        return self._done[-1][1]


def decide(scorer: CreditScorer, encoded: Encoded) -> pd.DataFrame:
    """`CreditScorer.decide`, with the first step of the members done once when it is the same in all of them."""
    first, *others = scorer.members
    if not all(_same_encoder(first[0], member[0]) for member in others):
        return scorer.decide(encoded.frame)
    return replace(scorer, members=tuple(member[1:] for member in scorer.members)).decide(encoded.by(first))


def contributions(scorer: CreditScorer, encoded: Encoded) -> Contributions:
    r"""Shapley values of each applicant, averaged over the members by their weights.

    .. math:: \phi_j = \sum_m w_m \phi_{j,m}, \quad b + \sum_j \phi_j = \sum_m w_m \text{logit}(p_m)

    Boosted trees: TreeSHAP as LightGBM computes it [1]_. Logistic regression: coefficient times centred input, exact
    when inputs are taken as independent. A member of another family has no exact split of its log-odds that is fast;
    it is left out, and `explained_share` says what is left.

    The scorer averages probabilities and calibrates them. Both come after what is split up here, so with several
    members the sum is the mean of their log-odds and not the log-odds of their mean.

    Parameters
    ----------
    scorer : CreditScorer
        The model.
    encoded : Encoded
        The applicants.

    Returns
    -------
    Contributions

    Raises
    ------
    ModelError
        No member can be explained.

    References
    ----------
    .. [1] S. M. Lundberg et al., "From local explanations to global understanding with explainable AI for trees",
       Nature Machine Intelligence 2, 2020.
    """
    weights = scorer.weights or (1 / len(scorer.members),) * len(scorer.members)
    explained = [pair for pair in zip(scorer.members, weights, strict=True) if _explainable(pair[0])]
    left_out = sorted({type(member[-1]).__name__ for member in scorer.members if not _explainable(member)})
    if not explained:
        raise ModelError(
            expected=f"a member of {EXPLAINED_FAMILIES} to explain",
            found=", ".join(left_out),
            remedy="explain another version with --version",
        )
    parts = [(*_member_contributions(member, encoded.by(member)), weight) for member, weight in explained]
    total_weight = sum(weight for *_, weight in parts)
    features = tuple(dict.fromkeys(name for names, *_ in parts for name in names))
    position = {name: at for at, name in enumerate(features)}
    values, base = np.zeros((len(encoded.frame), len(features))), 0.0
    for names, own, own_base, weight in parts:
        values[:, [position[name] for name in names]] += weight / total_weight * own
        base += weight / total_weight * own_base
    return Contributions(features, values, base, total_weight / sum(weights), tuple(left_out))


def additivity_error(scorer: CreditScorer, frame: pd.DataFrame, parts: Contributions) -> float:
    """Greatest distance between contributions added up and the log-odds that the explained members predict."""
    weights = scorer.weights or (1.0,) * len(scorer.members)
    explained = [pair for pair in zip(scorer.members, weights, strict=True) if _explainable(pair[0])]
    predicted = np.average(
        [log_odds(member.predict_proba(frame)[:, 1]) for member, _ in explained],
        axis=0,
        weights=[weight for _, weight in explained],
    )
    return float(np.abs(parts.log_odds - predicted).max())


def _same_encoder(one: ColumnTransformer, other: ColumnTransformer) -> bool:
    if one is other:
        return True
    same_names = np.array_equal(one.feature_names_in_, other.feature_names_in_)
    return same_names and all(
        np.array_equal(mine, theirs) for mine, theirs in zip(_categories(one), _categories(other), strict=False)
    )


def _categories(encoder: ColumnTransformer) -> list[NDArray]:
    return getattr(encoder.named_transformers_.get("categorical"), "categories_", [])


def _explainable(member: Pipeline) -> bool:
    if isinstance(member[-1], lgb.LGBMClassifier):
        return True
    return isinstance(member[-1], LogisticRegression) and isinstance(member[-2], LinearInputs)


def _member_contributions(member: Pipeline, encoded: pd.DataFrame) -> tuple[list[str], NDArray[np.float64], float]:
    """Raw features, log-odds of shape (n_applicants, n_features), base."""
    inputs = encoded
    for _, step in member.steps[1 : -2 if _is_linear(member) else -1]:
        inputs = step.transform(inputs)
    columns = explained_columns(member, list(inputs.columns))
    given = member[-2].transform(inputs) if _is_linear(member) else inputs.to_numpy()
    values, base = explained_values(member, given)
    names, summed = _by_raw_feature(columns, values, set(member.feature_names_in_))
    return names, summed, base


def explained_columns(member: Pipeline, columns: list[str]) -> list[str]:
    """Column behind each input of a member's classifier; `columns` go into the step before it or into itself."""
    if not _is_linear(member):
        return columns
    step = member[-2]
    return [columns[int(at)] for at in [*step.numbers_, *(place for place, _ in step.categories_)]]


def explained_values(member: Pipeline, inputs: NDArray[np.floating]) -> tuple[NDArray[np.float64], float]:
    """Log-odds that each input of a member's classifier adds, shape (n_applicants, n_inputs), and the base."""
    classifier = member[-1]
    if _is_linear(member):
        return inputs.astype(np.float64) * classifier.coef_[0], float(classifier.intercept_[0])
    threads = {"num_threads": 1} if len(inputs) == 1 else {}
    answer = classifier.booster_.predict(inputs, pred_contrib=True, **threads)
    return answer[:, :-1], float(answer[0, -1])


def raw_owner(column: str, raw: set[str]) -> str:
    """Raw feature that a column of a member counts as: itself, or the text behind a default rate.

    A column made of several features stands for itself.
    """
    if column in raw:
        return column
    text = column.removesuffix(RATE_SUFFIX)
    return text if text in raw else column


def _is_linear(member: Pipeline) -> bool:
    return isinstance(member[-1], LogisticRegression)


def _by_raw_feature(
    columns: list[str], values: NDArray[np.float64], raw: set[str]
) -> tuple[list[str], NDArray[np.float64]]:
    """Add up the columns that a member made of one raw feature: its categories, its default rate."""
    owners = [raw_owner(name, raw) for name in columns]
    names = list(dict.fromkeys(owners))
    if names == owners:
        return names, values
    position = {name: at for at, name in enumerate(names)}
    total = np.zeros((len(values), len(names)))
    np.add.at(total.T, [position[name] for name in owners], values.T)
    return names, total
