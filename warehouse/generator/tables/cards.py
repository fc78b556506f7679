"""Credit cards month by month: limit, drawings, payments and the balance that follows from them."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from warehouse.generator.population.clients import Population
from warehouse.generator.population.rows import RowSampler
from warehouse.generator.tables.previous import OLDEST, Applications, draw_applications

Array = np.ndarray
Columns = dict[str, Array]
MONTH = 30.4375
HISTORY = 96
MONTHLY_INTEREST = 0.036
MINIMUM_OF_LIMIT = 0.05
# Habits of payment and drawing, fitted to the release.
PAYS_NOTHING, PAYS_ALL, PAYS_MINIMUM = 0.10, 0.04, 0.55
SPENDING_MONTHS, WEARS_OFF_MONTHS = 90, 42
USED_AT_ONCE = 0.62
OWES_MORE_WHILE_SPENDING = 1.45
SMALL_DRAWING, OVERDRAWN = 0.03, 1.02
SMALLEST_DRAWING = 450
STARTS_LOWER, RAISED_LATER = 0.2, 0.35
LATE_WHEN_UNPAID = 20
LIMIT_WITHDRAWN = 0.7
ENDED_UNUSED, CLOSED_UNUSED = 0.16, 0.6
FEE_PAID, FEE_LOG_MEAN, FEE_LOG_SPREAD = 0.72, 5.6, 1.5


@dataclass(frozen=True)
class Cards:
    """Cards of one chunk.

    Attributes
    ----------
    prev, curr : numpy.ndarray of int
    top_limit : numpy.ndarray
        The highest limit the card reaches.
    first, last : numpy.ndarray of int
        First and last month reported.
    used : numpy.ndarray of bool
        Was there ever a drawing.
    utilisation, drawing, late, abandoned : numpy.ndarray
        Habits of the holder: usual balance by limit, chance of drawing in a month, chance of being late when nothing is
        paid, and whether payments stop for good.
    """

    prev: Array
    curr: Array
    top_limit: Array
    first: Array
    last: Array
    used: Array
    utilisation: Array
    drawing: Array
    late: Array
    abandoned: Array


@dataclass(frozen=True)
class Months:
    """Simulated months, each array (n_cards, HISTORY), oldest first; `shown` = the card reports this month."""

    shown: Array
    limit: Array
    balance: Array
    drawn: Array
    minimum: Array
    paid: Array
    dpd: Array
    started: Array


def card_chunks(population: Population) -> Iterator[Columns]:
    """Rows of credit_card_balance, chunk by chunk."""
    for drawn in draw_applications(population):
        cards = _cards(population, drawn)
        rng = population.rng("card", drawn.chunk.number)
        yield _rows(population, rng, cards, _simulate(rng, cards))


def card_payments(population: Population, drawn: Applications) -> Columns:
    """Rows of installments_payments that come from cards: version 0, one or more payments in a month."""
    cards = _cards(population, drawn)
    months = _simulate(population.rng("card", drawn.chunk.number), cards)
    rng = population.rng("card_due", drawn.chunk.number)
    card, month = np.nonzero(months.shown & (months.paid > 0))
    payments = 1 + rng.binomial(3, 0.45, len(card))
    row = np.repeat(np.arange(len(card)), payments)
    extra = np.r_[False, row[1:] == row[:-1]] if len(row) else np.zeros(0, bool)
    due = np.floor((month - HISTORY) * MONTH)[row] + 12 + np.where(extra, rng.integers(-12, 6, len(row)), 0)
    order = np.lexsort((due, card[row]))
    row, extra, due = row[order], extra[order], np.minimum(due[order], -1)
    others = payments[row] - 1
    share = np.where(extra, 0.3 / np.maximum(others, 1), np.where(others > 0, 0.7, 1.0))
    amount = np.round(months.paid[card, month][row] * share, 3)
    late = np.minimum(months.dpd[card, month][row], 60) * ~extra
    ahead = np.floor(rng.exponential(10, len(row))) * (~extra & (rng.random(len(row)) < 0.6))
    first = np.searchsorted(card[row], card[row])
    result = {
        "SK_ID_PREV": cards.prev[card][row],
        "SK_ID_CURR": cards.curr[card][row],
        "NUM_INSTALMENT_VERSION": np.zeros(len(row)),
        "NUM_INSTALMENT_NUMBER": np.arange(len(row)) - first + 1,
        "DAYS_INSTALMENT": due,
        "DAYS_ENTRY_PAYMENT": np.minimum(due + np.where(late > 0, late, -ahead), -1),
        "AMT_INSTALMENT": amount,
        "AMT_PAYMENT": amount,
    }
    kept = result["DAYS_INSTALMENT"] >= OLDEST
    return {name: values[kept] for name, values in result.items()}


def _cards(population: Population, drawn: Applications) -> Cards:
    """Approved revolving loans, with the habits of their holders."""
    columns, sampler = drawn.columns, drawn.sampler
    card = (sampler.is_group("card") & sampler.is_group("approved"))[columns["row"]]
    rows = np.flatnonzero(card & ~np.isnan(columns["DAYS_FIRST_DRAWING"]) & (columns["AMT_CREDIT"] > 0))
    rng = population.rng("card_habit", drawn.chunk.number)
    effects = population.effects(drawn.chunk, "card")[drawn.client[rows]]
    habits = RowSampler(population.model("card"), population.statistics.texts, rng, effects)
    first = np.maximum(np.floor(columns["DAYS_DECISION"][rows] / MONTH), -HISTORY).astype(int)
    last = np.minimum(np.round(habits.value("NEWEST")), -1).astype(int)
    return Cards(
        prev=columns["SK_ID_PREV"][rows],
        curr=columns["SK_ID_CURR"][rows],
        top_limit=columns["AMT_CREDIT"][rows],
        first=first,
        last=np.where(last < first, -1, last),
        used=~columns["unused"][rows],
        utilisation=np.clip(habits.value("UTILISATION"), 0.01, 1.05),
        drawing=np.clip(habits.value("DRAWING_SHARE"), 0.01, 0.95),
        late=np.clip(habits.value("LATE_SHARE") * LATE_WHEN_UNPAID, 0.005, 0.95),
        abandoned=habits.flag("ABANDONED"),
    )


def _simulate(rng: np.random.Generator, cards: Cards) -> Months:
    """Let every card live from its first month to its last, all cards at once."""
    n, month = len(cards.prev), np.arange(-HISTORY, 0)
    shown = (month >= cards.first[:, None]) & (month <= cards.last[:, None])
    limit = _limits(rng, cards, month)
    waits = np.where(rng.random(n) < USED_AT_ONCE, 0, rng.geometric(0.33, n))
    starts = np.minimum(cards.first + waits, -1)
    stops = starts + np.floor(rng.exponential(SPENDING_MONTHS, n))
    life = (cards.last - cards.first + 1) / WEARS_OFF_MONTHS
    often = cards.drawing * life / (1 - np.exp(-life))
    gives_up = np.where(cards.abandoned, np.floor(cards.first + (-cards.first) * rng.random(n)), 1)
    names = ("balance", "drawn", "minimum", "paid", "dpd")
    history = {name: np.zeros((n, HISTORY)) for name in names}
    balance, dpd = np.zeros(n), np.zeros(n)
    for k in range(HISTORY):
        live = shown[:, k] & cards.used & (month[k] >= starts)
        draws = live & (month[k] < gives_up) & (month[k] <= stops)
        draws &= rng.random(n) < often * np.exp((starts - month[k]) / WEARS_OFF_MONTHS)
        draws |= live & (month[k] == starts)
        drawn = np.where(draws, _drawings(rng, cards.utilisation, limit[:, k], balance), 0)
        minimum = np.where(live & (balance > 0), np.minimum(MINIMUM_OF_LIMIT * limit[:, k] + 9, balance * 1.02), 0)
        paid = np.where(month[k] < gives_up, _payments(rng, minimum, balance), 0)
        late = (minimum > 0) & (paid < minimum) & (rng.random(n) < cards.late)
        dpd = np.where((month[k] >= gives_up) & (balance > 0), dpd + 30, np.where(late, rng.integers(1, 12, n), 0))
        balance = np.maximum(balance * (1 + MONTHLY_INTEREST) - paid, 0) + drawn
        balance = np.where(live & (balance > 45), balance, 0)
        for name, values in zip(names, (balance, drawn, minimum, paid, dpd * live), strict=True):
            history[name][:, k] = values
    withdrawn = (month > stops[:, None]) & (history["balance"] == 0) & (rng.random(n) < LIMIT_WITHDRAWN)[:, None]
    started = cards.used[:, None] & (month >= starts[:, None])
    return Months(shown=shown, limit=np.where(withdrawn, 0, limit), started=started, **history)


def _limits(rng: np.random.Generator, cards: Cards, month: Array) -> Array:
    """Some cards start below the limit applied for, some are raised above it later."""
    n = len(cards.prev)
    lower = np.round(cards.top_limit * rng.uniform(0.3, 0.8, n) / 4500) * 4500
    lower = np.maximum(np.where(rng.random(n) < STARTS_LOWER, lower, cards.top_limit), 4500)
    higher = np.round(cards.top_limit * rng.uniform(1.4, 3.5, n) / 22_500) * 22_500
    higher = np.where(rng.random(n) < RAISED_LATER, np.maximum(higher, cards.top_limit), cards.top_limit)
    first_step = np.floor(cards.first * (0.4 + 0.6 * rng.random(n)))
    second_step = np.floor(first_step * rng.random(n))
    limit = np.where(month < first_step[:, None], lower[:, None], cards.top_limit[:, None])
    return np.where(month < second_step[:, None], limit, higher[:, None])


def _drawings(rng: np.random.Generator, utilisation: Array, limit: Array, balance: Array) -> Array:
    """Drawings bring the balance towards what the holder usually owes, never above the limit."""
    n = len(balance)
    wanted = OWES_MORE_WHILE_SPENDING * utilisation * limit * rng.uniform(0.8, 1.3, n) - balance
    small = SMALL_DRAWING * limit * rng.exponential(1.0, n)
    amount = np.minimum(np.maximum(wanted * rng.uniform(0.5, 1.0, n), small), limit * OVERDRAWN - balance)
    amount = np.where(rng.random(n) < 0.6, np.round(amount / 450) * 450, np.round(amount, 2))
    return np.where(amount >= SMALLEST_DRAWING, amount, 0)


def _payments(rng: np.random.Generator, minimum: Array, balance: Array) -> Array:
    """Nothing, the minimum, something above it, or everything."""
    n = len(balance)
    habit = rng.random(n)
    above = np.round(minimum * (1 + rng.exponential(1.2, n)) / 450) * 450
    paid = np.where(habit < PAYS_NOTHING + PAYS_MINIMUM, minimum, np.maximum(above, minimum))
    paid = np.where(
        habit > 1 - PAYS_ALL, balance * (1 + MONTHLY_INTEREST), np.minimum(paid, balance * (1 + MONTHLY_INTEREST))
    )
    return np.where((minimum > 0) & (habit >= PAYS_NOTHING), np.round(paid, 2), 0)


def _rows(population: Population, rng: np.random.Generator, cards: Cards, months: Months) -> Columns:
    """Rows of the months that are shown; details are null until the card is first used."""
    card, k = np.nonzero(months.shown)
    balance, drawn = months.balance[card, k], months.drawn[card, k]
    started = months.started[card, k]
    principal = np.round(balance * np.clip(rng.normal(0.962, 0.015, len(card)), 0.85, 1.0), 3)
    owed = np.where(rng.random(len(card)) < 0.7, balance, balance * rng.uniform(0.97, 1.002, len(card)))
    paid = months.paid[card, k]
    parts = _split_drawings(rng, drawn)
    mature = np.cumsum((months.minimum > 0) & months.shown, axis=1)[card, k]
    no_terms = ~started & (rng.random(len(card)) < np.where(cards.used[card], 0.12, 0.25))
    fee = np.round(np.exp(rng.normal(FEE_LOG_MEAN, FEE_LOG_SPREAD, len(card))), 3)
    fee = np.where((paid == 0) & (rng.random(len(card)) < FEE_PAID), fee, paid)
    code = population.statistics.texts.code
    over = k - HISTORY > (cards.first * rng.random(len(cards.prev)) ** 2)[card]
    ended = ~cards.used[card] & (rng.random(len(cards.prev)) < ENDED_UNUSED)[card] & over
    closed = over & ~cards.used[card] & (rng.random(len(cards.prev)) < CLOSED_UNUSED)[card]
    limit = np.where(closed, 0, months.limit[card, k])
    dpd = months.dpd[card, k]
    columns = {
        "SK_ID_PREV": cards.prev[card],
        "SK_ID_CURR": cards.curr[card],
        "MONTHS_BALANCE": k - HISTORY,
        "AMT_BALANCE": np.round(balance, 3),
        "AMT_CREDIT_LIMIT_ACTUAL": limit,
        "AMT_DRAWINGS_CURRENT": drawn,
        "AMT_INST_MIN_REGULARITY": np.where(no_terms, np.nan, np.round(months.minimum[card, k], 3)),
        "AMT_PAYMENT_CURRENT": np.where(started, np.round(fee, 3), np.nan),
        "AMT_PAYMENT_TOTAL_CURRENT": np.round(paid, 3),
        "AMT_RECEIVABLE_PRINCIPAL": principal,
        "AMT_RECIVABLE": np.round(owed, 3),
        "AMT_TOTAL_RECEIVABLE": np.round(owed, 3),
        "CNT_INSTALMENT_MATURE_CUM": np.where(no_terms, np.nan, mature),
        "NAME_CONTRACT_STATUS": np.where(ended, code("Completed"), code("Active")).astype(np.int16),
        "SK_DPD": dpd,
        "SK_DPD_DEF": np.where(dpd < 30, dpd, 0),
    }
    return columns | {name: np.where(started, values, np.nan) for name, values in parts.items()} | {
        "CNT_DRAWINGS_CURRENT": parts["CNT_DRAWINGS_ATM_CURRENT"] + parts["CNT_DRAWINGS_POS_CURRENT"]
    }  # fmt: skip


def _split_drawings(rng: np.random.Generator, drawn: Array) -> Columns:
    """Cash at a machine, goods in a shop, or both; they add up to what was drawn."""
    n = len(drawn)
    kind = rng.random(n)
    share = np.where(kind < 0.53, 1.0, np.where(kind < 0.86, 0.0, rng.random(n)))
    cash = np.round(drawn * share / 450) * 450
    cash = np.where(share == 1.0, drawn, np.minimum(cash, drawn))
    goods = np.round(drawn - cash, 3)
    return {
        "AMT_DRAWINGS_ATM_CURRENT": cash,
        "AMT_DRAWINGS_OTHER_CURRENT": np.zeros(n),
        "AMT_DRAWINGS_POS_CURRENT": goods,
        "CNT_DRAWINGS_ATM_CURRENT": np.where(cash > 0, rng.geometric(0.55, n), 0),
        "CNT_DRAWINGS_OTHER_CURRENT": np.zeros(n),
        "CNT_DRAWINGS_POS_CURRENT": np.where(goods > 0, rng.geometric(0.2, n), 0),
    }
