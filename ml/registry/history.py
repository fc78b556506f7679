"""Who made which version the champion, when and why: a log in the tags of the registered model.

One tag per change, named by its time, so that nothing is overwritten; the version carries the latest change as plain
tags, for whoever looks at it in MLflow.
"""

import json
import os
import pwd
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

TRAINED, BY_HAND, ROLLBACK = "trained", "by hand", "rollback"
LOG_PREFIX = "promotion."
VERSION_PREFIX = "promoted_"


@dataclass(frozen=True)
class Promotion:
    """One change of champion.

    Attributes
    ----------
    when : str
        ISO 8601, UTC.
    who : str
        User of the operating system.
    how : str
        "trained" (it won a training), "by hand" or "rollback".
    reason : str
    previous : int or None
        Champion before; None for the first.
    version : int
        Champion after.
    guard : str
        Verdict of the guards (leakage, overfitting) on that version: "passed", "refused" (and overridden by hand) or
        "unknown".
    """

    when: str
    who: str
    how: str
    reason: str
    previous: int | None
    version: int
    guard: str

    @property
    def log_tag(self) -> tuple[str, str]:
        """Name and value of the tag on the registered model."""
        return LOG_PREFIX + self.when.removesuffix("+00:00"), json.dumps(asdict(self))

    @property
    def version_tags(self) -> dict[str, str]:
        """Tags on the version that became champion."""
        fields = asdict(self) | {"from": "none" if self.previous is None else self.previous, "to": self.version}
        return {VERSION_PREFIX + name: str(fields[name]) for name in ("when", "who", "how", "reason", "from", "to")}


def promotion_now(how: str, reason: str, previous: int | None, version: int, guard: str) -> Promotion:
    """A change of champion by the present user at the present time."""
    return Promotion(
        datetime.now(UTC).isoformat(timespec="microseconds"), _user(), how, reason, previous, version, guard
    )


def promotions(tags: Mapping[str, str]) -> list[Promotion]:
    """The log, oldest first, from the tags of the registered model."""
    return [Promotion(**json.loads(value)) for name, value in sorted(tags.items()) if name.startswith(LOG_PREFIX)]


def champion_before(log: Iterable[Promotion]) -> int | None:
    """Version that a rollback calls back; None when there was none.

    A rollback takes the latest promotion back, so that two rollbacks go two champions back and not to and fro.

    Examples
    --------
    >>> def change(how, previous, version):
    ...     return Promotion("", "", how, "", previous, version, "passed")
    >>> log = [change("trained", None, 1), change("trained", 1, 2), change("by hand", 2, 4)]
    >>> champion_before(log)
    2
    >>> champion_before([*log, change("rollback", 4, 2)])
    1
    """
    before: list[int | None] = []
    for change in log:
        if change.how == ROLLBACK:
            before.pop()
        else:
            before.append(change.previous)
    return before[-1] if before else None


def _user() -> str:
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:  # a container may run under a number without a name
        return str(os.getuid())
