"""The population: clients in chunks, each drawn again whenever one of their tables is written."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from warehouse.generator.population.drift import Drift
from warehouse.generator.population.statistics import RowModel, Statistics

Array = np.ndarray
CHUNK_CLIENTS = 16_384
FIRST_CLIENT_ID = 100_001
TEST_TO_TRAIN = 48_744 / 307_511
STREAMS = (
    "split", "clients", "application_train", "application_test", "target", "bureau", "balance", "previous", "late",
    "late_days", "pos", "instalments", "card", "card_habit", "card_due",
)  # fmt: skip


@dataclass(frozen=True)
class Chunk:
    """Some clients: ids, which of them are to be scored, and the normal scores (n_clients, n_names) of all they are."""

    number: int
    ids: Array
    is_test: Array
    scores: Array


@dataclass(frozen=True)
class Population:
    """All clients of one run.

    Attributes
    ----------
    statistics : Statistics
    train : int
        Clients of application_train; application_test has 0.1585 times as many, as in the release.
    seed : int
    drift : Drift
        What shifts the clients of application_test.
    """

    statistics: Statistics
    train: int
    seed: int
    drift: Drift

    @property
    def test(self) -> int:
        """Clients of application_test."""
        return max(1, round(self.train * TEST_TO_TRAIN))

    @cached_property
    def is_test(self) -> Array:
        """Which clients are in application_test, in the order of ids; the two are mixed as in the release."""
        mask = np.zeros(self.train + self.test, bool)
        mask[self.rng("split", 0).permutation(len(mask))[: self.test]] = True
        return mask

    def rng(self, stream: str, chunk: int) -> np.random.Generator:
        """Random numbers of one stage and chunk, whatever else has been drawn."""
        return np.random.Generator(np.random.SFC64([self.seed, STREAMS.index(stream), chunk]))

    def chunks(self) -> Iterator[Chunk]:
        """Draw the clients, in the order of ids."""
        model = self.statistics.clients
        for number, start in enumerate(range(0, len(self.is_test), CHUNK_CLIENTS)):
            is_test = self.is_test[start : start + CHUNK_CLIENTS]
            scores = model.draw(self.rng("clients", number), len(is_test))
            for name, shift in self.drift.shifts.items():
                scores[is_test, model.position[name]] += shift
            yield Chunk(number, FIRST_CLIENT_ID + start + np.arange(len(is_test)), is_test, scores)

    def effects(self, chunk: Chunk, block: str) -> Array:
        """What each client of the chunk brings to the rows of a block."""
        position = self.statistics.clients.position
        return chunk.scores[:, [position[f"{block}.{name}"] for name in self.model(block).effects]]

    def counts(self, chunk: Chunk, block: str) -> Array:
        """Rows of a block that each client of the chunk has."""
        score = chunk.scores[:, self.statistics.clients.position[f"{block}.count"]]
        count = self.model(block).count
        if count is None:
            raise TypeError(f"{block} has no number of rows per client")
        return count.at(score).astype(int)

    def model(self, block: str) -> RowModel:
        """Model of a block's rows."""
        return self.statistics.blocks[block]
