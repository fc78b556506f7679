"""Pages for people: one frame and one look for every HTML page, each a single file that loads nothing.

A package keeps its templates in a folder beside its code. They extend `base.html.j2` and take tables, key figures,
figures and charts from `parts.html.j2`; both lie in the folder `templates` beside this module. Everything that a
template prints is escaped.
"""

import base64
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from jinja2 import Environment, FileSystemLoader, StrictUndefined

from warehouse.core.errors import SettingsError

TEMPLATES = Path(__file__).resolve().parent / "templates"
PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
NONE = "–"  # noqa: RUF001 - a dash, as tables show it

Level = Literal["good", "warning", "bad", "plain"]


@dataclass(frozen=True)
class Verdict:
    """The outcome that a page reports, in a few words, and how its badge is coloured."""

    text: str
    level: Level = "plain"


@dataclass(frozen=True)
class Named:
    """A name in a table whose meaning is shown when it is pointed at."""

    text: str
    meaning: str

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True)
class Head:
    """What every page says first; the same three texts stand in its `meta` elements, for an index of pages.

    Attributes
    ----------
    title : str
    provenance : str
        What the page was made from and when, in one line.
    verdict : Verdict, optional
    """

    title: str
    provenance: str
    verdict: Verdict | None = None


def render(template: Path, head: Head, **content: object) -> str:
    """A page as text.

    Parameters
    ----------
    template : Path
        A template that extends `base.html.j2`; it finds its neighbours by name.
    head : Head
    **content
        Names for the template; a name that it uses and is not given is an error.
    """
    environment = Environment(
        loader=FileSystemLoader([template.parent, TEMPLATES]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"number": number, "percent": percent, "position": position}
    return environment.get_template(template.name).render(head=head, **content) + "\n"


def png_uri(png: bytes, name: str) -> str:
    """A PNG as an address that holds the picture itself.

    Raises
    ------
    SettingsError
        The bytes are not a PNG: a page shows pictures only, never another file.
    """
    if not png.startswith(PNG_SIGNATURE):
        raise SettingsError(expected=f"a PNG picture in {name}", found="something else", remedy="draw the figure again")
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"


def number(value: float | None) -> str:
    """Number with thousands separators, and no more decimals than help.

    Examples
    --------
    >>> number(1234567), number(4.05), number(1234.5), number(None)
    ('1,234,567', '4.05', '1,234.5', '–')
    """  # noqa: RUF002
    if value is None:
        return NONE
    if float(value).is_integer():
        return f"{int(value):,}"
    return f"{value:,.1f}" if abs(value) >= 10 else f"{value:.3g}"


def percent(share: float | None, digits: int = 2) -> str:
    """Share between 0 and 1 in per cent; a share that is not 0 never looks like 0.

    Examples
    --------
    >>> percent(0.0807), percent(0), percent(0.000001), percent(None), percent(0.5, 0)
    ('8.07 %', '0.00 %', '< 0.01 %', '–', '50 %')
    """  # noqa: RUF002
    if share is None:
        return NONE
    smallest = 10.0 ** -(digits + 2)
    return f"< {100 * smallest:.{digits}f} %" if 0 < share < smallest / 2 else f"{100 * share:.{digits}f} %"


def position(value: float, low: float, high: float) -> float:
    """Place of a value between the ends of an axis, in per cent of its length.

    Examples
    --------
    >>> position(0.05, 0, 0.2), position(7, 0, 5), position(1, 1, 1)
    (25.0, 100.0, 0.0)
    """
    share = (value - low) / (high - low) if high > low else 0.0
    return round(100 * min(max(share, 0.0), 1.0), 2)
