"""The figures of a training run."""

import matplotlib
import numpy as np
import pytest

from ml.evaluation.calibration import reliability
from ml.evaluation.threshold import cost_curve
from ml.reporting.plots import cost_curve_figure, reliability_figure
from ml.reporting.style import DOTS_PER_INCH, INK, new_figure, styled, titled


@pytest.mark.parametrize("defaulters_score", [0.3, 0.95])
def test_figure_names_its_axes_and_marks_the_chosen_the_theoretical_and_the_honest(defaulters_score, tmp_path):
    random = np.random.default_rng(0)
    target = (random.random(500) < 0.1).astype(int)
    probability = np.clip(random.normal(0.1 + defaulters_score * target, 0.05), 0, 1)
    figure = cost_curve_figure(cost_curve(target, probability), 0.2, 123, "500 made-up applicants")
    axes = figure.axes[0]
    words = " ".join(text.get_text() for text in axes.texts)
    assert "1/11" in words
    assert "chosen threshold 0.200" in words
    assert "123 when chosen on the other folds" in words
    assert "accept everyone" in words
    assert "threshold" in axes.get_xlabel()
    assert "per 1,000 applications" in axes.get_ylabel()
    figure.savefig(tmp_path / "curve.png")
    assert (tmp_path / "curve.png").stat().st_size > 10_000


def test_reliability_diagram_shows_both_curves_the_diagonal_and_the_theoretical_threshold(tmp_path):
    random = np.random.default_rng(0)
    probability = random.beta(1, 10, 1000)
    target = (random.random(1000) < probability).astype(np.int8)
    curves = {"before": reliability(target, probability / 2), "after": reliability(target, probability)}
    axes = reliability_figure(curves, "1,000 made-up applicants").axes[0]
    assert {text.get_text() for text in axes.get_legend().get_texts()} == {"before", "after", "perfectly calibrated"}
    assert "1/11" in " ".join(text.get_text() for text in axes.texts)


def test_a_figure_has_the_one_style_and_that_of_others_is_left_alone():
    before = dict(matplotlib.rcParams)

    @styled
    def draw():
        figure = new_figure(3)
        figure.add_subplot().set_xlabel("made up")
        titled(figure, "Made up", "of nothing")
        return figure

    figure = draw()
    axes = figure.axes[0]
    assert (figure.dpi, axes.xaxis.label.get_color()) == (DOTS_PER_INCH, INK)
    assert not axes.spines["top"].get_visible()
    assert figure.get_suptitle() == "Made up\nof nothing"
    assert dict(matplotlib.rcParams) == before
