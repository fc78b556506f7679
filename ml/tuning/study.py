"""Studies of tuning: where they are kept, how they are continued, and their figures."""

import warnings

import matplotlib.pyplot as plt
import optuna
from matplotlib.figure import Figure
from optuna.exceptions import OptunaError
from optuna.trial import TrialState
from sqlalchemy.exc import SQLAlchemyError

from ml.data.training_set import TrainingData
from ml.modelling.folds import Folds
from ml.registry.recipes import recipe_path
from ml.reporting.style import NARROW, styled
from ml.tuning.config import COST, DIRECTIONS, STUDIES_FILE, TuningConfig
from warehouse.core.errors import SettingsError, first_line
from warehouse.core.settings import Settings

HEARTBEAT_SECONDS = 10
TRIALS_FOR_IMPORTANCE = 4
HISTORY_FIGURE, IMPORTANCE_FIGURE = "history.png", "importance.png"
MADE_ON = "made_on"
LONGEST_CAUSE = 200


def open_study(config: TuningConfig, settings: Settings, data: TrainingData, folds: Folds) -> optuna.Study:
    """Open or create a study; one that was made on other data, folds or for another objective is refused.

    Raises
    ------
    SettingsError
        The database cannot be opened, or the study cannot be continued.
    """
    name = config.study or f"{config.objective}-{folds.fingerprint[:8]}"
    url = config.storage or f"sqlite:///{recipe_path(settings).parent / STUDIES_FILE}"
    made_on = {"objective": config.objective, "data": data.fingerprint, "folds": folds.fingerprint}
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            storage = optuna.storages.RDBStorage(url, heartbeat_interval=HEARTBEAT_SECONDS)
            study = optuna.create_study(
                storage=storage,
                study_name=name,
                direction=DIRECTIONS[config.objective],
                pruner=optuna.pruners.MedianPruner(n_startup_trials=5, n_warmup_steps=1),
                load_if_exists=True,
            )
    except (SQLAlchemyError, OptunaError, ImportError, ValueError) as error:
        raise SettingsError(
            expected=f"a database of studies at {url}",
            found=first_line(error)[:LONGEST_CAUSE],
            remedy="pass --storage sqlite:///<absolute file>, or leave it out",
        ) from error
    # started over with the same seed, a continued study would draw the same values again
    study.sampler = optuna.samplers.TPESampler(seed=config.seed + len(study.trials))
    before = study.user_attrs.get(MADE_ON)
    if before is None:
        study.set_user_attr(MADE_ON, made_on)
    elif before != made_on:
        differing = ", ".join(part for part in made_on if before.get(part) != made_on[part])
        raise SettingsError(
            expected=f"a study {name} of the same objective, data and folds",
            found=f"another {differing}",
            remedy="pass a new name as --study",
        )
    return study


def finished(study: optuna.Study) -> int:
    """Trials that ran to their end or were pruned; one that was killed does not count."""
    return len(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE, TrialState.PRUNED)))


@styled
def study_figures(study: optuna.Study) -> dict[str, Figure]:
    """Value against trial, and how much each parameter matters, by file name; the latter needs some trials."""
    plt.switch_backend("Agg")
    values = {trial.value for trial in study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,))}
    plots = {HISTORY_FIGURE: optuna.visualization.matplotlib.plot_optimization_history}
    if len(values) >= TRIALS_FOR_IMPORTANCE:
        plots[IMPORTANCE_FIGURE] = optuna.visualization.matplotlib.plot_param_importances
    unit = "cost per 1,000" if study.user_attrs[MADE_ON]["objective"] == COST else "AUC"
    figures = {}
    for name, plot in plots.items():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", optuna.exceptions.ExperimentalWarning)
            warnings.simplefilter("ignore", UserWarning)  # fewer than two trials with some parameter
            figures[name] = plot(study, target_name=unit).figure
        figures[name].set_size_inches(NARROW, 4.9)
        figures[name].tight_layout()
        plt.close(figures[name])
    return figures


def has_complete_trial(study: optuna.Study) -> bool:
    """Whether any trial ran to its end."""
    return bool(study.get_trials(deepcopy=False, states=(TrialState.COMPLETE,)))
