"""A value of a feature in plain words: with its unit, short, and honest at the ends."""

import math

import pandas as pd

from ml.data.catalog import Feature

DAYS_PER_MONTH = 30.44
DAYS_PER_YEAR = 365.25
SELDOM = 0.005
LONGEST_CODE = 5
FROM_APPLICATION = " from application"


def value_words(feature: Feature, value: float | str | None) -> str:
    """A value with its unit: money in thousands, days as months or years, shares in per cent.

    Examples
    --------
    >>> about = ("", "feat_application", "employment", "Work", "start of the employment")
    >>> share = Feature("x", "number", "share 0..1", *about)
    >>> start = Feature("y", "number", "days from application", *about)
    >>> value_words(share, 0.254), value_words(start, -1500), value_words(start, None)
    ('25 %', '4.1 years before the application', 'no record')
    """
    value = known(value)
    if value is None:
        return "no record"
    if isinstance(value, str):
        return value.capitalize() if value.isupper() and len(value) > LONGEST_CODE else value
    size = float(value)
    unit, _, period = feature.unit.removesuffix(FROM_APPLICATION).partition(" per ")
    if period:
        words = f"{number(100 * size)} percentage points" if unit in POINTS else number(size)
        return f"{words} per {period}"
    words = _FORMATS.get(unit.split(" ")[0], number)(abs(size) if is_date(feature) else size)
    return _relative(words, size) if is_date(feature) else words


def percent(share: float) -> str:
    """A share in whole per cent, honest at the ends.

    Examples
    --------
    >>> percent(0.914), percent(0.0004), percent(0.9991), percent(1.0), percent(1.234)
    ('91 %', 'less than 1 %', 'more than 99 %', '100 %', '123 %')
    """
    if 0 < share < SELDOM:
        return "less than 1 %"
    if 1 - SELDOM < share < 1:
        return "more than 99 %"
    return f"{100 * share:.0f} %"


def number(value: float) -> str:
    """Three significant digits, thousands apart, no exponent; -0 is 0.

    Examples
    --------
    >>> number(1234567.8), number(3.0), number(0.01234), number(-12.34)
    ('1,234,568', '3', '0.0123', '-12.3')
    """
    if value == 0:
        return "0"
    if float(value).is_integer() or abs(value) >= 100:
        return f"{value:,.0f}"
    digits = max(0, 2 - math.floor(math.log10(abs(value))))
    text = f"{value:.{digits}f}"
    return text.rstrip("0").rstrip(".") if "." in text else text


def is_date(feature: Feature) -> bool:
    """Whether days or months count from the application, negative before it."""
    return feature.unit.endswith(FROM_APPLICATION)


def known(value: float | str | None) -> float | str | None:
    """The value, with NaN as None."""
    return None if value is None or pd.isna(value) else value


def _per_cent(value: float) -> str:
    return f"{number(100 * value) if abs(value) < 0.01 else f'{100 * value:.0f}'} %"


def _days(days: float) -> str:
    size = abs(days)
    if size < 2 * DAYS_PER_MONTH:
        words = _counted(round(size) if size >= 1 else size, "day")
    elif size < 2 * DAYS_PER_YEAR:
        words = _counted(round(size / DAYS_PER_MONTH), "month")
    else:
        words = f"{size / DAYS_PER_YEAR:.1f} years"
    return words if days >= 0 else f"minus {words}"


def _relative(words: str, when: float) -> str:
    return "at the application" if when == 0 else f"{words} {'before' if when < 0 else 'after'} the application"


def _counted(size: float, unit: str) -> str:
    words = number(size)
    return f"{words} {unit}" if words == "1" else f"{words} {unit}s"


POINTS = {"ratio", "share"}
# By the first word of the unit.
_FORMATS = {
    "flag": lambda size: "yes" if size else "no",
    "days": _days,
    "months": lambda size: _counted(size, "month"),
    "years": lambda size: _counted(size, "year"),
    "share": _per_cent,
    "ratio": lambda size: _per_cent(size) if abs(size) < 2 else f"{number(size)} times",
    "payments": lambda size: _counted(size, "payment"),
    "standard": lambda size: f"{size:+.1f} standard deviations",
    "score": lambda size: f"{size:.2f}" if abs(size) >= 0.01 else number(size),
    "index": lambda size: f"{size:.0f} of 100",
}
