"""The options of training; imports nothing that takes time."""

import argparse
from pathlib import Path

from ml.data.options import add_source_arguments
from ml.modelling.recipe import EXTRAS, SELECTIONS, TrainingConfig


def parser(description: str) -> argparse.ArgumentParser:
    """Options of `python -m ml.train`."""
    options = argparse.ArgumentParser(
        prog="python -m ml.train",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog="Environment: CREDIT_PUBLISHED_DIR names the folder of the snapshots, MLFLOW_TRACKING_URI the registry."
        "\nExit code 1 when the marts have not passed the quality gate or cannot be learned from, or when a guard "
        "against\nleakage or overfitting refused the model.",
    )
    add = options.add_argument
    add_source_arguments(options)
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


def _extras(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if set(names) - {*EXTRAS, "none"}:
        raise argparse.ArgumentTypeError(f"expected some of {', '.join(EXTRAS)}, or none; found {text}")
    return tuple(name for name in names if name != "none")
