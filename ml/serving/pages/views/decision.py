"""What the page of a decision shows: the record first, then what the data that are served now say about the client.

The record never changes. Everything else is left out, and said to be away, when model and data do not answer.
"""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from ml.data.population import ALL
from ml.serving.deciding import outcomes
from ml.serving.deciding.decisions import CLIENT, Document, recorded, recorded_document
from ml.serving.deciding.records import Records
from ml.serving.language import Language, language
from ml.serving.letters import FIELD_NAMES
from ml.serving.live.generation import Generation
from ml.serving.pages.fields import SIMULATED, Typed
from ml.serving.pages.views import charts
from ml.serving.pages.views.standing import (
    AWAY,
    GROUP_NAMES,
    features_by_theme,
    first_feature,
    shown_among,
    similar_to,
    standing_of,
)
from ml.serving.what_if.applicants import APPLICATION, subject_of
from ml.serving.what_if.counterfactuals import COUNTERFACTUAL
from ml.serving.what_if.simulation import ANNUITY, CREDIT, PAYMENTS, upper_case

NOT_STATED = "XNA"  # in the raw files, where a column takes no null
UNSTATED = (NOT_STATED, "XAP")
MOST_MOVED = 6
ACTION_NAMES = {
    outcomes.AGREE: "Decided as proposed",
    outcomes.OVERRIDE: "Decided against the proposal",
    outcomes.REQUEST_REVIEW: "A review was requested",
    outcomes.ANSWER_REVIEW: "The review was answered",
}
GROUND_NAMES = {
    "agreed": "The proposal is right",
    "documents_seen": "Documents were seen",
    "data_wrong": "Data are wrong",
    "circumstances_changed": "Circumstances have changed",
    "policy": "Rules of the house",
    "other": "Another ground",
}


@dataclass(frozen=True)
class Asked:
    """What the visitor has asked of the page.

    Attributes
    ----------
    feature : str
        To be shown among others.
    typed : mapping of str to str
        What stands in the forms.
    faults : mapping of str to str
        What is wrong with it, by field.
    problem : str
        Why a request could not be granted, English.
    simulated : dict, optional
        The answer to a simulation.
    form : str
        The form that was sent.
    """

    feature: str = ""
    typed: Typed = field(default_factory=dict)
    faults: Mapping[str, str] = field(default_factory=dict)
    problem: str = ""
    simulated: Document | None = None
    form: str = ""


def decision_view(
    generation: Generation | None, records: Records, decision_id: str, code: str, asked: Asked
) -> dict[str, Any]:
    """Everything that the template of a decision prints.

    Parameters
    ----------
    generation : Generation or None
        None when model and data do not answer.
    records : Records
    decision_id : str
    code : str
        Language.
    asked : Asked

    Raises
    ------
    Refusal
        There is no such decision.
    """
    document = recorded_document(recorded(records, decision_id))
    now = _now(generation, records, document, code, asked)
    found = records.latest_simulation(decision_id, COUNTERFACTUAL)
    return {
        "document": document,
        "scale": charts.scale(document["threshold"], ("this application", document["probability"])),
        "waterfall": charts.waterfall(document) if document.get("themes") else None,
        "trail": document["trail"],
        "allowed": _allowed(document["trail"]),
        "final": _final(document["trail"]),
        "action_names": ACTION_NAMES,
        "ground_names": GROUND_NAMES,
        "asked": asked,
        "proposed": json.loads(found["answer"]) if found else None,
        "field_names": FIELD_NAMES,
        "newer": generation is not None
        and (document["model_version"], document["snapshot_id"])
        != (generation.model.version, generation.snapshot.snapshot_id),
        "simulation": _simulation(document, asked.simulated),
        "group_names": GROUP_NAMES,
    } | now


