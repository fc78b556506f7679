"""Explain a model as a whole, and one client's decision."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from ml.data.clients import find_client
from ml.data.population import ACCEPTED, ALL, GRID, GROUPS, PopulationStats
from ml.data.source import Source, require_trained_on
from ml.explanation.client import Explanation, explain_client
from ml.explanation.client_figures import feature_steps, position_figure, theme_steps, waterfall_figure
from ml.explanation.overall import explain_model, write
from ml.explanation.population import LOGGED_UNDER, population_of, read_population
from ml.registry.registry import MODEL_NAME, RegisteredModel, Registry
from ml.served.scorer import REFUSE, CreditScorer
from warehouse.core.files import replace_folder

ANOTHER_FOLDER = "choose another with --out, or make room there"
SEED = 42
CURVE_POINTS = 101


def explain_globally(
    registry: Registry, model: RegisteredModel, scorer: CreditScorer, source: Source, out: Path, sample: int
) -> Path:
    """Explain a model on a sample of the applicants to be scored; write it to a folder and log it to the model's run.

    Parameters
    ----------
    registry : Registry
        Holds the version.
    model : RegisteredModel
        The version.
    scorer : CreditScorer
        The same version, loaded.
    source : Source
        The marts that it was trained on.
    out : Path
        Folder of the reports; the folder `model` in it is replaced as a whole.
    sample : int
        Number of applicants whose contributions are shown.

    Raises
    ------
    TrainingDataError
        The version was trained on other marts: its run would hold the explanation of other clients.
    CreditWarehouseError
        The marts lack what the model needs, or a store cannot be written.
    """
    require_trained_on(source, registry.manifest(model)["data"], model.version)
    stats, frame = read_population(source, scorer)
    rows = np.sort(np.random.default_rng(SEED).permutation(len(frame))[:sample])
    subtitle = f"{MODEL_NAME} version {model.version} on {len(rows):,} of {len(frame):,} applicants to be scored"
    explanation = explain_model(scorer, frame.iloc[rows], stats, subtitle)
    explanation.documents["summary"] |= {"model": MODEL_NAME, "version": model.version, "seed": SEED}
    explanation.documents["summary"] |= source.origin.to_dict()

    def fill(folder: Path) -> None:
        """Write what explains the model, and log the same files."""
        write(explanation, stats, folder)
        registry.attach(model, folder, LOGGED_UNDER)

    return replace_folder(out / "model", fill, remedy=ANOTHER_FOLDER)


def explain_locally(
    registry: Registry, model: RegisteredModel, scorer: CreditScorer, source: Source, out: Path, client: int
) -> tuple[Explanation, Path]:
    """Explain the decision about one client; write figures and JSON to a folder of the client's own.

    One row of the marts is read; whom the client is compared with was logged when the model was explained.

    Parameters
    ----------
    registry, model, scorer, out
        As in `explain_globally`.
    source : Source
        Marts with the client.
    client : int
        `sk_id_curr`.

    Raises
    ------
    CreditWarehouseError
        No mart holds the client, or the marts lack what the model needs.
    """
    stats = population_of(registry, model, scorer, source)
    table, row = find_client(source, stats.catalog, client)
    explanation = explain_client(scorer, row, stats)
    document = {"client": client, "found_in": table, "snapshot": source.snapshot_id}
    document |= {"model": MODEL_NAME, "version": model.version} | explanation.to_dict()
    document |= {"population": stats.clients, "distributions": _distributions(explanation, stats)}
    figures = {
        "waterfall": waterfall_figure(explanation, feature_steps(explanation), f"Client {client}: features"),
        "waterfall_themes": waterfall_figure(explanation, theme_steps(explanation), f"Client {client}: themes"),
        "position": position_figure(explanation, stats),
    }

    def fill(folder: Path) -> None:
        """Write the figures and the document."""
        for name, figure in figures.items():
            figure.savefig(folder / f"{name}.png")
        text = json.dumps(document, indent=1, allow_nan=False)
        (folder / "explanation.json").write_text(text, encoding="utf-8")

    return explanation, replace_folder(out / f"client_{client}", fill, remedy=ANOTHER_FOLDER)


def _distributions(explanation: Explanation, stats: PopulationStats) -> dict[str, Any]:
    """Quantiles behind the figure of positions: of the score and of the strongest numbers, by group."""
    at = np.linspace(0, GRID - 1, CURVE_POINTS).astype(int)

    def quantiles(values: dict[str, np.ndarray]) -> dict[str, list[float] | None]:
        """A few quantiles of each group; None for a group without anybody."""
        return {group: None if np.isnan(values[group][0]) else values[group][at].tolist() for group in GROUPS}

    documents = {"default_probability": quantiles(stats.scores)}
    for entry in explanation.features:
        row = stats.row_of(entry["feature"])
        if row is not None:
            documents[entry["feature"]] = quantiles({group: stats.quantiles[group][row] for group in GROUPS})
    return documents


def client_summary(client: int, explanation: Explanation, folder: Path) -> str:
    """Decision, probability, position and reasons for a terminal."""
    decided = "refused" if explanation.decision == REFUSE else "granted"
    lines = [
        ("client", f"{client}: {decided}"),
        ("probability", f"{explanation.probability:.2%} of default; refused from {explanation.threshold:.2%} on"),
        ("position", _position_words(explanation)),
        *(
            ("reasons" if at == 0 else "", f"{at + 1}. {reason.text} [{reason.code}, {reason.contribution:+.2f}]")
            for at, reason in enumerate(explanation.reasons)
        ),
    ]
    if not explanation.reasons:
        lines.append(("reasons", "none: no theme that may be a reason contributes enough"))
    if explanation.explained_share < 1:
        left_out = ", ".join(explanation.left_out)
        lines.append(("explains", f"{explanation.explained_share:.0%} of the model by weight, without {left_out}"))
    lines.append(("written to", str(folder)))
    return "\n".join(f"  {name:<16}{text}" for name, text in lines)


def _position_words(explanation: Explanation) -> str:
    names = {ALL: "applicants to be scored", ACCEPTED: "those accepted"}
    parts = [
        f"{place.below:.0%} of {names[group]}" for group, place in explanation.score_place.items() if place is not None
    ]
    return f"riskier than {' and '.join(parts)}"
