"""How benchmarks measure a command: wall-clock seconds and peak memory of the process tree's largest process."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

PROJECT_ROOT = Path(__file__).resolve().parents[2]
SHARED_BENCH = PROJECT_ROOT.parent / "shared" / "bench"


@dataclass(frozen=True)
class Measurement:
    """What one command took."""

    name: str
    seconds: float
    peak_gigabytes: float

    def __str__(self) -> str:
        return f"{self.name:<44} {self.seconds:8.1f} s {self.peak_gigabytes:8.2f} GB"


def measure(
    name: str, command: Sequence[str], *, cwd: Path = PROJECT_ROOT, env: Mapping[str, str] | None = None
) -> Measurement:
    """Run a command to its end and print what it took; its output goes to the terminal only when it fails."""
    started = time.perf_counter()
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **(env or {})}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    output = process.stdout.read()
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    if os.waitstatus_to_exitcode(status) != 0:
        sys.exit(f"{name} failed:\n{output}")
    result = Measurement(name, seconds, usage.ru_maxrss * resource_unit() / 1e9)
    print(result, flush=True)
    return result


def resource_unit() -> int:
    """Bytes in one unit of ru_maxrss: kilobytes on Linux, bytes on macOS."""
    return 1 if sys.platform == "darwin" else 1024


def require_shared_bench() -> None:
    """Stop with a reason when the scaling and loading scripts are not beside the repository."""
    if not (SHARED_BENCH / "raw_load.py").is_file():
        sys.exit(f"expected scale_up.py and raw_load.py in {SHARED_BENCH}; they are not part of the repository")
