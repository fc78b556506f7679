"""The model: text encoded as categories, then LightGBM; one recipe for a fold, for the final fit and for serving."""

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from ml.config import TrainingConfig
from ml.data import TrainingData

TRUSTED_TYPES = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "numpy.dtype",
)


def binned_dataset(data: TrainingData, config: TrainingConfig) -> lgb.Dataset:
    """All applicants, binned once; the folds train on subsets of it.

    Bins are quantiles of the features alone, so they carry nothing of the labels from fold to fold.
    """
    return lgb.Dataset(
        data.matrix,
        label=data.target,
        feature_name=list(data.features),
        categorical_feature=data.categorical_positions,
        params=config.lightgbm_parameters(),
    ).construct()


def fit_on_rows(dataset: lgb.Dataset, rows: NDArray[np.int64], config: TrainingConfig) -> lgb.Booster:
    """Train on some rows of a binned data set.

    Parameters
    ----------
    dataset : lightgbm.Dataset
        From `binned_dataset`.
    rows : ndarray of int64
        Positions of the rows to train on, ascending.
    config : TrainingConfig
        The recipe.

    Returns
    -------
    lightgbm.Booster
        Its `predict` gives default probabilities of rows of `TrainingData.matrix`.
    """
    parameters = config.lightgbm_parameters()
    rounds = parameters.pop("n_estimators")
    return lgb.train(parameters, dataset.subset(rows), num_boost_round=rounds)


def build_pipeline(data: TrainingData, config: TrainingConfig) -> Pipeline:
    """The model that is registered and served, not fitted yet: raw features in, default probability out.

    A text that was not seen in training counts as missing.

    Parameters
    ----------
    data : TrainingData
        Gives the names and the categories.
    config : TrainingConfig
        The recipe.

    Returns
    -------
    sklearn.pipeline.Pipeline
        `predict_proba(frame)[:, 1]` is the default probability.
    """
    steps: list[tuple[str, object, list[str]]] = [("numeric", "passthrough", list(data.numeric))]
    if data.categories:
        encoder = OrdinalEncoder(
            categories=[np.array(values, dtype=object) for values in data.categories.values()],
            handle_unknown="use_encoded_value",
            unknown_value=np.nan,
            encoded_missing_value=np.nan,
        )
        steps.append(("categorical", encoder, list(data.categories)))
    features = ColumnTransformer(steps, verbose_feature_names_out=False).set_output(transform="pandas")
    return Pipeline([("features", features), ("classifier", lgb.LGBMClassifier(**config.lightgbm_parameters()))])


def fit_pipeline(data: TrainingData, config: TrainingConfig) -> Pipeline:
    """Fit the model on all applicants.

    The trees train on `data.matrix`, which holds what the encoder gives, so that the features exist once in memory.
    """
    pipeline = build_pipeline(data, config)
    pipeline.named_steps["features"].fit(data.frame(slice(0, 1)))
    pipeline.named_steps["classifier"].fit(
        data.matrix,
        data.target.astype(np.int64),
        feature_name=list(data.features),
        categorical_feature=data.categorical_positions,
    )
    return pipeline
