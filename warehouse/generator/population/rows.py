"""Drawing rows of a block: groups first, then every variable within its group."""

import numpy as np

from warehouse.generator.population.marginals import NULL_CODE, Texts
from warehouse.generator.population.statistics import RowModel

Array = np.ndarray


class RowSampler:
    """Rows of one block for clients with known effects.

    Parameters
    ----------
    model : RowModel
    texts : Texts
    rng : numpy.random.Generator
    effects : numpy.ndarray, shape (n_rows, n_effects)
        What the client of each row brings along.
    chosen : int, optional
        The first so many rows choose a group, the others get `last_group`.
    last_group : str

    Attributes
    ----------
    groups : list of str
        Names of the groups, such as `cash/approved`.
    group : numpy.ndarray, shape (n_rows,)
        Index into `groups`.
    """

    def __init__(
        self, model: RowModel, texts: Texts, rng: np.random.Generator, effects: Array,
        chosen: int | None = None, last_group: str = "",
    ) -> None:  # fmt: skip
        self.model, self.texts, self.rng, self.size = model, texts, rng, len(effects)
        self.scores = model.draw(rng, effects)
        self.chosen = self.size if chosen is None else chosen
        self.scaled: dict[str, Array] = {}
        self.groups, self.group = [""], np.zeros(self.size, np.int16)
        for name in model.groups:
            self._split(name)
        if last_group:
            if last_group not in self.groups:
                self.groups.append(last_group)
            self.group[self.chosen :] = self.groups.index(last_group)
        self.members = [np.flatnonzero(self.group == k) for k in range(len(self.groups))]

    def set_groups(self, groups: list[str], group: Array) -> None:
        """Use groups that are known already instead of drawn ones."""
        self.groups, self.group = groups, group
        self.members = [np.flatnonzero(group == k) for k in range(len(groups))]

    def value(self, name: str) -> Array:
        """One variable; NaN in groups where the release has no value at all."""
        return self._within(self.model.variables[name], self._score(name))

    def flag(self, name: str) -> Array:
        """A variable of 0 and 1 as a mask."""
        return self.value(name) == 1.0

    def follow(self, name: str) -> Array:
        """Codes of a text column that goes with the score of a variable."""
        variable, marginals = self.model.follows[name]
        return self._within(marginals, self._score(variable)).astype(np.int16)

    def nominal(self, name: str, cells: list[str], cell: Array) -> Array:
        """Codes (or small numbers) of a column drawn by its frequencies within cells; `cell` indexes `cells`."""
        draws = self.rng.standard_normal(self.size)
        result = np.full(self.size, float(NULL_CODE))
        order = np.argsort(cell, kind="stable")
        bounds = np.searchsorted(cell[order], np.arange(len(cells) + 1))
        for k, label in enumerate(cells):
            rows = order[bounds[k] : bounds[k + 1]]
            if len(rows):
                result[rows] = self.model.nominals[name][label].at(draws[rows])
        return result.astype(np.int16)

    def is_group(self, part: str) -> Array:
        """Mask of rows whose group has `part` as one of its names."""
        return np.array([part in group.split("/") for group in self.groups])[self.group]

    def client_scores(self, client: Array, clients: int) -> Array:
        """Best guess of each client's effects from the drawn rows, as calibration makes it of real ones.

        guess = mean * loading / (loading^2 + noise / rows), of scaled scores; NaN without rows.
        """
        guesses = np.full((clients, len(self.model.effects)), np.nan)
        for k, name in enumerate(self.model.effects):
            scaled = self.scaled[name] if name in self.scaled else self._scaled(name)
            known = ~np.isnan(scaled)
            rows = np.bincount(client[known], minlength=clients)
            means = np.bincount(client[known], scaled[known], minlength=clients) / np.maximum(rows, 1)
            loading = self.model.loading[k]
            guess = means * loading / (loading**2 + self.model.noise[k] / np.maximum(rows, 1))
            guesses[:, k] = np.where(rows > 0, guess, np.nan)
        return guesses

    def _scaled(self, name: str) -> Array:
        marginals, result = self.model.variables[name], np.full(self.size, np.nan)
        for label, rows in zip(self.groups, self.members, strict=True):
            if label in marginals and len(rows):
                result[rows] = marginals[label].scaled(self.scores[name][rows])
        return result

    def _score(self, name: str) -> Array:
        return self.scores[name] if name in self.scores else self.rng.standard_normal(self.size)

    def _within(self, marginals: dict, scores: Array) -> Array:
        result = np.full(self.size, np.nan)
        for label, rows in zip(self.groups, self.members, strict=True):
            if label in marginals and len(rows):
                result[rows] = marginals[label].at(scores[rows])
        return result

    def _split(self, name: str) -> None:
        """Divide every group by the next group variable, scored within it."""
        marginals = self.model.groups[name]
        groups: list[str] = []
        group = np.zeros(self.size, np.int16)
        self.scaled[name] = np.full(self.size, np.nan)
        for k, label in enumerate(self.groups):
            rows = np.flatnonzero(self.group[: self.chosen] == k)
            scores = self.scores[name][rows]
            self.scaled[name][rows] = marginals[label].scaled(scores)
            chosen = marginals[label].at(scores).astype(int)
            for code in np.unique(chosen):
                group[rows[chosen == code]] = len(groups)
                groups.append(f"{label}/{self.texts.values[code]}".strip("/"))
        self.groups, self.group = groups, group


def cells_of(*parts: tuple[Array, list[str]]) -> tuple[list[str], Array]:
    """Join coded parts into cells named `a/b`; returns the names that occur and the index of each row's."""
    joined = np.zeros(len(parts[0][0]), np.int64)
    for codes, names in parts:
        joined = joined * (len(names) + 1) + codes + 1
    present, index = np.unique(joined, return_inverse=True)
    labels = []
    for cell in present:
        words, rest = [], int(cell)
        for _, names in reversed(parts):
            rest, code = divmod(rest, len(names) + 1)
            words.append("none" if code == 0 else names[code - 1])
        labels.append("/".join(reversed(words)))
    return labels, index
