"""What nobody should send: requests made up from the API's own document, and thousands of broken ones."""

import http.client
import os
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import pytest

from ml.serving.http.middleware import LARGEST_BODY
from tests.ml.serving.test_commands import environment, free_port, wait_until_ready
from warehouse.core.settings import PROJECT_ROOT

EXAMPLES = 4  # of each operation
CHECKS = "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance"
BROKEN_REQUESTS, WARM_UP = 3_000, 500
MEGABYTE = 1 << 20
JSON = {"content-type": "application/json"}
BROKEN = [
    b"",
    b"{",
    b"null",
    b'{"client_id": NaN}',
    b'{"client_id": "100001"}',
    b'{"client_id": 1e400}',
    b"[" * 50_000,
    b'{"a":' * 20_000,
    b"\xff\xfe\x00",
    b'{"client_id": ' + b"9" * 5_000 + b"}",
    b'{"client_id": 100001, "' + b"x" * 10_000 + b'": 1}',
]


@dataclass(frozen=True)
class Server:
    port: int
    process: subprocess.Popen

    def post(self, path: str, body: bytes, headers: dict[str, str] = JSON) -> int:
        """Status of the answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        try:
            connection.request("POST", path, body, headers)
            return connection.getresponse().status
        finally:
            connection.close()

    @property
    def megabytes(self) -> float:
        """Resident memory."""
        lines = Path(f"/proc/{self.process.pid}/status").read_text().splitlines()
        (resident,) = [line for line in lines if line.startswith("VmRSS")]
        return int(resident.split()[1]) / 1024


@pytest.fixture(scope="module")
def server(serving_store, tmp_path_factory) -> Iterator[Server]:
    folder, port = tmp_path_factory.mktemp("abuse"), free_port()
    with (folder / "server.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "ml.serve", "--port", str(port)],
            cwd=PROJECT_ROOT,
            env=os.environ | environment(serving_store, folder),
            stdout=log,
            stderr=log,
        )
    try:
        wait_until_ready(process, port)
        yield Server(port, process)
    finally:
        process.kill()
        process.wait()


def test_made_up_requests_and_chains_of_them_are_answered_as_the_document_says(server, tmp_path):
    command = [
        *(sys.executable, "-m", "schemathesis.cli", "run", f"http://127.0.0.1:{server.port}/openapi.json"),
        *("--checks", CHECKS, "--max-examples", str(EXAMPLES), "--seed", "1", "--generation-database", "none"),
    ]
    run = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert run.returncode == 0, run.stdout
    assert "Stateful" in run.stdout
    assert "Unresolvable" not in run.stdout
    assert server.process.poll() is None


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="resident memory is read from /proc")
def test_thousands_of_broken_requests_leave_the_server_up_and_its_memory_flat(server):
    paths = cycle(["/predict", "/v1/decisions", "/v1/applications", "/v1/simulations", "/v1/decisions/batch"])
    bodies = cycle(BROKEN)
    statuses, before = set(), 0.0
    for number in range(BROKEN_REQUESTS):
        if number == WARM_UP:
            before = server.megabytes
        statuses.add(server.post(next(paths), next(bodies)))
    assert statuses == {422}
    assert server.megabytes - before < 30
    assert server.post("/v1/decisions", b" " * 10 * MEGABYTE) == 413
    assert server.post("/v1/decisions", b"{}", {"content-type": "text/plain"}) == 422
    assert server.post("/v1/decisions", b"{}", JSON | {"content-length": str(LARGEST_BODY + 1)}) == 413
