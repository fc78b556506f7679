"""Decisions: scored, given their reasons, recorded, and only then answered.

answered = decide(live.now, records, client_id, by="branch 12")
answered.document     what the API answers; `answered.text` is the same as JSON, byte for byte as recorded
recorded_document(records, decision_id)     the same words for ever
"""

import json
import math
import uuid
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from ml.data.population import GROUPS
from ml.explanation.contributions import Contributions
from ml.explanation.reasons import Ranking, Reason
from ml.served.calibration import log_odds
from ml.served.scorer import GRANT, REFUSE
from ml.serving import metrics
from ml.serving.deciding.records import DECISIONS, RecordedDecision, Records, Row
from ml.serving.deciding.refusals import UNKNOWN_CLIENT, UNKNOWN_DECISION, Refusal
from ml.serving.live.features import Features
from ml.serving.live.generation import Generation
from ml.wording.sentences import capitalised

POINTS_AT, GOOD_ODDS, POINTS_TO_DOUBLE = 600.0, 50.0, 20.0
POINTS_PER_LOG_ODDS = POINTS_TO_DOUBLE / math.log(2)
GOOD, BAD = "good payer", "bad payer"
CLIENT, APPLICANT = "client", "applicant"
MOST_IN_A_BATCH = 1_000
ROWS_AT_ONCE = 25  # of a batch: other requests get their turn between
Document = dict[str, Any]


@dataclass(frozen=True)
class Answered:
    """A decision that is recorded: its id, the answer, and the same as the text that was recorded."""

    decision_id: str
    document: Document
    text: str


def decide(generation: Generation, records: Records, client: int, by: str, *, reasons: bool = True) -> Answered:
    """Decide about one client of the snapshot, and record it.

    Parameters
    ----------
    generation : Generation
        What answers; `Live.now`, taken once per request.
    records : Records
    client : int
        `sk_id_curr`.
    by : str
        Name of the key that asks.
    reasons : bool
        Also say why.

    Raises
    ------
    Refusal
        There is no such client.
    RecordError
        It could not be recorded: nothing may be answered.
    """
    found, features = generation.rows.find([client])
    if not found:
        raise unknown_client(generation)
    (document,) = documents(generation, features, reasons=reasons)
    return record(records, [about(document, CLIENT, client)], by)[0]


def decide_many(
    generation: Generation, records: Records, clients: Sequence[int], by: str, *, reasons: bool = True
) -> tuple[list[Answered], list[int]]:
    """Decide about many clients, and record all or none.

    Returns
    -------
    list of Answered
        In the order given.
    list of int
        Those that the snapshot does not hold.
    """
    found, features = generation.rows.find(list(clients))
    made: list[Document] = []
    for start in range(0, len(found), ROWS_AT_ONCE):
        part = slice(start, start + ROWS_AT_ONCE)
        few = Features(features.layout, features.values[part], features.texts[part])
        made += documents(generation, few, reasons=reasons)
    named = [about(document, CLIENT, client) for client, document in zip(found, made, strict=True)]
    there = set(found)
    return (record(records, named, by) if named else []), [client for client in clients if client not in there]


def documents(generation: Generation, features: Features, *, reasons: bool = True) -> list[Document]:
    """Score, decision and reasons of some clients; neither named nor recorded."""
    if not reasons:
        return [_outcome(generation, float(p)) for p in generation.scorer.probability(features)]
    probability, parts = generation.scorer.scored(features)
    refused = probability >= generation.threshold
    ranking = generation.rules.rank(parts, features, refused)
    texts = generation.rules.texts(parts, features, ranking, with_features=False)
    return [
        _outcome(generation, float(p))
        | _explained(generation, parts, ranking, texts[row], row, float(p))
        | {"history": list(_histories(generation, features, row))}
        for row, p in enumerate(probability)
    ]


def about(document: Document, kind: str, client: int | None) -> Document:
    """A document with its id, its time and whom it is about in front."""
    now = datetime.now(UTC)
    named = {"decision_id": uuid.uuid4().hex, "decided_at": now.isoformat(timespec="milliseconds"), "kind": kind}
    return named | {"client_id": client} | document


def record(records: Records, named: Sequence[Document], by: str, given: str | None = None) -> list[Answered]:
    """Record decisions; when this returns they are on the disk.

    Parameters
    ----------
    records : Records
    named : sequence of dict
        From `about`.
    by : str
        Name of the key that asks.
    given : str, optional
        The applicant's raw rows as JSON, for whom no mart can be asked again.
    """
    texts = [json.dumps(document, allow_nan=False) for document in named]
    records.write(DECISIONS, [_row(doc, text, by, given) for doc, text in zip(named, texts, strict=True)])
    metrics.count_decisions(named)
    return [Answered(doc["decision_id"], doc, text) for doc, text in zip(named, texts, strict=True)]


