"""Choose the champion by hand, or go back to the one before.

python -m ml.promote --version N --reason TEXT [--override-guard]
python -m ml.promote --rollback --reason TEXT
python -m ml.promote --list
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from ml.registry.versions import MODEL_NAME
from warehouse.core.cli import command
from warehouse.core.settings import Settings


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m ml.promote",
        description=f"Make a version of {MODEL_NAME} the champion, or the champion before the present one again, and "
        "export it to the folder that is served. Who did so, when and why is logged in the tags of the registered "
        "model. When the version cannot be exported, nothing changes.",
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


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Promote, roll back or list, and print what has changed."""
    options = _parser().parse_args(argv)

    from ml.registry.promotion import listing, promote_version, roll_back, sentence
    from ml.registry.registry import Registry

    settings = Settings.from_environment()
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
    print(f"champion: {sentence(change)}")
    print(f"exported: version {exported.model.version} to {exported.folder}, threshold {exported.threshold:.4f}")


if __name__ == "__main__":
    sys.exit(main())
