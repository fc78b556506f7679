"""Raw files as they come: formats that are read, faults that are named."""

import gzip
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from warehouse.core.errors import RawDataError
from warehouse.loading import load as load_module
from warehouse.loading.contract import load_contract
from warehouse.loading.files import RawFile, find_raw_file, open_raw_file, select_sql
from warehouse.loading.folder import reading
from warehouse.loading.load import load_raw_files
from warehouse.loading.swap import staging_folder

TABLE = load_contract()["bureau_balance"]
ROWS = [(5, -1, "C"), (5, -2, "0"), (6, -1, "X")]
PLAIN = "SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n5,-1,C\n5,-2,0\n6,-1,X\n"


def read(path: Path) -> list[tuple]:
    con = duckdb.connect()
    return con.execute(f"{select_sql(open_raw_file(path, TABLE))} order by 1, 2 desc").fetchall()


@pytest.mark.parametrize(
    "text",
    [
        PLAIN,
        "\ufeff" + PLAIN,
        PLAIN.replace("\n", "\r\n"),
        PLAIN.replace(",", ";"),
        PLAIN.replace(",", "\t"),
        PLAIN.replace("SK_ID_BUREAU,MONTHS_BALANCE,STATUS", "sk_id_bureau,Months_Balance,status"),
        PLAIN.replace(",C", ',"C"').replace("SK_ID_BUREAU", '"SK_ID_BUREAU"'),
        PLAIN.replace("-1", "-1.0"),
        "STATUS,SK_ID_BUREAU,MONTHS_BALANCE\nC,5,-1\n0,5,-2\nX,6,-1\n",
        "id,SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n0,5,-1,C\n1,5,-2,0\n2,6,-1,X\n",
        PLAIN.removesuffix("\n"),
    ],
    ids=[
        "plain",
        "bom",
        "crlf",
        "semicolon",
        "tab",
        "case",
        "quoted",
        "decimal point",
        "order",
        "extra column",
        "no end of line",
    ],
)
def test_the_same_rows_are_read_however_the_file_was_written(tmp_path: Path, text: str):
    path = tmp_path / "bureau_balance.csv"
    path.write_bytes(text.encode())
    assert read(path) == ROWS


def test_compressed_files_and_parquet_are_read(tmp_path: Path):
    gzipped = tmp_path / "bureau_balance.csv.gz"
    gzipped.write_bytes(gzip.compress(PLAIN.encode()))
    (tmp_path / "plain.csv").write_text(PLAIN)
    parquet, zstd = tmp_path / "bureau_balance.parquet", tmp_path / "bureau_balance.csv.zst"
    source = f"read_csv('{tmp_path / 'plain.csv'}', all_varchar = true)"
    duckdb.execute(f"copy (from {source}) to '{parquet}'")
    duckdb.execute(f"copy (from {source}) to '{zstd}' (format csv, header, compression zstd)")
    assert read(gzipped) == read(parquet) == read(zstd) == ROWS


def test_a_missing_column_is_named_with_the_nearest_one_found(tmp_path: Path):
    path = tmp_path / "bureau_balance.csv"
    path.write_text(PLAIN.replace("MONTHS_BALANCE", "MONTH_BALANCE"))
    with pytest.raises(RawDataError, match=r"bureau_balance\.csv.*MONTHS_BALANCE \(nearest: MONTH_BALANCE\)"):
        read(path)


def test_a_column_that_stands_twice_is_refused(tmp_path: Path):
    path = tmp_path / "bureau_balance.csv"
    path.write_text("SK_ID_BUREAU,MONTHS_BALANCE,STATUS,status\n5,-1,C,C\n")
    with pytest.raises(RawDataError, match="more than once: STATUS"):
        read(path)


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "found an empty folder"),
        ({"notes.txt": "x"}, "found notes.txt"),
        ({"bureau_balance.csv": ""}, "empty file"),
        ({"bureau_balance.csv": PLAIN, "bureau_balance.parquet": "x"}, "bureau_balance.csv and bureau_balance.parquet"),
    ],
)
def test_a_folder_without_exactly_one_file_for_a_table_is_refused(tmp_path: Path, files: dict[str, str], message: str):
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(RawDataError, match=message):
        find_raw_file(tmp_path, "bureau_balance")


