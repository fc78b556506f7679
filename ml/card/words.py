"""Numbers and recipes of a model card in words: rounded alike everywhere, with their units."""

from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from typing import Any

from ml.evaluation.bootstrap import Interval
from ml.modelling.recipe import LIGHTGBM, RECIPE, TREE_PARAMETERS, TrainingConfig, default_recipe
from warehouse.core.errors import SettingsError

NOT_MEASURED = "not measured"
CALIBRATIONS = {
    "none": "none was needed: the mean of the models is taken as it is",
    "sigmoid": "a logistic curve through the log-odds (Platt scaling), fitted on out-of-fold predictions",
    "isotonic": "isotonic regression (a rising step function), fitted on out-of-fold predictions",
}
SELECTIONS = {
    "none": "all features are used; none was selected by its relation to the outcome",
    "null-importance": (
        "selected inside each training fold: those more useful than on shuffled outcomes (null importance)"
    ),
}
EXTRAS = {
    "target-encoding": "texts also replaced by the default rates of their values (fitted inside the training rows)",
    "neighbours": "the default rate of the most similar applicants (fitted inside the training rows)",
}


def share(value: float, digits: int = 1) -> str:
    """A share in per cent.

    Examples
    --------
    >>> share(0.08073), share(1 / 11, 2)
    ('8.1 %', '9.09 %')
    """
    return f"{100 * value:.{digits}f} %"


def measure(value: float) -> str:
    """A measure between -1 and 1, to three decimals."""
    return f"{value:.3f}"


def brier(value: float) -> str:
    """A Brier score or calibration error, to four decimals."""
    return f"{value:.4f}"


def cost(value: float) -> str:
    """A cost per 1,000 applications, to whole units.

    Examples
    --------
    >>> cost(1489.23)
    '1,489'
    """
    return f"{value:,.0f}"


def with_interval(interval: Interval | None, words: Callable[[float], str]) -> str:
    """An estimate with the ends of its interval.

    Examples
    --------
    >>> with_interval(Interval(0.774, 0.75, 0.8), measure), with_interval(None, measure)
    ('0.774 (0.750 to 0.800)', 'not measured')
    """
    if interval is None:
        return NOT_MEASURED
    return f"{words(interval.estimate)} ({words(interval.low)} to {words(interval.high)})"


def members_in_words(config: Mapping[str, Any]) -> list[str]:
    """The blended models, one sentence each.

    Parameters
    ----------
    config : mapping
        As `TrainingConfig.to_dict` gives it.
    """
    total = sum(member["weight"] for member in config["members"])
    return [_member(member, config, member["weight"] / total) for member in config["members"]]


def training_command(config: Mapping[str, Any], applicants: int) -> tuple[str, bool]:
    """The command that trains this recipe again, and whether it is complete.

    Returns
    -------
    command : str
    complete : bool
        False when the recipe was tuned: then the document `best_parameters.json` belongs to it.
    """
    known = {item.name for item in fields(TrainingConfig)}
    try:
        recipe = TrainingConfig.from_dict({name: value for name, value in config.items() if name in known})
    except SettingsError:
        return "python -m ml.train", False
    words = ["python -m ml.train"]
    words += [f"--{name} {getattr(recipe, name):g}" for name in ("seed", "folds", "repeats", "holdout")]
    if recipe.max_auc_gap is not None:
        words.append(f"--max-auc-gap {recipe.max_auc_gap:g}")
    for quick in (False, True):
        plain = default_recipe(applicants, quick=quick)
        told: dict[str, Any] = {
            "rounds": recipe.rounds,
            "seeds": recipe.seeds,
            "select": recipe.select,
            "extras": recipe.extras,
        }
        if all(getattr(replace(plain, **told), name) == getattr(recipe, name) for name in RECIPE):
            words += ["--default-recipe"] + ["--quick"] * quick
            words += [f"--{name} {_option(value)}" for name, value in told.items() if value != getattr(plain, name)]
            return " ".join(words), True
    return " ".join(words), False


def _option(value: object) -> str:
    return (",".join(value) or "none") if isinstance(value, tuple) else str(value)


def _member(member: Mapping[str, Any], config: Mapping[str, Any], weight: float) -> str:
    own = dict(member["parameters"])
    if member["family"] != LIGHTGBM:
        strength = f" with C = {own['C']:g} (the smaller, the stronger the penalty)" if "C" in own else ""
        name = "penalised logistic regression" if member["family"] == "logistic" else member["family"]
        return f"{name}{strength}; weight {weight:.0%}".replace("%", " %")
    tree = {name: config[name] for name in TREE_PARAMETERS} | {"n_estimators": config["rounds"]} | own
    depth = "" if tree["max_depth"] < 0 else f" and depth {tree['max_depth']}"
    seeds = f", mean of {config['seeds']} random seeds" if config["seeds"] > 1 else ""
    return (
        f"gradient-boosted decision trees (LightGBM): {tree['n_estimators']:,} trees of at most {tree['num_leaves']} "
        f"leaves{depth}, learning rate {tree['learning_rate']:g}, each tree on {share(tree['subsample'], 0)} of the "
        f"applicants and {share(tree['colsample_bytree'], 0)} of the features{seeds}; weight {share(weight, 0)}"
    )
