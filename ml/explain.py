"""Explain the credit-scoring model: as a whole, or its decision about one client.

python -m ml.explain [--client ID] [--snapshot ID | --database FILE] [--out FOLDER] [--version N|newest] [--sample N]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.data.options import add_source_arguments
from ml.registry.versions import MODEL_NAME, add_version_argument
from warehouse.core.cli import command
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
        epilog="Environment: CREDIT_PUBLISHED_DIR names the folder of the snapshots, MLFLOW_TRACKING_URI the registry. "
        "The model as a whole is explained on the marts that it was trained on. A client is compared with the "
        "applicants of their marts.scoring_set, as they were logged when the model was explained.",
    )
    parser.add_argument("--client", type=int, metavar="ID", help="explain the decision about this sk_id_curr")
    add_source_arguments(parser, "the one that the version was trained on; with --client the current one")
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


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Explain the model, or one client, and print where."""
    options = _parser().parse_args(argv)
    if options.sample < 1:
        raise SettingsError(expected="1 applicant or more for --sample", found=str(options.sample), remedy="change it")

    from ml.data.source import find_source, version_source
    from ml.explanation.workflow import client_summary, explain_globally, explain_locally
    from ml.registry.loading import open_scorer
    from ml.registry.registry import Registry

    settings = Settings.from_environment()
    named = {"snapshot": options.snapshot, "database": options.database}
    out = (options.out or REPORTS).expanduser().resolve()
    registry = Registry(settings)
    model = registry.resolve(options.version)
    scorer = open_scorer(registry, model.version).scorer
    if options.client is None:
        source = version_source(registry.manifest(model)["data"], settings, **named)
        folder = explain_globally(registry, model, scorer, source, out, options.sample)
        print(f"explained {MODEL_NAME} version {model.version} in {folder}; logged to run {model.run_id}")
    else:
        source = find_source(settings, **named, verify=False)  # one row is read, not the file
        explanation, folder = explain_locally(registry, model, scorer, source, out, options.client)
        print(client_summary(options.client, explanation, folder))


if __name__ == "__main__":
    sys.exit(main())
