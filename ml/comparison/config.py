"""What is compared, on how many applicants; imports nothing that takes time."""

from dataclasses import dataclass

from ml.modelling.recipe import TrainingConfig
from warehouse.core.errors import SettingsError

FAMILIES = ("dummy", "logistic", "random_forest", "mlp", "xgboost", "lightgbm")  # see ml.comparison.families
TREATMENTS = ("none", "weights", "under", "over", "smote")  # see ml.comparison.imbalance
MOST_ROWS, QUICK_ROWS = 20_000, 2_000
FOLDS, QUICK_FOLDS = 5, 3


@dataclass(frozen=True)
class ComparisonConfig:
    """What is compared, and on what.

    Attributes
    ----------
    families, treatments : tuple of str
        Of `FAMILIES` and `TREATMENTS`.
    rows : int
        Applicants at most; more are sampled, stratified by label.
    folds : int
        Number of folds; >= 2.
    seed : int
        Of the hold-out, the sample, the folds, the models and the bootstrap.
    quick : bool
        Smaller models.

    Raises
    ------
    SettingsError
        A name is unknown or a number lies outside its range.
    """

    families: tuple[str, ...] = FAMILIES
    treatments: tuple[str, ...] = TREATMENTS
    rows: int = MOST_ROWS
    folds: int = FOLDS
    seed: int = TrainingConfig.seed
    quick: bool = False

    def __post_init__(self) -> None:
        TrainingConfig(seed=self.seed, folds=self.folds)
        if self.rows < 2 * self.folds:
            raise SettingsError(
                expected=f"{2 * self.folds} --rows or more for {self.folds} folds",
                found=f"{self.rows}",
                remedy="change it",
            )
        for option, given, known in (
            ("--families", self.families, FAMILIES),
            ("--imbalance", self.treatments, TREATMENTS),
        ):
            strange = [name for name in given if name not in known]
            if strange or not given:
                raise SettingsError(
                    expected=f"some of {', '.join(known)} for {option}",
                    found=", ".join(strange) or "nothing",
                    remedy="separate the names by commas",
                )
