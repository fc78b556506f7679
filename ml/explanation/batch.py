"""Reasons of many clients as plain texts, for scores on disk."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.population import PopulationStats
from ml.data.source import Source
from ml.explanation.client import reasons_for
from ml.explanation.population import population_of
from ml.registry.loading import LoadedModel
from ml.registry.registry import Registry
from ml.served.scorer import CreditScorer


@dataclass(frozen=True)
class ReasonWriter:
    """Says why clients are refused or granted credit.

    Attributes
    ----------
    scorer : CreditScorer
        The model.
    stats : PopulationStats
        Whom clients are compared with.
    """

    scorer: CreditScorer
    stats: PopulationStats

    @classmethod
    def of(cls, registry: Registry | None, model: LoadedModel, source: Source) -> "ReasonWriter":
        """Compare with those whom explanations and served decisions compare with; see `population_of`."""
        return cls(model.scorer, population_of(registry, model.registered, model.scorer, source))

    def __call__(self, frame: pd.DataFrame, refused: NDArray[np.bool_]) -> list[list[str]]:
        """Reasons of each client of a frame in words, the strongest first."""
        found = reasons_for(self.scorer, frame, self.stats, refused)
        return [[reason.text for reason in client] for client in found]
