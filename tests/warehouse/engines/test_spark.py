"""The models on a second engine: what Spark makes of the raw rows is what DuckDB makes of them.

It needs what nothing else here does, `pip install pyspark==4.0.1` and Java 17, and is skipped without.
"""

import re
from collections.abc import Iterator
from pathlib import Path

import duckdb
import jinja2
import numpy as np
import pandas as pd
import pytest

from tests.support.building import DBT_PROJECT, compiled_models

sql = pytest.importorskip("pyspark.sql", reason="pyspark is not installed: pip install pyspark==4.0.1, with Java 17")

ONLY_ON_DUCKDB = {"feature_catalog"}  # it describes the marts; no feature is made in it
TOLERANCE = 1e-6
TOLERANCE_OF_SPREAD = 1e-3  # of a standard deviation from sums of squares, when all amounts are the same
NAME = re.compile(r'"\w+"\."(\w+)"\."(\w+)"')


@pytest.fixture(scope="module")
def spark(tmp_path_factory: pytest.TempPathFactory) -> Iterator["sql.SparkSession"]:
    builder = sql.SparkSession.builder.master("local[2]").config("spark.ui.enabled", "false")
    # hundreds of columns are interpreted sooner than compiled
    builder = builder.config("spark.sql.shuffle.partitions", 2).config("spark.sql.codegen.wholeStage", "false")
    session = builder.config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("spark"))).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


def for_spark(compiled: str) -> str:
    """Dispatched macros as any engine but DuckDB gets them, and no databases or schemas."""
    macros = jinja2.Template((DBT_PROJECT / "macros" / "numbers.sql").read_text()).module
    for relation in {match[0] for match in NAME.finditer(compiled)}:
        what = relation, "sk_id_prev", "num_instalment_number"
        compiled = compiled.replace(
            macros.duckdb__keys_with_a_number_twice(*what).strip(),
            macros.default__keys_with_a_number_twice(*what).strip(),
        )
    assert "hugeint" not in compiled
    return NAME.sub(r"\1_\2", compiled).replace('"', "`")


def test_spark_gets_the_marts_of_duckdb(
    spark: "sql.SparkSession", built_warehouse: Path, generated_raw_dir: Path, tmp_path: Path
):
    with duckdb.connect(str(built_warehouse), read_only=True) as con:
        for (table,) in con.execute("select table_name from duckdb_tables() where schema_name = 'raw'").fetchall():
            con.execute(f"copy raw.{table} to '{tmp_path}/{table}.parquet'")
            spark.read.parquet(f"{tmp_path}/{table}.parquet").createOrReplaceTempView(f"raw_{table}")
        schemas = dict(con.execute("select table_name, table_schema from information_schema.tables").fetchall())
        compared = {}
        for model in compiled_models(generated_raw_dir, tmp_path):
            if model.name in ONLY_ON_DUCKDB:
                continue
            name, is_stored = model.name, model.config.materialized == "table"
            rows = spark.sql(for_spark(model.compiled_code))
            if is_stored:
                rows.write.parquet(f"{tmp_path}/{name}")
                rows = spark.read.parquet(f"{tmp_path}/{name}")
            rows.createOrReplaceTempView(f"{schemas[name]}_{name}")
            if is_stored and schemas[name] == "marts":
                expected = con.execute(f"from marts.{name} order by sk_id_curr").df()
                found = duckdb.sql(f"from '{tmp_path}/{name}/*.parquet' order by sk_id_curr").df()
                compared[name] = differing_columns(expected, found)
        assert spark.table("marts_client_features").count() == spark.table("marts_application_labels").count()
    assert len(compared) == 8
    assert not {name: columns for name, columns in compared.items() if columns}


def differing_columns(expected: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """Columns with another null, text or number in any row."""
    assert list(found.columns) == list(expected.columns)
    assert len(found) == len(expected)
    return [name for name in expected.columns if not is_same(expected[name], found[name])]


def is_same(expected: pd.Series, found: pd.Series) -> bool:
    if not pd.api.types.is_numeric_dtype(expected):
        return expected.fillna("null").tolist() == found.fillna("null").tolist()
    absolute = TOLERANCE_OF_SPREAD if "_std" in str(expected.name) else TOLERANCE
    pair = expected.to_numpy(float, na_value=np.nan), found.to_numpy(float, na_value=np.nan)
    return np.allclose(*pair, rtol=TOLERANCE, atol=absolute, equal_nan=True)
