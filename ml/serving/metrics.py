"""What Prometheus may know: times, scores, reasons and overrides, never a client.

With several workers the door names a folder in PROMETHEUS_MULTIPROC_DIR before they start, where they add up.
"""

import os
from collections.abc import Iterable
from typing import Any

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    multiprocess,
    registry,
)

SECONDS = (0.001, 0.002, 0.003, 0.005, 0.008, 0.012, 0.02, 0.035, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
PROBABILITIES = (0.01, 0.02, 0.03, 0.04, 0.05, 0.06, 0.07, 0.08, 0.09, 0.1, 0.12, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0)

REQUESTS = Histogram(
    "credit_request_seconds", "Time to answer a request.", ("method", "route", "status"), buckets=SECONDS
)
SCORES = Histogram(
    "credit_default_probability",
    "Default probability of recorded decisions.",
    ("model_version",),
    buckets=PROBABILITIES,
)
DECISIONS = Counter("credit_decisions", "Recorded decisions.", ("model_version", "decision", "kind"))
REASONS = Counter("credit_reasons", "Reasons given with recorded decisions.", ("decision", "reason"))
OUTCOMES = Counter("credit_outcomes", "What people did with decisions.", ("action", "ground"))
SIMULATIONS = Counter("credit_simulations", "Variants computed, never decisions.", ("kind",))
SERVED = Gauge(
    "credit_served_info", "Model version and snapshot that answer: 1.", ("model_version", "snapshot_id"),
    multiprocess_mode="mostrecent",
)  # fmt: skip


def count_decisions(documents: Iterable[dict[str, Any]]) -> None:
    """Count decisions that have just been recorded."""
    for document in documents:
        version = str(document["model_version"])
        SCORES.labels(version).observe(document["probability"])
        DECISIONS.labels(version, document["decision"], document["kind"]).inc()
        for reason in document.get("reasons", ()):
            REASONS.labels(document["decision"], reason["code"]).inc()


def name_served(version: int, snapshot_id: str) -> None:
    """Say which model and snapshot answer."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        SERVED.clear()
    SERVED.labels(str(version), snapshot_id).set(1)


def exposition() -> tuple[bytes, str]:
    """All measures in the format of Prometheus, and its content type."""
    if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
        together = CollectorRegistry()
        multiprocess.MultiProcessCollector(together)
        return generate_latest(together), CONTENT_TYPE_LATEST
    return generate_latest(registry.REGISTRY), CONTENT_TYPE_LATEST
