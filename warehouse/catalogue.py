"""Write the catalogue of features of a published snapshot as one searchable HTML page."""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from warehouse.core.cli import command
from warehouse.core.options import add_published_argument
from warehouse.core.settings import PROJECT_ROOT, Settings

DEFAULT_OUT = PROJECT_ROOT / "monitoring" / "reports" / "docs" / "catalogue.html"


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Read the snapshot, write the page, and say where."""
    settings = Settings.from_environment()
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.catalogue",
        description="Write one self-contained HTML page with every feature of a published snapshot: what it means, how "
        "often clients default by its values, and the raw columns that it is computed from.",
    )
    parser.add_argument("--snapshot", metavar="ID", default="current", help="id or folder (default: current)")
    add_published_argument(parser, settings.published_dir)
    parser.add_argument("--out", type=Path, metavar="FILE", default=DEFAULT_OUT, help="page to write (%(default)s)")
    args = parser.parse_args(argv)

    from warehouse.core.database import connect
    from warehouse.core.files import write_text
    from warehouse.documentation.catalogue import render_catalogue
    from warehouse.snapshots.snapshot import resolve_snapshot

    snapshot = resolve_snapshot(args.snapshot, args.published)
    with connect(snapshot.database) as con:
        page = render_catalogue(con)
    write_text(args.out, page, remedy="choose another file with --out")
    print(f"wrote {args.out} from snapshot {snapshot.snapshot_id}")


if __name__ == "__main__":
    sys.exit(main())
