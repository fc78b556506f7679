"""What several tests share: generated raw files, and one warehouse built from them with every dbt test."""

import os
import shutil
import signal
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from filelock import FileLock

from tests.support.building import build_marts
from tests.support.edges import put_on_edges
from tests.support.tiny_warehouse import approve
from warehouse.generate import main as generate
from warehouse.snapshots.publication import publish
from warehouse.snapshots.snapshot import CURRENT, Snapshot, resolve_snapshot

if TYPE_CHECKING:
    from tests.support.serving_fixtures import Store

SAMPLE_DIR = Path(__file__).resolve().parents[2] / "shared" / "home-credit-sample"
GENERATED_CLIENTS = 1500
EDGE_CLIENTS = 600


@pytest.fixture(scope="session", autouse=True)
def _quiet_libraries() -> Iterator[None]:
    """Nothing is reported to anybody, and nothing of the developer's shell decides what is tested."""
    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs, and their children, ignore it
    with pytest.MonkeyPatch.context() as patch:
        for name in [name for name in os.environ if name.startswith("CREDIT_")] + ["MLFLOW_TRACKING_URI"]:
            patch.delenv(name, raising=False)
        patch.setenv("DO_NOT_TRACK", "1")
        patch.setenv("MLFLOW_DISABLE_TELEMETRY", "true")
        yield


@pytest.fixture(scope="session")
def sample_dir() -> Path:
    """The sample of real clients; it is not part of the repository."""
    if not (SAMPLE_DIR / "bureau.csv.gz").is_file():
        pytest.skip("the sample of real clients is not at ../shared/home-credit-sample")
    return SAMPLE_DIR


def made_once(tmp_path_factory: pytest.TempPathFactory, name: str, fill: Callable[[Path], None]) -> Path:
    """A folder that is filled once for all test processes of a run: whoever comes first fills it, others wait."""
    root = tmp_path_factory.getbasetemp()
    if os.environ.get("PYTEST_XDIST_WORKER"):
        root = root.parent  # each process has its own folder in that of the run
    folder, done = root / f"shared-{name}", root / f"shared-{name}.done"
    with FileLock(root / f"shared-{name}.lock"):
        if not done.exists():
            folder.mkdir()
            fill(folder)
            done.touch()
    return folder


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """The whole flow takes longest: begun last, it would keep one process busy while the other waits."""
    items.sort(key=lambda item: not item.nodeid.startswith("tests/flow/"))


@pytest.fixture(scope="session")
def generated_raw_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight generated raw files; not to be changed."""

    def fill(folder: Path) -> None:
        assert generate(["--clients", str(GENERATED_CLIENTS), "--seed", "7", "--out", str(folder / "raw")]) == 0

    return made_once(tmp_path_factory, "generated", fill) / "raw"


@pytest.fixture(scope="session")
def edge_warehouse(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of clients at the edges of the rules, its tests not run; not to be changed."""

    def fill(folder: Path) -> None:
        assert generate(["--clients", str(EDGE_CLIENTS), "--seed", "7", "--out", str(folder / "raw")]) == 0
        put_on_edges(folder / "raw", folder / "edges")
        result = build_marts(folder / "edges", folder / "home_credit.duckdb", command="run")
        assert result.success, result.exception or [r.message for r in result.result if r.status == "error"]

    return made_once(tmp_path_factory, "edge-warehouse", fill) / "home_credit.duckdb"


@pytest.fixture(scope="session")
def real_warehouse(sample_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse of the sample of real clients, its data tests passed; not to be changed."""

    def fill(folder: Path) -> None:
        result = build_marts(sample_dir, folder / "home_credit.duckdb")
        assert result.success, result.exception or [r.message for r in result.result if r.status in {"error", "fail"}]

    return made_once(tmp_path_factory, "real-warehouse", fill) / "home_credit.duckdb"


@pytest.fixture(scope="session")
def built_warehouse(generated_raw_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A warehouse that `dbt build` made of the generated files, all its data tests passed; not to be changed."""

    def fill(folder: Path) -> None:
        result = build_marts(generated_raw_dir, folder / "home_credit.duckdb")
        assert result.success, result.exception or [r.message for r in result.result if r.status in {"error", "fail"}]

    return made_once(tmp_path_factory, "warehouse", fill) / "home_credit.duckdb"


@pytest.fixture(scope="session")
def published_snapshot(built_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> Snapshot:
    """A snapshot of the built warehouse, as an analyst opens it; not to be changed."""

    def fill(folder: Path) -> None:
        warehouse = Path(shutil.copy(built_warehouse, folder / built_warehouse.name))
        approve(warehouse)
        publish(warehouse, folder / "published")
        warehouse.unlink()

    return resolve_snapshot(CURRENT, made_once(tmp_path_factory, "published", fill) / "published")


@pytest.fixture(scope="session")
def serving_store(built_warehouse: Path, tmp_path_factory: pytest.TempPathFactory) -> "Store":
    """A snapshot and a champion to be served; not to be changed."""
    from tests.support.serving_fixtures import Store, fill_store  # noqa: PLC0415 - seconds that other tests do not need

    return Store(made_once(tmp_path_factory, "serving", lambda folder: fill_store(folder, built_warehouse)))
