"""Features as the catalogue of a built warehouse lists them, read from the contract and the seeds instead."""

import csv
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache

import pandas as pd
import yaml

from ml.data.catalog import Feature
from tests.support.building import DBT_PROJECT

CONTRACT = DBT_PROJECT / "models" / "marts" / "_feature_marts__models.yml"
MARK = ("unit", "mart", "theme", "label", "label_if_no", "is_protected", "may_be_reason", "counted_in")


def catalogued(name: str) -> Feature:
    """A feature of the marts."""
    return all_features()[name]


def made_up(name: str, unit: str = "count", kind: str = "number", **words: object) -> Feature:
    """A feature that no mart has."""
    given = {"description": "", "mart": "feat_bureau", "theme": "debt", "theme_title": "Debt", "label": name} | words
    return Feature(name=name, kind=kind, unit=unit, **given)


def catalog_frame(features: Iterable[Feature]) -> pd.DataFrame:
    """`marts.feature_catalog` with some features."""
    return pd.DataFrame([asdict(feature) for feature in features]).rename(columns={"name": "feature"})


@cache
def all_features() -> dict[str, Feature]:
    """Every feature of the marts by its name."""
    titles = {row["theme"]: row["title"] for row in _seed("feature_themes")}
    history = {row["mart"]: row["history"] or None for row in _seed("feature_histories")}
    models = yaml.load(CONTRACT.read_text(encoding="utf-8"), Loader=yaml.CSafeLoader)["models"]
    [columns] = [model["columns"] for model in models if model["name"] == "client_features"]
    features = {}
    for column in columns:
        meta = column.get("config", {}).get("meta", {})
        if "mart" in meta:
            text = column["data_type"] == "varchar"
            features[column["name"]] = Feature(
                name=column["name"],
                kind="category" if text else "flag" if meta["unit"] == "flag" else "number",
                description=column["description"],
                theme_title=titles[meta["theme"]],
                history=history[meta["mart"]],
                **{mark: meta.get(mark) for mark in MARK},
            )
    return features


def _seed(name: str) -> list[dict[str, str]]:
    with (DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
