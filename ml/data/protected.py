"""Features that say a client's gender, age or family, told from the feature catalogue."""

import re
from collections.abc import Iterable

import duckdb

from warehouse.core.database import require_table

PROTECTED_WORDS = frozenset(
    {"gender", "sex", "age", "aged", "birth", "family", "fam", "marital", "married", "children", "adult", "adults"}
)
OTHER_AGES = re.compile(r"\b(own car age|car age|age of (the|client s) car)\b")
OBSCURED = re.compile(r"[^a-z0-9]+")


def is_protected(feature: str, description: str) -> bool:
    """Whether a feature is, or is made of, a client's gender, age or family.

    The rule: a word of the name (its parts between underscores) or of the description is one of `PROTECTED_WORDS`, and
    it is not the age of a car. Ratios, products and comparisons with clients of the same age name what they are made
    of, so they are found too. Proxies (a pension as income, the occupation) are not protected features: what they still
    tell is seen in the measures by group.

    Parameters
    ----------
    feature : str
        Name in the mart.
    description : str
        As in `marts.feature_catalog`.

    Examples
    --------
    >>> is_protected("application_employed_to_age_ratio", "Days in the present employment over age in days.")
    True
    >>> is_protected("own_car_age", "Age of client's car.")
    False
    >>> is_protected("application_car_age_to_age_ratio", "Age of the car over age of the client.")
    True
    """
    text = OBSCURED.sub(" ", f"{feature} . {description}".lower())
    return not PROTECTED_WORDS.isdisjoint(OTHER_AGES.sub(" ", text).split())


def protected_features(con: duckdb.DuckDBPyConnection, features: Iterable[str]) -> tuple[str, ...]:
    """Those features that are protected by the catalogue's descriptions, or by their names where it has none.

    Raises
    ------
    WarehouseMissingError
        There is no catalogue.
    """
    require_table(con, "marts", "feature_catalog")
    described = dict(con.execute("select feature, coalesce(description, '') from marts.feature_catalog").fetchall())
    return tuple(feature for feature in features if is_protected(feature, described.get(feature, "")))
