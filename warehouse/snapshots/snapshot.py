"""Published snapshots of the marts: where they are, and which one is current.

    <published>/20261120T101530Z-1a2b3c4d/credit_marts.duckdb    never changes
    <published>/20261120T101530Z-1a2b3c4d/manifest.json          what it holds, and where it came from
    <published>/current -> 20261120T101530Z-1a2b3c4d             switched in one step

Readers resolve a snapshot once and keep it: a later publish does not move it under them.
"""

import json
import re
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from warehouse.core.errors import SnapshotError

CURRENT = "current"
# Not "marts": opened under that name, DuckDB takes `marts.client_features` for ambiguous (catalog or schema?).
DATABASE_FILE = "credit_marts.duckdb"
MANIFEST_FILE = "manifest.json"
SNAPSHOT_ID = re.compile(r"\d{8}T\d{6}Z-[0-9a-f]{8}")
PUBLISH = "run: python -m warehouse.publish"


@dataclass(frozen=True)
class Snapshot:
    """One published snapshot.

    Attributes
    ----------
    folder : Path
        Absolute; its name is the snapshot's id.
    """

    folder: Path

    @property
    def snapshot_id(self) -> str:
        """Time of publication (UTC) and the first digits of the marts' fingerprint; sorts by time."""
        return self.folder.name

    @property
    def database(self) -> Path:
        """The DuckDB file: open it read-only and query `marts.client_features`."""
        return self.folder / DATABASE_FILE

    @cached_property
    def manifest(self) -> dict[str, Any]:
        """What the snapshot holds, and where it came from.

        Raises
        ------
        SnapshotError
            The manifest is missing or damaged.
        """
        path = self.folder / MANIFEST_FILE
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise SnapshotError(expected=f"a readable {path}", found=str(error), remedy=PUBLISH) from error
        missing = {"snapshot_id", "marts_fingerprint", "marts", "file", "versions"} - set(content)
        if missing:
            raise SnapshotError(
                expected=f"a whole {path}", found=f"no {', '.join(sorted(missing))} in it", remedy=PUBLISH
            )
        return content


def list_snapshots(published_dir: Path) -> list[Snapshot]:
    """All published snapshots, oldest first; none when nothing has been published."""
    if not published_dir.is_dir():
        return []
    folders = sorted(path for path in published_dir.iterdir() if SNAPSHOT_ID.fullmatch(path.name) and path.is_dir())
    return [Snapshot(folder.resolve()) for folder in folders]


def current_snapshot(published_dir: Path) -> Snapshot | None:
    """Snapshot that `current` points at, or None when nothing has been published.

    Raises
    ------
    SnapshotError
        The pointer leads nowhere.
    """
    pointer = published_dir / CURRENT
    if not pointer.is_symlink() and not pointer.exists():
        return None
    if not pointer.is_dir():
        raise SnapshotError(
            expected=f"{pointer} to point at a snapshot",
            found=f"it points at {pointer.readlink() if pointer.is_symlink() else 'nothing'}, which is no snapshot",
            remedy=PUBLISH,
        )
    return Snapshot(pointer.resolve())


def resolve_snapshot(reference: str, published_dir: Path) -> Snapshot:
    """Find a snapshot by `current`, by its id or by the path of its folder.

    Raises
    ------
    SnapshotError
        There is no such snapshot.
    """
    if reference == CURRENT:
        current = current_snapshot(published_dir)
        if current is None:
            raise SnapshotError(expected=f"a published snapshot in {published_dir}", found="none", remedy=PUBLISH)
        return current
    for folder in (published_dir / reference, Path(reference)):
        if (folder / DATABASE_FILE).is_file() or (folder / MANIFEST_FILE).is_file():
            return Snapshot(folder.resolve())
    known = [snapshot.snapshot_id for snapshot in list_snapshots(published_dir)]
    raise SnapshotError(
        expected=f"a snapshot {reference!r} (an id, a folder or 'current') in {published_dir}",
        found=f"only {', '.join(known[-5:])}" if known else "no snapshot at all",
        remedy="choose one of these" if known else PUBLISH,
    )
