"""Texts, numbers and dates in the reader's language: English in the code, other languages as gettext catalogues.

language("fr").text("Your application of %(date)s", date=language("fr").date(moment))
"""

from dataclasses import dataclass
from datetime import datetime
from functools import cache
from pathlib import Path

from babel.dates import format_date
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

    def percent(self, share: float) -> str:
        """A share with one decimal."""
        return format_percent(share, "0.0 %", locale=self.code)

    def date(self, moment: datetime) -> str:
        """A day in words."""
        return format_date(moment, "long", locale=self.code)


@cache
def language(code: str) -> Language:
    """A language by its code; its catalogue is read once."""
    if code == ENGLISH:
        return Language(code, {})
    with (LOCALES / code / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalog = read_po(file, locale=code)
    return Language(
        code, {str(message.id): str(message.string) for message in catalog if message.id and message.string}
    )
