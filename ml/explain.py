"""Explain the credit-scoring model: as a whole, or its decision about one client.

python -m ml.explain [--client ID] [--database FILE] [--out FOLDER] [--version N|newest] [--sample N]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ml.data import KEY
from ml.explain_client import Explanation, explain_client
from ml.explain_client_plots import feature_steps, position_figure, theme_steps, waterfall_figure
from ml.explain_data import find_client, read_population, read_warehouse_catalog
from ml.explain_global import explain_model, write
from ml.explain_population import ACCEPTED, ALL, GRID, GROUPS, PopulationStats
from ml.folders import replace_folder
from ml.loading import load_scorer
from ml.registry import MODEL_NAME, RegisteredModel, Registry
from ml.served.scorer import REFUSE, CreditScorer
from ml.versions import add_version_argument
from warehouse.core.cli import run_command
from warehouse.core.errors import SettingsError
from warehouse.core.settings import PROJECT_ROOT, Settings

REPORTS = PROJECT_ROOT / "ml" / "reports" / "explain"
LOGGED_UNDER = "explain"
DEFAULT_SAMPLE = 2_000
SEED = 42
CURVE_POINTS = 101


def explain_globally(
    registry: Registry, model: RegisteredModel, scorer: CreditScorer, database: Path, out: Path, sample: int
) -> Path:
    """Explain a model on a sample of the applicants to be scored; write it to a folder and log it to the model's run.

    Raises
    ------
    CreditWarehouseError
        The warehouse lacks what the model needs, or a store cannot be written.
    """
    stats, frame = read_population(database, scorer)
    rows = np.sort(np.random.default_rng(SEED).permutation(len(frame))[:sample])
    subtitle = f"{MODEL_NAME} version {model.version} on {len(rows):,} of {len(frame):,} applicants to be scored"
    explanation = explain_model(scorer, frame.iloc[rows], stats, subtitle)
    explanation.documents["summary"] |= {"model": MODEL_NAME, "version": model.version, "seed": SEED}

    def fill(folder: Path) -> None:
        """Write what explains the model, and log the same files."""
        write(explanation, stats, folder)
        registry.attach(model, folder, LOGGED_UNDER)

    return replace_folder(out / "model", fill)


def explain_locally(
    model: RegisteredModel, scorer: CreditScorer, database: Path, out: Path, client: int
) -> tuple[Explanation, Path]:
    """Explain the decision about one client; write figures and JSON to a folder of the client's own.

    Raises
    ------
    CreditWarehouseError
        No mart knows the client, or the warehouse lacks what the model needs.
    """
    catalog = read_warehouse_catalog(database, scorer)
    table, row = find_client(database, catalog, client)
    stats, _ = read_population(database, scorer)
    explanation = explain_client(scorer, row, stats)
    document = {"client": client, "found_in": table, "model": MODEL_NAME, "version": model.version}
    document |= explanation.to_dict()
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

    return explanation, replace_folder(out / f"client_{client}", fill)


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


def _client_summary(client: int, explanation: Explanation, stats_words: str, folder: Path) -> str:
    decided = "refused" if explanation.decision == REFUSE else "granted"
    lines = [
        ("client", f"{client}: {decided}"),
        ("probability", f"{explanation.probability:.2%} of default; refused from {explanation.threshold:.2%} on"),
        ("position", stats_words),
        *(
            ("reasons" if at == 0 else "", f"{at + 1}. {reason.text} [{reason.code}, {reason.contribution:+.2f}]")
            for at, reason in enumerate(explanation.reasons)
        ),
    ]
    if not explanation.reasons:
        lines.append(("reasons", "none: nothing that may be said adds enough"))
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


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.explain",
        description="Explain the champion (or another version) as a whole: which features and themes move the score, "
        "as figures and JSON, also logged to the model's MLflow run under explain/. With --client: why one client of "
        "marts.scoring_set or marts.training_set got the decision, with at most four reasons in plain words.",
        epilog="Environment: CREDIT_DUCKDB names the warehouse file, MLFLOW_TRACKING_URI the registry. "
        "Clients are compared with the applicants of marts.scoring_set.",
    )
    parser.add_argument("--client", type=int, metavar="ID", help=f"explain the decision about this {KEY}")
    parser.add_argument("--database", type=Path, metavar="FILE", help="warehouse file (default: CREDIT_DUCKDB)")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="folder to write to (default: ml/reports/explain)")
    add_version_argument(parser, "explain")
    parser.add_argument(
        "--sample",
        type=int,
        default=DEFAULT_SAMPLE,
        metavar="N",
        help="applicants whose contributions the figures of the model show (default %(default)s)",
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Explain the model, or one client."""
    options = _parser().parse_args(argv)
    settings = Settings.from_environment()

    def command() -> None:
        """Explain the model or the client, and say where."""
        if options.sample < 1:
            raise SettingsError(
                expected="1 applicant or more for --sample", found=str(options.sample), remedy="change it"
            )
        database = (options.database or settings.duckdb_path).expanduser().resolve()
        out = (options.out or REPORTS).expanduser().resolve()
        registry = Registry(settings)
        model, scorer = load_scorer(registry, options.version)
        if options.client is None:
            folder = explain_globally(registry, model, scorer, database, out, options.sample)
            print(f"explained {MODEL_NAME} version {model.version} in {folder}; logged to run {model.run_id}")
        else:
            explanation, folder = explain_locally(model, scorer, database, out, options.client)
            print(_client_summary(options.client, explanation, _position_words(explanation), folder))

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
