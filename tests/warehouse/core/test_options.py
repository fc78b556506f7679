"""The option that names the warehouse file, under its present and its former name."""

import argparse
from pathlib import Path

import pytest

from warehouse.core.options import add_database_argument

DEFAULT = Path("home_credit.duckdb")


@pytest.mark.parametrize(
    ("arguments", "expected", "said"),
    [
        ([], DEFAULT, ""),
        (["--database", "other.duckdb"], Path("other.duckdb"), ""),
        (["--warehouse", "other.duckdb"], Path("other.duckdb"), "note: --warehouse is now called --database\n"),
    ],
)
def test_the_former_name_works_and_says_what_it_is_called_now(arguments, expected, said, capsys):
    parser = argparse.ArgumentParser()
    add_database_argument(parser, DEFAULT)
    assert parser.parse_args(arguments).database == expected
    assert capsys.readouterr().err == said
    assert "--warehouse" not in parser.format_help()
