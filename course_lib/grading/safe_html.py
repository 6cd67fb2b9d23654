"""HTML that is safe to open, from text, tables and Markdown that are not.

What is allowed is listed; everything else is taken out. A page made of it carries a content
security policy besides: even of what got through, a browser would run and fetch nothing.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import mistune
import nh3
from pygments import highlight
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer

from course_lib.grading.text import named, visible

#: Characters of one cell, of one table and of one text in Markdown that are shown.
CODE_CHARACTERS = 20_000
TABLE_CHARACTERS = 60_000
MARKDOWN_CHARACTERS = 20_000
_TABLE = {"table", "thead", "tbody", "tfoot", "tr", "th", "td", "caption"}
_TEXT = {
    *("p", "br", "hr", "strong", "em", "del", "sub", "sup", "blockquote", "pre", "code"),
    *("ul", "ol", "li", "h4", "h5", "h6"),
}
# What has no text that a reader should see.
_WITHOUT_CONTENT = {"script", "style", "title", "template", "noscript", "iframe", "textarea"}
_SPAN = {"colspan", "rowspan"}


def table(html: str) -> str:
    """Return the tables of an output, without anything but rows and cells."""
    start = html.lower().find("<table")
    if start < 0:
        return ""
    cut = visible(html[start:], TABLE_CHARACTERS)
    return named(
        nh3.clean(
            cut,
            tags=_TABLE,
            clean_content_tags=_WITHOUT_CONTENT,
            attributes={"th": _SPAN | {"scope"}, "td": _SPAN},
            attribute_filter=_small_spans,
            url_schemes=set(),
            strip_comments=True,
        )
    )


def _small_spans(_tag: str, attribute: str, value: str) -> str | None:
    if attribute in _SPAN:
        return value if re.fullmatch("[1-4]?[0-9]", value) else None
    return value if value in ("row", "col", "rowgroup", "colgroup") else None


def markdown(text: str, pictures: Mapping[str, str] | None = None, *, links: bool = False) -> str:
    """Return Markdown as HTML.

    Parameters
    ----------
    text
        What was written. HTML in it is shown as text.
    pictures
        Addresses (``data:``) of pasted pictures by name, which the text calls ``attachment:NAME``.
        No other picture is shown.
    links
        Whether links to the web stay links. Otherwise their addresses are shown.
    """
    rendered = _renderer(links)(visible(text, MARKDOWN_CHARACTERS))
    tags = _TEXT | _TABLE | ({"a"} if links else set())
    cleaned = nh3.clean(
        rendered,
        tags=tags,
        clean_content_tags=_WITHOUT_CONTENT,
        attributes={"a": {"href"}} if links else {},
        url_schemes={"http", "https", "mailto"},
        link_rel="noopener noreferrer nofollow",
        strip_comments=True,
    )
    return named(cleaned) + _shown(text, pictures or {})


def _shown(text: str, pictures: Mapping[str, str]) -> str:
    # After the text, and in the order in which it names them: they need no trust in its markup.
    places = sorted((text.find(f"attachment:{name}"), name) for name in pictures)
    return "".join(
        f'<p><img src="{pictures[name]}" alt="Picture {number} of the answer"></p>'
        for number, (place, name) in enumerate(places, start=1)
        if place >= 0
    )


class _Renderer(mistune.HTMLRenderer):
    """Headings below those of the page, no pictures, and links as their addresses."""

    def __init__(self, *, links: bool) -> None:
        super().__init__(escape=True)
        self._links = links

    def heading(self, text: str, level: int, **attributes: Any) -> str:
        return f"<p><strong>{text}</strong></p>\n"

    def link(self, text: str, url: str, title: str | None = None) -> str:
        if self._links and url.lower().startswith(("http://", "https://", "mailto:")):
            return super().link(text, url, title)
        address = mistune.escape(url)
        return text if text == address else f"{text} ({address})"

    def image(self, text: str, url: str, title: str | None = None) -> str:
        return f"<em>[picture: {text}]</em>" if text else "<em>[picture]</em>"


@lru_cache(maxsize=2)
def _renderer(links: bool) -> mistune.Markdown:
    plugins = ["table", "strikethrough"]
    return mistune.create_markdown(renderer=_Renderer(links=links), plugins=plugins)


def code(source: str) -> str:
    """Return Python code with its parts marked for colouring."""
    shown = visible(source, CODE_CHARACTERS)
    return highlight(shown, PythonLexer(stripnl=False), HtmlFormatter(nowrap=True))
