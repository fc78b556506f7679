"""Two builds of the same rows are equal bit for bit, whatever the order of the rows and the number of threads."""

import shutil
from pathlib import Path

import duckdb
import pytest

from tests.support.building import build_marts
from warehouse.core.fingerprint import read_marts


def with_rows_reversed(raw_dir: Path, folder: Path) -> Path:
    """The same raw files, the last row first."""
    shutil.copytree(raw_dir, folder)
    for path in folder.glob("*.csv"):
        header, *rows = path.read_text().splitlines()
        path.write_text("\n".join([header, *reversed(rows)]) + "\n")
    return folder


def fingerprints(raw_dir: Path, folder: Path, threads: int, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """Of every mart that a build with so many threads writes."""
    monkeypatch.setenv("CREDIT_THREADS", str(threads))
    result = build_marts(raw_dir, folder / "home_credit.duckdb", command="run")
    assert result.success, result.exception
    return of_warehouse(folder / "home_credit.duckdb")


def of_warehouse(path: Path) -> dict[str, str]:
    with duckdb.connect(str(path), read_only=True) as con:
        return {mart.name: mart.fingerprint for mart in read_marts(con)}


def test_the_order_of_rows_and_the_number_of_threads_do_not_matter(
    built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    raw_dir = with_rows_reversed(generated_raw_dir, tmp_path / "raw")
    assert fingerprints(raw_dir, tmp_path, 1, monkeypatch) == of_warehouse(built_warehouse)


def test_builds_of_real_clients_with_one_and_with_two_threads_are_equal(
    sample_dir: Path, real_warehouse: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    assert fingerprints(sample_dir, tmp_path, 1, monkeypatch) == of_warehouse(real_warehouse)


def test_a_series_that_does_not_change_has_no_slope_and_no_deviation(built_warehouse: Path):
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        rounding = con.execute(
            """
            select feature, count(*)
            from (
                unpivot (select columns('sk_id_curr|_slope(_|$)|_std(_|$)') from marts.client_features)
                on columns(* exclude (sk_id_curr)) into name feature value value
            )
            where value <> 0 and abs(value) < 1e-9
            group by feature
            """
        ).fetchall()
    assert rounding == []
