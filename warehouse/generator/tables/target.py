"""The label: a logistic function of what a client is, calibrated to the default rates of the release."""

import numpy as np

from warehouse.generator.population.clients import Chunk, Population
from warehouse.generator.tables import bureau, previous

Array = np.ndarray
RATE_WITH_BUREAU = 0.0773
RATE_WITHOUT_BUREAU = 0.1012
SAMPLES = {"bureau": bureau.sample, "previous": previous.sample}
UNSEEN_WITHOUT = {"balance": "bureau", "pos": "previous", "instalments": "previous", "card": "card"}


def draw_target(population: Population, rng: np.random.Generator, chunk: Chunk) -> Array:
    """Labels (0 or 1) of the clients of a chunk.

    P(default) = 1 / (1 + exp(-(intercept + sum of coefficient * score))), where a score counts as 0 when the variable
    is null; the intercept depends on whether the credit bureau knows the client.
    """
    target = population.statistics.target
    known = population.counts(chunk, "bureau") > 0
    intercept = np.where(known, target["intercept_with_bureau"], target["intercept_without_bureau"])
    coefficients = target["coefficients"]
    columns = [population.statistics.clients.position[name] for name in coefficients]
    odds = intercept + observed_scores(population, chunk)[:, columns] @ np.array(list(coefficients.values()))
    return (rng.random(len(chunk.ids)) < 1 / (1 + np.exp(-odds))).astype(int)


def observed_scores(population: Population, chunk: Chunk) -> Array:
    """Scores as the files show them: 0 for what is null, and for histories the guess that their rows allow."""
    model = population.statistics.clients
    seen = chunk.scores.copy()
    for name, marginal in model.variables.items():
        if name in model.position:
            seen[:, model.position[name]] = marginal.score(chunk.scores[:, model.position[name]])
    for column, null in model.nulls.items():
        if column in model.position and null in model.position:
            missing = model.variables[null].at(chunk.scores[:, model.position[null]]) == 1
            seen[missing, model.position[column]] = 0.0
    for block, sample in SAMPLES.items():
        client, sampler = sample(population, chunk)
        columns = [model.position[f"{block}.{name}"] for name in population.model(block).effects]
        seen[:, columns] = np.nan_to_num(sampler.client_scores(client, len(chunk.ids)))
    for block, counted in UNSEEN_WITHOUT.items():
        columns = [model.position[f"{block}.{name}"] for name in population.model(block).effects]
        seen[np.ix_(population.counts(chunk, counted) == 0, columns)] = 0.0
    return seen
