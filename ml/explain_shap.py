"""Contributions of features to the log-odds of default: exact Shapley values of trees, averaged over the members."""

from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd
import shap
import xgboost as xgb
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from ml.scorer import CreditScorer
from warehouse.errors import ModelError


@dataclass(frozen=True)
class Contributions:
    """What each feature adds to the log-odds of default of each applicant, against the average applicant.

    Attributes
    ----------
    features : tuple of str
        Raw features that a member reads.
    values : ndarray of float64 of shape (n_applicants, n_features)
        Log-odds; above 0 raises the risk.
    base : float
        Log-odds of the average applicant in training, averaged over the members.
    explained_share : float
        Share of the members that are boosted trees and so stand in `values`; 0 to 1.
    """

    features: tuple[str, ...]
    values: NDArray[np.float64]
    base: float
    explained_share: float

    @property
    def log_odds(self) -> NDArray[np.float64]:
        """`base` and contributions added up, shape (n_applicants,); a single member's own log-odds."""
        return self.base + self.values.sum(axis=1)


def contributions(scorer: CreditScorer, frame: pd.DataFrame) -> Contributions:
    r"""TreeSHAP values of each applicant [1]_, averaged over the members that are boosted trees.

    .. math:: \phi_j = \frac{1}{M} \sum_m \phi_{j,m}, \quad b + \sum_j \phi_j = \frac{1}{M} \sum_m \text{logit}(p_m)

    The scorer averages probabilities and calibrates them; both come after what is split up here, so with several
    members the sum is the mean of their log-odds and not the log-odds of their mean.

    Parameters
    ----------
    scorer : CreditScorer
        The model.
    frame : DataFrame of shape (n_applicants, n_columns)
        Raw features.

    Returns
    -------
    Contributions

    Raises
    ------
    ModelError
        No member is a boosted tree model.

    References
    ----------
    .. [1] S. M. Lundberg et al., "From local explanations to global understanding with explainable AI for trees",
       Nature Machine Intelligence 2, 2020.
    """
    parts = [part for member in scorer.members if (part := _member_contributions(member, frame)) is not None]
    if not parts:
        kinds = sorted({type(_estimator(member)).__name__ for member in scorer.members})
        raise ModelError(
            expected="a model with boosted trees (LightGBM, XGBoost or scikit-learn's histogram trees) to explain",
            found=", ".join(kinds),
            remedy="explain another version with --version",
        )
    features = tuple(dict.fromkeys(name for names, _ in parts for name in names))
    position = {name: at for at, name in enumerate(features)}
    total = np.zeros((len(frame), len(features) + 1))
    for names, values in parts:
        total[:, [position[name] for name in names]] += values[:, :-1]
        total[:, -1] += values[:, -1]
    total /= len(parts)
    base = float(total[0, -1]) if len(frame) else float("nan")
    return Contributions(features, total[:, :-1], base, len(parts) / len(scorer.members))


def member_features(scorer: CreditScorer) -> tuple[str, ...]:
    """Raw features that the members read, in their order."""
    return tuple(dict.fromkeys(name for member in scorer.members for name in member.feature_names_in_))


def _estimator(member: Pipeline) -> object:
    return member.steps[-1][1]


def _member_contributions(member: Pipeline, frame: pd.DataFrame) -> tuple[list[str], NDArray[np.float64]] | None:
    """Names and log-odds, shape (n_applicants, n_features + 1) with the base in the last column; None for no tree."""
    estimator = _estimator(member)
    if not isinstance(estimator, lgb.LGBMClassifier | xgb.XGBClassifier) and not _histogram_trees(estimator):
        return None
    matrix = member[:-1].transform(frame)
    if isinstance(estimator, lgb.LGBMClassifier):
        values = estimator.booster_.predict(np.asarray(matrix, dtype=np.float64), pred_contrib=True)
    elif isinstance(estimator, xgb.XGBClassifier):
        names = estimator.get_booster().feature_names
        data = xgb.DMatrix(matrix, feature_names=names, enable_categorical=True)
        values = estimator.get_booster().predict(data, pred_contribs=True)
    else:
        explainer = shap.TreeExplainer(estimator)
        values = explainer.shap_values(np.asarray(matrix, dtype=np.float64))
        base = np.full((len(frame), 1), float(np.ravel(explainer.expected_value)[0]))
        values = np.hstack([values, base])
    return _by_raw_feature(member, np.asarray(values, dtype=np.float64))


def _histogram_trees(estimator: object) -> bool:
    return type(estimator).__name__ in {"HistGradientBoostingClassifier", "GradientBoostingClassifier"}


def _by_raw_feature(member: Pipeline, values: NDArray[np.float64]) -> tuple[list[str], NDArray[np.float64]]:
    """Add up what an encoder made of one raw feature (`education_lower`, `education_higher`)."""
    encoded = list(member[:-1].get_feature_names_out())
    raw = set(member.feature_names_in_)
    if raw.issuperset(encoded):
        return encoded, values
    owners = [_owner(name, raw) for name in encoded]
    names = list(dict.fromkeys(owners))
    position = {name: at for at, name in enumerate(names)}
    total = np.zeros((len(values), len(names) + 1))
    np.add.at(total.T, [position[name] for name in owners], values[:, :-1].T)
    total[:, -1] = values[:, -1]
    return names, total


def _owner(encoded: str, raw: set[str]) -> str:
    """The raw feature that an encoded column comes from: itself, or the longest that its name begins with."""
    if encoded in raw:
        return encoded
    owners = [name for name in raw if encoded.startswith(f"{name}_")]
    if not owners:
        raise ModelError(
            expected=f"a feature behind the encoded column {encoded}", found="none", remedy="train the model again"
        )
    return max(owners, key=len)
