"""The page that teaches the marts: its queries run, and its worked example does what it says, block by block."""

import difflib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pytest

from warehouse.core.settings import PROJECT_ROOT

PAGE = PROJECT_ROOT / "dbt_project" / "README.md"
BLOCK = re.compile(r"^```(?P<kind>\w+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE = re.compile(r"`(models/[\w/.]+)`")
FEATURE = "bureau_active_card_count"
MEANING = "Number of active credit cards at the bureau; null when the credit bureau has no record of the client."


@dataclass(frozen=True)
class Block:
    """A block of code, and the file of the project that the words before it name last."""

    kind: str
    text: str
    file: str | None


def blocks(heading: str) -> list[Block]:
    """Blocks of a section of the page, in their order."""
    [section] = re.findall(rf"^## {heading}\n(.*?)(?=^## |\Z)", PAGE.read_text(), re.MULTILINE | re.DOTALL)
    found, end = [], 0
    for match in BLOCK.finditer(section):
        named = FILE.findall(section[end : match.start()])
        found.append(Block(match["kind"], match["text"], named[-1] if named else None))
        end = match.end()
    return found


def apply_diff(path: Path, diff: str) -> None:
    """Put the lines with a plus where the lines around them stand."""
    lines = [(line[0], line[1:]) for line in diff.splitlines()]
    before = "\n".join(text for sign, text in lines if sign == " ")
    after = "\n".join(text for sign, text in lines if sign != "-")
    sql = path.read_text()
    assert sql.count(before) == 1, f"the page shows lines of {path.name} that do not stand there once:\n{before}"
    path.write_text(sql.replace(before, after))


@pytest.fixture(scope="module")
def clone(built_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The tracked files, and a warehouse built before the feature was thought of."""
    folder = tmp_path_factory.mktemp("worked_example") / "repository"
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=PROJECT_ROOT, capture_output=True, text=True, check=True,
    )  # fmt: skip
    for name in filter(None, listed.stdout.split("\0")):
        if (PROJECT_ROOT / name).is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(PROJECT_ROOT / name, folder / name)
    shutil.copy2(built_warehouse, folder / "warehouse" / "home_credit.duckdb")
    return folder


@pytest.fixture(scope="module")
def followed(clone: Path, generated_raw_dir: Path) -> str:
    """Everything the page shows as output was put out when its steps were followed; returns all of it."""
    activated = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    environment = {**os.environ, "PATH": activated, "CREDIT_RAW_DIR": str(generated_raw_dir)}
    output, last = "", ""
    for block in blocks("Add a feature"):
        if block.kind == "yaml":
            with (clone / "dbt_project" / block.file).open("a") as tests:
                tests.write(block.text)
        elif block.kind == "diff":
            apply_diff(clone / "dbt_project" / block.file, block.text)
        elif block.kind == "sh":
            done = subprocess.run(["sh", "-c", block.text], cwd=clone, env=environment, capture_output=True, text=True)
            assert done.returncode == 0, f"{block.text}\n{done.stdout[-4000:]}\n{done.stderr[-2000:]}"
            last = done.stdout
            output += last
        else:
            assert block.text in last, f"the page shows\n{block.text}\nbut the command put out\n{last}"
    return output


@pytest.fixture(scope="module")
def after(clone: Path, followed: str) -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(str(clone / "warehouse" / "home_credit.duckdb"), read_only=True) as con:
        yield con


def test_its_queries_run_and_show_what_it_says(built_warehouse: Path):
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        found = []
        for block in [*blocks("Find a feature"), *blocks("Query it")]:
            if block.kind == "sql":
                found = con.execute(block.text).fetchall()
                assert found, block.text
            elif block.kind == "text":
                assert sorted(" | ".join(row) for row in found) == sorted(block.text.splitlines())


def test_python_opens_the_warehouse_as_it_says(clone: Path):
    [block] = blocks("Open your own warehouse")
    done = subprocess.run([sys.executable, "-c", block.text], cwd=clone, capture_output=True, text=True)
    assert done.returncode == 0 and "auc" in done.stdout, done.stderr


def test_every_folder_and_analysis_it_names_is_there():
    page = PAGE.read_text()
    project = PAGE.parent
    folders = re.findall(r"^\| `([\w/]+/)` \|", page, re.MULTILINE)
    assert len(folders) == 8 and [folder for folder in folders if not (project / folder).is_dir()] == []
    listed = re.findall(r"^\| `(\w+)` \| ", page.split("### Ask a question", 1)[1].split("## Add", 1)[0], re.MULTILINE)
    assert sorted(listed) == sorted(path.stem for path in (project / "models" / "analyses").glob("*.sql"))
    [shown] = [block.text for block in blocks("Query it") if block.kind == "sh"]
    assert re.search(r"warehouse.analyse (\w+)", shown)[1] in listed


def test_the_new_feature_stands_in_every_mart_with_its_comment(after: duckdb.DuckDBPyConnection):
    found = after.execute(
        "select table_name, comment from duckdb_columns() where column_name = ? order by 1", [FEATURE]
    ).fetchall()
    marts = ["client_features", "feat_bureau", "scoring_set", "training_set"]
    assert found == [(mart, MEANING) for mart in marts]


def test_the_new_feature_counts_what_the_raw_file_says(after: duckdb.DuckDBPyConnection):
    different = after.execute(
        f"""
        select count(*)
        from marts.client_features
        left join (
            select
                SK_ID_CURR,
                count(*) filter (where CREDIT_ACTIVE = 'Active' and CREDIT_TYPE = 'Credit card') as cards
            from raw.bureau
            group by SK_ID_CURR
        ) as counted using (sk_id_curr)
        where {FEATURE} is distinct from cards
        """
    ).fetchone()
    most, known = after.execute(f"select max({FEATURE}), count({FEATURE}) from marts.client_features").fetchone()
    assert different == (0,) and most > 1
    assert known == after.execute("select sum(has_bureau_history) from marts.client_features").fetchone()[0]


def test_the_build_does_only_what_the_line_asks_for(followed: str):
    assert "Completed successfully" in followed
    assert "only_active_cards_are_counted_as_active_cards" in followed
    assert "feat_installments" not in followed


def test_it_changes_the_sql_its_test_and_one_line_in_each_mart_that_has_it(clone: Path, followed: str):
    listed = [path.relative_to(clone) for path in (clone / "dbt_project").rglob("*") if path.suffix in (".sql", ".yml")]
    sources = [path for path in listed if not {"target", "logs"} & set(path.parts)]
    changed = {path.name: path for path in sources if (clone / path).read_bytes() != (PROJECT_ROOT / path).read_bytes()}
    contracts = {f"_{mart}__models.yml" for mart in ("client_features", "feat_bureau", "scoring_set", "training_set")}
    assert changed.keys() == contracts | {"_marts__unit_tests.yml", "feat_bureau.sql"}
    lines = [
        line
        for name in contracts
        for line in difflib.ndiff(*((root / changed[name]).read_text().splitlines() for root in (PROJECT_ROOT, clone)))
        if line[0] in "+-"
    ]
    assert len(lines) == 4 and all(f"name: {FEATURE}," in line for line in lines), lines
