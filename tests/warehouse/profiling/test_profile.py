"""The data profile: its figures against queries of their own, and the page as its readers get it."""

import doctest
import html
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import duckdb
import pytest

from tests.support.tiny_warehouse import change, query
from warehouse.core import page as core_page
from warehouse.loading.contract import load_contract
from warehouse.profile import main
from warehouse.profiling import rates, workflow
from warehouse.profiling.content import Profile
from warehouse.profiling.page import SECTIONS, render
from warehouse.profiling.rates import DefaultRate, wilson_interval
from warehouse.profiling.workflow import measure_profile

SCRIPT = "<script>alert('x')</script>"


class Page(HTMLParser):
    """Tables of a page by caption, as rows of texts; and every address that the page would load."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.addresses: list[str] = []
        self.tags: set[str] = set()
        self.anchors: set[str] = set()
        self._place, self._caption = "", ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.add(tag)
        self.addresses += [found[name] for name in ("src", "href", "xlink:href", "data") if found.get(name)]
        self.anchors |= {found["id"]} if found.get("id") else set()
        if tag in ("caption", "td", "th", "title"):
            self._place = tag
        if tag == "tr":
            self.tables[self._caption].append([])
        if tag in ("td", "th"):
            self.tables[self._caption][-1].append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("caption", "td", "th", "title"):
            self._place = ""

    def handle_data(self, data: str) -> None:
        if self._place == "caption":
            self._caption = data
            self.tables[data] = []
        elif self._place in ("td", "th"):
            self.tables[self._caption][-1][-1] += data

    def row(self, caption: str, *start: str) -> list[str]:
        return next(row for row in self.tables[caption] if row[: len(start)] == list(start))


def profiled(warehouse: Path) -> Profile:
    return measure_profile(warehouse, load_contract(), report=lambda line: None)


@pytest.fixture(scope="module")
def profile(built_warehouse: Path) -> Profile:
    return profiled(built_warehouse)


@pytest.fixture(scope="module")
def page(profile: Profile) -> Page:
    return Page(render(profile))


@pytest.fixture
def changed(built_warehouse: Path, tmp_path: Path) -> Callable[..., Path]:
    """Copies the warehouse, runs statements on the copy."""

    def copy(*statements: str) -> Path:
        path = tmp_path / built_warehouse.name
        shutil.copy(built_warehouse, path)
        change(path, *statements)
        return path

    return copy


def test_rows_and_missing_values_are_those_of_the_tables(built_warehouse: Path, profile: Profile, page: Page):
    for table in load_contract().tables.values():
        nulls = " + ".join(f"avg(cast({name} is null as integer))" for name in table.column_names)
        rows, share = query(
            built_warehouse, f"select count(*), ({nulls}) / {len(table.columns)} from raw.{table.name}"
        )[0]
        row = page.row("Rows and columns of the raw tables", table.name)
        assert row[1:3] == [f"{rows:,}", f"{table.released_rows:,}"]
        assert row[6] == f"{share:.2%}".replace("%", " %") or row[6] == "< 0.01 %"
        found = next(one for one in profile.tables if one.name == table.name)
        assert found.mean_missing_share == pytest.approx(share)


def test_the_emptiest_column_leads_its_table(built_warehouse: Path, page: Page):
    columns = load_contract()["bureau"].column_names
    parts = [f"select '{c}' as name, count(*) - count({c}) as gaps from raw.bureau" for c in columns]
    name, gaps = query(built_warehouse, " union all ".join(parts) + " order by gaps desc, name limit 1")[0]
    assert page.tables["Missing values of bureau"][1][:2] == [name, f"{gaps:,}"]


@pytest.mark.parametrize(
    ("title", "column"),
    [
        ("Income type", "NAME_INCOME_TYPE"),
        ("Education", "NAME_EDUCATION_TYPE"),
        ("Contract type", "NAME_CONTRACT_TYPE"),
    ],
)
def test_default_rates_are_those_of_the_groups(built_warehouse: Path, page: Page, title: str, column: str):
    groups = query(built_warehouse, f"select {column}, count(*), avg(TARGET) from raw.application_train group by 1")
    assert len(page.tables[f"Default rate by {title}"]) == 1 + len(groups)
    for label, count, rate in groups:
        row = page.row(f"Default rate by {title}", label)
        assert row[1:3] == [f"{count:,}", f"{100 * rate:.2f} %"]


def test_every_breakdown_holds_every_labelled_application(profile: Profile):
    for breakdown in profile.breakdowns:
        assert sum(group.applications for group in breakdown.groups) == profile.overall.applications, breakdown.title
        assert sum(group.defaults for group in breakdown.groups) == profile.overall.defaults, breakdown.title


def test_age_bands_hold_the_ages_they_name(built_warehouse: Path, page: Page):
    rows = query(
        built_warehouse,
        "select count(*) from raw.application_train where -DAYS_BIRTH / 365.25 >= 30 and -DAYS_BIRTH / 365.25 < 35",
    )
    assert page.row("Default rate by Age in years", "30 to 34")[1] == f"{rows[0][0]:,}"


def test_tenths_of_a_score_are_of_equal_size(profile: Profile):
    breakdown = next(one for one in profile.breakdowns if one.title.startswith("External score 2"))
    sizes = [group.applications for group in breakdown.groups if group.label != "missing"]
    assert len(sizes) == 10
    assert max(sizes) - min(sizes) <= 0.2 * max(sizes)


def test_an_interval_holds_its_rate_and_narrows_with_the_rows():
    few, many = DefaultRate("few", 50, 4), DefaultRate("many", 5000, 400)
    for group in (few, many):
        assert group.interval[0] < group.rate < group.interval[1]
    assert few.interval[0] < many.interval[0] < many.interval[1] < few.interval[1]
    assert wilson_interval(0, 20)[0] == 0
    assert wilson_interval(20, 20)[1] == 1


@pytest.mark.parametrize(
    ("table", "column", "condition", "finding", "treatment"),
    [
        ("application_train", "DAYS_EMPLOYED", "= 365243", "365243 days", "null"),
        ("application_train", "ORGANIZATION_TYPE", "in ('XNA', 'XAP')", "XNA or XAP", "null"),
        ("previous_application", "DAYS_LAST_DUE", "= 365243", "365243 days", "null"),
        ("bureau", "AMT_CREDIT_SUM_DEBT", "< 0", "negative", "kept"),
    ],
)
def test_oddities_are_counted_with_what_staging_makes_of_them(
    built_warehouse: Path, page: Page, table: str, column: str, condition: str, finding: str, treatment: str
):
    count = query(built_warehouse, f"select count(*) from raw.{table} where {column} {condition}")[0][0]
    row = next(r for r in page.tables["Outliers and sentinels"] if r[:3] == [table, column, finding])
    assert row[3] == f"{count:,}"
    assert row[6] == treatment


def test_every_known_fault_is_found(changed: Callable[..., Path]):
    warehouse = changed(
        "update raw.application_train set AMT_INCOME_TOTAL = 117000000 where SK_ID_CURR = "
        "(select min(SK_ID_CURR) from raw.application_train)",
        "update raw.credit_card_balance set AMT_DRAWINGS_CURRENT = -5 where rowid < 3",
        "update raw.bureau set DAYS_CREDIT_UPDATE = -41000 where rowid = 0",
        "update raw.bureau set DAYS_CREDIT_UPDATE = 7 where rowid = 1",
    )
    found = {(odd.rule.column, odd.rule.finding): odd for odd in profiled(warehouse).oddities}
    assert found["AMT_INCOME_TOTAL", "117,000,000 or more"].count == 1
    assert found["AMT_INCOME_TOTAL", "117,000,000 or more"].nulled == 0
    assert found["AMT_DRAWINGS_CURRENT", "negative"].nulled >= 3
    assert found["DAYS_CREDIT_UPDATE", "below -40000 days"].count >= 1
    assert found["DAYS_CREDIT_UPDATE", "after the application"].count >= 1


def test_what_was_looked_for_in_vain_is_told_too(profile: Profile):
    missed = [odd for odd in profile.oddities if not odd.count]
    assert missed
    text = render(profile).split("Looked for and not found: ")[1].split("</p>")[0]
    text = html.unescape(text)
    assert text.count(";") == len(missed) - 1
    assert all(odd.rule.column in text for odd in missed)


def test_correlation_and_auc_agree_with_their_definitions(built_warehouse: Path, profile: Profile):
    strength = next(one for one in profile.falling if one.column == "EXT_SOURCE_2")
    expected = query(
        built_warehouse, "select corr(TARGET, EXT_SOURCE_2), count(EXT_SOURCE_2) from raw.application_train"
    )
    assert (strength.correlation, strength.rows) == pytest.approx(expected[0])
    pairs = """
        select avg(case when d.x > o.x then 1.0 when d.x = o.x then 0.5 else 0.0 end)
        from (select EXT_SOURCE_2 as x from raw.application_train where TARGET = 1 and x is not null) as d,
            (select EXT_SOURCE_2 as x from raw.application_train where TARGET = 0 and x is not null) as o
    """
    assert strength.auc == pytest.approx(query(built_warehouse, pairs)[0][0])
    assert all(one.correlation > 0 for one in profile.rising)
    assert all(one.correlation < 0 for one in profile.falling)


def test_the_sentinel_does_not_enter_a_correlation(built_warehouse: Path, profile: Profile):
    found = [one for one in (*profile.rising, *profile.falling) if one.column == "DAYS_EMPLOYED"]
    known = query(built_warehouse, "select count(*) from raw.application_train where DAYS_EMPLOYED < 365243")[0][0]
    assert all(one.rows == known for one in found)


def test_features_are_ranked_by_what_they_tell(profile: Profile, page: Page):
    powers = [one.power for one in profile.features]
    assert powers == sorted(powers, reverse=True)
    assert 0.5 <= powers[-1] <= powers[0] <= 1
    assert not {one.column for one in profile.features} & {"sk_id_curr", "target", "population"}
    assert len(page.tables["Features of marts.training_set"]) == 1 + len(profile.features)


def test_the_page_loads_nothing_and_its_contents_lead_somewhere(page: Page):
    assert page.addresses
    assert all(address.startswith("#") for address in page.addresses)
    assert {address.removeprefix("#") for address in page.addresses} == set(SECTIONS) == page.anchors
    assert not page.tags & {"script", "link", "img", "iframe"}


def test_the_style_loads_nothing_either(profile: Profile):
    text = render(profile)
    assert not re.search(r"@import|url\(|https?:", text)
    assert len(text) < 2_000_000


def test_values_and_comments_are_escaped(changed: Callable[..., Path]):
    quoted_script = SCRIPT.replace("'", "''")
    warehouse = changed(
        f"update raw.application_train set NAME_INCOME_TYPE = '{quoted_script}' where rowid < 20",
        f"comment on column marts.training_set.amt_credit is '\"{quoted_script}'",
    )
    text = render(profiled(warehouse))
    page = Page(text)
    assert "script" not in page.tags
    assert page.row("Default rate by Income type", SCRIPT)
    assert "&#34;&lt;script&gt;" in text


def test_a_warehouse_without_marts_staging_and_applications_to_score(changed: Callable[..., Path]):
    warehouse = changed("delete from raw.application_test", "drop schema marts cascade", "drop schema staging cascade")
    profile = profiled(warehouse)
    assert profile.features is None
    page = Page(render(profile))
    assert page.row("Rows and columns of the raw tables", "application_test")[1:2] == ["0"]
    assert {row[-1] for row in page.tables["Outliers and sentinels"][1:]} == {"not built yet"}
    assert "Missing values of application_test" not in page.tables


def test_a_warehouse_without_any_row(changed: Callable[..., Path]):
    profile = profiled(changed(*(f"delete from raw.{table}" for table in load_contract().tables)))
    assert profile.overall.applications == 0
    assert "There are no labelled applications." in render(profile)


def test_not_a_number_is_missing(changed: Callable[..., Path]):
    value = "cast(case when rowid % 2 = 0 then 'nan' else 'inf' end as double)"
    warehouse = changed(f"update raw.application_train set AMT_ANNUITY = {value}")
    table = profiled(warehouse).tables[0]
    assert table.missing["AMT_ANNUITY"] == table.rows


def test_the_command_writes_the_page_and_says_where(
    built_warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    out = tmp_path / "new" / "profile.html"
    assert main(["--database", str(built_warehouse), "--out", str(out)]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[-1].endswith(str(out))
    assert all(re.search(r"\d\.\d s", line) for line in lines)
    assert out.read_text(encoding="utf-8").startswith("<!DOCTYPE html>")
    assert [path.name for path in out.parent.iterdir()] == ["profile.html"]


def one_line_error(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    assert main(["--out", str(Path(arguments[1]).with_name("profile.html")), *arguments]) == 1
    error = capsys.readouterr().err
    assert error.startswith("error: ")
    assert error.count("\n") == 1
    return error


def test_a_missing_warehouse_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out = tmp_path / "profile.html"
    error = one_line_error(["--database", str(tmp_path / "none.duckdb"), "--out", str(out)], capsys)
    assert "no such file" in error
    assert not out.exists()


def test_a_warehouse_without_raw_tables_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    change(tmp_path / "empty.duckdb", "create table other (i integer)")
    assert "no such table" in one_line_error(["--database", str(tmp_path / "empty.duckdb")], capsys)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("alter table raw.bureau drop column CREDIT_TYPE", "raw.bureau.CREDIT_TYPE"),
        ("alter table raw.bureau alter column CREDIT_DAY_OVERDUE type varchar", "as integer"),
    ],
)
def test_a_raw_table_that_is_not_the_contracts_is_one_line(
    changed: Callable[..., Path], capsys: pytest.CaptureFixture[str], statement: str, told: str
):
    assert told in one_line_error(["--database", str(changed(statement))], capsys)


def test_a_broken_view_is_one_line(changed: Callable[..., Path], capsys: pytest.CaptureFixture[str]):
    warehouse = changed(
        "drop schema marts cascade",
        "create schema marts",
        "create table raw.gone (target integer)",
        "create view marts.training_set as select * from raw.gone",
        "drop table raw.gone",
    )
    assert "build it again" in one_line_error(["--database", str(warehouse)], capsys)


def test_a_locked_warehouse_is_one_line(changed: Callable[..., Path], capsys: pytest.CaptureFixture[str]):
    warehouse = changed()
    code = f"import duckdb; con = duckdb.connect({str(warehouse)!r}); print('open', flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as writer:
        assert writer.stdout.readline() == "open\n"
        assert "close the other program" in one_line_error(["--database", str(warehouse)], capsys)
        writer.communicate("\n")


def test_a_page_that_cannot_be_written_leaves_the_old_one(
    built_warehouse: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    (tmp_path / "file").write_text("old")
    error = one_line_error(
        ["--database", str(built_warehouse), "--out", str(tmp_path / "file" / "profile.html")], capsys
    )
    assert "choose another file with --out" in error
    assert (tmp_path / "file").read_text() == "old"


@pytest.mark.parametrize("module", [core_page, rates])
def test_examples_in_the_documentation_hold(module: object):
    result = doctest.testmod(module)
    assert result.attempted
    assert not result.failed


def test_a_damaged_warehouse_is_one_line(changed: Callable[..., Path], capsys: pytest.CaptureFixture[str]):
    warehouse = changed("checkpoint")
    size = warehouse.stat().st_size
    with warehouse.open("r+b") as file:
        for start in range(3 * 4096, size - 4096, size // 50):  # not the headers: it opens, and cannot be read
            file.seek(start)
            file.write(b"\xde\xad" * 2048)
    assert one_line_error(["--database", str(warehouse)], capsys)


@pytest.mark.parametrize("interruption", [KeyboardInterrupt, duckdb.InterruptException])
def test_an_interruption_is_one_line(
    interruption: type[BaseException],
    built_warehouse: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
):
    def interrupt(*_: object) -> None:
        raise interruption

    monkeypatch.setattr(workflow, "measure_oddities", interrupt)
    assert main(["--database", str(built_warehouse), "--out", str(tmp_path / "profile.html")]) == 130
    assert capsys.readouterr().err.count("\n") == 1
    assert not list(tmp_path.iterdir())


def test_the_warehouse_is_only_read(built_warehouse: Path, profile: Profile):
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        assert not con.execute("select 1 from duckdb_tables() where table_name like 'profile%'").fetchall()
