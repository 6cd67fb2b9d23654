"""Sphinx extension: a page knows which of its blocks come from cells marked for the lecture room.

JupyterLab stores a cell's *slide type* in the notebook. Here a hidden line goes in front of each
cell of a notebook that has slides, so that the script ``lecture.js`` can tell from the page alone
which blocks belong to which cell, and how it is marked. Notebooks on disk stay as they are; only
what Sphinx reads has the lines in it. The script and its style are loaded where there are slides.
"""

from __future__ import annotations

import json
from pathlib import Path

from sphinx.application import Sphinx
from sphinx.util import logging

LOGGER = logging.getLogger(__name__)
#: What JupyterLab offers as slide types; "-" is its word for none. There are no slides below others
#: in this book: "subslide" is refused, so that nobody waits for it in the lecture room.
MARKS = ("slide", "fragment", "notes", "skip")
CLASS = "lecture-mark"


def mark_of(cell: dict) -> str | None:
    """Return the slide type of a cell; None for none."""
    mark = cell.get("metadata", {}).get("slideshow", {}).get("slide_type")
    return None if mark in (None, "", "-") else mark


def marker(position: int, mark: str | None) -> dict:
    """Return the cell that stands in front of cell ``position`` and says its mark.

    A block of HTML of its own, since it must neither join a paragraph nor part a heading from the
    label above it.
    """
    return {
        "cell_type": "markdown",
        "id": f"lecture-{position}",
        "metadata": {},
        "source": f'<div class="{CLASS}" data-mark="{mark or "none"}" '
        f'data-cell="{position}" hidden></div>',
    }


def with_markers(notebook: dict) -> dict:
    """Return a notebook with the hidden lines in it; the same one where nothing is marked.

    Sphinx counts the lines of cell ``i`` from 10000 (i + 1) in its warnings. A map of lines keeps
    these numbers what they are without the added cells.
    """
    cells = notebook["cells"]
    if not any(mark_of(cell) in ("slide", "fragment", "notes") for cell in cells):
        return notebook
    marked, lines = [], []
    for position, cell in enumerate(cells):
        marked += [marker(position, mark_of(cell)), cell]
        lines += 2 * [10000 * (position + 1)]
    metadata = notebook["metadata"] | {"source_map": lines}
    return notebook | {"cells": marked, "metadata": metadata}


def mark_cells(app: Sphinx, docname: str, source: list[str]) -> None:
    """Add the hidden lines to what Sphinx has read of a notebook."""
    if Path(app.env.doc2path(docname)).suffix != ".ipynb":
        return
    notebook = json.loads(source[0])
    for position, cell in enumerate(notebook["cells"]):
        mark = mark_of(cell)
        if mark is not None and mark not in MARKS:
            LOGGER.warning(
                "cell %d has the slide type %r; choose one of %s",
                position,
                mark,
                ", ".join(MARKS),
                location=docname,
            )
    marked = with_markers(notebook)
    if marked is not notebook:
        source[0] = json.dumps(marked, ensure_ascii=False)


def load_where_there_are_slides(
    app: Sphinx, pagename: str, templatename: str, context: dict, doctree: object
) -> None:
    """Let a page with marks load the lecture mode."""
    if f'class="{CLASS}"' in context.get("body", ""):
        app.add_css_file("lecture.css")
        app.add_js_file("lecture.js", loading_method="defer")


def setup(app: Sphinx) -> dict[str, object]:
    app.connect("source-read", mark_cells)
    app.connect("html-page-context", load_where_there_are_slides)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
