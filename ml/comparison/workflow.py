"""Compare families of models and treatments of the imbalance."""

from dataclasses import dataclass
from datetime import UTC, datetime

import mlflow
import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from ml.comparison.candidates import Judged, against_best, best_of, candidates_of, judge_candidates
from ml.comparison.config import ComparisonConfig
from ml.comparison.families import Columns
from ml.comparison.report import as_page, comparison_figure, results_table
from ml.data.training_set import TrainingData
from ml.modelling.folds import assign_folds
from ml.modelling.holdout import split_holdout
from ml.modelling.recipe import TrainingConfig
from ml.registry.registry import Registry
from warehouse.core.git import git_state

TABLE_FILE, PAGE_FILE, FIGURE_FILE = "comparison.csv", "comparison.html", "comparison.png"


@dataclass(frozen=True)
class Comparison:
    """The table (see `ml.comparison.report.results_table`), what it is of, and where its page was logged."""

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
        mlflow.log_text(as_page(table, subtitle, _provenance(parent.info.run_id, sample)), PAGE_FILE)
        mlflow.log_figure(comparison_figure(table, subtitle), FIGURE_FILE)
        return Comparison(table, subtitle, f"{parent.info.artifact_uri}/{PAGE_FILE}")


def _provenance(run_id: str, sample: TrainingData) -> str:
    return (
        f"MLflow run {run_id}, data {sample.fingerprint[:12]}, git revision {git_state().revision[:12]}, "
        f"{datetime.now(UTC):%Y-%m-%d at %H:%M} UTC"
    )


def sample_applicants(data: TrainingData, rows: int, seed: int) -> TrainingData:
    """At most `rows` applicants, the same share of defaulters, sorted by key."""
    if data.applicants <= rows:
        return data
    kept, _ = train_test_split(np.arange(data.applicants), train_size=rows, stratify=data.target, random_state=seed)
    return data.take(np.sort(kept))


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
    mlflow.set_tags(sample.origin.tags if sample.origin else {})


def _log_candidate(registry: Registry, one: Judged) -> None:
    with registry.run(str(one.candidate), nested=True):
        mlflow.log_params({"family": one.candidate.family, "imbalance": one.candidate.treatment})
        mean, spread = one.by_fold.mean().dropna(), one.by_fold.std(ddof=1).dropna()
        mlflow.log_metrics({**mean, **spread.add_suffix("_std")})


def _say(line: str) -> None:
    print(line, flush=True)
