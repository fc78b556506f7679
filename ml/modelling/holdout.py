"""The hold-out: applicants that nothing is chosen on, judged once."""

import hashlib
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ml.data.training_set import TrainingData
from warehouse.core.errors import TrainingDataError

FEWEST_OF_A_CLASS = 2


@dataclass(frozen=True)
class Split:
    """The applicants, parted.

    Attributes
    ----------
    development : TrainingData
        What folds, calibration, threshold, selection and guards see.
    holdout : TrainingData or None
        What only the final report sees; None when nothing was set aside.
    """

    development: TrainingData
    holdout: TrainingData | None


def split_holdout(data: TrainingData, share: float, seed: int) -> Split:
    """Set applicants aside, the same share of defaulters and of good payers.

    Within each class the applicants are ordered by a hash of seed and key, and the first are taken: an applicant who is
    set aside stays so when others arrive, but for a few at the edge.

    Parameters
    ----------
    data : TrainingData
        All labelled applicants.
    share : float
        Of the applicants to set aside, 0 <= share < 1; 0 sets nobody aside.
    seed : int
        Of the hash.

    Returns
    -------
    Split

    Raises
    ------
    TrainingDataError
        Fewer than two defaulters or two good payers would be on either side.
    """
    if share == 0:
        return Split(data, None)
    aside = np.zeros(data.applicants, dtype=bool)
    drawn = _draws(data.keys, seed)
    for label in (0, 1):
        members = np.flatnonzero(data.target == label)
        count = round(share * members.size)
        if min(count, members.size - count) < FEWEST_OF_A_CLASS:
            raise TrainingDataError(
                expected=f"at least {FEWEST_OF_A_CLASS} applicants of each class on either side of the hold-out",
                found=f"{count} of {members.size} with target {label} set aside",
                remedy="load more applicants, or pass --holdout 0",
            )
        aside[members[np.argsort(drawn[members], kind="stable")[:count]]] = True
    return Split(data.take(np.flatnonzero(~aside)), data.take(np.flatnonzero(aside)))


def _draws(keys: NDArray[np.int64], seed: int) -> NDArray[np.uint64]:
    """A number for each key, evenly spread, that depends on key and seed only."""
    digests = (hashlib.blake2b(f"{seed}:{key}".encode(), digest_size=8).digest() for key in keys.tolist())
    return np.frombuffer(b"".join(digests), dtype=">u8").astype(np.uint64)
