"""Fidelity: the comparison itself, and the bounds that generated files keep to against real ones."""

import json
from pathlib import Path

import numpy as np
import pytest

from warehouse.fidelity import main
from warehouse.generator.calibration.calibrate import calibrate
from warehouse.generator.fidelity.measures import Entry, auc, rank_correlation
from warehouse.generator.fidelity.workflow import compare
from warehouse.generator.population.statistics import STATISTICS_FILE
from warehouse.generator.workflow import GeneratorOptions, generate

CLIENTS = 10_000
# The widest gap that is allowed, by measure; an AUC may miss by four standard errors of the smaller sample in addition.
BOUNDS = {
    "rows_per_client": 0.08,
    "null_rate": 0.05,
    "sentinel_rate": 0.03,
    "distribution": 0.14,
    "frequencies": 0.05,
    "correlation": 0.12,
    "auc": 0.03,
}
STRONG_FEATURES = (
    "EXT_SOURCE_1",
    "EXT_SOURCE_2",
    "EXT_SOURCE_3",
    "DAYS_BIRTH",
    "DAYS_EMPLOYED",
    "REGION_RATING_CLIENT",
)


@pytest.fixture(scope="module")
def entries(sample_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> list[Entry]:
    generated = tmp_path_factory.mktemp("fidelity") / "raw"
    generate(GeneratorOptions(CLIENTS, 1, generated, quiet=True))
    return compare(sample_dir, generated)


@pytest.mark.parametrize("measure", BOUNDS)
def test_the_worst_gaps_stay_within_their_bounds(measure: str, entries: list[Entry]):
    chosen = [entry for entry in entries if entry.measure == measure]
    assert chosen
    assert [entry for entry in chosen if entry.gap > BOUNDS[measure] + 4 * entry.noise] == []


def test_the_strongest_features_are_as_strong_as_in_the_release(entries: list[Entry]):
    strength = {
        entry.column: entry for entry in entries if entry.measure == "auc" and entry.table == "application_train"
    }
    for name in STRONG_FEATURES:
        assert strength[name].gap < 0.05, strength[name]


def test_a_folder_is_like_itself(generated_raw_dir: Path):
    same = [entry for entry in compare(generated_raw_dir, generated_raw_dir) if entry.measure != "rows_per_client"]
    assert max(entry.gap for entry in same) == 0


def test_the_command_prints_the_widest_gaps_first_and_writes_them(generated_raw_dir: Path, tmp_path: Path, capsys):
    other = tmp_path / "other"
    generate(GeneratorOptions(300, 2, other, quiet=True))
    out = tmp_path / "fidelity.json"
    folders = ["--real", str(generated_raw_dir), "--generated", str(other)]
    assert main([*folders, "--json", str(out), "--worst", "5"]) == 0
    printed = capsys.readouterr().out.splitlines()
    gaps = [float(line.split()[0]) for line in printed[2:7]]
    assert gaps == sorted(gaps, reverse=True)
    assert json.loads(out.read_text())[0]["gap"] == pytest.approx(gaps[0], abs=0.001)


def test_a_folder_without_files_is_one_clear_line(tmp_path: Path, capsys):
    assert main(["--real", str(tmp_path), "--generated", str(tmp_path)]) == 1
    assert capsys.readouterr().err.count("\n") == 1


def test_the_committed_statistics_can_be_made_again(sample_dir: Path, tmp_path: Path):
    calibrate(sample_dir, tmp_path / "statistics.json")
    made, committed = (json.loads(path.read_text()) for path in (tmp_path / "statistics.json", STATISTICS_FILE))
    assert made.keys() == committed.keys()
    assert made["clients"]["variables"] == committed["clients"]["variables"]
    for name, value in made["target"]["coefficients"].items():
        assert value == pytest.approx(committed["target"]["coefficients"][name], abs=0.01), name


def test_the_committed_statistics_are_small():
    assert STATISTICS_FILE.stat().st_size < 300_000


def test_auc_of_a_perfect_and_of_a_useless_feature():
    target = np.array([0, 0, 1, 1])
    assert auc(target, np.array([1.0, 2.0, 3.0, 4.0])) == 1.0
    assert auc(target, np.ones(4)) == 0.5
    assert auc(target, np.array([np.nan, 2.0, np.nan, 1.0])) == 0.0


def test_rank_correlation_ignores_the_scale():
    x = np.array([1.0, 2.0, 3.0, np.nan])
    assert rank_correlation(x, -np.exp(x)) == pytest.approx(-1.0)
