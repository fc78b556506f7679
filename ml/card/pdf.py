"""A model card as a PDF of two or three pages, without a browser.

Prose is set by fpdf2's `write_html`. Tables and pictures are not: it gives columns equal widths and cuts pictures that
are wider than the page.
"""

from collections.abc import Mapping, Sequence
from contextlib import closing
from io import BytesIO
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace, TextStyle, TTFFont

from ml.card.render import to_body

FEWEST_PAGES, MOST_PAGES = 2, 3
TYPE_SIZES = (8.5, 8.0, 7.5, 7.0, 6.5, 6.0)  # points, the largest that fits
MARGIN = 14  # mm
FIGURE_HEIGHT = 0.34  # of the width of the text
INK, MUTED, LINE = (34, 48, 60), (92, 103, 112), (205, 211, 216)
UNBROKEN = (24, 16, 0)  # characters of a cell that stay on one line where there is room
PADDING = 2  # mm between columns
FAMILY, MONO = "DejaVu", "Mono"
SHOWN_FIGURES = 2
KEPT_LINES = 6  # of a table, with the words before it
KEPT_AFTER_HEADING = 10
LINE_HEIGHT = 1.2  # of prose, in heights of the type
NO_MARGIN = 0.01  # fpdf2 takes 0 for "one line"


class CardPdf(FPDF):
    """Pages of the card, with their numbers below."""

    def __init__(self, size: float, title: str) -> None:
        super().__init__(format="A4")
        self.base = size
        self.set_title(title)
        self.set_margins(MARGIN, MARGIN)
        self.c_margin = 0
        self.set_auto_page_break(True, margin=MARGIN)
        fonts = Path(matplotlib.get_data_path()) / "fonts" / "ttf"
        for style, name in (("", ""), ("B", "-Bold"), ("I", "-Oblique"), ("BI", "-BoldOblique")):
            self.add_font(FAMILY, style, fonts / f"DejaVuSans{name}.ttf")
        self.add_font(MONO, "", fonts / "DejaVuSansMono.ttf")
        self.add_page()

    def footer(self) -> None:
        """Title and number at the foot of each page."""
        self.set_y(-MARGIN + 3)
        self.set_font(FAMILY, size=6)
        self.set_text_color(*MUTED)
        self.cell(0, 4, f"{self.title}, page {self.page_no()} of {{nb}}", align="R")

    def close(self) -> None:
        """Close the files of the fonts, which fpdf2 leaves open."""
        for font in self.fonts.values():
            if isinstance(font, TTFFont):
                font.ttfont.close()

    @property
    def line_height(self) -> float:
        """Height of a line in mm."""
        return self.base * 0.47

    def write_type(self, size: float | None = None, style: str = "") -> None:
        """Set the type for what follows."""
        self.set_font(FAMILY, style, size or self.base)
        self.set_text_color(*INK)

    def keep(self, lines: float) -> None:
        """Begin a new page when fewer lines are left on this one."""
        if self.will_page_break(lines * self.line_height):
            self.add_page()


def to_pdf(text: str, title: str, pictures: Mapping[str, bytes]) -> bytes:
    """The card in the largest type in which it takes three pages at most.

    Parameters
    ----------
    text : str
        Markdown of `ml.card.render.to_markdown`.
    title : str
        Of the document.
    pictures : mapping of str to bytes
        The figures (PNG) by their names in the text; the first two are drawn, side by side.
    """
    body = to_body(text, {name: name for name in pictures}).html
    root = ElementTree.fromstring(f"<card>{body}</card>")  # noqa: S314 - written by `to_body`
    for size in TYPE_SIZES:
        with closing(CardPdf(size, title)) as pdf:
            _heading(pdf, title, first=True)
            _draw(pdf, root, pictures)
            written, fits = bytes(pdf.output()), pdf.page_no() <= MOST_PAGES
        if fits:
            break
    return written


def _draw(pdf: CardPdf, root: ElementTree.Element, pictures: Mapping[str, bytes]) -> None:
    figures = 0
    for element, following in zip(root, [*root[1:], None], strict=True):
        if following is not None and following.find("table") is not None:
            pdf.keep(KEPT_LINES)
        images = element.findall("img")
        table = element.find("table")
        if images:
            if figures < SHOWN_FIGURES:
                _figures(pdf, [pictures[image.get("src", "")] for image in images])
            figures += len(images)
        elif table is not None:
            _table(pdf, table)
        elif element.tag == "h2":
            _heading(pdf, "".join(element.itertext()))
        else:
            _prose(pdf, element)


