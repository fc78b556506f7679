"""Make models wrong one at a time, by a grammar of slips, and count how many of them the tests of the features find.

A small warehouse is built once from generated clients at the edges of the rules. Each mutation of the compiled SQL of a
model is built in it with all that reads the model, judged by the oracle, the rules of ranges and the data tests of dbt,
and taken back. The unit tests of dbt and all other tests are left out: they could only find more.
"""

import argparse
import tempfile
import time
from pathlib import Path

import duckdb
import pytest

from tests.mutants.equivalent import reason
from tests.mutants.grammar import Mutation, draw, mutations
from tests.mutants.judges import BuiltModels
from tests.support.building import build_marts
from tests.support.edges import put_on_edges
from warehouse.generate import main as generate

WANTED = 0.95


def main(argv: list[str] | None = None) -> int:
    """0 when at least 95 % of the mutations that change a rule are found, 1 otherwise."""
    parser = argparse.ArgumentParser(prog="python -m tests.mutants", description=__doc__)
    parser.add_argument("--count", type=int, default=60, help="mutations that run (60)")
    parser.add_argument("--seed", type=int, default=1, help="of the mutations drawn (1)")
    parser.add_argument("--clients", type=int, default=600, help="clients generated (600)")
    options = parser.parse_args(argv)
    if options.count < 1 or options.clients < 1:
        parser.error("expected --count and --clients of at least 1")
    with tempfile.TemporaryDirectory() as folder:
        path = built(Path(folder), options.clients)
        with duckdb.connect(str(path)) as con:
            return report(BuiltModels(con, path.parent / "target" / "manifest.json"), options.count, options.seed)


def built(folder: Path, clients: int) -> Path:
    """A warehouse of generated clients, with one thread: what is measured takes one core."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("CREDIT_THREADS", "1")
        assert generate(["--clients", str(clients), "--seed", "7", "--out", str(folder / "raw")]) == 0
        put_on_edges(folder / "raw", folder / "edges")
        result = build_marts(folder / "edges", folder / "home_credit.duckdb")
    assert result.success, result.exception
    return folder / "home_credit.duckdb"


def report(models: BuiltModels, count: int, seed: int) -> int:
    """Judge mutations one after the other, a line for each, and the sum at the end."""
    models.con.execute("set threads = 1")
    if complaint := models.complaint(list(models.models)):
        raise SystemExit(f"error: expected a warehouse that passes; found {complaint}; run: make test")
    found = [mutation for name in models.models for mutation in mutations(name, models.sql(name))]
    print(f"{len(found):,} mutations of {len(models.models)} models; {count} are drawn with seed {seed}")
    names: dict[str, list[str]] = {"killed": [], "survived": [], "equivalent": []}
    for mutation in draw(found, seed):
        if sum(len(of_outcome) for of_outcome in names.values()) == count:
            break
        began = time.monotonic()
        if (verdict := judged(models, mutation)) is None:
            continue  # it does not run
        outcome, why = verdict
        names[outcome].append(mutation.name)
        print(f"{outcome:10} {time.monotonic() - began:4.1f} s  {mutation.name}\n{'':19}{why}", flush=True)
    for name in names["survived"]:
        print(f"survived: {name}")
    killed = len(names["killed"])
    rules = max(1, killed + len(names["survived"]))
    outcomes = ", ".join(f"{len(of_outcome)} {outcome}" for outcome, of_outcome in names.items())
    print(f"seed {seed}: {outcomes}; {killed / rules:.1%} of those that change a rule are killed")
    return 0 if killed >= WANTED * rules else 1


def judged(models: BuiltModels, mutation: Mutation) -> tuple[str, str] | None:
    """Outcome and its reason; None for SQL that does not run."""
    try:
        with models.with_wrong(mutation.model, mutation.mutant) as made:
            complaint = models.complaint(made)
    except duckdb.Error:
        return None
    if complaint:
        return "killed", complaint[:160]
    return ("equivalent", why) if (why := reason(mutation.name)) else ("survived", "no test says anything")


if __name__ == "__main__":
    raise SystemExit(main())
