"""Drift: invariants of the measure, what it must see and must not see, and the report as its readers get it."""

import contextlib
import doctest
import json
import math
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import duckdb
import numpy as np
import pytest
import yaml

from monitoring import psi, report, workflow
from monitoring.drift import measure_drift
from monitoring.evidently_report import choose_columns, sample_rows
from monitoring.options import FILES, Options
from monitoring.populations import Population, find_place, open_population
from monitoring.psi import ColumnDrift, drift_level, population_stability_index
from monitoring.workflow import write_report
from tests.support.tiny_warehouse import approve, build_tiny_warehouse, change, query
from warehouse.core.settings import PROJECT_ROOT, Settings
from warehouse.snapshots.publication import publish

CLIENTS = """
    select i as sk_id_curr, cast(i % 10 = 0 as integer) as target, hash(i) % 1000 / 10.0 as score,
        cast(i % 20 > 0 as integer) as common_flag, hash(i + 7) % 100 as whole,
        case when i % 5 > 0 then i * 1.5 end as sometimes, cast(null as double) as never,
        chr(cast(97 + hash(i + 3) % 4 as integer)) as letter, i % 2 = 0 as even
    from range(1, 2001) as rows(i)
"""
CHANGES = {
    "score": "score + 15 as score",
    "common_flag": "cast(sk_id_curr % 20 > 4 as integer) as common_flag",
    "sometimes": "case when sk_id_curr % 2 > 0 then sometimes end as sometimes",
    "letter": "case when letter = 'a' then 'unseen' else letter end as letter",
    "even": "sk_id_curr % 10 = 0 as even",
    "never": "1.0 as never",
    "whole": "case when sk_id_curr % 2 = 0 then cast('nan' as double) else whole end as whole",
}


@contextlib.contextmanager
def population(sql: str, name: str = "clients") -> Iterator[Population]:
    with duckdb.connect() as con:
        con.execute(f"create table {name} as {sql}")
        types = {row[0]: row[1] for row in con.execute(f"describe {name}").fetchall()}
        rows = con.execute(f"select count(*) from {name}").fetchone()[0]
        yield Population(name, con, name, types, rows)


def measure(reference_sql: str, current_sql: str) -> dict[str, ColumnDrift]:
    with population(reference_sql, "before") as reference, population(current_sql, "now") as current:
        return {drift.column: drift for drift in measure_drift(reference, current)}


@pytest.fixture(scope="module")
def against_itself() -> dict[str, ColumnDrift]:
    return measure(CLIENTS, CLIENTS)


def test_a_population_does_not_drift_from_itself(against_itself: dict[str, ColumnDrift]):
    assert {drift.psi for drift in against_itself.values()} == {0.0}
    assert {drift.level for drift in against_itself.values()} == {"none"}


def test_neither_its_size_nor_the_order_of_rows_counts_as_drift():
    twice = f"select * from ({CLIENTS}) union all select * from ({CLIENTS}) order by score desc"
    assert all(drift.psi == pytest.approx(0, abs=1e-12) for drift in measure(CLIENTS, twice).values())


def test_key_and_target_are_not_measured(against_itself: dict[str, ColumnDrift]):
    assert set(against_itself) == {"score", "common_flag", "whole", "sometimes", "never", "letter", "even"}


def test_every_row_is_in_one_bin(against_itself: dict[str, ColumnDrift]):
    for drift in against_itself.values():
        assert sum(b.reference for b in drift.bins) == sum(b.current for b in drift.bins) == 2000
        assert len({b.label for b in drift.bins}) == len(drift.bins)


@pytest.mark.parametrize("changed", CHANGES)
def test_what_changed_is_flagged_and_nothing_else_is(changed: str):
    current = f"select * replace ({CHANGES[changed]}) from ({CLIENTS})"
    drifts = measure(CLIENTS, current)
    assert drifts[changed].level == "strong"
    assert [drift.column for drift in drifts.values() if drift.psi > 0] == [changed]


def test_another_sample_of_the_same_clients_is_not_flagged():
    halves = [f"select * from ({CLIENTS}) where hash(sk_id_curr) % 2 = {half}" for half in (0, 1)]
    drifts = measure(*halves)
    assert {drift.level for drift in drifts.values()} == {"none"}
    assert any(drift.psi > 0 for drift in drifts.values())


