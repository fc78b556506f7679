"""A tiny warehouse with the shape of the real one, made by the contract: what gate, publisher and reports read."""

from collections.abc import Iterable
from pathlib import Path

import duckdb

from warehouse.core.builds import PREPARE as PREPARE_BUILDS
from warehouse.core.database import has_table
from warehouse.core.fingerprint import marts_fingerprint, read_marts
from warehouse.core.sql import quoted
from warehouse.gate.record import PREPARE
from warehouse.loading.contract import Column, Table, load_contract

TRAINING, SCORING = 200, 100
ROWS = {"bureau": 400, "bureau_balance": 1200, "previous_application": 300}
CHILD_ROWS = 600
FIRST_ID = 100_001


def build_tiny_warehouse(path: Path) -> Path:
    """Write raw tables, marts and the record of loaded files, sound in every respect."""
    contract = load_contract()
    with duckdb.connect(str(path)) as con:
        for schema in ("raw", "marts", "meta"):
            con.execute(f"create schema {schema}")
        for table in contract.tables.values():
            con.execute(f"create table {quoted('raw', table.name)} as {_rows_sql(table)}")
        con.execute(
            "create table meta.raw_files "
            "(table_name varchar, row_count bigint, loaded_at timestamptz, fingerprint varchar)"
        )
        con.execute("insert into meta.raw_files values ('bureau', 400, '2026-11-20 10:00:00+00', 'f1')")
        _create_marts(con, path.stem)
        record_build(con)
    return path


def record_build(con: duckdb.DuckDBPyConnection, *, passed: bool | None = True, missing: int = 0) -> None:
    """Leave the record that `dbt build` leaves, of all marts that are there."""
    con.execute(PREPARE_BUILDS)
    con.execute("create table if not exists meta.raw_files (table_name varchar, fingerprint varchar)")
    con.execute(
        "insert into meta.builds select coalesce(max(build_number), 0) + 1, 'tiny', 'build', current_timestamp, "
        "current_timestamp, $1, 40, case when $1 then 0 else 3 end, $2 from meta.builds",
        [passed, missing],
    )
    con.execute("delete from meta.build_nodes")
    con.execute(
        "insert into meta.build_nodes select (select max(build_number) from meta.builds), node.* from ("
        "select 'model.home_credit.' || table_name, 'success', 's', table_schema, table_name "
        "from information_schema.tables where table_schema = 'marts' "
        "union all select 'raw.' || table_name, 'loaded', fingerprint, null, null from meta.raw_files) as node"
    )


def approve(path: Path, *, passed: bool = True) -> str:
    """Record a run of the gate on the present marts, without running it; give their fingerprint."""
    with duckdb.connect(str(path)) as con:
        return record_gate_run(con, passed=passed)


def record_gate_run(con: duckdb.DuckDBPyConnection, *, passed: bool = True) -> str:
    """The same on an open warehouse."""
    con.execute(PREPARE)
    if not has_table(con, "meta", "builds"):
        record_build(con)
    fingerprint = marts_fingerprint(read_marts(con))
    con.execute(
        "insert into meta.quality_runs values (current_timestamp, ?, 500, ?, 2, ?)",
        [passed, 0 if passed else 3, fingerprint],
    )
    return fingerprint


def change(path: Path, *statements: str) -> None:
    """Run SQL on a warehouse file."""
    with duckdb.connect(str(path)) as con:
        for statement in statements:
            con.execute(statement)


def query(path: Path, sql: str) -> list[tuple]:
    """Read from a DuckDB file."""
    with duckdb.connect(str(path), read_only=True) as con:
        return con.execute(sql).fetchall()


def _rows_sql(table: Table) -> str:
    rows = {"application_train": TRAINING, "application_test": SCORING, **ROWS}.get(table.name, CHILD_ROWS)
    expressions = ", ".join(
        f"cast({_value_sql(table, column, number)} as {column.data_type}) as {quoted(column.name)}"
        for number, column in enumerate(table.columns)
    )
    return f"select {expressions} from range({rows}) as rows(i)"


def _value_sql(table: Table, column: Column, number: int) -> str:
    if column.name in table.primary_key:
        return _key_sql(table, column)
    if column.name in (table.parent_key, "SK_ID_CURR"):
        return f"{FIRST_ID} + i % {TRAINING + SCORING}"
    if column.name == "TARGET":
        return "case when i % 12 = 0 then 1 else 0 end"
    noise = f"cast(hash(i * 1000 + {number}) % 1000 as bigint)"
    if column.values is not None:
        return f"({_literals(column.values)})[1 + {noise} % {len(column.values)}]"
    return f"'word ' || {noise} % 5" if column.data_type == "varchar" else _number_sql(column, noise)


