"""Folders that are replaced as a whole."""

import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path

from warehouse.core.errors import SettingsError


def replace_folder(folder: Path, fill: Callable[[Path], None]) -> Path:
    """Fill a new folder and put it in the place of the old one; the old one stays until the new one is complete.

    Raises
    ------
    SettingsError
        The place cannot be written to.
    """
    try:
        folder.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as workshop:
            incoming = Path(workshop) / "incoming"
            incoming.mkdir()
            fill(incoming)
            if folder.exists():
                folder.rename(Path(workshop) / "outgoing")
            shutil.move(incoming, folder)
    except OSError as error:
        raise SettingsError(
            expected=f"a folder to write to at {folder.parent}", found=str(error), remedy="choose another with --out"
        ) from error
    return folder
