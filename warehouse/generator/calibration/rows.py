"""Calibration of the blocks of child rows: the shares of groups, marginals within them, frequencies of text columns."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from warehouse.generator.calibration import measure
from warehouse.generator.calibration.effects import Effects, measure_effects
from warehouse.generator.population.recipe import Block

MIN_KNOWN = 0.02
MAX_ROWS = 60
Array = np.ndarray
Entry = dict[str, Any]


@dataclass(frozen=True)
class MeasuredBlock:
    """A measured block: its part of the statistics file, the clients' effects, and its rows per client."""

    entry: Entry
    effects: Effects
    count: measure.Scored | None


@dataclass(frozen=True)
class Rows:
    """Rows of a block as DuckDB gave them: their values by name, the index and the weight of their client."""

    values: dict[str, Array]
    client: Array
    weights: Array


def measure_block(con: duckdb.DuckDBPyConnection, block: Block, clients: dict[str, Array]) -> MeasuredBlock:
    """Measure one block; `clients` must be sorted by id."""
    values = _read(con, block)
    client = np.searchsorted(clients["client_id"], values["client_id"])
    rows = Rows(values, client, clients["weight"][client])
    shares, chosen, groups = _measure_groups(block, rows)
    marginals, scaled = _measure_variables(block, rows, groups)
    effects = measure_effects({**chosen, **scaled}, rows.client, clients["weight"], one_per_client=block.one_per_client)
    entry = {
        "groups": shares,
        "variables": marginals,
        "follows": _measure_follows(block, rows, groups),
        "nominals": {name: _measure_nominal(rows, name) for name in block.nominals},
        **effects.entry,
    }
    if not block.counted:
        return MeasuredBlock(entry, effects, None)
    listed = np.bincount(client[values["apart"] == 0], minlength=len(clients["weight"])).astype(float)
    count = measure.score(np.minimum(listed, MAX_ROWS), clients["weight"])
    return MeasuredBlock(entry | {"count": count.entry}, effects, count)


def _read(con: duckdb.DuckDBPyConnection, block: Block) -> dict[str, Array]:
    """Values of the block's rows: `v:` variables, `c:` cells of nominal columns, text columns under their own names."""
    texts = [*block.groups, *block.follows, *block.nominals]
    columns = [
        "cast(SK_ID_CURR as double) as client_id",
        f"cast({block.apart} as double) as apart",
        *(f'{expression} as "v:{name}"' for name, expression in block.variables.items()),
        *(f'{expression} as "c:{name}"' for name, expression in block.nominals.items()),
        *(f'cast({name} as varchar) as "{name}"' for name in texts),
    ]
    found = con.execute(f"select {', '.join(columns)} from ({block.sql}) order by all").fetchnumpy()
    return {name: measure.plain(values) for name, values in found.items()}


def _measure_groups(block: Block, rows: Rows) -> tuple[Entry, dict[str, Array], Array]:
    """Shares and scaled scores of the variables that choose the group, each within the group so far; the final groups.

    Rows set apart have a group that was not chosen, hence no score.
    """
    groups = np.full(len(rows.client), "", dtype=object)
    entries: Entry = {}
    scaled = {}
    for name, order in block.groups.items():
        entries[name], scaled[name] = {}, np.full(len(groups), np.nan)
        for group in np.unique(groups):
            members = (groups == group) & (rows.values["apart"] == 0)
            part = measure.score(rows.values[name][members], rows.weights[members], order)
            entries[name][group], scaled[name][members] = part.entry, part.scaled
        pairs = zip(groups, rows.values[name], strict=True)
        groups = np.array([f"{group}/{value}".strip("/") for group, value in pairs], dtype=object)
    return entries, scaled, groups


def _measure_variables(block: Block, rows: Rows, groups: Array) -> tuple[Entry, dict[str, Array]]:
    """Marginals by group, and scaled scores of the variables that are known and vary often enough to be correlated."""
    marginals: Entry = {}
    scaled = {}
    for name in block.variables:
        values, scores = rows.values[f"v:{name}"], np.full(len(groups), np.nan)
        marginals[name] = {}
        for group in np.unique(groups):
            members = groups == group
            if not measure.is_null(values[members]).all():
                part = measure.score(values[members], rows.weights[members])
                marginals[name][group], scores[members] = part.entry, part.scaled
        if np.mean(~np.isnan(scores)) > MIN_KNOWN and np.nanstd(scores) > 0:
            scaled[name] = scores
    return marginals, scaled


def _measure_follows(block: Block, rows: Rows, groups: Array) -> Entry:
    entries: Entry = {}
    for name, (variable, order) in block.follows.items():
        shares = {}
        for group in np.unique(groups):
            members = groups == group
            shares[group] = measure.score(rows.values[name][members], rows.weights[members], order).entry
        entries[name] = {"variable": variable, "groups": shares}
    return entries


def _measure_nominal(rows: Rows, name: str) -> Entry:
    """Frequencies of a text column (null is a value) within each cell, the most frequent first."""
    entries: Entry = {}
    values, cells = rows.values[name], rows.values[f"c:{name}"]
    for cell in np.unique(cells):
        members = cells == cell
        totals: dict[str | None, float] = {}
        for label, weight in zip(values[members], rows.weights[members], strict=True):
            totals[label] = totals.get(label, 0.0) + weight
        ordered = sorted(totals, key=lambda label: (-totals[label], str(label)))
        overall = sum(totals.values())
        entries[cell] = {"values": ordered, "shares": [round(totals[label] / overall, 5) for label in ordered]}
    return entries
