"""Families of models, each behind the preparation it needs, as one imbalanced-learn pipeline."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np
from imblearn.pipeline import Pipeline
from lightgbm import LGBMClassifier
from numpy.typing import NDArray
from sklearn.base import ClassifierMixin, TransformerMixin
from sklearn.compose import ColumnTransformer
from sklearn.dummy import DummyClassifier
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import MissingIndicator, SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import Pipeline as SklearnPipeline
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, OneHotEncoder, QuantileTransformer, StandardScaler
from xgboost import XGBClassifier

from ml.comparison.imbalance import SMOTE_NAME, sampler
from ml.data.training_set import TrainingData
from ml.modelling.recipe import default_recipe

PREPARE, RESAMPLE, CLASSIFY = "prepare", "resample", "classify"
NO_LOAN = -1.0
RAREST_CATEGORY = 20
RAREST_PATTERN = 0.01
QUANTILES = 200


@dataclass(frozen=True)
class Columns:
    """How each column of `TrainingData.matrix` is to be prepared; positions, ascending.

    Attributes
    ----------
    measures : list of int
        Numbers; a gap takes the median.
    loan_amounts : list of int
        Money of loans that a client may not have; a gap takes -1, which no sum of money is.
    binary : list of int
        Columns of 0 and 1, categories of two values included: ordinal as they are; a gap takes the more frequent.
    nominal : list of int
        Categories of three values or more: one-hot.
    indicated : list of int
        One column of each pattern of gaps; whether it is missing becomes a column.
    quantiles : int
        Steps into which numbers are ranked.
    """

    measures: list[int]
    loan_amounts: list[int]
    binary: list[int]
    nominal: list[int]
    indicated: list[int]
    quantiles: int

    @classmethod
    def of(cls, data: TrainingData, loan_amounts: frozenset[str] = frozenset()) -> "Columns":
        """Tell the columns apart by type, values and gaps; labels play no part.

        Parameters
        ----------
        data : TrainingData
            Labelled applicants.
        loan_amounts : frozenset of str
            Names of the features that are money of loans.
        """
        measures: list[int] = []
        amounts: list[int] = []
        binary: list[int] = []
        nominal: list[int] = []
        for position, name in enumerate(data.features):
            if _is_binary(data.matrix[:, position]):
                binary.append(position)
            elif name in data.categories:
                nominal.append(position)
            else:
                (amounts if name in loan_amounts else measures).append(position)
        gaps = _distinct_gaps(data.matrix[:, : len(data.numeric)])
        return cls(measures, amounts, binary, nominal, gaps, min(QUANTILES, data.applicants // 2))


@dataclass(frozen=True)
class Family:
    """A kind of model.

    Attributes
    ----------
    build : callable
        Seed and whether to be quick, in; an estimator that takes `sample_weight`, out.
    prepare : str
        "gaps" for models that split on missing values, "filled" for the others.
    treatable : bool
        Whether a treatment of the imbalance can change its ranking of applicants.
    """

    build: Callable[[int, bool], ClassifierMixin]
    prepare: str = "filled"
    treatable: bool = True


def build_pipeline(name: str, treatment: str, columns: Columns, *, seed: int, quick: bool = False) -> Pipeline:
    """Preparation, resampling and classifier of one family, not fitted yet.

    All three are fitted on the rows given to `fit` and on no others; when it predicts, rows pass the resampling by.

    Parameters
    ----------
    name : str
        One of `FAMILIES`.
    treatment : str
        One of `ml.comparison.imbalance.TREATMENTS`.
    columns : Columns
        Of the matrix that it is to be fitted on.
    seed : int
        Seed of draws and starting values.
    quick : bool
        Smaller models, for a first look.

    Returns
    -------
    imblearn.pipeline.Pipeline
        Steps "prepare", "resample" and "classify"; takes rows of `TrainingData.matrix`.
    """
    family = FAMILIES[name]
    return Pipeline(
        [
            (PREPARE, PREPARATIONS[preparation_of(name, treatment)](columns)),
            (RESAMPLE, sampler(treatment, seed)),
            (CLASSIFY, family.build(seed, quick)),
        ]
    )


def preparation_of(name: str, treatment: str) -> str:
    """Which of `PREPARATIONS` a pipeline opens with; SMOTE measures distances, so nothing may be missing."""
    return "filled" if treatment == SMOTE_NAME else FAMILIES[name].prepare


def _filled(columns: Columns) -> ColumnTransformer:
    """No gaps, one scale: ranks of the numbers (money is too skewed for a mean), one-hot categories, indicators.

    In single precision: distances and gradients need no more, and take half the time.
    """

    def imputed(strategy: str, *steps: TransformerMixin) -> SklearnPipeline:
        """Fill the gaps, then the given steps, then one scale."""
        imputer = SimpleImputer(strategy=strategy, fill_value=NO_LOAN, keep_empty_features=True)
        return make_pipeline(imputer, FunctionTransformer(_single), *steps, StandardScaler())

    def ranks() -> QuantileTransformer:
        """Ranks instead of values, as many as the rows allow."""
        return QuantileTransformer(n_quantiles=columns.quantiles, subsample=None)

    return ColumnTransformer(
        [
            ("measures", imputed("median", ranks()), columns.measures),
            ("loan_amounts", imputed("constant", ranks()), columns.loan_amounts),
            ("binary", imputed("most_frequent"), columns.binary),
            ("nominal", _one_hot(), columns.nominal),
            ("missing", MissingIndicator(features="all"), columns.indicated),
        ]
    )


def _gaps(columns: Columns) -> ColumnTransformer:
    """Numbers as they are, gaps included; one-hot categories."""
    numbers = sorted(columns.measures + columns.loan_amounts + columns.binary)
    return ColumnTransformer([("numbers", "passthrough", numbers), ("nominal", _one_hot(), columns.nominal)])


def _single(values: NDArray[np.float64]) -> NDArray[np.float32]:
    return values.astype(np.float32)


def _one_hot() -> OneHotEncoder:
    """A missing value is a category of its own; rare ones share a column, as do those never seen."""
    return OneHotEncoder(
        min_frequency=RAREST_CATEGORY, handle_unknown="infrequent_if_exist", sparse_output=False, dtype=np.float32
    )


PREPARATIONS: Mapping[str, Callable[[Columns], ColumnTransformer]] = MappingProxyType(
    {"filled": _filled, "gaps": _gaps}
)


def _is_binary(values: NDArray[np.float64]) -> bool:
    """Whether 0 and 1 are the only values, apart from gaps."""
    known = values[~np.isnan(values)]
    return bool(known.size and np.isin(known, (0.0, 1.0)).all())


def _distinct_gaps(numbers: NDArray[np.float64]) -> list[int]:
    """First column of each pattern of gaps that is neither rare nor nearly everywhere."""
    missing = np.isnan(numbers)
    share = missing.mean(axis=0)
    candidates = np.flatnonzero((share >= RAREST_PATTERN) & (share <= 1 - RAREST_PATTERN))
    patterns = {np.packbits(missing[:, position]).tobytes(): position for position in candidates[::-1]}
    return sorted(int(position) for position in patterns.values())


def _logistic_regression(seed: int, quick: bool) -> LogisticRegression:
    return LogisticRegression(C=5e-4, max_iter=30 if quick else 500, tol=1e-3, random_state=seed)


def _random_forest(seed: int, quick: bool) -> RandomForestClassifier:
    return RandomForestClassifier(
        n_estimators=20 if quick else 300, min_samples_leaf=10, max_samples=0.8, n_jobs=-1, random_state=seed
    )


def _mlp(seed: int, quick: bool) -> MLPClassifier:
    units, epochs, step = ((16,), 6, 5e-3) if quick else ((32,), 15, 1e-3)
    return MLPClassifier(units, alpha=10.0, batch_size=64, max_iter=epochs, learning_rate_init=step, random_state=seed)


def _xgboost(seed: int, quick: bool) -> XGBClassifier:
    return XGBClassifier(
        n_estimators=40 if quick else 300,
        learning_rate=0.15 if quick else 0.03,
        max_depth=3,
        max_bin=63 if quick else 256,
        subsample=0.8,
        colsample_bynode=0.1,
        reg_lambda=20.0,
        min_child_weight=5.0,
        random_state=seed,
    )


def _lightgbm(seed: int, quick: bool) -> LGBMClassifier:
    recipe = replace(default_recipe(applicants=0), seed=seed).lightgbm_parameters()  # that of few applicants
    few = {"n_estimators": 40, "learning_rate": 0.15, "max_bin": 63} if quick else {}
    return LGBMClassifier(**recipe | few)


FAMILIES: Mapping[str, Family] = MappingProxyType(
    {
        "dummy": Family(lambda seed, quick: DummyClassifier(strategy="prior"), treatable=False),
        "logistic": Family(_logistic_regression),
        "random_forest": Family(_random_forest),
        "mlp": Family(_mlp),
        "xgboost": Family(_xgboost, "gaps"),
        "lightgbm": Family(_lightgbm, "gaps"),
    }
)
