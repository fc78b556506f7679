"""A study of recipes, and its confirmation on other folds."""

from dataclasses import dataclass, replace
from pathlib import Path

import mlflow
import optuna
from optuna.trial import FrozenTrial, TrialState

from ml.data.training_set import TrainingData
from ml.modelling.folds import assign_folds
from ml.modelling.holdout import split_holdout
from ml.modelling.recipe import TrainingConfig, default_recipe
from ml.registry.recipes import StoredRecipe, read_recipe, recipe_path, write_recipe
from ml.registry.registry import Registry
from ml.tuning.config import COST, TuningConfig
from ml.tuning.confirmation import LARGEST_CHANCE_OF_BEING_WORSE, Confirmation, confirm
from ml.tuning.objective import Objective
from ml.tuning.space import starting_point, with_values
from ml.tuning.study import MADE_ON, finished, has_complete_trial, open_study, study_figures
from warehouse.core.errors import SettingsError
from warehouse.core.settings import Settings


@dataclass(frozen=True)
class Outcome:
    """What a tuning command did: the study, its best trial against the default, and where the recipe was written."""

    study: optuna.Study
    confirmation: Confirmation
    written: Path | None


def tune(data: TrainingData, config: TuningConfig, settings: Settings, registry: Registry) -> Outcome:
    """Run trials, confirm the best on other folds against the default recipe, and save it when it holds.

    Parameters
    ----------
    data : TrainingData
        All labelled applicants; the hold-out is set aside before anything else.
    config : TuningConfig
        What to do.
    settings : Settings
        Says where `ml.train` looks for the recipe.
    registry : Registry
        Where the runs are logged.

    Returns
    -------
    Outcome

    Raises
    ------
    SettingsError
        The study's database cannot be opened, the study was made on other data or folds, or no trial ran to its end.
    TrainingDataError
        Too few applicants for hold-out and folds.
    """
    development = split_holdout(data, config.holdout, config.seed).development
    folds, others = (assign_folds(development, config.folds, config.seed + step) for step in (0, 1))
    base = replace(default_recipe(data.applicants), seed=config.seed)
    study = open_study(config, settings, data, folds)
    _say(
        f"study {study.study_name}: {finished(study)} finished trials, up to {config.trials} more on "
        f"{development.applicants:,} applicants ({data.applicants - development.applicants:,} set aside), "
        f"{config.folds} folds"
    )
    with registry.run(f"tuning {study.study_name}"):
        mlflow.log_params({"study": study.study_name, "objective": config.objective, "folds": config.folds})
        mlflow.set_tags(data.origin.tags if data.origin else {})
        _run_trials(study, Objective(development, base, folds, config.objective), base, config, registry)
        _say("confirming the best trial against the default recipe on other folds")
        confirmation = confirm(development, base, others, config.objective, study.best_params)
        mlflow.log_metrics({"confirmed_tuned": confirmation.tuned, "confirmed_default": confirmation.default})
        mlflow.set_tag("recipe", "tuned" if confirmation.accepted else "default")
    if not confirmation.accepted:
        return Outcome(study, confirmation, None)
    tuned = with_values(base, study.best_params)
    recipe = StoredRecipe(tuned, study.study_name, data.fingerprint, config.objective, confirmation.tuned)
    return Outcome(study, confirmation, write_recipe(settings, recipe))


def summary(outcome: Outcome, settings: Settings) -> str:
    """What was found, whether it holds, and what `ml.train` will use."""
    study, confirmation = outcome.study, outcome.confirmation
    kind = study.user_attrs[MADE_ON]["objective"]
    digits = 1 if kind == COST else 4
    unit = "cost per 1,000" if kind == COST else "AUC"
    lines = [
        ("study", f"{study.study_name}: {finished(study)} finished trials"),
        ("best trial", f"{study.best_trial.number}: {unit} {study.best_value:.{digits}f} on the folds that chose it"),
        (
            "on other folds",
            f"{confirmation.tuned:.{digits}f} against {confirmation.default:.{digits}f} of the default recipe; "
            f"difference {confirmation.difference}, worse with probability {confirmation.chance_worse:.2f}",
        ),
        ("recipe", _decision(outcome, settings)),
    ]
    values = [
        (f"  {name}", f"{value:.4g}" if isinstance(value, float) else str(value))
        for name, value in study.best_params.items()
    ]
    return "\n".join(f"  {name:<24}{text}" for name, text in [*lines, *values])


def _run_trials(
    study: optuna.Study, objective: Objective, base: TrainingConfig, config: TuningConfig, registry: Registry
) -> None:
    """Add trials to a study, the default recipe first; figures of all of them go to the active run."""
    if not study.trials:
        study.enqueue_trial(starting_point(base))
    study.optimize(
        objective,
        n_trials=config.trials,
        timeout=config.timeout,
        callbacks=[lambda study, trial: _log_trial(registry, study, trial)],
    )
    _require_a_complete_trial(study)
    for name, figure in study_figures(study).items():
        mlflow.log_figure(figure, name)


def _decision(outcome: Outcome, settings: Settings) -> str:
    if outcome.written is not None:
        return f"tuned; saved to {outcome.written}, which ml.train takes"
    stored = read_recipe(settings)
    kept = f"; ml.train still takes study {stored.study} from {recipe_path(settings)}" if stored else ""
    limit = f"{LARGEST_CHANCE_OF_BEING_WORSE:.0%}"
    return f"the default stays, nothing was saved: the chance of being worse is above {limit}{kept}"


def _log_trial(registry: Registry, study: optuna.Study, trial: FrozenTrial) -> None:
    """One nested run, and one line, for each trial."""
    seconds = trial.duration.total_seconds() if trial.duration else 0.0
    state = trial.state.name.lower()
    with registry.run(f"trial {trial.number}", nested=True):
        mlflow.log_params(trial.params)
        mlflow.set_tags({"study": study.study_name, "state": state})
        mlflow.log_metric("seconds", seconds)
        for step, value in trial.intermediate_values.items():
            mlflow.log_metric("folds_so_far", value, step=step)
        if trial.state == TrialState.COMPLETE:
            mlflow.log_metric("value", trial.value)
    found = f"{trial.value:.4f}" if trial.state == TrialState.COMPLETE else f"{state} after fold {trial.last_step}"
    best = f", best {study.best_value:.4f} of trial {study.best_trial.number}" if has_complete_trial(study) else ""
    _say(f"  trial {trial.number}: {found}, {seconds:.1f} s{best}")


def _require_a_complete_trial(study: optuna.Study) -> None:
    if not has_complete_trial(study):
        raise SettingsError(
            expected="a trial that ran to its end", found="none", remedy="allow more with --trials or --timeout"
        )


def _say(line: str) -> None:
    print(line, flush=True)
