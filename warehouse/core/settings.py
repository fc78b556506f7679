"""Where things are: one frozen object, read from the environment once and handed in."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]


@dataclass(frozen=True)
class Settings:
    """Absolute paths and addresses that every command works with.

    Attributes
    ----------
    raw_dir : Path
        Folder of the eight raw files (`CREDIT_RAW_DIR`).
    duckdb_path : Path
        The warehouse file that dbt builds (`CREDIT_DUCKDB`).
    published_dir : Path
        Folder of the immutable snapshots (`CREDIT_PUBLISHED_DIR`).
    tracking_uri : str
        MLflow's tracking store and registry (`MLFLOW_TRACKING_URI`).
    """

    raw_dir: Path
    duckdb_path: Path
    published_dir: Path
    tracking_uri: str

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "Settings":
        """Read the settings; a variable that is unset or empty takes its default inside the repository."""
        values = os.environ if environ is None else environ

        def path(variable: str, default: str) -> Path:
            """The path that a variable names, or its default."""
            value = values.get(variable)
            return Path(value).expanduser().resolve() if value else PROJECT_ROOT / default

        return cls(
            raw_dir=path("CREDIT_RAW_DIR", "warehouse/raw"),
            duckdb_path=path("CREDIT_DUCKDB", "warehouse/home_credit.duckdb"),
            published_dir=path("CREDIT_PUBLISHED_DIR", "warehouse/published"),
            tracking_uri=values.get("MLFLOW_TRACKING_URI") or f"sqlite:///{PROJECT_ROOT / 'mlflow.db'}",
        )

    @property
    def model_dir(self) -> Path:
        """Folder of the exported model that the Dockerfile serves."""
        return PROJECT_ROOT / "ml" / "model"
