"""The line above a feature, in the SQL that makes it: unit, theme and marks, label, description."""

import re
from dataclasses import dataclass

DESCRIPTION = re.compile(r"^\s*-- \[(?P<marks>[^\]|]+\|[^\]]+)\] (?P<label>[^:]+): (?P<text>.+?)\s*$")
GRAMMAR = "`-- [unit | theme] label: Description.`"
NOT_A_REASON = "not a reason"
MADE_OF, COUNTED_IN = "made of ", "of "
ALIASED = re.compile(r"\bas\s+(?P<name>\w+),?\s*$")
BARE = re.compile(r"^\s*(?:\w+\.)?(?P<name>(?!case\b)\w+),?\s*$")


@dataclass(frozen=True)
class Described:
    """What the line above a feature says.

    Attributes
    ----------
    unit, theme : str
        As the seeds list them.
    label : str
        Name for charts and reasons, in lower case; of a flag, what it says when it is 1.
    text : str
        One sentence of meaning.
    label_if_no : str or None
        What a flag says when it is 0.
    made_of : str or None
        The protected theme that it is computed from.
    may_be_reason : bool
        Whether an adviser can say it to a client in one sentence.
    counted_in : str or None
        Feature that counts the cases it is over.
    """

    unit: str
    theme: str
    label: str
    text: str
    label_if_no: str | None = None
    made_of: str | None = None
    may_be_reason: bool = True
    counted_in: str | None = None


def descriptions(sql: str) -> dict[str, Described]:
    r"""What a compiled query says of the columns that it documents.

    Examples
    --------
    >>> sql = "select\n-- [days | age] age: Age.\n    max(\n    x\n) as age,\n-- [count | debt] n: N.\n    n\nfrom t"
    >>> {name: (found.unit, found.label) for name, found in descriptions(sql).items()}
    {'age': ('days', 'age'), 'n': ('count', 'n')}
    """
    found: dict[str, Described] = {}
    waiting: Described | None = None
    first = False  # a bare column stands on the very next line; what is longer ends in `as name`
    for line in filter(str.strip, sql.splitlines()):
        if described := parse(line):
            waiting, first = described, True
            continue
        named = ALIASED.search(line) or (BARE.match(line) if first else None)
        if waiting and named:
            found[named["name"]], waiting = waiting, None
        first = False
    return found


def parse(line: str) -> Described | None:
    """What one line says: `-- [unit | theme | marks] label: Description.`; None when it is not such a line.

    A flag has two labels, `yes / no`. Marks: `made of <protected theme>`, `not a reason`, `of <feature that counts its
    cases>`.

    Examples
    --------
    >>> parse("-- [ratio | employment | made of age] job over age: Time in the job over age.").made_of
    'age'
    >>> parse("-- [flag | property] owns a car / owns no car: Whether the client owns a car.").label_if_no
    'owns no car'
    """
    found = DESCRIPTION.match(line)
    if found is None:
        return None
    unit, theme, *marks = (mark.strip() for mark in found["marks"].split("|"))
    label, _, label_if_no = found["label"].partition(" / ")
    made_of = next((mark.removeprefix(MADE_OF) for mark in marks if mark.startswith(MADE_OF)), None)
    counted_in = next((mark.removeprefix(COUNTED_IN) for mark in marks if mark.startswith(COUNTED_IN)), None)
    can_be_said = NOT_A_REASON not in marks
    return Described(unit, theme, label, found["text"], label_if_no or None, made_of, can_be_said, counted_in)


def full_description(described: Described, null_meaning: str) -> str:
    """The sentence with what its unit leaves open: how dates count, and what null means.

    Examples
    --------
    >>> full_description(Described("days from application", "debt", "x", "Latest end; may lie ahead."), "there is none")
    'Latest end, in days from the application (negative before it); may lie ahead; null when there is none.'
    """
    sentence, *rest = described.text.rstrip(".").split("; ")
    unit, _, from_application = described.unit.partition(" from ")
    if from_application:
        sentence += f", in {unit} from the application (negative before it)"
    if described.unit != "flag" and not any("null" in part for part in rest):
        rest.append(f"null when {null_meaning}")
    return "; ".join([sentence, *rest]) + "."
