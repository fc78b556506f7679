"""Compare families of models and treatments of the imbalance on the same folds, and say which differences are real.

python -m ml.compare [--quick] [--families A,B] [--imbalance A,B] [--rows N] [--folds K] [--seed S] [--database FILE]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ml.comparison.families import FAMILIES
from ml.comparison.imbalance import TREATMENTS
from ml.comparison.report import NOTES, as_text
from ml.comparison.workflow import (
    FOLDS,
    MOST_ROWS,
    QUICK_FOLDS,
    QUICK_ROWS,
    ComparisonConfig,
    _say,
    compare_models,
)
from ml.data.catalog import read_loan_amounts
from ml.data.training_set import read_training_data
from ml.modelling.recipe import TrainingConfig
from ml.registry.registry import Registry
from warehouse.core.cli import run_command
from warehouse.core.settings import Settings

CATALOG = "feature_catalog"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.compare",
        description="Compare families of models, and treatments of the imbalance inside the training folds, on the "
        "same stratified folds; a paired bootstrap says which differences to the best are real. The hold-out of "
        "ml.train stays out of it. Everything is logged to MLflow: one run, and in it one per model.",
        epilog="Environment: CREDIT_DUCKDB names the warehouse file, MLFLOW_TRACKING_URI the store.",
    )
    parser.add_argument("--database", type=Path, metavar="FILE", help="warehouse file (default: CREDIT_DUCKDB)")
    parser.add_argument(
        "--families",
        metavar="A,B",
        help=f"default all: {','.join(FAMILIES)}; dummy knows nothing, so it is not treated",
    )
    parser.add_argument("--imbalance", metavar="A,B", help=f"default all: {','.join(TREATMENTS)}")
    parser.add_argument("--folds", type=int, metavar="K", help=f"default {FOLDS}, with --quick {QUICK_FOLDS}")
    parser.add_argument(
        "--rows",
        type=int,
        metavar="N",
        help=f"applicants at most, sampled by label (default {MOST_ROWS:,}, with --quick {QUICK_ROWS:,})",
    )
    parser.add_argument("--seed", type=int, default=TrainingConfig.seed, metavar="S", help="default %(default)s")
    parser.add_argument("--quick", action="store_true", help="a first look: fewer rows and folds, smaller models")
    return parser


def _config(options: argparse.Namespace) -> ComparisonConfig:
    def names(text: str | None, known: Sequence[str]) -> tuple[str, ...]:
        """Names between commas, each once; all that are known when the option is left out."""
        given = known if text is None else [name.strip() for name in text.split(",") if name.strip()]
        return tuple(dict.fromkeys(given))

    rows, folds = (QUICK_ROWS, QUICK_FOLDS) if options.quick else (MOST_ROWS, FOLDS)
    return ComparisonConfig(
        families=names(options.families, tuple(FAMILIES)),
        treatments=names(options.imbalance, TREATMENTS),
        rows=rows if options.rows is None else options.rows,
        folds=folds if options.folds is None else options.folds,
        seed=options.seed,
        quick=options.quick,
    )


def main(argv: Sequence[str] | None = None) -> int:
    """Compare and print the table."""
    options = _parser().parse_args(argv)
    settings = Settings.from_environment()

    def command() -> None:
        """Compare, and print the table with how to read it."""
        started = time.perf_counter()
        config = _config(options)
        database = (options.database or settings.duckdb_path).expanduser().resolve()
        data = read_training_data(database)
        comparison = compare_models(data, read_loan_amounts(database), config, Registry(settings))
        notes = "\n".join(NOTES)
        _say(f"\n{comparison.subtitle}\n\n{as_text(comparison.table)}\n\n{notes}\n")
        _say(f"compared in {time.perf_counter() - started:.0f} s; the page: {comparison.page}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
