"""The dbt project as its readers meet it: documented, complete, and clear when something is wrong."""

import json
import shutil
from pathlib import Path

import duckdb
import pytest
import yaml
from sklearn.metrics import roc_auc_score

from tests.support.building import DBT_PROJECT, WITHOUT_TESTS, build_marts
from warehouse.core.builds import built_relations, require_whole_build
from warehouse.core.errors import ContractError, QualityGateError, SettingsError
from warehouse.documentation.features import Feature, FeatureMart
from warehouse.documentation.models import documents
from warehouse.documentation.models import marts as marts_document
from warehouse.loading import dbt_plugin
from warehouse.loading.contract import load_contract
from warehouse.loading.dbt_plugin import builder_state, rejected_share
from warehouse.quality import main as quality

MARTS = [
    "feat_application",
    "feat_bureau",
    "feat_previous_application",
    "feat_installments",
    "feat_pos_cash",
    "feat_credit_card",
    "feat_cross_source",
]


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
        "select table_name from duckdb_columns() where schema_name = 'marts' and column_name = 'target' order by 1"
    )
    assert found.fetchall() == [("application_labels",), ("training_set",)]


def test_every_column_is_described_in_the_database_itself(marts: duckdb.DuckDBPyConnection):
    silent = marts.execute(
        "select schema_name, table_name, column_name from duckdb_columns() "
        "where schema_name in ('staging', 'intermediate', 'marts') and comment is null"
    ).fetchall()
    assert silent == []


def test_the_catalog_lists_every_feature_with_what_it_measures(marts: duckdb.DuckDBPyConnection):
    columns = marts.execute(
        "select column_name from duckdb_columns() where schema_name = 'marts' and table_name = 'client_features'"
    ).fetchall()
    catalog = marts.sql("select * from marts.feature_catalog").df().set_index("feature")
    assert set(catalog.index) == {name for (name,) in columns} - {"sk_id_curr", "population"}
    assert 500 <= len(catalog) <= 700
    assert (
        catalog[["mart", "sources", "kind", "unit", "theme", "label", "description", "null_share"]]
        .notna()
        .all(axis=None)
    )
    features = marts.sql("select * from marts.client_features").df()
    labelled = marts.sql("select * from marts.training_set").df()
    for name in ("ext_source_2", "bureau_debt_sum", "card_utilisation_mean", "installments_late_share_365d"):
        row, known = catalog.loc[name], labelled[["target", name]].dropna()
        assert row["null_share"] == pytest.approx(features[name].isna().mean())
        assert row["minimum"] == features[name].min() and row["maximum"] == features[name].max()
        assert row["auc"] == pytest.approx(roc_auc_score(known["target"], known[name]))


@pytest.mark.parametrize(
    ("name", "aggregate", "window"),
    [
        ("card_utilisation_mean_12m", "mean", "12m"),
        ("application_product_term_ext_source_mean_difference", "difference", None),
        ("bureau_debt_to_credit_ratio_max", "max", None),
        ("previous_refused_share_last_3", "share", "last_3"),
        ("days_birth", None, None),
    ],
)
def test_the_last_aggregate_of_a_name_is_the_one(name: str, aggregate: str | None, window: str | None):
    feature = Feature(name, "count", "debt", "debt", "Meaning.", "double")
    assert (feature.aggregate, feature.window) == (aggregate, window)


def test_derived_documentation_is_what_the_command_writes():
    for path, text in documents().items():
        assert path.read_text(encoding="utf-8") == text, f"{path.name} is out of date: run python -m warehouse.document"


