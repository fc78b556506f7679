"""The letter to a client: what was decided, why, what could change it, how to contest it, and on which data.

It says what the record says: the decision as it was answered and what a person has decided since. Nothing is scored.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from ml.served.scorer import GRANT, REFUSE
from ml.serving.deciding.decisions import Document, recorded, recorded_document
from ml.serving.deciding.records import Records
from ml.serving.language import ENGLISH, Language, language
from ml.serving.what_if.counterfactuals import COUNTERFACTUAL
from ml.serving.words import Words

TEMPLATES = Path(__file__).resolve().parent / "templates"
FIELD_NAMES = {
    "AMT_CREDIT": "credit for the same goods, the rest as a down payment",
    "AMT_GOODS_PRICE": "price of the goods, financed to the same share",
    "PAYMENTS": "number of payments",
}
GROUND_NAMES = {
    "documents_seen": "the documents that were handed in",
    "data_wrong": "data that had to be corrected",
    "circumstances_changed": "circumstances that have changed",
    "policy": "the rules of our house",
    "other": "the circumstances of your application",
}
MARGIN, SIZE, LINE = 22, 10.5, 5.4  # mm, points, mm


@dataclass(frozen=True)
class Section:
    """A heading with its paragraphs, or with a list."""

    heading: str
    paragraphs: tuple[str, ...]
    listed: tuple[str, ...] = ()


@dataclass(frozen=True)
class Letter:
    """A letter in one language.

    Attributes
    ----------
    language : str
    title : str
    reference : str
        Id of the decision, and the number of the application when there is one.
    opening : tuple of str
    sections : tuple of Section
    closing : str
    """

    language: str
    title: str
    reference: str
    opening: tuple[str, ...]
    sections: tuple[Section, ...]
    closing: str


def write_letter(records: Records, decision_id: str, code: str) -> Letter:
    """The letter about a recorded decision.

    Parameters
    ----------
    records : Records
    decision_id : str
    code : str
        Language: "en" or "fr".

    Raises
    ------
    Refusal
        There is no such decision.
    """
    words = language(code)
    document = recorded_document(recorded(records, decision_id))
    last = next((event for event in reversed(document["trail"]) if event["final_decision"]), None)
    final = last["final_decision"] if last else document["decision"]
    found = records.latest_simulation(decision_id, COUNTERFACTUAL)
    date = words.date(datetime.fromisoformat(document["decided_at"]))
    granted = final == GRANT
    title = "Your application for credit is granted" if granted else "Your application for credit is refused"
    reference = words.text("Decision %(id)s", id=document["decision_id"])
    if document["client_id"] is not None:
        reference += words.text(", application %(number)s", number=document["client_id"])
    return Letter(
        code,
        words.text(title),
        reference,
        tuple(_opening(words, document, last, final, date)),
        (
            _why(words, document, last, final),
            *([] if granted else [_what_could_change(words, found)]),
            _how_to_contest(words),
            _data(words, document, date),
        ),
        words.text("Yours faithfully"),
    )


def as_html(letter: Letter) -> str:
    """The letter as one page that loads nothing; everything in it is escaped."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("letter.html.j2").render(letter=letter) + "\n"


def as_pdf(letter: Letter) -> bytes:
    """The letter as a PDF in the standard type, which holds the letters of Western Europe."""
    from fpdf import FPDF  # late: a tenth of the start, and few ask for it

    pdf = FPDF(format="A4")
    pdf.set_lang(letter.language)
    pdf.set_title(_latin(letter.title))
    pdf.set_margins(MARGIN, MARGIN)
    pdf.set_auto_page_break(True, MARGIN)
    pdf.add_page()

    def write(text: str, style: str = "", size: float = SIZE) -> None:
        """One paragraph."""
        pdf.set_font("Helvetica", style, size)
        pdf.multi_cell(0, LINE, _latin(text), new_x="LMARGIN", new_y="NEXT")
        pdf.ln(LINE / 3)

    write(letter.reference, size=SIZE - 1.5)
    write(letter.title, "B", SIZE + 4)
    for paragraph in letter.opening:
        write(paragraph)
    for section in letter.sections:
        write(section.heading, "B", SIZE + 1)
        for paragraph in section.paragraphs:
            write(paragraph)
        for number, item in enumerate(section.listed, start=1):
            write(f"{number}. {item}")
    write(letter.closing)
    return bytes(pdf.output())


