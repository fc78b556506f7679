"""Features as the catalogue of a built warehouse lists them, read from the contract and the seeds instead."""

import csv
from collections.abc import Iterable
from dataclasses import asdict
from functools import cache
from typing import Any

import pandas as pd
import yaml

from ml.data.catalog import Feature
from tests.support.building import DBT_PROJECT

MARTS = DBT_PROJECT / "models" / "marts"
USUAL = {"label_if_no": None, "is_protected": False, "may_be_reason": True, "counted_in": None}


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
    marked = {column["name"]: (mart, column) for mart in history for column in _columns(mart)}
    features = {}
    for name in [column["name"] for column in _columns("client_features") if column["name"] in marked]:
        mart, column = marked[name]
        meta = USUAL | column.get("config", {}).get("meta", {})
        if "label" in meta:
            text = column["data_type"] == "varchar"
            features[name] = Feature(
                name=name,
                kind="category" if text else "flag" if meta["unit"] == "flag" else "number",
                description=column["description"],
                mart=mart,
                theme_title=titles[meta["theme"]],
                history=history[mart],
                **{mark: meta[mark] for mark in ("unit", "theme", "label", *USUAL)},
            )
    return features


def _columns(mart: str) -> list[dict[str, Any]]:
    text = (MARTS / f"_{mart}__models.yml").read_text(encoding="utf-8")
    return yaml.load(text, Loader=yaml.CSafeLoader)["models"][0]["columns"]


def _seed(name: str) -> list[dict[str, str]]:
    with (DBT_PROJECT / "seeds" / f"{name}.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))