def _heading(pdf: CardPdf, text: str, *, first: bool = False) -> None:
    size = pdf.base + (6 if first else 2)
    if not first:
        pdf.ln(1)
        pdf.keep(KEPT_AFTER_HEADING)
    pdf.write_type(size, "B")
    pdf.multi_cell(0, size * 0.5, text, new_x="LMARGIN", new_y="NEXT")
    pdf.ln(0.6)


def _prose(pdf: CardPdf, element: ElementTree.Element) -> None:
    """A paragraph, a list or a block of code."""
    pdf.write_type()
    for spaced in element.iter():
        if spaced.tag in {"p", "ul"}:
            spaced.set("style", f"line-height: {LINE_HEIGHT}")
    pdf.write_html(
        ElementTree.tostring(element, encoding="unicode").strip(),
        font_family=FAMILY,
        li_prefix_color=INK,
        tag_styles={
            "p": TextStyle(t_margin=NO_MARGIN),
            "ul": TextStyle(t_margin=NO_MARGIN),
            "li": TextStyle(l_margin=3),
            "pre": TextStyle(font_family=MONO, font_size_pt=pdf.base - 0.7, t_margin=NO_MARGIN),
            "code": FontFace(family=MONO, size_pt=pdf.base - 0.7),
        },
    )
    pdf.ln(0.8)


def _table(pdf: CardPdf, element: ElementTree.Element) -> None:
    rows = [["".join(cell.itertext()) for cell in row] for row in element.iter("tr")]
    pdf.write_type(pdf.base - 0.8)
    pdf.set_draw_color(*LINE)
    widths = _widths(pdf, rows)
    with pdf.table(
        col_widths=tuple(widths),
        width=min(sum(widths), pdf.epw),
        align="LEFT",
        text_align="LEFT",
        line_height=pdf.line_height * 0.95,
        padding=(0.25, PADDING, 0.25, 0),
        borders_layout=TableBordersLayout.HORIZONTAL_LINES,
        headings_style=FontFace(emphasis="BOLD", color=MUTED),
    ) as table:
        for row in rows:
            table.row(row)
    pdf.ln(1.4)


def _widths(pdf: CardPdf, rows: list[list[str]]) -> list[float]:
    """Width of each column in mm: of its longest text where that fits, less for the longest columns where not."""
    pdf.set_font(style="B")
    natural = [max(pdf.get_string_width(text) for text in column) + PADDING + 0.1 for column in zip(*rows, strict=True)]
    room = pdf.epw
    for unbroken in UNBROKEN:
        least = [_least(pdf, column, unbroken) for column in zip(*rows, strict=True)]
        if sum(least) <= room:
            break
    pdf.set_font(style="")
    if sum(natural) <= room:
        return natural
    least = [min(width, width * room / sum(least)) for width in least]
    spare = max(room - sum(least), 0)
    wanted = [whole - small for whole, small in zip(natural, least, strict=True)]
    cap = _level(wanted, spare)
    return [small + min(want, cap) for small, want in zip(least, wanted, strict=True)]


def _least(pdf: CardPdf, column: Sequence[str], unbroken: int) -> float:
    """Width of a column whose head breaks between words, and other texts when they are longer than `unbroken`."""
    pieces = column[0].split()
    for text in column[1:]:
        pieces += [text] if len(text) <= unbroken else text.split()
    return max(pdf.get_string_width(piece) for piece in pieces) + PADDING + 0.1


def _level(wanted: list[float], spare: float) -> float:
    """What each column may take of the spare room: short columns are served fully, long ones share the rest."""
    left = spare
    ordered = sorted(wanted)
    for position, want in enumerate(ordered):
        fair = left / (len(ordered) - position)
        if want > fair:
            return fair
        left -= want
    return ordered[-1]


def _figures(pdf: CardPdf, pictures: Sequence[bytes]) -> None:
    height = pdf.epw * FIGURE_HEIGHT
    heights = []
    if pdf.will_page_break(height):
        pdf.add_page()
    top = pdf.get_y()
    for position, picture in enumerate(pictures[:SHOWN_FIGURES]):
        left = pdf.l_margin + position * pdf.epw / SHOWN_FIGURES
        width = pdf.epw / SHOWN_FIGURES - 4
        info = pdf.image(BytesIO(picture), x=left, y=top, w=width, h=height, keep_aspect_ratio=True)
        heights.append(info.rendered_height)
    pdf.set_y(top + max(heights) + 1)
