"""Train the credit-scoring model on `marts.training_set`, judge it out of fold, register it, export the champion.

python -m ml.train [--database FILE] [--seed S] [--folds K] [--rounds N] [--allow-high-auc]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.figure import Figure

from ml.config import TrainingConfig, rounds_for
from ml.data import TrainingData, read_training_data
from ml.estimator import fit_pipeline
from ml.export import ExportedModel, export_model, is_exported
from ml.manifest import TrainingRun
from ml.metrics import THEORETICAL_THRESHOLD, evaluate
from ml.plots import cost_curve_figure
from ml.promotion import Verdict, judge, measure_incumbent
from ml.registry import MODEL_NAME, RegisteredModel, Registry
from ml.validation import assign_folds, cross_validate
from warehouse.cli import run_command
from warehouse.errors import PromotionRefusedError
from warehouse.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """What a training command did."""

    run: TrainingRun
    model: RegisteredModel
    verdict: Verdict
    exported: ExportedModel | None


def train(
    data: TrainingData, config: TrainingConfig, registry: Registry, model_dir: Path, *, allow_high_auc: bool = False
) -> Outcome:
    """Cross-validate, compare with the champion, fit on all applicants, register, and export a new champion.

    Parameters
    ----------
    data : TrainingData
        The training set.
    config : TrainingConfig
        The recipe.
    registry : Registry
        Where the run is logged and the model registered.
    model_dir : Path
        Folder of the exported champion; rewritten when there is a new champion, and made when it is missing.
    allow_high_auc : bool
        Let an AUC pass that looks like leakage.

    Returns
    -------
    Outcome

    Raises
    ------
    TrainingDataError
        Too few applicants for the folds.
    ModelError
        The registry cannot be used.
    """
    folds = assign_folds(data, config.folds, config.seed)
    _say(f"cross-validating on {data.applicants:,} applicants, {len(data.features)} features, {config.rounds:,} trees")
    validation = cross_validate(data, config, folds, _say)
    run = TrainingRun(data, config, folds, validation, evaluate(data.target, validation.probability, folds.fold_of))
    incumbent = measure_incumbent(registry, data, folds, _say)
    if incumbent is not None:
        _say(f"champion version {incumbent.model.version}: {incumbent.how}")
    verdict = judge(run.evaluation, data.applicants, incumbent, allow_high_auc=allow_high_auc)
    _say("fitting on all applicants and registering")
    model = registry.record(run, fit_pipeline(data, config), _figure(run))
    registry.note_verdict(model, verdict.reason, refused=verdict.refused)
    if verdict.promoted:
        registry.crown(model, verdict.reason)
    else:
        registry.stand_by(model)
    export = verdict.promoted or (incumbent is not None and not is_exported(model_dir))
    return Outcome(run, model, verdict, export_model(registry, model_dir) if export else None)


def summary(outcome: Outcome) -> str:
    """A short table for a person."""
    data, metrics = outcome.run.data, outcome.run.evaluation.metrics
    areas = [result.auc for result in outcome.run.validation.results]
    champion = "champion" if outcome.verdict.promoted else "challenger, not champion"
    lines = [
        ("model", f"{MODEL_NAME} version {outcome.model.version}: {champion}"),
        ("because", outcome.verdict.reason),
        ("clients", f"{data.applicants:,}, {data.target.mean():.2%} defaulted"),
        ("features", f"{len(data.features)}: {len(data.numeric)} numbers, {len(data.categories)} texts"),
        ("AUC", f"{metrics['auc']:.4f} out of fold ({min(areas):.4f} to {max(areas):.4f} by fold)"),
        ("threshold", f"{metrics['threshold']:.4f} (1/11 = {THEORETICAL_THRESHOLD:.4f} in theory)"),
        ("cost per 1,000", f"{metrics['cost_per_1000']:.1f} with the threshold chosen on the other folds"),
        ("", f"{metrics['cost_per_1000_same_rows']:.1f} on the rows that chose it (optimistic)"),
        ("", f"{metrics['cost_per_1000_accept_all']:.1f} when everyone is accepted"),
        ("run", outcome.model.run_id),
    ]
    if outcome.exported is not None:
        lines.append(("exported", f"version {outcome.exported.model.version} to {outcome.exported.folder}"))
    return "\n".join(f"  {name:<16}{text}" for name, text in lines)


def _say(line: object) -> None:
    print(line, flush=True)


def _figure(run: TrainingRun) -> Figure:
    return cost_curve_figure(
        run.evaluation.curve,
        run.evaluation.metrics["cost_per_1000"],
        f"{run.data.applicants:,} applicants, out-of-fold predictions; a defaulter granted credit costs 10",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.train",
        description="Train the credit-scoring model on marts.training_set, choose its threshold by cost, log the run "
        "to MLflow, and make the model champion when it costs less than the present one on the same folds.",
        epilog="Environment: CREDIT_DUCKDB names the warehouse file, MLFLOW_TRACKING_URI the registry. Exit code 1 "
        "when the data cannot be learned from or the guard against leakage refused the model.",
    )
    parser.add_argument("--database", type=Path, metavar="FILE", help="warehouse file (default: CREDIT_DUCKDB)")
    parser.add_argument("--seed", type=int, default=TrainingConfig.seed, metavar="S", help="default %(default)s")
    parser.add_argument("--folds", type=int, default=TrainingConfig.folds, metavar="K", help="default %(default)s")
    parser.add_argument(
        "--rounds", type=int, metavar="N", help="trees (default: 300 up to 5,000 clients, 2,400 at 300,000)"
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the exported champion (default: ml/model)"
    )
    parser.add_argument(
        "--allow-high-auc",
        action="store_true",
        help="promote even when the AUC looks like leakage (above 0.82 on 50,000 clients or more, 0.95 on any number)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Train, print a summary, exit 0 unless something is wrong."""
    options = _parser().parse_args(argv)
    settings = Settings.from_environment()

    def command() -> None:
        started = time.perf_counter()
        base = TrainingConfig(seed=options.seed, folds=options.folds, rounds=options.rounds or 1)
        database = (options.database or settings.duckdb_path).expanduser().resolve()
        data = read_training_data(database)
        rounds = rounds_for(data.applicants) if options.rounds is None else options.rounds
        config = TrainingConfig(seed=base.seed, folds=base.folds, rounds=rounds)
        model_dir = (options.out or settings.model_dir).expanduser().resolve()
        outcome = train(data, config, Registry(settings), model_dir, allow_high_auc=options.allow_high_auc)
        _say(f"trained in {time.perf_counter() - started:.0f} s\n\n{summary(outcome)}")
        if outcome.verdict.refused:
            raise PromotionRefusedError(
                expected="a model without leakage",
                found=f"{outcome.verdict.reason} (version {outcome.model.version} is registered as challenger)",
                remedy="look for a feature that knows the outcome, or pass --allow-high-auc",
            )

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