def _key_sql(table: Table, column: Column) -> str:
    if column.name == "MONTHS_BALANCE":
        return "-(i % 3)"
    start = FIRST_ID + (TRAINING if table.name == "application_test" else 0)
    return f"{start} + i // {3 if len(table.primary_key) > 1 else 1}"


def _number_sql(column: Column, noise: str) -> str:
    low = column.minimum if column.minimum is not None else (column.maximum or 0) - 1000
    high = column.maximum if column.maximum is not None else low + 1000
    value = f"{low} + {noise} / 1000.0 * {high - low}"
    value = f"floor({value})" if column.data_type != "double" else value
    return f"case when {noise} % 7 = 0 then null else {value} end" if column.nullable else value


def _literals(values: Iterable[str | int]) -> str:
    listed = ", ".join(str(v) if isinstance(v, int) else "'" + v.replace("'", "''") + "'" for v in values)
    return f"[{listed}]"


def _create_marts(con: duckdb.DuckDBPyConnection, catalog: str) -> None:
    """As dbt does: views name the catalog, tables have comments."""
    con.execute("""
        create table marts.feat_application as
        select SK_ID_CURR as sk_id_curr, AMT_CREDIT as amt_credit, CODE_GENDER as code_gender,
            EXT_SOURCE_1 as ext_source_1, cast(CNT_CHILDREN as double) as cnt_children,
            cast(i % 20 = 0 as integer) as rare_flag,
            cast(i % 20 > 0 as integer) as common_flag
        from (select row_number() over () as i, * from (
            select SK_ID_CURR, AMT_CREDIT, CODE_GENDER, EXT_SOURCE_1, CNT_CHILDREN from raw.application_train
            union all select SK_ID_CURR, AMT_CREDIT, CODE_GENDER, EXT_SOURCE_1, CNT_CHILDREN from raw.application_test))
    """)
    con.execute("""
        create table marts.feat_bureau as
        select a.sk_id_curr, count(b.SK_ID_CURR) as bureau_loan_count,
            avg(case when b.CREDIT_ACTIVE = 'Active' then 1.0 else 0.0 end) as bureau_active_share
        from marts.feat_application as a left join raw.bureau as b on b.SK_ID_CURR = a.sk_id_curr
        group by a.sk_id_curr order by a.sk_id_curr desc
    """)
    con.execute("""
        create table marts.application_labels as
        select SK_ID_CURR as sk_id_curr, 'training' as population, TARGET as target from raw.application_train
        union all select SK_ID_CURR, 'scoring', null from raw.application_test
    """)
    con.execute(f"""
        create view marts.client_features as
        select a.sk_id_curr, l.population, a.* exclude (sk_id_curr), b.* exclude (sk_id_curr)
        from {quoted(catalog)}.marts.feat_application as a
        inner join {quoted(catalog)}.marts.feat_bureau as b using (sk_id_curr)
        inner join {quoted(catalog)}.marts.application_labels as l using (sk_id_curr)
    """)
    con.execute(f"""
        create view marts.training_set as
        select f.sk_id_curr, l.target, f.* exclude (sk_id_curr, population)
        from {quoted(catalog)}.marts.client_features as f
        inner join {quoted(catalog)}.marts.application_labels as l using (sk_id_curr)
        where l.population = 'training'
    """)
    con.execute(f"""
        create view marts.scoring_set as
        select * exclude (population) from {quoted(catalog)}."marts"."client_features" where population = 'scoring'
    """)
    con.execute(f"""
        create view marts.labelled_loans as
        select t.SK_ID_CURR as sk_id_curr, l.target from {quoted(catalog)}.raw.application_train as t
        inner join {quoted(catalog)}.marts.application_labels as l on l.sk_id_curr = t.SK_ID_CURR
    """)
    con.execute("comment on view marts.client_features is 'One row per client''s application.'")
    con.execute("comment on view marts.scoring_set is 'One row per application to be scored.'")
    con.execute("comment on column marts.client_features.amt_credit is 'Credit amount of the loan.'")
    con.execute("comment on column marts.training_set.target is 'Payment difficulties: 1, else 0.'")
