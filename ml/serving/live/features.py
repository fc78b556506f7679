"""Features of clients as plain arrays: numbers, texts, and where each feature stands."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray


@dataclass(frozen=True)
class Layout:
    """Which features there are, and where.

    Attributes
    ----------
    numeric, texts : tuple of str
        Names of numbers and of texts, in their order.
    """

    numeric: tuple[str, ...]
    texts: tuple[str, ...]
    _places: dict[tuple[str, ...], NDArray[np.intp]] = field(default_factory=dict, repr=False, compare=False)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """All features, numbers first."""
        return self.numeric + self.texts

    @cached_property
    def number_at(self) -> dict[str, int]:
        """Position of a number."""
        return {name: at for at, name in enumerate(self.numeric)}

    @cached_property
    def text_at(self) -> dict[str, int]:
        """Position of a text."""
        return {name: at for at, name in enumerate(self.texts)}

    def places(self, names: tuple[str, ...]) -> NDArray[np.intp]:
        """Positions of some numbers; looked up once."""
        if names not in self._places:
            self._places[names] = np.array([self.number_at[name] for name in names], dtype=np.intp)
        return self._places[names]


@dataclass(frozen=True)
class Features:
    """Raw features of some clients, without a frame; the `Columns` that reasons are chosen from.

    Attributes
    ----------
    layout : Layout
    values : ndarray of float64 of shape (n_clients, n_numeric)
        NaN for null.
    texts : tuple of tuple of (str or None)
        One per client, in the layout's order.
    """

    layout: Layout
    values: NDArray[np.float64]
    texts: tuple[tuple[str | None, ...], ...]

    @property
    def names(self) -> Sequence[str]:
        """Names of the features."""
        return self.layout.names

    def __len__(self) -> int:
        return len(self.values)

    def __contains__(self, name: object) -> bool:
        return name in self.layout.number_at or name in self.layout.text_at

    def column(self, name: str) -> NDArray[Any]:
        """One feature, shape (n_clients,)."""
        if name in self.layout.number_at:
            return self.values[:, self.layout.number_at[name]]
        at = self.layout.text_at[name]
        return np.array([row[at] for row in self.texts], dtype=object)

    def numbers(self, names: Sequence[str]) -> NDArray[np.float64]:
        """Some numeric features, shape (n_clients, n_names)."""
        return self.values[:, self.layout.places(tuple(names))]

    def one(self, client: int) -> "Features":
        """One of the clients."""
        return Features(self.layout, self.values[client : client + 1], self.texts[client : client + 1])

    @classmethod
    def from_arrow(cls, table: pa.Table, layout: Layout) -> "Features":
        """Features of a table that has a column for each."""
        values = np.empty((table.num_rows, len(layout.numeric)))
        for at, name in enumerate(layout.numeric):
            values[:, at] = table[name].cast(pa.float64()).to_numpy()
        columns = [table[name].to_pylist() for name in layout.texts]
        texts = tuple(zip(*columns, strict=True)) if columns else ((),) * table.num_rows
        return cls(layout, values, texts)