def test_a_folder_that_does_not_exist_is_refused(tmp_path: Path):
    with pytest.raises(RawDataError, match="no such folder"):
        find_raw_file(tmp_path / "none", "bureau")


@pytest.fixture
def raw_dir(generated_raw_dir: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(generated_raw_dir, tmp_path / "raw"))


@pytest.fixture
def con(tmp_path: Path) -> duckdb.DuckDBPyConnection:
    return duckdb.connect(str(tmp_path / "warehouse.duckdb"), config={"preserve_insertion_order": False})


def load(con: duckdb.DuckDBPyConnection, raw_dir: Path, share: float = 0.0) -> list[str]:
    return load_raw_files(con, raw_dir, load_contract(), max_rejected_share=share, report=lambda _: None)


def test_files_that_did_not_change_are_not_read_again(con: duckdb.DuckDBPyConnection, raw_dir: Path):
    assert load(con, raw_dir) == list(load_contract().tables)
    assert load(con, raw_dir) == []
    (raw_dir / "bureau_balance.csv").write_text(PLAIN)
    assert load(con, raw_dir) == ["bureau_balance"]
    assert con.execute("from raw.bureau_balance order by all").fetchall() == sorted(ROWS)


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ("5,-1,C\n6,soon,C\n", "line 3: MONTHS_BALANCE = 'soon', expected integer"),
        ("5,-1,C\n6,-1.5,C\n", "line 3: MONTHS_BALANCE = '-1.5', expected integer"),
        ("5,-1,C\n6,-1\n", "line 3: missing columns"),
        ("5,-1,C\n6,-1,C,7\n", "line 3: too many columns"),
        ('5,-1,C\n6,-1,"C\n', "line 3: unquoted value"),
    ],
    ids=["type", "fraction", "cut", "merged", "quote"],
)
def test_a_faulty_row_stops_the_load_and_leaves_the_last_good_table(
    con: duckdb.DuckDBPyConnection, raw_dir: Path, rows: str, message: str
):
    load(con, raw_dir)
    before = con.execute("select count(*), sum(hash(t)) from raw.bureau_balance t").fetchone()
    (raw_dir / "bureau_balance.csv").write_text("SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n" + rows)
    with pytest.raises(RawDataError) as caught:
        load(con, raw_dir)
    assert message in str(caught.value) and "bureau_balance.csv" in str(caught.value)
    assert con.execute("select count(*), sum(hash(t)) from raw.bureau_balance t").fetchone() == before


def test_a_tolerated_share_of_faulty_rows_is_set_aside_with_its_place(con: duckdb.DuckDBPyConnection, raw_dir: Path):
    text = "SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n5,-1,C\n6,soon,C\n7,-1\n8,-2.5,0\n9,-1,0\n"
    (raw_dir / "bureau_balance.csv").write_text(text)
    load(con, raw_dir, share=0.6)
    assert con.execute("select SK_ID_BUREAU from raw.bureau_balance order by 1").fetchall() == [(5,), (9,)]
    rejected = con.execute("select line, column_name, value from staging.rejected_rows order by line").fetchall()
    assert rejected == [(3, "MONTHS_BALANCE", "soon"), (4, "STATUS", "7,-1"), (5, "MONTHS_BALANCE", "-2.5")]
    (raw_dir / "bureau_balance.csv").write_text(PLAIN)
    load(con, raw_dir)
    assert con.execute("select count(*) from staging.rejected_rows").fetchone() == (0,)


