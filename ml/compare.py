"""Compare families of models and treatments of the imbalance on the same folds, and say which differences are real.

python -m ml.compare [--quick] [--families A,B] [--imbalance A,B] [--rows N] [--folds K] [--seed S]
                     [--snapshot ID | --database FILE]
"""

import argparse
import sys
import time
from collections.abc import Sequence

from ml.comparison.config import (
    FAMILIES,
    FOLDS,
    MOST_ROWS,
    QUICK_FOLDS,
    QUICK_ROWS,
    TREATMENTS,
    ComparisonConfig,
)
from ml.data.options import add_source_arguments
from warehouse.core.cli import command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.compare",
        description="Compare families of models, and treatments of the imbalance inside the training folds, on the "
        "same stratified folds; a paired bootstrap says which differences to the best are real. The hold-out of "
        "ml.train stays out of it. Everything is logged to MLflow: one run, and in it one per model.",
        epilog="Environment: CREDIT_PUBLISHED_DIR names the folder of the snapshots, MLFLOW_TRACKING_URI the store.",
    )
    add_source_arguments(parser)
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
    parser.add_argument("--seed", type=int, default=ComparisonConfig.seed, metavar="S", help="default %(default)s")
    parser.add_argument("--quick", action="store_true", help="a first look: fewer rows and folds, smaller models")
    return parser


def _config(options: argparse.Namespace) -> ComparisonConfig:
    def names(text: str | None, known: Sequence[str]) -> tuple[str, ...]:
        """Names between commas, each once; all that are known when the option is left out."""
        given = known if text is None else [name.strip() for name in text.split(",") if name.strip()]
        return tuple(dict.fromkeys(given))

    rows, folds = (QUICK_ROWS, QUICK_FOLDS) if options.quick else (MOST_ROWS, FOLDS)
    return ComparisonConfig(
        families=names(options.families, FAMILIES),
        treatments=names(options.imbalance, TREATMENTS),
        rows=rows if options.rows is None else options.rows,
        folds=folds if options.folds is None else options.folds,
        seed=options.seed,
        quick=options.quick,
    )


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Compare, and print the table with how to read it."""
    options = _parser().parse_args(argv)

    from ml.comparison.report import NOTES, as_text
    from ml.comparison.workflow import _say, compare_models
    from ml.data.catalog import read_loan_amounts
    from ml.data.source import find_source
    from ml.data.training_set import read_training_data
    from ml.registry.registry import Registry

    started = time.perf_counter()
    settings = Settings.from_environment()
    config = _config(options)
    source = find_source(settings, snapshot=options.snapshot, database=options.database)
    data = read_training_data(source)
    _say(f"data: {source}, quality gate {source.origin.quality_gate}")
    comparison = compare_models(data, read_loan_amounts(source.database), config, Registry(settings))
    notes = "\n".join(NOTES)
    _say(f"\n{comparison.subtitle}\n\n{as_text(comparison.table)}\n\n{notes}\n")
    _say(f"compared in {time.perf_counter() - started:.0f} s; the page: {comparison.page}")


if __name__ == "__main__":
    sys.exit(main())
