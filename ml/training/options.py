"""The command line of training: options, and the recipe that they, tuning and the size of the data make."""

import argparse
from dataclasses import replace
from pathlib import Path

from ml.data.training_set import TrainingData
from ml.modelling.recipe import EXTRAS, SELECTIONS, TrainingConfig, default_recipe, repeats_for
from ml.registry.recipes import read_recipe, recipe_path
from warehouse.core.settings import Settings


def parser(description: str) -> argparse.ArgumentParser:
    """Options of `python -m ml.train`."""
    options = argparse.ArgumentParser(
        prog="python -m ml.train",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Environment: CREDIT_DUCKDB names the warehouse file, MLFLOW_TRACKING_URI the registry. Exit code 1 "
        "when\nthe data cannot be learned from or a guard against leakage or overfitting refused the model.",
    )
    add = options.add_argument
    add("--database", type=Path, metavar="FILE", help="warehouse file (default: CREDIT_DUCKDB)")
    add("--out", type=Path, metavar="FOLDER", help="folder of the exported champion (default: ml/model)")
    add("--seed", type=int, default=TrainingConfig.seed, metavar="S", help="default %(default)s")
    add("--folds", type=int, default=TrainingConfig.folds, metavar="K", help="default %(default)s")
    add(
        "--repeats",
        type=int,
        metavar="R",
        help="cross-validations with other folds (default: 4 up to 20,000 clients, else 1)",
    )
    add(
        "--holdout",
        type=float,
        default=TrainingConfig.holdout,
        metavar="SHARE",
        help="set aside and judged once; 0 cross-validates on everyone (default: %(default)s)",
    )
    add("--quick", action="store_true", help="one repeat, one seed per model, and fewer trees on few clients")
    add("--default-recipe", action="store_true", help="do not use the parameters that ml.tune found")
    add("--rounds", type=int, metavar="N", help="trees of a boosted model (default: by number of clients)")
    add("--seeds", type=int, metavar="N", help="models averaged for each member with random draws (default: 1)")
    add("--select", choices=SELECTIONS, help="choose features inside each training fold (default: none)")
    add("--extras", type=_extras, metavar="LIST", help=f"features fitted on labels: {','.join(EXTRAS)} (default: none)")
    add(
        "--max-auc-gap",
        type=float,
        metavar="G",
        help="refuse promotion when the AUC on training rows exceeds the AUC "
        "out of fold by more (default: 0.10 from 50,000 clients on, 0.30 below)",
    )
    add(
        "--override-guard",
        action="store_true",
        help="promote even what looks like leakage (an AUC above 0.82 on "
        "50,000 clients or more, 0.95 on any number; a feature that knows the outcome) or like overfitting",
    )
    return options


def recipe_for(options: argparse.Namespace, settings: Settings, data: TrainingData) -> tuple[TrainingConfig, str]:
    """The config of a run, and where its recipe comes from.

    Options of the command line come first, then the document of `ml.tune`, then the defaults for the size of the data.

    Raises
    ------
    SettingsError
        An option or the document has a value that cannot be used.
    """
    told = TrainingConfig(
        seed=options.seed,
        folds=options.folds,
        repeats=_first(options.repeats, 1 if options.quick else repeats_for(data.applicants)),
        holdout=options.holdout,
        max_auc_gap=options.max_auc_gap,
    )
    stored = None if options.default_recipe else read_recipe(settings)
    if stored is None:
        config, origin = told.with_recipe(default_recipe(data.applicants, quick=options.quick)), "default"
    else:
        config = told.with_recipe(stored.config)
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


def _extras(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if set(names) - {*EXTRAS, "none"}:
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(EXTRAS)}, or none; found {text}")
    return tuple(name for name in names if name != "none")


def _first(value: int | None, otherwise: int) -> int:
    return otherwise if value is None else value
