"""Clients by column: what reasons are chosen from, whether a frame holds the clients or one row of plain arrays."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import pandas as pd
from numpy.typing import NDArray


class Columns(Protocol):
    """Raw features of some clients."""

    @property
    def names(self) -> Sequence[str]:
        """Names of the features."""

    def __len__(self) -> int:
        """Number of clients."""

    def __contains__(self, name: object) -> bool:
        """Whether there is such a feature."""

    def column(self, name: str) -> NDArray[Any]:
        """One feature, shape (n_clients,): numbers with NaN for null, or texts with None or NaN."""

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Some numeric features, shape (n_clients, n_names)."""


class FrameColumns:
    """The clients of a frame; a column is made when it is first asked for."""

    def __init__(self, frame: pd.DataFrame) -> None:
        self.frame = frame
        self._made: dict[str, NDArray[Any]] = {}

    @property
    def names(self) -> Sequence[str]:
        """Names of the features."""
        return [str(name) for name in self.frame.columns]

    def __len__(self) -> int:
        return len(self.frame)

    def __contains__(self, name: object) -> bool:
        return name in self.frame

    def column(self, name: str) -> NDArray[Any]:
        """One feature."""
        if name not in self._made:
            self._made[name] = self.frame[name].to_numpy()
        return self._made[name]

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Some numeric features."""
        return self.frame[list(names)].to_numpy(dtype=np.float64)


class ClientRow(Mapping[str, float | str | None]):
    """One client's values by feature, looked up in the columns of all: only what is said is read."""

    def __init__(self, columns: Columns, client: int) -> None:
        self._columns = columns
        self._client = client

    def __getitem__(self, name: str) -> float | str | None:
        if name not in self._columns:
            raise KeyError(name)
        value = self._columns.column(name)[self._client]
        return value.item() if isinstance(value, np.generic) else value

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns.names)

    def __len__(self) -> int:
        return len(self._columns.names)
