"""Earlier applications at Home Credit, and the loans among them whose repayment is followed month by month."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from warehouse.generator.population.clients import Chunk, Population
from warehouse.generator.population.recipe import BY_PRODUCT, SENTINEL
from warehouse.generator.population.rows import RowSampler, cells_of

Array = np.ndarray
Columns = dict[str, Array]
FIRST_LOAN_ID = 1_000_001
OLDEST = -2922
ANYWHERE = ("WEEKDAY_APPR_PROCESS_START", "FLAG_LAST_APPL_PER_CONTRACT", "NFLAG_LAST_APPL_IN_DAY")
DATES = (
    "DAYS_FIRST_DRAWING", "DAYS_FIRST_DUE", "DAYS_LAST_DUE_1ST_VERSION", "DAYS_LAST_DUE", "DAYS_TERMINATION",
)  # fmt: skip
CARD_FIRST_DRAWING = 20
APPROVED_CARD = "card/approved"


@dataclass(frozen=True)
class Applications:
    """Earlier applications of one chunk of clients.

    Attributes
    ----------
    chunk : Chunk
    client : numpy.ndarray
        Index of each row's client in the chunk.
    sampler : RowSampler
    columns : dict
        The numeric columns, and `repaid` (number of the last instalment that falls due), `listed` (is it in
        previous_application) and `row` (which drawn row it comes from).
    """

    chunk: Chunk
    client: Array
    sampler: RowSampler
    columns: Columns


def sample(population: Population, chunk: Chunk) -> tuple[Array, RowSampler]:
    """Client of each earlier application of a chunk, and these without values yet; approved cards last."""
    others, cards = population.counts(chunk, "previous"), population.counts(chunk, "card")
    client = np.concatenate([np.repeat(np.arange(len(chunk.ids)), counts) for counts in (others, cards)])
    rng = population.rng("previous", chunk.number)
    effects = population.effects(chunk, "previous")[client]
    texts = population.statistics.texts
    return client, RowSampler(population.model("previous"), texts, rng, effects, int(others.sum()), APPROVED_CARD)


def draw_applications(population: Population) -> Iterator[Applications]:
    """Earlier applications of each chunk with running ids; the same ones whichever table asks."""
    next_id = FIRST_LOAN_ID
    for chunk in population.chunks():
        client, sampler = sample(population, chunk)
        columns = _amounts(sampler)
        columns["DAYS_DECISION"] = np.clip(np.round(sampler.value("DAYS_DECISION")), OLDEST, -2)
        columns["row"] = np.arange(sampler.size)
        columns["listed"] = np.ones(sampler.size, bool)
        columns = _with_parentless(population, sampler, columns, len(chunk.ids))
        columns |= _dates(sampler, columns)
        columns["SK_ID_CURR"] = chunk.ids[client[columns["row"]]]
        columns["SK_ID_PREV"] = next_id + np.arange(len(columns["row"]))
        next_id += len(columns["row"])
        yield Applications(chunk, client[columns["row"]], sampler, columns)


def previous_chunks(population: Population) -> Iterator[Columns]:
    """Rows of previous_application, chunk by chunk."""
    for drawn in draw_applications(population):
        sampler = drawn.sampler
        extra = _texts(sampler, drawn.columns["DAYS_DECISION"][: sampler.size], drawn.client[: sampler.size])
        rated = sampler.flag("RATED")
        extra["RATE_INTEREST_PRIMARY"] = np.where(rated, sampler.value("RATE_INTEREST_PRIMARY"), np.nan)
        extra["RATE_INTEREST_PRIVILEGED"] = np.where(rated, sampler.value("RATE_INTEREST_PRIVILEGED"), np.nan)
        extra["SELLERPLACE_AREA"] = np.round(sampler.value("SELLERPLACE_AREA"))
        extra["HOUR_APPR_PROCESS_START"] = sampler.value("HOUR_APPR_PROCESS_START")
        dated = ~np.isnan(drawn.columns["DAYS_FIRST_DUE"][: sampler.size])
        extra["NFLAG_INSURED_ON_APPROVAL"] = np.where(dated, sampler.value("INSURED"), np.nan)
        listed = drawn.columns["listed"]
        columns = {name: values[listed] for name, values in drawn.columns.items()}
        yield columns | {name: values[columns["row"]] for name, values in extra.items()}


def _texts(sampler: RowSampler, decision: Array, client: Array) -> Columns:
    """Text columns: the product goes with group and interest, most others with the product."""
    names = sampler.texts.values
    group = (sampler.group, sampler.groups)
    everything = (["all"], np.zeros(sampler.size, np.int64))
    columns = {name: sampler.nominal(name, *everything) for name in ANYWHERE}
    columns["NFLAG_LAST_APPL_IN_DAY"] = sampler.texts.mask("1")[columns["NFLAG_LAST_APPL_IN_DAY"]].astype(float)
    columns["NAME_YIELD_GROUP"] = sampler.follow("NAME_YIELD_GROUP")
    for name in ("NAME_CONTRACT_TYPE", "NAME_CONTRACT_STATUS"):
        columns[name] = sampler.nominal(name, *cells_of(group))
    cells = cells_of(group, (columns["NAME_YIELD_GROUP"], names))
    columns["PRODUCT_COMBINATION"] = sampler.nominal("PRODUCT_COMBINATION", *cells)
    cells = cells_of(group, (columns["PRODUCT_COMBINATION"], names))
    columns |= {name: sampler.nominal(name, *cells) for name in BY_PRODUCT}
    order = np.lexsort((decision, client))
    first = np.zeros(sampler.size, np.int64)
    first[order[np.r_[True, np.diff(client[order]) > 0]]] = 1
    columns["NAME_CLIENT_TYPE"] = sampler.nominal("NAME_CLIENT_TYPE", ["later", "first"], first)
    return columns


def _amounts(sampler: RowSampler) -> Columns:
    """Credit = amount asked x ratio; the annuity repays it with interest over the term, a card has 5 %."""
    consumer, card = sampler.is_group("consumer"), sampler.is_group("card")
    asked = sampler.value("AMT_APPLICATION")
    asked = np.round(asked / np.where(consumer, 4.5, 4500)) * np.where(consumer, 4.5, 4500)
    blank = np.isnan(sampler.value("CNT_PAYMENT")) & ~card
    blank |= sampler.is_group("canceled blank") | sampler.is_group("refused blank")
    ratio = sampler.value("CREDIT_RATIO")
    credit = np.round(asked * np.nan_to_num(ratio, nan=0.0) / 4.5) * 4.5
    own_limit = np.round(np.exp(sampler.rng.normal(11.9, 0.7, sampler.size)) / 22_500 + 0.5) * 22_500
    credit = np.where(card & (asked == 0) & ~blank, own_limit, credit)
    term = sampler.value("CNT_PAYMENT")
    with np.errstate(divide="ignore", invalid="ignore"):
        annuity = credit * (1 + np.nan_to_num(sampler.value("INTEREST")) * (term + 1) / 24) / term
    annuity = np.where(card, 0.05 * credit, annuity)
    down = np.where(sampler.flag("DOWN?") | (asked == 0), np.nan, asked * np.nan_to_num(sampler.value("DOWN_RATIO")))
    down = np.round(np.maximum(down, 0) / 4.5) * 4.5
    with np.errstate(divide="ignore", invalid="ignore"):
        down_rate = np.where(down > 0, 1.0891 * down / (credit + down), down * 0.0)
    return {
        "AMT_APPLICATION": asked,
        "AMT_CREDIT": credit,
        "AMT_ANNUITY": np.where(blank | sampler.is_group("unused"), np.nan, np.round(annuity, 3)),
        "CNT_PAYMENT": np.where(blank | sampler.is_group("unused"), np.nan, term),
        "AMT_DOWN_PAYMENT": down,
        "RATE_DOWN_PAYMENT": down_rate,
        "AMT_GOODS_PRICE": np.where((asked == 0) & (sampler.value("GOODS?") != 0), np.nan, asked),
    }


def _with_parentless(population: Population, sampler: RowSampler, columns: Columns, clients: int) -> Columns:
    """Loans decided before the window: their months are known, their applications are not.

    Loans of goods are added, in the likeness of approved ones; some of the cards, counted already, become such.
    """
    rng, rates = sampler.rng, population.statistics.rates
    like = np.flatnonzero(sampler.is_group("consumer") & sampler.is_group("approved"))
    added = like[rng.random(len(like)) < rates["pos_parentless_per_client"] * clients / max(len(like), 1)]
    cards = np.arange(sampler.size) >= sampler.chosen
    old_card = cards & (rng.random(sampler.size) < rates["card_parentless"])
    row = np.concatenate([columns["row"], added])
    result = {name: values[row] for name, values in columns.items()}
    result["listed"] = np.r_[~old_card, np.zeros(len(added), bool)]
    months = np.where(cards, 30, np.maximum(np.nan_to_num(columns["CNT_PAYMENT"]), 3) - 1)[row]
    long_ago = OLDEST - 31 - np.floor(30 * months * rng.random(len(row)))
    result["DAYS_DECISION"] = np.where(result["listed"], result["DAYS_DECISION"], long_ago)
    return result


def _dates(sampler: RowSampler, columns: Columns) -> Columns:
    """Schedule and end of approved loans; 365243 where the release says none, null where nothing was ever scheduled."""
    row = columns["row"]
    term = columns["CNT_PAYMENT"]
    first_due = columns["DAYS_DECISION"] + np.round(np.nan_to_num(sampler.value("FIRST_GAP"), nan=31.0))[row]
    last = np.maximum(np.nan_to_num(term) - 1, 0)
    share = np.nan_to_num(sampler.value("REPAID_SHARE"), nan=1.0)[row]
    repaid = np.round(np.minimum(share, 1.0) * last)
    last_due = first_due + 30 * repaid
    gap = np.nan_to_num(np.round(sampler.value("TERMINATION_GAP")), nan=6.0)[row]
    running = last_due >= -1
    ended = last_due + np.maximum(gap, 1)
    dates = {
        "DAYS_FIRST_DRAWING": np.full(len(row), float(SENTINEL)),
        "DAYS_FIRST_DUE": np.where(first_due >= -2, SENTINEL, first_due),
        "DAYS_LAST_DUE_1ST_VERSION": first_due + 30 * last,
        "DAYS_LAST_DUE": np.where(running, SENTINEL, last_due),
        "DAYS_TERMINATION": np.where(running | (ended >= -1), SENTINEL, ended),
        "unused": sampler.flag("UNUSED_CARD")[row] & columns["listed"],
        "first_due": first_due,
        "repaid": repaid,
    }
    dates |= _card_dates(sampler, columns, dates)
    without = ~sampler.is_group("approved")[row] | sampler.flag("NO_DATES")[row]
    return dates | {name: np.where(without, np.nan, dates[name]) for name in DATES}


def _card_dates(sampler: RowSampler, columns: Columns, dates: Columns) -> Columns:
    """A card that was never used has no dates at all; a used one starts with its first drawing."""
    row = columns["row"]
    card = sampler.is_group("card")[row]
    unused, running = dates["unused"], sampler.flag("RUNNING_CARD")[row]
    waited = np.floor(sampler.rng.exponential(CARD_FIRST_DRAWING, len(row)))
    drawing = np.minimum(columns["DAYS_DECISION"] + waited, -2)
    due = drawing + sampler.rng.integers(28, 59, len(row))
    last = np.floor(due + (-due) * sampler.rng.random(len(row)))
    ended = np.floor(last * sampler.rng.random(len(row)) ** 3)
    known_end = ~running & (last < -2)
    closed = known_end & (sampler.rng.random(len(row)) < 0.36)
    unused_closed = unused & (sampler.rng.random(len(row)) < 0.18)
    unused_end = np.floor(columns["DAYS_DECISION"] * sampler.rng.random(len(row)))
    return {
        "DAYS_FIRST_DRAWING": np.where(card & ~unused, drawing, dates["DAYS_FIRST_DRAWING"]),
        "DAYS_FIRST_DUE": np.where(card, np.where(unused | (due >= -2), SENTINEL, due), dates["DAYS_FIRST_DUE"]),
        "DAYS_LAST_DUE_1ST_VERSION": np.where(card, SENTINEL, dates["DAYS_LAST_DUE_1ST_VERSION"]),
        "DAYS_LAST_DUE": np.where(card, np.where(known_end & ~unused, last, SENTINEL), dates["DAYS_LAST_DUE"]),
        "DAYS_TERMINATION": np.where(
            card,
            np.where(
                unused_closed, np.minimum(unused_end, -2), np.where(closed & ~unused, np.minimum(ended, -2), SENTINEL)
            ),
            dates["DAYS_TERMINATION"],
        ),
    }