def test_psi_of_a_numeric_column_is_that_of_deciles_counted_by_hand():
    current = f"select * replace (score * 0.9 + 8 as score) from ({CLIENTS})"
    drift = measure(CLIENTS, current)["score"]
    before = np.array([hash_score for (hash_score,) in duckdb.sql(f"select score from ({CLIENTS})").fetchall()])
    now = before * 0.9 + 8
    edges = np.sort(before)[[math.ceil(tenth * 200) - 1 for tenth in range(1, 10)]]
    shares = [np.bincount(np.searchsorted(edges, values), minlength=10) / 2000 for values in (before, now)]
    expected = sum((c - r) * math.log(c / r) for r, c in zip(*np.maximum(shares, 1e-4), strict=True))
    assert drift.psi == pytest.approx(expected, rel=1e-9)
    assert drift.current_mean == pytest.approx(now.mean())


def test_missing_values_are_a_bin_and_a_share():
    drift = measure(CLIENTS, f"select * replace ({CHANGES['sometimes']}) from ({CLIENTS})")["sometimes"]
    assert (drift.bins[-1].label, drift.bins[-1].reference, drift.bins[-1].current) == ("missing", 400, 1200)
    assert (drift.reference_null_share, drift.current_null_share) == (0.2, 0.6)
    assert drift.null_share_change == pytest.approx(0.4)


def test_the_information_value_is_that_of_defaulters_against_others():
    word = "target || case when sk_id_curr % 3 = 0 then 'x' else 'y' end as word"
    told = f"select *, {word} from ({CLIENTS})"
    drift = measure(told, told)["word"]
    counted = {b.label: b.reference for b in drift.bins}
    defaulters = [counted["1x"], counted["1y"], 0, 0]
    others = [0, 0, counted["0x"], counted["0y"]]
    assert drift.information_value == pytest.approx(population_stability_index(others, defaulters))


def test_without_a_label_there_is_no_information_value():
    unlabelled = f"select * exclude (target) from ({CLIENTS})"
    assert {drift.information_value for drift in measure(unlabelled, unlabelled).values()} == {None}


def test_rare_categories_beyond_the_fifty_most_frequent_count_as_one():
    words = "select i as sk_id_curr, 'word ' || i % 80 as word from range(1, 1001) as rows(i)"
    drift = measure(words, words)["word"]
    assert len(drift.bins) == 52
    assert drift.psi == 0


@pytest.mark.parametrize("counts", [([1, 0, 5], [4, 4, 0]), ([10, 10], [3, 90]), ([0, 7], [7, 0])])
def test_psi_is_positive_and_the_same_in_both_directions(counts: tuple[list[int], list[int]]):
    before, now = counts
    assert population_stability_index(before, now) > 0
    assert population_stability_index(before, now) == pytest.approx(population_stability_index(now, before))


def test_levels_and_examples_in_the_documentation_hold():
    assert [drift_level(value) for value in (0, 0.1, 0.11, 0.25, 0.26)] == [
        "none", "none", "moderate", "moderate", "strong",
    ]  # fmt: skip
    assert doctest.testmod(psi).failed == 0


def test_the_columns_that_matter_are_the_most_drifted_and_the_most_telling():
    def column(name: str, drift: float, value: float, missing: float = 0.0) -> ColumnDrift:
        return ColumnDrift(name, "numeric", drift, "none", 0.0, missing, None, None, value, ())

    drifts = [column(f"drifted_{n}", 1 - n / 100, 0.001) for n in range(10)]
    drifts += [column(f"telling_{n}", 0.0, 1 - n / 100) for n in range(10)] + [column("gone", 9.0, 9.0, missing=1.0)]
    chosen = [drift.column for drift in choose_columns(drifts, 5)]
    assert chosen == ["drifted_0", "drifted_1", "drifted_2", "telling_0", "telling_1"]
    assert len(choose_columns(drifts, 100)) == 20


