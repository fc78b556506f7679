"""Calibration of the target: coefficients of the clients' scores that give each of them its power over the label."""

from typing import Any

import numpy as np

from warehouse.generator.population.clients import Population
from warehouse.generator.population.drift import Drift
from warehouse.generator.population.statistics import Statistics
from warehouse.generator.tables.target import RATE_WITH_BUREAU, RATE_WITHOUT_BUREAU, UNSEEN_WITHOUT, observed_scores

Array = np.ndarray
PENALTY = 150.0
EASED = 0.1
MIN_COEFFICIENT = 0.01
STEPS = 30
SIMULATED_CLIENTS = 60_000
MATCHING_ROUNDS = 40
MATCHING_RATE = 0.09
# Histories lose a little of what the coefficients put into them; a model on all features shall find it nevertheless.
STRENGTH = 1.05


def first_target(names: list[str], scores: Array, target: Array) -> dict[str, Any]:
    """Coefficients by a ridge logistic regression on the real labels (score 0 where a variable is null).

    The penalty looks at variables of equal spread, so that what is known of few clients is not shrunk for that. A
    second fit penalises a variable the less the larger its first coefficient was: noise is shrunk, strong ones not.
    `gaps` are the mean scores of defaulters less those of the others, shrunk by what chance explains; where the
    generator knows the client's effect itself, not a guess of it from rows, they are those of the effect.
    """
    labelled = ~np.isnan(target)
    X, y = np.nan_to_num(scores[labelled]), target[labelled]
    spread = X.std(axis=0)
    first = ridge_logistic(X / spread, y, np.full(X.shape[1], PENALTY))
    coefficients = ridge_logistic(X / spread, y, PENALTY * EASED / (np.abs(first) + EASED / 5)) / spread
    gap = X[y == 1].mean(axis=0) - X[y == 0].mean(axis=0)
    error = spread * np.sqrt(1 / y.sum() + 1 / (1 - y).sum())
    gap *= np.maximum(1 - (error / gap) ** 2, 0)
    for k, name in enumerate(names):
        if name.split(".")[0] in UNSEEN_WITHOUT and "." in name and not name.endswith(".count"):
            gap[k] /= np.nanvar(scores[labelled, k])
    kept = [k for k in range(len(names)) if gap[k] != 0 or abs(coefficients[k]) > MIN_COEFFICIENT]
    return {
        "coefficients": {names[k]: round(float(coefficients[k]), 4) for k in kept},
        "gaps": {names[k]: round(float(gap[k]), 4) for k in kept if gap[k] != 0},
    }


def match_target(statistics: Statistics) -> dict[str, Any]:
    """Move the coefficients until simulated clients show the gaps of real ones, and solve the two intercepts.

    Each round adds to every coefficient a part of what its variable's gap still lacks; few rounds, so that directions
    in which variables hardly differ stay where the regression left them.
    """
    population = Population(statistics, SIMULATED_CLIENTS, 0, Drift("none"))
    names = list(statistics.target["coefficients"])
    columns = [statistics.clients.position[name] for name in names]
    parts = [
        (observed_scores(population, chunk)[:, columns], population.counts(chunk, "bureau"))
        for chunk in population.chunks()
    ]
    X, known = np.concatenate([part for part, _ in parts]), np.concatenate([counts for _, counts in parts]) > 0
    beta = np.array(list(statistics.target["coefficients"].values()))
    gaps = statistics.target["gaps"]
    wanted, matched = np.array([gaps.get(name, 0.0) for name in names]), np.array([name in gaps for name in names])
    variance = X.var(axis=0)
    for _ in range(MATCHING_ROUNDS):
        p, _ = _probabilities(X @ beta, known)
        gap = p @ X / p.sum() - (1 - p) @ X / (1 - p).sum()
        beta += MATCHING_RATE * matched * (wanted - gap) / variance
    beta *= STRENGTH
    _, intercepts = _probabilities(X @ beta, known)
    return {
        "coefficients": {name: round(float(value), 4) for name, value in zip(names, beta, strict=True)},
        "intercept_with_bureau": round(intercepts[0], 4),
        "intercept_without_bureau": round(intercepts[1], 4),
    }


def ridge_logistic(X: Array, y: Array, penalty: Array) -> Array:
    """Coefficients that maximise sum(log p) - sum(penalty * b^2) / 2, by Newton steps; the intercept is free."""
    design = np.column_stack([X, np.ones(len(X))])
    ridge = np.diag([*penalty, 0.0])
    beta = np.zeros(design.shape[1])
    for _ in range(STEPS):
        p = 1 / (1 + np.exp(-design @ beta))
        gradient = design.T @ (y - p) - ridge @ beta
        hessian = (design * (p * (1 - p))[:, None]).T @ design + ridge
        step = np.linalg.solve(hessian, gradient)
        beta += step
        if np.abs(step).max() < 1e-8:
            break
    return beta[:-1]


def _probabilities(linear: Array, known: Array) -> tuple[Array, tuple[float, float]]:
    """Probabilities at the default rates of clients with and without a credit bureau record, and the intercepts."""
    with_bureau = _intercept(linear[known], RATE_WITH_BUREAU)
    without = _intercept(linear[~known], RATE_WITHOUT_BUREAU)
    return 1 / (1 + np.exp(-(linear + np.where(known, with_bureau, without)))), (with_bureau, without)


def _intercept(linear: Array, rate: float) -> float:
    """Intercept at which the mean probability is `rate`, by bisection."""
    low, high = -12.0, 6.0
    for _ in range(40):
        middle = (low + high) / 2
        low, high = (middle, high) if np.mean(1 / (1 + np.exp(-(middle + linear)))) < rate else (low, middle)
    return (low + high) / 2
