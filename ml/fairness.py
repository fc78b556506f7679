"""Decisions of a registered model by gender, age and family status, and the price of a model that knows none of them.

python -m ml.fairness [--version N|newest] [--database FILE] [--out DIR] [--without-protected]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.data.training_set import read_training_data
from ml.fair_lending.price import price_without_protected
from ml.fair_lending.report import (
    JUDGED_ON,
    Fairness,
    _keep,
    judge_fairness,
    table,
)
from ml.registry.registry import MODEL_NAME, Registry
from ml.registry.versions import add_version_argument
from warehouse.core.cli import run_command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.fairness",
        description="Measure approvals, errors, cost and calibration by gender, age and family status on out-of-fold "
        "predictions at the model's threshold, with 95 % bootstrap intervals and the four-fifths rule, and log them to "
        "the run of the version.",
        epilog="Environment: CREDIT_DUCKDB names the warehouse file, MLFLOW_TRACKING_URI the registry.",
    )
    add_version_argument(parser, "judge")
    parser.add_argument("--database", type=Path, metavar="FILE", help="warehouse file (default: CREDIT_DUCKDB)")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for table, document and figure too")
    parser.add_argument(
        "--without-protected",
        action="store_true",
        help="also cross-validate the recipe without every feature made of gender, age or family, on the same folds, "
        "and say what that costs",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Measure, log and print."""
    options = _parser().parse_args(argv)
    settings = Settings.from_environment()

    def command() -> None:
        """Measure, print, and price the protected features when asked to; keep all of it."""
        registry = Registry(settings)
        model = registry.resolve(options.version)
        database = (options.database or settings.duckdb_path).expanduser().resolve()
        fairness = judge_fairness(registry, model, database)
        print(f"{MODEL_NAME} version {model.version}: {JUDGED_ON} ({fairness.threshold:.4f})\n")
        print(table(fairness.groups), flush=True)
        if options.without_protected:
            price = price_without_protected(registry, model, read_training_data(database), database, _say)
            fairness = Fairness(model, fairness.threshold, fairness.applicants, fairness.groups, price)
            print(f"\n{price}")
        _keep(registry, fairness, options.out)

    return run_command(command)


def _say(line: object) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
