"""Check a published snapshot against its manifest: the file's digest, and every mart's rows and fingerprint."""

import argparse
import sys
from collections.abc import Sequence

from warehouse.core.cli import command
from warehouse.core.errors import SnapshotError
from warehouse.core.options import add_published_argument
from warehouse.core.settings import Settings
from warehouse.snapshots.snapshot import CURRENT, resolve_snapshot


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Look for faults of a snapshot, and fail when there is one."""
    settings = Settings.from_environment()
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.verify",
        description="Recompute the digest, the row counts and the fingerprints of a published snapshot and compare "
        "them with its manifest. Exit code 0 only when all agree.",
    )
    parser.add_argument("snapshot", nargs="?", default=CURRENT, help="id or folder of a snapshot (default: current)")
    add_published_argument(parser, settings.published_dir)
    args = parser.parse_args(argv)

    from warehouse.snapshots.verification import find_faults

    snapshot = resolve_snapshot(args.snapshot, args.published)
    faults = find_faults(snapshot, print)
    if faults:
        raise SnapshotError(
            expected=f"snapshot {snapshot.snapshot_id} as its manifest says",
            found="; ".join(faults),
            remedy="do not read it: publish again, or point current at an older one",
        )
    print(f"verified: {snapshot.snapshot_id}, {len(snapshot.manifest['marts'])} marts")


if __name__ == "__main__":
    sys.exit(main())
