"""Reasons of many clients as plain texts, for scores on disk."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ml.data.population import PopulationStats
from ml.data.source import Source
from ml.explanation.client import reasons_for
from ml.explanation.population import read_population
from ml.registry.loading import LoadedModel
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
    def of(cls, model: LoadedModel, source: Source) -> "ReasonWriter":
        """Compare with the applicants to be scored in the same marts.

        Raises
        ------
        WarehouseMissingError, TrainingDataError
            There is nobody to compare with, or the marts lack a feature of the model.
        """
        stats, _ = read_population(source, model.scorer)
        return cls(model.scorer, stats)

    def __call__(self, frame: pd.DataFrame, refused: NDArray[np.bool_]) -> list[list[str]]:
        """Reasons of each client of a frame in words, the strongest first."""
        found = reasons_for(self.scorer, frame, self.stats, refused)
        return [[reason.text for reason in client] for client in found]
