"""Decisions by protected group: measured, written, logged."""

import json
import shutil
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from ml.data.training_set import KEY, SCHEMA, TARGET, TRAINING_TABLE
from ml.fair_lending.figure import fairness_figure
from ml.fair_lending.groups import (
    FOUR_FIFTHS,
    SMALL_GROUP,
    GroupMeasures,
    attributes,
    groups_frame,
    lowest_impact,
    measure_groups,
)
from ml.fair_lending.price import Price
from ml.registry.registry import RegisteredModel, Registry
from warehouse.core.database import connect, require_table
from warehouse.core.errors import TrainingDataError

ARTIFACTS = "fairness"


GROUPS_FILE, TABLE_FILE, FIGURE_FILE, PRICE_FILE = "groups.json", "groups.csv", "groups.png", "without_protected.json"


ATTRIBUTE_COLUMNS = ("code_gender", "days_birth", "name_family_status")


JUDGED_ON = "calibrated out-of-fold predictions of the applicants outside the hold-out, at the model's threshold"


@dataclass(frozen=True)
class Fairness:
    """Decisions of a version by group; `price` is None when it was not measured."""

    model: RegisteredModel
    threshold: float
    applicants: int
    groups: list[GroupMeasures]
    price: Price | None

    @property
    def metrics(self) -> dict[str, float]:
        """As they are logged: the least impact ratio by attribute, and the price."""
        lowest = lowest_impact(self.groups).items()
        ratios = {
            f"fairness_impact_ratio_{attribute.replace(' ', '_')}": group.impact_ratio.estimate
            for attribute, group in lowest
        }
        return ratios | (self.price.metrics if self.price else {})


def judge_fairness(registry: Registry, model: RegisteredModel, database: Path) -> Fairness:
    """Measure the decisions of a version on the applicants that it was developed on, out of fold.

    Parameters
    ----------
    registry : Registry
        Holds the version's out-of-fold predictions.
    model : RegisteredModel
        The version.
    database : Path
        Warehouse or snapshot that it was trained on: gives gender, age and family status.

    Returns
    -------
    Fairness

    Raises
    ------
    WarehouseMissingError, WarehouseLockedError
        The training set cannot be read.
    TrainingDataError
        It lacks the attributes or the applicants.
    ModelError
        The version's run has lost its files.
    """
    manifest = registry.manifest(model)
    predictions = registry.out_of_fold(model)
    known = _read_attributes(database, predictions[KEY])
    threshold = float(manifest["threshold"])
    probability = predictions["default_probability"].to_numpy()
    measured = measure_groups(
        predictions[TARGET].to_numpy(dtype=np.int8),
        probability,
        probability >= threshold,
        attributes(*(known[name] for name in ATTRIBUTE_COLUMNS)),
        int(manifest["config"]["seed"]),
    )
    return Fairness(model, threshold, len(predictions), measured, None)


def write(fairness: Fairness, folder: Path) -> None:
    """Write table, document and figure into a folder that exists."""
    groups_frame(fairness.groups).to_csv(folder / TABLE_FILE, index=False)
    document = {
        "version": fairness.model.version,
        "threshold": fairness.threshold,
        "applicants": fairness.applicants,
        "judged_on": JUDGED_ON,
        "four_fifths": FOUR_FIFTHS,
        "groups": [_plain(asdict(group) | {"is_small": group.is_small}) for group in fairness.groups],
    }
    _write_json(folder / GROUPS_FILE, document)
    subtitle = (
        f"version {fairness.model.version}, {fairness.applicants:,} applicants out of fold, "
        f"refused from {fairness.threshold:.4f} on; 95 % intervals, grey: fewer than {SMALL_GROUP} defaulters"
    )
    fairness_figure(fairness.groups, subtitle).savefig(folder / FIGURE_FILE)
    if fairness.price is not None:
        _write_json(folder / PRICE_FILE, _plain(fairness.price.to_dict()))


def table(measured: list[GroupMeasures]) -> str:
    """Measures by group for a terminal."""
    widths = {"clients": 9, "default": 9, "predicted": 11, "approved": 10, "ratio": 7, "TPR": 7, "FPR": 7, "cost": 8}
    head = " " * 30 + "".join(f"{name:>{width}}" for name, width in widths.items())
    lines = []
    for number, group in enumerate(measured):
        if number == 0 or group.attribute != measured[number - 1].attribute:
            lines.append(f"  {group.attribute}")
        mark = " !" if group.fails_four_fifths else "  "
        name = group.group + (" (few)" if group.is_small else "")
        lines.append(
            f"    {name:<26}{group.applicants:>9,}{group.default_rate:>9.1%}{group.mean_probability:>11.1%}"
            f"{group.approval_rate.estimate:>10.1%}{_ratio(group.impact_ratio.estimate):>7}"
            f"{_ratio(group.true_positive_rate.estimate):>7}{_ratio(group.false_positive_rate.estimate):>7}"
            f"{group.cost_per_1000.estimate:>8.1f}{mark}"
        )
    legend = (
        f"  ratio: approval against the group approved most (! below {FOUR_FIFTHS:.1f}); TPR: defaulters refused;\n"
        f"  FPR: good payers refused; cost per 1,000 applications; few: fewer than {SMALL_GROUP} defaulters"
    )
    return "\n".join([head, *lines, legend])


def _read_attributes(database: Path, keys: pd.Series) -> pd.DataFrame:
    """Attributes of applicants, in the order of the keys."""
    with connect(database) as con:
        require_table(con, SCHEMA, TRAINING_TABLE)
        there = {name for name, *_ in con.execute(f"describe {SCHEMA}.{TRAINING_TABLE}").fetchall()}
        absent = [name for name in ATTRIBUTE_COLUMNS if name not in there]
        if absent:
            raise TrainingDataError(
                expected=f"{', '.join(ATTRIBUTE_COLUMNS)} in {SCHEMA}.{TRAINING_TABLE}",
                found=f"no {', '.join(absent)}",
                remedy="name the warehouse that the version was trained on with --database",
            )
        found = con.sql(f"select {KEY}, {', '.join(ATTRIBUTE_COLUMNS)} from {SCHEMA}.{TRAINING_TABLE}").df()
    found = found.set_index(KEY)
    missing = int((~keys.isin(found.index)).sum())
    if missing:
        raise TrainingDataError(
            expected=f"the {len(keys):,} applicants of the run in {SCHEMA}.{TRAINING_TABLE}",
            found=f"{missing:,} of them missing",
            remedy="name the warehouse that the version was trained on with --database",
        )
    return found.loc[keys].reset_index(drop=True)


def _plain(value: Any) -> Any:  # noqa: ANN401 - any document
    """The same with null for NaN, which JSON does not know."""
    if isinstance(value, dict):
        return {name: _plain(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    return None if isinstance(value, float) and np.isnan(value) else value


def _write_json(path: Path, document: dict[str, Any]) -> None:
    path.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")


def _ratio(value: float) -> str:
    return "-" if np.isnan(value) else f"{value:.2f}"


def _keep(registry: Registry, fairness: Fairness, out: Path | None) -> None:
    with tempfile.TemporaryDirectory() as folder:
        write(fairness, Path(folder))
        registry.attach(fairness.model, Path(folder), ARTIFACTS, fairness.metrics)
        if out is not None:
            shutil.copytree(folder, out.expanduser(), dirs_exist_ok=True)
    where = f" and written to {out}" if out else ""
    print(f"\nlogged to run {fairness.model.run_id} as {ARTIFACTS}/{where}")
