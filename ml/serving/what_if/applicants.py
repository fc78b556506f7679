"""Raw rows of whom is asked about: a client of the snapshot, an applicant of an earlier decision, or a new one.

subject = subject_of(generation, records, client_id=100001)        or decision_id="..."
features = features_of(generation, [subject.rows])
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ml.serving.deciding.decisions import APPLICANT, Answered, about, documents, record, recorded, unknown_client
from ml.serving.deciding.records import Records
from ml.serving.deciding.refusals import UNUSABLE_INPUT, Refusal
from ml.serving.live.features import Features
from ml.serving.live.generation import Generation

APPLICATION, KEY = "application", "SK_ID_CURR"
NOBODY = 1  # stands for an applicant who has no number yet; the release's numbers have six digits
RawRows = Mapping[str, Any]


@dataclass(frozen=True)
class Subject:
    """Whom a simulation is about.

    Attributes
    ----------
    rows : mapping
        Raw rows, as `OneClientEngine` takes them.
    client_id : int or None
        None for an applicant without a number.
    decision_id : str or None
        Of the decision that the simulation belongs to.
    """

    rows: RawRows
    client_id: int | None
    decision_id: str | None


def apply(generation: Generation, records: Records, given: RawRows, by: str) -> Answered:
    """Decide about a new applicant from raw rows, and record the decision with the rows.

    Parameters
    ----------
    generation : Generation
    records : Records
    given : mapping
        `application` and, optionally, lists of rows by table, in the raw files' own columns. A number (SK_ID_CURR)
        may be left out everywhere.
    by : str
        Name of the key that asks.

    Raises
    ------
    RawDataError
        The rows are not what the contract says.
    RecordError
        It could not be recorded: nothing may be answered.
    """
    rows = numbered(given, generation)
    (document,) = documents(generation, features_of(generation, [rows]))
    client = rows[APPLICATION][KEY] if _has_number(given[APPLICATION]) else None
    return record(records, [about(document, APPLICANT, client)], by, json.dumps(rows))[0]


def subject_of(
    generation: Generation, records: Records, *, client_id: int | None = None, decision_id: str | None = None
) -> Subject:
    """Raw rows of a client of the snapshot, or of whom a decision was about.

    Raises
    ------
    Refusal
        Not exactly one of them is given, there is no such client or decision, or its applicant's rows were deleted.
    SnapshotError
        The snapshot was published without raw rows.
    """
    if (client_id is None) == (decision_id is None):
        raise Refusal(UNUSABLE_INPUT, "give either client_id or decision_id")
    if decision_id is not None:
        row = recorded(records, decision_id).row
        if row["given"] is not None:
            return Subject(json.loads(row["given"]), row["client_id"], decision_id)
        client_id = row["client_id"]
    if client_id is None or not generation.rows.find([client_id])[0]:
        raise unknown_client(generation)
    return Subject(generation.raw_rows_of(client_id), client_id, decision_id)


def features_of(generation: Generation, applicants: Sequence[RawRows]) -> Features:
    """Features of applicants by the snapshot's own SQL."""
    return Features.from_arrow(generation.engine.features(applicants), generation.rows.layout)


def variants_of(generation: Generation, rows: RawRows, replacements: Sequence[RawRows]) -> Features:
    """Features of one applicant with other values in the application, by the snapshot's own SQL."""
    return Features.from_arrow(generation.engine.variants(rows, replacements), generation.rows.layout)


def numbered(given: RawRows, generation: Generation) -> dict[str, Any]:
    """The same rows with the applicant's number, or one for nobody, in all that should have it."""
    application = {str(name).strip().upper(): value for name, value in given[APPLICATION].items()}
    number = application.get(KEY)
    number = NOBODY if number is None else number
    contract = generation.engine.raw_tables
    rows: dict[str, Any] = {APPLICATION: {KEY: number} | application | {KEY: number}}
    for name, listed in given.items():
        if name == APPLICATION or not listed:
            continue
        owned = name in contract and KEY in contract[name].column_names
        rows[name] = [{KEY: number} | row if owned and not _has_number(row) else row for row in listed]
    return rows


def _has_number(row: RawRows) -> bool:
    return any(str(name).strip().upper() == KEY and value is not None for name, value in row.items())
