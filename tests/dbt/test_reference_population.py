"""A client's features depend on that client's rows and on the reference population, never on who else is scored."""

import csv
import itertools
from pathlib import Path

import duckdb
import pytest

from tests.support.building import build_marts

SHRINKAGE = 20


def with_one_client_to_score(raw_dir: Path, folder: Path) -> Path:
    """The same raw files with the first row of application_test alone."""
    folder.mkdir()
    for path in raw_dir.iterdir():
        if path.name != "application_test.csv":
            (folder / path.name).symlink_to(path)
    with (raw_dir / "application_test.csv").open(newline="") as source:
        rows = list(itertools.islice(csv.reader(source), 2))
    with (folder / "application_test.csv").open("w", newline="") as target:
        csv.writer(target).writerows(rows)
    return folder


def marts(warehouse: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(warehouse), read_only=True)


def test_features_of_a_client_do_not_depend_on_who_else_is_scored(
    built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path
):
    warehouse = tmp_path / "home_credit.duckdb"
    raw_dir = with_one_client_to_score(generated_raw_dir, tmp_path / "raw")
    result = build_marts(raw_dir, warehouse, command="run")
    assert result.success, result.exception
    with marts(built_warehouse) as whole, marts(warehouse) as part:
        clients = dict(part.execute("select population, count(*) from marts.client_features group by 1").fetchall())
        assert clients["scoring"] == 1 < clients["training"]
        kept = part.sql("select * from marts.client_features order by sk_id_curr").to_arrow_table()
        everybody = whole.sql("select * from marts.client_features order by sk_id_curr").to_arrow_table()
    same = everybody.join(kept.select(["sk_id_curr"]), "sk_id_curr", join_type="left semi").sort_by("sk_id_curr")
    assert same.num_rows == kept.num_rows == sum(clients.values())
    assert [name for name in kept.column_names if kept[name].combine_chunks() != same[name].combine_chunks()] == []


def test_a_group_of_one_is_shrunk_towards_the_whole(built_warehouse: Path):
    with marts(built_warehouse) as con:
        found = con.execute(
            """
            select peers.ext_source_2_mean, clients.ext_source_2, whole.ext_source_2_mean
            from marts.reference_product_terms as peers
            cross join marts.reference_population as whole
            inner join marts.training_set as clients
                on floor(clients.application_credit_to_annuity_ratio * 4 + 0.5) = peers.product_term
            where peers.client_count = 1 and clients.ext_source_2 is not null
            """
        ).fetchall()
    assert found
    for of_group, own, of_whole in found:
        assert of_group == pytest.approx((own + SHRINKAGE * of_whole) / (1 + SHRINKAGE), abs=1e-6)


def test_a_group_that_the_reference_does_not_know_has_the_values_of_the_whole(built_warehouse: Path):
    with marts(built_warehouse) as con:
        known, whole = con.execute(
            """
            select count(*), count(*) filter (
                where clients.application_product_term_ext_source_2_mean = whole.ext_source_2_mean
            )
            from marts.scoring_set as clients
            cross join marts.reference_population as whole
            where clients.application_credit_to_annuity_ratio is not null
                and floor(clients.application_credit_to_annuity_ratio * 4 + 0.5)
                not in (select product_term from marts.reference_product_terms)
            """
        ).fetchone()
    assert known == whole > 0
