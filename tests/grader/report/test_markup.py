"""Escaping."""

from __future__ import annotations

from html.parser import HTMLParser
from xml.etree import ElementTree as ET

from hypothesis import given
from hypothesis import strategies as st

from grader.report.markup import Html, join, tag
from grader.report.plain import plain


class Reader(HTMLParser):
    """Notes elements, attributes and text."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, list[tuple[str, str | None]]]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.tags.append((tag, attrs))

    def handle_data(self, data: str) -> None:
        """Text between elements."""
        self.text += data


@given(st.text(), st.text())
def test_nothing_escapes(text: str, value: str) -> None:
    """Whatever is put in comes out as text and as an attribute's value, and as nothing else."""
    reader = Reader()
    reader.feed(tag("p", text, title=value))
    reader.close()
    assert reader.tags == [("p", [("title", plain(value))])]
    assert reader.text == plain(text)


@given(st.text())
def test_plain_is_valid_xml(text: str) -> None:
    """Plain text can stand in XML, and holds no control character but newlines."""
    element = ET.Element("x")
    element.text = plain(text)
    assert (ET.fromstring(ET.tostring(element)).text or "") == plain(text)  # noqa: S314 - our own
    assert all(c == "\n" or c.isprintable() for c in plain(text))


def test_markup_is_kept() -> None:
    """Markup inside markup stays as it is; what is missing is left out."""
    assert tag("p", tag("b", "x"), None, "", "<") == "<p><b>x</b>&lt;</p>"
    assert join("<", Html("<br>")) == "&lt;<br>"


def test_attributes() -> None:
    """True stands alone, False and None are left out, underscores become hyphens."""
    made = tag("input", class_="a", aria_hidden="true", hidden=True, open=False, id=None, min=1)
    assert made == '<input class="a" aria-hidden="true" hidden min="1">'
