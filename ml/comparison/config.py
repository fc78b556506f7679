"""What is compared, on how many applicants; imports nothing that takes time."""

from typing import Annotated

from pydantic import Field

from ml.modelling.recipe import TrainingConfig
from ml.modelling.validation import FoldCount, Seed, validated
from warehouse.core.errors import SettingsError

FAMILIES = ("dummy", "logistic", "random_forest", "mlp", "xgboost", "lightgbm")  # see ml.comparison.families
TREATMENTS = ("none", "weights", "under", "over", "smote")  # see ml.comparison.imbalance
MOST_ROWS, QUICK_ROWS = 20_000, 2_000
FOLDS, QUICK_FOLDS = 5, 3


@validated
class ComparisonConfig:
    """What is compared, and on what.

    Attributes
    ----------
    families, treatments : tuple of str
        Of `FAMILIES` and `TREATMENTS`.
    rows : int
        Applicants at most; more are sampled, stratified by label.
    folds : int
        Number of folds; 2 to 50.
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
    rows: Annotated[int, Field(ge=4, title="--rows")] = MOST_ROWS
    folds: FoldCount = FOLDS
    seed: Seed = TrainingConfig.seed
    quick: bool = False

    def __post_init__(self) -> None:
        if self.rows < 2 * self.folds:
            raise SettingsError(
                expected=f"a whole number from {2 * self.folds} on for --rows, as there are {self.folds} folds",
                found=f"{self.rows}",
                remedy="pass more --rows or fewer --folds",
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
