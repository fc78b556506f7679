"""A model card as Markdown and as one HTML file that needs no other."""

import base64
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
import markdown

TEMPLATES = Path(__file__).resolve().parent / "templates"
TEMPLATE, STYLE = "model_card.md.j2", "model_card.css"
PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
{body}
</body>
</html>
"""


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
        autoescape=False,  # noqa: S701 - Markdown, whose texts come from this project's own run
    )
    environment.globals |= {"table": table, "bullets": bullets}
    text = environment.get_template(TEMPLATE).render(facts)
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def table(headers: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """A Markdown table."""
    lines = [headers, ["---"] * len(headers), *rows]
    return "\n".join("| " + " | ".join(cell(one) for one in line) + " |" for line in lines)


def bullets(texts: Sequence[str]) -> str:
    """A Markdown list."""
    return "\n".join(f"- {text}" for text in texts)


def cell(text: object) -> str:
    r"""A text that stays inside its cell of a Markdown table.

    Examples
    --------
    >>> cell("south | north")
    'south \\| north'
    """
    return " ".join(str(text).split()).replace("|", "\\|")


def to_html_body(text: str) -> str:
    """The card's Markdown as well-formed XHTML elements."""
    return markdown.markdown(text, extensions=["tables", "fenced_code", "sane_lists"], output_format="xhtml")


def to_html(text: str, title: str, folder: Path) -> str:
    """The card as a page with its style and its figures inside.

    Parameters
    ----------
    text : str
        Markdown, whose figures are files of `folder`.
    title : str
        Of the page.
    folder : Path
        Holds the figures (PNG).
    """

    def inline(match: re.Match[str]) -> str:
        """The figure itself instead of its file's name."""
        encoded = base64.b64encode((folder / match[1]).read_bytes()).decode()
        return f'src="data:image/png;base64,{encoded}"'

    body = re.sub(r'src="([^"]+)"', inline, to_html_body(text))
    body = re.sub(r"<td>([^<]{1,24}</td>)", r'<td class="short">\1', body)
    return PAGE.format(title=title, style=(TEMPLATES / STYLE).read_text(encoding="utf-8"), body=body)
