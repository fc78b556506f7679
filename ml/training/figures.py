"""The figures that a training run logs, by file name."""

import numpy as np
from matplotlib.figure import Figure

from ml.evaluation.calibration import reliability
from ml.reporting.plots import cost_curve_figure, reliability_figure
from ml.training.run import TrainingRun

COST_CURVE_FIGURE = "cost_curve.png"
CALIBRATION_FIGURE = "calibration.png"


def run_figures(run: TrainingRun) -> dict[str, Figure]:
    """Cost curve and reliability diagram of the out-of-fold predictions."""
    assessment, rows = run.assessment, run.development
    of_what = f"{rows.applicants:,} applicants, out-of-fold predictions"
    raw = np.mean([one.probability for one in run.validations], axis=0)
    method = assessment.calibration.method
    shown = {"before calibration": reliability(rows.target, raw)}
    shown[f"calibrated ({method})" if method != "none" else "as is (calibration: none)"] = reliability(
        rows.target, assessment.probability
    )
    return {
        COST_CURVE_FIGURE: cost_curve_figure(
            assessment.curve,
            assessment.threshold,
            assessment.metrics["cost_per_1000"],
            f"{of_what}; a defaulter granted credit costs 10",
        ),
        CALIBRATION_FIGURE: reliability_figure(shown, f"{of_what} in ten groups"),
    }
