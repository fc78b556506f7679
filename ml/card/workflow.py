"""Write the model card of a version."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ml.card.facts import EXPLAIN_FOLDER, gather
from ml.card.fairness import FIGURE as FAIRNESS_FIGURE
from ml.card.fairness import fairness_section
from ml.card.pdf import to_pdf
from ml.card.render import to_html, to_markdown
from ml.data.catalog import CatalogRow
from ml.registry.registry import CHAMPION, MODEL_NAME, RegisteredModel, Registry
from ml.training.figures import CALIBRATION_FIGURE, COST_CURVE_FIGURE
from warehouse.core.files import replace_folder
from warehouse.core.page import Head, Level, Verdict

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
        The folder cannot be written, or a figure of the run is not a picture.
    """
    facts = gather(registry, model, catalog) | {"fairness": fairness_section(registry, model)}
    head = _head(facts)

    def fill(folder: Path) -> None:
        """Write the card in its three forms, and log the same files."""
        figures = _figures(registry, model, folder)
        pictures = {name: (folder / name).read_bytes() for name in figures.values() if name}
        text = to_markdown(facts | {"figures": figures})
        (folder / f"{NAME}.md").write_text(text, encoding="utf-8")
        (folder / f"{NAME}.html").write_text(to_html(text, head, pictures), encoding="utf-8")
        (folder / f"{NAME}.pdf").write_bytes(to_pdf(text, head.title, pictures))
        registry.attach(model, folder, LOGGED_UNDER)

    return replace_folder(out, fill, remedy="choose another folder with --out")


def _head(facts: Mapping[str, Any]) -> Head:
    model, guards = facts["model"], facts["guards"]
    level: Level = "bad" if not guards["passed"] else "good" if model["standing"] == CHAMPION else "plain"
    return Head(
        title=f"Model card: {MODEL_NAME}, version {model['version']}",
        provenance=f"Trained {model['trained']} on {facts['data']['rows']} applicants; MLflow run {model['run']}; data "
        f"{facts['data']['fingerprint'][:12]}, git revision {facts['reproduction']['revision'][:12]}",
        verdict=Verdict(f"{model['standing'].capitalize()}; guards {guards['guard']}", level),
    )


def _figures(registry: Registry, model: RegisteredModel, folder: Path) -> dict[str, str | None]:
    """File names of the run's figures, copied into a folder; None for those that were not made."""
    found = {
        "calibration": registry.artifact(model, CALIBRATION_FIGURE, str(folder)),
        "cost_curve": registry.artifact(model, COST_CURVE_FIGURE, str(folder)),
        "themes": registry.fetch(model, THEMES_FIGURE, folder),
        "fairness": registry.fetch(model, FAIRNESS_FIGURE, folder),
    }
    return {name: None if path is None else path.relative_to(folder).as_posix() for name, path in found.items()}
