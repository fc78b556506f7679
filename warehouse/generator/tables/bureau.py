"""Loans at other lenders, and their monthly status."""

from collections.abc import Iterator

import numpy as np

from warehouse.generator.population.clients import Chunk, Population
from warehouse.generator.population.rows import RowSampler

Array = np.ndarray
Columns = dict[str, Array]
FIRST_LOAN_ID = 5_000_001
OLDEST = -2922
MONTH = 30.4375
OLDEST_MONTH = -96
# Of the loans with a monthly history, this share has no record in bureau (43,041 of 817,395 in the release).
PARENTLESS = 43_041 / 774_354
# Faults of the release that a reader must expect: dates a century ago, reports from after the application.
BROKEN_DATE, BROKEN_FROM = 2e-5, -40_500
LATER_REPORT = 17 / 1_716_428
# A month's state lasts with these chances; fitted to the transitions seen in the release.
NEW_STATE = 0.13
END_IS_REPORTED = 0.83
LATE_SPELL = 0.62
WORSE_SPELL, WORSE_OF_LATE = 0.04, 0.12


def bureau_chunks(population: Population) -> Iterator[Columns]:
    """Rows of bureau, chunk by chunk."""
    for chunk, sampler, loans in _draw_chunks(population):
        del chunk
        cells, cell = sampler.groups, sampler.group
        kinds = [group.split("/")[0] for group in cells]
        states = [group.split("/")[1] for group in cells]
        loans["CREDIT_TYPE"] = _by_name(sampler, "CREDIT_TYPE", kinds, cell)
        loans["CREDIT_ACTIVE"] = _by_name(sampler, "CREDIT_ACTIVE", states, cell)
        loans["CREDIT_CURRENCY"] = _by_name(sampler, "CREDIT_CURRENCY", kinds, cell)
        yield loans


def balance_chunks(population: Population) -> Iterator[Columns]:
    """Rows of bureau_balance, chunk by chunk: loans of clients whose lenders report months, and some without parent."""
    for chunk, sampler, loans in _draw_chunks(population):
        rng = population.rng("balance", chunk.number)
        rates = population.statistics.rates
        first = chunk.ids[0]
        reports = rng.random(len(chunk.ids)) < rates["has_balance"]
        kept = np.flatnonzero(
            reports[loans["SK_ID_CURR"] - first] & (rng.random(sampler.size) < rates["balance_of_loan"])
        )
        lost = kept[rng.random(len(kept)) < PARENTLESS]
        ids = np.concatenate([loans["SK_ID_BUREAU"][kept], _parentless_ids(loans["SK_ID_BUREAU"], len(lost))])
        rows = np.concatenate([kept, lost])
        effects = population.effects(chunk, "balance")[loans["SK_ID_CURR"][rows] - first]
        yield _months(
            population, rng, ids, {name: loans[name][rows] for name in ("DAYS_CREDIT", "DAYS_ENDDATE_FACT")}, effects
        )


def sample(population: Population, chunk: Chunk) -> tuple[Array, RowSampler]:
    """Client of each loan of a chunk, and the loans before their values are read off."""
    client = np.repeat(np.arange(len(chunk.ids)), population.counts(chunk, "bureau"))
    rng = population.rng("bureau", chunk.number)
    effects = population.effects(chunk, "bureau")[client]
    return client, RowSampler(population.model("bureau"), population.statistics.texts, rng, effects)


def _draw_chunks(population: Population) -> Iterator[tuple[Chunk, RowSampler, Columns]]:
    """Loans of each chunk with running ids; the same ones whichever table asks."""
    next_id = FIRST_LOAN_ID
    for chunk in population.chunks():
        client, sampler = sample(population, chunk)
        loans = _loans(sampler)
        loans["SK_ID_CURR"] = chunk.ids[client]
        loans["SK_ID_BUREAU"] = next_id + 2 * np.arange(sampler.size)
        next_id += 2 * sampler.size
        yield chunk, sampler, loans


def _parentless_ids(ids: Array, count: int) -> Array:
    """Every other id is left free for loans that bureau does not list."""
    return ids[:count] + 1


def _by_name(sampler: RowSampler, name: str, labels: list[str], cell: Array) -> Array:
    names = sorted(set(labels))
    return sampler.nominal(name, names, np.array([names.index(label) for label in labels])[cell])


def _loans(sampler: RowSampler) -> Columns:
    closed = sampler.is_group("closed")
    loans = _dates(sampler, closed) | _amounts(sampler, closed)
    loans["CNT_CREDIT_PROLONG"] = sampler.value("PROLONGED")
    return loans


def _dates(sampler: RowSampler, closed: Array) -> Columns:
    """A closed loan ended between its start and the application; others have no end yet."""
    opened = np.clip(np.round(sampler.value("DAYS_CREDIT")), OLDEST, -1)
    term = np.round(sampler.value("TERM"))
    planned = opened + np.where(np.isnan(term), 365, np.maximum(term, 1))
    ended = np.round(planned + sampler.value("DELAY"))
    span = sampler.rng.random(sampler.size)
    late = ended >= 0
    ended = np.where(late, np.ceil(opened * span * 0.6), np.maximum(ended, opened + np.floor(-opened * span * 0.15)))
    ended = np.minimum(ended, -1)
    update = sampler.value("UPDATE")
    updated = np.round(np.where(closed, ended * (1 - update), np.clip(update, opened, 0)))
    unknown = sampler.flag("TERM?")
    broken = BROKEN_FROM - np.floor(1600 * span)
    chance = sampler.rng.random(sampler.size)
    return {
        "DAYS_CREDIT": opened,
        "DAYS_CREDIT_ENDDATE": np.where(unknown, np.nan, np.where(chance < BROKEN_DATE, broken, planned)),
        "DAYS_ENDDATE_FACT": np.where(closed, np.where(chance > 1 - BROKEN_DATE, broken, ended), np.nan),
        "DAYS_CREDIT_UPDATE": np.where(np.abs(chance - 0.5) < LATER_REPORT / 2, np.ceil(300 * span), updated),
    }


