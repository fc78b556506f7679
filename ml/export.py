"""Export a registered model to the folder that the model server reads.

python -m ml.export [--version N|newest] [--out FOLDER]
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.registry.versions import MODEL_NAME, add_version_argument
from warehouse.core.cli import command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.export",
        description="Export a registered model to the folder that the model server reads (see Dockerfile). Its files "
        "must be those that training stored, and a process that sees only the exported code must answer with it.",
        epilog="Environment: MLFLOW_TRACKING_URI names the registry (default: mlflow.db in the repository).",
    )
    add_version_argument(parser, "export")
    parser.add_argument("--out", type=Path, metavar="FOLDER", help="folder to create or replace (default: ml/model)")
    return parser


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Export the champion, or the version that is asked for, and print its threshold."""
    options = _parser().parse_args(argv)

    from ml.registry.export import export_model
    from ml.registry.registry import Registry

    settings = Settings.from_environment()
    out = (options.out or settings.model_dir).expanduser().resolve()
    exported = export_model(Registry(settings), out, options.version)
    print(
        f"exported {MODEL_NAME} version {exported.model.version} to {exported.folder} "
        f"(refuse from a default probability of {exported.threshold:.4f} on)"
    )


if __name__ == "__main__":
    sys.exit(main())
