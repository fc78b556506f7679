"""What a run leaves: clients, features, champion, and the commands that open the rest.

python -m ml.summary
"""

import argparse
import sys
from collections.abc import Sequence

from warehouse.core.cli import command
from warehouse.core.settings import Settings


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        prog="python -m ml.summary",
        description="What a run leaves: the marts that the newest version was trained on, the champion, and the "
        "commands that open the rest.",
        epilog="Environment: CREDIT_PUBLISHED_DIR names the folder of the snapshots, MLFLOW_TRACKING_URI the registry.",
    )
    parser.parse_args(argv)

    from ml.card.overview import summary

    print(summary(Settings.from_environment()))


if __name__ == "__main__":
    sys.exit(main())
