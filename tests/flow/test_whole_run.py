"""`make run` from a copy of the repository: every stage with its real command, as a new user meets it."""

import json
import os
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from pathlib import Path

import duckdb
import pytest

from warehouse.core.settings import PROJECT_ROOT

MAKE = ["make", "--old-file", ".venv/.installed"]  # the environment is this one, whoever set it up


@pytest.fixture(scope="module")
def clone(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files, and this very environment as `.venv`."""
    folder = tmp_path_factory.mktemp("clone") / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT_ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, folder / name)
    (folder / ".venv").symlink_to(sys.prefix)
    return folder


def make_run(clone: Path, *options: str, **environment: str) -> str:
    clean = {name: value for name, value in os.environ.items() if not name.startswith(("CREDIT_", "MLFLOW_TRACKING"))}
    done = subprocess.run(
        [*MAKE, "run", *options],
        cwd=clone,
        env={**clean, **environment},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:]
    failed = [line for line in done.stdout.splitlines() if line.startswith("error: ") or "(ignored)" in line]
    assert not failed, done.stdout[-6000:]
    return done.stdout


def newest_version(clone: Path) -> int:
    with closing(sqlite3.connect(clone / "mlflow.db")) as con:
        return con.execute("select max(version) from model_versions").fetchone()[0]


def check_what_a_run_leaves(clone: Path, output: str, clients: int) -> None:
    assert f"{clients:,}" in output, output[-6000:]
    summary = output[-3000:]
    for words in ("AUC", "cost per 1,000", "champion", "mlflow ui", "duckdb"):
        assert words in summary, f"{words} not in:\n{summary}"
    with duckdb.connect(str(clone / "warehouse" / "home_credit.duckdb"), read_only=True) as con:
        assert con.execute("select count(*) from marts.client_features").fetchone() == (clients,)
    report = clone / "monitoring" / "reports" / "drift"
    assert (report / "drift.html").stat().st_size > 100_000
    assert json.loads((report / "drift.json").read_text())
    assert (clone / "ml" / "model" / "MLmodel").is_file()
    assert (clone / "warehouse" / "published" / "current" / "manifest.json").is_file()
    assert list((clone / "warehouse" / "scores").glob("scores_v1_*_scoring.parquet"))
    card = clone / "ml" / "reports" / "model_card"
    assert {"model_card.md", "model_card.html", "model_card.pdf"} <= {path.name for path in card.iterdir()}
    text = (card / "model_card.md").read_text(encoding="utf-8")
    assert text.splitlines()[0].endswith(f", version {newest_version(clone)}"), "the card is of the model of this run"
    assert "four-fifths" in text
    assert "Not measured for this version" not in text
    assert f"version {newest_version(clone)}" in summary


def test_real_clients_pass_the_gate_and_are_published_trained_on_and_scored(real_warehouse: Path, tmp_path: Path):
    """What differs between real and generated files; that the stages fit together is shown by the run below."""
    warehouse = shutil.copy(real_warehouse, tmp_path)
    environment = {**os.environ, "CREDIT_DUCKDB": warehouse, "CREDIT_PUBLISHED_DIR": str(tmp_path / "published")}
    environment["MLFLOW_TRACKING_URI"] = f"sqlite:///{tmp_path / 'mlflow.db'}"
    for module, *options in (
        ["warehouse.quality"],
        ["warehouse.publish"],
        ["ml.train", "--quick", "--out", str(tmp_path / "model")],
        ["ml.predict", "--population", "scoring", "--out", str(tmp_path / "out")],
    ):
        command = [sys.executable, "-m", module, *options]
        done = subprocess.run(command, cwd=PROJECT_ROOT, env=environment, capture_output=True, text=True)
        assert done.returncode == 0, f"{module}: {done.stdout[-3000:]}{done.stderr[-3000:]}"
    [path] = (tmp_path / "out").glob("*.parquet")
    [(clients, refused)] = duckdb.sql(f"select count(*), avg((decision = 'refuse')::int) from '{path}'").fetchall()
    assert clients == 5_000
    assert 0.1 < refused < 0.5, "the share refused of real clients is about a third"


def test_it_runs_on_generated_files(clone: Path):
    output = make_run(clone, "CLIENTS=2000")
    assert newest_version(clone) == 1
    generated = len((clone / "warehouse" / "raw" / "application_train.csv").read_text().splitlines()) - 1
    generated += len((clone / "warehouse" / "raw" / "application_test.csv").read_text().splitlines()) - 1
    check_what_a_run_leaves(clone, output, clients=generated)


def test_a_folder_that_holds_no_raw_files_is_refused_before_anything_is_built(clone: Path, tmp_path: Path):
    environment = {**os.environ, "CREDIT_RAW_DIR": str(tmp_path), "CREDIT_DUCKDB": str(tmp_path / "home_credit.duckdb")}
    done = subprocess.run([*MAKE, "run"], cwd=clone, env=environment, capture_output=True, text=True)
    assert done.returncode != 0
    lines = [line for line in done.stderr.splitlines() if not line.startswith("make")]
    assert len(lines) == 1 and "found an empty folder" in lines[0]
    assert list(tmp_path.iterdir()) == []
