"""Broken raw files as they turn up: each is read right, no row lost, or refused in one line that says what is wrong.

A file that was cut within the last value of its last row cannot be told from one whose writer left out the last line
end: it is read, with a warning.
"""

import dataclasses
import gzip
import io
import time
import zipfile
from pathlib import Path

import duckdb
import pytest

from warehouse.core.errors import RawDataError
from warehouse.loading.contract import Column, Contract, Table, load_contract
from warehouse.loading.load import load_raw_files

TABLE = load_contract()["bureau_balance"]
HEADER = "SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n"
ROWS = [(5, -1, "C"), (5, -2, "0"), (6, -1, "X")]
PLAIN = HEADER + "5,-1,C\n5,-2,0\n6,-1,X\n"
LONG = HEADER + "".join(f"{number},-1,C\n" for number in range(20_000))
LFS = "version https://git-lfs.github.com/spec/v1\noid sha256:4d7a2146\nsize 12345\n"
CSV, GZIP, ZSTD, PARQUET = ".csv", ".csv.gz", ".csv.zst", ".parquet"


def zipped(content: str) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr("bureau_balance.csv", content)
    return data.getvalue()


def with_damage(data: bytes, at: int) -> bytes:
    return data[:at] + bytes([data[at] ^ 0xFF]) + data[at + 1 :]


def number(value: str, column: str = "MONTHS_BALANCE") -> str:
    """A file with one value of interest in line 3."""
    return HEADER + ("5,-1,C\n" + (f"{value},-1,C" if column == "SK_ID_BUREAU" else f"6,{value},C") + "\n7,-1,X\n")


def status(value: str) -> str:
    return HEADER + f"5,-1,C\n6,-1,{value}\n7,-1,X\n"


def load(folder: Path, *, table: Table = TABLE, share: float = 0.0) -> tuple[list[tuple], list[str]]:
    """Rows of the raw table in order, and the warnings."""
    con, lines = duckdb.connect(config={"preserve_insertion_order": False}), []
    load_raw_files(con, folder, Contract({table.name: table}), max_rejected_share=share, report=lines.append)
    rows = con.execute(f"from raw.{table.name} order by 1, 2 desc").fetchall()
    return rows, [line for line in lines if line.startswith("warning")]


def refusal(folder: Path, **options) -> str:
    with pytest.raises(RawDataError) as caught:
        load(folder, **options)
    message = str(caught.value)
    assert message.isprintable(), "one line without control characters"
    assert "bureau_balance" in message and len(message) < 700
    return message


def write(folder: Path, data: str | bytes, suffix: str = CSV) -> Path:
    path = folder / f"bureau_balance{suffix}"
    path.write_bytes(data.encode() if isinstance(data, str) else data)
    return path


def parquet(folder: Path, query: str) -> Path:
    path = folder / "bureau_balance.parquet"
    duckdb.execute(f"copy ({query}) to '{path}' (format parquet)")
    return path


READ_RIGHT = {
    "semicolons of a spreadsheet": "\ufeff" + PLAIN.replace(",", ";").replace("\n", "\r\n"),
    "pipes": PLAIN.replace(",", "|"),
    "tabs": PLAIN.replace(",", "\t"),
    "index without a name": ",SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n0,5,-1,C\n1,5,-2,0\n2,6,-1,X\n",
    "index of pandas": "Unnamed: 0,SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n0,5,-1,C\n1,5,-2,0\n2,6,-1,X\n",
    "unknown column twice": "x,x,SK_ID_BUREAU,MONTHS_BALANCE,STATUS\n0,1,5,-1,C\n1,2,5,-2,0\n2,3,6,-1,X\n",
    "other order": "STATUS,x,SK_ID_BUREAU,MONTHS_BALANCE\nC,,5,-1\n0,,5,-2\nX,,6,-1\n",
    "blank lines at the end": PLAIN + "\n\n\n",
    "blank lines at the end, CRLF": (PLAIN + "\n\n").replace("\n", "\r\n"),
    "blank line between": PLAIN.replace("5,-2", "\n5,-2"),
    "blank line below the header": PLAIN.replace("STATUS\n", "STATUS\n\n"),
    "delimiter at the end of every line": PLAIN.replace("\n", ",\n"),
    "delimiter at the end of the rows": HEADER + PLAIN.removeprefix(HEADER).replace("\n", ",\n"),
    "delimiters at the end of every line": PLAIN.replace("\n", ",,,\n"),
    "everything quoted": "".join('"' + line.replace(",", '","') + '"\n' for line in PLAIN.splitlines()),
    "quoted header with a mark": "\ufeff" + PLAIN.replace("SK_ID_BUREAU", '"SK_ID_BUREAU"'),
    "spaces in the header": PLAIN.replace("MONTHS_BALANCE", " MONTHS_BALANCE "),
    "old Mac line ends": PLAIN.replace("\n", "\r"),
    "spaces around numbers": PLAIN.replace("5,-1", " 5 , -1"),
    "ids as 5.0": PLAIN.replace("5,", "5.0,"),
    "scientific notation": PLAIN.replace("-2", "-2e0").replace("6,", "0.6e1,"),
    "plus sign": PLAIN.replace("5,", "+5,"),
    "two gzip members": gzip.compress((HEADER + "5,-1,C\n").encode()) + gzip.compress(b"5,-2,0\n6,-1,X\n"),
}


