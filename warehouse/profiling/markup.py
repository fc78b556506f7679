"""Small pieces of HTML; everything that is not `Html` already is escaped on its way in."""

from collections.abc import Iterable, Sequence
from html import escape

NONE = "–"  # noqa: RUF001 - a dash, as tables show it


class Html(str):
    """Text that is markup already."""

    __slots__ = ()


def html(value: object) -> Html:
    """Markup of any value: escaped, unless it is `Html` already.

    Examples
    --------
    >>> html("<b>"), html(Html("<b>"))
    ('&lt;b&gt;', '<b>')
    """
    return value if isinstance(value, Html) else Html(escape(str(value)))


def join(parts: Iterable[Html]) -> Html:
    """Pieces of markup in one."""
    return Html("\n".join(parts))


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


def percent(share: float | None) -> str:
    """Share between 0 and 1 in per cent; a share that is not 0 never looks like 0.

    Examples
    --------
    >>> percent(0.0807), percent(0), percent(0.000001), percent(None)
    ('8.07 %', '0.00 %', '< 0.01 %', '–')
    """  # noqa: RUF002
    if share is None:
        return NONE
    return "< 0.01 %" if 0 < share < 0.00005 else f"{share:.2%}".replace("%", " %")


def share_of(part: float, whole: float) -> float | None:
    """Part of a whole; None when there is no whole."""
    return part / whole if whole else None


def table(columns: Sequence[tuple[object, str]], rows: Iterable[Sequence[object]], caption: str) -> Html:
    """Table whose first cell of a row is its heading.

    Parameters
    ----------
    columns : sequence of (heading, kind)
        Kind `n` aligns numbers to the right, `t` is text, `c` a chart.
    rows : iterable of sequences
        One cell per column.
    caption : str
        For people who do not see the page.
    """
    head = "".join(f'<th scope="col" class="{kind}">{html(heading)}</th>' for heading, kind in columns)
    body = "\n".join(_row([kind for _, kind in columns], row) for row in rows)
    return Html(
        f'<div class="scroll"><table><caption class="unseen">{html(caption)}</caption>'
        f"<thead><tr>{head}</tr></thead>\n<tbody>\n{body}\n</tbody></table></div>"
    )


def _row(kinds: Sequence[str], cells: Sequence[object]) -> str:
    first, *others = zip(kinds, cells, strict=True)
    filled = "".join(f'<td class="{kind}">{html(cell)}</td>' for kind, cell in others)
    return f'<tr><th scope="row" class="{first[0]}">{html(first[1])}</th>{filled}</tr>'


def explained(name: str, description: str) -> Html:
    """Name of a column that tells its meaning when pointed at."""
    return Html(f'<span class="name" title="{escape(description)}">{escape(name)}</span>')


def details(summary: str, content: Html) -> Html:
    """Content that opens on demand."""
    return Html(f"<details><summary>{html(summary)}</summary>\n{content}\n</details>")


def figure(chart: Html, caption: object) -> Html:
    """Chart with the sentence that says how to read it."""
    return Html(f"<figure>{chart}<figcaption>{html(caption)}</figcaption></figure>")


def section(anchor: str, heading: str, *content: Html) -> Html:
    """Section that the contents list can point to."""
    return Html(f'<section id="{anchor}"><h2>{html(heading)}</h2>\n{join(content)}\n</section>')


def card(heading: str, *content: Html) -> Html:
    """Block of a grid."""
    return Html(f'<div class="card"><h3>{html(heading)}</h3>\n{join(content)}\n</div>')


def paragraph(text: object, kind: str = "") -> Html:
    """Paragraph, with a style's name if wanted."""
    return Html(f'<p class="{kind}">{html(text)}</p>' if kind else f"<p>{html(text)}</p>")
