"""What the issue of serving asks in numbers, measured on loopback with 356,000 clients in the snapshot.

Needs a published snapshot and its champion; repeats the snapshot's clients under new ids in a copy below --folder:

    python -m tests.benchmarks.bench_serving [--folder DIR] [--seconds 60] [--clients 356000]

Prints asked and measured. Times depend on how fast the disk flushes, which is measured too, and on what else runs.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import multiprocessing
import os
import shutil
import signal
import sqlite3
import statistics
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path

import duckdb

from ml.registry.loading import open_scorer
from ml.registry.registry import Registry
from ml.serving.live.rows import RowFile
from tests.benchmarks.measuring import PROJECT_ROOT
from tests.ml.serving.test_commands import free_port
from warehouse.core.files import file_sha256
from warehouse.core.settings import Settings
from warehouse.engines.raw_rows import read_raw_rows
from warehouse.loading.contract import load_contract
from warehouse.snapshots.raw_rows import raw_database
from warehouse.snapshots.snapshot import CURRENT, DATABASE_FILE, MANIFEST_FILE, Snapshot, resolve_snapshot

REAL_CLIENTS = 356_000
STEP = 1_000_000  # between the ids of one repetition and the next
PARALLEL = 32
ALONE = 400  # requests of one client after the other
EQUAL = 500


@dataclass
class Place:
    """A copy of published snapshots with many clients, and the environment of a server that reads it."""

    folder: Path
    snapshot: Snapshot
    environment: dict[str, str]
    ids: list[int]


def many_clients(folder: Path, settings: Settings, clients: int) -> Place:
    """Repeat the clients of the current snapshot in a copy of it."""
    source = resolve_snapshot(CURRENT, settings.published_dir)
    published = folder / "published"
    target = published / source.snapshot_id
    if not target.exists():
        shutil.copytree(source.folder, target)
        for path in target.iterdir():
            path.chmod(0o644)
        with duckdb.connect(str(target / DATABASE_FILE)) as con:
            count = con.execute("select count(*) from marts.client_features").fetchall()[0][0]
            for table in ("client_features", "application_labels"):
                con.execute(f"create temp table kept as from marts.{table}")
                for number in range(1, -(-clients // count)):
                    shifted = f"sk_id_curr + {number * STEP} as sk_id_curr"
                    con.execute(f"insert into marts.{table} select * replace ({shifted}) from kept")
                con.execute("drop table kept")
        manifest = json.loads((target / MANIFEST_FILE).read_text())
        file = target / DATABASE_FILE
        manifest["file"] |= {"sha256": file_sha256(file), "bytes": file.stat().st_size}
        (target / MANIFEST_FILE).write_text(json.dumps(manifest))
        (published / CURRENT).symlink_to(source.snapshot_id)
    environment = {
        "CREDIT_PUBLISHED_DIR": str(published),
        "MLFLOW_TRACKING_URI": settings.tracking_uri,
        "CREDIT_DECISIONS": f"sqlite:///{folder / 'decisions.db'}",
    }
    snapshot = resolve_snapshot(CURRENT, published)
    with duckdb.connect(str(snapshot.database), read_only=True) as con:
        ids = [key for (key,) in con.execute("select sk_id_curr from marts.client_features").fetchall()]
    return Place(folder, snapshot, environment, ids)


@contextlib.contextmanager
def served(command: list[str], environment: dict[str, str], log: Path, ready: str) -> Iterator[tuple[int, float]]:
    """A server until the block ends: its process and the seconds until it was ready."""
    started = time.perf_counter()
    with log.open("w") as out:
        process = subprocess.Popen(
            command, env=os.environ | environment, cwd=PROJECT_ROOT, stdout=out, stderr=out, start_new_session=True
        )
    try:
        while True:
            with contextlib.suppress(OSError):
                urllib.request.urlopen(ready, timeout=5).close()  # noqa: S310
                break
            if process.poll() is not None or time.perf_counter() - started > 300:
                sys.exit(f"the server did not start:\n{log.read_text()[-2000:]}")
            time.sleep(0.05)
        yield process.pid, time.perf_counter() - started
    finally:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


class Connection:
    """One kept connection that asks as fast as it is answered."""

    def __init__(self, port: int) -> None:
        self.port = port

    async def __aenter__(self) -> "Connection":
        self.reader, self.writer = await asyncio.open_connection("127.0.0.1", self.port)
        return self

    async def __aexit__(self, *_: object) -> None:
        self.writer.close()

    async def ask(self, path: str, body: bytes | None = None) -> tuple[int, bytes]:
        """Status and body."""
        method = "GET" if body is None else "POST"
        head = f"{method} {path} HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        self.writer.write(f"{head}content-length: {len(body or b'')}\r\n\r\n".encode() + (body or b""))
        header = await self.reader.readuntil(b"\r\n\r\n")
        length = int(header.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
        return int(header[9:12]), await self.reader.readexactly(length)


def one_by_one(port: int, path: str, bodies: list[bytes]) -> list[float]:
    """Seconds of each request, one after the other on one connection."""

    async def run() -> list[float]:
        took = []
        async with Connection(port) as connection:
            for body in bodies:
                started = time.perf_counter()
                status, answer = await connection.ask(path, body)
                took.append(time.perf_counter() - started)
                assert status == 200, answer[:300]
        return took

    return asyncio.run(run())


class Asker(asyncio.Protocol):
    """One connection that asks for one decision after the other until an hour strikes, with little work of its own."""

    def __init__(self, clients: Iterator[int], end: float, load: "Load") -> None:
        self.clients, self.end, self.load = clients, end, load
        self.done = asyncio.get_running_loop().create_future()
        self.received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = transport
        self.ask()

    def ask(self) -> None:
        if time.perf_counter() > self.end:
            self.transport.close()
            return
        body = b'{"client_id": %d}' % next(self.clients)
        head = b"POST /v1/decisions HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\n"
        self.started = time.perf_counter()
        self.transport.write(head + b"content-length: %d\r\n\r\n" % len(body) + body)

    def data_received(self, data: bytes) -> None:
        self.received += data
        head, found, body = self.received.partition(b"\r\n\r\n")
        if not found or len(body) < int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0]):
            return
        self.received = b""
        if head[9:12] == b"200":
            self.load.took.append(time.perf_counter() - self.started)
        else:
            self.load.failures.append(body[:200].decode())
        self.ask()

    def connection_lost(self, error: Exception | None) -> None:
        if error or time.perf_counter() < self.end:
            self.load.failures.append(f"connection lost: {error}")
        self.done.set_result(None)


@dataclass
class Load:
    """Seconds of each answer and of `/health` meanwhile, failures, and the processor seconds of the client itself."""

    took: list[float] = field(default_factory=list)
    health: list[float] = field(default_factory=list)
    failures: list[str] = field(default_factory=list)
    own_seconds: float = 0.0


def load(port: int, ids: list[int], seconds: float) -> Load:
    """32 connections ask for decisions with reasons."""

    async def run() -> Load:
        found, end = Load(), time.perf_counter() + seconds

        async def watcher() -> None:
            async with Connection(port) as connection:
                while time.perf_counter() < end:
                    started = time.perf_counter()
                    await connection.ask("/health")
                    found.health.append(time.perf_counter() - started)
                    await asyncio.sleep(0.05)

        loop, clients = asyncio.get_running_loop(), itertools.cycle(ids)
        askers = [
            (await loop.create_connection(lambda: Asker(clients, end, found), "127.0.0.1", port))[1]
            for _ in range(PARALLEL)
        ]
        await asyncio.gather(watcher(), *(asker.done for asker in askers))
        found.own_seconds = time.process_time()
        return found

    return asyncio.run(run())


def flush_milliseconds(folder: Path) -> float:
    """Median milliseconds of a commit in SQLite, WAL, synchronous = full, on this disk."""
    con = sqlite3.connect(folder / "flush.db", isolation_level=None)
    con.execute("pragma journal_mode=wal")
    con.execute("pragma synchronous=full")
    con.execute("create table if not exists t (a)")
    took = []
    for _ in range(200):
        started = time.perf_counter()
        con.execute("insert into t values (?)", ["x" * 4_000])
        took.append(1_000 * (time.perf_counter() - started))
    con.close()
    return statistics.median(took)


def quantiles(took: list[float]) -> tuple[float, float, float]:
    """Median, 95th and 99th percentile in milliseconds."""
    ordered = sorted(took)
    return tuple(1_000 * ordered[int(share * (len(ordered) - 1))] for share in (0.5, 0.95, 0.99))


def report(what: str, asked: str, measured: str) -> None:
    print(f"{what:<62} {asked:>22} {measured:>34}   load {os.getloadavg()[0]:.1f}", flush=True)


def body(client: int) -> bytes:
    return json.dumps({"client_id": client}).encode()


def variants(client: int, count: int) -> bytes:
    listed = [{"AMT_CREDIT": 100_000.0 + 1_000 * number} for number in range(count)]
    return json.dumps({"client_id": client, "variants": listed}).encode()


def resident_megabytes(group: int) -> float:
    """Resident memory of all processes of a server, shared pages of the mapped file included once per process."""
    total = 0
    for status in Path("/proc").glob("[0-9]*/status"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(status.parent.name)) == group:
                lines = status.read_text().splitlines()
                total += sum(int(line.split()[1]) for line in lines if line.startswith("RssAnon"))
    return total / 1024


def processor_seconds(process: int) -> float:
    """Processor time of a process so far: on a busy machine it says what the clock does not."""
    fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def group_seconds(group: int) -> float:
    """Processor time of all processes of a server so far."""
    total = 0.0
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            if os.getpgid(int(stat.parent.name)) == group:
                total += processor_seconds(int(stat.parent.name))
    return total


def single_requests(place: Place, settings: Settings) -> None:
    """One worker: decisions one after the other, simulations, a new applicant, equality."""
    port, log = free_port(), place.folder / "server.log"
    command = [sys.executable, "-m", "ml.serve", "--port", str(port)]
    with served(command, place.environment, log, f"http://127.0.0.1:{port}/ready") as (process, seconds):
        report("start to ready", "<= 8 s", f"{seconds:.1f} s")
        asked = place.ids[:: max(1, len(place.ids) // ALONE)][:ALONE]
        one_by_one(port, "/v1/simulations", [variants(min(place.ids), 1)])  # waits for what is opened after the start
        one_by_one(port, "/v1/decisions", [body(client) for client in asked[:50]])
        plain = quantiles(one_by_one(port, "/predict", [body(client) for client in asked]))
        used = processor_seconds(process)
        full = quantiles(one_by_one(port, "/v1/decisions", [body(client) for client in asked]))
        used = 1_000 * (processor_seconds(process) - used) / len(asked)
        flush = flush_milliseconds(place.folder)
        report("of which one commit on this disk (SQLite, fsync)", "", f"{flush:.1f} ms")
        report("decision without reasons, recorded: p50", "<= 3 ms", f"{plain[0]:.1f} ms (p95 {plain[1]:.1f})")
        report("decision with reasons, recorded: p50, p95", "<= 8 ms, <= 15 ms", f"{full[0]:.1f} ms, {full[1]:.1f} ms")
        report("processor time of one decision with reasons", "", f"{used:.1f} ms")
        report("resident memory (private) after this", "printed", f"{resident_megabytes(process):.0f} MB")
        server_of_mlflow(place, settings, asked[:EQUAL], full[0], port)
        slow_requests(place, port, process)


def server_of_mlflow(place: Place, settings: Settings, asked: list[int], ours: float, port: int) -> None:
    """The model server beside it, with the features of the same clients in the body."""
    registry = Registry(settings)
    loaded = open_scorer(registry)
    rows = next((place.folder / "serving" / "prepared").glob("*/rows"), None)
    if rows is None:
        report("beside the model server", "p50 <= 0.4 of it", "not measured: rows are not prepared yet")
        return
    _, features = RowFile.open(rows).find(asked)
    names = list(loaded.scorer.features)
    columns = [features.column(name).tolist() for name in names]
    data = [[None if value != value else value for value in row] for row in zip(*columns, strict=True)]  # noqa: PLR0124
    requests = [json.dumps({"dataframe_split": {"columns": names, "data": [row]}}).encode() for row in data]
    other = free_port()
    folder = place.folder / "model"
    from ml.registry.export import export_model  # noqa: PLC0415

    export_model(registry, folder)
    command = [str(Path(sys.executable).parent / "mlflow"), "models", "serve", "-m", str(folder)]
    command += ["--env-manager", "local", "-p", str(other)]
    beside = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}  # it starts uvicorn by its name
    with served(command, beside, place.folder / "mlflow.log", f"http://127.0.0.1:{other}/ping"):
        one_by_one(other, "/invocations", requests[:20])
        theirs = quantiles(one_by_one(other, "/invocations", requests[:200]))[0]
        report("p50 against /invocations of mlflow models serve", "<= 0.4", f"{ours / theirs:.2f} ({theirs:.1f} ms)")

        async def both() -> list[tuple[float, float]]:
            pairs = []
            async with Connection(port) as mine, Connection(other) as its:
                for client, request in zip(asked, requests, strict=True):
                    _, answer = await mine.ask("/predict", body(client))
                    _, invoked = await its.ask("/invocations", request)
                    (prediction,) = json.loads(invoked)["predictions"]
                    pairs.append((json.loads(answer)["probability"], prediction["probability"]))
            return pairs

        largest = max(abs(one - two) for one, two in asyncio.run(both()))
    report(f"API = /invocations for {len(asked)} clients", "<= 1e-9", f"{largest:.1e}")


def slow_requests(place: Place, port: int, process: int) -> None:
    """Simulations and a new applicant with the longest history."""
    with duckdb.connect(str(place.snapshot.database), read_only=True) as con:
        (client,) = con.execute(
            f"select sk_id_curr from marts.client_features where sk_id_curr < {STEP} order by has_bureau_history "
            "+ has_installments_history + has_credit_card_history + has_pos_cash_history desc, "
            "pos_month_count + card_month_count desc limit 1"
        ).fetchall()[0]
    rows = read_raw_rows(raw_database(place.snapshot), [client], load_contract().tables)[0]
    for what, path, request, asked, times in (
        ("simulation of one variant: p95", "/v1/simulations", variants(client, 1), "<= 500 ms", 20),
        ("simulation of 50 variants: p95", "/v1/simulations", variants(client, 50), "<= 1500 ms", 10),
        ("new applicant with full history: p95", "/v1/applications", json.dumps(rows).encode(), "<= 1200 ms", 20),
        ("what would have to change: p95", "/v1/counterfactuals", json.dumps({"client_id": client}).encode(), "", 5),
    ):
        used = processor_seconds(process)
        took = quantiles(one_by_one(port, path, [request] * times))
        used = 1_000 * (processor_seconds(process) - used) / times
        report(what, asked, f"{took[1]:.0f} ms (p50 {took[0]:.0f}, processor {used:.0f})")


def under_load(place: Place, seconds: float) -> None:
    """Two workers, 32 connections; `/health` meanwhile."""
    port = free_port()
    command = [sys.executable, "-m", "ml.serve", "--port", str(port), "--workers", "2"]
    ready, log = f"http://127.0.0.1:{port}/ready", place.folder / "load.log"
    with served(command, place.environment, log, ready) as (process, _):
        time.sleep(15)  # the second worker, and what both open for simulations
        switched = threading_switch(place, seconds / 2)
        with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
            used = group_seconds(process)
            found = pool.submit(load, port, place.ids[::7], seconds).result()
            used = group_seconds(process) - used
        switched()
        answered = len(found.took)
        report(f"{PARALLEL} clients for {seconds:.0f} s: requests a second", ">= 300", f"{answered / seconds:.0f}")
        report("of them failed, with the snapshot switched in the middle", "0", str(len(found.failures)))
        for failure in sorted(set(found.failures))[:3]:
            print(f"  {failure}")
        median, most, _ = quantiles(found.took)
        report("their p50, p95", "", f"{median:.0f} ms, {most:.0f} ms")
        each = f"{1_000 * used / answered:.2f} ms and {1_000 * found.own_seconds / answered:.2f} ms"
        report("processor time of each: server (and what it prepares), client", "", each)
        report("/health meanwhile: p99", "<= 50 ms", f"{quantiles(found.health)[2]:.0f} ms")
        report("resident memory (private), two workers", "printed", f"{resident_megabytes(process):.0f} MB")


def threading_switch(place: Place, after: float) -> Callable[[], None]:
    """Publish the same marts under another id in the middle of the load; ends by saying which snapshots answered."""
    import threading  # noqa: PLC0415

    published = place.snapshot.folder.parent
    other = published / f"{'20990101T000000Z'}-{place.snapshot.snapshot_id[-8:]}"

    def switch() -> None:
        if not other.exists():
            shutil.copytree(place.snapshot.folder, other)
        pointer = published / ".new"
        pointer.unlink(missing_ok=True)
        pointer.symlink_to(other.name)
        pointer.replace(published / CURRENT)

    timer = threading.Timer(after, switch)
    timer.start()

    def finish() -> None:
        timer.join()
        log = (place.folder / "load.log").read_text()
        took_over = log.count(f"answers on snapshot {other.name}")
        report("workers that took the new snapshot over meanwhile", "2", str(took_over))

    return finish


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--folder", type=Path, default=Path("/tmp/bench_serving"))  # noqa: S108
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--clients", type=int, default=REAL_CLIENTS)
    options = parser.parse_args()
    settings = Settings.from_environment()
    options.folder.mkdir(parents=True, exist_ok=True)
    place = many_clients(options.folder, settings, options.clients)
    print(f"{len(place.ids):,} clients; load of this machine {os.getloadavg()[0]:.1f}", flush=True)
    prepared = subprocess.run(
        [sys.executable, "-m", "ml.serve", "prepare"],
        env=os.environ | place.environment,
        cwd=PROJECT_ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    print(prepared.stdout.strip().splitlines()[-1])
    single_requests(place, settings)
    under_load(place, options.seconds)


if __name__ == "__main__":
    main()
