"""Score clients of the marts: default probability and decision of each, as Parquet and as a table.

python -m ml.predict --population scoring|training|all [--snapshot ID | --database FILE] [--out DIR]
                     [--version N|newest | --model FOLDER]
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from ml.data.options import POPULATIONS, add_source_arguments
from ml.registry.versions import MODEL_NAME, add_version_argument
from warehouse.core.cli import command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.predict",
        description="Score the clients of marts.client_features with the champion (or another version) and write "
        "sk_id_curr, probability, decision, threshold, model_version, snapshot_id and scored_at as Parquet and into "
        "the table scores of credit_scores.duckdb. Published snapshots never change, so that file lies beside them: in "
        "the folder scores next to CREDIT_PUBLISHED_DIR. Scores of the same clients, version and snapshot are "
        "replaced in one step; all older ones stay.",
        epilog="Environment: CREDIT_PUBLISHED_DIR names the folder of the snapshots, MLFLOW_TRACKING_URI the registry.",
    )
    parser.add_argument(
        "--population", choices=POPULATIONS, required=True, help="without a label yet, with a label, or both"
    )
    add_source_arguments(parser)
    model = parser.add_mutually_exclusive_group()
    add_version_argument(model, "score with")
    model.add_argument("--model", type=Path, metavar="FOLDER", help="an exported model instead, such as ml/model")
    parser.add_argument("--out", type=Path, metavar="DIR", help="folder of the results (default: see above)")
    parser.add_argument(
        "--reasons",
        action="store_true",
        help="add up to four reasons per client in words: reason_1 to reason_4; slower",
    )
    return parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Score, write, and print a summary."""
    options = _parser().parse_args(argv)

    from ml.data.source import find_source
    from ml.registry.loading import open_scorer
    from ml.registry.registry import Registry
    from ml.scoring.store import write_scores
    from ml.scoring.workflow import _summary, score
    from warehouse.snapshots.scores import scores_dir

    started = time.perf_counter()
    settings = Settings.from_environment()
    source = find_source(settings, snapshot=options.snapshot, database=options.database)
    registry = None if options.model else Registry(settings)
    model = open_scorer(registry, options.version) if registry else open_scorer(options.model.expanduser().resolve())
    print(f"scoring {source.snapshot_id} ({options.population}) with {MODEL_NAME} version {model.version}")
    reasons_of = None
    if options.reasons:
        from ml.explanation.batch import ReasonWriter

        reasons_of = ReasonWriter.of(registry, model, source)
    scores = score(source, model, options.population, lambda line: print(line, flush=True), reasons_of)
    out = (options.out or scores_dir(settings.published_dir)).expanduser().resolve()
    name = f"scores_v{model.version}_{source.snapshot_id}_{options.population}"
    written = write_scores(scores, out, name)
    print(_summary(scores, written, time.perf_counter() - started))


if __name__ == "__main__":
    sys.exit(main())
