"""Downloading the release with the official `kaggle` package, which is no dependency of the project."""

import contextlib
import io
from pathlib import Path
from typing import Any

from warehouse.core.errors import SettingsError, first_line
from warehouse.landing.archives import RELEASE
from warehouse.loading.file_kinds import printable

WEBSITE = f"https://www.kaggle.com/c/{RELEASE}"


def log_in() -> Any:  # noqa: ANN401  (a class of a package that may be absent)
    """Client of Kaggle's interface, with the user's credentials.

    Raises
    ------
    SettingsError
        The package is not installed, or finds no credentials.
    """
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            from kaggle.api.kaggle_api_extended import KaggleApi

            client = KaggleApi()
            client.authenticate()
    except ImportError as error:
        raise SettingsError(
            expected="the package kaggle for --kaggle",
            found="it is not installed",
            remedy=f"run: pip install kaggle; or download {RELEASE}.zip from {WEBSITE}/data and land that",
        ) from error
    except (OSError, ValueError, SystemExit) as error:
        raise SettingsError(
            expected="credentials of Kaggle for --kaggle",
            found="none that the package kaggle accepts",
            remedy="create an API token at https://www.kaggle.com/settings and save it as ~/.kaggle/kaggle.json",
        ) from error
    return client


def download(client: Any, folder: Path) -> Path:  # noqa: ANN401
    """Download the archive into a folder; give its path.

    Raises
    ------
    SettingsError
        Kaggle refuses, or the archive does not come.
    """
    try:
        client.competition_download_files(RELEASE, path=str(folder), quiet=False)
    except Exception as error:  # the package passes on errors of several libraries
        raise SettingsError(
            expected=f"to download {RELEASE}",
            found=printable(first_line(error)),
            remedy=f"accept the rules of the competition at {WEBSITE}/rules, then try again",
        ) from error
    return folder / f"{RELEASE}.zip"
