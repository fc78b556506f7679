"""What people do with a decision: agree or override, and answer a client who asks for a review."""

from collections.abc import Sequence
from datetime import UTC, datetime

from ml.served.scorer import GRANT, REFUSE
from ml.serving import metrics
from ml.serving.deciding.decisions import Document, event_document, recorded
from ml.serving.deciding.records import Records, Row
from ml.serving.deciding.refusals import ALREADY_RECORDED, UNUSABLE_INPUT, Refusal

AGREE, OVERRIDE = "agree", "override"
REQUEST_REVIEW, ANSWER_REVIEW = "request_review", "answer_review"
ACTIONS = (AGREE, OVERRIDE, REQUEST_REVIEW, ANSWER_REVIEW)
GROUNDS = ("agreed", "documents_seen", "data_wrong", "circumstances_changed", "policy", "other")


def record_outcome(
    records: Records,
    decision_id: str,
    action: str,
    by: str,
    *,
    ground: str | None = None,
    note: str | None = None,
    final_decision: str | None = None,
) -> Document:
    """Record what a person did with a decision.

    Parameters
    ----------
    records : Records
    decision_id : str
    action : str
        One of `ACTIONS`. The first word is `agree` or `override`, once; a review is requested after it and answered
        once per request.
    by : str
        Name of the key that asks.
    ground : str, optional
        One of `GROUNDS`; an override needs one.
    note : str, optional
        In the person's own words.
    final_decision : str, optional
        "grant" or "refuse", to answer a review; of the other actions it follows.

    Returns
    -------
    dict
        The event.

    Raises
    ------
    Refusal
        There is no such decision, the ground is missing, or the trail does not allow the action.
    """
    recorded(records, decision_id)
    if action == OVERRIDE and ground in (None, "agreed"):
        raise Refusal(UNUSABLE_INPUT, "an override needs its ground")
    if action == ANSWER_REVIEW and final_decision is None:
        raise Refusal(UNUSABLE_INPUT, "the answer to a review needs its final_decision")
    if action != ANSWER_REVIEW and final_decision is not None:
        raise Refusal(UNUSABLE_INPUT, "final_decision goes with answer_review alone; otherwise it follows")
    new = {
        "decision_id": decision_id,
        "happened_at": datetime.now(UTC),
        "action": action,
        "final_decision": final_decision,
        "ground": ground,
        "note": note,
        "done_by": by,
    }
    event = records.add_event(new, _completed)
    metrics.OUTCOMES.labels(action, ground or "none").inc()
    return event_document(event)


def _completed(decided: Row, so_far: Sequence[Row], new: Row) -> Row:
    """The event with its final decision, when the trail allows it."""
    actions = [event["action"] for event in so_far]
    has_word = any(action in (AGREE, OVERRIDE) for action in actions)
    under_review = actions.count(REQUEST_REVIEW) > actions.count(ANSWER_REVIEW)
    action = new["action"]
    if action in (AGREE, OVERRIDE):
        if has_word:
            raise Refusal(ALREADY_RECORDED, "a person has decided already; a review can change it")
        proposed = decided["decision"]
        other = GRANT if proposed == REFUSE else REFUSE
        return new | {"final_decision": proposed if action == AGREE else other}
    if action == REQUEST_REVIEW and under_review:
        raise Refusal(ALREADY_RECORDED, "a review has been requested already and is not answered yet")
    if action == ANSWER_REVIEW and not under_review:
        raise Refusal(ALREADY_RECORDED, "no review waits for an answer")
    return new