def test_one_digit_in_the_middle_is_noticed_though_size_and_time_stay(con: duckdb.DuckDBPyConnection, raw_dir: Path):
    path = raw_dir / "bureau_balance.csv"
    path.write_text("SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n" + "5,-1,C\n" * 600_000)
    load(con, raw_dir)
    stat = path.stat()
    with path.open("r+b") as file:
        file.seek(stat.st_size // 2 - stat.st_size // 2 % 7 + 3)
        middle = file.read(7)
        file.seek(-7, 1)
        file.write(middle.replace(b"5", b"7"))
    os.utime(path, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert path.stat().st_size == stat.st_size and path.stat().st_mtime_ns == stat.st_mtime_ns
    assert load(con, raw_dir) == ["bureau_balance"]
    assert con.execute("select count(*) from raw.bureau_balance where SK_ID_BUREAU = 7").fetchone() == (1,)


def test_a_file_that_was_copied_or_touched_is_not_read_again(con: duckdb.DuckDBPyConnection, raw_dir: Path):
    load(con, raw_dir)
    path = raw_dir / "bureau.csv"
    content = path.read_bytes()
    path.unlink()
    path.write_bytes(content)
    os.utime(path, (1, 1))
    assert load(con, raw_dir) == []


@pytest.mark.parametrize(
    "damage",
    [
        "delete from raw.bureau_balance",
        "delete from raw.bureau_balance where MONTHS_BALANCE = -1",
        "update raw.bureau_balance set SK_ID_BUREAU = SK_ID_BUREAU + 1 where MONTHS_BALANCE = -2",
        "create or replace table raw.bureau_balance as select 1 as x",
        "drop table raw.bureau_balance",
    ],
)
def test_a_raw_table_that_was_changed_by_hand_is_read_again(con: duckdb.DuckDBPyConnection, raw_dir: Path, damage: str):
    (raw_dir / "bureau_balance.csv").write_text(PLAIN)
    load(con, raw_dir)
    con.execute(damage)
    assert load(con, raw_dir) == ["bureau_balance"]
    assert con.execute("from raw.bureau_balance order by all").fetchall() == sorted(ROWS)


def test_what_was_tolerated_once_is_refused_by_the_next_strict_load(con: duckdb.DuckDBPyConnection, raw_dir: Path):
    (raw_dir / "bureau_balance.csv").write_text(PLAIN + "6,soon,C\n")
    load(con, raw_dir, share=0.5)
    assert load(con, raw_dir, share=0.5) == []
    with pytest.raises(RawDataError, match="line 5: MONTHS_BALANCE = 'soon'"):
        load(con, raw_dir)


def test_a_file_that_changes_while_it_is_read_is_refused_and_read_by_the_next_load(
    con: duckdb.DuckDBPyConnection, raw_dir: Path, monkeypatch
):
    path = raw_dir / "bureau_balance.csv"
    create = load_module._create

    def overtaken(con: duckdb.DuckDBPyConnection, raw: RawFile) -> list:
        faults = create(con, raw)
        if raw.table.name == "bureau_balance":
            path.write_text(PLAIN + "9,-1,C\n")
        return faults

    with monkeypatch.context() as patch, pytest.raises(RawDataError, match="changed or replaced meanwhile"):
        patch.setattr(load_module, "_create", overtaken)
        load(con, raw_dir)
    assert "bureau_balance" in load(con, raw_dir)
    assert con.execute("select count(*) from raw.bureau_balance where SK_ID_BUREAU = 9").fetchone() == (1,)


def test_no_landing_takes_place_while_files_are_read(con: duckdb.DuckDBPyConnection, raw_dir: Path):
    refused = pytest.raises(RawDataError, match="reads or changes it")
    with reading(raw_dir), reading(raw_dir), refused, staging_folder(raw_dir):
        pass
    with staging_folder(raw_dir), pytest.raises(RawDataError, match="a landing at work there"):
        load(con, raw_dir)
