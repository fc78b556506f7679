"""Write the model card of a version: what it is for, how it was made and judged, what it is worth, and its limits.

python -m ml.model_card [--version N|newest] [--database FILE] [--out FOLDER]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.data.catalog import CatalogRow, read_catalog_rows
from ml.figures import CALIBRATION_FIGURE, COST_CURVE_FIGURE
from ml.model_card_facts import EXPLAIN_FOLDER, gather
from ml.model_card_fairness import FIGURE as FAIRNESS_FIGURE
from ml.model_card_fairness import fairness_section
from ml.model_card_pdf import to_pdf
from ml.model_card_render import to_html, to_markdown
from ml.registry.registry import MODEL_NAME, RegisteredModel, Registry
from ml.registry.versions import add_version_argument
from ml.reporting.folders import replace_folder
from warehouse.core.cli import run_command
from warehouse.core.settings import PROJECT_ROOT, Settings

REPORTS = PROJECT_ROOT / "ml" / "reports" / "model_card"
LOGGED_UNDER = "model_card"
NAME = "model_card"
THEMES_FIGURE = f"{EXPLAIN_FOLDER}/themes.png"


def write_card(registry: Registry, model: RegisteredModel, catalog: dict[str, CatalogRow] | None, out: Path) -> Path:
    """Write the card of a version as Markdown, HTML and PDF into a folder, and log it to the version's run.

    Parameters
    ----------
    registry : Registry
        Holds the run.
    model : RegisteredModel
        The version.
    catalog : dict of str to CatalogRow, optional
        See `read_catalog_rows`.
    out : Path
        Replaced as a whole when the card is complete.

    Raises
    ------
    ModelError
        The run has lost something that every run has.
    SettingsError
        The folder cannot be written.
    """
    facts = gather(registry, model, catalog) | {"fairness": fairness_section(registry, model)}
    title = f"Model card: {MODEL_NAME}, version {model.version}"

    def fill(folder: Path) -> None:
        """Write the card in its three forms, and log the same files."""
        text = to_markdown(facts | {"figures": _figures(registry, model, folder)})
        (folder / f"{NAME}.md").write_text(text, encoding="utf-8")
        (folder / f"{NAME}.html").write_text(to_html(text, title, folder), encoding="utf-8")
        (folder / f"{NAME}.pdf").write_bytes(to_pdf(text, title, folder))
        registry.attach(model, folder, LOGGED_UNDER)

    return replace_folder(out, fill)


def _figures(registry: Registry, model: RegisteredModel, folder: Path) -> dict[str, str | None]:
    """File names of the run's figures, copied into a folder; None for those that were not made."""
    found = {
        "calibration": registry.artifact(model, CALIBRATION_FIGURE, str(folder)),
        "cost_curve": registry.artifact(model, COST_CURVE_FIGURE, str(folder)),
        "themes": registry.fetch(model, THEMES_FIGURE, folder),
        "fairness": registry.fetch(model, FAIRNESS_FIGURE, folder),
    }
    return {name: None if path is None else path.relative_to(folder).as_posix() for name, path in found.items()}


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
        catalog = read_catalog_rows((options.database or settings.duckdb_path).expanduser().resolve())
        folder = write_card(registry, model, catalog, (options.out or REPORTS).expanduser().resolve())
        print(f"model card of version {model.version}: {folder / NAME}.md, .html, .pdf; logged to run {model.run_id}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
