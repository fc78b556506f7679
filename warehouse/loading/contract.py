"""The contract of the eight raw files, read from the dbt sources YAML: the only place where it stands."""

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import yaml

from warehouse.core.errors import ContractError
from warehouse.core.settings import PROJECT_ROOT

CONTRACT_FILE = PROJECT_ROOT / "dbt_project" / "models" / "staging" / "_home_credit__sources.yml"
SAFE_LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)  # libyaml reads ten times as fast
DATA_TYPES = frozenset({"bigint", "integer", "double", "varchar"})


@dataclass(frozen=True)
class Column:
    """One column of a raw file: its type, and the values it may hold (None = not restricted)."""

    name: str
    data_type: str
    description: str
    nullable: bool = True
    values: tuple[str | int, ...] | None = None
    minimum: float | None = None
    maximum: float | None = None


@dataclass(frozen=True)
class Table:
    """One raw file: its columns in the order of the release, its key and its parent."""

    name: str
    description: str
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...]
    parent_table: str | None
    parent_key: str | None
    released_rows: int

    @cached_property
    def column_names(self) -> tuple[str, ...]:
        """Names in the order of the release."""
        return tuple(column.name for column in self.columns)

    def __getitem__(self, name: str) -> Column:
        """Column by name; `KeyError` when the file has no such column."""
        for column in self.columns:
            if column.name == name:
                return column
        raise KeyError(name)


@dataclass(frozen=True)
class Contract:
    """All tables by name, parents before children."""

    tables: dict[str, Table]

    def __getitem__(self, name: str) -> Table:
        """Table by its name in the release."""
        return self.tables[name]


def load_contract(path: Path = CONTRACT_FILE) -> Contract:
    """Read the contract.

    Raises
    ------
    ContractError
        The file is missing, or a column has no usable type.
    """
    try:
        document = yaml.load(path.read_text(encoding="utf-8"), SAFE_LOADER)  # noqa: S506 - a safe one
        tables = [_table(entry) for entry in document["sources"][0]["tables"]]
    except (OSError, KeyError, TypeError, yaml.YAMLError) as error:
        raise ContractError(
            expected=f"the contract of the raw files in {path}",
            found=repr(error),
            remedy="restore it from version control",
        ) from error
    return Contract({table.name: table for table in tables})


def _table(entry: dict[str, Any]) -> Table:
    meta = entry["config"]["meta"]
    parent = meta.get("parent", {})
    return Table(
        name=entry["name"],
        description=entry["description"],
        columns=tuple(_column(entry["name"], column) for column in entry["columns"]),
        primary_key=tuple(meta.get("primary_key", ())),
        parent_table=parent.get("table"),
        parent_key=parent.get("key"),
        released_rows=meta["released_rows"],
    )


def _column(table: str, entry: dict[str, Any]) -> Column:
    if entry["data_type"] not in DATA_TYPES:
        raise ContractError(
            expected=f"one of {sorted(DATA_TYPES)} as data_type of {table}.{entry['name']}",
            found=repr(entry["data_type"]),
            remedy=f"fix {CONTRACT_FILE.name}",
        )
    meta = entry.get("config", {}).get("meta", {})
    values = meta.get("values")
    return Column(
        name=entry["name"],
        data_type=entry["data_type"],
        description=entry["description"],
        nullable=meta.get("nullable", True),
        values=None if values is None else tuple(values),
        minimum=meta.get("min"),
        maximum=meta.get("max"),
    )
