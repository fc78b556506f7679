"""What a publication adds to the marts: lineage, bins, the first page, and a search that finds."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest
from scipy.stats import binomtest

from tests.support.tiny_warehouse import approve, build_tiny_warehouse, query
from warehouse.analyst import bins
from warehouse.snapshots.publication import publish
from warehouse.snapshots.snapshot import Snapshot
from warehouse.snapshots.verification import find_faults

FOLLOWED = {  # ten features that a reader would follow, and the raw columns that they must come back to
    "ext_source_2": {"EXT_SOURCE_2"},
    "application_credit_to_income_ratio": {"AMT_CREDIT", "AMT_INCOME_TOTAL"},
    "bureau_debt_to_income_ratio": {"AMT_CREDIT_SUM_DEBT", "AMT_INCOME_TOTAL"},
    "bureau_balance_late_month_count_12m": {"STATUS", "MONTHS_BALANCE"},
    "previous_refused_count_6m": {"NAME_CONTRACT_STATUS", "DAYS_DECISION"},
    "installments_late_share_365d": {"DAYS_ENTRY_PAYMENT", "DAYS_INSTALMENT"},
    "card_utilisation_last": {"AMT_BALANCE", "AMT_CREDIT_LIMIT_ACTUAL"},
    "has_bureau_history": {"SK_ID_CURR"},
    "cross_interest_rate_at_peers_term": {"AMT_ANNUITY", "AMT_CREDIT", "CNT_PAYMENT"},
    "previous_count": {"SK_ID_CURR"},
}


@pytest.fixture(scope="module")
def con(published_snapshot: Snapshot) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(published_snapshot.database), read_only=True) as con:
        yield con


def row(con: duckdb.DuckDBPyConnection, sql: str) -> tuple:
    [found] = con.execute(sql).fetchall()
    return found


def features(con: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in con.execute("select feature from feature_catalog").fetchall()}


def test_every_feature_resolves_to_described_raw_columns(con: duckdb.DuckDBPyConnection):
    lineage = con.sql("from feature_lineage").df()
    assert set(lineage["feature"]) == features(con)
    assert lineage[["raw_table", "raw_column", "raw_description", "expression", "through"]].notna().all(axis=None)
    assert not (lineage[["raw_description", "expression"]] == "").any(axis=None)


@pytest.mark.parametrize("feature", FOLLOWED)
def test_a_feature_goes_back_to_the_columns_that_it_is_made_of(feature: str, con: duckdb.DuckDBPyConnection):
    found = con.execute("select raw_column from lineage_of(?)", [feature]).fetchall()
    assert FOLLOWED[feature] <= {column for (column,) in found}


def test_sources_of_the_catalogue_are_the_tables_of_the_lineage(con: duckdb.DuckDBPyConnection):
    different = con.execute("""
        select feature, sources, listed from feature_catalog join (
            select feature, string_agg(distinct raw_table, ', ' order by raw_table) as listed
            from feature_lineage group by feature) using (feature)
        where sources <> listed
    """)
    assert different.fetchall() == []


def test_bins_hold_every_labelled_client_once(con: duckdb.DuckDBPyConnection):
    clients, defaulters = row(con, "select count(*), sum(target) from training_set")
    sums = con.sql("select feature, sum(client_count) n, sum(defaulter_count) d from feature_bins group by 1").df()
    assert set(sums["feature"]) == features(con)
    assert (sums["n"] == clients).all() and (sums["d"] == defaulters).all()


@pytest.mark.parametrize("feature", ["ext_source_2", "amt_credit", "bureau_debt_to_income_ratio", "cnt_children"])
def test_bins_of_a_number_are_what_pandas_counts(feature: str, con: duckdb.DuckDBPyConnection):
    table = con.execute("from feature_bins where feature = ? order by bin", [feature]).df()
    rows = con.sql(f"select target, cast({feature} as double) as x from training_set").df()
    ranges = table[table["kind"] == "range"]
    ends = [-np.inf, *ranges["upper"].dropna(), np.inf]
    counted = rows.groupby(pd.cut(rows["x"], ends), observed=True)["target"].agg(["size", "sum"])
    assert ranges["client_count"].tolist() == counted["size"].tolist()
    assert ranges["defaulter_count"].tolist() == counted["sum"].tolist()
    assert ranges["lower"].tolist()[1:] == ranges["upper"].tolist()[:-1]
    assert table.loc[table["kind"] == "missing", "client_count"].sum() == rows["x"].isna().sum()


def test_deciles_are_deciles(con: duckdb.DuckDBPyConnection):
    table = con.sql("select client_count from feature_bins where feature = 'amt_credit' and kind = 'range'").df()
    assert len(table) >= 10 and table["client_count"].max() < 0.15 * table["client_count"].sum()


def test_intervals_weights_and_information_value_follow_their_formulas(con: duckdb.DuckDBPyConnection):
    table = con.sql("from feature_bins where feature in ('ext_source_2', 'name_education_type', 'flag_own_car')").df()
    for one in table.itertuples():
        interval = binomtest(one.defaulter_count, one.client_count).proportion_ci(method="wilson")
        assert (one.default_rate_low, one.default_rate_high) == pytest.approx(interval, abs=1e-9)
    clients, defaulters = row(con, "select count(*), sum(target) from training_set")
    good = (table["client_count"] - table["defaulter_count"] + 0.5) / (clients - defaulters + 0.5)
    bad = (table["defaulter_count"] + 0.5) / (defaulters + 0.5)
    assert table["weight_of_evidence"].to_numpy() == pytest.approx(np.log(good / bad).to_numpy())
    information = ((good - bad) * np.log(good / bad)).groupby(table["feature"]).transform("sum")
    assert table["feature_information_value"].to_numpy() == pytest.approx(information.to_numpy())


def test_a_flag_and_a_count_have_bins_in_words(con: duckdb.DuckDBPyConnection):
    labels = {
        name: [label for (label,) in con.execute("select label from bins_of(?)", [name]).fetchall()]
        for name in ("flag_own_car", "cnt_children", "has_bureau_history")
    }
    assert labels["flag_own_car"] == ["owns no car", "owns a car"]
    assert labels["cnt_children"][:2] == ["0", "1"] and labels["cnt_children"][2].endswith("or more")
    assert len(labels["has_bureau_history"]) == 2


def test_a_value_that_fills_several_deciles_has_a_bin_of_its_own(tmp_path: Path):
    with duckdb.connect(str(tmp_path / "crowded.duckdb")) as con:
        con.execute("create schema marts")
        con.execute("""
            create table marts.application_labels as
            select i as sk_id_curr, 'training' as population, cast(i % 10 = 0 as integer) as target
            from range(1000) as rows(i)
        """)
        con.execute("""
            create table marts.client_features as
            select i as sk_id_curr, 'training' as population, case when i < 100 then i / 100.0 else 1 end as share
            from range(1000) t(i)
        """)
        con.execute(
            "create view marts.training_set as select * from marts.client_features join marts.application_labels "
            "using (sk_id_curr, population)"
        )
        bins.write_bins(con)
        found = con.execute("select lower, upper, client_count from marts.feature_bins order by bin").fetchall()
    assert found[-1][2] == 900 and found[-1][0] == 0.99


def test_deciles_of_many_clients_come_from_blocks_of_them(con: duckdb.DuckDBPyConnection, tmp_path: Path, monkeypatch):
    monkeypatch.setattr(bins, "BLOCK", 64)
    clients = con.sql("from client_features").df()
    with duckdb.connect(str(tmp_path / "many.duckdb")) as many:
        many.execute("create schema marts")
        many.register("clients", clients[["sk_id_curr", "population", "ext_source_2", "amt_credit"]])
        many.execute("create table marts.client_features as from clients")
        (chosen,) = row(many, f"select count(*) from marts.client_features where {bins._blocks(many)}")
        edges = bins._edges(many, bins._columns(many))
    assert chosen == 640 < len(clients)
    labelled = clients.loc[clients["population"] == "training", "amt_credit"]
    shares = np.array([(labelled <= edge).mean() for edge in edges["amt_credit"]])
    nearest = np.abs(shares[:, None] - np.array(bins.DECILES)).min(axis=0)
    assert nearest.max() < 0.05


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("late payments", "installments_late_share_365d"),
        ("debt to income", "bureau_debt_to_income_ratio"),
        ("unemployed", "days_employed"),
        ("delinquency", "bureau_balance_late_month_count_12m"),
        ("seniority", "days_employed"),
        ("card limit", "card_utilisation_last"),
        ("Instalments paid too late", "installments_late_share_365d"),
    ],
)
def test_find_feature_finds_by_the_words_of_the_field(words: str, expected: str, con: duckdb.DuckDBPyConnection):
    found = [name for (name,) in con.execute("select feature from find_feature(?)", [words]).fetchall()]
    assert expected in found and len(found) < 150


def test_what_nobody_calls_a_feature_finds_nothing(con: duckdb.DuckDBPyConnection):
    assert row(con, "select count(*) from find_feature('zebra')") == (0,)


def test_a_snapshot_opens_ready_to_use_in_the_shell(published_snapshot: Snapshot):
    shell = Path(sys.executable).parent / "duckdb"

    def ask(sql: str) -> str:
        command = [str(shell), "-readonly", "-csv", str(published_snapshot.database), sql]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout

    listed = ask("show tables").split()
    assert {"start", "client_features", "training_set", "feature_bins", "feature_lineage", "build_info"} <= set(listed)
    steps = ask("select query from start").splitlines()[1:]
    assert len(steps) == 5
    for step in steps:
        assert len(ask(step.strip('"').replace('""', '"')).splitlines()) > 1, step


def test_the_origin_of_a_snapshot_can_be_asked_in_sql(published_snapshot: Snapshot, con: duckdb.DuckDBPyConnection):
    facts = dict(con.execute("from build_info").fetchall())
    assert facts["snapshot_id"] == published_snapshot.snapshot_id
    assert facts["marts_fingerprint"] == published_snapshot.manifest["marts_fingerprint"]
    assert facts["raw file bureau"].split()[1] == "rows,"


def test_every_added_column_is_described(con: duckdb.DuckDBPyConnection):
    silent = con.execute(
        "select table_name, column_name from duckdb_columns() where schema_name = 'marts' and comment is null"
    )
    assert silent.fetchall() == []


def test_marts_are_published_again_when_what_is_added_has_changed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    warehouse = build_tiny_warehouse(tmp_path / "home_credit.duckdb")
    approve(warehouse)
    first, _ = publish(warehouse, tmp_path / "published")
    monkeypatch.setattr("warehouse.snapshots.manifest.CODE", ("analyst/bins.py",))
    second, is_new = publish(warehouse, tmp_path / "published")
    assert is_new and second != first
    assert second.manifest["marts_fingerprint"] == first.manifest["marts_fingerprint"]


def test_a_changed_bin_is_found_out(tmp_path: Path):
    warehouse = build_tiny_warehouse(tmp_path / "home_credit.duckdb")
    approve(warehouse)
    snapshot, _ = publish(warehouse, tmp_path / "published")
    copy = Snapshot(Path(shutil.copytree(snapshot.folder, tmp_path / snapshot.folder.name)))
    copy.database.chmod(0o644)
    with duckdb.connect(str(copy.database)) as con:
        con.execute("update marts.feature_bins set default_rate = 0")
    assert any("feature_bins has other content" in fault for fault in find_faults(copy))
    assert query(snapshot.database, "select count(*) from marts.feature_lineage") == [(0,)]


def test_bins_of_marts_without_clients_are_an_empty_table_of_the_same_types(con: duckdb.DuckDBPyConnection):
    described = "select column_name, data_type from duckdb_columns() where schema_name = 'marts' and table_name = 'feature_bins'"
    with duckdb.connect() as empty:
        empty.execute("create schema marts")
        bins.write_bins(empty)
        assert empty.execute("from marts.feature_bins").fetchall() == []
        assert set(empty.execute(described).fetchall()) == set(con.execute(described).fetchall())
