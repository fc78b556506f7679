"""Decisions by client that are asked for at the same time, scored together and recorded in one transaction.

One thread decides: whoever asks while it scores or waits for the disk is served with the others in the next round. A
client alone costs three times as much as one among sixteen, and the disk is flushed once for all of them.
"""

import queue
import threading
from collections.abc import Iterable
from concurrent.futures import Future
from dataclasses import dataclass, field

from ml.serving.deciding.decisions import Answered, decide_many, unknown_client
from ml.serving.deciding.records import RecordError, Records
from ml.serving.live.generation import Generation

MOST_TOGETHER = 16  # more gain nothing, and the first of them would wait longer
SECONDS_TO_FINISH = 30.0


@dataclass(frozen=True)
class Waiting:
    """Who waits for a decision; see `ml.serving.deciding.decisions.decide`."""

    generation: Generation
    client: int
    by: str
    reasons: bool
    answer: Future[Answered] = field(default_factory=Future)


class Desk:
    """The thread that decides.

    Parameters
    ----------
    records : Records
    """

    def __init__(self, records: Records) -> None:
        self._records = records
        self._waiting: queue.SimpleQueue[Waiting | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._decide_until_closed, name="desk", daemon=True)
        self._thread.start()

    def submit(self, generation: Generation, client: int, by: str, *, reasons: bool) -> Future[Answered]:
        """A decision that is recorded when the future has it; it raises what `decide` raises."""
        waiting = Waiting(generation, client, by, reasons)
        self._waiting.put(waiting)
        return waiting.answer

    def close(self) -> None:
        """Decide what waits, and stop."""
        self._waiting.put(None)
        self._thread.join(SECONDS_TO_FINISH)

    def _decide_until_closed(self) -> None:
        while (first := self._waiting.get()) is not None:
            together = [first, *self._others()]
            for group in _alike(one for one in together if one.answer.set_running_or_notify_cancel()):
                self._decide(group)

    def _others(self) -> Iterable[Waiting]:
        for _ in range(MOST_TOGETHER - 1):
            try:
                following = self._waiting.get_nowait()
            except queue.Empty:
                return
            if following is None:
                self._waiting.put(None)
                return
            yield following

    def _decide(self, group: list[Waiting]) -> None:
        first, clients = group[0], [one.client for one in group]
        try:
            made, unknown = decide_many(first.generation, self._records, clients, first.by, reasons=first.reasons)
        except Exception as error:  # whoever waits must hear of it, whatever it is
            if len(group) > 1 and not isinstance(error, RecordError):
                for one in group:
                    self._decide([one])  # the fault of one is not that of the others
                return
            for one in group:
                one.answer.set_exception(error)
            return
        answered = iter(made)
        for one in group:
            if one.client in unknown:
                one.answer.set_exception(unknown_client(one.generation))
            else:
                one.answer.set_result(next(answered))


def _alike(waiting: Iterable[Waiting]) -> list[list[Waiting]]:
    """Those who ask the same of the same generation."""
    groups: dict[tuple[int, str, bool], list[Waiting]] = {}
    for one in waiting:
        groups.setdefault((id(one.generation), one.by, one.reasons), []).append(one)
    return list(groups.values())
