"""The configuration of a training run: one frozen, validated object."""

import math
from collections.abc import Mapping
from dataclasses import asdict, field, fields, replace
from typing import Annotated, Any, Final, Literal, get_args

from pydantic import Field

from ml.modelling.validation import FoldCount, HoldoutShare, Seed, validated
from warehouse.core.errors import SettingsError

SMALL_SAMPLE = 5_000
SMALL_SAMPLE_ROUNDS = 300
FEW_APPLICANTS = 20_000
REPEATS_ON_FEW = 4
LIGHTGBM: Final = "lightgbm"
LOGISTIC: Final = "logistic"
BINNED_SAMPLE = 50_000  # rows that the bins' edges come from; LightGBM's 200,000 take 3 GB beside 1,000 features
Family = Literal["lightgbm", "logistic"]
Selection = Literal["none", "null-importance"]
Extra = Literal["target-encoding", "neighbours"]
FAMILIES: tuple[str, ...] = get_args(Family)
SELECTIONS: tuple[str, ...] = get_args(Selection)
EXTRAS: tuple[str, ...] = get_args(Extra)
Share = Annotated[float, Field(gt=0, le=1)]
TREE_PARAMETERS = (
    "learning_rate",
    "num_leaves",
    "max_depth",
    "subsample",
    "subsample_freq",
    "colsample_bytree",
    "min_child_samples",
    "reg_lambda",
)
RECIPE = ("seeds", "rounds", *TREE_PARAMETERS, "members", "select", "extras")


@validated
class MemberSpec:
    """One model of the blend.

    Attributes
    ----------
    family : str
        One of `FAMILIES`.
    weight : float
        Its weight in the mean of probabilities; > 0, the weights need not sum to 1.
    parameters : mapping of str to number, text or truth value
        By the names of the family's estimator; for "lightgbm" they take the place of those of `TrainingConfig`.

    Raises
    ------
    SettingsError
        The family is unknown or the weight is not positive.
    """

    family: Family = LIGHTGBM
    weight: Annotated[float, Field(gt=0)] = 1.0
    parameters: Mapping[str, Any] = field(default_factory=dict)


