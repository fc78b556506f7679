"""What the drift report writes, and how it is drawn."""

from dataclasses import dataclass

from warehouse.core.errors import SettingsError

FILES = ("drift.html", "drift.json", "evidently.html", "evidently.json")
COLUMNS_SHOWN = 10


@dataclass(frozen=True)
class Options:
    """How the report is drawn.

    Attributes
    ----------
    rows : int
        Rows of each population that Evidently sees.
    columns : int
        Columns that Evidently sees.
    seed : int
        Of the sample.
    max_share : float
        Share of strongly drifted columns that is allowed.
    """

    rows: int = 5000
    columns: int = 30
    seed: int = 42
    max_share: float = 0.1

    def __post_init__(self) -> None:
        if not 0 <= self.max_share <= 1:
            raise SettingsError(
                expected="--max-share between 0 and 1",
                found=str(self.max_share),
                remedy="0.1 allows 10 % of the columns",
            )
        for name, least in (("rows", 100), ("columns", 1)):
            if getattr(self, name) < least:
                raise SettingsError(
                    expected=f"--{name} of at least {least}", found=str(getattr(self, name)), remedy="choose more"
                )
