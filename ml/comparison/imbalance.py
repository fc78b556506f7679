"""What to do about one defaulter among twelve applicants: options of every family, all inside the training fold."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from imblearn.base import BaseSampler
from imblearn.over_sampling import SMOTE, RandomOverSampler
from imblearn.under_sampling import RandomUnderSampler
from numpy.typing import ArrayLike, NDArray
from sklearn.utils.class_weight import compute_sample_weight

NONE, WEIGHTS, SMOTE_NAME = "none", "weights", "smote"
SMOTE_NEIGHBOURS = 5

SAMPLERS: Mapping[str, Callable[[int], BaseSampler]] = MappingProxyType(
    {
        "under": lambda seed: RandomUnderSampler(random_state=seed),
        "over": lambda seed: RandomOverSampler(random_state=seed),
        SMOTE_NAME: lambda seed: SMOTE(random_state=seed, k_neighbors=SMOTE_NEIGHBOURS),
    }
)
TREATMENTS = (NONE, WEIGHTS, *SAMPLERS)


def sampler(treatment: str, seed: int) -> BaseSampler | str:
    """The step of an imbalanced-learn pipeline that changes the rows of the training fold; it never sees others.

    Parameters
    ----------
    treatment : str
        One of `TREATMENTS`: "none", "weights" (rows stay, see `sample_weight`), "under" (good payers dropped at
        random), "over" (defaulters repeated at random), "smote" (defaulters made between neighbouring ones [1]_).
    seed : int
        Seed of the draws.

    Returns
    -------
    imblearn.base.BaseSampler or "passthrough"

    References
    ----------
    .. [1] N. V. Chawla et al., "SMOTE: synthetic minority over-sampling technique", JAIR 16, 2002.
    """
    return SAMPLERS[treatment](seed) if treatment in SAMPLERS else "passthrough"


def sample_weight(treatment: str, target: ArrayLike) -> NDArray[np.float64] | None:
    """Weight of each training row under "weights": both classes weigh the same in sum, 1 on average; None otherwise.

    Examples
    --------
    >>> sample_weight("weights", [0, 0, 0, 1]).round(3).tolist()
    [0.667, 0.667, 0.667, 2.0]
    >>> sample_weight("smote", [0, 0, 0, 1]) is None
    True
    """
    return compute_sample_weight("balanced", np.asarray(target)) if treatment == WEIGHTS else None
