"""What every command of `ml` has in common: quick help, a thin module, one line for Ctrl-C and damaged files."""

import importlib
import resource
import shutil
import subprocess
import sys
from pathlib import Path
from statistics import median

import duckdb
import mlflow
import pytest

import ml
import ml.explain
import ml.summary
import ml.train
from ml.modelling.recipe import TrainingConfig
from ml.registry.registry import Registry
from tests.support.explain_fixtures import write_explained_warehouse
from tests.support.ml_fixtures import name_store, prepare_store
from tests.support.tiny_warehouse import approve, change, record_build
from warehouse.core.settings import PROJECT_ROOT, Settings
from warehouse.snapshots.publication import publish

DOORS = sorted(path.stem for path in Path(ml.__file__).parent.glob("*.py") if path.stem != "__init__")
BLOCK = 262_144  # of a DuckDB file


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> Settings:
    """A published snapshot, and a champion trained on it by the command."""
    folder = tmp_path_factory.mktemp("commands")
    settings = prepare_store(tmp_path_factory, folder)
    write_explained_warehouse(settings.duckdb_path)
    change(
        settings.duckdb_path,
        "create table marts.client_features as select 'training' as population, * exclude (target) "
        "from marts.training_set union all by name select 'scoring' as population, * from marts.scoring_set",
    )
    with duckdb.connect(str(settings.duckdb_path)) as con:
        record_build(con)
    approve(settings.duckdb_path)
    publish(settings.duckdb_path, settings.published_dir)
    with pytest.MonkeyPatch.context() as patch:
        name_store(patch, settings)
        assert ml.train.main(["--out", str(folder / "model"), "--rounds", "10", "--quick", "--override-guard"]) == 0
    return settings


@pytest.fixture
def place(store, monkeypatch) -> Settings:
    name_store(monkeypatch, store)
    return store


@pytest.mark.parametrize("door", DOORS)
def test_help_takes_less_than_a_second_of_cpu_time_and_ends_the_command(door):
    def spent() -> float:
        """CPU seconds of child processes so far."""
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        return used.ru_utime + used.ru_stime

    before = spent()
    asked = subprocess.run(
        [sys.executable, "-m", f"ml.{door}", "--help"], cwd=PROJECT_ROOT, capture_output=True, text=True, check=True
    )
    assert asked.stdout.startswith(f"usage: python -m ml.{door}")
    assert spent() - before < 1


def test_commands_are_thin():
    lines = [len((PROJECT_ROOT / "ml" / f"{door}.py").read_text().splitlines()) for door in DOORS]
    assert median(lines) <= 80
    assert max(lines) <= 120


@pytest.mark.parametrize("door", ["train", "tune", "compare", "predict", "explain", "fairness", "model_card"])
def test_where_a_command_reads_from_is_named_in_the_same_way(door, capsys):
    with pytest.raises(SystemExit):
        importlib.import_module(f"ml.{door}").main(["--help"])
    asked = capsys.readouterr().out
    assert "--snapshot ID" in asked
    assert "--database FILE" in asked


@pytest.mark.parametrize(
    ("door", "arguments", "interrupted"),
    [
        (
            "compare",
            ["--quick", "--families", "dummy,logistic", "--imbalance", "none"],
            "ml.comparison.candidates._fit",
        ),
        ("tune", ["--trials", "1", "--folds", "2"], "ml.tuning.objective.assess"),
    ],
)
def test_an_interrupted_command_is_one_line_and_its_run_is_killed(
    place, monkeypatch, capsys, door, arguments, interrupted
):
    def stop(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(interrupted, stop)
    monkeypatch.setattr("ml.tuning.workflow.default_recipe", lambda applicants: TrainingConfig(rounds=5))
    assert importlib.import_module(f"ml.{door}").main(arguments) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("interrupted: ")
    Registry(place)
    started = mlflow.search_runs(experiment_names=["credit_scoring"], output_format="list")[0]
    assert started.info.status == "KILLED"
    assert mlflow.active_run() is None


def test_an_interrupted_explanation_is_one_line_and_leaves_no_folder(place, tmp_path, monkeypatch, capsys):
    def stop(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("ml.explanation.workflow.explain_model", stop)
    assert ml.explain.main(["--out", str(tmp_path / "out")]) == 130
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("interrupted: ")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("door", "arguments"),
    [
        ("predict", ["--population", "all", "--out", "{out}"]),
        ("explain", ["--client", "100007", "--out", "{out}"]),
        ("train", ["--rounds", "1", "--out", "{out}"]),
        ("compare", ["--quick"]),
    ],
)
def test_a_warehouse_file_with_a_damaged_block_is_one_line(place, tmp_path, capsys, door, arguments):
    damaged = Path(shutil.copy(place.duckdb_path, tmp_path / "damaged.duckdb"))
    blocks = damaged.stat().st_size // BLOCK
    with damaged.open("r+b") as file:
        for block in range(1, blocks):
            file.seek(3 * 4096 + block * BLOCK + 100)
            file.write(b"\xff" * 64)
    filled = [argument.format(out=tmp_path / "out") for argument in arguments]
    assert importlib.import_module(f"ml.{door}").main([*filled, "--database", str(damaged)]) == 1
    error = capsys.readouterr().err
    assert len(error.splitlines()) == 1
    assert error.startswith("error: expected ")


def test_the_summary_is_of_the_snapshot_that_the_newest_version_was_trained_on(place, monkeypatch, capsys, tmp_path):
    monkeypatch.setenv("CREDIT_DUCKDB", str(tmp_path / "none.duckdb"))
    assert ml.summary.main([]) == 0
    out = capsys.readouterr().out
    assert "1,500 with a label, 500 to be scored" in out
    snapshot = (place.published_dir / "current").resolve().name
    assert f"snapshot {snapshot}, quality gate passed" in out
    assert f"duckdb -readonly {place.published_dir}/current/credit_marts.duckdb" in out
