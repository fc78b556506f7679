"""Make sure that there are raw files to build from: the ones at hand, or a small generated set."""

import argparse
import os
import sys
from collections.abc import Sequence

from warehouse.core.cli import EXIT_INTERRUPTED, command
from warehouse.core.settings import Settings

GENERATED_CLIENTS = 6000
GENERATED_SEED = 20180517


@command
def main(argv: Sequence[str] | None = None) -> int:
    """Check the raw folder, or fill the default one with generated files.

    A folder that `CREDIT_RAW_DIR` names is never written to: when files are missing there, that is an error.
    """
    parser = argparse.ArgumentParser(prog="python -m warehouse.prepare", description=__doc__)
    parser.add_argument(
        "--clients", type=int, default=GENERATED_CLIENTS, help="clients to generate (default %(default)s)"
    )
    arguments = parser.parse_args(argv)

    from warehouse.loading.contract import load_contract
    from warehouse.loading.files import find_raw_file, holds_raw_files

    settings = Settings.from_environment()
    if not os.environ.get("CREDIT_RAW_DIR") and not holds_raw_files(settings.raw_dir):
        from warehouse.generator.workflow import GeneratorOptions, StoppedError, generate, stop_on_signals

        options = GeneratorOptions(arguments.clients, GENERATED_SEED, settings.raw_dir)
        try:
            rows = generate(options, stop_on_signals() if argv is None else lambda: False)
        except StoppedError:
            print(f"interrupted: {settings.raw_dir} is as it was before", file=sys.stderr)
            return EXIT_INTERRUPTED
        print(f"raw files: {sum(rows.values()):,} generated rows in {settings.raw_dir}")
        return 0
    for table in load_contract().tables:
        find_raw_file(settings.raw_dir, table)
    print(f"raw files: the eight files in {settings.raw_dir}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
