"""Whether a tuned recipe holds on other folds."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ml.data.training_set import TrainingData
from ml.evaluation.assessment import assess
from ml.evaluation.bootstrap import Difference, PairedBootstrap, compare, paired_mean_difference
from ml.modelling.folds import Folds
from ml.modelling.recipe import TrainingConfig
from ml.tuning.config import AUC, COST, Kind
from ml.tuning.objective import METRICS, Objective

LARGEST_CHANCE_OF_BEING_WORSE = 0.2


@dataclass(frozen=True)
class Confirmation:
    """A tuned recipe against the default one, on the same folds, which are not those of the study.

    Attributes
    ----------
    tuned, default : float
        Value of the objective.
    difference : Difference
        Tuned minus default, applicants resampled.
    chance_worse : float
        That the tuned recipe is worse; 0 to 1.
    """

    tuned: float
    default: float
    difference: Difference
    chance_worse: float

    @property
    def accepted(self) -> bool:
        """Whether the tuned recipe may take the default's place: chosen among many, it must be better beyond luck."""
        return self.chance_worse <= LARGEST_CHANCE_OF_BEING_WORSE


def confirm(
    data: TrainingData, base: TrainingConfig, folds: Folds, kind: Kind, values: Mapping[str, Any]
) -> Confirmation:
    """Compare the values of a trial with the recipe as it is, on folds that the study has not used.

    Parameters
    ----------
    data, base, folds, kind
        See `Objective`.
    values : mapping
        Of the best trial.

    Returns
    -------
    Confirmation
    """
    objective = Objective(data, base, folds, kind)
    probabilities = [objective.probability(chosen) for chosen in (values, {})]
    assessed = [assess(data.target, [(probability, folds.fold_of)]) for probability in probabilities]
    if kind == AUC:
        bootstrap = PairedBootstrap(data.target, seed=base.seed)
        difference = compare(*(bootstrap.auc(probability) for probability in probabilities))
    else:
        difference = paired_mean_difference(*(1000 * one.costs(data.target) for one in assessed), base.seed)
    greater = difference.probability_greater
    tuned, default = (one.metrics[METRICS[kind]] for one in assessed)
    return Confirmation(tuned, default, difference, greater if kind == COST else 1 - greater)
