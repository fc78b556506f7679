"""Settings of the server, read from its environment into one frozen object."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from warehouse.core.errors import SettingsError
from warehouse.core.settings import Settings

POLL_SECONDS = 2.0


@dataclass(frozen=True)
class ServingSettings:
    """Where the server finds what it serves, and what it writes.

    Attributes
    ----------
    project : Settings
        Snapshots and registry.
    decisions : str
        SQLAlchemy's address of the record (`CREDIT_DECISIONS`).
    prepared : Path
        Folder of what is computed once per snapshot or model (`CREDIT_PREPARED`).
    keys_file : Path or None
        Hashed keys (`CREDIT_API_KEYS_FILE`); None: nobody but this machine is answered.
    model_folder : Path or None
        An exported model instead of the registered champion (`CREDIT_SERVED_MODEL`).
    workers : int
        Processes that share the work, and the allowance of a key (`CREDIT_API_WORKERS`; `ml.serve` sets it).
    poll_seconds : float
        How often champion and snapshot are looked up (`CREDIT_SERVING_POLL`).
    """

    project: Settings
    decisions: str
    prepared: Path
    keys_file: Path | None = None
    model_folder: Path | None = None
    workers: int = 1
    poll_seconds: float = POLL_SECONDS

    @classmethod
    def from_environment(cls, environ: Mapping[str, str] | None = None) -> "ServingSettings":
        """Read the settings; a variable that is unset or empty takes its default.

        Raises
        ------
        SettingsError
            A number is none.
        """
        values = os.environ if environ is None else environ
        project = Settings.from_environment(environ)
        beside = project.published_dir.parent / "serving"
        return cls(
            project=project,
            decisions=values.get("CREDIT_DECISIONS") or f"sqlite:///{beside / 'decisions.db'}",
            prepared=_path(values.get("CREDIT_PREPARED")) or beside / "prepared",
            keys_file=_path(values.get("CREDIT_API_KEYS_FILE")),
            model_folder=_path(values.get("CREDIT_SERVED_MODEL")),
            workers=int(_number(values, "CREDIT_API_WORKERS", 1)),
            poll_seconds=_number(values, "CREDIT_SERVING_POLL", POLL_SECONDS),
        )

    def to_environment(self) -> dict[str, str]:
        """The variables by which another process reads the same settings, but for those of the API itself."""
        return {
            "CREDIT_PUBLISHED_DIR": str(self.project.published_dir),
            "CREDIT_DUCKDB": str(self.project.duckdb_path),
            "MLFLOW_TRACKING_URI": self.project.tracking_uri,
            "CREDIT_SERVED_MODEL": str(self.model_folder or ""),
            "CREDIT_PREPARED": str(self.prepared),
        }


def _path(value: str | None) -> Path | None:
    return Path(value).expanduser().resolve() if value else None


def _number(values: Mapping[str, str], variable: str, default: float) -> float:
    text = values.get(variable)
    try:
        number = float(text) if text else default
    except ValueError:
        number = 0.0
    if not number > 0:
        raise SettingsError(
            expected=f"{variable} to be a number above 0", found=repr(text), remedy="correct or unset it"
        )
    return number
