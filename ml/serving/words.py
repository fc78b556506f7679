"""What records and catalogue say in English, in the reader's language.

Records keep the English sentence for ever; a French page says the same. Where there is no French for a name, the
English one is marked as English, so that a screen reader pronounces it well.
"""

import re
from dataclasses import dataclass, replace
from datetime import datetime

from babel.numbers import format_decimal
from markupsafe import Markup, escape

from ml.data.catalog import Feature
from ml.serving.language import ENGLISH, Language
from ml.wording.values import value_words

NUMBER = re.compile(r"\d{1,3}(?:,\d{3})+(?:\.\d+)?|\d+\.\d+")
COMPARED = re.compile(
    r"^(?P<fact>.*?), (?P<side>higher|lower|later|earlier|more recent|longer ago) than that of (?P<share>.+) of "
    r"applicants$|^(?P<same>.*), as for (?P<tied>.+ %) of applicants$|^(?P<only>.*), as for no other applicant$"
)
COUNTED = re.compile(r"^(.*) \(([\d,]+) of ([\d,]+)\)$")
ABSENT = re.compile(r"^No record of (.+)$")
# Longest first: each is replaced in a value.
VALUE_WORDS = {
    "before the application": "avant la demande",
    "after the application": "après la demande",
    "at the application": "le jour de la demande",
    "percentage points": "points de pourcentage",
    "standard deviations": "écarts-types",
    "less than": "moins de",
    "more than": "plus de",
    "no record": "aucune donnée",
    "payments": "mensualités",
    "payment": "mensualité",
    "of 100": "sur 100",
    "per month": "par mois",
    "per day": "par jour",
    "minus ": "moins ",
    "months": "mois",
    "month": "mois",
    "years": "ans",
    "year": "an",
    "days": "jours",
    "day": "jour",
    "times": "fois",
}
VALUE = re.compile("|".join(rf"(?<![A-Za-z]){re.escape(word)}(?![A-Za-z])" for word in VALUE_WORDS))
MEASURED = re.compile(
    r"^(mean|largest|smallest|total|longest|shortest|highest|lowest|latest|earliest|variation in|trend of|share of|"
    r"monthly change of) (.+)$"
)
NAMELESS = Feature("", "number", "", "", "", "", "", "")
FRENCH_SIGNS = re.compile(r" ([:;?!»])")
EMPLOYMENT = "start of the present employment"
NOT_EMPLOYED = "not employed"


@dataclass(frozen=True)
class Words:
    """Recorded and catalogued texts in a language; everything that it gives is escaped.

    Parameters
    ----------
    language : Language
    """

    language: Language

    def text(self, english: str, **values: object) -> str:
        """A text of the pages; French signs stay on the line of their word."""
        text = self.language.text(english, **values)
        return text if self.language.code == ENGLISH else FRENCH_SIGNS.sub("\u00a0\\1", text)

    def name(self, english: str) -> Markup:
        """A name of the catalogue, such as a feature's label or a theme's title."""
        if self.language.code == ENGLISH:
            return escape(english)
        known = self._known(english)
        if known is None and ", " in english:
            parts = [self._known(part) for part in english.split(", ")]
            known = None if None in parts else ", ".join(part for part in parts if part is not None)
        return Markup('<span lang="en">{}</span>').format(english) if known is None else escape(known)

    def value(self, english: str) -> Markup:
        """A value with its unit."""
        english = _unbroken(english)
        if self.language.code == ENGLISH:
            return escape(english)
        if english in self.language.translations:
            return escape(self.language.translations[english])
        text = VALUE.sub(lambda found: VALUE_WORDS[found.group()], english)
        if re.search("[A-Za-z]{2}", text) and text == english and not re.search(r"\d", english):
            return Markup('<span lang="en">{}</span>').format(english)
        return escape(NUMBER.sub(lambda found: self._number(found.group()), text))

    def sentence(self, english: str) -> Markup:
        """A fact about a client, as reasons state it."""
        absent = ABSENT.match(english)
        if absent and absent[1] == EMPLOYMENT:
            return escape(_capitalised(self.language.text(NOT_EMPLOYED)))
        if self.language.code == ENGLISH:
            return escape(_unbroken(english))
        if absent:
            return Markup("{}\u00a0: {}").format(self.language.text("No record"), self.name(absent[1]))
        found = COMPARED.match(english)
        if not found:
            return self._fact(english)
        if found["only"]:
            return Markup("{}, {}").format(self._fact(found["only"]), self.language.text("as for no other applicant"))
        side = self.language.text(f"{found['side']} than that of" if found["side"] else "as for")
        share, of_all = self.value(found["share"] or found["tied"]), self.language.text("of applicants")
        return Markup("{}, {} {} {}").format(self._fact(found["fact"] or found["same"]), side, share, of_all)

    def plain(self, english: str) -> str:
        """A name or a value where no markup can stand, as in a list of choices."""
        return str((self.value if english[:1].isdigit() else self.name)(english).striptags())

    def measure(self, value: float, unit: str) -> str:
        """A number of a feature on an axis, with its unit."""
        return str(self.value(value_words(replace(NAMELESS, unit=unit), value)))

    def percent0(self, share: float) -> str:
        """A share without decimals."""
        return _unbroken(self.language.percent(share, 0))

    def moment(self, iso: str) -> str:
        """A recorded time."""
        return self.language.moment(datetime.fromisoformat(iso))

    def percent(self, share: float) -> str:
        """A share with one decimal."""
        return _unbroken(self.language.percent(share))

    def points(self, points: float) -> str:
        """Points with their sign."""
        return self.language.points(points)

    def number(self, value: float, digits: int = 0) -> str:
        """A number with so many decimals."""
        pattern = "#,##0" + "." * bool(digits) + "0" * digits
        return str(format_decimal(value, pattern, locale=self.language.code)).replace("\u202f", "\u00a0")

    def amount(self, value: float | str) -> str:
        """What was typed into a form: a number with the decimals that it has, or a choice."""
        return self.plain(value) if isinstance(value, str) else self.language.number(value, 2)

    def _fact(self, english: str) -> Markup:
        label, colon, value = english.partition(": ")
        if not colon:
            return self.name(english)
        counted = COUNTED.match(value)
        if counted:
            many = self.language.text("%(part)s of %(whole)s", part=counted[2], whole=counted[3])
            return Markup("{}\u00a0: {} ({})").format(
                self.name(label), self.value(counted[1]), many.replace(",", "\u00a0")
            )
        return Markup("{}\u00a0: {}").format(self.name(label), self.value(value))

    def _known(self, english: str) -> str | None:
        """The French of a name or of one of its parts; None when there is none."""
        for given, fit in ((english, str), (_small(english), _capitalised), (_capitalised(english), _small)):
            if given in self.language.translations:
                return fit(self.language.translations[given])
            measured = MEASURED.match(given)
            if measured and measured[2] in self.language.translations:
                what = self.language.translations[measured[2]]
                return fit(self.language.text(f"%(what)s ({measured[1]})", what=what))
        return None

    def _number(self, english: str) -> str:
        digits = len(english.partition(".")[2])
        return self.number(float(english.replace(",", "")), digits)


def _capitalised(text: str) -> str:
    return text[:1].upper() + text[1:]


def _small(text: str) -> str:
    return text[:1].lower() + text[1:]


def _unbroken(text: str) -> str:
    return text.replace(" %", "\u00a0%")
