"""Decisions of a registered model by gender, age and family status, and the price of a model that knows none of them.

python -m ml.fairness [--version N|newest] [--snapshot ID | --database FILE] [--out DIR] [--without-protected]
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from ml.data.options import SNAPSHOT_OF_THE_VERSION, add_source_arguments
from ml.registry.versions import MODEL_NAME, add_version_argument
from warehouse.core.cli import command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.fairness",
        description="Measure approvals, errors, cost and calibration by gender, age and family status on out-of-fold "
        "predictions at the model's threshold, with 95 % bootstrap intervals and the four-fifths rule, and log them to "
        "the run of the version.",
        epilog="Environment: CREDIT_PUBLISHED_DIR names the folder of the snapshots, MLFLOW_TRACKING_URI the registry.",
    )
    add_version_argument(parser, "judge")
    add_source_arguments(parser, SNAPSHOT_OF_THE_VERSION)
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder for table, document and figure too")
    parser.add_argument(
        "--without-protected",
        action="store_true",
        help="also cross-validate the recipe without every feature made of gender, age or family, on the same folds, "
        "and say what that costs",
    )
    return parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Measure, print, and price the protected features when asked to; log all of it."""
    options = _parser().parse_args(argv)

    from ml.data.source import version_source
    from ml.data.training_set import read_training_data
    from ml.fair_lending.price import price_without_protected
    from ml.fair_lending.report import JUDGED_ON, _keep, judge_fairness, table
    from ml.registry.registry import Registry

    settings = Settings.from_environment()
    registry = Registry(settings)
    model = registry.resolve(options.version)
    trained_on = registry.manifest(model)["data"]
    source = version_source(trained_on, settings, snapshot=options.snapshot, database=options.database)
    fairness = judge_fairness(registry, model, source.database)
    print(f"{MODEL_NAME} version {model.version}: {JUDGED_ON} ({fairness.threshold:.4f})\n")
    print(table(fairness.groups), flush=True)
    if options.without_protected:
        data = read_training_data(source)
        price = price_without_protected(registry, model, data, source.database, lambda line: print(line, flush=True))
        fairness = replace(fairness, price=price)
        print(f"\n{price}")
    _keep(registry, fairness, options.out)


if __name__ == "__main__":
    sys.exit(main())
