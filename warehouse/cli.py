"""What every command line of the project shares: one-line errors and honest exit codes."""

import sys
from collections.abc import Callable

from warehouse.errors import CreditWarehouseError

EXIT_USER_ERROR = 1


def run_command(command: Callable[[], None]) -> int:
    """Run `command`; report an error of the project as one line on standard error.

    Returns
    -------
    int
        0 when the command did its job, 1 when a `CreditWarehouseError` stopped it.
    """
    try:
        command()
    except CreditWarehouseError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    return 0
