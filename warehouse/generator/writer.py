"""Writing the batches of a table into one file through DuckDB, in the contract's columns, order and types."""

from collections.abc import Iterable, Iterator
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from warehouse.loading.contract import Column, Table

FORMATS = {
    "csv": "format csv, header",
    "csv.gz": "format csv, header, compression gzip",
    "parquet": "format parquet, compression zstd, row_group_size 122880",
}
ARROW_TYPES = {"varchar": pa.dictionary(pa.int16(), pa.string()), "double": pa.float64()}


def write_table(
    con: duckdb.DuckDBPyConnection, table: Table, texts: list[str], batches: Iterable[dict[str, np.ndarray]],
    path: Path, file_format: str,
) -> int:  # fmt: skip
    """Write one file while its rows are being made.

    Returns
    -------
    int
        Number of rows.
    """
    schema = pa.schema([(column.name, _arrow_type(column)) for column in table.columns])
    counter = _Counter()
    reader = pa.RecordBatchReader.from_batches(schema, counter.counted(_batches(table, schema, texts, batches)))
    con.register("generated", reader)
    location = str(path).replace("'", "''")
    try:
        con.execute(f"copy (select * from generated) to '{location}' ({FORMATS[file_format]})")
    except duckdb.Error:
        if counter.error is not None:
            raise counter.error from None
        raise
    con.unregister("generated")
    return counter.rows


class _Counter:
    """Rows that went through, and what stopped their making: DuckDB would only pass on its text."""

    def __init__(self) -> None:
        self.rows = 0
        self.error: Exception | None = None

    def counted(self, batches: Iterable[pa.RecordBatch]) -> Iterator[pa.RecordBatch]:
        """Pass the batches on, counting their rows and keeping what goes wrong."""
        try:
            for batch in batches:
                self.rows += batch.num_rows
                yield batch
        except Exception as error:
            self.error = error
            raise


def _batches(
    table: Table, schema: pa.Schema, texts: list[str], batches: Iterable[dict[str, np.ndarray]]
) -> Iterator[pa.RecordBatch]:
    vocabulary = pa.array(texts, pa.string())
    for columns in batches:
        arrays = [_array(column, columns[column.name], vocabulary) for column in table.columns]
        yield pa.RecordBatch.from_arrays(arrays, schema=schema)


def _arrow_type(column: Column) -> pa.DataType:
    return ARROW_TYPES.get(column.data_type, pa.int64())


def _array(column: Column, values: np.ndarray, vocabulary: pa.Array) -> pa.Array:
    """Text from its codes (-1 = null), numbers with NaN as null."""
    if column.data_type == "varchar":
        codes = values.astype(np.int16)
        return pa.DictionaryArray.from_arrays(pa.array(codes, mask=codes < 0), vocabulary)
    if values.dtype.kind != "f":
        return pa.array(values.astype(np.float64 if column.data_type == "double" else np.int64))
    missing = np.isnan(values)
    if column.data_type == "double":
        return pa.array(values.astype(np.float64), mask=missing)
    return pa.array(np.where(missing, 0, values).astype(np.int64), mask=missing)
