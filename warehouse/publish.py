"""Publish the marts: an immutable copy beside the warehouse that readers open while dbt builds the next one.

The copy is made in a folder of its own, checked, written to disk, renamed, and only then pointed at. Whatever stops it
on the way, `current` still leads to the last good snapshot; what is left over is swept by the next publish.
"""

import argparse
import sys
from collections.abc import Sequence

from warehouse.core.cli import command
from warehouse.core.options import add_database_argument, add_published_argument
from warehouse.core.settings import Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Publish, and list what is in the snapshot."""
    settings = Settings.from_environment()
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.publish",
        description="Copy the marts that passed the quality gate into an immutable snapshot and point `current` at it. "
        "Marts that have not passed, or have changed since, are refused. Publishing the same marts again keeps the "
        "snapshot that is there.",
    )
    add_database_argument(parser, settings.duckdb_path)
    add_published_argument(parser, settings.published_dir)
    args = parser.parse_args(argv)

    from warehouse.snapshots.publication import publish

    snapshot, is_new = publish(args.database, args.published.resolve())
    size = snapshot.manifest["file"]["bytes"] / 1e6
    for mart in snapshot.manifest["marts"]:
        print(f"{mart['name']:34s} {mart['rows']:>10,} rows {mart['columns']:>6,} columns  {mart['kind']}")
    outcome = "published" if is_new else "already published"
    print(f"{outcome}: {snapshot.folder} ({size:,.1f} MB); current points at it")


if __name__ == "__main__":
    sys.exit(main())
