"""What the door `ml.serve` does."""

import gc
import json
import os
import tempfile
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from ipaddress import ip_address
from typing import cast

from ml.serving.http.keys import Scope, add_key, read_keys, remove_key
from ml.serving.settings import ServingSettings
from warehouse.core.errors import SettingsError

POLITE = 10  # niceness
APPLICATION = "ml.serving.api:app"
SECONDS_TO_FINISH = 10


def serve(host: str, port: int, workers: int) -> None:
    """Listen until interrupted.

    Raises
    ------
    SettingsError
        The address is open to other machines and there are no keys, or an option is out of its range.
    """
    if not 1 <= workers <= 64 or not 1 <= port <= 65_535:
        raise SettingsError(
            expected="1 to 64 workers and a port from 1 to 65535",
            found=f"--workers {workers} --port {port}",
            remedy="give other numbers",
        )
    settings = ServingSettings.from_environment()
    if settings.keys_file is None and not _is_loopback(host):
        raise SettingsError(
            expected="keys for an address that other machines can reach",
            found=f"--host {host} and no CREDIT_API_KEYS_FILE",
            remedy="make one: python -m ml.serve keys --add NAME --scope decide read, or leave out --host",
        )
    if settings.keys_file is not None:
        read_keys(settings.keys_file)
    else:
        print("no CREDIT_API_KEYS_FILE: only this machine is answered, and without a key", flush=True)
    os.environ["CREDIT_API_WORKERS"] = str(workers)
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # one row has no work for a second thread
    print(f"http://{host}:{port} answers once /ready does; stop with Ctrl-C", flush=True)
    with tempfile.TemporaryDirectory(prefix="credit-metrics-") as together:
        if workers > 1:
            os.environ["PROMETHEUS_MULTIPROC_DIR"] = together
        gc.disable()  # of what is imported nothing is garbage; the application enables it again
        import uvicorn

        uvicorn.run(
            APPLICATION,
            host=host,
            port=port,
            workers=workers if workers > 1 else None,
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=SECONDS_TO_FINISH,
        )


def prepare(*, background: bool) -> None:
    """Compute what is computed once for the current snapshot and the champion."""
    if background:
        os.nice(POLITE)
    from ml.serving.live.generation import load_generation
    from ml.serving.live.models import model_source
    from ml.serving.live.prepared import Prepared
    from warehouse.snapshots.snapshot import CURRENT, resolve_snapshot

    started = time.perf_counter()
    settings = ServingSettings.from_environment()
    source = model_source(settings)
    key = source.current()
    prepared = Prepared(settings.prepared, resolve_snapshot(CURRENT, settings.project.published_dir), key)
    if not prepared.is_complete:
        generation = load_generation(source, source.open(key), prepared)
        prepared.compute(generation.scorer, generation.stats)
    print(f"version {key.version} on {prepared.snapshot.snapshot_id}: ready in {time.perf_counter() - started:.1f} s")


def decisions(*, export: bool, forget_before: str | None, since: str | None) -> None:
    """Print recorded decisions, or delete old ones."""
    from ml.serving.deciding.decisions import recorded_document
    from ml.serving.deciding.records import Records

    records = Records(ServingSettings.from_environment().decisions)
    try:
        if export:
            for decision in records.export(_day(since) if since else None):
                given = json.loads(decision.row["given"]) if decision.row["given"] else None
                document = recorded_document(decision) | {"decided_by": decision.row["decided_by"], "given": given}
                print(json.dumps(document))
            return
        before = _day(cast(str, forget_before))
        deleted, simulations = records.forget(before)
        print(
            f"deleted {deleted:,} decisions with their trails, and {simulations:,} simulations, of before {before:%F}"
        )
    finally:
        records.close()


def keys(*, add: str | None, remove: str | None, scopes: Sequence[str], per_minute: int) -> None:
    """Make, remove or list keys."""
    path = ServingSettings.from_environment().keys_file
    if path is None:
        raise SettingsError(
            expected="the file of keys in CREDIT_API_KEYS_FILE", found="it is not set", remedy="set it to a file"
        )
    if add:
        print(add_key(path, add, cast(Sequence[Scope], scopes), per_minute))
    elif remove:
        remove_key(path, remove)
        print(f"removed {remove}: running servers refuse it from now on")
    else:
        for stored in read_keys(path):
            print(f"{stored.name:<24}{' '.join(stored.scopes):<32}{stored.per_minute:>8,} a minute")


def _day(text: str) -> datetime:
    try:
        return datetime.strptime(text, "%Y-%m-%d").replace(tzinfo=UTC)
    except ValueError as error:
        raise SettingsError(expected="a day as YYYY-MM-DD", found=text, remedy="write 2026-05-31, say") from error


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
