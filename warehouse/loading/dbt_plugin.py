"""dbt-duckdb plugin: brings the `raw` schema up to date with the raw files before the first model of a build runs.

It sits where dbt opens the warehouse, so that plain `dbt build` has every check of the raw files. Commands that build
nothing (`dbt docs`, `dbt test`) leave the raw schema alone.
"""

import atexit
import gc
import hashlib
import importlib.metadata
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import duckdb
import yaml
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from warehouse.core.database import connect
from warehouse.core.errors import CreditWarehouseError, SettingsError, first_line
from warehouse.core.settings import PROJECT_ROOT, Settings
from warehouse.loading.contract import load_contract
from warehouse.loading.load import load_raw_files

BUILDER, SHARE = "builder", "max_rejected_share"
STATE_MACROS = PROJECT_ROOT / "dbt_project" / "macros" / "unchanged"
BUILDING_COMMANDS = frozenset({"build", "run", "seed"})
logger = AdapterLogger("raw_files")


class Plugin(BasePlugin):
    """Loads the raw files with the contract's types; see `warehouse.loading.load`."""

    def initialize(self, plugin_config: dict[str, Any]) -> None:
        """Start without a verdict; dbt tries a failed connection again, but one look at the files is enough."""
        self._verdict: DbtRuntimeError | None = None

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Say in one line that the warehouse cannot be opened, before dbt finds out at length."""
        path = Settings.from_environment().duckdb_path
        self._in_one_line(lambda: _try_to_open(path))

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Load the files that changed.

        Raises
        ------
        DbtRuntimeError
            One line of what is wrong with the raw files; the build stops before its first model.
        """
        if get_flags().WHICH not in BUILDING_COMMANDS:
            return
        _leave_out_of_garbage_collection()
        self._in_one_line(lambda: _prepare(conn))

    def _in_one_line(self, step: Callable[[], object]) -> None:
        if self._verdict:
            raise self._verdict
        try:
            step()
        except (CreditWarehouseError, duckdb.Error, OSError) as error:
            self._verdict = DbtRuntimeError(first_line(error))
            raise self._verdict from error


def _prepare(conn: duckdb.DuckDBPyConnection) -> None:
    """Load the files that changed, and note what builds: node_state (macros/unchanged) reads it."""
    flags = get_flags()
    raw_dir = Settings.from_environment().raw_dir
    share = rejected_share(Path(flags.PROJECT_DIR), getattr(flags, "VARS", None) or {})
    load_raw_files(conn, raw_dir, load_contract(), max_rejected_share=share, report=logger.info)
    state = builder_state()
    if conn.execute("select 1 from meta.build_state where (unique_id, state) = (?, ?)", [BUILDER, state]).fetchone():
        return
    conn.execute("delete from meta.build_state where unique_id = ?", [BUILDER])
    conn.execute(
        "insert into meta.build_state (unique_id, state, built_at) values (?, ?, current_timestamp)", [BUILDER, state]
    )


def rejected_share(project_dir: Path, given: Mapping[str, Any]) -> float:
    """Tolerated share of faulty rows: the variable of the command line, or else of dbt_project.yml.

    Raises
    ------
    SettingsError
        It is no number from 0 to 1.
    """
    project = yaml.safe_load((project_dir / "dbt_project.yml").read_text(encoding="utf-8"))
    variables = {**project.get("vars", {}), **project.get("vars", {}).get(project["name"], {}), **given}
    value = variables.get(SHARE, 0.0)
    try:
        share = float(value)
    except (TypeError, ValueError):
        share = -1.0
    if not 0 <= share <= 1:
        raise SettingsError(
            expected=f"a share from 0 to 1 as dbt variable {SHARE}", found=repr(value), remedy="correct it"
        )
    return share


def builder_state() -> str:
    """Digest of what builds beside the models: versions, and the macros that decide what is unchanged."""
    versions = [f"{name} {importlib.metadata.version(name)}" for name in ("dbt-core", "dbt-duckdb", "duckdb")]
    macros = [path.read_text(encoding="utf-8") for path in sorted(STATE_MACROS.glob("*.sql"))]
    return hashlib.blake2b("\n".join(versions + macros).encode(), digest_size=16).hexdigest()


def _leave_out_of_garbage_collection() -> None:
    """The parsed project lives as long as the process: searching it for garbage again takes a second or two."""
    gc.freeze()
    atexit.register(gc.unfreeze)  # DuckDB complains of what is left over when Python ends


def _try_to_open(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connect(path, read_only=False).close()
