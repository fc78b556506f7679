"""Features as `marts.feature_catalog` describes them."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import duckdb

from ml.data.training_set import SCHEMA
from ml.served.scorer import CreditScorer
from warehouse.core.database import connect, has_table, require_table
from warehouse.core.errors import TrainingDataError


@dataclass(frozen=True)
class Feature:
    """What `marts.feature_catalog` says about a feature; `auc` above 0.5: larger values are riskier."""

    name: str
    kind: str
    unit: str
    description: str
    auc: float | None = None


class CatalogRow(NamedTuple):
    """What `marts.feature_catalog` says about a feature."""

    mart: str
    description: str


def read_loan_amounts(database: Path) -> frozenset[str]:
    """Features that are money of a client's loans, by the catalogue of features; empty without a catalogue.

    Such a feature is null when the client has no such loan, which is no missing measurement.
    """
    with connect(database) as con:
        if not has_table(con, SCHEMA, CATALOG):
            return frozenset()
        query = f"select feature from {SCHEMA}.{CATALOG} where unit = 'currency' and mart <> 'feat_application'"
        return frozenset(name for (name,) in con.execute(query).fetchall())


CATALOG = "feature_catalog"


def read_catalog(con: duckdb.DuckDBPyConnection, features: Sequence[str]) -> dict[str, Feature]:
    """What the catalogue says about the features of a model.

    Raises
    ------
    WarehouseMissingError
        There is no catalogue.
    TrainingDataError
        A feature is not in it.
    """
    require_table(con, SCHEMA, CATALOG)
    rows = con.execute(f"select feature, kind, unit, description, auc from {SCHEMA}.{CATALOG}").fetchall()
    catalog = {name: Feature(name, kind, unit, description, auc) for name, kind, unit, description, auc in rows}
    _require_all(features, catalog, f"{SCHEMA}.{CATALOG}")
    return {name: catalog[name] for name in features}


def read_warehouse_catalog(database: Path, scorer: CreditScorer) -> dict[str, Feature]:
    """`read_catalog` of a warehouse file, for the features of a model."""
    with connect(database) as con:
        return read_catalog(con, scorer.features)


def _require_all(wanted: Collection[str], present: Collection[str], where: str) -> None:
    missing = sorted(set(wanted) - set(present))
    if missing:
        raise TrainingDataError(
            expected=f"the {len(wanted)} features of the model in {where}",
            found=f"no {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""),
            remedy="build the marts of the same version, or explain another version with --version",
        )


def read_catalog_rows(database: Path) -> dict[str, CatalogRow] | None:
    """Mart and description of each feature, from `marts.feature_catalog`; None without warehouse or catalogue."""
    if not database.is_file():
        return None
    with connect(database) as con:
        if not has_table(con, SCHEMA, CATALOG):
            return None
        rows = con.execute(f"select feature, mart, coalesce(description, '') from {SCHEMA}.{CATALOG}").fetchall()
    return {name: CatalogRow(*row) for name, *row in rows}
