"""Features chosen by null importance: what a feature gains with the true labels against shuffled ones.

Chosen on training rows only, within each fold anew.
"""

import lightgbm as lgb
import numpy as np
from numpy.typing import NDArray

from ml.data.training_set import TrainingData
from ml.modelling.pipeline import NEIGHBOUR_COLUMNS, binned_dataset
from ml.modelling.recipe import TrainingConfig

SHUFFLES = 10
ROUNDS = 100
QUANTILE = 0.75


def select_features(data: TrainingData, config: TrainingConfig) -> tuple[str, ...]:
    """Features whose gain with the true labels exceeds the upper quartile of their gains with shuffled labels.

    Parameters
    ----------
    data : TrainingData
        The training rows, and no others.
    config : TrainingConfig
        Its seed decides the shuffles, its parameters the trees.

    Returns
    -------
    tuple of str
        In the order of `data.features`; all of them when none stands out.

    References
    ----------
    .. [1] A. Altmann et al., "Permutation importance: a corrected feature importance measure", Bioinformatics 26, 2010.
    """
    dataset = binned_dataset(data, config)
    true = _gains(dataset, data.target, config)
    random = np.random.default_rng(config.seed)
    shuffled = [_gains(dataset, random.permutation(data.target), config) for _ in range(SHUFFLES)]
    kept = true > np.quantile(shuffled, QUANTILE, axis=0)
    if not kept.any():
        return data.features
    if "neighbours" in config.extras:
        kept |= np.isin(data.features, NEIGHBOUR_COLUMNS)
    return tuple(name for name, keep in zip(data.features, kept, strict=True) if keep)


def _gains(dataset: lgb.Dataset, target: NDArray[np.int8], config: TrainingConfig) -> NDArray[np.float64]:
    parameters = config.lightgbm_parameters()
    del parameters["n_estimators"]
    booster = lgb.train(parameters, dataset.set_label(target), num_boost_round=min(ROUNDS, config.rounds))
    return booster.feature_importance("gain")
