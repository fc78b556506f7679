"""What if: a client's application with other values in the form, through the same SQL and the same model.

A simulation is no decision: it is recorded apart, and nothing is decided by it.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from ml.serving import metrics
from ml.serving.deciding.decisions import Document, documents
from ml.serving.deciding.records import SIMULATIONS, Records
from ml.serving.deciding.refusals import IMMUTABLE_FIELD, UNUSABLE_INPUT, Refusal
from ml.serving.live.generation import Generation
from ml.serving.what_if.applicants import APPLICATION, Subject, subject_of, variants_of

SIMULATION = "simulation"
MOST_VARIANTS = 199  # and the application as it is
CREDIT, ANNUITY, GOODS_PRICE, INCOME = "AMT_CREDIT", "AMT_ANNUITY", "AMT_GOODS_PRICE", "AMT_INCOME_TOTAL"
PAYMENTS = "PAYMENTS"  # no column: how many annuities make up the credit
# What the client asks for, or states and can state otherwise. Who the client is, and what others report, is not here.
FORM = frozenset(
    {
        CREDIT,
        ANNUITY,
        GOODS_PRICE,
        INCOME,
        PAYMENTS,
        "NAME_CONTRACT_TYPE",
        "NAME_INCOME_TYPE",
        "NAME_HOUSING_TYPE",
        "NAME_TYPE_SUITE",
        "OCCUPATION_TYPE",
        "ORGANIZATION_TYPE",
        "FLAG_OWN_CAR",
        "FLAG_OWN_REALTY",
    }
)


def simulate(
    generation: Generation,
    records: Records,
    variants: Sequence[Mapping[str, Any]],
    by: str,
    *,
    client_id: int | None = None,
    decision_id: str | None = None,
) -> Document:
    """Score, decision and reasons of an application as it is and as it would be.

    Parameters
    ----------
    generation : Generation
    records : Records
    variants : sequence of mapping
        1 to 199; each gives new values for fields of `FORM`.
    by : str
        Name of the key that asks.
    client_id, decision_id
        One of them: a client of the snapshot, or whom a decision was about.

    Raises
    ------
    Refusal
        A field cannot be changed, or there is no such client or decision.
    RawDataError
        A new value is not what the contract says.
    """
    if not 1 <= len(variants) <= MOST_VARIANTS:
        raise Refusal(UNUSABLE_INPUT, f"1 to {MOST_VARIANTS} variants are computed at once")
    given = [{str(name).strip().upper(): value for name, value in variant.items()} for variant in variants]
    for variant in given:
        require_form(variant)
    subject = subject_of(generation, records, client_id=client_id, decision_id=decision_id)
    application = upper_case(subject.rows[APPLICATION])
    replacements = [{}, *(with_annuity(variant, application) for variant in given)]
    baseline, *others = documents(generation, variants_of(generation, subject.rows, replacements))
    listed = [{"changes": changes} | document for changes, document in zip(given, others, strict=True)]
    return record_simulation(generation, records, subject, SIMULATION, by, {"baseline": baseline, "variants": listed})


def record_simulation(
    generation: Generation, records: Records, subject: Subject, kind: str, by: str, content: Document
) -> Document:
    """Record what was simulated, apart from decisions; the answer."""
    now = datetime.now(UTC)
    row = {
        "simulation_id": uuid.uuid4().hex,
        "simulated_at": now,
        "kind": kind,
        "client_id": subject.client_id,
        "decision_id": subject.decision_id,
        "model_version": generation.model.version,
        "snapshot_id": generation.snapshot.snapshot_id,
    }
    answer: Document = row | {"simulated_at": now.isoformat(timespec="milliseconds")} | content
    records.write(SIMULATIONS, [row | {"simulated_by": by, "answer": json.dumps(answer, allow_nan=False)}])
    metrics.SIMULATIONS.labels(kind).inc()
    return answer


def require_form(variant: Mapping[str, Any]) -> None:
    """Refuse a field that is not the client's to change."""
    fixed = sorted(set(variant) - FORM)
    if fixed:
        raise Refusal(
            IMMUTABLE_FIELD, f"{len(fixed)} of the fields cannot be changed; these can: {', '.join(sorted(FORM))}"
        )
    if not variant:
        raise Refusal(UNUSABLE_INPUT, "a variant changes at least one field")
    if PAYMENTS in variant and ANNUITY in variant:
        raise Refusal(UNUSABLE_INPUT, f"give either {ANNUITY} or {PAYMENTS}: one follows from the other")


def with_annuity(variant: Mapping[str, Any], application: Mapping[str, Any]) -> dict[str, Any]:
    """A variant in the raw files' columns: `PAYMENTS` becomes the annuity that it means."""
    columns = {name: value for name, value in variant.items() if name != PAYMENTS}
    if PAYMENTS not in variant:
        return columns
    payments, credit = variant[PAYMENTS], variant.get(CREDIT, application.get(CREDIT))
    if not isinstance(payments, int | float) or payments < 1 or not isinstance(credit, int | float):
        raise Refusal(UNUSABLE_INPUT, f"{PAYMENTS} is a number from 1 on, for a credit that is known")
    return columns | {ANNUITY: round(credit / payments, 2)}


def upper_case(application: Mapping[str, Any]) -> dict[str, Any]:
    """An application by its columns' names as the raw files have them."""
    return {str(name).strip().upper(): value for name, value in application.items()}
