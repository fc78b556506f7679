"""The analyses as a command: listed, answered from the current snapshot, written to files that others open."""

import subprocess
import sys
import zipfile
from collections.abc import Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq
import pytest

from tests.support.building import DBT_PROJECT
from tests.support.tiny_warehouse import query
from warehouse import analyse
from warehouse.snapshots.scores import scores_dir
from warehouse.snapshots.snapshot import Snapshot

NAMES = sorted(path.stem for path in (DBT_PROJECT / "models" / "analyses").glob("*.sql"))


@pytest.fixture
def options(published_snapshot: Snapshot) -> list[str]:
    return ["--published", str(published_snapshot.folder.parent)]


def test_without_a_name_every_question_is_listed(options: list[str], capsys: pytest.CaptureFixture[str]):
    assert analyse.main(options) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line for line in lines if not line.startswith(" ")] == NAMES
    assert all("?" in line for line in lines if line.startswith(" "))


@pytest.mark.parametrize("name", NAMES)
def test_an_answer_shows_every_column_whole(
    name: str, options: list[str], published_snapshot: Snapshot, capsys: pytest.CaptureFixture[str]
):
    assert analyse.main([name, *options]) == 0
    shown = capsys.readouterr().out
    with duckdb.connect(str(published_snapshot.database), read_only=True) as con:
        answer = con.sql(f"from analyses.{name}")
        columns, rows = answer.columns, len(answer)
    header = next(line for line in shown.splitlines() if columns[1] in line and columns[-1] in line)
    assert header.split() == columns
    assert len(shown.split(header)[1].strip().splitlines()) == 1 + rows


def test_an_answer_is_written_to_files(options: list[str], tmp_path: Path, published_snapshot: Snapshot):
    files = {kind: tmp_path / f"answer.{kind}" for kind in ("csv", "parquet", "xlsx")}
    named = [text for kind, path in files.items() for text in (f"--{kind}", str(path))]
    assert analyse.main(["exposure_by_region", *named, *options]) == 0
    expected = query(published_snapshot.database, "select count(*) from analyses.exposure_by_region")[0][0]
    assert len(files["csv"].read_text().splitlines()) == expected + 1
    assert pq.read_table(files["parquet"]).num_rows == expected
    with zipfile.ZipFile(files["xlsx"]) as book:
        rows = book.read("xl/worksheets/sheet1.xml").decode()
        words = book.read("xl/sharedStrings.xml").decode()
    assert rows.count("<row ") == expected + 1
    assert "exposure_share_cumulated" in words and "One row per region" in words


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["nothing"], "expected an analysis 'nothing' in snapshot"),
        (["--csv", "answer.csv"], "expected the name of an analysis before --csv answer.csv"),
    ],
)
def test_what_cannot_be_run_is_one_clear_line(
    arguments: list[str], message: str, options: list[str], capsys: pytest.CaptureFixture[str]
):
    assert analyse.main([*arguments, *options]) == 1
    error = capsys.readouterr().err
    assert message in error and len(error.splitlines()) == 1


@pytest.fixture
def scored(published_snapshot: Snapshot) -> Iterator[list[int]]:
    """Two scorings of one client, the newer with a reason, and one of another, as `ml.predict` leaves them."""
    folder = scores_dir(published_snapshot.folder.parent)
    clients = [key for (key,) in query(published_snapshot.database, "select sk_id_curr from client_features limit 2")]
    scorings = {
        1: f"({clients[0]}, 0.2, 'refuse'), ({clients[1]}, 0.3, 'refuse')",
        2: f"({clients[0]}, 0.05, 'grant')",
    }
    paths = [folder / f"scores_v{version}_test.parquet" for version in scorings]
    with duckdb.connect() as con:
        for path, (version, values) in zip(paths, scorings.items(), strict=True):
            reason = ", 'No loans elsewhere' as reason_1" if version == 2 else ""  # the older file has no such column
            con.execute(
                f"copy (select *, 0.1 as threshold, {version} as model_version, 's' as snapshot_id, "
                f"timestamptz '2026-11-2{version} 00:00:00+00' as scored_at{reason} "
                f"from (values {values}) as scores(sk_id_curr, probability, decision)) to '{path}' (format parquet)"
            )
    yield clients
    for path in paths:
        path.unlink()


def test_the_newest_score_of_a_client_stands_beside_the_marts(published_snapshot: Snapshot, scored: list[int]):
    database = published_snapshot.database
    newest = set(query(database, "select sk_id_curr, decision, reason_1, reason_2 from scores.newest"))
    assert newest == {(scored[0], "grant", "No loans elsewhere", None), (scored[1], "refuse", None, None)}
    counted = query(database, "select count(*), count(probability), count(reason_1) from scores.client_overview")
    assert counted == [(query(database, "select count(*) from client_features")[0][0], 2, 1)]


def test_the_shipped_shell_reads_every_table_and_view(published_snapshot: Snapshot):
    shell = Path(sys.executable).parent / "duckdb"
    relations = query(
        published_snapshot.database,
        "select schema_name || '.' || table_name from (select schema_name, table_name from duckdb_tables() "
        "union all select schema_name, view_name from duckdb_views() where not internal) order by 1",
    )
    sql = "; ".join(f"select count(*) from {name}" for (name,) in relations)
    command = [str(shell), "-readonly", "-bail", "-csv", "-noheader", str(published_snapshot.database), sql]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.split()) == len(relations) > 60