def _opening(words: Language, document: Document, last: Document | None, final: str, date: str) -> list[str]:
    granted = final == GRANT
    sentence = "We have looked at your application on %(date)s and grant the credit."
    if not granted:
        sentence = "We have looked at your application on %(date)s and cannot grant the credit that you asked for."
    opening = [words.text("Dear client,"), words.text(sentence, date=date)]
    if last is None:
        opening.append(words.text("The decision was proposed by a statistical model and has yet to be confirmed."))
    elif last["final_decision"] != document["decision"]:
        opening.append(words.text("A person has decided, and not as our statistical model had proposed."))
    else:
        opening.append(words.text("A statistical model has proposed this, and a person has decided."))
    return opening


def _why(words: Language, document: Document, last: Document | None, final: str) -> Section:
    heading = words.text("Why")
    if last is not None and final != document["decision"]:
        ground = GROUND_NAMES.get(str(last["ground"]), GROUND_NAMES["other"])
        return Section(heading, (words.text("What decided: %(ground)s.", ground=words.text(ground)),))
    shown = {
        "probability": words.percent(document["probability"]),
        "threshold": words.percent(document["threshold"]),
    }
    rule = words.text(
        "The model puts the risk of serious payment difficulties at %(probability)s; from %(threshold)s on an "
        "application is refused.",
        **shown,
    )
    reasons = tuple(_reason(words, reason) for reason in document.get("reasons", ()))
    if not reasons:
        return Section(heading, (rule,))
    lead = "What counted most against the application:" if final == REFUSE else "What counted most in its favour:"
    return Section(heading, (rule, words.text(lead)), reasons)


def _reason(words: Language, reason: dict[str, Any]) -> str:
    text: str = reason["text"]
    return text if words.code == ENGLISH else str(Words(words).sentence(text).striptags())


def _what_could_change(words: Language, found: dict[str, Any] | None) -> Section:
    heading = words.text("What could change the decision")
    proposals: Sequence[Document] = json.loads(found["answer"])["proposals"] if found else ()
    if not proposals:
        text = "Nobody has looked for other terms yet, or none within the usual limits would be granted. Ask us."
        return Section(heading, (words.text(text),))
    listed = tuple("; ".join(_change(words, change) for change in proposal["changes"]) for proposal in proposals)
    lead = words.text("With everything else unchanged, the model would grant each of these:")
    return Section(heading, (lead,), listed)


def _change(words: Language, change: dict[str, Any]) -> str:
    digits = 1 if change["field"] == "PAYMENTS" else 0
    values = {"old": words.number(change["from"], digits), "new": words.number(change["to"], digits)}
    return words.text("%(what)s: %(new)s instead of %(old)s", what=words.text(FIELD_NAMES[change["field"]]), **values)


def _how_to_contest(words: Language) -> Section:
    return Section(
        words.text("How to contest it"),
        (
            words.text(
                "You have the right to an explanation, to give your own view, and to have the decision reviewed by a "
                "person. Write to us or come to your branch, and name the decision above."
            ),
            words.text("If data about you are wrong, tell us, or those whom we have them from; we will decide anew."),
        ),
    )


def _data(words: Language, document: Document, date: str) -> Section:
    sources = [Words(words).plain(source["text"]) for source in document.get("history", ()) if source["known"]]
    listed = (words.text("Your application"), *sources)
    version = {"version": document["model_version"], "snapshot": document["snapshot_id"], "date": date}
    text = words.text("Read on %(date)s from data set %(snapshot)s, with model version %(version)s:", **version)
    if any(theme["protected"] and theme["points"] for theme in document.get("themes", ())):
        return Section(words.text("The data behind it"), (text,), listed)
    unused = words.text("Your gender, age and family status had no part in it.")
    return Section(words.text("The data behind it"), (unused, text), listed)


def _latin(text: str) -> str:
    return text.replace("\u00a0", " ").replace("\u202f", " ").encode("latin-1", "replace").decode("latin-1")
