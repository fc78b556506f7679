"""How far two populations differ, column by column: counted in the database on every row, compared by PSI.

Numeric columns are cut at the deciles of the reference, text by its values; a missing value (null, nan, infinity) is a
bin of its own.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise

from monitoring.populations import Population
from monitoring.psi import Bin, ColumnDrift, drift_level, population_stability_index
from warehouse.core.errors import SettingsError
from warehouse.core.sql import quoted

KEY, TARGET, POPULATION = "sk_id_curr", "target", "population"
NOT_FEATURES = frozenset({KEY, TARGET, POPULATION})
DECILES = [tenth / 10 for tenth in range(1, 10)]
CATEGORIES_KEPT = 50
COLUMNS_PER_QUERY = 50
INTEGERS = ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT")
NUMERIC = frozenset({*INTEGERS, *(f"U{name}" for name in INTEGERS), "FLOAT", "DOUBLE"})
MISSING, OTHERS = "missing", "other values"


@dataclass(frozen=True)
class _Counts:
    """Rows of one population by bin of one column, missing values last; and those of its defaulters."""

    rows: tuple[int, ...]
    defaulters: tuple[int, ...] | None
    mean: float | None


@dataclass(frozen=True)
class _Cut:
    """Upper end of a bin: at `value`, or just below it where the value is a bin of its own."""

    value: float
    below: bool = False

    @property
    def number(self) -> float:
        """The upper end as a number."""
        return math.nextafter(self.value, -math.inf) if self.below else self.value


def measure_drift(reference: Population, current: Population) -> tuple[ColumnDrift, ...]:
    """Measure every column that both populations have; key and label are no columns to drift.

    Returns
    -------
    tuple of ColumnDrift
        The most drifted first.

    Raises
    ------
    SettingsError
        A population is empty, or they share no column.
    """
    for population in (reference, current):
        if population.rows == 0:
            raise SettingsError(
                expected=f"rows in {population.name}", found="none", remedy="choose another population to compare"
            )
    common = [name for name in reference.types if name in current.types and name not in NOT_FEATURES]
    if not common:
        raise SettingsError(
            expected=f"columns that stand both in {reference.name} and in {current.name}",
            found="none",
            remedy="compare tables of features, such as marts.training_set and marts.scoring_set",
        )
    numeric = [name for name in common if _is_numeric(reference.types[name]) and _is_numeric(current.types[name])]
    text = [name for name in common if name not in set(numeric)]
    measured = [*_measure_numeric(reference, current, numeric), *(_measure_text(reference, current, c) for c in text)]
    return tuple(sorted(measured, key=lambda drift: (-drift.psi, drift.column)))


def _is_numeric(data_type: str) -> bool:
    return data_type in NUMERIC or data_type.startswith("DECIMAL")


def _measure_numeric(reference: Population, current: Population, columns: list[str]) -> Iterator[ColumnDrift]:
    for start in range(0, len(columns), COLUMNS_PER_QUERY):
        batch = columns[start : start + COLUMNS_PER_QUERY]
        cuts = _cuts(reference, batch)
        before, after = _histograms(reference, cuts), _histograms(current, cuts)
        for column in batch:
            yield _compare(column, "numeric", [*_labels(cuts[column]), MISSING], before[column], after[column])


def _cuts(reference: Population, columns: list[str]) -> dict[str, list[_Cut]]:
    """Deciles of the reference; a value that holds more than one of them is a bin of its own (flags, counts)."""
    quantiles = ", ".join(f"quantile_disc({_number(reference, column)}, {DECILES})" for column in columns)
    found = reference.con.execute(f"select {quantiles} from {reference.relation}").fetchone()
    return {column: _distinct_cuts(deciles or [0.0]) for column, deciles in zip(columns, found, strict=True)}


def _distinct_cuts(deciles: list[float]) -> list[_Cut]:
    repeated = {value for value in deciles if deciles.count(value) > 1}
    cuts = {_Cut(value) for value in deciles} | {_Cut(value, below=True) for value in repeated}
    return sorted(cuts, key=lambda cut: cut.number)


def _histograms(population: Population, cuts: dict[str, list[_Cut]]) -> dict[str, _Counts]:
    """Rows by bin of every column, in one scan; and those of the defaulters where there is a label."""
    labelled = TARGET in population.types
    expressions = []
    for column, column_cuts in cuts.items():
        number = _number(population, column)
        # Exponents make them floating-point literals: a decimal literal would be off by one bit.
        ends = "[" + ", ".join(f"{cut.number:.17e}" for cut in column_cuts) + "]"
        expressions += [f"histogram({number}, {ends})", f"avg({number})"]
        if labelled:
            defaulters = f"case when {quoted(TARGET)} = 1 then {number} end"
            expressions += [f"histogram({defaulters}, {ends})"]
    per_column = 3 if labelled else 2
    totals = f"count(*), {f'sum({quoted(TARGET)})' if labelled else 0}"
    rows, defaults, *found = population.con.execute(
        f"select {totals}, {', '.join(expressions)} from {population.relation}"
    ).fetchone()
    counts = {}
    for position, (column, column_cuts) in enumerate(cuts.items()):
        histogram, mean, *rest = found[position * per_column : (position + 1) * per_column]
        counts[column] = _Counts(
            rows=_with_missing(histogram, column_cuts, rows),
            defaulters=_with_missing(rest[0], column_cuts, int(defaults or 0)) if labelled else None,
            mean=mean,
        )
    return counts


def _with_missing(histogram: dict[float, int] | None, cuts: list[_Cut], rows: int) -> tuple[int, ...]:
    found = histogram or {}
    counts = [found.get(end, 0) for end in (*(cut.number for cut in cuts), math.inf)]
    return (*counts, rows - sum(counts))


def _number(population: Population, column: str) -> str:
    name = quoted(column)
    if population.types[column] in ("DOUBLE", "FLOAT"):
        return f"case when isfinite({name}) then cast({name} as double) end"
    return f"cast({name} as double)"


def _labels(cuts: list[_Cut]) -> list[str]:
    labels = [f"< {cuts[0].value:g}" if cuts[0].below else f"<= {cuts[0].value:g}"]
    for low, high in pairwise(cuts):
        if low.below and low.value == high.value:
            labels.append(f"= {high.value:g}")
        else:
            labels.append(f"> {low.value:g} and {'<' if high.below else '<='} {high.value:g}")
    return [*labels, f"> {cuts[-1].value:g}"]


def _measure_text(reference: Population, current: Population, column: str) -> ColumnDrift:
    """Compare the frequencies of the values; those beyond the 50 most frequent of the reference count as one."""
    before, after = _frequencies(reference, column), _frequencies(current, column)
    ranked = sorted((value for value in before if value is not None), key=lambda value: (-before[value][0], value))
    kept = ranked[:CATEGORIES_KEPT]
    return _compare(
        column, "text", [*kept, OTHERS, MISSING], _grouped(before, kept, reference), _grouped(after, kept, current)
    )


def _frequencies(population: Population, column: str) -> dict[str | None, tuple[int, int]]:
    defaulters = f"sum({quoted(TARGET)})" if TARGET in population.types else "0"
    rows = population.con.execute(
        f"select cast({quoted(column)} as varchar), count(*), {defaulters} from {population.relation} group by 1"
    ).fetchall()
    return {value: (count, int(defaults or 0)) for value, count, defaults in rows}


def _grouped(frequencies: dict[str | None, tuple[int, int]], kept: list[str], population: Population) -> _Counts:
    rest = [counts for value, counts in frequencies.items() if value is not None and value not in set(kept)]
    groups = [
        *(frequencies.get(value, (0, 0)) for value in kept),
        (sum(count for count, _ in rest), sum(defaults for _, defaults in rest)),
        frequencies.get(None, (0, 0)),
    ]
    defaulters = tuple(defaults for _, defaults in groups) if TARGET in population.types else None
    return _Counts(rows=tuple(count for count, _ in groups), defaulters=defaulters, mean=None)


def _compare(column: str, kind: str, labels: list[str], before: _Counts, after: _Counts) -> ColumnDrift:
    psi = population_stability_index(before.rows, after.rows)
    value = None
    if before.defaulters is not None:
        others = [rows - defaulters for rows, defaulters in zip(before.rows, before.defaulters, strict=True)]
        value = population_stability_index(others, before.defaulters)
    return ColumnDrift(
        column=column,
        kind=kind,
        psi=psi,
        level=drift_level(psi),
        reference_null_share=before.rows[-1] / sum(before.rows),
        current_null_share=after.rows[-1] / sum(after.rows),
        reference_mean=before.mean,
        current_mean=after.mean,
        information_value=value,
        bins=tuple(Bin(*row) for row in zip(labels, before.rows, after.rows, strict=True)),
    )
