"""What a feature says of a client, in plain words: its name, the fact, the comparison with others."""

from collections.abc import Mapping

from ml.data.catalog import Feature
from ml.data.population import ALL, Place, PopulationStats
from ml.wording.values import is_date, known, percent, value_words

TIED = 0.25
WHOLE = 0.01
Row = Mapping[str, float | str | None]


def comparison(feature: Feature, value: float, place: Place, among: str = "applicants") -> str:
    """Where a value lies, in words: on which side of how many.

    Examples
    --------
    >>> loans = Feature("x", "number", "count", "", "feat_bureau", "debt", "Debt", "loans elsewhere")
    >>> comparison(loans, 4, Place(0.9, 0.06, 0.04))
    'higher than that of 90 % of applicants'
    """
    if place.same >= TIED or place.below is None or place.above is None:
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
    value = known(row.get(feature.name))
    absence = _absence(feature, row, stats, has_value=value is not None)
    if absence or value is None:
        return absence or f"No record of {feature.label}"
    if feature.kind == "flag":
        return _flag(feature, float(value), stats)
    fact = f"{capitalised(feature.label)}: {value_words(feature, value)}"
    if isinstance(value, str):
        share = stats.categories[ALL].get(feature.name, {}).get(value)
        return fact + (f", as for {percent(share)} of applicants" if share else ", as for no other applicant")
    place = stats.place(ALL, feature.name, float(value))
    compared = f", {comparison(feature, value, place)}" if place else ""
    return fact + _counted(feature, float(value), row) + compared


def capitalised(text: str) -> str:
    """First letter large."""
    return text[:1].upper() + text[1:]


def _flag(feature: Feature, value: float, stats: PopulationStats) -> str:
    place = stats.place(ALL, feature.name, value)
    words = feature.label if value or not feature.label_if_no else feature.label_if_no
    return capitalised(words) + (f", as for {percent(place.same)} of applicants" if place else "")


def _absence(feature: Feature, row: Row, stats: PopulationStats, *, has_value: bool) -> str | None:
    """What is not known: the source, when it knows nothing of the client; the cases, when there are none; the value."""
    for flag in feature.histories:
        if row.get(flag) == 0:
            return capitalised(stats.feature(flag).label_if_no or flag)
    if has_value:
        return None
    if feature.counted_in and row.get(feature.counted_in) == 0:
        return f"No {stats.feature(feature.counted_in).label}"
    return f"{capitalised(feature.label)}: no record" if feature.kind == "flag" else f"No record of {feature.label}"


def _counted(feature: Feature, share: float, row: Row) -> str:
    """A share as so many of so many; empty when the row does not say of how many."""
    total = known(row.get(feature.counted_in)) if feature.counted_in and feature.unit.startswith("share") else None
    if not isinstance(total, int | float) or total < 1 or abs(share * total - round(share * total)) > WHOLE:
        return ""
    return f" ({share * total:,.0f} of {total:,.0f})"
