"""A scorer that takes a mart batch by batch, as Arrow: the answers of `CreditScorer.decide`, many times faster."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import lightgbm as lgb
import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray
from sklearn.compose import ColumnTransformer
from sklearn.pipeline import Pipeline
from sklearn.preprocessing import OrdinalEncoder

from ml.scoring.flat_trees import FlatTrees
from ml.served.scorer import CreditScorer
from warehouse.core.errors import ModelError

ROWS_CHECKED = 100
TOLERANCE = 1e-12

FloatArray = NDArray[np.float64]


@dataclass(frozen=True)
class BatchScorer:
    """A scorer whose first step, the same in all members, is done once per batch and without a frame of texts.

    Attributes
    ----------
    scorer : CreditScorer
        The model.
    numeric : tuple of str
        Names of its numbers.
    categories : dict of str to tuple of str
        Values of its texts, in the order of their codes.
    flat : tuple of FlatTrees or None
        Per member: small trees, or None for what scikit-learn or LightGBM evaluate themselves.
    """

    scorer: CreditScorer
    numeric: tuple[str, ...]
    categories: dict[str, tuple[str, ...]]
    flat: tuple[FlatTrees | None, ...]

    @classmethod
    def of(cls, scorer: CreditScorer) -> "BatchScorer":
        """Prepare a scorer.

        Raises
        ------
        ModelError
            Its members do not begin with one and the same encoding.
        """
        first, *others = [member_inputs(member) for member in scorer.members]
        if first is None or any(other != first for other in others):
            raise ModelError(
                expected="a model whose members begin with the same encoding of texts",
                found="another beginning",
                remedy="run: python -m ml.train",
            )
        numeric, categories = first
        return cls(scorer, numeric, categories, tuple(_flat(member, numeric, categories) for member in scorer.members))

    @property
    def features(self) -> tuple[str, ...]:
        """Columns that a batch must have, in this order: numbers as double, then texts as string."""
        return self.numeric + tuple(self.categories)

    def probability(self, batch: pa.RecordBatch) -> FloatArray:
        """Default probability of each applicant of a batch with the columns `features`; 0 to 1."""
        block = self._block(batch)
        frame = pd.DataFrame(block.T, columns=list(self.features), copy=False)
        raw = [
            flat.probability(block) if flat else member[1:].predict_proba(frame)[:, 1]
            for member, flat in zip(self.scorer.members, self.flat, strict=True)
        ]
        return self.scorer.calibration(np.average(raw, axis=0, weights=self.scorer.weights or None))

    @property
    def notes(self) -> tuple[str, ...]:
        """What makes the scoring slower than usual: a line per member whose trees flat trees cannot hold."""
        return tuple(
            f"member {number} has trees that only LightGBM evaluates: slower than usual"
            for number, (member, flat) in enumerate(zip(self.scorer.members, self.flat, strict=True))
            if flat is None and isinstance(member[-1], lgb.LGBMClassifier)
        )

    def checked(self, batch: pa.RecordBatch, say: Callable[[str], None]) -> "BatchScorer":
        """The same, once its answers for a few applicants are those of `CreditScorer`.

        Parameters
        ----------
        batch : RecordBatch
        say : callable
            Takes a warning when only the scorer without flat trees, which is slower, answers like the model.

        Raises
        ------
        ModelError
            That one answers differently too.
        """
        few = batch.slice(0, ROWS_CHECKED)
        expected = self.scorer.probability(batch_frame(few, self.numeric))
        difference = _largest_difference(self.probability(few), expected)
        if difference <= TOLERANCE:
            return self
        say(f"warning: flat trees differ from the model by {difference:.1e}: scoring without them, which is slower")
        slower = replace(self, flat=(None,) * len(self.flat))
        difference = _largest_difference(slower.probability(few), expected)
        if difference > TOLERANCE:
            raise ModelError(
                expected=f"the same scores batch by batch as applicant by applicant, within {TOLERANCE:.0e}",
                found=f"a difference of {difference:.1e} among {few.num_rows} applicants",
                remedy="do not use these scores; score through the exported model instead (ml/model)",
            )
        return slower

    def _block(self, batch: pa.RecordBatch) -> FloatArray:
        """What the first step gives, one row per feature."""
        block = np.empty((len(self.features), batch.num_rows))
        for row, name in zip(block, self.features, strict=True):
            column = batch.column(name)
            if name in self.categories:
                known = pa.array(self.categories[name], type=pa.string())
                column = pc.index_in(column, value_set=known).cast(pa.float64())
            row[:] = column.to_numpy(zero_copy_only=False)
        return block


def member_inputs(member: Pipeline) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]] | None:
    """Numbers and categories that a member begins with; None when it begins with something else."""
    encoding = member.steps[0][1]
    if not isinstance(encoding, ColumnTransformer):
        return None
    kept = {name: (step, tuple(columns)) for name, step, columns in encoding.transformers_ if len(columns)}
    numeric = kept.get("numeric", (None, ()))[1]
    encoder, texts = kept.get("categorical", (None, ()))
    if set(kept) - {"numeric", "categorical"} or (texts and not isinstance(encoder, OrdinalEncoder)):
        return None
    values: Sequence = encoder.categories_ if texts else ()
    return numeric, {name: tuple(map(str, known)) for name, known in zip(texts, values, strict=True)}


def _flat(member: Pipeline, numeric: tuple[str, ...], categories: dict[str, tuple[str, ...]]) -> FlatTrees | None:
    if len(member.steps) != 2 or not isinstance(member[-1], lgb.LGBMClassifier):
        return None
    sizes = {place: len(values) for place, values in enumerate(categories.values(), start=len(numeric))}
    return FlatTrees.of(member[-1].booster_, sizes)


def _largest_difference(found: FloatArray, expected: FloatArray) -> float:
    """Infinite when a probability is no number."""
    return float(np.nan_to_num(np.abs(found - expected), nan=np.inf).max(initial=0.0))


def batch_frame(batch: pa.RecordBatch, numeric: tuple[str, ...]) -> pd.DataFrame:
    """A batch as a served model receives it: doubles and strings."""
    kinds = {name: "float64" if name in numeric else "str" for name in batch.schema.names}
    return batch.to_pandas().astype(kinds)
