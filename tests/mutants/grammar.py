"""The grammar of mutations: plausible slips in the SQL of a model, found in its compiled text."""

import random
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

CONTEXT = 70

Edit = tuple[int, int, str]
"""Start and end of what is replaced, and what by."""


@dataclass(frozen=True)
class Mutation:
    """One changed place in the SQL of one model."""

    model: str
    slip: str
    edit: Edit
    sql: str

    @property
    def mutant(self) -> str:
        """The model's SQL with the change."""
        start, end, text = self.edit
        return self.sql[:start] + text + self.sql[end:]

    @property
    def name(self) -> str:
        """What was changed, with some text around it."""
        start, end, text = self.edit
        before = " ".join(self.sql[max(0, start - CONTEXT) : start].split()[-6:])
        after = re.split(r",\n|\n\n", self.sql[end : end + 2 * CONTEXT])[0]
        old = " ".join(self.sql[start:end].split())
        new = " ".join(text.split())
        return f"{self.model}, {self.slip}: {before} [{old} -> {new}] {' '.join(after.split())}"

    @property
    def is_dead(self) -> bool:
        """Whether it changes a column that nothing reads: an aggregate of a bucket that no window needs."""
        column = re.search(r"\bas (\w+_(?:n|s|r|q|t|tt|ts|min|max)),\n", self.sql[self.edit[1] :])
        in_buckets = "by_bucket as" in self.sql[: self.edit[0]] and "by_client as" in self.sql[self.edit[1] :]
        return bool(in_buckets and column and len(re.findall(rf"\b{column[1]}\b", self.sql)) == 1)


def without_comments(sql: str) -> str:
    """The SQL without its lines of comment."""
    return re.sub(r"^\s*--.*\n", "", sql, flags=re.MULTILINE)


def mutations(model: str, sql: str) -> Iterator[Mutation]:
    """Every place of a model at which the grammar knows a slip."""
    sql = without_comments(sql)
    for slip, find in SLIPS.items():
        for edit in find(sql):
            mutation = Mutation(model, slip, edit, sql)
            if not mutation.is_dead:
                yield mutation


def draw(found: list[Mutation], seed: int) -> Iterator[Mutation]:
    """Mutations in random order: a slip, then a model, then a place; long models are not drawn more often."""
    generator, left = random.Random(seed), {}  # noqa: S311 - a sample
    for mutation in found:
        left.setdefault(mutation.slip, {}).setdefault(mutation.model, []).append(mutation)
    while left:
        slip = generator.choice(sorted(left))
        model = generator.choice(sorted(left[slip]))
        places = left[slip][model]
        yield places.pop(generator.randrange(len(places)))
        if not places:
            del left[slip][model]
        if not left[slip]:
            del left[slip]


def _each(pattern: str, replace: Callable[[re.Match[str]], str | None]) -> Callable[[str], Iterator[Edit]]:
    """Edits of all that a pattern finds; a replacement of None leaves a place out."""

    def find(sql: str) -> Iterator[Edit]:
        for match in re.finditer(pattern, sql):
            if (text := replace(match)) is not None:
                yield match.start(), match.end(), text

    return find


def _swap(words: dict[str, str]) -> Callable[[re.Match[str]], str | None]:
    return lambda match: match[0].replace(match[1], words[match[1]], 1)


def _closing(sql: str, opened: int) -> int:
    """Place after the parenthesis that closes the one opened at a place."""
    depth = 0
    for place in range(opened, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[place], 0)
        if depth == 0:
            return place + 1
    raise ValueError("a parenthesis is not closed")


def _null_as_zero(sql: str) -> Iterator[Edit]:
    for match in re.finditer(r"(?<![\w(])(sum|min|max|avg)\(", sql):
        end = _closing(sql, match.end() - 1)
        yield match.start(), end, f"coalesce({sql[match.start() : end]}, 0)"


def _dropped_coalesce(sql: str) -> Iterator[Edit]:
    for match in re.finditer(r"coalesce\(", sql):
        end = _closing(sql, match.end() - 1)
        value, comma, default = sql[match.end() : end - 1].rpartition(", ")
        if comma and re.fullmatch(r"0|'unknown'", default):
            yield match.start(), end, f"({value})"