def test_the_sample_depends_on_the_seed_and_not_on_the_order_of_rows(against_itself: dict[str, ColumnDrift]):
    columns = [against_itself["score"], against_itself["letter"]]
    with population(CLIENTS) as one, population(f"{CLIENTS} order by hash(i)") as other:
        first = sample_rows(one, columns, 100, seed=1)
        assert first.equals(sample_rows(other, columns, 100, seed=1))
        assert not first.equals(sample_rows(one, columns, 100, seed=2))
    assert first.shape == (100, 2)


@pytest.mark.parametrize("data_type", ["utinyint", "usmallint", "uinteger", "ubigint", "uhugeint", "hugeint"])
def test_whole_numbers_of_any_type_are_measured_as_numbers(data_type: str):
    whole = f"select sk_id_curr, cast(whole as {data_type}) as whole from ({CLIENTS})"
    drift = measure(whole, whole)["whole"]
    assert drift.kind == "numeric"
    assert drift.reference_mean is not None


SCRIPT = "</script><script>alert(1)</script>"


def test_no_category_can_leave_the_data_of_a_page(tmp_path: Path):
    hostile = f"select * replace (case when letter = 'a' then '{SCRIPT}' else letter end as letter) from ({CLIENTS})"
    current = f"select * replace (score + 15 as score) from ({hostile})"
    with population(hostile, "before") as reference, population(current, "now") as now:
        options = Options(rows=200)
        write_report(reference, now, tmp_path, options)
    for name in ("drift.html", "evidently.html"):
        page = (tmp_path / name).read_text()
        assert SCRIPT not in page and "<script>alert" not in page, name
    assert "\\u003c/script>" in (tmp_path / "evidently.html").read_text()
    assert "&lt;/script&gt;" in (tmp_path / "drift.html").read_text()


def test_evidently_gets_only_columns_with_a_value_in_both_samples(tmp_path: Path):
    rare = "case when sk_id_curr = 1 then 1.0 end as rare, case when sk_id_curr = 2 then 'x' end as rare_text"
    endless = "case when sk_id_curr % 2 = 0 then cast('inf' as double) else score end as endless"
    clients = f"select *, {rare}, {endless} from ({CLIENTS})"
    with population(clients, "before") as reference, population(clients, "now") as current:
        write_report(reference, current, tmp_path, Options(rows=100, columns=800))
    drawn = next(
        metric["config"]["columns"]
        for metric in json.loads((tmp_path / "evidently.json").read_text())["metrics"]
        if "DriftedColumnsCount" in metric["metric_name"]
    )
    assert set(drawn) == {"score", "common_flag", "whole", "sometimes", "letter", "even", "endless"}


