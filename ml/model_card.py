"""Write the model card of a version: what it is for, how it was made and judged, what it is worth, and its limits.

python -m ml.model_card [--version N|newest] [--snapshot ID | --database FILE] [--out FOLDER]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.data.options import SNAPSHOT_OF_THE_VERSION, add_source_arguments
from ml.registry.versions import add_version_argument
from warehouse.core.cli import command
from warehouse.core.errors import SnapshotError
from warehouse.core.settings import PROJECT_ROOT, Settings

REPORTS = PROJECT_ROOT / "ml" / "reports" / "model_card"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.model_card",
        description="Write the model card of the champion (or another version) as Markdown, as one HTML file and as a "
        "PDF of two or three pages, from what its MLflow run holds, and log it to that run under model_card/. Main "
        "variables and fairness are shown when ml.explain and ml.fairness have been run for the version.",
        epilog="Environment: MLFLOW_TRACKING_URI names the registry, CREDIT_PUBLISHED_DIR the folder of the snapshots; "
        "only the descriptions of the features are read from the marts.",
    )
    add_version_argument(parser, "describe")
    add_source_arguments(parser, SNAPSHOT_OF_THE_VERSION)
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write (default: ml/reports/model_card)")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Write the card of the chosen version, and print where."""
    options = _parser().parse_args(argv)

    from ml.card.workflow import NAME, write_card
    from ml.data.catalog import read_catalog_rows
    from ml.data.source import version_source
    from ml.registry.registry import Registry

    settings = Settings.from_environment()
    registry = Registry(settings)
    model = registry.resolve(options.version)
    named = {"snapshot": options.snapshot, "database": options.database}
    catalog = None
    try:
        source = version_source(registry.manifest(model)["data"], settings, **named)
        catalog = read_catalog_rows(source.database)
    except SnapshotError as error:
        if any(named.values()):
            raise
        print(f"without descriptions of the features: {error}")
    folder = write_card(registry, model, catalog, (options.out or REPORTS).expanduser().resolve())
    print(f"model card of version {model.version}: {folder / NAME}.md, .html, .pdf; logged to run {model.run_id}")


if __name__ == "__main__":
    sys.exit(main())
