"""A scorer for one client or a few: the answers of `CreditScorer`, without a frame and with positions resolved once."""

from collections.abc import Sequence
from dataclasses import dataclass

import lightgbm as lgb
import numpy as np
import pandas as pd
from numpy.typing import NDArray
from scipy.special import expit
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import Pipeline

from ml.explanation.contributions import Contributions, explained_columns, explained_values, raw_owner
from ml.scoring.batch import member_inputs
from ml.served.scorer import CreditScorer
from ml.served.transformers import LinearInputs, NeighbourRate, TargetEncodings
from ml.serving.live.features import Features
from warehouse.core.errors import ModelError

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class RowMember:
    """One member of the model, as functions of arrays.

    Attributes
    ----------
    pipeline : sklearn.pipeline.Pipeline
    weight : float
        In the mean; all add up to 1.
    features : ndarray of int of shape (n_inputs,)
        Which of the explained features each input of the classifier counts as.
    """

    pipeline: Pipeline
    weight: float
    features: NDArray[np.intp]

    def inputs(self, block: FloatArray) -> NDArray[np.floating]:
        """What the classifier takes, from what the first step gives."""
        for _, step in self.pipeline.steps[1:-1]:
            if isinstance(step, LinearInputs):
                return step.scaled(block)
            block = np.column_stack([block, step.rates(block)])
        return block

    def probability(self, inputs: NDArray[np.floating]) -> FloatArray:
        """Raw default probability, shape (n_clients,)."""
        classifier = self.pipeline[-1]
        if isinstance(classifier, LogisticRegression):  # scikit-learn's checks of the input take longer than the sum
            answer: FloatArray = expit(inputs @ classifier.coef_[0] + classifier.intercept_[0])
        else:
            answer = classifier.booster_.predict(inputs, num_threads=1)
        return answer


@dataclass(frozen=True)
class RowScorer:
    """A scorer that takes `Features`.

    Attributes
    ----------
    scorer : CreditScorer
    numeric : tuple of str
        Names of its numbers.
    categories : dict of str to dict of str to float
        Codes of its texts.
    members : tuple of RowMember
    features : tuple of str
        Features that are explained, in the order of the contributions.
    """

    scorer: CreditScorer
    numeric: tuple[str, ...]
    categories: dict[str, dict[str, float]]
    members: tuple[RowMember, ...]
    features: tuple[str, ...]

    @classmethod
    def of(cls, scorer: CreditScorer) -> "RowScorer":
        """Prepare a scorer.

        Raises
        ------
        ModelError
            Its members begin with different encodings, or have steps that only a frame can pass.
        """
        first, *others = [member_inputs(member) for member in scorer.members]
        if first is None or any(other != first for other in others) or not all(map(_takes_arrays, scorer.members)):
            raise ModelError(
                expected="members of LightGBM or logistic regression that begin with the same encoding of texts",
                found="another model",
                remedy="promote a version that python -m ml.train has made",
            )
        numeric, categories = first
        owners = [_owners(member, [*numeric, *categories]) for member in scorer.members]
        features = tuple(dict.fromkeys(name for names in owners for name in names))
        position = {name: at for at, name in enumerate(features)}
        weights = scorer.weights or (1.0,) * len(owners)
        members = tuple(
            RowMember(member, weight / sum(weights), np.array([position[name] for name in names], dtype=np.intp))
            for member, weight, names in zip(scorer.members, weights, owners, strict=True)
        )
        codes = {name: {text: float(code) for code, text in enumerate(texts)} for name, texts in categories.items()}
        return cls(scorer, numeric, codes, members, features)

    def probability(self, clients: Features) -> FloatArray:
        """Default probability of each client; 0 to 1."""
        block = self._block(clients)
        return self._calibrated([member.probability(member.inputs(block)) for member in self.members])

    def scored(self, clients: Features) -> tuple[FloatArray, Contributions]:
        """Default probability of each client, and what its features add to the log-odds."""
        block = self._block(clients)
        inputs = [member.inputs(block) for member in self.members]
        probability = self._calibrated(
            [member.probability(given) for member, given in zip(self.members, inputs, strict=True)]
        )
        values, base = np.zeros((len(self.features), len(clients))), 0.0
        for member, given in zip(self.members, inputs, strict=True):
            own, own_base = explained_values(member.pipeline, given)
            np.add.at(values, member.features, member.weight * own.T)
            base += member.weight * own_base
        return probability, Contributions(self.features, values.T, base, 1.0)

    def _calibrated(self, raw: Sequence[FloatArray]) -> FloatArray:
        return self.scorer.calibration(np.average(raw, axis=0, weights=self.scorer.weights or None))

    def _block(self, clients: Features) -> FloatArray:
        """What the first step gives, one row per client; a text that was not seen in training counts as missing."""
        block = np.empty((len(clients), len(self.numeric) + len(self.categories)))
        block[:, : len(self.numeric)] = clients.numbers(self.numeric)
        texts = [(clients.layout.text_at[name], codes) for name, codes in self.categories.items()]
        for row, given in zip(block, clients.texts, strict=True):
            for at, (place, codes) in enumerate(texts, start=len(self.numeric)):
                text = given[place]
                row[at] = np.nan if text is None else codes.get(text, np.nan)
        return block


def _takes_arrays(member: Pipeline) -> bool:
    *steps, classifier = [step for _, step in member.steps[1:]]
    if isinstance(classifier, LogisticRegression):
        *steps, last = steps or [None]
        if not isinstance(last, LinearInputs):
            return False
    elif not isinstance(classifier, lgb.LGBMClassifier):
        return False
    return all(isinstance(step, NeighbourRate | TargetEncodings) for step in steps)


def _owners(member: Pipeline, columns: list[str]) -> list[str]:
    """Explained feature behind each input of the classifier."""
    frame = pd.DataFrame(np.full((1, len(columns)), np.nan), columns=columns)
    for _, step in member.steps[1:-1]:
        if not isinstance(step, LinearInputs):
            frame = step.transform(frame)
    raw = set(member.feature_names_in_)
    return [raw_owner(name, raw) for name in explained_columns(member, list(frame.columns))]
