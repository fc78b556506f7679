"""Put a folder in the place of another one, so that readers find the old or the new one at every moment."""

import ctypes
import errno
import os
import shutil
from pathlib import Path

AT_FDCWD = -100  # paths are relative to the working directory
RENAME_EXCHANGE = 2
NOT_SUPPORTED = {errno.ENOSYS, errno.EINVAL, errno.ENOTSUP}


def exchange(incoming: Path, out: Path) -> None:
    """Put `incoming` into the place of `out`, and what was there into the place of `incoming`.

    One step where the file system can exchange two names (Linux). Elsewhere two renames, between which `out` is absent
    for a moment; `recover` brings it back after a crash at that moment.

    Raises
    ------
    OSError
        `out` is as before.
    """
    if not out.exists():
        incoming.rename(out)
        return
    if _exchanged_at_once(incoming, out):
        return
    aside = _aside(out)
    out.rename(aside)
    try:
        incoming.rename(out)
    except BaseException:
        aside.rename(out)
        raise
    aside.rename(incoming)


def recover(out: Path) -> None:
    """Tidy up after a process that was killed while it replaced `out`; nothing else may replace it at the moment."""
    aside = _aside(out)
    if aside.is_dir():
        if out.exists():
            shutil.rmtree(aside, ignore_errors=True)
        else:
            aside.rename(out)
    for workshop in out.parent.glob(f".{out.name}-*"):
        shutil.rmtree(workshop, ignore_errors=True)


def _exchanged_at_once(first: Path, second: Path) -> bool:
    """Exchange two names in one step; False where the system or the file system cannot."""
    try:
        rename = ctypes.CDLL(None, use_errno=True).renameat2
    except (AttributeError, OSError):  # not Linux, or an old C library
        return False
    if rename(AT_FDCWD, os.fsencode(first), AT_FDCWD, os.fsencode(second), RENAME_EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    if number in NOT_SUPPORTED:
        return False
    raise OSError(number, os.strerror(number), str(first))


def _aside(out: Path) -> Path:
    return out.parent / f".{out.name}.previous"
