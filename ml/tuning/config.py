"""The options of a tuning command; imports nothing that takes time."""

from typing import Annotated, Final, Literal

from pydantic import Field

from ml.modelling.recipe import TrainingConfig
from ml.modelling.validation import FoldCount, HoldoutShare, Seed, validated

Kind = Literal["cost", "auc"]
COST: Final = "cost"
AUC: Final = "auc"
DIRECTIONS: dict[Kind, Literal["minimize", "maximize"]] = {COST: "minimize", AUC: "maximize"}
TRIALS = 30
STUDIES_FILE = "optuna.db"


@validated
class TuningConfig:
    """The configuration of a tuning command.

    Attributes
    ----------
    trials : int
        Trials of this call; >= 1.
    timeout : float or None
        Seconds after which no further trial starts.
    objective : str
        "cost" or "auc".
    folds, seed, holdout
        As `ml.train` has them, so that the same applicants are set aside and none of them is seen here.
    study : str or None
        A study of that name is continued; None names it by objective, data and split.
    storage : str or None
        Address of Optuna's database; None for a SQLite file beside the MLflow store.
    """

    trials: Annotated[int, Field(ge=1, title="--trials")] = TRIALS
    timeout: Annotated[float | None, Field(gt=0, title="--timeout")] = None
    objective: Annotated[Kind, Field(title="--objective")] = COST
    folds: FoldCount = TrainingConfig.folds
    seed: Seed = TrainingConfig.seed
    holdout: HoldoutShare = TrainingConfig.holdout
    study: str | None = None
    storage: str | None = None