@pytest.mark.parametrize("data", READ_RIGHT.values(), ids=READ_RIGHT.keys())
def test_an_unusual_file_is_read_right(tmp_path: Path, data: str | bytes):
    write(tmp_path, data, CSV if isinstance(data, str) else GZIP)
    assert load(tmp_path)[0] == ROWS


CONTENTS = {
    "UTF-16": (CSV, PLAIN.encode("utf-16"), "found UTF-16 text; save it as UTF-8"),
    "UTF-16, big end first": (CSV, PLAIN.encode("utf-16-be"), "found UTF-16 text"),
    "UTF-16 without a mark": (CSV, PLAIN.encode("utf-16-le"), "found UTF-16 text"),
    "Latin-1": (CSV, status("é").encode("latin-1"), "line 3: invalid encoding"),
    "Latin-1 in the header": (CSV, PLAIN.replace("STATUS", "STATUS,é").encode("latin-1"), "byte 0xe9 at place 36"),
    "zeros in a text": (CSV, status("C\0"), r"line 3: STATUS = 'C\x00', expected text without control characters"),
    "zeros in a number": (CSV, number("-1\0"), r"line 3: MONTHS_BALANCE = '-1\x00', expected integer"),
    "zeros in the header": (CSV, PLAIN.replace("MONTHS", "MON\0THS"), r"nearest: MON\x00THS_BALANCE"),
    "zeros at the end": (CSV, PLAIN + "\0" * 4096, r"line 5: SK_ID_BUREAU = '\x00"),
    "zeros only": (CSV, b"\0" * 4096, "found zeros: space that was never written"),
    "gzip called CSV": (CSV, gzip.compress(PLAIN.encode()), "rename it to bureau_balance.csv.gz"),
    "CSV called gzip": (GZIP, PLAIN, "found plain text; rename it to bureau_balance.csv,"),
    "CSV called zstd": (ZSTD, PLAIN, "found plain text; rename it to bureau_balance.csv,"),
    "CSV called Parquet": (PARQUET, PLAIN, "found plain text; rename it to bureau_balance.csv,"),
    "gzip in gzip": (GZIP, gzip.compress(gzip.compress(PLAIN.encode())), "gzip data inside; unpack it once more"),
    "zip called gzip": (GZIP, zipped(PLAIN), "found a zip archive; unpack it, or run: python -m warehouse.land"),
    "zip called CSV": (CSV, zipped(PLAIN), "found a zip archive"),
    "gzip cut in the middle": (GZIP, gzip.compress(LONG.encode())[:-20_000], "end of GZIP stream"),
    "gzip without its last bytes": (GZIP, gzip.compress(LONG.encode())[:-8], "end of GZIP stream"),
    "small gzip cut": (GZIP, gzip.compress(PLAIN.encode())[:-12], "ended before the end-of-stream marker"),
    "gzip with a wrong checksum": (GZIP, with_damage(gzip.compress(PLAIN.encode()), -8), "CRC check failed"),
    "gzip with a wrong length": (GZIP, with_damage(gzip.compress(PLAIN.encode()), -1), "Incorrect length"),
    "gzip with something behind": (GZIP, gzip.compress(PLAIN.encode()) + b"and more\n", "Not a gzipped file"),
    "web page": (CSV, "<!DOCTYPE html>\n<html>404</html>\n", "found a web page, not the data; download"),
    "web page in gzip": (GZIP, gzip.compress(b"<html><body>Sign in</body></html>"), "found a web page"),
    "JSON": (CSV, '{"code":403,"message":"Permission denied"}', "found JSON, not CSV"),
    "XML": (CSV, '<?xml version="1.0"?><Error>AccessDenied</Error>', "found an XML message"),
    "Git LFS pointer": (CSV, LFS, "found a Git LFS pointer, not the data; run: git lfs pull"),
    "Git LFS pointer called gzip": (GZIP, LFS, "found a Git LFS pointer"),
    "Git LFS pointer called Parquet": (PARQUET, LFS, "found a Git LFS pointer"),
    "git-annex pointer": (CSV, "/annex/objects/SHA256E-s17--4d7a.csv\n", "found a git-annex pointer"),
    "Excel workbook": (CSV, b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 64, "found an Excel workbook"),
    "nothing": (CSV, "", "an empty file (0 bytes)"),
    "empty line only": (CSV, "\n", "in line 1 of bureau_balance.csv; found ''"),
}


