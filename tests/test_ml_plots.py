"""The cost curve as a figure."""

import numpy as np
import pytest

from ml.metrics import cost_curve
from ml.plots import cost_curve_figure


@pytest.mark.parametrize("defaulters_score", [0.3, 0.95])
def test_figure_names_its_axes_and_marks_the_chosen_the_theoretical_and_the_honest(defaulters_score, tmp_path):
    random = np.random.default_rng(0)
    target = (random.random(500) < 0.1).astype(int)
    probability = np.clip(random.normal(0.1 + defaulters_score * target, 0.05), 0, 1)
    figure = cost_curve_figure(cost_curve(target, probability), 123, "500 made-up applicants")
    axes = figure.axes[0]
    words = " ".join(text.get_text() for text in axes.texts)
    assert "1/11" in words
    assert "chosen threshold" in words
    assert "123 when chosen on the other folds" in words
    assert "accept everyone" in words
    assert "threshold" in axes.get_xlabel()
    assert "per 1,000 applications" in axes.get_ylabel()
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 10_000
