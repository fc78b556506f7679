"""The recipe of a run: that of the options, of tuning, or the default for the size of the data."""

import argparse
from dataclasses import replace

from ml.data.training_set import TrainingData
from ml.modelling.recipe import TrainingConfig, default_recipe, repeats_for
from ml.registry.recipes import read_recipe, recipe_path
from warehouse.core.settings import Settings


def recipe_for(options: argparse.Namespace, settings: Settings, data: TrainingData) -> tuple[TrainingConfig, str]:
    """The config of a run, and where its recipe comes from.

    Options of the command line come first, then the document of `ml.tune`, then the defaults for the size of the data.

    Raises
    ------
    SettingsError
        An option or the document has a value that cannot be used.
    """
    asked_for = TrainingConfig(
        seed=options.seed,
        folds=options.folds,
        repeats=_first(options.repeats, 1 if options.quick else repeats_for(data.applicants)),
        holdout=options.holdout,
        max_auc_gap=options.max_auc_gap,
    )
    stored = None if options.default_recipe else read_recipe(settings)
    if stored is None:
        config, origin = asked_for.with_recipe(default_recipe(data.applicants, quick=options.quick)), "default"
    else:
        config = asked_for.with_recipe(stored.config)
        same = "" if stored.data_fingerprint == data.fingerprint else ", found on other data"
        origin = f"tuned by study {stored.study} ({stored.objective} {stored.value:.4f}{same}; {recipe_path(settings)})"
    asked = {name: getattr(options, name) for name in ("rounds", "seeds", "select", "extras")}
    if options.quick:
        asked["seeds"] = _first(options.seeds, 1)
    given = {name: value for name, value in asked.items() if value is not None}
    return replace(config, **given), f"{origin}, {_described(replace(config, **given))}"


def _described(config: TrainingConfig) -> str:
    members = " + ".join(member.family for member in config.members)
    parts = [members, f"{config.rounds:,} trees", f"{config.repeats} x {config.folds} folds"]
    if config.seeds > 1:
        parts.append(f"{config.seeds} seeds")
    if config.select != "none":
        parts.append(f"features by {config.select}")
    return ", ".join([*parts, *config.extras])


def _first(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
