"""Properties of the dbt models in YAML, written from the contract and from the SQL so that nobody copies them by hand.

* Staging models say what the contract of the raw files says, in lower case: columns, meaning, key, parent.
* A feature is described in the SQL that makes it, on the line above: `-- [unit | theme] label: Description.` Loops
  write such lines too, so a family of features cannot drift from its documentation. Units, themes and what null means
  in each mart are seeds.
* One file per mart, one line per feature; client_features, training_set and scoring_set hold every feature again.
* The files of the release that a feature is computed from are traced through the compiled SQL.
"""

import argparse
import sys
from collections.abc import Sequence

from warehouse.core.cli import command
from warehouse.core.settings import PROJECT_ROOT


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Write the documentation of the staging models and of the marts."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.document", description=__doc__.splitlines()[0])
    parser.parse_args(argv)

    from warehouse.core.files import write_text
    from warehouse.documentation.models import documents

    changed = {
        path: text
        for path, text in documents().items()
        if not path.is_file() or path.read_text(encoding="utf-8") != text
    }
    for path, text in changed.items():
        write_text(path, text)
        print(f"wrote {path.relative_to(PROJECT_ROOT)}")
    if not changed:
        print("nothing to write: the documentation is that of the SQL")


if __name__ == "__main__":
    sys.exit(main())
