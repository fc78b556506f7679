"""Measure a raw folder into the one small file of statistics that the generator draws from.

Only aggregates leave: quantiles, frequencies, correlations and the coefficients of the target. Clients of both
applications, train and test, are weighted to their numbers in the release.

usage: python -m warehouse.generator.calibration.calibrate --raw DIR [--out FILE]
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import duckdb
import numpy as np

from warehouse.core.cli import command
from warehouse.generator.calibration import measure
from warehouse.generator.calibration.rows import MeasuredBlock, measure_block
from warehouse.generator.calibration.target import first_target, match_target
from warehouse.generator.population.marginals import FINE_GRID
from warehouse.generator.population.recipe import APPLICATION_DERIVED, APPLICATION_RULES, BLOCKS, HOUSING
from warehouse.generator.population.statistics import STATISTICS_FILE, parse_statistics
from warehouse.loading.contract import Contract, load_contract
from warehouse.loading.files import find_raw_file, open_raw_file, select_sql

MIN_MINORITY = 0.008
NULL_GROUP_SHARE = 0.03
Clients = dict[str, np.ndarray]


def calibrate(raw_dir: Path, out: Path) -> None:
    """Measure `raw_dir` and write `out`."""
    con = duckdb.connect()
    contract = load_contract()
    for table in contract.tables.values():
        raw = open_raw_file(find_raw_file(raw_dir, table.name), table)
        con.execute(f"create table {table.name} as {select_sql(raw)}")
    con.execute("set threads = 1")
    clients = read_clients(con, contract)
    application = score_application(clients)
    blocks = {name: measure_block(con, block, clients) for name, block in BLOCKS.items()}
    names, scaled, scores = client_scores(application, blocks)
    correlation = client_correlation(names, scaled, scores, blocks, clients["weight"])
    statistics = {
        "clients": {
            "variables": {name: part.entry for name, part in application.items()},
            "nulls": null_groups(clients),
            "housing": housing_kinds(clients),
            "names": names,
            "correlation": lower_triangle(correlation),
        },
        "target": first_target(names, scores, clients["TARGET"]),
        **{name: block.entry for name, block in blocks.items()},
        "rates": rates(con, clients),
    }
    statistics["target"] = match_target(parse_statistics(statistics))
    out.write_text(compact_json(statistics), encoding="utf-8")
    print(
        f"{out}: {out.stat().st_size / 1e3:.0f} kB from {len(clients['weight'])} clients, {len(names)} client variables"
    )


def read_clients(con: duckdb.DuckDBPyConnection, contract: Contract) -> Clients:
    """Variables of every client, labelled or not, with the weight of its part of the release."""
    columns = [c.name for c in contract["application_train"].columns if c.name not in APPLICATION_RULES]
    derived = {name: name for name in columns} | APPLICATION_DERIVED
    extra = [f"{base}_{kind}" for base in HOUSING for kind in ("MODE", "MEDI")]
    select = ", ".join(f"{expression} as {name}" for name, expression in derived.items())
    parts = []
    for table, target in (("application_train", "TARGET"), ("application_test", "null")):
        weight = f"{contract[table].released_rows} / (select count(*) from {table})"
        parts.append(
            f"select SK_ID_CURR as client_id, cast({target} as double) as TARGET, {weight} as weight, {select}, "
            f"{', '.join(extra)} from {table}"
        )
    cursor = con.execute(f"select * from ({' union all by name '.join(parts)}) order by client_id")
    return {name: measure.plain(values) for name, values in cursor.fetchnumpy().items()}


def score_application(clients: Clients) -> dict[str, measure.Scored]:
    """Normal scores of the application's variables: marginals from labelled clients, scores for all."""
    scored = {}
    nulls = null_groups(clients)
    skip = {"client_id", "TARGET", "weight"} | {f"{base}_{kind}" for base in HOUSING for kind in ("MODE", "MEDI")}
    for name, values in clients.items():
        if name in skip:
            continue
        if nulls.get(name) == f"{name}?":
            scored[f"{name}?"] = measure.score(measure.is_null(values).astype(float), labelled_weight(clients))
        order = measure.text_order(values, clients["TARGET"]) if values.dtype == object else None
        scored[name] = measure.score(values, labelled_weight(clients), order, FINE_GRID)
    return scored


def null_groups(clients: Clients) -> dict[str, str]:
    """Column to the variable that nulls it: columns that are null in the same rows share the first one's.

    A car's age and whatever is derived are null by rule, not by chance.
    """
    first: dict[bytes, str] = {}
    result = {}
    for name, values in clients.items():
        missing = measure.is_null(values)
        by_rule = name in APPLICATION_DERIVED or name in ("TARGET", "OWN_CAR_AGE")
        if missing.any() and not by_rule:
            result[name] = first.setdefault(missing.tobytes(), f"{name}?")
    return result


def labelled_weight(clients: Clients) -> np.ndarray:
    """1 for labelled clients; next to nothing for the others, so that their values have a place too."""
    return np.where(np.isnan(clients["TARGET"]), 1e-9, 1.0)


def in_copula(part: measure.Scored) -> bool:
    """Rare values say too little to be correlated: such variables are drawn on their own."""
    shares = part.entry.get("shares")
    return shares is None or 1 - max(shares) > MIN_MINORITY


