"""Answer the questions that analysts of this business ask most often, from the current snapshot.

python -m warehouse.analyse                                     what can be asked
python -m warehouse.analyse NAME                                the answer, every column whole
python -m warehouse.analyse NAME --csv|--parquet|--xlsx FILE    the answer as a file
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from warehouse.core.cli import command
from warehouse.core.options import add_published_argument
from warehouse.core.settings import Settings

KINDS = {"csv": "CSV with a header", "parquet": "Parquet", "xlsx": "an Excel workbook that explains its columns"}


@command
def main(argv: Sequence[str] | None = None) -> None:
    """List the analyses of a snapshot, or run one."""
    settings = Settings.from_environment()
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.analyse",
        description="Run an analysis on a published snapshot, or list them. Each is a view of the snapshot, "
        "analyses.NAME, which SQL can select from as well.",
    )
    parser.add_argument("name", nargs="?", metavar="NAME", help="the analysis (default: list them)")
    for kind, words in KINDS.items():
        parser.add_argument(f"--{kind}", type=Path, metavar="FILE", help=f"write the answer as {words}")
    parser.add_argument("--snapshot", metavar="ID", default="current", help="id or folder (default: current)")
    add_published_argument(parser, settings.published_dir)
    args = parser.parse_args(argv)

    from warehouse.core.database import connect
    from warehouse.snapshots.analyses import WRITERS, find_analysis, list_analyses, require_name, show
    from warehouse.snapshots.snapshot import resolve_snapshot

    files = {kind: path for kind in KINDS if (path := getattr(args, kind)) is not None}
    require_name(args.name, files)
    snapshot = resolve_snapshot(args.snapshot, args.published)
    with connect(snapshot.database) as con:
        if args.name is None:
            for analysis in list_analyses(con):
                print(f"{analysis.name}\n    {analysis.description}")
            return
        analysis = find_analysis(con, snapshot, args.name)
        for kind, path in files.items():
            WRITERS[kind](con, analysis, path)
            print(f"wrote {path}")
        if not files:
            print(f"{analysis.description}\nsnapshot {snapshot.snapshot_id}\n\n{show(con, analysis)}")


if __name__ == "__main__":
    sys.exit(main())
