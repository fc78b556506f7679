"""What a feature says of a client, in plain words: its name, the fact, the comparison with others."""

import re
from collections.abc import Mapping
from functools import lru_cache

from ml.data.catalog import Feature
from ml.data.population import ALL, Place, PopulationStats
from ml.wording.labels import CASES, COUNTED, FLAGS, LABELS, MEASURES
from ml.wording.themes import HISTORIES
from ml.wording.values import is_date, is_null, percent, value_words

TIED = 0.25
LAST_ONE = "The last previous application was"
_NOISE = (
    (r" by the approximation [^,]*(?=,|\.|$)", ""),
    (r"\s*\([^)]*\)", ""),
    (r" of 30 days", ""),
    (r": positive when.*", ""),
    (r";.*", ""),
    (r"\s*Null when.*", ""),
    (r",? relative to the application", ""),
    (r", in days\b", ""),
    (r", average, normalised to 0..1", ""),
    (r"^Building where the client lives:", "Building:"),
    (r"^Largest largest", "Largest"),
    (r"^Largest (day|contractual)", r"Latest \1"),
    (r"^Smallest (day|contractual)", r"Earliest \1"),
    (r"day on which it was applied for", "date of application"),
    (r"day of decision", "date of decision"),
    (r"\bthe last 1 previous applications", "the last previous application"),
    (r"\b([Mm]ean|[Mm]edian) of ext_source_mean\b", r"\1 external score"),
    (r"\b([Mm]ean|[Mm]edian) of ext_source_product\b", r"\1 product of the external scores"),
    (r"clients with the same credit over annuity", "clients who ask for a like loan"),
    (r"^Refused among", "Refused share of"),
    (r"^Approved among", "Approved share of"),
)
Row = Mapping[str, float | str | None]


def label(feature: Feature) -> str:
    """A short name for people, in lower case where it can be.

    Examples
    --------
    >>> label(Feature("x", "number", "days", "Mean lateness (0 when early), over instalments ever due."))
    'mean lateness, over instalments ever due'
    """
    return _label(feature.name, feature.description)


@lru_cache(maxsize=8192)
def _label(name: str, description: str) -> str:
    if name in LABELS:
        return LABELS[name]
    if name in FLAGS:
        return _lower(FLAGS[name][0])
    text = description or name.replace("_", " ")
    for pattern, replacement in _NOISE:
        text = re.sub(pattern, replacement, text)
    text = text.strip().rstrip(".")
    for measure, words in MEASURES.items():
        text = re.sub(rf"\b{measure}\b", words, text)
    return _lower(text) if text else name.replace("_", " ")


def comparison(feature: Feature, value: float, place: Place, among: str = "applicants") -> str:
    """Where a value lies, in words: on which side of how many.

    Examples
    --------
    >>> comparison(Feature("x", "number", "count", ""), 4, Place(0.9, 0.06, 0.04))
    'higher than that of 90 % of applicants'
    """
    if place.same >= TIED:
        return f"as for {percent(place.same)} of {among}"
    more, share = (False, place.above) if place.above > place.below else (True, place.below)
    if is_date(feature):
        after = ("later", "earlier") if value > 0 else ("more recent", "longer ago")
        words = after[0] if more else after[1]
    else:
        words = "higher" if more else "lower"
    return f"{words} than that of {percent(share)} of {among}"


def sentence(feature: Feature, row: Row, stats: PopulationStats) -> str:
    """One fact about a client, in plain words, against all applicants.

    Parameters
    ----------
    feature : Feature
        What it is about.
    row : mapping
        The client's values by feature; null is None or NaN.
    stats : PopulationStats
        Whom to compare with.

    Returns
    -------
    str
        Without a full stop.
    """
    value = row.get(feature.name)
    absence = _absence(feature, row, known=not is_null(value))
    if absence:
        return absence
    if feature.kind == "flag":
        return _flag(feature, float(value), stats)
    if isinstance(value, str):
        share = stats.categories[ALL].get(feature.name, {}).get(value)
        rest = f", as for {percent(share)} of applicants" if share else ", as for no other applicant"
        return f"{_upper(label(feature))}: {value_words(feature, value)}{rest}"
    return _fact(feature, float(value), row, stats.place(ALL, feature.name, float(value)))


