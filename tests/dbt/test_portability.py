"""The models keep to SQL that a second engine reads: compiled, they parse as Spark SQL and call functions it has.

What differs between engines stands in dispatched macros; a model that uses them is compiled for DuckDB, and left out.
`test_spark.py` runs the models, and compares their values.
"""

import re
from pathlib import Path

import pytest
from sqlfluff.core import FluffConfig, Linter

from tests.support.building import compiled_models

DISPATCHED = {
    "feature_catalog",  # string_agg in an order
    "int_feature_measures",  # extremes_by_feature and values_by_feature
    "int_installments_by_number",  # keys_with_a_number_twice
}
FUNCTIONS = """
    abs avg cast coalesce count decimal exp
    floor greatest lag lead least ln lpad max max_by median min min_by nullif pow power
    round row_number sign sqrt stddev_pop stddev_samp sum var_samp
"""
KEYWORDS = "and as else filter in not or over select then using when"
IN_BOTH = frozenset(f"{FUNCTIONS} {KEYWORDS}".split())
CALL = re.compile(r"\b([a-z_]+)\s*\(")
BY_ORDER = re.compile(r"\bm(?:ax|in)_by\((\w+), (?!case when \1 is not null then )")
COMMENT = re.compile(r"--[^\n]*")
TEXT = re.compile(r"'[^']*'")


@pytest.fixture(scope="module")
def compiled(generated_raw_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """SQL of every model, with the quotes that Spark puts around names."""
    models = compiled_models(generated_raw_dir, tmp_path_factory.mktemp("portability"))
    return {model.name: model.compiled_code.replace('"', "`") for model in models if model.name not in DISPATCHED}


def spark_faults(sql: str) -> list[str]:
    """What a parser of Spark SQL does not understand."""
    options = {"dialect": "sparksql", "templater": "raw", "large_file_skip_byte_limit": 0}
    return [str(fault) for fault in Linter(config=FluffConfig(overrides=options)).parse_string(sql).violations]


def test_every_model_parses_as_spark_sql(compiled: dict[str, str]):
    faults = {name: spark_faults(sql) for name, sql in compiled.items()}
    assert not {name: found for name, found in faults.items() if found}


def test_what_only_duckdb_reads_is_found():
    assert CALL.findall(TEXT.sub("''", "select list_filter(x, 'f(y)')")) == ["list_filter"]
    assert spark_faults("select * exclude (a) from t\n")


def test_every_function_is_one_that_spark_has_too(compiled: dict[str, str]):
    calls = {name: set(CALL.findall(TEXT.sub("''", COMMENT.sub("", sql)))) - IN_BOTH for name, sql in compiled.items()}
    assert not {name: found for name, found in calls.items() if found}


def test_the_last_value_is_the_last_known_one(compiled: dict[str, str]):
    assert BY_ORDER.search("max_by(x, case when y is not null then n end)")
    assert not {name for name, sql in compiled.items() if BY_ORDER.search(sql)}
    assert any("max_by(" in sql for sql in compiled.values())
