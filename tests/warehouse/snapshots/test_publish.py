"""Publishing: whole or not at all, only what passed the gate, and never changed afterwards."""

import fcntl
import json
import shutil
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from tests.support.tiny_warehouse import approve, build_tiny_warehouse, change, query, record_build
from warehouse import publish, verify
from warehouse.core.errors import QualityGateError, SnapshotError
from warehouse.core.fingerprint import MADE_AT_PUBLICATION, marts_fingerprint, read_marts
from warehouse.core.settings import PROJECT_ROOT
from warehouse.snapshots import publication, verification
from warehouse.snapshots.copy import copy_marts
from warehouse.snapshots.raw_rows import RAW_FILE
from warehouse.snapshots.snapshot import current_snapshot, list_snapshots, resolve_snapshot

STEPS = ("copy_marts", "manifest", "_seal", "_point_at")
MARTS = {
    "application_labels", "client_features", "feat_application", "feat_bureau", "labelled_loans", "scoring_set",
    "training_set",
}  # fmt: skip
NEW_FEATURE = "update marts.feat_application set amt_credit = amt_credit + 1 where sk_id_curr = 100001"


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build_tiny_warehouse(tmp_path_factory.mktemp("tiny") / "home_credit.duckdb")
    approve(path)
    return path


@pytest.fixture
def warehouse(tiny: Path, tmp_path: Path) -> Path:
    """A warehouse whose marts passed the gate, to be changed at will."""
    return Path(shutil.copy(tiny, tmp_path / "home_credit.duckdb"))


@pytest.fixture
def published(tmp_path: Path) -> Path:
    return tmp_path / "published"


def fingerprint_of(path: Path) -> str:
    with duckdb.connect(str(path), read_only=True) as con:
        return marts_fingerprint(read_marts(con))


def test_a_snapshot_holds_all_marts_with_rows_and_fingerprints_of_the_warehouse(warehouse: Path, published: Path):
    snapshot, is_new = publication.publish(warehouse, published)
    assert is_new
    assert {mart["name"] for mart in snapshot.manifest["marts"]} == MARTS
    assert snapshot.manifest["marts_fingerprint"] == fingerprint_of(warehouse) == fingerprint_of(snapshot.database)
    assert query(snapshot.database, "select count(*) from marts.training_set") == [(200,)]
    assert verification.find_faults(snapshot) == []


def test_the_manifest_says_where_the_snapshot_comes_from(warehouse: Path, published: Path):
    manifest = publication.publish(warehouse, published)[0].manifest
    assert manifest["raw_files"][0]["table_name"] == "bureau"
    assert manifest["versions"]["duckdb"] == duckdb.__version__
    assert manifest["quality_run"]["passed"] is True
    assert manifest["file"]["bytes"] == (published / "current" / manifest["file"]["name"]).stat().st_size
    assert "git_revision" in manifest and "created_at" in manifest


def test_comments_survive_on_tables_views_and_columns(warehouse: Path, published: Path):
    database = publication.publish(warehouse, published)[0].database
    columns = (
        "select table_name, comment from duckdb_columns() where comment is not null and schema_name = 'marts' "
        f"and not list_contains({sorted(MADE_AT_PUBLICATION)}, table_name) order by 1"
    )
    assert query(database, columns) == query(warehouse, columns)
    assert query(database, "select comment from duckdb_tables() where table_name = 'client_features'") == [
        ("One row per client's application.",)
    ]
    assert query(database, "select schema_name, comment from duckdb_views() where view_name = 'scoring_set'") == [
        ("main", "One row per application to be scored."),
        ("marts", "One row per application to be scored."),
    ]


def test_a_view_over_marts_stays_a_view_and_one_that_needs_more_becomes_a_table(warehouse: Path, published: Path):
    database = publication.publish(warehouse, published)[0].database
    views = query(database, "select view_name from duckdb_views() where schema_name = 'marts' order by 1")
    assert views == [("scoring_set",), ("training_set",)]
    assert len(query(database, "from marts.scoring_set")) == 100
    assert len(query(database, "from marts.training_set")) == 200
    assert query(database, "select table_name from duckdb_tables() where table_name = 'labelled_loans'")


