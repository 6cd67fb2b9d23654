"""Cells marked for the lecture room: what the chapters hold, and what Sphinx reads of it."""

import copy
import json
import sys
from pathlib import Path

import nbformat
import pytest
from jupyter_cache import get_cache
from markdown_it import MarkdownIt
from myst_nb.core.nb_to_tokens import notebook_to_tokens

from book._ext import lecture_marks
from book._ext.lecture_marks import MARKS, mark_cells, mark_of, with_markers

sys.path.insert(0, "tools")

from store_outputs import make_deterministic

ROOT = Path(__file__).resolve().parents[2]
CHAPTERS = sorted((ROOT / "book").glob("part*/*.ipynb"))
NAMES = [path.stem for path in CHAPTERS]


def read(path: Path) -> dict:
    return json.loads(path.read_text(encoding="utf-8"))


def small(*marks: str | None) -> dict:
    cells = []
    for position, mark in enumerate(marks):
        cell = {
            "cell_type": "markdown",
            "id": f"c{position}",
            "source": f"(a{position})=\n## {mark}",
        }
        cell["metadata"] = {} if mark is None else {"slideshow": {"slide_type": mark}}
        cells.append(cell)
    return {"cells": cells, "metadata": {}, "nbformat": 4, "nbformat_minor": 5}


@pytest.mark.parametrize("path", CHAPTERS, ids=NAMES)
def test_every_chapter_has_its_slides_marked(path):
    cells = read(path)["cells"]
    marks = [mark_of(cell) for cell in cells]
    assert set(marks) <= {*MARKS, None}
    assert marks[0] == "slide", "the title is the first slide"
    assert marks[-1] == "slide", "the summary is the last one"
    assert 15 <= marks.count("slide") <= 40
    for cell, mark in zip(cells, marks, strict=True):
        source = "".join(cell["source"])
        if cell["cell_type"] == "code" and source.startswith("quiz("):
            assert mark == "slide"
        if source.rstrip().endswith("_explorable()"):
            assert mark == "slide"
        if mark in ("slide", "fragment") and cell["cell_type"] == "code":
            assert cell["outputs"], f"there is nothing to show of {source[:60]!r}"


def test_a_notebook_without_slides_is_left_alone():
    notebook = small(None, "skip", None)
    assert with_markers(notebook) is notebook


def test_each_cell_has_a_line_in_front_that_says_its_mark():
    notebook = small("slide", None, "fragment", "skip", "notes")
    before = copy.deepcopy(notebook)
    marked = with_markers(notebook)
    assert notebook == before, "what was passed must not change"
    assert marked["cells"][1::2] == notebook["cells"]
    for position, (line, mark) in enumerate(
        zip(marked["cells"][::2], ["slide", "none", "fragment", "skip", "notes"], strict=True)
    ):
        assert f'data-mark="{mark}" data-cell="{position}" hidden' in line["source"]
    nbformat.validate(marked)


@pytest.mark.parametrize("path", CHAPTERS[:2], ids=NAMES[:2])
def test_stored_runs_are_still_found(path, tmp_path):
    """Execution is cached by code cells: the lines must not make Sphinx run a notebook again."""
    notebook = nbformat.from_dict(read(path))
    marked = nbformat.from_dict(with_markers(read(path)))
    cache = get_cache(tmp_path)
    keys = [cache.create_hashed_notebook(book)[1] for book in (notebook, marked)]
    assert keys[0] == keys[1]


def test_warnings_name_the_line_they_would_without_slides():
    notebook = small("slide", None, "fragment", "notes")
    lines = []
    for book in (notebook, with_markers(notebook)):
        book = nbformat.from_dict(json.loads(json.dumps(book)))
        tokens = notebook_to_tokens(book, MarkdownIt(), {}, None)
        lines.append([token.map for token in tokens if token.type == "heading_open"])
    assert lines[0] == lines[1]
    assert len(lines[0]) == 4


def test_a_mark_that_no_slide_knows_is_named(tmp_path, monkeypatch):
    said = []
    monkeypatch.setattr(
        lecture_marks.LOGGER,
        "warning",
        lambda text, *values, **place: said.append((text % values, place)),
    )

    class App:
        class env:  # noqa: N801
            doc2path = staticmethod(lambda docname: f"{docname}.ipynb")

    mark_cells(App, "book/x", [json.dumps(small("slide", "subslide"))])
    [(text, place)] = said
    assert "cell 1" in text
    assert "'subslide'" in text
    assert "fragment" in text
    assert place == {"location": "book/x"}


def test_storing_outputs_keeps_marks():
    notebook = nbformat.read(CHAPTERS[0], as_version=4)
    before = [mark_of(cell) for cell in notebook.cells]
    make_deterministic(notebook)
    assert [mark_of(cell) for cell in notebook.cells] == before
