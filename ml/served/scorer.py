"""What is registered and served: pipelines whose mean is calibrated and compared with a threshold.

The package `ml.served` travels with every exported model, and this module is its MLflow loader (`_load_pyfunc`), so the
package imports nothing else of this project: what the server runs is what training ran.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import skops.io
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from ml.served.calibration import Calibration

DECISION_FILE = "decision.json"
TRUSTED_TYPES = (
    "collections.OrderedDict",
    "lightgbm.basic.Booster",
    "lightgbm.sklearn.LGBMClassifier",
    "ml.served.transformers.LinearInputs",
    "ml.served.transformers.NeighbourRate",
    "ml.served.transformers.TargetEncodings",
    "numpy.dtype",
    "sklearn.utils._encode.MissingValues",
)
GRANT, REFUSE = "grant", "refuse"


@dataclass(frozen=True)
class CreditScorer:
    """The whole model.

    Attributes
    ----------
    members : tuple of sklearn.pipeline.Pipeline
        Raw features in, `predict_proba` out; their mean counts.
    calibration : Calibration
        Applied to the mean.
    threshold : float
        Applicants from this default probability on are refused.
    weights : tuple of float
        Of the members in the mean; all the same when empty.
    """

    members: tuple[Pipeline, ...]
    calibration: Calibration
    threshold: float
    weights: tuple[float, ...] = ()

    @property
    def features(self) -> tuple[str, ...]:
        """Names of the raw features that the members read."""
        return tuple(dict.fromkeys(name for member in self.members for name in member.feature_names_in_))

    def probability(self, frame: pd.DataFrame) -> NDArray[np.float64]:
        """Default probability of each applicant, shape (n_applicants,), 0 to 1."""
        raw = [member.predict_proba(frame)[:, 1] for member in self.members]
        return self.calibration(np.average(raw, axis=0, weights=self.weights or None))

    def decide(self, frame: pd.DataFrame) -> pd.DataFrame:
        """Probability, decision ("grant" or "refuse") and threshold of each applicant, in the order given."""
        probability = self.probability(frame)
        decision = np.where(probability >= self.threshold, REFUSE, GRANT)
        return pd.DataFrame({"probability": probability, "decision": decision, "threshold": self.threshold})

    def predict(self, frame: pd.DataFrame, params: dict[str, Any] | None = None) -> pd.DataFrame:
        """What MLflow calls; see `decide`."""
        return self.decide(frame)

    def save(self, folder: Path) -> None:
        """Write the members with skops and the rest as JSON, without pickle."""
        folder.mkdir(parents=True, exist_ok=True)
        for number, member in enumerate(self.members):
            skops.io.dump(member, folder / f"member_{number}.skops")
        calibration = {name: getattr(self.calibration, name) for name in ("method", "points", "slope", "intercept")}
        decision = {
            "threshold": self.threshold,
            "members": len(self.members),
            "weights": self.weights,
            "calibration": calibration,
        }
        (folder / DECISION_FILE).write_text(json.dumps(decision, indent=2), encoding="utf-8")

    @classmethod
    def load(cls, folder: Path) -> "CreditScorer":
        """Read what `save` wrote."""
        decision = json.loads((folder / DECISION_FILE).read_text(encoding="utf-8"))
        members = tuple(
            skops.io.load(folder / f"member_{number}.skops", trusted=list(TRUSTED_TYPES))
            for number in range(decision["members"])
        )
        calibration = decision["calibration"]
        raw, calibrated = (tuple(axis) for axis in calibration.pop("points"))
        weights = tuple(decision["weights"])
        return cls(members, Calibration(points=(raw, calibrated), **calibration), decision["threshold"], weights)


def _load_pyfunc(path: str) -> CreditScorer:
    """The entry point of MLflow's loader; `path` is the folder that `save` wrote."""
    return CreditScorer.load(Path(path))
