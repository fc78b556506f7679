"""Explain the credit-scoring model: as a whole, or its decision about one client.

python -m ml.explain [--client ID] [--database FILE] [--out FOLDER] [--version N|newest] [--sample N]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.data.training_set import KEY
from ml.explanation.workflow import (
    _client_summary,
    _position_words,
    explain_globally,
    explain_locally,
)
from ml.registry.loading import open_scorer
from ml.registry.registry import MODEL_NAME, Registry
from ml.registry.versions import add_version_argument
from warehouse.core.cli import run_command
from warehouse.core.errors import SettingsError
from warehouse.core.settings import PROJECT_ROOT, Settings

REPORTS = PROJECT_ROOT / "ml" / "reports" / "explain"
DEFAULT_SAMPLE = 2_000


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
        model = registry.resolve(options.version)
        scorer = open_scorer(registry, model.version).scorer
        if options.client is None:
            folder = explain_globally(registry, model, scorer, database, out, options.sample)
            print(f"explained {MODEL_NAME} version {model.version} in {folder}; logged to run {model.run_id}")
        else:
            explanation, folder = explain_locally(model, scorer, database, out, options.client)
            print(_client_summary(options.client, explanation, _position_words(explanation), folder))

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