@pytest.mark.parametrize(("suffix", "data", "message"), CONTENTS.values(), ids=CONTENTS.keys())
def test_a_file_that_holds_something_else_is_named_for_what_it_is(tmp_path: Path, suffix: str, data, message: str):
    write(tmp_path, data, suffix)
    assert message in refusal(tmp_path)


SHAPES = {
    "renamed column": (PLAIN.replace("MONTHS_BALANCE", "MONTH"), "no MONTHS_BALANCE"),
    "column twice": (PLAIN.replace("STATUS\n", "STATUS,status\n"), "more than once: STATUS"),
    "no header": (PLAIN.removeprefix(HEADER), "in line 1 of bureau_balance.csv; found '5,-1,C'"),
    "comment above": ("# exported\n" + PLAIN, "found '# exported'"),
    "separator line of Excel": ("sep=,\n" + PLAIN, "found 'sep=,'"),
    "blank line above": ("\n" + PLAIN, "found ''"),
    "lines quoted as a whole": ("".join(f'"{line}"\n' for line in PLAIN.splitlines()), "found '\"SK_ID_BUREAU,"),
    "single quotes": (PLAIN.replace("STATUS", "'STATUS'"), "no STATUS (nearest: 'STATUS')"),
    "unknown delimiter": (PLAIN.replace(",", ":"), "found 'SK_ID_BUREAU:MONTHS_BALANCE:STATUS'"),
    "endless first line": ("x" * 3_000_000, "found 'xxx"),
    "endless line": (status("x" * 3_000_000), "line 3: line size over maximum"),
    "delimiter at the end of the header": (PLAIN.replace("STATUS\n", "STATUS,\n"), "line 2: missing columns: '5,-1,C'"),
    "line of spaces": (PLAIN.replace("5,-2", "   \n5,-2"), "line 3: SK_ID_BUREAU = '   ', expected bigint"),
    "two files joined": (PLAIN + PLAIN, "(the header stands here again: were two files joined?)"),
    "two files joined without a line end": (PLAIN.rstrip() + PLAIN, "line 4: too many columns: '6,-1,XSK_ID_BUREAU"),
    "CRLF below LF": (PLAIN.replace("0\n", "0\r\n"), "line 3 ends in CRLF, line 1 in LF"),
    "LF below CRLF": (PLAIN.replace("\n", "\r\n").replace("0\r\n", "0\n"), "line 3 ends in LF, line 1 in CRLF"),
    "CR below LF": (PLAIN.replace("0\n", "0\r"), "line 3 ends in CR, line 1 in LF"),
    "CRCRLF": (PLAIN.replace("\n", "\r\r\n"), "line 1 ends in CRCRLF"),
    "cut within a row": (HEADER + "5,-1,C\n6,-1", "line 3: missing columns: '6,-1'"),
    "cut behind a delimiter": (HEADER + "5,-1,C\n6,-2,", "line 3: STATUS = nothing, expected a value"),
    "cut within quotes": (HEADER + '5,-1,"C"\n6,-2,"', "line 3: unquoted value"),
    "half empty": (HEADER + "5,-1,C\n,,\n6,,X\n", "line 3: SK_ID_BUREAU = nothing, expected a value; line 4: MONTHS"),
    "quote that is never closed": (status('"C'), "line 3: unquoted value"),
    "quote that swallows a row": (HEADER + '5,-1,"C\n6,-1,X\n7,-1,X"\n', r"line 2: STATUS = 'C\n6,-1,X\n7,-1,X'"),
    "text behind a quote": (status('"C"x'), "line 3: unquoted value"),
    "line of a total": (PLAIN + "3 rows\n", "line 5: SK_ID_BUREAU = '3 rows', expected bigint"),
    "merge conflict": (PLAIN.replace("5,-2", "<<<<<<< HEAD\n5,-2"), "line 3: SK_ID_BUREAU = '<<<<<<< HEAD'"),
    "end mark of DOS": (PLAIN.rstrip() + "\x1a", r"line 4: STATUS = 'X\x1a'"),
}


