"""dbt-duckdb plugin: brings the `raw` schema up to date with the raw files before the first model of a build runs.

It sits where dbt opens the warehouse, so that plain `dbt build` has every check of the raw files. Commands that build
nothing (`dbt docs`, `dbt test`) leave the raw schema alone.
"""

import atexit
import gc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from warehouse.core.database import connect
from warehouse.core.errors import CreditWarehouseError, first_line
from warehouse.core.settings import Settings
from warehouse.loading.contract import load_contract
from warehouse.loading.load import load_raw_files

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
        flags = get_flags()
        if flags.WHICH not in BUILDING_COMMANDS:
            return
        _leave_out_of_garbage_collection()
        share = float((getattr(flags, "VARS", None) or {}).get("max_rejected_share", 0.0))
        raw_dir = Settings.from_environment().raw_dir
        self._in_one_line(
            lambda: load_raw_files(conn, raw_dir, load_contract(), max_rejected_share=share, report=logger.info)
        )

    def _in_one_line(self, step: Callable[[], object]) -> None:
        if self._verdict:
            raise self._verdict
        try:
            step()
        except (CreditWarehouseError, duckdb.Error, OSError) as error:
            self._verdict = DbtRuntimeError(first_line(error))
            raise self._verdict from error


def _leave_out_of_garbage_collection() -> None:
    """The parsed project lives as long as the process: searching it for garbage again takes a second or two."""
    gc.freeze()
    atexit.register(gc.unfreeze)  # DuckDB complains of what is left over when Python ends


def _try_to_open(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    connect(path, read_only=False).close()