def _amounts(sampler: RowSampler, closed: Array) -> Columns:
    amount = sampler.value("AMOUNT")
    amount = np.where(amount % 1 == 0, amount, np.round(amount / 4.5) * 4.5)
    days_overdue = np.round(sampler.value("DAYS_OVERDUE"))
    days_overdue = np.where(closed, 0, days_overdue)
    debt = np.round(amount * sampler.value("DEBT_RATIO"), 3)
    limit = np.round(amount * sampler.value("LIMIT_RATIO"), 3)
    top = np.round(sampler.value("MAX_OVERDUE"), 3)
    annuity = np.round(sampler.value("ANNUITY"), 2)
    share = sampler.rng.random(sampler.size) ** 3
    return {
        "CREDIT_DAY_OVERDUE": days_overdue,
        "AMT_CREDIT_SUM": amount,
        "AMT_CREDIT_SUM_DEBT": _null_where(sampler.flag("DEBT?"), np.nan_to_num(debt)),
        "AMT_CREDIT_SUM_LIMIT": _null_where(sampler.flag("LIMIT?"), np.nan_to_num(limit)),
        "AMT_CREDIT_SUM_OVERDUE": np.where(days_overdue > 0, np.round(4.5 + 0.2 * amount * share, 2), 0.0),
        "AMT_CREDIT_MAX_OVERDUE": _null_where(sampler.flag("MAX_OVERDUE?"), np.nan_to_num(top)),
        "AMT_ANNUITY": _null_where(sampler.flag("ANNUITY?"), np.nan_to_num(annuity)),
    }


def _null_where(mask: Array, values: Array) -> Array:
    return np.where(mask, np.nan, values)


def _months(population: Population, rng: np.random.Generator, ids: Array, loans: Columns, effects: Array) -> Columns:
    """Status of every month from the start of a loan to its newest report, oldest month first."""
    sampler = RowSampler(population.model("balance"), population.statistics.texts, rng, effects)
    newest = np.minimum(np.round(sampler.value("NEWEST")), 0).astype(int)
    oldest = np.floor(loans["DAYS_CREDIT"] / MONTH + 0.5 + rng.random(len(ids))).astype(int)
    oldest = np.clip(oldest, OLDEST_MONTH, 0)
    length = np.where(newest < oldest, 0, newest) - oldest + 1
    loan, position = np.repeat(np.arange(len(ids)), length), _position(length)
    month = oldest[loan] + position
    status = _open_status(population, rng, sampler, loan, position == 0)
    ended = (loans["DAYS_ENDDATE_FACT"] > BROKEN_FROM)[loan]
    ended &= month >= np.floor(np.nan_to_num(loans["DAYS_ENDDATE_FACT"]) / MONTH)[loan]
    after = np.where(rng.random(len(ids)) < END_IS_REPORTED, *(population.statistics.texts.code(s) for s in ("C", "X")))
    return {"SK_ID_BUREAU": ids[loan], "MONTHS_BALANCE": month, "STATUS": np.where(ended, after[loan], status)}


def _open_status(
    population: Population, rng: np.random.Generator, sampler: RowSampler, loan: Array, start: Array
) -> Array:
    """Spells of `X` and of being current; within the latter short late spells, and rare ones that grow to the worst."""
    code = population.statistics.texts.code
    unknown_share = np.nan_to_num(sampler.value("UNKNOWN_SHARE"))[loan]
    late_share = np.nan_to_num(sampler.value("LATE_SHARE"))[loan]
    status = np.full(len(loan), code("0"), np.int16)
    status[_in_spell(rng, start, LATE_SPELL, late_share)[0]] = code("1")
    status[_in_spell(rng, start, NEW_STATE, unknown_share)[0]] = code("X")
    worse, months = _in_spell(rng, start, WORSE_SPELL, WORSE_OF_LATE * late_share)
    levels = np.array([code(str(level)) for level in range(1, 6)])
    status[worse] = levels[np.minimum(months[worse], 4)]
    return status


def _in_spell(rng: np.random.Generator, start: Array, chance: float, share: Array) -> tuple[Array, Array]:
    """Which months lie in a spell that is chosen with its `share`, and how many months of the spell lie before each."""
    begins = start | (rng.random(len(start)) < chance)
    spell = np.cumsum(begins) - 1
    first = np.flatnonzero(begins)
    chosen = rng.random(len(first)) < share[first]
    return chosen[spell], np.arange(len(start)) - first[spell]


def _position(length: Array) -> Array:
    """0, 1, 2, ... within each loan."""
    ends = np.cumsum(length)
    return np.arange(ends[-1] if len(ends) else 0) - np.repeat(ends - length, length)
