"""Month by month and instalment by instalment: how earlier point-of-sale and cash loans were repaid."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from warehouse.generator.population.clients import Population
from warehouse.generator.population.rows import RowSampler
from warehouse.generator.tables import cards
from warehouse.generator.tables.previous import OLDEST, Applications, draw_applications

Array = np.ndarray
Columns = dict[str, Array]
MONTH = 30.4375
OLDEST_MONTH = -96
# Lateness of an instalment, fitted to the release: chance by the loan's score, days by a lognormal around it.
LATE_LEVEL, LATE_SLOPE = -1.85, 1.0
LATE_DAYS_LEVEL, LATE_DAYS_SLOPE, LATE_DAYS_SPREAD = 0.4, 0.75, 0.85
TOLERATED = 0.37
STILL_OPEN = 0.7
SPLIT_WHEN_SEEN = 0.75
SCHEDULE_CHANGED = 0.1
NO_COMPLETED_ROW = 0.14
FIRST_ROW_SIGNED = 0.086
UNKNOWN_TERM_WHEN_SIGNED = 0.24
DEMANDED, AMORTIZED = 0.08, 0.03


@dataclass(frozen=True)
class Loans:
    """Loans of one chunk with a schedule, and how each was repaid.

    Attributes
    ----------
    columns : dict
        `prev`, `curr`, `first_due`, `term`, `repaid` (index of the last instalment), `annuity`.
    late_score, early, split, abandoned : numpy.ndarray
        Normal score of lateness; usual days of paying early; chance of paying in two parts; a small rest left unpaid to
        this day, which only the monthly reports show.
    """

    columns: Columns
    late_score: Array
    early: Array
    split: Array
    abandoned: Array

    @property
    def size(self) -> int:
        """Number of loans."""
        return len(self.late_score)


def pos_chunks(population: Population) -> Iterator[Columns]:
    """Rows of POS_CASH_balance, chunk by chunk."""
    for drawn in draw_applications(population):
        loans = _loans(population, drawn)
        late = _late_days(population, drawn, loans)
        yield _pos_months(population, population.rng("pos", drawn.chunk.number), loans, late)


def instalment_chunks(population: Population) -> Iterator[Columns]:
    """Rows of installments_payments, chunk by chunk: scheduled loans, then cards."""
    for drawn in draw_applications(population):
        loans = _loans(population, drawn)
        late = _late_days(population, drawn, loans)
        rng = population.rng("instalments", drawn.chunk.number)
        scheduled = _payments(rng, loans, late)
        on_cards = cards.card_payments(population, drawn)
        yield {name: np.concatenate([scheduled[name], on_cards[name]]) for name in scheduled}


def _loans(population: Population, drawn: Applications) -> Loans:
    """Loans with a due date in the past; their habits depend on the client, on nothing else of this chunk."""
    columns = drawn.columns
    scheduled = (columns["DAYS_FIRST_DUE"] < 0) & (columns["CNT_PAYMENT"] > 0)
    rows = np.flatnonzero(scheduled)
    client = drawn.client[rows]
    rng = population.rng("late", drawn.chunk.number)
    texts = population.statistics.texts
    pos = RowSampler(population.model("pos"), texts, rng, population.effects(drawn.chunk, "pos")[client])
    habits = RowSampler(
        population.model("instalments"), texts, rng, population.effects(drawn.chunk, "instalments")[client]
    )
    consumer = drawn.sampler.is_group("consumer")[columns["row"][rows]]
    habits.set_groups(["cash", "consumer"], consumer.astype(int))
    names = {
        "prev": "SK_ID_PREV", "curr": "SK_ID_CURR", "first_due": "DAYS_FIRST_DUE", "term": "CNT_PAYMENT",
        "repaid": "repaid", "annuity": "AMT_ANNUITY",
    }  # fmt: skip
    return Loans(
        columns={name: columns[source][rows] for name, source in names.items()},
        late_score=pos.scores["LATE_SHARE"],
        early=habits.value("DAYS_EARLY"),
        split=habits.value("SPLIT_SHARE"),
        abandoned=pos.flag("ABANDONED") & (rng.random(len(rows)) < STILL_OPEN),
    )


def _instalments_due(loans: Loans) -> tuple[Array, Array]:
    """Loan and index of every instalment that has fallen due: 0, 1, ... up to the last one."""
    past = np.floor((-2 - loans.columns["first_due"]) / 30) + 1
    due = np.minimum(loans.columns["repaid"] + 1, past).astype(int)
    loan = np.repeat(np.arange(loans.size), due)
    return loan, np.arange(len(loan)) - np.repeat(np.cumsum(due) - due, due)


def _late_days(population: Population, drawn: Applications, loans: Loans) -> tuple[Array, Array, Array]:
    """Loan, index and days late (0 = in time) of every instalment due; the same ones for both tables."""
    loan, index = _instalments_due(loans)
    rng = population.rng("late_days", drawn.chunk.number)
    score = loans.late_score[loan]
    late = rng.standard_normal(len(loan)) < LATE_LEVEL + LATE_SLOPE * score
    exponent = LATE_DAYS_LEVEL + LATE_DAYS_SLOPE * score + LATE_DAYS_SPREAD * rng.standard_normal(len(loan))
    return loan, index, np.where(late, np.ceil(np.minimum(np.exp(exponent), 400)), 0)


def _pos_months(
    population: Population, rng: np.random.Generator, loans: Loans, late: tuple[Array, Array, Array]
) -> Columns:
    """One row per month from the contract to its end, or to the application."""
    first = np.floor(loans.columns["first_due"] / MONTH - 0.5).astype(int)
    drop = (rng.random(loans.size) < NO_COMPLETED_ROW) & (loans.columns["term"] > 1)
    last = first + loans.columns["repaid"].astype(int) + np.where(drop, 0, 1)
    last = np.where(loans.abandoned, -1, np.minimum(last, -1))
    start = np.maximum(first, OLDEST_MONTH)
    length = np.maximum(last - start + 1, 0)
    loan = np.repeat(np.arange(loans.size), length)
    month = start[loan] + np.arange(len(loan)) - np.repeat(np.cumsum(length) - length, length)
    step = month - first[loan]
    term, repaid = _shown_term(rng, loans, drop)[loan], loans.columns["repaid"][loan]
    completed = (step > repaid) & ~loans.abandoned[loan]
    dpd, tolerated = _days_past_due(rng, loans, late, loan, step)
    status, unknown_term = _pos_status(population, rng, loans.abandoned[loan], step, repaid, completed, dpd)
    future = np.where(step > repaid, 0, np.maximum(term - step, 0))
    return {
        "SK_ID_PREV": loans.columns["prev"][loan],
        "SK_ID_CURR": loans.columns["curr"][loan],
        "MONTHS_BALANCE": month,
        "CNT_INSTALMENT": np.where(unknown_term, np.nan, np.where(completed, repaid + 1, term)),
        "CNT_INSTALMENT_FUTURE": np.where(unknown_term, np.nan, future),
        "NAME_CONTRACT_STATUS": status,
        "SK_DPD": dpd,
        "SK_DPD_DEF": np.where(tolerated, 0, dpd),
    }


def _shown_term(rng: np.random.Generator, loans: Loans, no_completed_row: Array) -> Array:
    """Of loans repaid early some show the shorter term from the beginning, mostly those that end without a word."""
    early = loans.columns["repaid"] < loans.columns["term"] - 1
    chance = np.where(no_completed_row, 0.68, 0.12)
    return np.where(early & (rng.random(loans.size) < chance), loans.columns["repaid"] + 1, loans.columns["term"])


def _days_past_due(
    rng: np.random.Generator, loans: Loans, late: tuple[Array, Array, Array], loan: Array, step: Array
) -> tuple[Array, Array]:
    """Days past due on the day of the monthly report, which falls `offset` days after each due date."""
    late_loan, _, days = late
    begin = np.searchsorted(late_loan, np.arange(loans.size))
    count = np.bincount(late_loan, minlength=loans.size)
    offset = rng.integers(0, 30, loans.size)[loan]
    dpd = np.zeros(len(loan))
    for back in (1, 2):
        index = step - back
        due = (index >= 0) & (index < count[loan])
        waited = np.where(
            due, days[np.minimum(begin[loan] + np.maximum(index, 0), len(days) - 1)] if len(days) else 0, 0
        )
        age = offset + 30 * (back - 1) + 1
        dpd = np.where(due & (waited >= age), age, dpd)
    left = loans.abandoned[loan]
    since = np.floor(loans.columns["repaid"] * rng.random(loans.size))[loan]
    dpd = np.where(left, np.where(step > since, 30 * (step - since) - 30 + offset, 0), dpd)
    tolerated = np.where(left, ~(rng.random(loans.size) < 0.05)[loan], (rng.random(loans.size) < TOLERATED)[loan])
    return dpd, tolerated & (dpd > 0)


def _pos_status(
    population: Population,
    rng: np.random.Generator,
    left: Array,
    step: Array,
    repaid: Array,
    completed: Array,
    dpd: Array,
) -> tuple[Array, Array]:
    """Status of each month, and where the term is not known yet."""
    code = population.statistics.texts.code
    chance = rng.random(len(step))
    status = np.where(completed, code("Completed"), code("Active"))
    signed = (step == 0) & (chance < FIRST_ROW_SIGNED)
    status = np.where(signed, code("Signed"), status)
    overdue = left & (step > repaid) & (dpd > 0)
    status = np.where(overdue & (chance < DEMANDED), code("Demand"), status)
    status = np.where(overdue & (chance > 1 - AMORTIZED), code("Amortized debt"), status)
    return status.astype(np.int16), signed & (rng.random(len(step)) < UNKNOWN_TERM_WHEN_SIGNED)


def _payments(rng: np.random.Generator, loans: Loans, late: tuple[Array, Array, Array]) -> Columns:
    """Instalments in full or in two parts; a loan repaid early ends with one large instalment of a new version."""
    loan, index, days = late
    columns = loans.columns
    due = columns["first_due"][loan] + 30 * index
    owed = columns["annuity"][loan]
    final = index == columns["repaid"][loan]
    settled = final & (columns["repaid"][loan] < columns["term"][loan] - 1)
    remaining = columns["term"][loan] - index
    changed = (rng.random(loans.size) < SCHEDULE_CHANGED)[loan]
    changed &= index > (columns["repaid"] * rng.random(loans.size))[loan]
    owed = owed * np.where(changed, rng.uniform(0.9, 1.0, loans.size)[loan], 1.0)
    owed = np.where(settled, owed * (1 + 0.85 * (remaining - 1)), np.where(final, owed * 0.99, owed))
    early = np.floor(np.nan_to_num(loans.early)[loan] * rng.gamma(1.3, 1 / 1.3, len(loan)))
    paid_on = due + np.where(days > 0, days, -early)
    parts = np.where((rng.random(len(loan)) < SPLIT_WHEN_SEEN * loans.split[loan]) & ~settled, 2, 1)
    row = np.repeat(np.arange(len(loan)), parts)
    second = np.r_[False, row[1:] == row[:-1]] if len(row) else np.zeros(0, bool)
    share = np.clip(rng.beta(0.4, 0.6, len(loan)), 0.001, 0.999)[row]
    owed = np.round(owed, 3)[row]
    part = np.round(owed * share, 3)
    paid = np.where(parts[row] == 1, owed, np.where(second, owed - part, part))
    entry = np.maximum(
        paid_on[row] - np.where(second, np.floor(8 * rng.random(len(row))), 0), columns["first_due"][loan][row] - 60
    )
    kept = due[row] >= OLDEST
    unpaid = entry > -1
    result = {
        "SK_ID_PREV": columns["prev"][loan][row],
        "SK_ID_CURR": columns["curr"][loan][row],
        "NUM_INSTALMENT_VERSION": (1 + changed + settled)[row],
        "NUM_INSTALMENT_NUMBER": index[row] + 1,
        "DAYS_INSTALMENT": due[row],
        "DAYS_ENTRY_PAYMENT": np.where(unpaid, np.nan, entry),
        "AMT_INSTALMENT": owed,
        "AMT_PAYMENT": np.where(unpaid, np.nan, np.round(paid, 3)),
    }
    return {name: values[kept] for name, values in result.items()}