def recorded(records: Records, decision_id: str) -> RecordedDecision:
    """A decision and its trail as they were recorded; `Refusal` when there is none of this id."""
    found = records.decision(decision_id)
    if found is None:
        raise Refusal(UNKNOWN_DECISION, "there is no decision of this id")
    return found


def recorded_document(decision: RecordedDecision) -> Document:
    """The answer as it was given, with what happened since."""
    document: Document = json.loads(decision.row["answer"])
    return document | {"trail": [event_document(event) for event in decision.events]}


def event_document(event: Row) -> Document:
    """One event of a trail for people."""
    names = ("action", "final_decision", "ground", "note", "done_by")
    return {"happened_at": timestamp(event["happened_at"])} | {name: event[name] for name in names}


def timestamp(moment: datetime) -> str:
    """A recorded time in ISO 8601, UTC; SQLite gives times back without their zone."""
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="milliseconds")


def unknown_client(generation: Generation) -> Refusal:
    """The refusal for an id that the snapshot does not hold."""
    where = f"snapshot {generation.snapshot.snapshot_id}"
    return Refusal(UNKNOWN_CLIENT, f"no client of this id in {where}; a new applicant goes to POST /v1/applications")


def points(probability: float) -> float:
    """Points of a probability: 600 at odds of 50 to 1 of repaying, 20 more each time the odds double.

    Examples
    --------
    >>> round(points(1 / 51), 6), round(points(1 / 101), 6)
    (600.0, 620.0)
    """
    return POINTS_AT - POINTS_PER_LOG_ODDS * (float(log_odds(np.array([probability]))[0]) + math.log(GOOD_ODDS))


def points_added(contribution: float) -> float:
    """Points that go with log-odds of default; negative when they raise the risk."""
    return round(-POINTS_PER_LOG_ODDS * contribution, 1) + 0.0


def _outcome(generation: Generation, probability: float) -> Document:
    refused = probability >= generation.threshold
    return {
        "probability": probability,
        "class": BAD if refused else GOOD,
        "decision": REFUSE if refused else GRANT,
        "threshold": generation.threshold,
        "distance_to_threshold": probability - generation.threshold,
        "points": round(points(probability), 1),
        "points_at_threshold": round(points(generation.threshold), 1),
        "model_version": generation.model.version,
        "snapshot_id": generation.snapshot.snapshot_id,
    }


def _explained(
    generation: Generation,
    parts: Contributions,
    ranking: Ranking,
    reasons: Sequence[Reason],
    row: int,
    probability: float,
) -> Document:
    """Reasons, and the themes that lead from the points of the average applicant to those of the client."""
    order = np.argsort(-np.abs(ranking.contribution[row]), kind="stable").tolist()
    contribution = ranking.contribution[row].tolist()
    themes = [
        {
            "code": theme.code,
            "title": theme.title,
            "points": points_added(contribution[at]),
            "protected": theme.protected,
        }
        for at in order
        if contribution[at]
        for theme in [ranking.listed[at]]
    ]
    base = POINTS_AT - POINTS_PER_LOG_ODDS * (parts.base + math.log(GOOD_ODDS))
    adjustment = float(log_odds(np.array([probability]))[0] - parts.log_odds[row])
    places = {group: generation.stats.score_place(group, probability) for group in GROUPS}
    return {
        "reasons": [
            {
                "code": reason.code,
                "title": reason.title,
                "text": reason.text,
                "points": points_added(reason.contribution),
                "feature": reason.feature,
            }
            for reason in reasons
        ],
        "average_points": round(base, 1),
        "themes": themes,
        "adjustment_points": points_added(adjustment),
        "riskier_than": {group: None if place is None else place.below for group, place in places.items()},
    }


def _histories(generation: Generation, features: Features, row: int) -> Iterator[Document]:
    """Sources of history, and whether they know the client."""
    for flag in generation.histories:
        known = bool(features.column(flag.name)[row] == 1)
        words = flag.label if known or not flag.label_if_no else flag.label_if_no
        source = flag.name.removeprefix("has_").removesuffix("_history")
        yield {"source": source, "known": known, "text": capitalised(words)}


def _row(document: Document, text: str, by: str, given: str | None) -> Row:
    names = ("decision_id", "kind", "client_id", "decision", "probability", "threshold", "model_version", "snapshot_id")
    row: Row = {name: document[name] for name in names}
    moment = datetime.fromisoformat(document["decided_at"])
    return row | {"decided_at": moment, "decided_by": by, "answer": text, "given": given}
