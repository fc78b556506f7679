"""Serve decisions: the API, and what belongs to it.

python -m ml.serve [--host H] [--port P] [--workers N]
python -m ml.serve decisions --export | --forget-before DATE
python -m ml.serve keys --add NAME --scope decide | --remove NAME | --list
python -m ml.serve prepare
"""

import argparse
import sys
from collections.abc import Sequence

from warehouse.core.cli import command

EPILOG = (
    "Environment: CREDIT_PUBLISHED_DIR (snapshots), MLFLOW_TRACKING_URI (the champion) or CREDIT_SERVED_MODEL (a "
    "folder that ml.export wrote), CREDIT_DECISIONS (SQLAlchemy address of the record), CREDIT_API_KEYS_FILE."
)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.serve",
        description="Serve decisions about clients and new applicants from the current published snapshot and the "
        "champion, with reasons. Each decision is recorded before it is answered. Without a file of keys only this "
        "machine is answered.",
        epilog=EPILOG,
    )
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: 127.0.0.1)")
    parser.add_argument("--port", type=int, default=8000, help="port (default: 8000)")
    parser.add_argument("--workers", type=int, default=1, metavar="N", help="processes (default: 1)")
    others = parser.add_subparsers(dest="command", metavar="", title="other commands")

    records = others.add_parser("decisions", help="export recorded decisions, or forget old ones", epilog=EPILOG)
    what = records.add_mutually_exclusive_group(required=True)
    what.add_argument("--export", action="store_true", help="print decisions with their trails, one JSON per line")
    what.add_argument("--forget-before", metavar="DATE", help="delete decisions and simulations of before this day")
    records.add_argument("--since", metavar="DATE", help="with --export: only from this day on (YYYY-MM-DD, UTC)")

    keys = others.add_parser("keys", help="add, remove or list keys of the API")
    what = keys.add_mutually_exclusive_group(required=True)
    what.add_argument("--add", metavar="NAME", help="make a key and print it, once: only its hash is kept")
    what.add_argument("--remove", metavar="NAME", help="take a key out")
    what.add_argument("--list", action="store_true", help="names, scopes and allowances")
    keys.add_argument("--scope", nargs="+", choices=("decide", "simulate", "read", "admin"), default=["read"])
    keys.add_argument("--per-minute", type=int, default=600, metavar="N", help="requests a minute (default: 600)")

    prepare = others.add_parser("prepare", help="compute what is computed once per snapshot and model", epilog=EPILOG)
    prepare.add_argument("--background", action="store_true", help="let everything else go first")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Serve, or run one of the other commands."""
    options = _parser().parse_args(argv)

    from ml.serving import commands

    if options.command == "decisions":
        commands.decisions(export=options.export, forget_before=options.forget_before, since=options.since)
    elif options.command == "keys":
        commands.keys(add=options.add, remove=options.remove, scopes=options.scope, per_minute=options.per_minute)
    elif options.command == "prepare":
        commands.prepare(background=options.background)
    else:
        commands.serve(options.host, options.port, options.workers)


if __name__ == "__main__":
    sys.exit(main())
