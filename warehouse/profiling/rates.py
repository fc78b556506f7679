"""Default rates: of all labelled applications, and by the groups that credit people ask for."""

from dataclasses import dataclass

import duckdb
from scipy.stats import binomtest

from warehouse.profiling.tables import RAW_SCHEMA

LABELLED = f"(select * from {RAW_SCHEMA}.application_train where TARGET is not null)"
GROUPS_KEPT = 20
MISSING, OTHERS = "missing", "other values"
AGE = (
    "case when DAYS_BIRTH is not null then "
    "format('{} to {}', cast(floor(DAYS_BIRTH / -1826.25) * 5 as integer), "
    "cast(floor(DAYS_BIRTH / -1826.25) * 5 + 4 as integer)) end"
)
HAS_BUREAU = (
    f"case when SK_ID_CURR in (select SK_ID_CURR from {RAW_SCHEMA}.bureau) then 'on record' else 'no record' end"
)

# Title, SQL of the group; groups with an order of their own, then those that are ranked by their default rate.
ORDERED = (("Age in years", AGE), ("Region rating of the client (1 is best)", "REGION_RATING_CLIENT"))
RANKED = (
    ("Income type", "NAME_INCOME_TYPE"),
    ("Education", "NAME_EDUCATION_TYPE"),
    ("Family status", "NAME_FAMILY_STATUS"),
    ("Housing", "NAME_HOUSING_TYPE"),
    ("Contract type", "NAME_CONTRACT_TYPE"),
    ("Gender", "CODE_GENDER"),
    ("Credit bureau", HAS_BUREAU),
    ("Occupation", "OCCUPATION_TYPE"),
)
SCORES = ("EXT_SOURCE_1", "EXT_SOURCE_2", "EXT_SOURCE_3")


@dataclass(frozen=True)
class DefaultRate:
    """Applications of one group and how many of them defaulted."""

    label: str
    applications: int
    defaults: int

    @property
    def rate(self) -> float:
        """Share of defaults, between 0 and 1; 0 without applications."""
        return self.defaults / self.applications if self.applications else 0.0

    @property
    def interval(self) -> tuple[float, float]:
        """95 % interval of the rate."""
        return wilson_interval(self.defaults, self.applications)


@dataclass(frozen=True)
class Breakdown:
    """Default rates by the values of one column."""

    title: str
    groups: tuple[DefaultRate, ...]


def wilson_interval(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share, by Wilson's score.

    Returns
    -------
    tuple of float
        Both between 0 and 1; (0, 1) when nothing was tried.

    References
    ----------
    Wilson, E. B. (1927). Probable inference, the law of succession, and statistical inference. JASA 22, 209-212.

    Examples
    --------
    >>> [round(end, 4) for end in wilson_interval(8, 100)]
    [0.0411, 0.15]
    >>> wilson_interval(0, 0)
    (0.0, 1.0)
    """
    if not trials:
        return 0.0, 1.0
    interval = binomtest(successes, trials).proportion_ci(method="wilson")
    return float(interval.low), float(interval.high)


def measure_classes(con: duckdb.DuckDBPyConnection) -> tuple[DefaultRate, float | None]:
    """Default rate of all labelled applications, and the defaulters' share of the credit granted."""
    rows, defaults, credit = con.execute(
        "select count(*), coalesce(sum(TARGET), 0), sum(AMT_CREDIT) filter (TARGET = 1) / nullif(sum(AMT_CREDIT), 0) "
        f"from {LABELLED}"
    ).fetchone()
    return DefaultRate("all applications", rows, int(defaults)), credit


def measure_breakdowns(con: duckdb.DuckDBPyConnection) -> list[Breakdown]:
    """Default rate by every group; missing values are a group of their own, and the last."""
    found = [Breakdown(title, tuple(_groups(con, group))) for title, group in ORDERED]
    found += [Breakdown(title, _ranked(_groups(con, group))) for title, group in RANKED]
    found += [
        Breakdown(f"External score {score[-1]}, by tenth of the applications", tuple(_deciles(con, score)))
        for score in SCORES
    ]
    return found


def _groups(con: duckdb.DuckDBPyConnection, group: str) -> list[DefaultRate]:
    rows = con.execute(
        f"select cast({group} as varchar), count(*), sum(TARGET) from {LABELLED} group by 1 order by 1 nulls last"
    ).fetchall()
    return [DefaultRate(MISSING if label is None else label, count, int(defaults)) for label, count, defaults in rows]


def _ranked(groups: list[DefaultRate]) -> tuple[DefaultRate, ...]:
    """Riskiest first; the smallest beyond the twentieth count as one, after them come the missing values."""
    known = sorted((group for group in groups if group.label != MISSING), key=lambda group: -group.applications)
    kept, rest = known[:GROUPS_KEPT], known[GROUPS_KEPT:]
    last = [group for group in groups if group.label == MISSING]
    if rest:
        counts = sum(group.applications for group in rest), sum(group.defaults for group in rest)
        last = [DefaultRate(OTHERS, *counts), *last]
    return (*sorted(kept, key=lambda group: (-group.rate, group.label)), *last)


def _deciles(con: duckdb.DuckDBPyConnection, score: str) -> list[DefaultRate]:
    """Tenths of the known values by rank; equal values stay together."""
    rows = con.execute(f"""
        with ranked as (
            select TARGET, {score} as score, case when {score} is not null then
                1 + floor(10 * (rank() over (order by {score} nulls last) - 1) / count({score}) over ()) end as decile
            from {LABELLED}
        )
        select cast(decile as integer), min(score), max(score), count(*), sum(TARGET)
        from ranked group by 1 order by 1 nulls last
    """).fetchall()
    return [
        DefaultRate(MISSING if decile is None else f"{low:.3f} to {high:.3f}", count, int(defaults))
        for decile, low, high, count, defaults in rows
    ]
