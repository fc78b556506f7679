"""A tiny synthetic warehouse and an empty MLflow store for the tests of `ml`."""

import shutil
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import duckdb
import numpy as np
import pandas as pd
import pytest

from ml.data.training_set import read_training_data
from ml.modelling.recipe import TrainingConfig
from ml.registry.registry import EXPERIMENT, Registry
from ml.training.workflow import Outcome, train
from tests.support.tiny_warehouse import record_gate_run
from warehouse.core.settings import Settings

APPLICANTS = 600


def synthetic_applicants(applicants: int = APPLICANTS, seed: int = 0) -> pd.DataFrame:
    """Numbers, whole numbers, truth values, texts and nulls; the label depends on some of them."""
    random = np.random.default_rng(seed)
    score = random.normal(size=applicants)
    education = random.choice(["higher", "secondary", "lower"], size=applicants)
    logit = -3.2 - 2.0 * score + np.where(education == "lower", 1.0, 0.0)
    return pd.DataFrame(
        {
            "sk_id_curr": 100_000 + np.arange(applicants),
            "target": (random.random(applicants) < 1 / (1 + np.exp(-logit))).astype("int32"),
            "external_score": np.where(random.random(applicants) < 0.1, np.nan, score),
            "education": np.where(random.random(applicants) < 0.05, None, education),
            "cnt_children": pd.array(random.integers(0, 4, applicants), dtype="Int64"),
            "owns_car": random.random(applicants) < 0.4,
            "region": random.choice(["north", "south, or near it", "île"], size=applicants),
            "amt_income": random.lognormal(11, 0.5, applicants),
        }
    )


def write_warehouse(path: Path, applicants: pd.DataFrame, select: str = "*") -> Path:
    """A warehouse whose training set is `select` of these applicants; the quality gate has approved it."""
    with duckdb.connect(str(path)) as con:
        con.register("applicants", applicants)
        con.execute("create schema marts")
        con.execute(f"create table marts.training_set as select {select} from applicants")
        record_gate_run(con)
    return path


@dataclass(frozen=True)
class Trained:
    """A store that holds one champion, its export, and the warehouse it was trained on."""

    settings: Settings
    warehouse: Path
    model_dir: Path
    outcome: Outcome


def settings_in(folder: Path) -> Settings:
    """Settings with every path in a folder."""
    return Settings(
        raw_dir=folder / "raw",
        duckdb_path=folder / "warehouse.duckdb",
        published_dir=folder / "published",
        tracking_uri=f"sqlite:///{folder / 'mlflow.db'}",
    )


def name_store(patch: pytest.MonkeyPatch, settings: Settings) -> None:
    """Name warehouse, snapshots and store in the environment, as a person does."""
    patch.setenv("CREDIT_DUCKDB", str(settings.duckdb_path))
    patch.setenv("CREDIT_PUBLISHED_DIR", str(settings.published_dir))
    patch.setenv("MLFLOW_TRACKING_URI", settings.tracking_uri)


def prepare_store(factory: pytest.TempPathFactory, folder: Path) -> Settings:
    """An empty MLflow store in a folder."""
    shutil.copy(_empty_store(factory.getbasetemp()), folder / "mlflow.db")
    return settings_in(folder)


def trained_once(factory: pytest.TempPathFactory) -> Trained:
    """Train one champion; tests that only read share it."""
    return _trained(factory.getbasetemp())


@cache
def _empty_store(base: Path) -> Path:
    """An MLflow store without runs: its tables take seconds to create and nothing to copy."""
    folder = base / "ml_empty_store"
    folder.mkdir()
    Registry(settings_in(folder))
    store = folder / "mlflow.db"
    with closing(sqlite3.connect(store)) as con, con:
        con.execute("delete from experiments where name = ?", [EXPERIMENT])
    return store


@cache
def _trained(base: Path) -> Trained:
    folder = base / "ml_trained"
    folder.mkdir()
    shutil.copy(_empty_store(base), folder / "mlflow.db")
    settings = settings_in(folder)
    warehouse = write_warehouse(settings.duckdb_path, synthetic_applicants())
    model_dir = folder / "model"
    config = TrainingConfig(rounds=40)
    outcome = train(read_training_data(warehouse), config, Registry(settings), model_dir)
    return Trained(settings, warehouse, model_dir, outcome)
