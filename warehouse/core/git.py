"""State of the working copy."""

import shutil
import subprocess
from dataclasses import dataclass

from warehouse.core.settings import PROJECT_ROOT

UNKNOWN = "unknown"


@dataclass(frozen=True)
class GitState:
    """Commit of the working copy, and whether it holds changes that are not committed."""

    revision: str
    dirty: str


def git_state() -> GitState:
    """Git revision of this repository; "unknown" outside a working copy or without git."""
    revision = _git("rev-parse", "HEAD")
    changes = _git("status", "--porcelain")
    if revision is None or changes is None:
        return GitState(UNKNOWN, UNKNOWN)
    return GitState(revision, "true" if changes else "false")


def _git(*arguments: str) -> str | None:
    """Output of a git command in this repository; None when git cannot answer."""
    if shutil.which("git") is None:
        return None
    answer = subprocess.run(["git", "-C", str(PROJECT_ROOT), *arguments], capture_output=True, text=True, check=False)
    return answer.stdout.strip() if answer.returncode == 0 else None
