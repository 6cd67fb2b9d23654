"""Sphinx extension: style sheets without the rules that no page can use.

The theme brings all of Bootstrap and a rule for each of the two thousand icons of Font Awesome.
A rule stays when every class and identifier it asks for is on a page or a word of a script.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path

import tinycss2
from sphinx.application import Sphinx
from tinycss2.ast import Node

OWN_STYLE = "downhill.css"
HOLDS_RULES = {"media", "supports", "layer", "container"}
NAMES = re.compile(r"\b(?:class|id)=\"([^\"]*)\"")
SCRIPTS = re.compile(r"<script\b[^>]*>(.*?)</script>", re.DOTALL)
WORD = re.compile(r"[A-Za-z_][\w-]*")


def names_in_use(pages: Iterable[str], scripts: Iterable[str]) -> set[str]:
    """Return the classes and identifiers of the pages, and every word of their scripts."""
    used: set[str] = set()
    for page in pages:
        for names in NAMES.findall(page):
            used.update(names.split())
        for script in SCRIPTS.findall(page):
            used.update(WORD.findall(script))
    for script in scripts:
        used.update(WORD.findall(script))
    return used


def is_known(name: str, used: set[str]) -> bool:
    """Tell whether a name is in use, or could be put together from words that are."""
    if name in used:
        return True
    cuts = (position for position, sign in enumerate(name) if sign == "-")
    return any(name[:cut] in used and name[cut + 1 :] in used for cut in cuts)


def split_at_commas(tokens: Iterable[Node]) -> Iterator[list[Node]]:
    """Yield the selectors of a rule."""
    selector: list[Node] = []
    for token in tokens:
        if token == ",":
            yield selector
            selector = []
        else:
            selector.append(token)
    yield selector


def required_names(selector: list[Node]) -> Iterator[str]:
    """Yield the names without which a selector matches nothing.

    What stands in brackets, as in ``:not(.name)``, is an exclusion or one of several ways.
    """
    for before, token in zip([None, *selector], selector, strict=False):
        if token.type == "hash" or (token.type == "ident" and before == "."):
            yield token.value


def cut(style: str | list[Node], used: set[str]) -> str:
    """Return a style sheet without comments and without rules that match nothing."""
    parts = []
    for rule in tinycss2.parse_rule_list(style, skip_comments=True, skip_whitespace=True):
        if rule.type == "at-rule" and rule.lower_at_keyword in HOLDS_RULES and rule.content:
            inner = cut(rule.content, used)
            if inner:
                condition = tinycss2.serialize(rule.prelude).strip()
                parts.append(f"@{rule.at_keyword} {condition}{{{inner}}}")
        elif rule.type == "qualified-rule":
            selectors = [
                tinycss2.serialize(selector).strip()
                for selector in split_at_commas(rule.prelude)
                if all(is_known(name, used) for name in required_names(selector))
            ]
            if selectors:
                parts.append(f"{','.join(selectors)}{{{shorten(rule.content)}}}")
        else:
            parts.append(rule.serialize())
    return "\n".join(parts)


def shorten(content: list[Node]) -> str:
    """Write the declarations of a rule without comments and without indentation."""
    kept = [token for token in content if token.type != "comment"]
    return re.sub(r"\s*\n\s*", " ", tinycss2.serialize(kept)).strip()


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Cut the style sheets, once the pages are written and the icons are cut."""
    if exception is not None or app.builder.format != "html":
        return
    out = Path(app.outdir)
    static = out / "_static"
    scripts = [path for path in static.rglob("*.js") if "mathjax" not in path.parts]
    used = names_in_use(
        (path.read_text(encoding="utf-8") for path in out.rglob("*.html")),
        (path.read_text(encoding="utf-8") for path in scripts),
    )
    for path in static.rglob("*.css"):
        if path.name != OWN_STYLE:
            path.write_text(cut(path.read_text(encoding="utf-8"), used), encoding="utf-8")


def setup(app: Sphinx) -> dict[str, object]:
    # After light_icons, which empties a script that names every icon.
    app.connect("build-finished", lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
