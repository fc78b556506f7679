"""Seconds and memory of scoring as many clients as the full release has, with a model of the size that they get.

The clients are those of a built warehouse, repeated, their numbers changed a little; the model is trained on its
labelled ones. `python -m tests.benchmarks.bench_predict --database FILE`.
"""

import argparse
import multiprocessing
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import duckdb
import mlflow.pyfunc

from ml.data.training_set import read_training_data
from ml.modelling.pipeline import fit_members
from ml.modelling.recipe import TrainingConfig
from ml.registry.export import _prepare
from ml.registry.packaging import storage_options
from ml.registry.record import ModelRecord
from ml.registry.versions import RegisteredModel
from ml.served.calibration import Calibration
from ml.served.scorer import CreditScorer
from tests.benchmarks.measuring import measure
from warehouse.core.settings import Settings
from warehouse.core.sql import quoted

CLIENTS = 356_255
TREES = 2_400
AIM_SECONDS, AIM_GIGABYTES = 30.0, 4.0
JITTER = 1e-3


def main() -> None:
    """Make clients and model, score once, print time and memory beside what they should be at most."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--database", type=Path, default=Settings.from_environment().duckdb_path, metavar="FILE")
    parser.add_argument("--clients", type=int, default=CLIENTS, metavar="N", help="default %(default)s")
    parser.add_argument("--trees", type=int, default=TREES, metavar="N", help="default %(default)s")
    parser.add_argument("--seeds", type=int, default=1, metavar="N", help="models averaged (default: %(default)s)")
    parser.add_argument("--work", type=Path, help="folder for the files, removed afterwards (default: the system's)")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=args.work) as folder:
        work = Path(folder)
        # in a process of its own: a child's peak memory begins with that of the process that starts it
        with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
            features = pool.submit(repeat_clients, args.database, work / "many.duckdb", args.clients).result()
            config = TrainingConfig(rounds=args.trees, seeds=args.seeds)
            pool.submit(save_model, args.database, config, work / "model").result()
        command = ["-m", "ml.predict", "--population", "all", "--database", f"{work}/many.duckdb"]
        command += ["--model", f"{work}/model", "--out", f"{work}/scores"]
        name = f"{args.clients:,} clients x {features:,} features, {args.seeds} x {args.trees:,} trees"
        taken = measure(name, [sys.executable, *command])
    print(f"time: {taken.seconds:.1f} s (aim: {AIM_SECONDS:.0f} at most)")
    print(f"memory: {taken.peak_gigabytes:.2f} GB (aim: {AIM_GIGABYTES:.0f} at most)")


def repeat_clients(warehouse: Path, path: Path, clients: int) -> int:
    """Write the mart, repeated and jittered, into a file of its own; the number of features."""
    with duckdb.connect(str(path)) as con:
        con.execute(f"attach '{warehouse}' as built (read_only)")
        con.execute("create schema marts")
        columns = con.execute("describe built.marts.client_features").fetchall()
        there = con.execute("select count(*) from built.marts.client_features").fetchone()[0]
        listed = [f"sk_id_curr + {10**7} * copy as sk_id_curr", "population"]
        for name, kind, *_ in columns[2:]:
            factor = f" * (1 + {JITTER} * (hash(copy, sk_id_curr, '{name}') % 1000) / 1000)" if kind == "DOUBLE" else ""
            listed.append(f"{quoted(name)}{factor} as {quoted(name)}")
        con.execute(
            f"create table marts.client_features as select {', '.join(listed)} "
            f"from built.marts.client_features, range({-(-clients // there)}) as copies(copy) limit {clients}"
        )
    return len(columns) - 2


def save_model(warehouse: Path, config: TrainingConfig, folder: Path) -> None:
    """Train on the labelled clients, and save as `ml.export` does."""
    data = read_training_data(warehouse)
    members, weights = fit_members(data, config)
    scorer = CreditScorer(members, Calibration("sigmoid", slope=1.05, intercept=0.1), 1 / 11, weights)
    with tempfile.TemporaryDirectory() as workshop:
        manifest = {"threshold": scorer.threshold, "data": {}, "git": {}}
        mlflow.pyfunc.save_model(str(folder), **storage_options(ModelRecord(scorer, data, manifest), Path(workshop)))
    _prepare(folder, RegisteredModel(1, "none", {}, {}))


if __name__ == "__main__":
    main()
