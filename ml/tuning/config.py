"""What a tuning command is given; imports nothing that takes time."""

from dataclasses import dataclass

from ml.modelling.recipe import TrainingConfig
from warehouse.core.errors import SettingsError

COST, AUC = "cost", "auc"
DIRECTIONS = {COST: "minimize", AUC: "maximize"}
TRIALS = 30
STUDIES_FILE = "optuna.db"


@dataclass(frozen=True)
class TuningConfig:
    """What a tuning command is given.

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

    trials: int = TRIALS
    timeout: float | None = None
    objective: str = COST
    folds: int = TrainingConfig.folds
    seed: int = TrainingConfig.seed
    holdout: float = TrainingConfig.holdout
    study: str | None = None
    storage: str | None = None

    def __post_init__(self) -> None:
        TrainingConfig(seed=self.seed, folds=self.folds, holdout=self.holdout)
        for name, valid in (("--trials", self.trials >= 1), ("--timeout", self.timeout is None or self.timeout > 0)):
            if not valid:
                value = getattr(self, name.removeprefix("--"))
                raise SettingsError(expected=f"{name} above 0", found=str(value), remedy="change it")