def test_every_documented_type_is_the_one_that_the_warehouse_has(
    built_warehouse: Path, marts: duckdb.DuckDBPyConnection
):
    manifest = json.loads((built_warehouse.parent / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    documented = {
        (model["schema"], model["alias"], name): column["data_type"].lower()
        for model in models
        for name, column in model["columns"].items()
        if column.get("data_type")
    }
    found = marts.execute(
        "select schema_name, table_name, column_name, lower(data_type) from duckdb_columns()"
    ).fetchall()
    types = {(schema, table, column): data_type for schema, table, column, data_type in found}
    assert len({schema for schema, *_ in documented}) == 3
    assert {key: (says, types.get(key)) for key, says in documented.items() if types.get(key) != says} == {}


def test_every_feature_says_which_files_it_is_computed_from():
    columns = {column["name"]: column["config"]["meta"] for column in contract_of("feat_cross_source")[1:]}
    assert columns["cross_interest_rate_at_peers_term"]["sources"] == (
        "application_test, application_train, previous_application"
    )
    assert {column["config"]["meta"]["sources"] for column in contract_of("feat_bureau")[1:]} == {
        "bureau",
        "bureau_balance",
        "application_test, application_train, bureau",
    }


def contract_of(mart: str) -> list[dict]:
    """Columns of a mart as its YAML file says."""
    path = DBT_PROJECT / "models" / "marts" / f"_{mart}__models.yml"
    return yaml.safe_load(path.read_text(encoding="utf-8"))["models"][0]["columns"]


def test_a_contract_has_one_line_for_a_column():
    for mart in ("feat_bureau", "client_features"):
        text = (DBT_PROJECT / "models" / "marts" / f"_{mart}__models.yml").read_text(encoding="utf-8")
        assert text.count("\n  - {name: ") == len(contract_of(mart)) == len(text.split("columns:\n")[1].splitlines())


def test_a_feature_made_twice_is_refused():
    feature = Feature("x", "count", "debt", "debt", "X.", "double")
    with pytest.raises(ContractError, match="x again in feat_b"):
        marts_document(
            [FeatureMart("feat_a", "One row.", (feature,), ()), FeatureMart("feat_b", "One row.", (feature,), ())]
        )


def test_only_staging_reads_the_raw_files(built_warehouse: Path):
    manifest = json.loads((built_warehouse.parent / "target" / "manifest.json").read_text())
    models = [node for node in manifest["nodes"].values() if node["resource_type"] == "model"]
    readers = {
        m["path"].split("/")[0] for m in models if any(p.startswith("source.") for p in m["depends_on"]["nodes"])
    }
    assert readers == {"staging"}
    assert all(m["contract"]["enforced"] for m in models if m["path"].startswith("marts/"))


def test_a_folder_without_raw_files_stops_the_build_in_one_line(tmp_path: Path):
    result = build_marts(tmp_path / "none", tmp_path / "home_credit.duckdb")
    assert not result.success
    assert "found no such folder" in str(result.exception)
    assert "Traceback" not in str(result.exception)


def change_csv(path: Path, statement: str) -> None:
    """Run SQL on the rows of a CSV file, which it calls `rows`, and write them back."""
    with duckdb.connect() as con:
        con.execute("create table rows as from read_csv(?)", [str(path)])
        con.execute(statement)
        con.execute(f"copy rows to '{path}'")


def test_a_file_that_is_no_warehouse_is_named(tmp_path: Path, generated_raw_dir: Path):
    path = tmp_path / "home_credit.duckdb"
    path.write_bytes(b"not a database" * 500)
    result = build_marts(generated_raw_dir, path)
    assert not result.success
    assert path.name in str(result.exception)


def statuses(result) -> dict[str, str]:
    return {
        r.node.name: r.adapter_response.get("_message", "") for r in result.result if r.node.resource_type == "model"
    }


def test_a_build_does_again_only_what_has_changed(built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    with duckdb.connect(str(warehouse), read_only=True) as con:
        remembered = con.execute("select unique_id from meta.build_state where unique_id like '%test.%'").fetchall()
    again = build_marts(generated_raw_dir, warehouse)
    assert set(statuses(again).values()) == {"UNCHANGED"}
    assert {r.node.resource_type for r in again.result} == {"model", "seed", "test", "exposure", "operation"}
    passed = {r.node.unique_id for r in again.result if r.node.resource_type == "test" if r.status == "pass"}
    assert {name for (name,) in remembered} == passed
    assert len(passed) > 25

    raw_dir = Path(shutil.copytree(generated_raw_dir, tmp_path / "raw"))
    bureau = raw_dir / "bureau.csv"
    bureau.write_text(bureau.read_text().rstrip("\n").rsplit("\n", 1)[0] + "\n")
    changed = statuses(build_marts(raw_dir, warehouse))
    assert "UNCHANGED" not in (changed["stg_home_credit__bureau"], changed["feat_bureau"], changed["client_features"])
    assert {changed["feat_previous_application"], changed["feat_application"]} == {"UNCHANGED"}


def test_a_table_without_its_key_stops_what_is_made_of_it(
    built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path
):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    damage = {
        "feature_themes": "insert into marts.feature_themes from marts.feature_themes limit 1",
        "feature_units": "insert into marts.feature_units (meaning) values ('of nothing')",
        "feature_histories": "insert into marts.feature_histories (mart) values ('feat_nothing')",
        "stg_home_credit__pos_cash_balance": "update raw.POS_CASH_balance set SK_ID_PREV = null where rowid = 0",
        "stg_home_credit__credit_card_balance": "update raw.credit_card_balance set SK_ID_CURR = 1 where rowid = 0",
    }
    with duckdb.connect(str(warehouse)) as con:
        for statement in damage.values():
            con.execute(statement)
    selected = ["test_name:key", "test_name:one_row_per_month"]
    result = build_marts(generated_raw_dir, warehouse, "--select", *selected, command="test")
    failed = {r.node.attached_node.rsplit(".", 1)[1] for r in result.result if r.status == "fail"}
    assert failed == damage.keys()


def test_unit_tests_are_left_out_of_a_build_and_run_by_dbt_test(
    built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path
):
    folder = built_warehouse.parent / "target"
    unit_tests = json.loads((folder / "manifest.json").read_text())["unit_tests"].keys()
    built = {result["unique_id"] for result in json.loads((folder / "run_results.json").read_text())["results"]}
    assert len(unit_tests) > 20 and not unit_tests & built
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    tested = build_marts(generated_raw_dir, warehouse, "--resource-type", "unit_test", command="test")
    assert {r.node.unique_id for r in tested.result if r.status == "pass"} == unit_tests


def test_a_test_that_failed_is_run_again(built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    with duckdb.connect(str(warehouse)) as con:
        con.execute(
            "insert into marts.feat_bureau by name select sk_id_curr, 0 as has_bureau_history from marts.feat_bureau"
        )
    selected = ["--select", "unique_feat_bureau_sk_id_curr"]
    for options in (["--full-refresh"], [], []):  # which does not believe that it has passed
        result = build_marts(generated_raw_dir, warehouse, *selected, *options)
        assert [r.node.name for r in result.result if r.status == "fail"] == ["unique_feat_bureau_sk_id_curr"]


def test_a_memory_limit_may_be_given_in_per_cent(generated_raw_dir: Path, tmp_path: Path, monkeypatch):
    monkeypatch.setenv("CREDIT_MEMORY_LIMIT", "50%")
    warehouse = tmp_path / "home_credit.duckdb"
    selected = ["--select", "stg_home_credit__application_test", *WITHOUT_TESTS]
    assert build_marts(generated_raw_dir, warehouse, *selected).success


def test_a_loan_of_two_clients_stops_what_is_made_of_it(generated_raw_dir: Path, tmp_path: Path):
    raw_dir = Path(shutil.copytree(generated_raw_dir, tmp_path / "raw"))
    change_csv(raw_dir / "installments_payments.csv", "update rows set SK_ID_CURR = SK_ID_CURR + 1 where rowid = 0")
    selected = ["--select", "stg_home_credit__installments_payments", "int_installments_by_number"]
    result = build_marts(raw_dir, tmp_path / "home_credit.duckdb", *selected)
    stopped = {r.node.name: r.status for r in result.result if r.status in ("fail", "skipped")}
    assert stopped.pop("int_installments_by_number") == "skipped"
    assert "one_client_per_loan_stg_home_credit__installments_payments_sk_id_curr__sk_id_prev" in stopped


def test_a_label_outside_its_domain_stops_the_build(generated_raw_dir: Path, tmp_path: Path):
    raw_dir = Path(shutil.copytree(generated_raw_dir, tmp_path / "raw"))
    change_csv(raw_dir / "application_train.csv", "update rows set TARGET = 7 where rowid = 3")
    result = build_marts(raw_dir, tmp_path / "home_credit.duckdb", "--select", "+application_labels")
    stopped = {r.node.name: r.status for r in result.result if r.status in ("fail", "skipped")}
    assert stopped["accepted_values_stg_home_credit__application_train_target__False__0__1"] == "fail"
    assert stopped["application_labels"] == "skipped"


def test_a_key_below_its_domain_stops_the_build(generated_raw_dir: Path, tmp_path: Path):
    raw_dir = Path(shutil.copytree(generated_raw_dir, tmp_path / "raw"))
    change_csv(raw_dir / "application_test.csv", "update rows set SK_ID_CURR = -5 where rowid = 3")
    selected = ["--select", "stg_home_credit__application_test", "--indirect-selection", "cautious"]
    result = build_marts(raw_dir, tmp_path / "home_credit.duckdb", *selected)
    assert [r.node.name for r in result.result if r.status == "fail"] == [
        "key_stg_home_credit__application_test_sk_id_curr__1"
    ]


def test_histories_without_rows_leave_their_features_null(generated_raw_dir: Path, tmp_path: Path, capsys):
    raw_dir = Path(shutil.copytree(generated_raw_dir, tmp_path / "raw"))
    children = [table.name for table in load_contract().tables.values() if table.parent_table]
    for name in children:
        change_csv(raw_dir / f"{name}.csv", "delete from rows")
    warehouse = tmp_path / "home_credit.duckdb"
    result = build_marts(raw_dir, warehouse)
    assert [r.node.name for r in result.result if r.status not in ("success", "pass", "no-op")] == []
    with duckdb.connect(str(warehouse), read_only=True) as con:
        found = con.execute("select count(*), count(bureau_debt_sum), max(has_bureau_history) from marts.feat_bureau")
        clients, known, with_history = found.fetchone()
        assert (clients > 0, known, with_history) == (True, 0, 0)
    assert quality(["--warehouse", str(warehouse), "--report", str(tmp_path / "quality.json")]) == 0
    assert "raw.bureau: expected at least one row" in capsys.readouterr().out


DAMAGE = {
    "half of a mart deleted": ("feat_bureau", "delete from marts.feat_bureau where sk_id_curr % 2 = 0"),
    "a mart of other rows": ("feat_pos_cash", "create or replace table marts.feat_pos_cash as select 1 as sk_id_curr"),
    "a view of other rows": ("scoring_set", "create or replace view marts.scoring_set as select 1 as sk_id_curr"),
    "an emptied intermediate": ("int_pos_cash_by_loan", "delete from intermediate.int_pos_cash_by_loan"),
}


def test_what_was_changed_by_hand_is_built_again(built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    with duckdb.connect(str(warehouse)) as con:
        before = rows_of(con)
        for _, statement in DAMAGE.values():
            con.execute(statement)
        con.execute("delete from raw.bureau")
    result = build_marts(generated_raw_dir, warehouse)
    assert result.success
    built = {name for name, status in statuses(result).items() if status != "UNCHANGED"}
    assert built == {name for name, _ in DAMAGE.values()}
    with duckdb.connect(str(warehouse), read_only=True) as con:
        assert rows_of(con) == before


def rows_of(con: duckdb.DuckDBPyConnection) -> dict[str, int]:
    tables = con.execute(
        "select table_schema || '.' || table_name from information_schema.tables "
        "where table_schema in ('raw', 'intermediate', 'marts')"
    ).fetchall()
    return {name: con.execute(f"select count(*) from {name}").fetchone()[0] for (name,) in tables}


def test_a_test_that_is_called_for_is_run(built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    with duckdb.connect(str(warehouse)) as con:
        con.execute("insert into marts.feat_bureau select * from marts.feat_bureau order by sk_id_curr limit 5")
    name = "unique_feat_bureau_sk_id_curr"
    for command in ("test", "build"):
        result = build_marts(generated_raw_dir, warehouse, "--select", name, command=command)
        assert [r.node.name for r in result.result if r.status == "fail"] == [name]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A copy of the dbt project, to be changed."""
    return Path(shutil.copytree(DBT_PROJECT, tmp_path / "dbt_project", ignore=shutil.ignore_patterns("target", "logs")))


def test_a_changed_description_is_written_and_builds_only_the_catalogue(
    built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path, project: Path
):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    marts = {"feat_application", "client_features", "training_set", "scoring_set"}
    before, after = "Yearly income of the client; null when it is unknown.", "What the client earns in a year."
    for mart in marts:
        properties = project / "models" / "marts" / f"_{mart}__models.yml"
        text = properties.read_text()
        assert before in text
        properties.write_text(text.replace(before, after))
    options = ["--project-dir", project, "--profiles-dir", DBT_PROJECT]
    done = statuses(build_marts(generated_raw_dir, warehouse, *options))
    documented = {name for name, status in done.items() if status == "DOCUMENTED"}
    assert documented == marts
    assert {name for name, status in done.items() if status not in ("DOCUMENTED", "UNCHANGED")} <= {"feature_catalog"}
    with duckdb.connect(str(warehouse), read_only=True) as con:
        comments = con.execute(
            "select distinct comment from duckdb_columns() "
            "where schema_name = 'marts' and column_name = 'amt_income_total'"
        ).fetchall()
    assert comments == [(after,)]
    again = build_marts(generated_raw_dir, warehouse, *options)
    assert set(statuses(again).values()) == {"UNCHANGED"}


def test_another_version_builds_everything_again(
    built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    versions = dbt_plugin.importlib.metadata.version
    monkeypatch.setattr(
        dbt_plugin.importlib.metadata, "version", lambda name: "9.9" if name == "duckdb" else versions(name)
    )
    with duckdb.connect(str(warehouse)) as con:
        before = con.execute("select state from meta.build_state where unique_id = 'builder'").fetchone()
    assert before != (builder_state(),)
    models = ["stg_home_credit__bureau", "int_pos_cash_by_loan"]
    done = statuses(build_marts(generated_raw_dir, warehouse, "--resource-type", "model"))
    assert "UNCHANGED" not in [done[name] for name in models]


def test_the_tolerated_share_of_the_project_is_heard(tmp_path: Path):
    (tmp_path / "dbt_project.yml").write_text("name: p\nvars: {max_rejected_share: 0.25}\n")
    assert rejected_share(tmp_path, {}) == 0.25
    assert rejected_share(tmp_path, {"max_rejected_share": 0.5}) == 0.5
    with pytest.raises(SettingsError, match="a share from 0 to 1 as dbt variable max_rejected_share; found 'some'"):
        rejected_share(tmp_path, {"max_rejected_share": "some"})


def test_a_build_of_a_part_or_that_failed_is_no_base_of_the_gate(
    built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path
):
    warehouse = Path(shutil.copy(built_warehouse, tmp_path / "home_credit.duckdb"))
    with duckdb.connect(str(warehouse), read_only=True) as con:
        assert require_whole_build(con).raw_fingerprints.keys() == load_contract().tables.keys()
        assert "feat_bureau" in built_relations(con, "marts")
    assert build_marts(generated_raw_dir, warehouse, "--select", "feat_bureau+").success
    assert "left out" in refusal_of(warehouse)
    assert build_marts(generated_raw_dir, warehouse).success
    with duckdb.connect(str(warehouse), read_only=True) as con:
        require_whole_build(con)
    raw_dir = Path(shutil.copytree(generated_raw_dir, tmp_path / "raw"))
    change_csv(raw_dir / "application_train.csv", "update rows set TARGET = 7 where rowid = 3")
    assert not build_marts(raw_dir, warehouse).success
    assert "failed or were skipped" in refusal_of(warehouse)


def refusal_of(warehouse: Path) -> str:
    with duckdb.connect(str(warehouse), read_only=True) as con, pytest.raises(QualityGateError) as caught:
        require_whole_build(con)
    return str(caught.value)
