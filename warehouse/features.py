"""Features of one applicant, or of a few, from their raw rows, by the SQL that made the marts of a snapshot."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv
import pyarrow.parquet

from warehouse.core.cli import command
from warehouse.core.errors import RawDataError, SettingsError, first_line
from warehouse.core.files import replaced_file
from warehouse.core.options import add_database_argument, add_published_argument
from warehouse.core.settings import Settings
from warehouse.engines.one_client import OneClientEngine
from warehouse.engines.raw_rows import read_raw_rows
from warehouse.engines.rows import RawRows
from warehouse.snapshots.snapshot import CURRENT, resolve_snapshot

WRITERS = (".csv", ".json", ".parquet")


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Print the features, or write them to a file."""
    settings = Settings.from_environment()
    args = _parser(settings).parse_args(argv)
    if args.out and args.out.suffix.lower() not in WRITERS:
        raise SettingsError(
            expected=f"--out to end in {', '.join(WRITERS)}", found=args.out.name, remedy="choose one of these"
        )
    given = _read_json(args.application, "applicants") if args.application else None
    variants = _read_json(args.variants, "variants") if args.variants else None
    with OneClientEngine(resolve_snapshot(args.snapshot, args.published.resolve()), optimised=False) as engine:
        applicants = read_raw_rows(args.database, args.client, engine.raw_tables) if given is None else given
        features = engine.features(applicants) if variants is None else engine.variants(_only(applicants), variants)
    _give(features, args.out)


def _parser(settings: Settings) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m warehouse.features",
        description="Compute the features of applicants from their raw rows alone, by the SQL that made the marts of a "
        "published snapshot and its statistics of the reference population: the values are those that a build would "
        "give. Rows are checked by the contract of the raw files.",
    )
    source = parser.add_mutually_exclusive_group(required=True)
    source.add_argument(
        "--application",
        type=Path,
        metavar="FILE.json",
        help='{"application": {column: value, ...}, "bureau": [{...}, ...], ...} with the raw files\' column names and '
        "table names, or a list of up to 1,000 of these; what may be null may be left out",
    )
    source.add_argument(
        "--client",
        type=int,
        nargs="+",
        metavar="ID",
        help="clients (SK_ID_CURR) whose rows are taken from the raw tables of the warehouse",
    )
    parser.add_argument(
        "--variants",
        type=Path,
        metavar="FILE.json",
        help="a list of up to 200 objects, each with new values for columns of the one application: a row for each",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=f"write to a file ({', '.join(WRITERS)}) instead of printing JSON"
    )
    parser.add_argument("--snapshot", default=CURRENT, metavar="ID", help="id, folder or 'current' (default)")
    add_published_argument(parser, settings.published_dir)
    add_database_argument(parser, settings.duckdb_path)
    return parser


def _read_json(path: Path, what: str) -> list[Any]:
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RawDataError(
            expected=f"{what} as JSON in {path}", found=first_line(error), remedy="correct the file"
        ) from error
    return content if isinstance(content, list) else [content]


def _only(applicants: Sequence[RawRows]) -> RawRows:
    if len(applicants) != 1:
        raise SettingsError(
            expected="one applicant for --variants", found=f"{len(applicants):,}", remedy="name a single one"
        )
    return applicants[0]


def _give(features: pa.Table, out: Path | None) -> None:
    text = json.dumps(features.to_pylist(), indent=1)
    if out is None:
        print(text)
        return
    with replaced_file(out) as unfinished:
        if out.suffix.lower() == ".parquet":
            pyarrow.parquet.write_table(features, unfinished)
        elif out.suffix.lower() == ".csv":
            pyarrow.csv.write_csv(features, unfinished)
        else:
            unfinished.write_text(text + "\n", encoding="utf-8")
    print(f"{features.num_rows:,} rows of {features.num_columns:,} columns: {out}")


if __name__ == "__main__":
    sys.exit(main())
