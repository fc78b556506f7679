"""Calibration of the blocks of child rows: marginals by group, what rows of a client share, what they do not."""

from dataclasses import dataclass
from typing import Any

import duckdb
import numpy as np

from warehouse.generator import measure
from warehouse.generator.recipe import Block

MIN_INTRACLASS = 0.03
MIN_KNOWN = 0.02
ONE_ROW_SHARED = 0.9
MAX_ROWS = 60


@dataclass(frozen=True)
class MeasuredBlock:
    """A measured block: its part of the statistics file, and what the client correlation and the target need."""

    entry: dict[str, Any]
    effects: list[str]
    effect_correlation: np.ndarray
    effect_scaled: np.ndarray
    effect_scores: np.ndarray
    count: measure.Scored | None


def measure_block(con: duckdb.DuckDBPyConnection, block: Block, clients: dict[str, np.ndarray]) -> MeasuredBlock:
    """Measure one block; `clients` must be sorted by id."""
    rows = _read_rows(con, block)
    client = np.searchsorted(clients["client_id"], rows["client_id"])
    weights = clients["weight"][client]
    target = clients["TARGET"][client]
    chosen = np.where(rows["apart"] == 1, np.nan, weights)
    scored, groups = _score_groups(block, rows, chosen)
    marginals, columns = _score_variables(block, rows, groups, weights)
    names = list(scored) + list(columns)
    scaled = np.column_stack(list(scored.values()) + list(columns.values()))
    total = measure.total_correlation(scaled, weights)
    if block.one_per_client:
        between = ONE_ROW_SHARED * total
    else:
        between = measure.between_correlation(scaled, client, weights)
    entry = {
        "groups": {name: part for name, part in _group_entries(block, rows, chosen).items()},
        "variables": marginals,
        "follows": _follows(block, rows, groups, weights),
        "nominals": {name: _nominal(rows, name, weights, target) for name in block.nominals},
    }
    return _with_effects(
        entry, names, scaled, total, between, client, clients, rows["apart"] == 0 if block.counted else None
    )


def _read_rows(con: duckdb.DuckDBPyConnection, block: Block) -> dict[str, np.ndarray]:
    select = ", ".join(f'{expression} as "v:{name}"' for name, expression in block.variables.items())
    texts = [*block.groups, *block.follows, *block.nominals]
    cells = ", ".join(f'{expression} as "c:{name}"' for name, expression in block.nominals.items())
    columns = ", ".join(
        part for part in (select, cells, *(f'cast({name} as varchar) as "{name}"' for name in texts)) if part
    )
    query = f"select cast(SK_ID_CURR as double) as client_id, cast({block.apart} as double) as apart, {columns} from ({block.sql}) order by all"
    rows = {name: measure.plain(values) for name, values in con.execute(query).fetchnumpy().items()}
    return rows


def _score_groups(block: Block, rows: dict[str, np.ndarray], weights: np.ndarray) -> tuple[dict, np.ndarray]:
    """Scores of the variables that choose the group, each within the group so far, and the group of every row.

    Rows without weight (NaN) have a group that was not chosen, hence no score.
    """
    groups = np.full(len(weights), "", dtype=object)
    scored = {}
    for name, order in block.groups.items():
        scaled = np.full(len(weights), np.nan)
        for group in np.unique(groups):
            members = (groups == group) & ~np.isnan(weights)
            scaled[members] = measure.score(rows[name][members], weights[members], order).scaled
        scored[name] = scaled
        groups = _deeper(groups, rows[name])
    return scored, groups


def _deeper(groups: np.ndarray, values: np.ndarray) -> np.ndarray:
    return np.array([f"{group}/{value}".strip("/") for group, value in zip(groups, values, strict=True)], dtype=object)


def _group_entries(block: Block, rows: dict[str, np.ndarray], weights: np.ndarray) -> dict[str, Any]:
    """Shares of the group variables: overall for the first, within the first for the second."""
    entries: dict[str, Any] = {}
    groups = np.full(len(weights), "", dtype=object)
    for name, order in block.groups.items():
        entries[name] = {}
        for group in np.unique(groups):
            members = (groups == group) & ~np.isnan(weights)
            entries[name][group] = measure.score(rows[name][members], weights[members], order).entry
        groups = _deeper(groups, rows[name])
    return entries