def _compared(match: re.Match[str]) -> str | None:
    """Other operator; the keys of a join stay equal."""
    joins = re.match(r" \w+\.\w+\b", match.string[match.end() :]) and re.search(
        r"\w+\.\w+ $", match.string[: match.start()]
    )
    return (
        None
        if joins and match[0] == "="
        else {">": ">=", ">=": ">", "<": "<=", "<=": "<", "=": "<>", "<>": "="}[match[0]]
    )


def _signed(match: re.Match[str]) -> str | None:
    """Other sign; not of what rounds to the last decimal kept, which is no rule."""
    if re.search(r"1e\d+$", match.string[: match.start()]):
        return None
    return {" + ": " - ", " - ": " + "}[match[0]]


def _joined(match: re.Match[str]) -> str | None:
    """`and` for `or`; not the `and` of `between`."""
    if re.search(r"between -?\w+ $", match.string[: match.start()]):
        return None
    return {"and": "or", "or": "and"}[match[0]]


WORDS = {
    "'Approved'": "'Refused'",
    "'Refused'": "'Canceled'",
    "'Canceled'": "'Refused'",
    "'Active'": "'Closed'",
    "'Closed'": "'Active'",
    "'Completed'": "'Active'",
    "'Signed'": "'Demand'",
    "'Cash loans'": "'Consumer loans'",
    "'Consumer loans'": "'Cash loans'",
    "'Credit card'": "'Consumer credit'",
    "'Mortgage'": "'Car loan'",
    "'training'": "'scoring'",
    "'X'": "'C'",
    "'C'": "'X'",
}
COLUMNS = {
    "amt_income_total": "amt_credit",
    "amt_credit": "amt_annuity",
    "amt_annuity": "amt_credit",
    "amt_credit_sum": "amt_credit_sum_debt",
    "amt_instalment": "amt_payment",
    "bureau_loan_count": "bureau_active_loan_count",
    "days_birth": "days_employed",
}
OTHER_WORDS = _swap(WORDS)
SLIPS: dict[str, Callable[[str], Iterator[Edit]]] = {
    "comparison": _each(r"(?<![<>=])(>=|<=|<>|>|<|=)(?![<>=])", _compared),
    "window edge": _each(r"([<>]=? )(-?\d+)\b(?![.e]| \*)", lambda match: f"{match[1]}{int(match[2]) - 1}"),
    "window of months": _each(r"-30 \* \d+", lambda match: f"-30 * {int(match[0].split()[-1]) + 1}"),
    "aggregate": _each(r"\b(sum|max|min|avg)(?=\()", _swap({"sum": "max", "max": "min", "min": "max", "avg": "max"})),
    "sign": _each(r" [-+] ", _signed),
    "product for ratio": _each(r"/ (?=nullif\()", lambda match: "* "),
    "denominator": _each(rf"(?<=nullif\(cast\()(?:\w+\.)?({'|'.join(COLUMNS)})(?= as double)", _swap(COLUMNS)),
    "zero for null": _null_as_zero,
    "null for zero": _dropped_coalesce,
    "sentinel kept": _each(r"nullif\((\w+), (?:365243|0|-1)\)", lambda match: match[1]),
    "dropped condition": _each(
        r"case when ((?:(?!\b(?:case|then|end)\b).)+?) then ((?:(?!\b(?:case|when|then|else|end)\b).)+?) end",
        lambda match: match[2],
    ),
    "dropped filter": _each(r"(?<=\bwhere )[^\n]+(?=\n)", lambda match: "true"),
    "unknown for no": _each(r" else 0 end", lambda match: " end"),
    "logic": _each(r"\b(and|or)\b", _joined),
    "other word": _each("|".join(f"({word})" for word in WORDS), lambda match: WORDS[match[0]]),
    "order": _each(r"\bdesc\b", lambda match: "asc"),
    "extreme": _each(r"\b(least|greatest)(?=\()", _swap({"least": "greatest", "greatest": "least"})),
    "newest for oldest": _each(r"\b(max_by|min_by)(?=\()", _swap({"max_by": "min_by", "min_by": "max_by"})),
    "join": _each(r"\bleft join\b", lambda match: "inner join"),
    "repeated rows": _each(r"\bselect distinct\b", lambda match: "select"),
    "factor": _each(
        r"(?<![\w.])\d+(?:\.\d+)?(?= \* )|(?<=/ )\d+(?:\.\d+)?(?![\w.])", lambda match: f"{float(match[0]) + 1:g}"
    ),
}
