"""Features as `marts.feature_catalog` describes them: the one text that card, reasons, fairness and reports share."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb

from ml.data.training_set import SCHEMA
from ml.served.scorer import CreditScorer
from warehouse.core.database import connect, has_table, require_table
from warehouse.core.errors import TrainingDataError

CATALOG = "feature_catalog"


@dataclass(frozen=True)
class Feature:
    """What `marts.feature_catalog` says about a feature.

    Attributes
    ----------
    kind : str
        number, flag or category.
    theme, theme_title : str
        What it is about, for programs and for people.
    label, label_if_no : str
        Short name for people; of a flag, what it says when it is 1 and when it is 0.
    is_protected : bool
        It is, or is made of, a client's gender, age or family.
    may_be_reason : bool
        An adviser can say it to a client in one sentence; never when it is protected.
    counted_in : str or None
        Feature that counts the cases it is computed over.
    history : str or None
        Flags, apart by spaces, that are 0 when its source knows nothing of the client; the widest first.
    auc : float or None
        Of the feature alone; above 0.5: larger values are riskier.
    """

    name: str
    kind: str
    unit: str
    description: str
    mart: str
    theme: str
    theme_title: str
    label: str
    label_if_no: str | None = None
    is_protected: bool = False
    may_be_reason: bool = True
    counted_in: str | None = None
    history: str | None = None
    auc: float | None = None

    @property
    def histories(self) -> tuple[str, ...]:
        """The flags of `history`."""
        return tuple((self.history or "").split())


COLUMNS = ("feature", *(name for name in Feature.__dataclass_fields__ if name != "name"))


def read_catalog(con: duckdb.DuckDBPyConnection, features: Sequence[str] | None = None) -> dict[str, Feature]:
    """What the catalogue says about some features, or about all.

    Raises
    ------
    WarehouseMissingError
        There is no catalogue.
    TrainingDataError
        A feature is not in it, or it is the catalogue of an older build, without themes and labels.
    """
    require_table(con, SCHEMA, CATALOG)
    where = f"{SCHEMA}.{CATALOG}"
    present = {name for name, *_ in con.execute(f"describe {where}").fetchall()}
    if missing := [name for name in COLUMNS if name not in present]:
        raise TrainingDataError(
            expected=f"the columns {', '.join(missing)} in {where}",
            found="a catalogue of an older build, without them",
            remedy="build and publish again: make run",
        )
    catalog = {
        name: Feature(name, *row) for name, *row in con.execute(f"select {', '.join(COLUMNS)} from {where}").fetchall()
    }
    wanted = list(catalog) if features is None else features
    _require_all(wanted, catalog, where)
    return {name: catalog[name] for name in wanted}


def read_warehouse_catalog(database: Path, scorer: CreditScorer) -> dict[str, Feature]:
    """`read_catalog` of a warehouse file, for the features of a model."""
    with connect(database) as con:
        return read_catalog(con, scorer.features)


def find_catalog(database: Path) -> dict[str, Feature] | None:
    """`read_catalog` of a whole warehouse file; None without warehouse or catalogue."""
    if not database.is_file():
        return None
    with connect(database) as con:
        return read_catalog(con) if has_table(con, SCHEMA, CATALOG) else None


def read_loan_amounts(database: Path) -> frozenset[str]:
    """Features that are money of a client's loans, by the catalogue of features; empty without a catalogue.

    Such a feature is null when the client has no such loan, which is no missing measurement.
    """
    with connect(database) as con:
        if not has_table(con, SCHEMA, CATALOG):
            return frozenset()
        query = f"select feature from {SCHEMA}.{CATALOG} where unit = 'currency' and mart <> 'feat_application'"
        return frozenset(name for (name,) in con.execute(query).fetchall())


def protected_features(catalog: Mapping[str, Feature]) -> tuple[str, ...]:
    """Those features of a catalogue that are, or are made of, a client's gender, age or family.

    Proxies (a pension as income, the occupation) are not protected features: what they still tell is seen in the
    measures by group.
    """
    return tuple(name for name, feature in catalog.items() if feature.is_protected)


def _require_all(wanted: Collection[str], present: Collection[str], where: str) -> None:
    missing = sorted(set(wanted) - set(present))
    if missing:
        raise TrainingDataError(
            expected=f"the {len(wanted)} features of the model in {where}",
            found=f"no {missing[0]}" + (f" and {len(missing) - 1} more" if len(missing) > 1 else ""),
            remedy="build the marts of the same version, or explain another version with --version",
        )
