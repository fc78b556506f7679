"""dbt-duckdb plugin: brings the `raw` schema up to date with the raw files before the first model of a build runs.

It sits where dbt opens the warehouse, so that plain `dbt build` has every check of the raw files. Commands that build
nothing (`dbt docs`, `dbt test`) leave the raw schema alone.
"""

from typing import Any

import duckdb
from dbt.adapters.duckdb.credentials import DuckDBCredentials
from dbt.adapters.duckdb.plugins import BasePlugin
from dbt.adapters.events.logging import AdapterLogger
from dbt.flags import get_flags
from dbt_common.exceptions import DbtRuntimeError

from warehouse.contract import load_contract
from warehouse.database import connect
from warehouse.errors import CreditWarehouseError, WarehouseLockedError
from warehouse.load import load_raw_files
from warehouse.settings import Settings

BUILDING_COMMANDS = frozenset({"build", "run"})
logger = AdapterLogger("raw_files")


class Plugin(BasePlugin):
    """Loads the raw files with the contract's types; see `warehouse.load`."""

    def update_connection_config(self, creds: DuckDBCredentials, config: dict[str, Any]) -> None:
        """Say in one line that another process holds the warehouse, before dbt meets the lock."""
        settings = Settings.from_environment()
        settings.duckdb_path.parent.mkdir(parents=True, exist_ok=True)
        try:
            connect(settings.duckdb_path, read_only=False).close()
        except WarehouseLockedError as error:
            raise DbtRuntimeError(str(error)) from error

    def configure_connection(self, conn: duckdb.DuckDBPyConnection) -> None:
        """Load what changed.

        Raises
        ------
        DbtRuntimeError
            One line of what is wrong with the raw files; the build stops before its first model.
        """
        flags = get_flags()
        if flags.WHICH not in BUILDING_COMMANDS:
            return
        share = float((getattr(flags, "VARS", None) or {}).get("max_rejected_share", 0.0))
        try:
            load_raw_files(
                conn,
                Settings.from_environment().raw_dir,
                load_contract(),
                max_rejected_share=share,
                report=logger.info,
            )
        except CreditWarehouseError as error:
            raise DbtRuntimeError(str(error)) from error
