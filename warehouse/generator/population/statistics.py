"""The statistics file, read into the models that draw clients and the rows of their histories."""

import json
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from warehouse.core.errors import SettingsError
from warehouse.generator.population.marginals import Marginal, Texts, from_json, labels_in
from warehouse.loading.contract import load_contract

STATISTICS_FILE = Path(__file__).with_name("statistics.json")
Array = np.ndarray


@dataclass(frozen=True)
class ClientModel:
    """Everything about a client that is drawn together.

    Attributes
    ----------
    names : list of str
        Variables of the copula: columns of the application, `COLUMN?` (is null), `block.count` and `block.VARIABLE`
        (what the client brings to every row of that block).
    factor : numpy.ndarray, shape (n_names, n_names)
        Lower Cholesky factor of their correlation.
    variables : dict
        Marginals, also of the few variables outside the copula, which are independent.
    nulls : dict
        Column to the `COLUMN?` variable that nulls it.
    housing : dict
        For each _MODE and _MEDI column: share of values equal to _AVG, correlation of the others, marginal.
    """

    names: list[str]
    factor: Array
    variables: dict[str, Marginal]
    nulls: dict[str, str]
    housing: dict[str, tuple[float, float, Marginal]]

    @cached_property
    def position(self) -> dict[str, int]:
        """Column of each variable in a matrix of scores."""
        return {name: k for k, name in enumerate(self.names)}

    def draw(self, rng: np.random.Generator, n: int) -> Array:
        """Normal scores (n, n_names) of `n` clients."""
        return rng.standard_normal((n, len(self.names))) @ self.factor.T


@dataclass(frozen=True)
class RowModel:
    """Rows of one block: score = loading x the client's effect + the row's own part.

    Attributes
    ----------
    names, effects : list of str
        All variables; those to which the client contributes.
    loading, noise : numpy.ndarray, shape (n_effects,)
        Share of the client in a row's score; variance of one row's scaled score around it.
    factor : numpy.ndarray, shape (n_names, n_names)
        Cholesky factor of the covariance of the row's own part.
    groups, variables, follows : dict
        Variable to group to marginal; `follows` names the variable whose score it takes, too.
    nominals : dict
        Text column to cell to frequencies.
    count : Marginal or None
        Rows per client.
    shift : numpy.ndarray, shape (n_effects,)
        Mean effect over rows: clients with many rows weigh more there than among clients.
    """

    names: list[str]
    effects: list[str]
    loading: Array
    noise: Array
    factor: Array
    groups: dict[str, dict[str, Marginal]]
    variables: dict[str, dict[str, Marginal]]
    follows: dict[str, tuple[str, dict[str, Marginal]]]
    nominals: dict[str, dict[str, Marginal]]
    count: Marginal | None
    shift: Array

    def draw(self, rng: np.random.Generator, effects: Array) -> dict[str, Array]:
        """Normal scores of every variable for rows whose clients have these effects (n_rows, n_effects)."""
        scores = rng.standard_normal((len(effects), len(self.names))) @ self.factor.T
        index = [self.names.index(name) for name in self.effects]
        scores[:, index] += (effects - self.shift) * self.loading
        return {name: scores[:, k] for k, name in enumerate(self.names)}


@dataclass(frozen=True)
class Statistics:
    """The whole file."""

    texts: Texts
    clients: ClientModel
    target: dict[str, Any]
    blocks: dict[str, RowModel]
    rates: dict[str, float]


def load_statistics(path: Path = STATISTICS_FILE) -> Statistics:
    """Read the statistics.

    Raises
    ------
    SettingsError
        The file is missing or was made by another version of `calibrate`.
    """
    try:
        return parse_statistics(json.loads(path.read_text(encoding="utf-8")))
    except (OSError, KeyError, ValueError, np.linalg.LinAlgError) as error:
        raise SettingsError(
            expected=f"statistics of the real files in {path}",
            found=repr(error),
            remedy="restore the file from version control, or run: python -m warehouse.generator.calibrate --raw DIR",
        ) from error


def parse_statistics(document: dict[str, Any]) -> Statistics:
    """Build the models from the content of the file."""
    columns = [column for table in load_contract().tables.values() for column in table.columns]
    allowed = [value for column in columns for value in column.values or () if isinstance(value, str)]
    texts = Texts([*labels_in(document), *allowed])
    clients = _client_model(document["clients"], texts)
    blocks = {name: _row_model(name, entry, texts, clients) for name, entry in document.items() if "loading" in entry}
    return Statistics(texts, clients, document["target"], blocks, document["rates"])


def _client_model(entry: dict[str, Any], texts: Texts) -> ClientModel:
    correlation = np.eye(len(entry["names"]))
    for i, row in enumerate(entry["correlation"]):
        correlation[i, :i] = correlation[:i, i] = row
    return ClientModel(
        names=entry["names"],
        factor=np.linalg.cholesky(_positive_definite(correlation)),
        variables={name: from_json(part, texts) for name, part in entry["variables"].items()},
        nulls=entry["nulls"],
        housing={
            name: (part["equal"], part["correlation"], from_json(part, texts))
            for name, part in entry["housing"].items()
        },
    )


def _row_model(block: str, entry: dict[str, Any], texts: Texts, clients: ClientModel) -> RowModel:
    own = np.zeros((len(entry["names"]),) * 2)
    for i, row in enumerate(entry["own"]):
        own[i, : i + 1] = own[: i + 1, i] = row
    count = from_json(entry["count"], texts) if "count" in entry else None
    return RowModel(
        names=entry["names"],
        effects=entry["effects"],
        loading=np.array(entry["loading"]),
        noise=np.array(entry["noise"]),
        factor=np.linalg.cholesky(_positive_definite(own)),
        groups={name: _marginals(part, texts) for name, part in entry["groups"].items()},
        variables={name: _marginals(part, texts) for name, part in entry["variables"].items()},
        follows={
            name: (part["variable"], _marginals(part["groups"], texts)) for name, part in entry["follows"].items()
        },
        nominals={name: _marginals(part, texts) for name, part in entry["nominals"].items()},
        count=count,
        shift=_row_shift(block, entry["effects"], count, clients),
    )


def _marginals(entry: dict[str, Any], texts: Texts) -> dict[str, Marginal]:
    return {group: from_json(part, texts) for group, part in entry.items()}


def _row_shift(block: str, effects: list[str], count: Marginal | None, clients: ClientModel) -> Array:
    """E[effect] over rows = correlation(effect, count score) * E[count score * count] / E[count]."""
    if count is None or not effects:
        return np.zeros(len(effects))
    z = np.linspace(-5, 5, 2001)
    density = np.exp(-z * z / 2)
    rows = count.at(z)
    lift = float((z * rows * density).sum() / (rows * density).sum())
    covariance = clients.factor @ clients.factor[clients.position[f"{block}.count"]]
    return np.array([covariance[clients.position[f"{block}.{name}"]] for name in effects]) * lift


def _positive_definite(matrix: Array) -> Array:
    """The rounded covariance again as a proper one with the same diagonal."""
    values, vectors = np.linalg.eigh(matrix)
    repaired = (vectors * np.maximum(values, 1e-4)) @ vectors.T
    scale = np.sqrt(np.diag(matrix) / np.diag(repaired))
    return repaired * np.outer(scale, scale)
