"""Write the model card of a version."""

from pathlib import Path

from ml.card.facts import EXPLAIN_FOLDER, gather
from ml.card.fairness import FIGURE as FAIRNESS_FIGURE
from ml.card.fairness import fairness_section
from ml.card.pdf import to_pdf
from ml.card.render import to_html, to_markdown
from ml.data.catalog import Feature
from ml.registry.registry import MODEL_NAME, RegisteredModel, Registry
from ml.reporting.folders import replace_folder
from ml.training.figures import CALIBRATION_FIGURE, COST_CURVE_FIGURE

LOGGED_UNDER = "model_card"


NAME = "model_card"


THEMES_FIGURE = f"{EXPLAIN_FOLDER}/themes.png"


def write_card(registry: Registry, model: RegisteredModel, catalog: dict[str, Feature] | None, out: Path) -> Path:
    """Write the card of a version as Markdown, HTML and PDF into a folder, and log it to the version's run.

    Parameters
    ----------
    registry : Registry
        Holds the run.
    model : RegisteredModel
        The version.
    catalog : dict of str to Feature, optional
        See `find_catalog`.
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
