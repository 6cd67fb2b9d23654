"""Sphinx extension: the theme's icons at a fiftieth of their weight.

The theme ships all of Font Awesome twice: as fonts, and as a script of 1.5 MB that replaces every
icon by a drawing. The fonts suffice, cut down to the few icons that the pages show.
"""

from __future__ import annotations

import re
from pathlib import Path

from sphinx.application import Sphinx

SCRIPT = "scripts/fontawesome.js"
FONTS = "vendor/fontawesome/webfonts"
THEME_STYLE = "styles/pydata-sphinx-theme.css"
NOTE = "/* Icons are set in a font, see book/_ext/light_icons.py. */\n"
# Put on the page by the theme's script, so no page names them.
SHOWN_BY_SCRIPT = {"fa-sun", "fa-moon", "fa-circle-half-stroke", "fa-xmark", "fa-chevron-up"}
ICON_RULE = re.compile(r"((?:\.fa-[\w-]+:{1,2}before,?)+)\{content:\"\\([0-9a-f]+)\"\}")
ICON_VARIABLE = re.compile(r"--[\w-]+-icon[\w-]*:\s*\"(.)\"|\"\\(f[0-9a-f]{3})\"")


def characters_in_use(style: str, pages: list[str]) -> set[int]:
    """Code points of the icons that pages name or that the theme's own rules draw."""
    named = set(SHOWN_BY_SCRIPT)
    for page in pages:
        named.update(re.findall(r"\bfa-[a-z0-9-]+", page))
    used = set()
    for selectors, code in ICON_RULE.findall(style):
        if named & set(re.findall(r"fa-[\w-]+", selectors)):
            used.add(int(code, 16))
    rest = ICON_RULE.sub("", style)
    for character, code in ICON_VARIABLE.findall(rest):
        used.add(ord(character) if character else int(code, 16))
    # Icons that the style writes as the character itself.
    used.update(ord(character) for character in rest if "\ue000" <= character <= "\uf8ff")
    return used


def lighten(app: Sphinx, exception: Exception | None) -> None:
    """Empty the script and cut the fonts, once the pages are written."""
    static = Path(app.outdir) / "_static"
    if exception is not None or app.builder.format != "html" or not (static / FONTS).is_dir():
        return
    from fontTools import subset
    from fontTools.ttLib import TTFont

    (static / SCRIPT).write_text(NOTE, encoding="utf-8")
    pages = [path.read_text(encoding="utf-8") for path in Path(app.outdir).rglob("*.html")]
    style = (static / THEME_STYLE).read_text(encoding="utf-8")
    used = characters_in_use(style, pages)
    for path in (static / FONTS).glob("*.woff2"):
        font = TTFont(path)
        if len(font.getGlyphOrder()) <= len(used) + 8:
            continue  # cut by an earlier build
        subsetter = subset.Subsetter(subset.Options(layout_features=[], notdef_outline=True))
        subsetter.populate(unicodes=used)
        subsetter.subset(font)
        font.flavor = "woff2"
        font.save(path)
    # Every browser that can show the book reads woff2.
    for path in (static / FONTS).glob("*.ttf"):
        path.unlink()


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("build-finished", lighten)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
