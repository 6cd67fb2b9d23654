"""A small assignment: two questions that are judged, one that is answered in words.

It is made here and not stored as a notebook, so that nothing takes it for a chapter.
"""

from __future__ import annotations

from pathlib import Path
from textwrap import dedent

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_raw_cell

NAME = "mean-and-step"
#: A number that only the hidden checks hold. Nothing that a student gets may show it.
SECRET = 7316.25
POINTS = {"mean-square": 4.0, "step": 2.0, "why": 2.0}

CARD = """
    title = "{title}"
    kind = "{kind}"
    objective = "{title}"
    difficulty = 1
    minutes = 5
    prerequisites = []
    misconception = "None."
    surface = "Ask."
"""
MEAN_SQUARE = """
    def mean_square(values):
        ### BEGIN SOLUTION
        return float(np.mean(np.asarray(values) ** 2))
        ### END SOLUTION
        return 0.0
"""
MEAN_SQUARE_CHECK = f"""
    check.value(mean_square, np.array([1.0, 3.0]), expected=5.0, name="a case by hand")
    ### BEGIN HIDDEN TESTS
    check.value(
        mean_square, np.full(3, {SECRET!r}), expected={SECRET!r}**2, name="equal values"
    )
    rng = np.random.default_rng(8)
    check.same(
        mean_square,
        reference.mean_square,
        [(rng.normal(size=n),) for n in (1, 4, 7)],
        name="other lengths",
    )
    check.keeps_arguments(mean_square, np.array([1.0, 2.0]), name="its argument is kept")
    ### END HIDDEN TESTS
"""
STEP = """
    def step(gradient, point, size):
        ### BEGIN SOLUTION
        return point - size * gradient(point)
        ### END SOLUTION
        return point
"""
STEP_CHECK = """
    check.value(step, lambda w: 2.0 * w, 3.0, 0.25, expected=1.5, name="a step by hand")
    ### BEGIN HIDDEN TESTS
    check.value(step, lambda w: w**3, 2.0, 0.125, expected=1.0, name="another gradient")
    ### END HIDDEN TESTS
"""


def _marked(cell, grade_id: str, **mark):
    cell.id = grade_id
    cell.metadata["nbgrader"] = {
        "schema_version": 3,
        "grade_id": grade_id,
        "grade": False,
        "solution": False,
        "locked": True,
        "task": False,
        **mark,
    }
    return cell


def _question(name: str, title: str, solution: str, checks: str) -> list:
    answer = new_code_cell(dedent(solution).strip())
    check = new_code_cell(dedent(checks).strip())
    return [
        new_raw_cell(dedent(CARD.format(title=title, kind="implement")).strip()),
        _marked(new_markdown_cell(f"## {title}"), f"{name}-statement"),
        _marked(answer, name, solution=True, locked=False),
        _marked(check, f"{name}-check", grade=True, points=POINTS[name]),
    ]


def master_notebook():
    """Return the master as a notebook."""
    card = 'title = "Mean and step"\nchapter = "part1/cost-functions"\nsummary = "Two functions."'
    why = dedent(CARD.format(title="Why the mean?", kind="explain")).strip()
    why += '\n[[rubric]]\npoints = 2\ntext = "It does not grow with the data."'
    text = "### BEGIN SOLUTION\nIt does not grow with the data.\n### END SOLUTION"
    answer = _marked(
        new_markdown_cell(text), "why", grade=True, solution=True, locked=False, points=2
    )
    setup = "import numpy as np\n\nfrom course_lib.checks import check, variant"
    return new_notebook(
        cells=[
            new_raw_cell(card),
            _marked(new_markdown_cell("# Mean and step"), "instructions"),
            _marked(new_code_cell(setup), "setup"),
            _marked(new_code_cell("seed = 0\nnumbers = variant(seed, n=(3, 9))"), "numbers"),
            *_question("mean-square", "The mean of squares", MEAN_SQUARE, MEAN_SQUARE_CHECK),
            *_question("step", "One step", STEP, STEP_CHECK),
            new_raw_cell(why),
            _marked(new_markdown_cell("## Why the mean?"), "why-statement"),
            answer,
        ]
    )


def write_master(folder: Path) -> Path:
    """Write the master below a folder of masters, and return its path."""
    path = folder / NAME / f"{NAME}.ipynb"
    path.parent.mkdir(parents=True)
    nbformat.write(master_notebook(), path)
    return path
