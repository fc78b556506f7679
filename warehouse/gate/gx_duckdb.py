"""Great Expectations on DuckDB: what upstream still lacks, kept in one place.

Great Expectations has no DuckDB source. Over duckdb-engine it gives the connection back before it fetches the result,
and DuckDB's result dies with it ("list index out of range"; great_expectations issues 10738 and 11579). For dialects
that need it, it keeps one connection open: here DuckDB becomes one of them while the gate runs.
`tests/warehouse/gate/test_quality.py` fails on the day this is no longer needed.
"""

import atexit
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from great_expectations.datasource.fluent import SQLDatasource


class _Dialect(str, Enum):  # noqa: UP042 - must equal a plain string, as Great Expectations' own dialects do
    DUCKDB = "duckdb"


@contextmanager
def duckdb_keeps_its_connection() -> Iterator[None]:
    """Let Great Expectations fetch DuckDB's results before it gives the connection back."""
    from great_expectations.execution_engine import sqlalchemy_execution_engine as engine

    unpatched = engine._PERSISTED_CONNECTION_DIALECTS
    engine._PERSISTED_CONNECTION_DIALECTS = (*unpatched, _Dialect.DUCKDB)
    try:
        yield
    finally:
        engine._PERSISTED_CONNECTION_DIALECTS = unpatched


@contextmanager
def duckdb_source(path: Path) -> Iterator["SQLDatasource"]:
    """Open a warehouse read-only as a data source of an ephemeral context: no files, no progress bars, no analytics.

    Parameters
    ----------
    path : Path
        An existing DuckDB file.
    """
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations as gx
    from great_expectations.data_context.types.base import ProgressBarsConfig

    atexit.register(_forget_duckdb_engine)
    context = gx.get_context(mode="ephemeral")
    context.variables.progress_bars = ProgressBarsConfig(globally=False)
    with duckdb_keeps_its_connection():
        source = context.data_sources.add_sql(
            "warehouse", connection_string=f"duckdb:///{path}", kwargs={"connect_args": {"read_only": True}}
        )
        try:
            yield source
        finally:
            source.get_execution_engine().close()
            source.get_engine().dispose()


def _forget_duckdb_engine() -> None:
    """Spare the user DuckDB's list of "leaked instances" when Python ends.

    Great Expectations keeps duckdb-engine, and by it DuckDB's types, alive until after DuckDB counts what is left.
    """
    for name in [name for name in sys.modules if name.partition(".")[0] == "duckdb_engine"]:
        vars(sys.modules[name]).clear()
