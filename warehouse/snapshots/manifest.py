"""The manifest of a snapshot, and the same facts as rows for `marts.build_info`."""

import hashlib
import importlib.metadata
import subprocess
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Any

from warehouse.core.files import file_sha256
from warehouse.core.fingerprint import Mart
from warehouse.core.settings import PROJECT_ROOT
from warehouse.snapshots.approval import Approved

PROGRAMS = ("duckdb", "dbt-core", "dbt-duckdb")
# what decides the content of a snapshot beside the marts
CODE = ("analyst/*.py", "snapshots/copy.py", "snapshots/scores.py")


def manifest(
    facts: dict[str, str], approved: Approved, marts: Sequence[Mart], added: Sequence[Mart], database: Path
) -> dict[str, Any]:
    """What a snapshot holds and where it came from; `facts` are of `build_facts`, `added` marts of publication."""
    return {
        "snapshot_id": facts["snapshot_id"],
        "created_at": facts["published_at"],
        "marts_fingerprint": approved.fingerprint,
        "marts": _listed(marts),
        "made_at_publication": _listed(added),
        "additions": additions_digest(approved),
        "file": {"name": database.name, "bytes": database.stat().st_size, "sha256": file_sha256(database)},
        "quality_run": {**asdict(approved.run), "run_at": approved.run.run_at.isoformat()},
        "build": asdict(approved.build),
        "raw_files": approved.raw_files,
        "feature_sql": approved.feature_sql,
        "git_revision": facts["git_revision"] or None,
        "versions": {name: facts[name] for name in PROGRAMS},
    }


def build_facts(snapshot_id: str, created_at: datetime, approved: Approved) -> dict[str, str]:
    """Rows of `marts.build_info`: publication, build, quality gate, programs, raw files."""
    build, run = approved.build, approved.run
    raw_files = {
        f"raw file {file['table_name']}": f"{file['row_count']:,} rows, fingerprint {file['fingerprint']}"
        for file in approved.raw_files
    }
    return {
        "snapshot_id": snapshot_id,
        "published_at": created_at.isoformat(),
        "marts_fingerprint": approved.fingerprint,
        "build_number": str(build.build_number),
        "dbt_invocation": build.invocation_id,
        "models_and_tests": str(build.nodes),
        "quality_gate_passed_at": run.run_at.isoformat(),
        "quality_gate_expectations": str(run.expectations),
        "quality_gate_warnings": str(run.warnings),
        "git_revision": _git_revision() or "",
        **{name: importlib.metadata.version(name) for name in PROGRAMS},
        **raw_files,
    }


def additions_digest(approved: Approved) -> str:
    """SHA-256 of what adds to the marts, code and analyses: when it changes, the same marts are published again."""
    package = Path(__file__).resolve().parents[1]
    parts = [file_sha256(path) for pattern in CODE for path in sorted(package.glob(pattern))]
    parts.append(approved.analyses or "")
    return hashlib.sha256("".join(parts).encode()).hexdigest()


def _git_revision() -> str | None:
    """Revision of the working copy, with `-dirty` when it has changes; None outside version control."""
    command = ["git", "-C", str(PROJECT_ROOT), "describe", "--always", "--abbrev=40", "--dirty", "--exclude=*"]
    try:
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    except (OSError, subprocess.CalledProcessError):
        return None


def _listed(marts: Sequence[Mart]) -> list[dict[str, Any]]:
    return [{**asdict(mart), "columns": len(mart.columns)} for mart in marts]
