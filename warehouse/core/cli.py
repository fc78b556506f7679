"""What every command line of the project shares: one-line errors and honest exit codes."""

import functools
import os
import signal
import sys
from collections.abc import Callable, Sequence

from warehouse.core.errors import CreditWarehouseError, first_line, is_interrupt

EXIT_USER_ERROR = 1
EXIT_INTERRUPTED = 128 + signal.SIGINT
EXIT_CLOSED_PIPE = 128 + signal.SIGPIPE

Main = Callable[[Sequence[str] | None], int | None]


def command(main: Main) -> Callable[..., int]:
    """Turn a `main(argv)` into a command: errors become one line on standard error and an exit code.

    Returns
    -------
    callable
        Takes the arguments of the command line (`sys.argv` when left out) and returns the exit code: 0 when `main`
        returned None, the number that `main` returned, 1 for an error that the user can act on (a
        `CreditWarehouseError`, a damaged database, a full or missing disk), 130 when it was interrupted, and 141 when
        the reader of its output went away before it had done its job.

    Examples
    --------
    >>> @command
    ... def main(argv=None):
    ...     return 3
    >>> main([])
    3
    """

    @functools.wraps(main)
    def run(argv: Sequence[str] | None = None) -> int:
        """Run `main`, and report what stopped it."""
        try:
            code = main(argv)
            sys.stdout.flush()
        except BrokenPipeError:
            # nobody reads on: Python must not complain once more when it closes the pipe
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            return EXIT_CLOSED_PIPE
        except (KeyboardInterrupt, Exception) as error:
            if is_interrupt(error):
                print("interrupted: what was finished before stays", file=sys.stderr)
                return EXIT_INTERRUPTED
            line = _line(error)
            if line is None:
                raise
            print(f"error: {line}", file=sys.stderr)
            return EXIT_USER_ERROR
        return code or 0

    return run


def _line(error: BaseException) -> str | None:
    """The one line for an error that the user can act on; None for a fault of the program."""
    if isinstance(error, CreditWarehouseError):
        return str(error)
    if isinstance(error, OSError):
        return f"expected to read and write files; found {first_line(error)}; make room or give the right to do so"
    duckdb = sys.modules.get("duckdb")  # imported by the commands that open a database, and only by these
    if duckdb is None:
        return None
    if isinstance(error, duckdb.OutOfMemoryException):
        return f"expected enough memory; found {first_line(error)}; raise CREDIT_MEMORY_LIMIT or close other programs"
    damaged = (duckdb.IOException, duckdb.FatalException, duckdb.SerializationException, duckdb.InternalException)
    # a checksum that does not match is raised as the base class itself
    if isinstance(error, damaged) or type(error) is duckdb.Error:
        return (
            f"expected a DuckDB file that can be read; found {first_line(error)}; "
            "check a snapshot with python -m warehouse.verify, rebuild a warehouse with dbt build --full-refresh"
        )
    return None