def _fact(feature: Feature, value: float, row: Row, place: Place | None) -> str:
    compared = f", {comparison(feature, value, place)}" if place else ""
    counted = _as_count(feature, value, row)
    if counted:
        shares = re.sub(r"(higher|lower) than that of", r"a \1 share than for", compared)
        return counted if counted.startswith(LAST_ONE) else counted + shares
    if re.fullmatch(r"ext_source_\d", feature.name) and " than " in compared:
        return f"The {label(feature)} ({value_words(feature, value)}) is {compared.removeprefix(', ')}"
    return f"{_upper(label(feature))}: {value_words(feature, value)}{compared}"


def _flag(feature: Feature, value: float, stats: PopulationStats) -> str:
    yes, no = FLAGS.get(feature.name, (f"{_upper(label(feature))}: yes", f"{_upper(label(feature))}: no"))
    place = stats.place(ALL, feature.name, value)
    return (yes if value else no) + (f", as for {percent(place.same)} of applicants" if place else "")


def _absence(feature: Feature, row: Row, *, known: bool) -> str | None:
    """What is not known: the source, when it knows nothing of the client; the cases, when there are none; the thing."""
    for flag, _, prefixes in HISTORIES:
        if feature.name.startswith(prefixes) and row.get(flag) == 0:
            return FLAGS[flag][1]
    if known:
        return None
    words = label(feature)
    if ", over " in words and _cases(feature, row) == 0:
        cases = words.split(", over ", maxsplit=1)[1]
        return f"No {cases}" if cases.startswith("monthly records") else f"No record of {cases}"
    return f"No record of {words}"


def _cases(feature: Feature, row: Row) -> float | None:
    """Number of the cases that an aggregate is over; None when the row does not say."""
    for pattern, counted_in in CASES:
        match = re.fullmatch(pattern, feature.name)
        if match is not None:
            return row.get(counted_in.format(match.group(1) or ""))
    return None


def _as_count(feature: Feature, share: float, row: Row) -> str | None:
    """A share as so many of so many; None when the row does not say of how many."""
    last = re.fullmatch(r"previous_(refused|approved)_share_last_(\d+)", feature.name)
    if last is not None:
        total = min(int(last.group(2)), row.get("previous_count") or 0)
        return _so_many(share, total, "last ", "previous application", last.group(1))
    for pattern, counted_in, cases, happened in COUNTED:
        match = re.fullmatch(pattern, feature.name)
        if match is not None:
            window = match.group(1) or ""
            total = row.get(counted_in.format(window))
            return _so_many(share, total, "", cases + (f" of the last {_window(window)}" if window else ""), happened)
    return None


def _so_many(share: float, total: float | None, which: str, cases: str, happened: str) -> str | None:
    if is_null(total) or total < 1 or abs(share * total - round(share * total)) > 0.01:
        return None
    some = round(share * total)
    if total == 1 and which:
        return f"The {which}{cases} was {'' if some else 'not '}{happened}"
    cases = cases + "s" if which else cases
    return f"{some or 'None'} of the {which}{total:,.0f} {cases} {'was' if some == 1 else 'were'} {happened}"


def _window(suffix: str) -> str:
    """Words for `_365d` or `_12m`."""
    return f"{suffix[1:-1]} {'days' if suffix.endswith('d') else 'months'}"


def _lower(text: str) -> str:
    """First letter small, unless the word is a name or an abbreviation."""
    return text if text[:2].isupper() or text.startswith(("Home Credit", "E-")) else text[:1].lower() + text[1:]


def _upper(text: str) -> str:
    return text[:1].upper() + text[1:]
