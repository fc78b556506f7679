"""Texts, numbers and dates in the reader's language: English in the code, other languages as gettext catalogues.

language("fr").text("Your application of %(date)s", date=language("fr").date(moment))
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from babel.dates import format_date, format_datetime
from babel.messages.pofile import read_po
from babel.numbers import format_decimal, format_percent

LOCALES = Path(__file__).resolve().parent / "locale"
ENGLISH, FRENCH = "en", "fr"
LANGUAGES = (ENGLISH, FRENCH)


@dataclass(frozen=True)
class Language:
    """A language and its catalogue.

    Attributes
    ----------
    code : str
        "en" or "fr".
    translations : dict of str to str
        By English text; empty for English.
    """

    code: str
    translations: dict[str, str]

    def text(self, english: str, **values: object) -> str:
        """A text in this language; values are put in by name, `%(date)s`."""
        translated = self.translations.get(english, english)
        return translated % values if values else translated

    def number(self, value: float, digits: int = 0) -> str:
        """A number with the language's separators."""
        return format_decimal(round(value, digits), locale=self.code).replace("\u202f", "\u00a0")

    def percent(self, share: float, digits: int = 1) -> str:
        """A share, with one decimal unless told."""
        return format_percent(share, f"0.{'0' * digits} %" if digits else "0 %", locale=self.code)

    def points(self, points: float) -> str:
        """Points of a score with their sign and one decimal."""
        return format_decimal(points, "+#,##0.0;-#,##0.0", locale=self.code).replace("-", "\u2212")

    def moment(self, moment: datetime) -> str:
        """A day and a time of it, UTC."""
        return format_datetime(moment, "d MMMM y, HH:mm 'UTC'", tzinfo=UTC, locale=self.code)

    def date(self, moment: datetime) -> str:
        """A day in words."""
        return format_date(moment, "long", locale=self.code)


@cache
def language(code: str) -> Language:
    """A language by its code; its catalogues are read once."""
    if code == ENGLISH:
        return Language(code, {})
    translations: dict[str, str] = {}
    for path in sorted((LOCALES / code / "LC_MESSAGES").glob("*.po")):
        with path.open("rb") as file:
            catalog = read_po(file, locale=code)
        translations |= {str(message.id): str(message.string) for message in catalog if message.id and message.string}
    return Language(code, translations)