def _score_variables(
    block: Block, rows: dict[str, np.ndarray], groups: np.ndarray, weights: np.ndarray
) -> tuple[dict, dict]:
    marginals: dict[str, dict[str, Any]] = {}
    columns: dict[str, np.ndarray] = {}
    for name in block.variables:
        values = rows[f"v:{name}"]
        columns[name] = np.full(len(values), np.nan)
        marginals[name] = {}
        for group in np.unique(groups):
            members = groups == group
            if not measure.is_null(values[members]).all():
                part = measure.score(values[members], weights[members])
                columns[name][members] = part.scaled
                marginals[name][group] = part.entry
    return marginals, {name: values for name, values in columns.items() if _in_copula(values)}


def _in_copula(scaled: np.ndarray) -> bool:
    """Variables that are nearly always null, or always the same, are drawn on their own."""
    return np.mean(~np.isnan(scaled)) > MIN_KNOWN and np.nanstd(scaled) > 0


def _follows(block: Block, rows: dict[str, np.ndarray], groups: np.ndarray, weights: np.ndarray) -> dict[str, Any]:
    return {
        name: {"variable": variable, "groups": {
            group: measure.score(rows[name][groups == group], weights[groups == group], order).entry
            for group in np.unique(groups)
        }}
        for name, (variable, order) in block.follows.items()
    }  # fmt: skip


def _nominal(rows: dict[str, np.ndarray], name: str, weights: np.ndarray, target: np.ndarray) -> dict[str, Any]:
    """Frequencies of a text column (null is a value) within each cell."""
    entries = {}
    values, cells = rows[name], rows[f"c:{name}"]
    for cell in np.unique(cells):
        members = cells == cell
        labels = [None if value is None else value for value in values[members]]
        shares: dict[str | None, float] = {}
        for label, weight in zip(labels, weights[members], strict=True):
            shares[label] = shares.get(label, 0.0) + weight
        total = sum(shares.values())
        ordered = sorted(shares, key=lambda label: (-shares[label], str(label)))
        entries[cell] = {"values": ordered, "shares": [round(shares[label] / total, 5) for label in ordered]}
    return entries


def _with_effects(
    entry: dict[str, Any], names: list[str], scaled: np.ndarray, total: np.ndarray, between: np.ndarray,
    client: np.ndarray, clients: dict[str, np.ndarray], counted: np.ndarray | None,
) -> MeasuredBlock:  # fmt: skip
    """Split the correlation of rows into what the client brings along and what is the row's own."""
    n_clients = len(clients["weight"])
    intraclass = np.diag(between).copy()
    kept = [k for k in range(len(names)) if intraclass[k] > MIN_INTRACLASS]
    loading = np.sqrt(np.clip(intraclass[kept], 0, 0.95))
    shared = np.zeros_like(total)
    correlation = measure.nearest_correlation(_unit_diagonal(between[np.ix_(kept, kept)] / np.outer(loading, loading)))
    shared[np.ix_(kept, kept)] = correlation * np.outer(loading, loading)
    own = _positive(total - shared, 1 - np.diag(shared))
    means, counts = measure.client_means(scaled[:, kept], client, n_clients)
    noise = np.nanmean(scaled[:, kept] ** 2, axis=0) - loading**2
    with np.errstate(invalid="ignore", divide="ignore"):
        scores = means * loading / (loading**2 + noise / counts)
    entry |= {
        "names": names,
        "effects": [names[k] for k in kept],
        "loading": [round(float(v), 3) for v in loading],
        "noise": [round(float(v), 3) for v in noise],
        "own": [[round(float(v), 3) for v in row[: i + 1]] for i, row in enumerate(own)],
    }
    count = None
    if counted is not None:
        rows = np.bincount(client[counted], minlength=n_clients).astype(float)
        count = measure.score(np.minimum(rows, MAX_ROWS), clients["weight"])
        entry["count"] = count.entry
    return MeasuredBlock(entry, entry["effects"], correlation, means / loading, scores, count)


def _unit_diagonal(matrix: np.ndarray) -> np.ndarray:
    result = np.clip(matrix, -0.95, 0.95)
    np.fill_diagonal(result, 1.0)
    return result


def _positive(matrix: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
    """Covariance next to `matrix` that is positive definite and has the given diagonal."""
    scale = np.sqrt(np.maximum(diagonal, 0.02))
    return measure.nearest_correlation(_unit_diagonal(matrix / np.outer(scale, scale))) * np.outer(scale, scale)
