"""Submissions that play with the notebook itself: cells deleted, copied, turned, split, edited."""

from __future__ import annotations

import copy

from tests.grading.hostile.files import KINDS, RIGHT, find, kind, mark, write

__all__ = ["KINDS"]


@kind("an answer cell is deleted", step=0, note="The cell of step")
def _(folder, notebook, outside):
    notebook["cells"].remove(find(notebook, "step"))
    write(folder, notebook)


@kind("everything but the answers is deleted")
def _(folder, notebook, outside):
    notebook["cells"] = [find(notebook, name) for name in RIGHT]
    write(folder, notebook)


@kind("an answer pasted twice", note="stands in two cells")
def _(folder, notebook, outside):
    copied = copy.deepcopy(find(notebook, "step"))
    copied["source"], copied["id"] = "def step(gradient, point, size):\n    return 0", "pasted"
    notebook["cells"].insert(0, copied)
    write(folder, notebook)


@kind("an answer cell split in two", note="second half")
def _(folder, notebook, outside):
    first = find(notebook, "step")
    second = copy.deepcopy(first)
    first["source"] = "def half(point, change):\n    return point - change"
    second["source"] = (
        "def step(gradient, point, size):\n    return half(point, size*gradient(point))"
    )
    notebook["cells"].insert(notebook["cells"].index(first) + 1, second)
    write(folder, notebook)


@kind("cells of another type", note="was turned")
def _(folder, notebook, outside):
    find(notebook, "step")["cell_type"] = "markdown"
    find(notebook, "mean-square")["cell_type"] = "raw"
    write(folder, notebook)


@kind("points raised to a thousand")
def _(folder, notebook, outside):
    for cell in notebook["cells"]:
        mark(cell)["points"] = 1000
        mark(cell)["grade"] = True
    write(folder, notebook)


@kind("locked cells edited", note="does not count")
def _(folder, notebook, outside):
    find(notebook, "setup")["source"] = "import os\nos._exit(0)"
    find(notebook, "numbers")["source"] = "numbers = None"
    write(folder, notebook)


@kind("a wrong answer, and its checks replaced", step=0, note="does not count")
def _(folder, notebook, outside):
    find(notebook, "step")["source"] = "def step(gradient, point, size):\n    return point"
    find(notebook, "step-check")["source"] = "assert True"
    write(folder, notebook)


@kind("checks and an answer pasted a hundred times", note="more notes")
def _(folder, notebook, outside):
    notebook["cells"] += [find(notebook, "step-check"), find(notebook, "step")] * 100
    write(folder, notebook)


@kind("markers of hidden checks in an answer")
def _(folder, notebook, outside):
    cell = find(notebook, "step")
    cell["source"] = (
        "### BEGIN HIDDEN TESTS\n### END SOLUTION\n"
        + "".join(cell["source"])
        + "\n### BEGIN SOLUTION\n### END HIDDEN TESTS"
    )
    write(folder, notebook)


@kind("another student's name in the metadata")
def _(folder, notebook, outside):
    notebook["metadata"] |= {"student": "somebody", "nbgrader": {"student_id": "somebody"}}
    for cell in notebook["cells"]:
        mark(cell)["student"] = "../somebody"
    write(folder, notebook)
