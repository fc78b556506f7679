"""Develop a model, judge it, register it, challenge the champion."""

from dataclasses import dataclass
from pathlib import Path

from ml.data.training_set import TrainingData
from ml.evaluation.amounts import read_amounts
from ml.evaluation.assessment import Assessment, assess
from ml.evaluation.holdout_report import judge_holdout
from ml.modelling.cross_validation import CrossValidation, cross_validate_repeatedly
from ml.modelling.folds import Folds, repeated_folds
from ml.modelling.guards import auc_gap, objections
from ml.modelling.holdout import Split, split_holdout
from ml.modelling.leakage import require_no_leaks
from ml.modelling.pipeline import fit_members
from ml.modelling.recipe import TrainingConfig
from ml.modelling.selection import select_features
from ml.registry.export import ExportedModel, require_writable
from ml.registry.history import TRAINED
from ml.registry.promotion import alone, reconcile, reconcile_if_possible, settle
from ml.registry.registry import Registry
from ml.registry.versions import RegisteredModel
from ml.served.scorer import CreditScorer
from ml.training.challenge import Candidate, Incumbent, Verdict, judge, measure_incumbent
from ml.training.record import build_record
from ml.training.run import TrainingRun


@dataclass(frozen=True)
class Outcome:
    """What a training command did."""

    run: TrainingRun
    model: RegisteredModel
    verdict: Verdict
    exported: ExportedModel | None


@dataclass(frozen=True)
class Development:
    """What the development rows alone decided; see `TrainingRun`."""

    folds: tuple[Folds, ...]
    validations: tuple[CrossValidation, ...]
    assessment: Assessment


def develop(data: TrainingData, config: TrainingConfig) -> Development:
    """Cross-validate the recipe, and choose calibration and threshold.

    Parameters
    ----------
    data : TrainingData
        The development rows; nothing else is read.
    config : TrainingConfig
        The recipe.
    """
    splits = repeated_folds(data, config)
    validations = cross_validate_repeatedly(data, config, splits, _say)
    predictions = [(one.probability, folds.fold_of) for one, folds in zip(validations, splits, strict=True)]
    return Development(splits, validations, assess(data.target, predictions, read_amounts(data)))


def fit_scorer(data: TrainingData, config: TrainingConfig, assessment: Assessment) -> CreditScorer:
    """The model fitted on all rows given, with a calibration and a threshold that were chosen before."""
    chosen = data if config.select == "none" else data.select(select_features(data, config))
    members, weights = fit_members(chosen, config)
    return CreditScorer(members, assessment.calibration.calibration, assessment.threshold, weights)


def train(
    data: TrainingData, config: TrainingConfig, registry: Registry, model_dir: Path, *, override_guard: bool = False
) -> Outcome:
    """Develop a model, judge it on the hold-out, compare it with the champion, register it, export a new champion.

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
    override_guard : bool
        Let a feature or a model pass that looks like leakage or overfitting.

    Returns
    -------
    Outcome

    Raises
    ------
    TrainingDataError
        Too few applicants for hold-out and folds, or a feature that knows the outcome.
    ModelError
        The registry cannot be used, or the new champion cannot be exported.
    SettingsError
        The folder of the exported champion cannot be written.
    """
    require_writable(model_dir)
    with alone(registry, model_dir):
        exported = reconcile_if_possible(registry, model_dir, _say)
    split = split_holdout(data, config.holdout, config.seed)
    if not override_guard:
        require_no_leaks(split.development)
    run = _judged(data, split, config)
    incumbent = _measured_incumbent(registry, run)
    _say("fitting on all applicants and registering")
    record = build_record(run, fit_scorer(data, config, run.assessment))
    with alone(registry, model_dir):
        present = registry.champion()
        if (present and present.version) != (incumbent and incumbent.model.version):
            _say("another command has changed the champion meanwhile: comparing with the new one")
            incumbent = _measured_incumbent(registry, run)
        verdict = _judge(run, incumbent, override_guard=override_guard)
        model = registry.register(record)
        registry.record_verdict(model, verdict.reason, refused=verdict.refused)
        registry.set_challenger(model)
        if verdict.promoted:
            _, exported = settle(registry, model, verdict.reason, model_dir, TRAINED)
        else:
            exported = reconcile(registry, model_dir) or exported
    return Outcome(run, model, verdict, exported)


def _measured_incumbent(registry: Registry, run: TrainingRun) -> Incumbent | None:
    incumbent = measure_incumbent(registry, run.data, run.development, run.folds, _say)
    if incumbent is not None:
        _say(f"champion version {incumbent.model.version}: {incumbent.how}")
    return incumbent


def _judge(run: TrainingRun, incumbent: Incumbent | None, *, override_guard: bool) -> Verdict:
    area = run.assessment.metrics["auc"]
    against = objections(area, auc_gap(run.validations), run.development.applicants, run.config)
    candidate = Candidate(run.assessment.costs(run.development.target), area)
    return judge(candidate, against, incumbent, run.config.seed, override_guard=override_guard)


def _judged(data: TrainingData, split: Split, config: TrainingConfig) -> TrainingRun:
    """The run up to the report on the hold-out, which nothing before it has seen."""
    rows = split.development
    aside = f", {split.holdout.applicants:,} set aside" if split.holdout else ""
    _say(f"cross-validating on {rows.applicants:,} applicants{aside}, {len(data.features)} features")
    developed = develop(rows, config)
    report = None
    if split.holdout is not None:
        _say("fitting on the development rows and judging the hold-out")
        report = judge_holdout(fit_scorer(rows, config, developed.assessment), split.holdout, config.seed)
    return TrainingRun(data, rows, config, developed.folds, developed.validations, developed.assessment, report)


def _say(line: object) -> None:
    print(line, flush=True)
