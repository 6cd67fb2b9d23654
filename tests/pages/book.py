"""Where the built book is, which pages it has, and the screens it is read on."""

from __future__ import annotations

from pathlib import Path

BOOK = Path(__file__).parents[2] / "_build" / "html"
PHONE = {"width": 360, "height": 740}
DESKTOP = {"width": 1280, "height": 900}


def pages() -> list[str]:
    """Return every page of the book, as paths below its root."""
    found = (path.relative_to(BOOK).as_posix() for path in BOOK.rglob("*.html"))
    return sorted(p for p in found if not p.startswith(("_static", "_modules"))) or ["index.html"]
