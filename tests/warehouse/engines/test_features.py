"""Features of one applicant from raw rows: what a build gives, bit for bit, by the SQL of the snapshot itself."""

import json
import shutil
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet
import pytest

from tests.support.building import build_marts
from tests.support.tiny_warehouse import approve, build_tiny_warehouse, change, query
from warehouse.core.errors import SnapshotError
from warehouse.engines.one_client import OneClientEngine
from warehouse.engines.raw_rows import read_raw_rows
from warehouse.features import main
from warehouse.loading.contract import load_contract
from warehouse.snapshots.publication import publish
from warehouse.snapshots.snapshot import Snapshot

REAL_CLIENTS, GENERATED_CLIENTS = 200, 60
CONTRACT = load_contract().tables
Applicant = dict[str, Any]


@pytest.fixture(scope="module")
def warehouse(built_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The built warehouse with a gate that it passed."""
    path = tmp_path_factory.mktemp("approved") / built_warehouse.name
    shutil.copy(built_warehouse, path)
    approve(path)
    return path


@pytest.fixture(scope="module")
def snapshot(warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    return publish(warehouse, tmp_path_factory.mktemp("published"))[0]


@pytest.fixture(scope="module")
def engine(snapshot: Snapshot) -> Iterator[OneClientEngine]:
    with OneClientEngine(snapshot) as opened:
        yield opened


@pytest.fixture(scope="module")
def applicants(warehouse: Path, snapshot: Snapshot) -> list[Applicant]:
    """Some with a history of every kind, some without any, and some at random."""
    return read_raw_rows(warehouse, clients_of(snapshot, GENERATED_CLIENTS), CONTRACT)


def clients_of(snapshot: Snapshot, count: int) -> list[int]:
    sources = "has_bureau_history + has_previous_application + has_installments_history + has_credit_card_history"
    with duckdb.connect(str(snapshot.database), read_only=True) as con:
        rows = con.execute(
            f"""
            select sk_id_curr from marts.client_features
            order by least(
                row_number() over (order by {sources}, sk_id_curr),
                row_number() over (order by {sources} desc, sk_id_curr),
                row_number() over (order by hash(sk_id_curr))
            ), sk_id_curr limit {count}
            """
        ).fetchall()
    return [client for (client,) in rows]


def mart_rows(snapshot: Snapshot, clients: list[int]) -> pa.Table:
    with duckdb.connect(str(snapshot.database), read_only=True) as con:
        rows = con.sql(
            f"select * exclude (population) from marts.client_features where sk_id_curr in {tuple(clients)}"
        ).to_arrow_table()
    places = rows["sk_id_curr"].to_pylist()
    return rows.take([places.index(client) for client in clients])


def differing(expected: pa.Table, found: pa.Table) -> list[str]:
    """Columns in which a single bit differs."""
    assert found.schema.equals(expected.schema)
    assert found.num_rows == expected.num_rows
    return [name for name in expected.column_names if bits(expected[name]) != bits(found[name])]


def bits(column: pa.ChunkedArray) -> list[Any]:
    values = column.combine_chunks()
    return (values.view(pa.int64()) if pa.types.is_float64(values.type) else values).to_pylist()


def with_application(applicant: Applicant, **values: object) -> Applicant:
    return applicant | {"application": applicant["application"] | values}


def test_features_of_generated_clients_are_those_of_the_build(
    engine: OneClientEngine, snapshot: Snapshot, applicants: list[Applicant]
):
    clients = [applicant["application"]["SK_ID_CURR"] for applicant in applicants]
    assert differing(mart_rows(snapshot, clients), engine.features(applicants)) == []


def test_features_of_real_clients_are_those_of_the_build(real_warehouse: Path, tmp_path: Path):
    path = Path(shutil.copy(real_warehouse, tmp_path / "home_credit.duckdb"))
    approve(path)
    real = publish(path, tmp_path / "published")[0]
    clients = clients_of(real, REAL_CLIENTS)
    rows = read_raw_rows(path, clients, CONTRACT)
    with OneClientEngine(real) as opened:
        found = pa.concat_tables(opened.features([row]) for row in rows[:20])
        assert differing(mart_rows(real, clients[:20]), found) == []
        assert differing(mart_rows(real, clients), opened.features(rows)) == []


def test_an_engine_for_few_calls_gives_the_same(
    snapshot: Snapshot, engine: OneClientEngine, applicants: list[Applicant]
):
    with OneClientEngine(snapshot, optimised=False) as opened:
        assert differing(engine.features(applicants), opened.features(applicants)) == []


def test_one_alone_is_as_among_others_and_after_others(engine: OneClientEngine, applicants: list[Applicant]):
    together = engine.features(applicants[:3])
    for place in (2, 0, 1):
        assert differing(together.slice(place, 1), engine.features([applicants[place]])) == []


def test_the_order_of_rows_does_not_matter(engine: OneClientEngine, applicants: list[Applicant]):
    reversed_rows = [
        {name: rows if name == "application" else rows[::-1] for name, rows in applicant.items()}
        for applicant in applicants
    ]
    assert differing(engine.features(applicants), engine.features(reversed_rows)) == []


def test_what_may_be_null_may_be_left_out(engine: OneClientEngine, applicants: list[Applicant]):
    known = {name: value for name, value in applicants[0]["application"].items() if value is not None}
    assert len(known) < len(applicants[0]["application"])
    left_out = engine.features([applicants[0] | {"application": known}])
    assert differing(engine.features([applicants[0]]), left_out) == []


def test_variants_are_what_each_would_be_alone(engine: OneClientEngine, applicants: list[Applicant]):
    applicant = max(applicants, key=lambda rows: sum(map(len, rows.values())))
    changes = [
        {},
        {"AMT_CREDIT": 312_500.0},
        {"AMT_ANNUITY": None, "EXT_SOURCE_2": 0.25},
        {"NAME_EDUCATION_TYPE": "Higher education", "DAYS_EMPLOYED": 365243},
        {"amt_income_total": 90_000},
    ]
    found = engine.variants(applicant, changes)
    for place, change_ in enumerate(changes):
        values = {name.upper(): value for name, value in change_.items()}
        assert differing(engine.features([with_application(applicant, **values)]), found.slice(place, 1)) == []
    assert bits(found["application_credit_to_income_ratio"])[0] != bits(found["application_credit_to_income_ratio"])[1]


def test_history_is_computed_without_the_application(engine: OneClientEngine):
    history = {step.name for step in engine._steps if not step.needs_application}
    for wide in ("feat_bureau", "feat_credit_card", "feat_installments", "feat_pos_cash", "feat_previous_application"):
        assert f"marts.{wide}__by_client" in history
        assert f"marts.{wide}" not in history
    assert not any(name.startswith("marts.reference_") for name in history)


def test_several_threads_may_ask_one_engine(engine: OneClientEngine, applicants: list[Applicant]):
    alone = [engine.features([applicant]) for applicant in applicants[:2]]
    with ThreadPoolExecutor(max_workers=2) as threads:
        together = list(threads.map(lambda applicant: engine.features([applicant]), applicants[:2]))
    assert [differing(*pair) for pair in zip(alone, together, strict=True)] == [[]] * 2


def test_a_snapshot_answers_by_its_own_sql(snapshot: Snapshot, applicants: list[Applicant], tmp_path: Path):
    """An older revision had another rule, another contract and no feature that came later."""
    older = Snapshot(shutil.copytree(snapshot.folder, tmp_path / snapshot.snapshot_id))
    older.database.chmod(0o644)
    rule, older_rule = "amt_credit - amt_goods_price", "amt_goods_price - amt_credit"
    change(
        older.database,
        f"update meta.feature_models set sql = replace(sql, '{rule}', '{older_rule}')",
        'update meta.raw_tables set definition = replace(definition, \'"XNA"]\', \'"XNA", "Q"]\')',
    )
    applicant = with_application(applicants[0], CODE_GENDER="Q", AMT_CREDIT=300_000, AMT_GOODS_PRICE=250_000)
    with OneClientEngine(older, optimised=False) as opened:
        row = opened.features([applicant]).to_pylist()[0]
    assert row["application_credit_minus_goods_price"] == -50_000
    assert row["code_gender"] == "Q"


@pytest.mark.parametrize(
    ("relation", "sql", "message"),
    [
        ("marts.feat_bureau", "select gone()", "to run on DuckDB"),
        (
            "intermediate.int_bureau_loans",
            "select sk_id_bureau from staging.stg_home_credit__bureau",
            "to run on DuckDB",
        ),
        (
            "marts.feat_bureau",
            "with loans as (select max(sk_id_bureau) as most from intermediate.int_bureau_loans) "
            "select applications.sk_id_curr, most from intermediate.int_applications_unioned as applications, loans",
            "expected rows with sk_id_curr wherever a client's history",
        ),
    ],
)
def test_sql_that_does_not_run_here_is_one_line(
    snapshot: Snapshot, tmp_path: Path, relation: str, sql: str, message: str
):
    older = Snapshot(shutil.copytree(snapshot.folder, tmp_path / snapshot.snapshot_id))
    older.database.chmod(0o644)
    change(older.database, f"update meta.feature_models set sql = '{sql}' where relation = '{relation}'")
    with pytest.raises(SnapshotError, match=message):
        OneClientEngine(older)


def test_a_snapshot_without_sql_says_so(tmp_path: Path):
    path = build_tiny_warehouse(tmp_path / "home_credit.duckdb")
    approve(path)
    older = publish(path, tmp_path / "published")[0]
    assert older.manifest["feature_sql"] is None
    with pytest.raises(SnapshotError, match="expected the SQL of the features in snapshot"):
        OneClientEngine(older)


def test_statistics_of_the_reference_population_are_read_from_the_snapshot(snapshot: Snapshot, engine: OneClientEngine):
    with duckdb.connect(str(snapshot.database), read_only=True) as con:
        rows = con.execute("select relation, is_reference, reads from meta.feature_models order by place").fetchall()
        published = {f"marts.{name}" for (name,) in con.execute("select table_name from duckdb_tables()").fetchall()}
    reference = {relation for relation, is_reference, _ in rows if is_reference}
    assert reference
    assert reference <= published
    assert rows[-1][0] == "marts.client_features"
    seen: set[str] = set()
    for relation, is_reference, reads in rows:
        assert is_reference or {read for read in reads if not read.startswith("raw.")} <= seen
        seen.add(relation)


def test_sql_that_was_lost_is_recorded_by_the_next_build(
    built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path
):
    path = tmp_path / built_warehouse.name
    shutil.copy(built_warehouse, path)
    recorded = query(path, "from meta.model_sql order by relation")
    change(path, "delete from meta.model_sql")
    assert build_marts(generated_raw_dir, path, command="run").success
    assert query(path, "from meta.model_sql order by relation") == recorded


def test_the_same_marts_by_other_sql_are_published_again(warehouse: Path, tmp_path: Path):
    path = tmp_path / warehouse.name
    shutil.copy(warehouse, path)
    first, _ = publish(path, tmp_path / "published")
    assert publish(path, tmp_path / "published") == (first, False)
    change(path, "update meta.model_sql set sql = sql || ' -- the same' where relation = 'marts.feat_bureau'")
    second, is_new = publish(path, tmp_path / "published")
    assert is_new
    assert second.manifest["marts_fingerprint"] == first.manifest["marts_fingerprint"]
    assert second.manifest["feature_sql"] != first.manifest["feature_sql"]


@pytest.fixture
def environment(warehouse: Path, snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CREDIT_DUCKDB", str(warehouse))
    monkeypatch.setenv("CREDIT_PUBLISHED_DIR", str(snapshot.folder.parent))


@pytest.mark.usefixtures("environment")
def test_the_command_prints_a_clients_features(
    applicants: list[Applicant], engine: OneClientEngine, capsys: pytest.CaptureFixture[str]
):
    client = applicants[0]["application"]["SK_ID_CURR"]
    assert main(["--client", str(client)]) == 0
    assert json.loads(capsys.readouterr().out) == engine.features([applicants[0]]).to_pylist()


@pytest.mark.usefixtures("environment")
def test_the_command_reads_applicants_and_writes_files(
    applicants: list[Applicant], engine: OneClientEngine, tmp_path: Path
):
    given = tmp_path / "applicants.json"
    given.write_text(json.dumps(applicants[:2]))
    expected = engine.features(applicants[:2])
    assert main(["--application", str(given), "--out", str(tmp_path / "features.parquet")]) == 0
    assert differing(expected, pyarrow.parquet.read_table(tmp_path / "features.parquet")) == []


@pytest.mark.usefixtures("environment")
def test_the_command_gives_a_row_for_each_variant(applicants: list[Applicant], engine: OneClientEngine, tmp_path: Path):
    variants, out = tmp_path / "variants.json", tmp_path / "features.csv"
    variants.write_text('[{"AMT_CREDIT": 100000}, {"AMT_CREDIT": 200000}]')
    client = str(applicants[0]["application"]["SK_ID_CURR"])
    assert main(["--client", client, "--variants", str(variants), "--out", str(out)]) == 0
    rows = pyarrow.csv.read_csv(out)
    assert rows.column_names == engine.schema.names
    assert rows["amt_credit"].to_pylist() == [100_000, 200_000]
    assert rows["sk_id_curr"].to_pylist() == [int(client)] * 2


@pytest.mark.usefixtures("environment")
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--client", "999"], "expected an application with SK_ID_CURR 999"),
        (["--application", "missing.json"], "expected applicants as JSON in missing.json"),
        (
            ["--client", "999", "--out", "features.xls"],
            "expected --out to end in .csv, .json, .parquet; found features.xls",
        ),
        (["--client", "1", "2", "--variants", "v.json"], "expected variants as JSON in v.json"),
        (["--client", "999", "--snapshot", "yesterday"], "expected"),
    ],
)
def test_what_the_command_cannot_do_is_one_line(options: list[str], message: str, capsys: pytest.CaptureFixture[str]):
    assert main(options) == 1
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith(f"error: {message}")
    assert printed.err.count("\n") == 1