def test_an_interruption_is_one_line(
    environment: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(workflow, "write_evidently", interrupt)
    assert report.main(["--out", str(tmp_path / "report")]) == 130
    assert capsys.readouterr().err.count("\n") == 1
    assert not list((tmp_path / "report").iterdir())


def test_a_damaged_file_is_one_line(tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    damaged = Path(shutil.copy(tiny, tmp_path / "damaged.duckdb"))
    size = damaged.stat().st_size
    with damaged.open("r+b") as file:
        for start in range(3 * 4096, size - 4096, size // 50):  # not the headers: it opens, and cannot be read
            file.seek(start)
            file.write(b"\xde\xad" * 2048)
    assert report.main(["--reference", str(damaged), "--current", str(damaged), "--out", str(tmp_path / "out")]) == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ") and message.count("\n") == 1


# The report, from published snapshots and warehouse files


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = build_tiny_warehouse(tmp_path_factory.mktemp("tiny") / "home_credit.duckdb")
    approve(path)
    return path


@pytest.fixture(scope="module")
def settings(tiny: Path) -> Settings:
    """Settings of a warehouse with a published snapshot."""
    published = tiny.with_name("published")
    publish(tiny, published)
    return Settings(raw_dir=tiny.parent, duckdb_path=tiny, published_dir=published, tracking_uri="")


@pytest.fixture(scope="module")
def written(settings: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folder of a report on the current snapshot."""
    out = tmp_path_factory.mktemp("reports") / "drift"
    with pytest.MonkeyPatch.context() as patch:
        set_environment(patch, settings)
        assert report.main(["--out", str(out), "--columns", "4"]) == 0
    return out


def set_environment(patch: pytest.MonkeyPatch, settings: Settings) -> None:
    patch.setenv("CREDIT_DUCKDB", str(settings.duckdb_path))
    patch.setenv("CREDIT_PUBLISHED_DIR", str(settings.published_dir))


@pytest.fixture
def environment(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Settings:
    set_environment(monkeypatch, settings)
    return settings


@pytest.mark.parametrize("file", ["drift.html", "evidently.html"])
def test_the_page_needs_no_network(written: Path, file: str):
    page = (written / file).read_text()
    loaded = re.findall(r"<(?:script|link|img|iframe)\b[^>]*\b(?:src|href)\s*=\s*[\"']?([^\"'\s>]+)", page)
    loaded += re.findall(r"@import\s+[^;]*|url\(\s*[\"']?(?!data:)(https?:[^\"')]+)", page)
    assert [address for address in loaded if not address.startswith(("data:", "#"))] == []


def test_the_page_shows_all_columns_and_names_both_populations(written: Path):
    page = (written / "drift.html").read_text()
    for words in ("marts.training_set of snapshot", "marts.scoring_set of snapshot", ">200<", "evidently.html"):
        assert words in page
    content = json.loads((written / "drift.json").read_text())
    assert all(f">{column['column']}</th>" in page for column in content["columns"])
    assert re.search(r'<meta name="verdict" content="\d+ of \d+ columns drifted strongly" data-level="bad">', page)


def test_the_figures_agree_with_the_database(written: Path, settings: Settings):
    content = json.loads((written / "drift.json").read_text())
    columns = {column["column"]: column for column in content["columns"]}
    assert content["columns_measured"] == len(columns) == sum(content["columns_by_level"].values())
    assert (content["reference"]["rows"], content["current"]["rows"]) == (200, 100)
    missing = "select avg(cast(ext_source_1 is null as integer)), avg(amt_credit) from marts"
    for side, table in (("reference", "training_set"), ("current", "scoring_set")):
        share, mean = query(settings.duckdb_path, f"{missing}.{table}")[0]
        assert columns["ext_source_1"][f"{side}_null_share"] == pytest.approx(share)
        assert columns["amt_credit"][f"{side}_mean"] == pytest.approx(mean)
    counted = dict(query(settings.duckdb_path, "select code_gender, count(*) from marts.scoring_set group by 1"))
    assert {b["label"]: b["current"] for b in columns["code_gender"]["bins"] if b["current"]} == counted
    assert [column["psi"] for column in content["columns"]] == sorted(
        (column["psi"] for column in content["columns"]), reverse=True
    )


def test_evidently_saw_the_chosen_columns(written: Path):
    evidently = json.loads((written / "evidently.json").read_text())
    drawn = next(metric for metric in evidently["metrics"] if "DriftedColumnsCount" in metric["metric_name"])
    assert len(drawn["config"]["columns"]) == 4
    assert drawn["config"]["num_threshold"] == 0.1


def test_the_report_leaves_nothing_but_its_files(written: Path):
    assert {path.name for path in written.iterdir()} == set(FILES)


def test_a_report_that_fails_leaves_the_previous_one(
    written: Path, environment: Settings, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    before = {path.name: path.read_bytes() for path in written.iterdir()}

    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(workflow, "write_evidently", fail)
    assert report.main(["--out", str(written)]) == 1
    message = capsys.readouterr().err
    assert "No space left" in message and len(message.splitlines()) == 1
    assert {path.name: path.read_bytes() for path in written.iterdir()} == before


def test_too_much_drift_is_exit_code_three_only_when_asked_for(
    environment: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    drifted = Path(shutil.copy(environment.duckdb_path, tmp_path / "drifted.duckdb"))
    change(drifted, "drop view marts.scoring_set")
    change(drifted, f"create table marts.scoring_set as {shifted(environment.duckdb_path)}")
    monkeypatch.setattr(workflow, "write_evidently", lambda *args: [path.touch() for path in args[-2:]])
    options = ["--current", str(drifted), "--out", str(tmp_path / "report")]
    assert report.main(options) == 0
    assert report.main([*options, "--fail-on-drift"]) == 3
    assert "strongly drifted columns; found" in capsys.readouterr().err
    assert report.main([*options, "--fail-on-drift", "--max-share", "1"]) == 0


def shifted(path: Path) -> str:
    """The scoring set with every amount tenfold."""
    columns = [row[0] for row in query(path, "select column_name from (describe marts.client_features)")]
    kept = ", ".join(name for name in columns if name not in ("population", "amt_credit", "cnt_children"))
    return (
        f"select {kept}, amt_credit * 10 + 5000 as amt_credit, cnt_children + 5000 as cnt_children "
        "from marts.client_features where population = 'scoring'"
    )


def test_without_a_snapshot_the_warehouse_file_is_read_only_when_it_is_named(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    set_environment(monkeypatch, Settings(tmp_path, tiny, tmp_path / "nothing", ""))
    monkeypatch.setattr(workflow, "write_evidently", lambda *args: [args[-2].write_text("<body>"), args[-1].touch()])
    out = ["--out", str(tmp_path / "report")]
    assert report.main(out) == 1
    (line,) = capsys.readouterr().err.splitlines()
    assert "found none; run: python -m warehouse.publish, or name a warehouse file with --database" in line
    assert report.main([*out, "--database", str(tiny)]) == 0
    said = capsys.readouterr().out
    assert f"marts.training_set of file {tiny.name}" in said
    assert f"marts.scoring_set of file {tiny.name}" in said


def test_a_population_is_named_by_snapshot_file_and_table(settings: Settings):
    snapshot_id = next(path.name for path in settings.published_dir.iterdir() if path.name.startswith("2"))
    for reference, table in (
        ("current", "training_set"),
        (snapshot_id, "training_set"),
        (str(settings.published_dir / snapshot_id), "training_set"),
        (f"{snapshot_id}:scoring_set", "scoring_set"),
        ("current:marts.client_features", "client_features"),
    ):
        place = find_place(reference, "reference", settings)
        assert (place.origin, place.schema, place.table) == (f"snapshot {snapshot_id}", "marts", table)
    place = find_place(f"{settings.duckdb_path}:raw.bureau", "reference", settings)
    assert (place.database, place.schema, place.table) == (settings.duckdb_path, "raw", "bureau")


@pytest.mark.parametrize(
    ("options", "found"),
    [
        (["--reference", "20200101T000000Z-00000000"], "found only"),
        (["--reference", "nowhere.duckdb"], "no such file"),
        (["--current", "current:marts.nothing"], "no such table"),
        (["--current", "{warehouse}:raw.bureau"], "columns that stand both"),
        (["--current", "{warehouse}:marts.empty"], "expected rows in marts.empty"),
        (["--max-share", "10"], "between 0 and 1"),
        (["--rows", "5"], "--rows"),
        (["--columns", "0"], "--columns"),
    ],
)
def test_what_cannot_be_compared_is_one_clear_line(
    options: list[str],
    found: str,
    environment: Settings,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
):
    warehouse = Path(shutil.copy(environment.duckdb_path, tmp_path / "other.duckdb"))
    change(warehouse, "create table marts.empty as select * from marts.client_features limit 0")
    filled = [option.format(warehouse=warehouse) for option in options]
    assert report.main([*filled, "--out", str(tmp_path / "report")]) == 1
    message = capsys.readouterr().err
    assert found in message and len(message.splitlines()) == 1, message


def test_views_keep_the_spelling_of_their_columns(settings: Settings):
    with open_population(find_place(str(settings.duckdb_path), "reference", settings)) as training:
        assert "target" in training.types


def test_the_weekly_workflow_runs_everything_and_keeps_the_report():
    workflow = yaml.safe_load((PROJECT_ROOT / ".github" / "workflows" / "drift.yml").read_text())
    triggers = workflow[True]  # YAML 1.1 reads the key `on` as true
    assert triggers["schedule"] and "workflow_dispatch" in triggers
    steps = workflow["jobs"]["report"]["steps"]
    assert any("make run" in step.get("run", "") for step in steps)
    upload = next(step for step in steps if "upload-artifact" in step.get("uses", ""))
    assert upload["with"]["path"].rstrip("/") == "monitoring/reports"
    assert all(re.fullmatch(r"[\w/-]+@v\d+", step["uses"]) for step in steps if "uses" in step)
