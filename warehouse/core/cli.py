"""What every command line of the project shares: one-line errors and honest exit codes."""

import os
import sys
from collections.abc import Callable

from warehouse.core.errors import CreditWarehouseError

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
        sys.stdout.flush()
    except CreditWarehouseError as error:
        print(f"error: {error}", file=sys.stderr)
        return EXIT_USER_ERROR
    except BrokenPipeError:
        # the reader has seen enough (`| head`); Python would complain once more when it closes the pipe
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0