@pytest.mark.parametrize("at_once", [1, 7, 300, 50_000])
def test_features_of_all_marts_stand_side_by_side_in_one_table(
    at_once: int, warehouse: Path, published: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("warehouse.snapshots.copy.CLIENTS_AT_ONCE", at_once)
    snapshot, _ = publication.publish(warehouse, published)
    rows = "from marts.client_features order by sk_id_curr"
    assert query(snapshot.database, rows) == query(warehouse, rows)
    assert len(query(snapshot.database, rows)) == 300
    assert query(snapshot.database, "select table_name from duckdb_tables() where table_name = 'client_features'")
    assert verification.find_faults(snapshot) == []


def test_the_snapshot_reads_the_same_under_any_name(warehouse: Path, published: Path):
    database = publication.publish(warehouse, published)[0].database
    with duckdb.connect() as con:
        con.execute(f"attach '{database}' as other_name (read_only)")
        assert con.execute("select count(*) from other_name.marts.scoring_set").fetchone() == (100,)


def test_an_older_duckdb_can_read_the_snapshot(warehouse: Path, published: Path):
    database = publication.publish(warehouse, published)[0].database
    with duckdb.connect() as con:
        con.execute(f"attach '{database}' as snapshot (read_only)")
        tags = con.execute("select tags from duckdb_databases() where database_name = 'snapshot'").fetchone()[0]
    assert tags["storage_version"].startswith("v1.")


def test_rows_are_in_the_order_of_clients(warehouse: Path, published: Path):
    database = publication.publish(warehouse, published)[0].database
    clients = query(database, "select sk_id_curr from marts.client_features")
    assert clients == sorted(clients)


def test_the_files_are_read_only(warehouse: Path, published: Path):
    folder = publication.publish(warehouse, published)[0].folder
    for path in folder.iterdir():
        assert not path.stat().st_mode & (stat.S_IWUSR | stat.S_IWGRP | stat.S_IWOTH)
    assert {path.name for path in folder.iterdir()} == {"credit_marts.duckdb", "credit_raw.duckdb", "manifest.json"}


def test_publishing_the_same_marts_again_keeps_the_snapshot(
    warehouse: Path, published: Path, capsys: pytest.CaptureFixture[str]
):
    options = ["--database", str(warehouse), "--published", str(published)]
    assert publish.main(options) == 0
    assert "published: " in capsys.readouterr().out
    assert publish.main(options) == 0
    assert "already published: " in capsys.readouterr().out
    assert len(list_snapshots(published)) == 1


def test_new_marts_become_current_and_the_old_snapshot_stays_as_it_was(warehouse: Path, published: Path):
    first, _ = publication.publish(warehouse, published)
    change(warehouse, NEW_FEATURE)
    approve(warehouse)
    second, is_new = publication.publish(warehouse, published)
    assert is_new
    assert current_snapshot(published) == second
    assert list_snapshots(published) == sorted([first, second], key=lambda snapshot: snapshot.snapshot_id)
    assert verification.find_faults(first) == []


def test_raw_rows_of_the_same_files_are_stored_once(warehouse: Path, published: Path):
    first, _ = publication.publish(warehouse, published)
    change(warehouse, NEW_FEATURE)
    approve(warehouse)
    second, _ = publication.publish(warehouse, published)
    change(warehouse, "update meta.raw_files set fingerprint = 'f2'")
    change(warehouse, NEW_FEATURE)
    with duckdb.connect(str(warehouse)) as con:
        con.execute("delete from raw.bureau where rowid = 0")
        record_build(con)
    approve(warehouse)
    third, _ = publication.publish(warehouse, published)
    files = [(snapshot.folder / RAW_FILE).stat().st_ino for snapshot in (first, second, third)]
    assert files[0] == files[1] != files[2]
    assert [verification.find_faults(snapshot) for snapshot in (first, second, third)] == [[], [], []]


def test_going_back_to_old_marts_points_at_their_snapshot_again(warehouse: Path, published: Path):
    first, _ = publication.publish(warehouse, published)
    change(warehouse, "update marts.feat_bureau set bureau_loan_count = bureau_loan_count + 1")
    approve(warehouse)
    publication.publish(warehouse, published)
    change(warehouse, "update marts.feat_bureau set bureau_loan_count = bureau_loan_count - 1")
    approve(warehouse)
    assert publication.publish(warehouse, published) == (first, False)
    assert current_snapshot(published) == first


@pytest.mark.parametrize(
    ("prepare", "found"),
    [
        (lambda path: change(path, "drop table meta.quality_runs"), "never ran"),
        (lambda path: approve(path, passed=False), "3 failed expectations"),
        (lambda path: change(path, NEW_FEATURE), "changed since"),
        (lambda path: change(path, "comment on column marts.feat_bureau.sk_id_curr is 'Client.'"), "changed since"),
    ],
)
def test_marts_that_did_not_pass_the_gate_are_refused(
    prepare: Callable[[Path], object], found: str, warehouse: Path, published: Path, capsys: pytest.CaptureFixture[str]
):
    prepare(warehouse)
    assert publish.main(["--database", str(warehouse), "--published", str(published)]) == 1
    message = capsys.readouterr().err
    assert found in message and "python -m warehouse.quality" in message and len(message.splitlines()) == 1
    assert not published.exists()


@pytest.mark.parametrize("step", STEPS)
def test_a_publish_that_is_killed_leaves_the_last_good_snapshot_serving(step: str, warehouse: Path, published: Path):
    first, _ = publication.publish(warehouse, published)
    change(warehouse, NEW_FEATURE)
    approve(warehouse)
    killed = (
        "import os, signal, sys\nfrom warehouse import publish\nfrom warehouse.snapshots import publication\n"
        f"publication.{step} = lambda *_: os.kill(os.getpid(), signal.SIGKILL)\n"
        "publish.main(['--database', sys.argv[1], '--published', sys.argv[2]])"
    )
    done = subprocess.run([sys.executable, "-c", killed, str(warehouse), str(published)], cwd=PROJECT_ROOT)
    assert done.returncode == -9
    assert resolve_snapshot("current", published) == first
    assert verification.find_faults(first) == []
    second, _ = publication.publish(warehouse, published)
    assert current_snapshot(published) == second
    assert {path.name for path in published.iterdir()} == {
        ".lock",
        "current",
        *(snapshot.snapshot_id for snapshot in list_snapshots(published)),
    }


@pytest.mark.parametrize("step", STEPS)
def test_a_failing_disk_is_one_clear_line_and_changes_nothing(
    step: str,
    warehouse: Path,
    published: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    first, _ = publication.publish(warehouse, published)
    change(warehouse, NEW_FEATURE)
    approve(warehouse)

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(publication, step, fail)
    assert publish.main(["--database", str(warehouse), "--published", str(published)]) == 1
    message = capsys.readouterr().err
    assert "No space left" in message and len(message.splitlines()) == 1
    assert current_snapshot(published) == first


def test_marts_that_change_while_they_are_copied_are_not_published(
    warehouse: Path, published: Path, monkeypatch: pytest.MonkeyPatch
):
    def copy_others(source: Path, target: Path, names: frozenset[str]) -> tuple:
        change(source, NEW_FEATURE)
        return copy_marts(source, target, names)

    monkeypatch.setattr(publication, "copy_marts", copy_others)
    with pytest.raises(QualityGateError, match="changed while"):
        publication.publish(warehouse, published)
    assert current_snapshot(published) is None


def test_two_publishers_do_not_meet(warehouse: Path, published: Path):
    published.mkdir()
    with (published / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(SnapshotError, match="another publish is running"):
            publication.publish(warehouse, published)


def test_a_sound_snapshot_is_verified_mart_by_mart(
    warehouse: Path, published: Path, capsys: pytest.CaptureFixture[str]
):
    publication.publish(warehouse, published)
    assert verify.main(["--published", str(published)]) == 0
    lines = capsys.readouterr().out.splitlines()
    files = 2  # the marts and the raw rows
    assert [line.split()[0] for line in lines] == ["ok"] * (len(MARTS | MADE_AT_PUBLICATION) + files) + ["verified:"]


def tampered(database: Path) -> None:
    database.chmod(0o644)
    change(database, "update marts.client_features set amt_credit = 1 where sk_id_curr = 100001")


def shortened(database: Path) -> None:
    database.chmod(0o644)
    database.write_bytes(database.read_bytes()[:-5000])


def without_a_mart(database: Path) -> None:
    database.chmod(0o644)
    change(database, "drop table marts.feat_bureau")


@pytest.mark.parametrize(
    ("damage", "found"),
    [
        (tampered, "client_features has other content"),
        (without_a_mart, "feat_bureau is missing"),
        (shortened, "bytes instead of"),
        (Path.unlink, "credit_marts.duckdb is missing"),
        (lambda path: (path.unlink(), path.write_bytes(b"no database")), "cannot be read"),
    ],
)
def test_a_damaged_snapshot_is_found_out_and_not_used_again(
    damage: Callable[[Path], object],
    found: str,
    warehouse: Path,
    published: Path,
    capsys: pytest.CaptureFixture[str],
):
    snapshot, _ = publication.publish(warehouse, published)
    damage(snapshot.database)
    assert verify.main(["--published", str(published)]) == 1
    message = capsys.readouterr().err
    assert found in message and len(message.splitlines()) == 1
    sound, is_new = publication.publish(warehouse, published)
    assert is_new and sound != snapshot
    assert verify.main(["--published", str(published)]) == 0


def test_a_changed_manifest_is_found_out(warehouse: Path, published: Path):
    snapshot, _ = publication.publish(warehouse, published)
    path = snapshot.folder / "manifest.json"
    path.chmod(0o644)
    content = json.loads(path.read_text())
    content["marts_fingerprint"] = "0" * 64
    path.write_text(json.dumps(content))
    assert verification.find_faults(resolve_snapshot("current", published)) != []


def test_a_snapshot_of_another_duckdb_is_checked_without_its_hashes(
    warehouse: Path, published: Path, capsys: pytest.CaptureFixture[str]
):
    snapshot, _ = publication.publish(warehouse, published)
    path = snapshot.folder / "manifest.json"
    path.chmod(0o644)
    path.write_text(path.read_text().replace(f'"duckdb": "{duckdb.__version__}"', '"duckdb": "1.0.0"'))
    assert verify.main(["--published", str(published)]) == 0
    assert "fingerprint not compared" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("prepare", "reference", "found"),
    [
        (lambda folder: None, "current", "found none"),
        (lambda folder: None, "20200101T000000Z-00000000", "no snapshot at all"),
        (lambda folder: (folder.mkdir(), (folder / "current").symlink_to("gone")), "current", "it points at gone"),
    ],
)
def test_a_snapshot_that_is_not_there_is_one_clear_line(
    prepare: Callable[[Path], object],
    reference: str,
    found: str,
    published: Path,
    capsys: pytest.CaptureFixture[str],
):
    prepare(published)
    assert verify.main([reference, "--published", str(published)]) == 1
    message = capsys.readouterr().err
    assert found in message and len(message.splitlines()) == 1


@pytest.mark.parametrize("content", ["{", "{}"])
def test_a_broken_manifest_is_one_clear_line(
    content: str, warehouse: Path, published: Path, capsys: pytest.CaptureFixture[str]
):
    snapshot, _ = publication.publish(warehouse, published)
    (snapshot.folder / "manifest.json").chmod(0o644)
    (snapshot.folder / "manifest.json").write_text(content)
    assert verify.main(["--published", str(published)]) == 1
    assert len(capsys.readouterr().err.splitlines()) == 1


def test_a_snapshot_is_found_by_id_folder_and_pointer(warehouse: Path, published: Path):
    snapshot, _ = publication.publish(warehouse, published)
    for reference in ("current", snapshot.snapshot_id, str(snapshot.folder), str(published / "current")):
        assert resolve_snapshot(reference, published) == snapshot
    with pytest.raises(SnapshotError, match=snapshot.snapshot_id):
        resolve_snapshot("another", published)


def test_the_fingerprint_is_blind_to_the_order_of_rows_and_to_nothing_else(tmp_path: Path):
    path = tmp_path / "features.duckdb"
    prints = {}
    tables = {
        "one order": "select * from (values (1, 'a'), (2, 'b')) as rows(id, text) order by id",
        "other order": "select * from (values (1, 'a'), (2, 'b')) as rows(id, text) order by id desc",
        "other value": "select * from (values (1, 'a'), (2, 'c')) as rows(id, text)",
        "values swapped": "select * from (values (1, 'b'), (2, 'a')) as rows(id, text)",
        "rows twice": "select * from (values (1, 'a'), (2, 'b'), (1, 'a'), (1, 'a')) as rows(id, text)",
        "other name": "select id, text as name from (values (1, 'a'), (2, 'b')) as rows(id, text)",
        "other type": "select cast(id as bigint) as id, text from (values (1, 'a'), (2, 'b')) as rows(id, text)",
    }
    change(path, "create schema marts")
    for name, sql in tables.items():
        change(path, f"create or replace table marts.t as {sql}")
        prints[name] = fingerprint_of(path)
    assert prints["one order"] == prints["other order"]
    assert len(set(prints.values())) == len(tables) - 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"passed": False}, "a last build in which 3 models or tests failed or were skipped"),
        ({"passed": None}, "a last build that did not end"),
        ({"missing": 12}, "a last `dbt build` that left out 12 models or tests"),
    ],
    ids=["failed", "killed", "partial"],
)
def test_marts_of_a_build_that_was_not_whole_are_refused(warehouse: Path, published: Path, options: dict, message: str):
    with duckdb.connect(str(warehouse)) as con:
        record_build(con, **options)
    with pytest.raises(QualityGateError) as caught:
        publication.publish(warehouse, published)
    assert message in str(caught.value) and "run: cd dbt_project && dbt build" in str(caught.value)


def test_raw_files_that_were_loaded_after_the_build_are_refused(warehouse: Path, published: Path):
    change(warehouse, "update meta.raw_files set fingerprint = 'f2'")
    with pytest.raises(QualityGateError, match="raw files that were loaded after it: bureau"):
        publication.publish(warehouse, published)


def test_a_table_made_by_hand_is_not_published(warehouse: Path, published: Path):
    change(warehouse, "create table marts.my_scratch as select * from raw.application_train")
    snapshot, _ = publication.publish(warehouse, published)
    assert "my_scratch" not in {mart["name"] for mart in snapshot.manifest["marts"]}
    assert not query(snapshot.database, "select 1 from duckdb_tables() where table_name = 'my_scratch'")
    assert snapshot.manifest["build"]["build_number"] == 1
    assert snapshot.manifest["build"]["raw_fingerprints"] == {"bureau": "f1"}
