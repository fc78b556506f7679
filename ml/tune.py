"""Tune the boosted trees of the recipe and their treatment of the imbalance, by out-of-fold cost or AUC.

python -m ml.tune [--trials N] [--timeout S] [--study NAME] [--storage URL] [--objective cost|auc] [--database FILE]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

import optuna

from ml.data.training_set import read_training_data
from ml.registry.registry import Registry
from ml.tuning.objective import COST, DIRECTIONS
from ml.tuning.study import (
    STUDIES_FILE,
    TRIALS,
    TuningConfig,
)
from ml.tuning.workflow import (
    _say,
    summary,
    tune,
)
from warehouse.core.cli import run_command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.tune",
        description="Tune the boosted trees of the recipe, and how they treat the imbalance, on the development rows; "
        "the hold-out of ml.train stays out of it. A study goes on where it was stopped or killed. The best trial is "
        "compared with the default recipe on other folds, and saved for ml.train only when it holds there.",
        epilog="Environment: CREDIT_DUCKDB names the warehouse file, MLFLOW_TRACKING_URI the store; "
        "best_parameters.json and optuna.db lie beside a SQLite store. Exit code 0 also when the default recipe stays.",
    )
    add = parser.add_argument
    add("--trials", type=int, default=TRIALS, metavar="N", help="trials of this call (default: %(default)s)")
    add("--timeout", type=float, metavar="S", help="seconds after which no further trial starts (default: none)")
    add("--objective", choices=tuple(DIRECTIONS), default=COST, help="out of fold (default: %(default)s)")
    add("--study", metavar="NAME", help="continued when it exists (default: named by objective and folds)")
    add(
        "--storage",
        metavar="URL",
        help=f"database of studies (default: {STUDIES_FILE} beside the MLflow store)",
    )
    add("--database", type=Path, metavar="FILE", help="warehouse file (default: CREDIT_DUCKDB)")
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


def main(argv: Sequence[str] | None = None) -> int:
    """Tune and print what was found; exit 0 unless something is wrong."""
    options = vars(_parser().parse_args(argv))
    settings = Settings.from_environment()
    database = (options.pop("database") or settings.duckdb_path).expanduser().resolve()
    optuna.logging.set_verbosity(optuna.logging.WARNING)

    def command() -> None:
        """Tune, and print what was found."""
        started = time.perf_counter()
        config = TuningConfig(**options)
        outcome = tune(read_training_data(database), config, settings, Registry(settings))
        _say(f"tuned in {time.perf_counter() - started:.0f} s\n\n{summary(outcome, settings)}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
