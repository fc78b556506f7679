"""What a training command tells a person at its end."""

from typing import TYPE_CHECKING

from ml.evaluation.amounts import why_without_amounts
from ml.evaluation.metrics import THEORETICAL_THRESHOLD
from ml.registry.versions import MODEL_NAME

if TYPE_CHECKING:
    from ml.training.workflow import Outcome


def summary(outcome: "Outcome") -> str:
    """A short table."""
    run, metrics = outcome.run, outcome.run.metrics
    champion = "champion" if outcome.verdict.promoted else "challenger, not champion"
    calibration = run.assessment.calibration
    measured = calibration.measured[calibration.method]
    lines = [
        ("model", f"{MODEL_NAME} version {outcome.model.version}: {champion}"),
        ("because", outcome.verdict.reason),
        ("clients", f"{run.data.applicants:,}, {run.data.target.mean():.2%} defaulted"),
        ("features", f"{len(run.data.features)}: {len(run.data.numeric)} numbers, {len(run.data.categories)} texts"),
        ("AUC", f"{_with_spread(outcome, 'auc', 4)} out of fold; {metrics['auc_gap']:.3f} more on training rows"),
        (
            "calibration",
            f"{calibration.method}: Brier score {measured['brier_score']:.4f}, calibration error "
            f"{measured['expected_calibration_error']:.4f} out of fold",
        ),
        ("threshold", f"{metrics['threshold']:.4f} (1/11 = {THEORETICAL_THRESHOLD:.4f} in theory)"),
        ("cost per 1,000", f"{_with_spread(outcome, 'cost_per_1000', 1)} with the threshold chosen on the other folds"),
        ("", f"{metrics['cost_per_1000_same_rows']:.1f} on the rows that chose it (optimistic)"),
        ("", f"{metrics['cost_per_1000_accept_all']:.1f} when everyone is accepted"),
        ("score", f"{_with_spread(outcome, 'normalised_score', 4)} normalised, (10 TP + TN - 10 FN - FP) / N"),
        ("money lost", _money(outcome)),
        *_holdout(outcome),
        ("run", outcome.model.run_id),
    ]
    if outcome.exported is not None:
        lines.append(("exported", f"version {outcome.exported.model.version} to {outcome.exported.folder}"))
    return "\n".join(f"  {name:<16}{text}" for name, text in lines)


def _with_spread(outcome: "Outcome", name: str, digits: int) -> str:
    text = f"{outcome.run.metrics[name]:.{digits}f}"
    spread = outcome.run.assessment.deviations.get(name)
    return text if spread is None else f"{text} (sd {spread:.{digits}f} over {outcome.run.config.repeats} repeats)"


def _money(outcome: "Outcome") -> str:
    missing = why_without_amounts(outcome.run.data)
    if missing:
        return missing
    share = outcome.run.metrics["amount_weighted_cost"]
    return f"{share:.2%} of the credit asked for (credit of defaulters granted, one annuity per good client refused)"


def _holdout(outcome: "Outcome") -> list[tuple[str, str]]:
    report = outcome.run.holdout
    if report is None:
        return [("hold-out", "none: the figures above are of all labelled applicants")]
    lines = [
        (
            "hold-out",
            f"{report.applicants:,} clients judged once by a model fitted without them; 95 % bootstrap intervals; the "
            "registered model is fitted on all",
        )
    ]
    return lines + [("", f"{name.replace('_', ' '):<22}{interval}") for name, interval in report.measures.items()]
