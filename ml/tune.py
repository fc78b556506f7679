"""Tune the boosted trees of the recipe and their treatment of the imbalance, by out-of-fold cost or AUC.

python -m ml.tune [--trials N] [--timeout S] [--study NAME] [--storage URL] [--objective cost|auc]
                  [--snapshot ID | --database FILE]
"""

import argparse
import sys
import time
from collections.abc import Sequence

from ml.data.options import add_source_arguments
from ml.tuning.config import COST, DIRECTIONS, STUDIES_FILE, TRIALS, TuningConfig
from warehouse.core.cli import command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.tune",
        description="Tune the boosted trees of the recipe, and how they treat the imbalance, on the development rows; "
        "the hold-out of ml.train stays out of it. A study goes on where it was stopped or killed. The best trial is "
        "compared with the default recipe on other folds, and saved for ml.train only when it holds there.",
        epilog="Environment: CREDIT_PUBLISHED_DIR names the folder of the snapshots, MLFLOW_TRACKING_URI the store; "
        "best_parameters.json and optuna.db lie beside a SQLite store. Exit code 0 also when the default recipe stays.",
    )
    add = parser.add_argument
    add("--trials", type=int, default=TRIALS, metavar="N", help="trials of this call (default: %(default)s)")
    add("--timeout", type=float, metavar="S", help="seconds after which no further trial starts (default: none)")
    add("--objective", choices=tuple(DIRECTIONS), default=COST, help="out of fold (default: %(default)s)")
    add("--study", metavar="NAME", help="continued when it exists (default: named by objective and folds)")
    add("--storage", metavar="URL", help=f"database of studies (default: {STUDIES_FILE} beside the MLflow store)")
    add_source_arguments(parser)
    add("--folds", type=int, default=TuningConfig.folds, metavar="K", help="default %(default)s")
    add("--seed", type=int, default=TuningConfig.seed, metavar="S", help="that of ml.train (default: %(default)s)")
    add(
        "--holdout",
        type=float,
        default=TuningConfig.holdout,
        metavar="SHARE",
        help="that of ml.train: these applicants are never seen (default: %(default)s)",
    )
    return parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Tune, and print what was found."""
    options = vars(_parser().parse_args(argv))

    import optuna

    from ml.data.source import find_source
    from ml.data.training_set import read_training_data
    from ml.registry.registry import Registry
    from ml.tuning.workflow import _say, summary, tune

    started = time.perf_counter()
    settings = Settings.from_environment()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    snapshot, database = options.pop("snapshot"), options.pop("database")
    config = TuningConfig(**options)
    source = find_source(settings, snapshot=snapshot, database=database)
    data = read_training_data(source)
    _say(f"data: {source}, quality gate {source.origin.quality_gate}")
    outcome = tune(data, config, settings, Registry(settings))
    _say(f"tuned in {time.perf_counter() - started:.0f} s\n\n{summary(outcome, settings)}")


if __name__ == "__main__":
    sys.exit(main())
