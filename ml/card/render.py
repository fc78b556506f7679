"""A model card as Markdown and as one HTML page that needs no other file.

The Markdown template is the one source of both and of the PDF. Whatever a fact says is text: it can be neither markup
nor the address of a picture.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

import jinja2
import markdown
from markdown.treeprocessors import Treeprocessor

from warehouse.core.page import Head, png_uri, render

TEMPLATES = Path(__file__).resolve().parent / "templates"
MARKDOWN_TEMPLATE, PAGE_TEMPLATE = "model_card.md.j2", "model_card.html.j2"
EXTENSIONS = ("tables", "fenced_code", "sane_lists", "toc")
MARKS = re.compile(r"[\\`*\[\]]|(?<!\w)_|_(?!\w)")
NUMBER = re.compile(r"^\d+\. ")  # of a section; the list of contents has its own
LONGEST_SHORT = 24  # characters of a cell that stay on one line


class Markdown(str):
    """Text that is Markdown already."""

    __slots__ = ()


@dataclass(frozen=True)
class Body:
    """The card's Markdown as well-formed XHTML, and its sections as (anchor, heading)."""

    html: str
    sections: tuple[tuple[str, str], ...]


def to_markdown(facts: Mapping[str, Any]) -> str:
    """The card as Markdown; a name that the template asks for and the facts lack is an error.

    Parameters
    ----------
    facts : mapping
        Of `ml.card.facts.gather`, with `fairness` and `figures` (file names).
    """
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        autoescape=False,  # noqa: S701 - Markdown: `escaped` does it
        finalize=escaped,
    )
    environment.globals |= {"table": table, "bullets": bullets, "code": code, "verbatim": verbatim}
    text = environment.get_template(MARKDOWN_TEMPLATE).render(facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def escaped(value: object) -> Markdown:
    r"""Any text as Markdown that shows just this text, on one line.

    Examples
    --------
    >>> escaped("see <b> [1] of sk_id_curr")
    'see &lt;b&gt; \\[1\\] of sk_id_curr'
    >>> escaped(Markdown("**bold**"))
    '**bold**'
    """
    if isinstance(value, Markdown):
        return value
    text = " ".join(str(value).split()).replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return Markdown(MARKS.sub(r"\\\g<0>", text))


def code(value: object) -> Markdown:
    """A text in the type of a terminal, inside a line."""
    return Markdown(f"`{verbatim(value)}`")


def verbatim(value: object) -> Markdown:
    """A text that stands between marks of code, which it cannot end."""
    return Markdown(" ".join(str(value).replace("`", "'").split()))


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> Markdown:
    """A Markdown table."""
    lines = [headers, [Markdown("---")] * len(headers), *rows]
    return Markdown("\n".join("| " + " | ".join(cell(one) for one in line) + " |" for line in lines))


def bullets(texts: Sequence[str]) -> Markdown:
    """A Markdown list."""
    return Markdown("\n".join(f"- {escaped(text)}" for text in texts))


def cell(text: object) -> str:
    r"""A text that stays inside its cell of a Markdown table.

    Examples
    --------
    >>> cell("south | north")
    'south \\| north'
    """
    return escaped(text).replace("|", "\\|")


def to_body(text: str, pictures: Mapping[str, str]) -> Body:
    """The card's Markdown as XHTML; raw HTML in it is shown as text, and only known pictures are shown.

    Parameters
    ----------
    text : str
        Markdown of `to_markdown`.
    pictures : mapping of str to str
        Address of each figure that may be shown, by its name in the text.
    """
    reader = markdown.Markdown(extensions=EXTENSIONS, output_format="xhtml")
    reader.preprocessors.deregister("html_block")
    reader.inlinePatterns.deregister("html")
    reader.treeprocessors.register(_Elements(reader, pictures), "card", 0)
    html = reader.convert(text)
    sections = [
        (token["id"], NUMBER.sub("", token["name"])) for title in reader.toc_tokens for token in title["children"]
    ]
    return Body(html, tuple(sections))


class _Elements(Treeprocessor):
    """Pictures get their addresses, tables a box in which they scroll; the title is left to the page's head."""

    def __init__(self, reader: markdown.Markdown, pictures: Mapping[str, str]) -> None:
        super().__init__(reader)
        self.pictures = pictures

    def run(self, root: Element) -> None:
        """Change the elements in place."""
        for title in root.findall("h1"):
            root.remove(title)
        for parent in list(root.iter()):
            for child in list(parent):
                if child.tag == "img":
                    self._picture(parent, child)
                elif child.tag == "table":
                    self._table(parent, child)

    def _picture(self, parent: Element, image: Element) -> None:
        address = self.pictures.get(image.get("src", ""))
        if address is None:
            parent.remove(image)
        else:
            image.set("src", address)
            parent.set("class", "picture")

    def _table(self, parent: Element, inner: Element) -> None:
        position = list(parent).index(inner)
        parent.remove(inner)
        box = Element("div", {"class": "scroll", "role": "region", "tabindex": "0", "aria-label": "table"})
        box.append(inner)
        parent.insert(position, box)
        for one in inner.iter("td"):
            if len("".join(one.itertext())) <= LONGEST_SHORT:
                one.set("class", "short")


def to_html(text: str, head: Head, pictures: Mapping[str, bytes]) -> str:
    """The card as a page.

    Parameters
    ----------
    text : str
        Markdown of `to_markdown`.
    head : Head
        Its title stands in the page instead of the first heading.
    pictures : mapping of str to bytes
        The figures (PNG) by their names in the text.

    Raises
    ------
    SettingsError
        A figure is not a PNG.
    """
    body = to_body(text, {name: png_uri(png, name) for name, png in pictures.items()})
    return render(TEMPLATES / PAGE_TEMPLATE, head, sections=body.sections, body=body.html)
