"""Cross-validation by ml against the usual loop in pandas, at full size, each in a process of its own.

Reads marts.training_set of a warehouse, repeats its rows with jitter into a DuckDB file outside the repository, and has
both sides train the same folds with the same LightGBM parameters:

    python -m tests.benchmarks.bench_training --database WAREHOUSE.duckdb --work /tmp/bench

Asked: time <= 0.6 x and peak memory <= 0.5 x of the loop (`con.df()`, `iloc`, `LGBMClassifier.fit` for each fold).
"""

import argparse
import sys
from pathlib import Path

import duckdb
import numpy as np
from lightgbm import LGBMClassifier
from sklearn.model_selection import StratifiedKFold

from ml.data.training_set import read_training_data
from ml.evaluation.metrics import auc
from ml.modelling.cross_validation import cross_validate
from ml.modelling.folds import assign_folds
from ml.modelling.recipe import TrainingConfig
from tests.benchmarks.measuring import PROJECT_ROOT, measure
from warehouse.core.settings import Settings

ROWS = 310_000
FEWER_ROUNDS = 100
AIM_TIME, AIM_MEMORY = 0.6, 0.5


def enlarge(source: Path, target: Path, rows: int) -> None:
    """Repeat the training set; doubles move by up to half a percent, so that they have as many values as rows."""
    with duckdb.connect(str(target)) as con:
        con.execute(f"attach '{source}' as small (read_only)")
        columns = con.execute("describe small.marts.training_set").fetchall()
        moved = [
            f'"{name}" * (1 + (random() - 0.5) / 100) as "{name}"' if kind == "DOUBLE" else f'"{name}"'
            for name, kind, *_ in columns
            if name != "sk_id_curr"
        ]
        (clients,) = con.execute("select count(*) from small.marts.training_set").fetchone()
        con.execute("select setseed(0.5)")
        con.execute("create schema marts")
        con.execute(
            f"create table marts.training_set as select row_number() over () as sk_id_curr, {', '.join(moved)} "
            f"from small.marts.training_set, range({-(-rows // clients)}) limit {rows}"
        )


def loop_in_pandas(database: Path, config: TrainingConfig) -> float:
    """What a notebook does; AUC out of fold."""
    with duckdb.connect(str(database), read_only=True) as con:
        frame = con.execute("select * from marts.training_set order by sk_id_curr").df()
    target = frame.pop("target").to_numpy()
    frame = frame.drop(columns="sk_id_curr")
    for name in frame.select_dtypes(["object", "string"]).columns:
        frame[name] = frame[name].astype("category")
    probability = np.empty(len(target))
    folds = StratifiedKFold(config.folds, shuffle=True, random_state=config.seed)
    for rows, held_out in folds.split(frame, target):
        model = LGBMClassifier(**config.lightgbm_parameters()).fit(frame.iloc[rows], target[rows])
        probability[held_out] = model.predict_proba(frame.iloc[held_out])[:, 1]
    return auc(target, probability)


def loop_of_ml(database: Path, config: TrainingConfig) -> float:
    """What `ml.train` does; AUC out of fold."""
    data = read_training_data(database)
    folds = assign_folds(data, config.folds, config.seed)
    return auc(data.target, cross_validate(data, config, folds).probability)


SIDES = {"pandas": loop_in_pandas, "ml": loop_of_ml}


def main() -> None:
    """Measure both sides in one run and print the ratios."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    add = parser.add_argument
    add("--database", type=Path, default=Settings.from_environment().duckdb_path, help="default: CREDIT_DUCKDB")
    add("--work", type=Path, required=True, metavar="FOLDER", help="outside the repository; the file made there stays")
    add("--rows", type=int, default=ROWS, help="default: %(default)s")
    add("--rounds", type=int, default=FEWER_ROUNDS, help="trees (default: %(default)s; ml.train takes 2,400)")
    add("--side", choices=SIDES, help=argparse.SUPPRESS)
    options = parser.parse_args()
    config = TrainingConfig(rounds=options.rounds)
    if options.side:
        print(f"AUC {SIDES[options.side](options.database, config):.4f}")
        return
    work = options.work.resolve()
    if work.is_relative_to(PROJECT_ROOT):
        sys.exit(f"expected a folder outside the repository; found {work}; choose another with --work")
    work.mkdir(parents=True, exist_ok=True)
    enlarged = work / f"training_{options.rows}.duckdb"
    if not enlarged.exists():
        enlarge(options.database.resolve(), enlarged, options.rows)
    measured = {
        side: measure(
            f"{side}, {options.rows:,} rows, {options.rounds} trees, {config.folds} folds",
            [
                sys.executable,
                "-m",
                "tests.benchmarks.bench_training",
                "--side",
                side,
                "--work",
                str(work),
                "--database",
                str(enlarged),
                "--rounds",
                str(options.rounds),
            ],
        )
        for side in SIDES
    }
    seconds = measured["ml"].seconds / measured["pandas"].seconds
    memory = measured["ml"].peak_gigabytes / measured["pandas"].peak_gigabytes
    print(f"time:   {seconds:.2f} times the loop in pandas (asked <= {AIM_TIME})")
    print(f"memory: {memory:.2f} times (asked <= {AIM_MEMORY})")


if __name__ == "__main__":
    main()
