"""A model card as a PDF of two or three pages, without a browser: the elements of its HTML drawn one by one."""

from collections.abc import Iterator, Sequence
from contextlib import closing
from itertools import zip_longest
from pathlib import Path
from xml.etree import ElementTree

import matplotlib
from fpdf import FPDF
from fpdf.enums import TableBordersLayout
from fpdf.fonts import FontFace

from ml.card.render import to_html_body

FEWEST_PAGES, MOST_PAGES = 2, 3
TYPE_SIZES = (8.5, 8.0, 7.5, 7.0, 6.5, 6.0)  # points, the largest that fits
MARGIN = 14  # mm
FIGURE_HEIGHT = 0.3  # of the width of the text
INK, MUTED, LINE = (34, 48, 60), (92, 103, 112), (205, 211, 216)
UNBROKEN = (24, 16, 0)  # characters of a cell that stay on one line where there is room
PADDING = 2  # mm between columns
FAMILY = "DejaVu"
# marks that no text holds: fpdf2's own would underline the dashes of an option
BOLD, OBLIQUE, UNDERLINE, STRIKE = (2 * chr(code) for code in range(0xE000, 0xE004))
SHOWN_FIGURES = 2
KEPT_LINES = 6  # of a table with the words before it


class CardPdf(FPDF):
    """Pages of the card, with their numbers below."""

    MARKDOWN_BOLD_MARKER = BOLD
    MARKDOWN_ITALICS_MARKER = OBLIQUE
    MARKDOWN_UNDERLINE_MARKER = UNDERLINE
    MARKDOWN_STRIKETHROUGH_MARKER = STRIKE
    MARKDOWN_MARKERS = (BOLD, OBLIQUE, STRIKE, UNDERLINE)

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
        self.add_font("Mono", "", fonts / "DejaVuSansMono.ttf")
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
            font.ttfont.close()

    @property
    def line(self) -> float:
        """Height of a line in mm."""
        return self.base * 0.47

    def write_type(self, size: float | None = None, style: str = "", family: str = FAMILY) -> None:
        """Set the type for what follows."""
        self.set_font(family, style, size or self.base)
        self.set_text_color(*INK)


def to_pdf(text: str, title: str, folder: Path) -> bytes:
    """The card in the largest type in which it takes three pages at most.

    Parameters
    ----------
    text : str
        Markdown, whose figures are files of `folder`; the first two are drawn, side by side.
    title : str
        Of the document.
    folder : Path
        Holds the figures (PNG).
    """
    root = ElementTree.fromstring(f"<card>{to_html_body(text)}</card>")  # noqa: S314 - written by this module's caller
    for size in TYPE_SIZES:
        with closing(CardPdf(size, title)) as pdf:
            _draw(pdf, root, folder)
            written, fits = bytes(pdf.output()), pdf.page_no() <= MOST_PAGES
        if fits:
            break
    return written


def _draw(pdf: CardPdf, root: ElementTree.Element, folder: Path) -> None:
    figures = 0
    for element, following in zip_longest(root, root[1:]):
        if following is not None and following.tag == "table" and pdf.will_page_break(KEPT_LINES * pdf.line):
            pdf.add_page()
        images = element.findall("img")
        if images:
            if figures < SHOWN_FIGURES:
                _figures(pdf, [folder / image.get("src", "") for image in images])
            figures += len(images)
        elif element.tag in {"h1", "h2"}:
            _heading(pdf, element)
        elif element.tag == "table":
            _table(pdf, element)
        elif element.tag == "ul":
            for item in element:
                _paragraph(pdf, "\u2022 " + _inline(item), indent=3)
            pdf.ln(0.6)
        elif element.tag == "pre":
            pdf.write_type(pdf.base - 0.7, family="Mono")
            pdf.multi_cell(0, pdf.line, "".join(element.itertext()).strip(), new_x="LMARGIN", new_y="NEXT")
            pdf.ln(1)
        else:
            _paragraph(pdf, _inline(element))
            pdf.ln(0.8)


def _heading(pdf: CardPdf, element: ElementTree.Element) -> None:
    first = element.tag == "h1"
    size = pdf.base + (6 if first else 2)
    if not first:
        pdf.ln(1)
        if pdf.will_page_break(4 * pdf.line):
            pdf.add_page()
    pdf.write_type(size, "B")
    pdf.multi_cell(0, size * 0.5, "".join(element.itertext()), new_x="LMARGIN", new_y="NEXT")
    pdf.ln(0.6)


def _paragraph(pdf: CardPdf, text: str, indent: float = 0) -> None:
    pdf.write_type()
    pdf.set_x(pdf.l_margin + indent)
    pdf.multi_cell(0, pdf.line, text, markdown=True, align="L", new_x="LMARGIN", new_y="NEXT")


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
        line_height=pdf.line * 0.95,
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


def _figures(pdf: CardPdf, files: list[Path]) -> None:
    height = pdf.epw * FIGURE_HEIGHT
    heights = []
    if pdf.will_page_break(height):
        pdf.add_page()
    top = pdf.get_y()
    for position, file in enumerate(files[:SHOWN_FIGURES]):
        left = pdf.l_margin + position * pdf.epw / SHOWN_FIGURES
        info = pdf.image(file, x=left, y=top, w=pdf.epw / SHOWN_FIGURES - 4, h=height, keep_aspect_ratio=True)
        heights.append(info.rendered_height)
    pdf.set_y(top + max(heights) + 1)


def _inline(element: ElementTree.Element) -> str:
    """Text of an element with the marks of bold and oblique."""
    return "".join(_pieces(element)).strip()


def _pieces(element: ElementTree.Element) -> Iterator[str]:
    mark = {"strong": BOLD, "em": OBLIQUE}.get(element.tag, "")
    yield mark + (element.text or "").replace("\n", " ")
    for child in element:
        yield from _pieces(child)
        yield (child.tail or "").replace("\n", " ")
    yield mark
