"""Choose the champion by hand, or call the one before back.

python -m ml.promote --version N --reason TEXT [--override-guard]
python -m ml.promote --rollback --reason TEXT
python -m ml.promote --list
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.registry.promotion import (
    _sentence,
    listing,
    promote_version,
    roll_back,
)
from ml.registry.registry import Registry
from ml.registry.versions import MODEL_NAME
from warehouse.core.cli import run_command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.promote",
        description=f"Make a version of {MODEL_NAME} the champion, or call the champion before back, and export it to "
        "the folder that is served. Who did so, when and why is logged in the tags of the registered model. When the "
        "version cannot be exported, nothing changes.",
        epilog="Environment: MLFLOW_TRACKING_URI names the registry (default: mlflow.db in the repository).",
    )
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--version", type=int, metavar="N", help="version to make the champion")
    what.add_argument("--rollback", action="store_true", help="back to the champion before the present one")
    what.add_argument(
        "--list", action="store_true", help="show versions with alias, AUC, cost and verdict; change nothing"
    )
    parser.add_argument("--reason", metavar="TEXT", help="why, for the log; needed for every change")
    parser.add_argument(
        "--override-guard",
        action="store_true",
        help="with --version: even one that a guard (leakage, overfitting) refused",
    )
    parser.add_argument(
        "--out", type=Path, metavar="FOLDER", help="folder of the exported champion (default: ml/model)"
    )
    return parser


def main(argv: Sequence[str] | None = None) -> int:
    """Promote, roll back or list."""
    options = _parser().parse_args(argv)
    settings = Settings.from_environment()

    def command() -> None:
        """List, roll back or promote, and say what has changed."""
        registry = Registry(settings)
        if options.list:
            print(listing(registry))
            return
        model_dir = (options.out or settings.model_dir).expanduser().resolve()
        reason = options.reason or ""
        if options.rollback:
            change, exported = roll_back(registry, reason, model_dir)
        else:
            change, exported = promote_version(
                registry, options.version, reason, model_dir, override_guard=options.override_guard
            )
        print(f"champion: {_sentence(change)}")
        print(f"exported: version {exported.model.version} to {exported.folder}, threshold {exported.threshold:.4f}")

    return run_command(command)


if __name__ == "__main__":
    sys.exit(main())