@pytest.mark.parametrize(("data", "message"), SHAPES.values(), ids=SHAPES.keys())
def test_lines_that_are_not_rows_of_the_table_are_refused(tmp_path: Path, data: str, message: str):
    write(tmp_path, data)
    assert message in refusal(tmp_path)


NO_VALUE = "or an empty field when there is no value"
LIMITS = "expected bigint between -9007199254740991 and 9007199254740991"
VALUES = {
    **{
        word: (number(word), f"line 3: MONTHS_BALANCE = {word!r}, expected integer, {NO_VALUE}")
        for word in ("NaN", "nan", "NULL", "NA", "N/A", "None", "<NA>")
    },
    **{
        f"text {word}": (status(word), f"line 3: STATUS = {word!r}, expected varchar, {NO_VALUE}")
        for word in ("NaN", "nan", "NULL", "NA", "N/A", "None", "<NA>", "null")
    },
    "nan id": (number("nan", "SK_ID_BUREAU"), f"line 3: SK_ID_BUREAU = 'nan', expected bigint, {NO_VALUE}"),
    "inf": (number("inf"), "line 3: MONTHS_BALANCE = 'inf', expected integer between"),
    "-Infinity": (number("-Infinity"), "MONTHS_BALANCE = '-Infinity'"),
    "1e400": (number("1e400"), "MONTHS_BALANCE = '1e400'"),
    "fraction": (number("-1.5"), "line 3: MONTHS_BALANCE = '-1.5', expected integer"),
    "small fraction": (number("1.0000000001"), "MONTHS_BALANCE = '1.0000000001'"),
    "32 bits": (number("-2147483649"), "MONTHS_BALANCE = '-2147483649', expected integer between -2147483648"),
    "53 bits": (number("9007199254740993", "SK_ID_BUREAU"), f"SK_ID_BUREAU = '9007199254740993', {LIMITS}"),
    "64 bits": (number("9223372036854775808", "SK_ID_BUREAU"), f"SK_ID_BUREAU = '9223372036854775808', {LIMITS}"),
    "100 bits": (number("1" + "0" * 30, "SK_ID_BUREAU"), LIMITS),
    "thousands": (number('"1,000"'), "'1,000', expected integer with a decimal point and no thousands separator"),
    "thousands with a space": (number("1 000"), "MONTHS_BALANCE = '1 000', expected integer"),
    "decimal comma": (number("1,5"), "line 3: too many columns: '6,1,5,C'"),
    "True": (number("True"), "MONTHS_BALANCE = 'True', expected integer: 1 or 0"),
    "currency": (number("$5"), "MONTHS_BALANCE = '$5', expected integer"),
    "hexadecimal": (number("0x10"), "MONTHS_BALANCE = '0x10', expected integer"),
    "space": (number(" "), "MONTHS_BALANCE = ' ', expected integer"),
    "no value": (number(""), "MONTHS_BALANCE = nothing, expected a value"),
    "spaces around a text": (status(" C"), "line 3: STATUS = ' C', expected text without spaces around it"),
    "padded text": (status("C   "), "STATUS = 'C   ', expected text without spaces around it"),
    "line break in a text": (status('"a\nb"'), r"STATUS = 'a\nb', expected text without control characters"),
    "CRLF in a text": (status('"a\r\nb"'), r"STATUS = 'a\r\nb'"),
    "lost character": (status("\ufffd"), "expected text without control characters"),
}


@pytest.mark.parametrize(("data", "message"), VALUES.values(), ids=VALUES.keys())
def test_a_value_that_is_none_is_refused_with_its_place(tmp_path: Path, data: str, message: str):
    write(tmp_path, data)
    assert message in refusal(tmp_path)


