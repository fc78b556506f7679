"""Write the model card of a version: what it is for, how it was made and judged, what it is worth, and its limits.

python -m ml.model_card [--version N|newest] [--database FILE] [--out FOLDER]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.card.workflow import NAME, write_card
from ml.data.catalog import find_catalog
from ml.registry.registry import Registry
from ml.registry.versions import add_version_argument
from warehouse.core.cli import run_command
from warehouse.core.settings import PROJECT_ROOT, Settings

REPORTS = PROJECT_ROOT / "ml" / "reports" / "model_card"


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.model_card",
        description="Write the model card of the champion (or another version) as Markdown, as one HTML file and as a "
        "PDF of two or three pages, from what its MLflow run holds, and log it to that run under model_card/. Main "
        "variables and fairness are shown when ml.explain and ml.fairness have been run for the version.",
        epilog="Environment: MLFLOW_TRACKING_URI names the registry, CREDIT_DUCKDB the warehouse file, which is only "
        "asked what its catalogue says about the features.",
    )
    add_version_argument(parser, "describe")
    parser.add_argument("--database", type=Path, metavar="FILE", help="warehouse file (default: CREDIT_DUCKDB)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write (default: ml/reports/model_card)")
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Write the card."""
    options = _parser().parse_args(argv)
    settings = Settings.from_environment()

    def command() -> None:
        """Write the card of the chosen version, and say where."""
        registry = Registry(settings)
        model = registry.choose(options.version)
        catalog = find_catalog((options.database or settings.duckdb_path).expanduser().resolve())
        folder = write_card(registry, model, catalog, (options.out or REPORTS).expanduser().resolve())
        print(f"model card of version {model.version}: {folder / NAME}.md, .html, .pdf; logged to run {model.run_id}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