@validated
class TrainingConfig:
    """Everything that decides a training run, but for the data.

    Attributes
    ----------
    seed : int
        Of the hold-out, the folds and the models; >= 0.
    folds : int
        Number of cross-validation folds; 2 to 50.
    repeats : int
        How often the cross-validation is repeated with other folds; >= 1.
    holdout : float
        Share of the applicants that is set aside and judged once; 0 <= share < 1.
    max_auc_gap : float or None
        Greatest AUC on training rows minus AUC out of fold that may be promoted; None: see `ml.modelling.guards`.
    seeds : int
        Number of models averaged for each member that draws random numbers; >= 1.
    rounds : int
        Number of trees, fixed (no early stopping); >= 1.
    learning_rate, num_leaves, max_depth, subsample, subsample_freq, colsample_bytree, min_child_samples, reg_lambda
        As in `lightgbm.LGBMClassifier`.
    members : tuple of MemberSpec
        The blend.
    select : str
        One of `SELECTIONS`: features chosen on the training rows of each fold.
    extras : tuple of str
        Of `EXTRAS`: cross-fitted features made from labels.

    Raises
    ------
    SettingsError
        A value lies outside its range.
    """

    seed: Seed = 42
    folds: FoldCount = 5
    repeats: Annotated[int, Field(ge=1, title="--repeats")] = 1
    holdout: HoldoutShare = 0.2
    max_auc_gap: Annotated[float | None, Field(gt=0, le=1, title="--max-auc-gap")] = None
    seeds: Annotated[int, Field(ge=1, title="--seeds")] = 1
    rounds: Annotated[int, Field(ge=1, title="--rounds")] = SMALL_SAMPLE_ROUNDS
    learning_rate: Share = 0.03
    num_leaves: Annotated[int, Field(ge=2)] = 8
    max_depth: Annotated[int, Field(ge=-1)] = 4
    subsample: Share = 0.8
    subsample_freq: Annotated[int, Field(ge=0)] = 1
    colsample_bytree: Share = 0.2
    min_child_samples: Annotated[int, Field(ge=1)] = 30
    reg_lambda: Annotated[float, Field(ge=0)] = 20.0
    members: Annotated[tuple[MemberSpec, ...], Field(min_length=1)] = (MemberSpec(),)
    select: Annotated[Selection, Field(title="--select")] = "none"
    extras: Annotated[tuple[Extra, ...], Field(title="--extras")] = ()

    def __post_init__(self) -> None:
        if self.max_depth == 0:
            raise SettingsError(
                expected="a whole number from 1 on, or -1 for no limit, for max_depth",
                found="0",
                remedy="give another max_depth",
            )

    def lightgbm_parameters(self, member: MemberSpec | None = None, seed: int | None = None) -> dict[str, Any]:
        """Parameters by the names of `lightgbm.LGBMClassifier`; the same rows and seed give the same trees."""
        tree = {name: getattr(self, name) for name in TREE_PARAMETERS} | {"n_estimators": self.rounds}
        return (
            tree
            | dict(member.parameters if member else {})
            | {
                "random_state": self.seed if seed is None else seed,
                "objective": "binary",
                "bin_construct_sample_cnt": BINNED_SAMPLE,
                "deterministic": True,
                "force_col_wise": True,  # with column samples three times as fast as row-wise
                "feature_pre_filter": False,
                "verbosity": -1,
            }
        )

    def to_dict(self) -> dict[str, Any]:
        """All parameters by name, as JSON can hold them."""
        values = {item.name: getattr(self, item.name) for item in fields(self)}
        return values | {"members": [asdict(member) for member in self.members], "extras": list(self.extras)}

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> "TrainingConfig":
        """Build from what `to_dict` gave; names that are not known here are an error.

        Raises
        ------
        SettingsError
            A name is unknown or a value lies outside its range.
        """
        unknown = sorted(set(values) - {item.name for item in fields(cls)})
        if unknown:
            raise SettingsError(
                expected="parameters of the recipe", found=", ".join(unknown), remedy="train or tune the model again"
            )
        read = dict(values)
        try:
            if "members" in read:
                read["members"] = tuple(MemberSpec(**member) for member in read["members"])
            if "extras" in read:
                read["extras"] = tuple(read["extras"])
            return cls(**read)
        except TypeError as error:
            raise SettingsError(
                expected="numbers and names of the recipe", found=str(error), remedy="train or tune the model again"
            ) from error

    def with_recipe(self, other: "TrainingConfig") -> "TrainingConfig":
        """The models of another config, with this one's seed, hold-out, folds and repeats."""
        return replace(self, **{name: getattr(other, name) for name in RECIPE})


def rounds_for(applicants: int) -> int:
    r"""Number of trees that suits a number of applicants.

    .. math:: 300 \cdot \sqrt{\max(n, 5000) / 5000}, \text{ rounded to hundreds}

    More applicants carry more trees of the same small size before they learn noise by heart.

    Parameters
    ----------
    applicants : int
        Rows of the training set.

    Returns
    -------
    int
        300 for 5,000 applicants or fewer.

    Examples
    --------
    >>> [rounds_for(n) for n in (300, 5_000, 50_000, 307_511)]
    [300, 300, 900, 2400]
    """
    scale = math.sqrt(max(applicants, SMALL_SAMPLE) / SMALL_SAMPLE)
    return 100 * round(SMALL_SAMPLE_ROUNDS * scale / 100)


def default_recipe(applicants: int, *, quick: bool = False) -> TrainingConfig:
    """The recipe for a number of applicants when nothing was tuned; only the models of it count.

    On few applicants a strongly penalised logistic regression knows as much as boosted trees, and their mean more than
    either (measured on 5,000 real clients); on many the trees stand alone.

    Parameters
    ----------
    applicants : int
        Rows of the training set.
    quick : bool
        Fewer trees that learn faster, on few applicants.
    """
    if applicants > FEW_APPLICANTS:
        return TrainingConfig(rounds=rounds_for(applicants))
    return TrainingConfig(
        rounds=300 if quick else 1_000,
        learning_rate=0.05 if quick else 0.015,
        num_leaves=6,
        max_depth=3,
        subsample=0.5,
        colsample_bytree=0.03,
        reg_lambda=50.0,
        members=(MemberSpec(LOGISTIC, parameters={"C": 5e-4}), MemberSpec(LIGHTGBM)),
    )


def repeats_for(applicants: int) -> int:
    """How often to repeat the cross-validation: few applicants need it, and can afford it.

    Examples
    --------
    >>> repeats_for(5_000), repeats_for(307_511)
    (4, 1)
    """
    return REPEATS_ON_FEW if applicants <= FEW_APPLICANTS else 1