def current_values(generation: Generation, records: Records, decision_id: str, code: str) -> dict[str, str]:
    """The application as the form of the simulation shows it, by column."""
    application = upper_case(subject_of(generation, records, decision_id=decision_id).rows[APPLICATION])
    credit, annuity = application.get(CREDIT), application.get(ANNUITY)
    if credit and annuity:
        application[PAYMENTS] = credit / annuity
    words = language(code)
    return {
        one.column: _shown(words, application.get(one.column), 1 if one.column == PAYMENTS else 2) for one in SIMULATED
    }


def recent_lines(records: Records, most: int, *, overridden: bool) -> list[dict[str, Any]]:
    """The latest decisions, newest first, with what a person has decided."""
    lines = []
    for row in records.recent(most, overridden=overridden):
        document = recorded_document(recorded(records, row["decision_id"]))
        lines.append(document | {"decided_by": row["decided_by"], "final": _final(document["trail"])})
    return lines


def warm(generation: Generation) -> None:
    """Open what takes a second the first time; whoever needs it meanwhile waits for the same opening."""
    with suppress(*AWAY):
        choices_of(generation)
        _ = generation.neighbours


def choices_of(generation: Generation) -> dict[str, list[str]]:
    """Values that a column of an application may take: those of the contract, or those that are known of clients."""
    table = generation.engine.raw_tables["application_test"]
    known = generation.stats.categories[ALL]
    listed = {}
    for column in table.columns:
        values = [str(value) for value in column.values or sorted(known.get(column.name.lower(), ()))]
        stated = [value for value in values if value not in UNSTATED]
        listed[column.name] = stated if column.nullable else [*stated, NOT_STATED]
    return listed


def _now(
    generation: Generation | None, records: Records, document: Document, code: str, asked: Asked
) -> dict[str, Any]:
    away: dict[str, Any] = {
        "current": None,
        "choices": {},
        "standing": None,
        "chosen": None,
        "similar": None,
        "options": [],
    }
    if generation is None:
        return away
    try:
        current = current_values(generation, records, document["decision_id"], code)
        choices = choices_of(generation)
    except AWAY:
        current, choices = None, {}
    client = document["client_id"] if document["kind"] == CLIENT else None
    chosen = asked.feature if asked.feature in generation.stats.catalog else first_feature(generation, document)
    return {
        "current": current,
        "choices": choices,
        "standing": standing_of(generation, document, client),
        "chosen": shown_among(generation, chosen, client),
        "options": features_by_theme(generation),
        "similar": similar_to(generation, client),
    }


def _simulation(document: Document, simulated: Document | None) -> dict[str, Any] | None:
    """Old and new decision beside each other, and what made the difference."""
    if simulated is None:
        return None
    before, after = simulated["baseline"], simulated["variants"][0]
    old = {theme["title"]: theme["points"] for theme in before["themes"]}
    new = {theme["title"]: theme["points"] for theme in after["themes"]}
    moved = [(title, round(new.get(title, 0.0) - old.get(title, 0.0), 1)) for title in old | new]
    return {
        "before": before,
        "after": after,
        "changes": after["changes"],
        "moved": sorted((one for one in moved if one[1]), key=lambda one: -abs(one[1]))[:MOST_MOVED],
        "scale": charts.scale(
            document["threshold"], ("as it is", before["probability"]), ("as simulated", after["probability"])
        ),
    }


def _final(trail: list[Document]) -> Document | None:
    """The last word that a person had; None when nobody has decided yet."""
    return next((event for event in reversed(trail) if event["final_decision"]), None)


def _allowed(trail: list[Document]) -> str:
    """What a person may record next: the decision, a request for review, or the answer to it."""
    actions = [event["action"] for event in trail]
    if not {outcomes.AGREE, outcomes.OVERRIDE} & set(actions):
        return "decide"
    waits = actions.count(outcomes.REQUEST_REVIEW) > actions.count(outcomes.ANSWER_REVIEW)
    return "answer" if waits else "review"


def _shown(words: Language, value: object, digits: int) -> str:
    if value is None:
        return ""
    if isinstance(value, int | float):
        return words.number(value, 0 if float(value).is_integer() else digits)
    return str(value)