DOUBLES = Table("bureau_balance", "", (Column("AMT", "double", ""), Column("NAME", "varchar", "")), (), None, None, 1)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("nan", f"line 3: AMT = 'nan', expected double, {NO_VALUE}"),
        ("inf", "line 3: AMT = 'inf', expected double between"),
        ("202500,5", "line 3: AMT = '202500,5', expected double with a decimal point and no thousands separator"),
    ],
)
def test_numbers_that_duckdb_takes_for_doubles_are_refused(tmp_path: Path, value: str, message: str):
    write(tmp_path, f"AMT;NAME\n1.5;a\n{value};b\n;\n")
    assert message in refusal(tmp_path, table=DOUBLES)
    assert load(tmp_path, table=DOUBLES, share=0.5)[0] == [(1.5, "a"), (None, None)]


def test_the_last_line_without_a_line_end_is_read_with_a_warning(tmp_path: Path):
    write(tmp_path, PLAIN.removesuffix("X\n") + "X")
    rows, warnings = load(tmp_path)
    assert rows == ROWS and "the last line has no line end; if the file was cut there" in warnings[0]


def test_columns_that_are_ignored_are_named(tmp_path: Path):
    write(tmp_path, READ_RIGHT["index of pandas"])
    assert "columns unknown to the contract are ignored: Unnamed: 0" in load(tmp_path)[1][0]


PARQUETS = {
    "text for a number": ("'5x' as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C' as STATUS", "SK_ID_BUREAU = '5x'"),
    "empty text for a number": ("'' as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C' as STATUS", "SK_ID_BUREAU = ''"),
    "nan": ("5 as SK_ID_BUREAU, 'nan'::double as MONTHS_BALANCE, 'C' as STATUS", "MONTHS_BALANCE = 'nan'"),
    "fraction": ("5.5 as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C' as STATUS", "SK_ID_BUREAU = '5.5'"),
    "53 bits": ("9007199254740993 as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C' as STATUS", "'9007199254740993'"),
    "time": ("timestamp '2018-05-17' as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C' as STATUS", "found TIMESTAMP"),
    "date": ("5 as SK_ID_BUREAU, date '2018-05-17' as MONTHS_BALANCE, 'C' as STATUS", "found DATE"),
    "truth value": ("true as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C' as STATUS", "found BOOLEAN"),
    "list": ("[5] as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C' as STATUS", "found INTEGER[]"),
    "number for a text": ("5 as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 0.0 as STATUS", "column STATUS"),
    "bytes": ("5 as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C'::blob as STATUS", "found BLOB"),
    "no value": ("5 as SK_ID_BUREAU, -1 as MONTHS_BALANCE, null::varchar as STATUS", "STATUS = nothing"),
    "column missing": ("5 as SK_ID_BUREAU, 'C' as STATUS", "no MONTHS_BALANCE"),
    "all columns missing": ("5 as id", "no SK_ID_BUREAU"),
}


@pytest.mark.parametrize(("query", "message"), PARQUETS.values(), ids=PARQUETS.keys())
def test_a_parquet_file_with_other_types_or_values_is_refused(tmp_path: Path, query: str, message: str):
    parquet(tmp_path, f"select {query}")
    assert message in refusal(tmp_path)


@pytest.mark.parametrize(
    "query",
    [
        "'5' as sk_id_bureau, '-1' as months_balance, 'C' as status",
        "5.00::decimal(18, 2) as SK_ID_BUREAU, -1.0::double as MONTHS_BALANCE, 'C' as STATUS",
        "5::utinyint as SK_ID_BUREAU, -1::hugeint as MONTHS_BALANCE, 'C' as STATUS, [1] as other",
    ],
    ids=["texts", "decimals", "other integers"],
)
def test_a_parquet_file_whose_numbers_are_of_another_type_is_read_right(tmp_path: Path, query: str):
    parquet(tmp_path, f"select {query}")
    assert load(tmp_path)[0] == [(5, -1, "C")]


def test_a_damaged_parquet_file_is_refused(tmp_path: Path):
    path = parquet(tmp_path, "select i as SK_ID_BUREAU, -1 as MONTHS_BALANCE, 'C' as STATUS from range(1000) t(i)")
    data = path.read_bytes()
    path.write_bytes(data[:-30])
    assert "bureau_balance.parquet" in refusal(tmp_path)
    path.write_bytes(data[:10] + b"\xff" * 20 + data[30:])
    assert "a file that cannot be read" in refusal(tmp_path)


