"""A command ends with an exit code that says what happened, and with one line instead of a traceback."""

import signal
import subprocess
import sys
import time
from pathlib import Path

import duckdb
import pytest

from warehouse.core.cli import command
from warehouse.core.errors import SettingsError
from warehouse.core.settings import PROJECT_ROOT

WRITES_A_LOT = """
import sys
import time
from pathlib import Path
from warehouse.core.cli import command
@command
def main(argv=None):
    for line in range(200_000):
        print("line", line)
    Path(sys.argv[1]).touch()
sys.exit(main())
"""
ASKS_FOR_EVER = """
import sys
import time
import duckdb
from warehouse.core.cli import command
@command
def main(argv=None):
    with duckdb.connect() as con:
        print("asking", flush=True)
        while True:
            con.execute("select sum(range % 7) from range(20_000_000)").fetchall()
sys.exit(main())
"""


def raising(error: BaseException):
    @command
    def main(argv=None):
        raise error

    return main


@pytest.mark.parametrize(("returned", "code"), [(None, 0), (0, 0), (3, 3)])
def test_the_exit_code_is_what_main_returns(returned, code):
    assert command(lambda argv: returned)([]) == code


@pytest.mark.parametrize(
    ("error", "code", "words"),
    [
        (
            SettingsError(expected="a folder", found="a file", remedy="name another"),
            1,
            "expected a folder; found a file",
        ),
        (OSError(28, "No space left on device"), 1, "No space left on device"),
        (duckdb.IOException("Corrupt block checksum"), 1, "Corrupt block checksum"),
        (duckdb.OutOfMemoryException("could not allocate"), 1, "CREDIT_MEMORY_LIMIT"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (duckdb.InterruptException("Interrupted!"), 130, "interrupted"),
    ],
    ids=["ours", "full disk", "damaged file", "memory", "ctrl-c", "ctrl-c in a query"],
)
def test_what_a_user_can_act_on_is_one_line(error, code, words, capsys):
    assert raising(error)([]) == code
    message = capsys.readouterr().err
    assert words in message and len(message.splitlines()) == 1


@pytest.mark.parametrize("error", [ValueError("a bug"), duckdb.BinderException("no such column")])
def test_a_fault_of_the_program_keeps_its_traceback(error):
    with pytest.raises(type(error)):
        raising(error)([])


def test_a_command_whose_reader_goes_away_does_not_claim_to_have_done_its_job(tmp_path: Path):
    done = tmp_path / "done"
    process = subprocess.Popen(
        [sys.executable, "-c", WRITES_A_LOT, str(done)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        cwd=PROJECT_ROOT,
    )
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(timeout=60) == 141
    assert process.stderr.read() == b""
    process.stderr.close()
    assert not done.exists()


def test_ctrl_c_during_a_query_is_one_line():
    process = subprocess.Popen(
        [sys.executable, "-c", ASKS_FOR_EVER],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=PROJECT_ROOT,
    )
    try:
        assert process.stdout.readline() == "asking\n"
        time.sleep(1)  # until a query is being executed
        process.send_signal(signal.SIGINT)
        _, message = process.communicate(timeout=60)
    finally:
        process.kill()
    assert (process.returncode, message) == (130, "interrupted: what was finished before stays\n")
