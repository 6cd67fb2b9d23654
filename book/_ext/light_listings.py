"""Sphinx extension: listings in which only coloured words are marked.

Pygments wraps every name, bracket and blank of a listing, though the book shows them in the
colour of text: a sixth of the weight of a chapter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TextIO

from pygments.formatters import HtmlFormatter
from pygments.token import Name, Punctuation, Text, Whitespace, _TokenType
from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge

PLAIN = {Name, Punctuation, Whitespace}


def as_text(tokens: Iterable[tuple[_TokenType, str]]) -> Iterator[tuple[_TokenType, str]]:
    """Turn the kinds of tokens that have no colour of their own into text."""
    for kind, value in tokens:
        yield (Text if kind in PLAIN else kind), value


class LightFormatter(HtmlFormatter):
    """HTML without marks around plain tokens."""

    def format_unencoded(
        self, tokensource: Iterable[tuple[_TokenType, str]], outfile: TextIO
    ) -> None:
        super().format_unencoded(as_text(tokensource), outfile)


def setup(app: Sphinx) -> dict[str, object]:
    PygmentsBridge.html_formatter = LightFormatter
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
