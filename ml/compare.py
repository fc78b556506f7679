"""Compare families of models and treatments of the imbalance on the same folds, and say which differences are real.

python -m ml.compare [--quick] [--families A,B] [--imbalance A,B] [--rows N] [--folds K] [--seed S] [--database FILE]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import mlflow
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from ml.compare_judge import Judged, against_best, best_of, candidates_of, judge_candidates
from ml.compare_report import NOTES, as_page, as_text, comparison_figure, results_table
from ml.data.training_set import SCHEMA, TrainingData, read_training_data
from ml.families import FAMILIES, Columns
from ml.imbalance import TREATMENTS
from ml.modelling.folds import assign_folds
from ml.modelling.holdout import split_holdout
from ml.modelling.recipe import TrainingConfig
from ml.registry.registry import Registry
from warehouse.core.cli import run_command
from warehouse.core.database import connect, has_table
from warehouse.core.errors import SettingsError
from warehouse.core.git import git_state
from warehouse.core.settings import Settings

MOST_ROWS, QUICK_ROWS = 20_000, 2_000
FOLDS, QUICK_FOLDS = 5, 3
CATALOG = "feature_catalog"
TABLE_FILE, PAGE_FILE, FIGURE_FILE = "comparison.csv", "comparison.html", "comparison.png"


@dataclass(frozen=True)
class ComparisonConfig:
    """What is compared, and on what.

    Attributes
    ----------
    families, treatments : tuple of str
        Of `ml.families.FAMILIES` and `ml.imbalance.TREATMENTS`.
    rows : int
        Applicants at most; more are sampled, stratified by label.
    folds : int
        Number of folds; >= 2.
    seed : int
        Of the hold-out, the sample, the folds, the models and the bootstrap.
    quick : bool
        Smaller models.

    Raises
    ------
    SettingsError
        A name is unknown or a number lies outside its range.
    """

    families: tuple[str, ...] = tuple(FAMILIES)
    treatments: tuple[str, ...] = TREATMENTS
    rows: int = MOST_ROWS
    folds: int = FOLDS
    seed: int = TrainingConfig.seed
    quick: bool = False

    def __post_init__(self) -> None:
        TrainingConfig(seed=self.seed, folds=self.folds)
        if self.rows < 2 * self.folds:
            raise SettingsError(
                expected=f"{2 * self.folds} --rows or more for {self.folds} folds",
                found=f"{self.rows}",
                remedy="change it",
            )
        for option, given, known in (
            ("--families", self.families, tuple(FAMILIES)),
            ("--imbalance", self.treatments, TREATMENTS),
        ):
            strange = [name for name in given if name not in known]
            if strange or not given:
                raise SettingsError(
                    expected=f"some of {', '.join(known)} for {option}",
                    found=", ".join(strange) or "nothing",
                    remedy="separate the names by commas",
                )


@dataclass(frozen=True)
class Comparison:
    """The table (see `ml.compare_report.results_table`), what it is of, and where its page was logged."""

    table: pd.DataFrame
    subtitle: str
    page: str


def compare_models(
    data: TrainingData, loan_amounts: frozenset[str], config: ComparisonConfig, registry: Registry
) -> Comparison:
    """Judge every candidate on the same folds and log a run that holds one run per candidate.

    Parameters
    ----------
    data : TrainingData
        All labelled applicants; the hold-out of `ml.train` is set aside first.
    loan_amounts : frozenset of str
        Features that are money of loans, see `read_loan_amounts`.
    config : ComparisonConfig
        What is compared.
    registry : Registry
        Where the runs are logged.

    Returns
    -------
    Comparison

    Raises
    ------
    TrainingDataError
        Too few applicants.
    ModelError
        The MLflow store cannot be used.
    """
    development = split_holdout(data, TrainingConfig.holdout, config.seed).development
    sample = sample_applicants(development, config.rows, config.seed)
    folds = assign_folds(sample, config.folds, config.seed)
    candidates = candidates_of(config.families, config.treatments)
    subtitle = (
        f"{sample.applicants:,} of {data.applicants:,} labelled applicants (hold-out set aside), "
        f"{len(sample.features)} features, {config.folds} folds, seed {config.seed}"
    )
    _say(f"{len(candidates)} models on {subtitle}")
    with registry.run("comparison of models") as parent:
        _log_setting(config, sample, folds.fingerprint)
        columns = Columns.of(sample, loan_amounts)
        judged = judge_candidates(sample, columns, folds, candidates, seed=config.seed, quick=config.quick, report=_say)
        for one in judged:
            _log_candidate(registry, one)
        best = best_of(judged)
        table = results_table(judged, against_best(sample, judged, best, config.seed))
        mlflow.log_params(
            {"best_family": judged[best].candidate.family, "best_imbalance": judged[best].candidate.treatment}
        )
        mlflow.log_text(table.to_csv(index=False), TABLE_FILE)
        mlflow.log_text(as_page(table, subtitle, FIGURE_FILE), PAGE_FILE)
        mlflow.log_figure(comparison_figure(table, subtitle), FIGURE_FILE)
        return Comparison(table, subtitle, f"{parent.info.artifact_uri}/{PAGE_FILE}")


def sample_applicants(data: TrainingData, rows: int, seed: int) -> TrainingData:
    """At most `rows` applicants, the same share of defaulters, sorted by key."""
    if data.applicants <= rows:
        return data
    kept, _ = train_test_split(np.arange(data.applicants), train_size=rows, stratify=data.target, random_state=seed)
    return data.take(np.sort(kept))


def read_loan_amounts(database: Path) -> frozenset[str]:
    """Features that are money of a client's loans, by the catalogue of features; empty without a catalogue.

    Such a feature is null when the client has no such loan, which is no missing measurement.
    """
    with connect(database) as con:
        if not has_table(con, SCHEMA, CATALOG):
            return frozenset()
        query = f"select feature from {SCHEMA}.{CATALOG} where unit = 'currency' and mart <> 'feat_application'"
        return frozenset(name for (name,) in con.execute(query).fetchall())


def _log_setting(config: ComparisonConfig, sample: TrainingData, folds_fingerprint: str) -> None:
    mlflow.log_params(
        {
            "rows": sample.applicants,
            "features": len(sample.features),
            "folds": config.folds,
            "seed": config.seed,
            "quick": config.quick,
            "data_fingerprint": sample.fingerprint,
            "folds_fingerprint": folds_fingerprint,
        }
    )
    git = git_state()
    mlflow.set_tags({"git_revision": git.revision, "git_dirty": git.dirty})


def _log_candidate(registry: Registry, one: Judged) -> None:
    with registry.run(str(one.candidate), nested=True):
        mlflow.log_params({"family": one.candidate.family, "imbalance": one.candidate.treatment})
        mean, spread = one.by_fold.mean().dropna(), one.by_fold.std(ddof=1).dropna()
        mlflow.log_metrics({**mean, **spread.add_suffix("_std")})


def _say(line: str) -> None:
    print(line, flush=True)


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
