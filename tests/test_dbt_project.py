"""The dbt project as its readers meet it: documented, complete, and clear when something is wrong."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml

from tests.building import DBT_PROJECT, build_marts
from warehouse.document import documents, wide_marts
from warehouse.errors import ContractError

MARTS = ["feat_application", "feat_bureau", "feat_previous_application", "feat_installments"]


@pytest.fixture(scope="module")
def marts(built_warehouse: Path) -> duckdb.DuckDBPyConnection:
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        yield con


def test_every_mart_has_one_row_for_every_application(marts: duckdb.DuckDBPyConnection):
    train, test = "select SK_ID_CURR from raw.application_train", "select SK_ID_CURR from raw.application_test"
    applications = f"{train} union all {test}"
    for mart in [*MARTS, "client_features"]:
        for left, right in [
            (applications, f"select sk_id_curr from marts.{mart}"),
            (f"select sk_id_curr from marts.{mart}", applications),
        ]:
            assert marts.execute(f"select count(*) from (({left}) except all ({right}))").fetchone() == (0,), mart


def test_training_and_scoring_set_are_the_two_halves_of_the_clients(marts: duckdb.DuckDBPyConnection):
    rows = dict(marts.execute("select population, count(*) from marts.client_features group by 1").fetchall())
    assert marts.execute("select count(*), count(target) from marts.training_set").fetchone() == (rows["training"],) * 2
    assert marts.execute("select count(*) from marts.scoring_set").fetchone() == (rows["scoring"],)


def test_the_label_stands_in_no_mart_of_features(marts: duckdb.DuckDBPyConnection):
    found = marts.execute(
        "select table_name from duckdb_columns() where schema_name = 'marts' and column_name = 'target'"
    )
    assert found.fetchall() == [("training_set",)]


def test_every_column_is_described_in_the_database_itself(marts: duckdb.DuckDBPyConnection):
    silent = marts.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where schema_name in ('staging', 'intermediate', 'marts') and comment is null"
    ).fetchall()
    assert silent == []


def test_every_feature_has_a_unit():
    models = yaml.safe_load((DBT_PROJECT / "models/marts/_feature_marts__models.yml").read_text())["models"]
    without = [
        c["name"]
        for m in models
        for c in m["columns"]
        if c["name"] != "sk_id_curr" and not c["config"]["meta"].get("unit")
    ]
    assert without == []


def test_derived_documentation_is_what_the_command_writes():
    for path, text in documents().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run python -m warehouse.document"


def test_a_feature_made_twice_is_refused():
    column = {"name": "x", "data_type": "double", "description": "x"}
    with pytest.raises(ContractError, match="x again in feat_b"):
        wide_marts([{"name": "feat_a", "columns": [column]}, {"name": "feat_b", "columns": [column]}])


def test_only_staging_reads_the_raw_files(built_warehouse: Path):
    manifest = json.loads((built_warehouse.parent / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    readers = {
        m["path"].split("/")[0] for m in models if any(p.startswith("source.") for p in m["depends_on"]["nodes"])
    }
    assert readers == {"staging"}
    assert all(m["contract"]["enforced"] for m in models if m["path"].startswith("marts/"))


def test_a_folder_without_raw_files_stops_the_build_in_one_line(tmp_path: Path):
    result = build_marts(tmp_path / "none", tmp_path / "warehouse.duckdb")
    assert not result.success
    assert "found no such folder" in str(result.exception)
    assert "Traceback" not in str(result.exception)


def test_a_file_that_is_no_warehouse_is_named(tmp_path: Path, generated_raw_dir: Path):
    path = tmp_path / "warehouse.duckdb"
    path.write_bytes(b"not a database" * 500)
    result = build_marts(generated_raw_dir, path)
    assert not result.success
    assert str(path) in str(result.exception)


def statuses(result) -> dict[str, str]:
    return {
        r.node.name: r.adapter_response.get("_message", "") for r in result.result if r.node.resource_type == "model"
    }


def test_a_build_does_again_only_what_has_changed(built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    again = build_marts(generated_raw_dir, warehouse)
    assert set(statuses(again).values()) == {"UNCHANGED"}

    raw_dir = Path(shutil.copytree(generated_raw_dir, tmp_path / "raw"))
    bureau = raw_dir / "bureau.csv"
    bureau.write_text(bureau.read_text().rstrip("\n").rsplit("\n", 1)[0] + "\n")
    changed = statuses(build_marts(raw_dir, warehouse))
    assert "UNCHANGED" not in (changed["stg_home_credit__bureau"], changed["feat_bureau"], changed["client_features"])
    assert {changed["feat_previous_application"], changed["feat_application"]} == {"UNCHANGED"}


def test_a_test_that_failed_is_run_again(built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    with duckdb.connect(str(warehouse)) as con:
        con.execute(
            "insert into marts.feat_bureau by name select sk_id_curr, 0 as has_bureau_history from marts.feat_bureau"
        )
        con.execute("delete from meta.build_state where unique_id like 'test.%unique_feat_bureau%'")
    for _ in range(2):
        result = build_marts(generated_raw_dir, warehouse, command="test")
        assert [r.node.name for r in result.result if r.status == "fail"] == ["unique_feat_bureau_sk_id_curr"]