def test_a_cut_zstd_file_is_refused(tmp_path: Path):
    write(tmp_path, LONG)
    path = tmp_path / "bureau_balance.csv.zst"
    duckdb.execute(f"copy (from '{tmp_path}/bureau_balance.csv') to '{path}' (format csv, compression zstd)")
    (tmp_path / "bureau_balance.csv").unlink()
    assert len(load(tmp_path)[0]) == 20_000
    path.write_bytes(path.read_bytes()[:-3])
    assert "Truncated compressed stream" in refusal(tmp_path)


def test_what_is_no_file_is_named(tmp_path: Path, monkeypatch):
    path = tmp_path / "bureau_balance.csv"
    path.mkdir()
    assert "found a folder of that name" in refusal(tmp_path)
    path.rmdir()
    path.symlink_to(tmp_path / "gone.csv")
    assert "found a link to" in refusal(tmp_path)
    path.unlink()
    write(tmp_path, PLAIN)
    opened = Path.open

    def forbidden(self: Path, *arguments, **options):
        if self == path:
            raise PermissionError(13, "Permission denied")
        return opened(self, *arguments, **options)

    monkeypatch.setattr(Path, "open", forbidden)
    assert "found Permission denied; make it readable" in refusal(tmp_path)


def test_faulty_values_in_tolerated_numbers_are_set_aside_and_nothing_else(tmp_path: Path):
    write(tmp_path, HEADER + "5,-1,C\n5,NaN,C\n5,-2,0\n5,-3,NULL\n5,inf,C\n,-1,C\n5, ,C\n6,-1\n6,-1,X\n6,-1.5, C\n")
    assert load(tmp_path, share=0.7)[0] == ROWS


def test_their_lines_are_kept(tmp_path: Path):
    write(tmp_path, HEADER + "5,-1,C\n6,-1\n7,inf,C\n8,-1,NULL\n")
    con = duckdb.connect()
    load_raw_files(con, tmp_path, Contract({TABLE.name: TABLE}), max_rejected_share=0.8, report=lambda _: None)
    found = con.execute("select line, column_name, value, fault from staging.rejected_rows order by line").fetchall()
    assert found == [
        (3, "STATUS", "6,-1", "MISSING COLUMNS"),
        (4, "MONTHS_BALANCE", "inf", "RANGE"),
        (5, "STATUS", "NULL", "MISSING WORD"),
    ]


@pytest.mark.parametrize("data", [status('"C'), HEADER + '5,-1,"C\n6,-1,X\n7,-1,X"\n8,-1,C\n'], ids=["open", "closed"])
def test_a_quote_that_may_hide_rows_is_never_tolerated(tmp_path: Path, data: str):
    write(tmp_path, data)
    assert "line" in refusal(tmp_path, share=0.99)


def test_the_places_of_many_faults_are_found_in_time_that_grows_with_the_file(tmp_path: Path):
    pairs = 40_000
    write(tmp_path, HEADER + "1,-1\n2,-1,NULL\n" * pairs)
    con, started = duckdb.connect(), time.perf_counter()
    with pytest.raises(RawDataError):
        load_raw_files(con, tmp_path, Contract({TABLE.name: TABLE}), max_rejected_share=0.99, report=lambda _: None)
    assert time.perf_counter() - started < 15, "one line of the file for each fault, not all of them"
    write(tmp_path, HEADER + "1,-1\n2,-1,NULL\n3,-1,C\n" * pairs)
    load_raw_files(con, tmp_path, Contract({TABLE.name: TABLE}), max_rejected_share=0.99, report=lambda _: None)
    assert time.perf_counter() - started < 30
    places = con.execute(
        "select line % 3, fault, count(*), max(line) from staging.rejected_rows group by all order by 1"
    )
    last = 3 * pairs + 1
    assert places.fetchall() == [(0, "MISSING WORD", pairs, last - 1), (2, "MISSING COLUMNS", pairs, last - 2)]


def test_a_history_without_rows_is_read_with_a_warning(tmp_path: Path):
    write(tmp_path, HEADER)
    rows, warnings = load(tmp_path)
    assert rows == []
    assert warnings == ["warning: bureau_balance.csv: no rows below the header: features made of it are null"]


def test_applications_without_rows_are_refused(tmp_path: Path):
    write(tmp_path, HEADER)
    applications = dataclasses.replace(TABLE, parent_table=None, parent_key=None)
    assert "found a header only" in refusal(tmp_path, table=applications)


def test_a_file_of_faulty_rows_alone_is_refused_whatever_is_tolerated(tmp_path: Path):
    write(tmp_path, HEADER + "1,-1\n2,-1\n")
    assert "line 2: missing columns" in refusal(tmp_path, share=1.0)
