"""Documentation that dbt wants in YAML, written from where it stands already so that nobody copies it by hand.

* Staging models say what the contract of the raw files says, in lower case: columns, meaning, key, parent.
* A feature is described in the SQL that makes it, on the line above: `-- [unit] What it means.` Loops write such lines
  too, so a family of features cannot drift from its documentation.
* client_features, training_set and scoring_set hold every feature again.
"""

import argparse
import sys
from collections.abc import Sequence

from warehouse.core.cli import run_command
from warehouse.core.settings import PROJECT_ROOT
from warehouse.documentation.models import (
    documents,
)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the documentation of the staging models and of the marts."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.document", description=__doc__.splitlines()[0])
    parser.parse_args(argv)

    def write() -> None:
        """Write each document, and say so."""
        for path, text in documents().items():
            path.write_text(text, encoding="utf-8")
            print(f"wrote {path.relative_to(PROJECT_ROOT)}")

    return run_command(write)


if __name__ == "__main__":
    sys.exit(main())