def client_scores(
    application: dict[str, measure.Scored], blocks: dict[str, MeasuredBlock]
) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Names, scaled scores (for correlations) and best guesses of scores (for the target) of all client variables."""
    kept = {name: part for name, part in application.items() if in_copula(part)}
    names = list(kept)
    scaled = [part.scaled for part in kept.values()]
    scores = [part.scores for part in kept.values()]
    for block_name, block in blocks.items():
        if block.count is not None:
            names.append(f"{block_name}.count")
            scaled.append(block.count.scaled)
            scores.append(block.count.scores)
        for k, name in enumerate(block.effects.names):
            names.append(f"{block_name}.{name}")
            scaled.append(block.effects.scaled[:, k])
            scores.append(block.effects.scores[:, k])
    return names, np.column_stack(scaled), np.column_stack(scores)


def client_correlation(
    names: list[str], scaled: np.ndarray, scores: np.ndarray, blocks: dict[str, MeasuredBlock], weights: np.ndarray
) -> np.ndarray:
    """Correlation of all client variables; pairs of effects in one block come from different rows of a client."""
    matrix = measure.total_correlation(scaled, weights)
    for block_name, block in blocks.items():
        index = [names.index(f"{block_name}.{name}") for name in block.effects.names]
        if index:
            matrix[np.ix_(index, index)] = block.effects.correlation
    trust = np.minimum(np.nanvar(scores, axis=0), 1.0)
    return measure.nearest_correlation(matrix, trust)


def housing_kinds(clients: Clients) -> dict[str, Any]:
    """How the _MODE and _MEDI columns of the building follow _AVG: share of equal values, else a correlated score."""
    result = {}
    for base in HOUSING:
        average = clients[f"{base}_AVG"]
        for kind in ("MODE", "MEDI"):
            values = clients[f"{base}_{kind}"]
            known = ~np.isnan(average) & ~np.isnan(values)
            first, second = (np.argsort(np.argsort(v[known], kind="stable")) for v in (average, values))
            result[f"{base}_{kind}"] = {
                "equal": round(float(np.mean(average[known] == values[known])), 4),
                "correlation": round(float(np.corrcoef(first, second)[0, 1]), 4),
                **measure.score(values, labelled_weight(clients)).entry,
            }
    return result


def rates(con: duckdb.DuckDBPyConnection, clients: Clients) -> dict[str, float]:
    """Single figures that no marginal holds."""
    con.register("weights", {"SK_ID_CURR": clients["client_id"].astype("int64"), "weight": clients["weight"]})
    queries = {
        "has_balance": """
            select sum(weight * cast(has as integer)) / sum(weight) from weights
            inner join (select SK_ID_CURR, max(SK_ID_BUREAU in (select SK_ID_BUREAU from bureau_balance)) as has
                from bureau group by SK_ID_CURR) using (SK_ID_CURR)""",
        "balance_of_loan": """
            select avg(cast(SK_ID_BUREAU in (select SK_ID_BUREAU from bureau_balance) as integer)) from bureau
            where SK_ID_CURR in (
                select SK_ID_CURR from bureau where SK_ID_BUREAU in (select SK_ID_BUREAU from bureau_balance))""",
        "pos_parentless_per_client": """
            select sum(weight) / (select sum(weight) from weights) from weights
            inner join (select distinct SK_ID_CURR, SK_ID_PREV from POS_CASH_balance) using (SK_ID_CURR)
            where SK_ID_PREV not in (select SK_ID_PREV from previous_application)""",
        "card_parentless": """
            select count(distinct SK_ID_PREV) filter (SK_ID_PREV not in (select SK_ID_PREV from previous_application))
                / count(distinct SK_ID_PREV) from credit_card_balance""",
    }
    return {name: round(con.execute(query).fetchone()[0], 5) for name, query in queries.items()}


def lower_triangle(matrix: np.ndarray) -> list[list[float]]:
    """Rows of the lower triangle without the diagonal, two decimals."""
    return [[round(float(v), 2) for v in row[:i]] for i, row in enumerate(matrix)]


def compact_json(statistics: dict[str, Any]) -> str:
    """One line per innermost part: small, yet a difference in version control can be read."""
    return "{\n" + ",\n".join(_part(name, part) for name, part in statistics.items()) + "\n}\n"


def _part(name: str, part: object) -> str:
    short = json.dumps(part, separators=(",", ":"), ensure_ascii=False)
    if not isinstance(part, dict) or len(short) < 1500:
        return f"{json.dumps(name)}:{short}"
    return f"{json.dumps(name)}:{{\n" + ",\n".join(_part(key, value) for key, value in part.items()) + "}"


@command
def main(argv: Sequence[str] | None = None) -> None:
    """Calibrate on a folder of real files."""
    parser = argparse.ArgumentParser(prog="python -m warehouse.generator.calibration.calibrate", description=__doc__)
    parser.add_argument("--raw", type=Path, required=True, metavar="DIR", help="folder of the eight real files")
    parser.add_argument("--out", type=Path, default=STATISTICS_FILE, metavar="FILE", help="default: %(default)s")
    args = parser.parse_args(argv)
    calibrate(args.raw, args.out)


if __name__ == "__main__":
    sys.exit(main())
