"""The base page: escaped, self-contained, with a head that an index can read."""

import re
from pathlib import Path

import pytest
from jinja2 import UndefinedError

from warehouse.core.errors import SettingsError
from warehouse.core.page import PNG_SIGNATURE, Head, Named, Verdict, png_uri, render

SCRIPT = "</style><script>alert('x')</script>"
TEMPLATE = """{% extends "base.html.j2" %}{% import "parts.html.j2" as parts %}{% block content %}
{{ parts.key_figures([(text, text)]) }}{{ parts.table(text, [(text, "t"), (text, "n")], [(named, text)]) }}
{{ parts.bars(text, [(text, 1, text)], 0, 2) }}{{ parts.paired_bars(text, [(text, 0.1, 0.2)], 1) }}
{{ parts.figure(text, text, text) }}{{ parts.strip(text, 0.1, (0, 0.2), 0.1, 0, 1) }}
{{ parts.shares(text, [(text, 1)]) }}
{% call parts.details(text) %}{{ parts.level(text, text) }}{% endcall %}{% endblock %}
"""


@pytest.fixture
def template(tmp_path: Path) -> Path:
    path = tmp_path / "made_up.html.j2"
    path.write_text(TEMPLATE)
    return path


def test_whatever_a_page_prints_is_escaped(template: Path):
    head = Head(SCRIPT, SCRIPT, Verdict(SCRIPT, "good"))
    page = render(template, head, text=SCRIPT, named=Named(SCRIPT, f'"{SCRIPT}'))
    assert "<script" not in page
    assert page.count("</style>") == 1
    assert page.count("&lt;script&gt;") > 15
    assert 'title="&#34;&lt;/style&gt;' in page


def test_a_page_loads_nothing_and_says_first_what_it_is(template: Path):
    page = render(template, Head("Title", "made of nothing", Verdict("Passed", "good")), text="x", named="y")
    assert not re.search(r"@import|url\(|https?:|<link|<script", page)
    assert '<meta name="verdict" content="Passed" data-level="good">' in page
    assert page.index("<h1>Title</h1>") < page.index("Passed</p>") < page.index("made of nothing</p>")
    for feature in ("prefers-color-scheme: dark", "@media print", "max-width: 600px", "width=device-width"):
        assert feature in page


def test_a_name_that_is_not_given_is_an_error(template: Path):
    with pytest.raises(UndefinedError):
        render(template, Head("Title", ""), text="x")


def test_a_picture_is_a_png_and_nothing_else():
    assert png_uri(PNG_SIGNATURE, "p.png") == "data:image/png;base64,iVBORw0KGgo="
    with pytest.raises(SettingsError, match="expected a PNG picture in hostname"):
        png_uri(Path("/etc/hostname").read_bytes(), "hostname")
