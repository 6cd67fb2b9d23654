"""What students get of a master: its cells without cards, solutions and hidden checks."""

from __future__ import annotations

import copy
import re
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

from course_lib.grading.assignment import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    DIFFICULTIES,
    END_HIDDEN,
    END_SOLUTION,
    STUB,
    TEXT_STUB,
    Assignment,
    MasterError,
    Question,
    strip_region,
)
from course_lib.grading.master import grade_id, is_card

_PLACEHOLDER = re.compile(r"\{\{\s*(numbers|assignment|question)\.(\w+)\s*\}\}")


def fill_places(text: str, values: Mapping[str, Mapping[str, Any]]) -> str:
    """Return a text with every ``{{group.name}}`` replaced by its value.

    Parameters
    ----------
    text
        A statement.
    values
        For the groups ``numbers``, ``assignment`` and ``question``, the values by name. What the
        cards know is named in statements, not written there a second time.

    Raises
    ------
    MasterError
        If there is no such value.
    """

    def value(match: re.Match) -> str:
        group = values.get(match[1], {})
        if match[2] not in group:
            raise MasterError(
                f"{match[0]} is not among its values here, which are {', '.join(group) or 'none'}"
            )
        found = group[match[2]]
        return f"{found:g}" if isinstance(found, float) else str(found)

    return _PLACEHOLDER.sub(value, text)


def prepared_notebook(assignment: Assignment, seed: int) -> NotebookNode:
    """Return the master without cards and with the numbers of a seed: what nbgrader starts from."""
    namespace: dict[str, Any] = {}
    exec(compile(assignment.setup, "<setup>", "exec"), namespace)
    exec(compile(assignment.numbers_for(seed), "<numbers>", "exec"), namespace)
    numbers = namespace.get("numbers", ())
    values: dict[str, dict[str, Any]] = {
        "numbers": {name: getattr(numbers, name) for name in numbers},
        "assignment": {key: getattr(assignment, key) for key in ("title", "points", "minutes")},
    }
    notebook = copy.deepcopy(assignment.notebook)
    cells, asked = notebook.cells, 0
    notebook.cells = []
    for position, cell in enumerate(cells):
        if is_card(cell):
            if position:
                asked += 1
                values["question"] = _heading(asked, assignment.questions[asked - 1])
            continue
        notebook.cells.append(cell)
        if grade_id(cell) == "numbers":
            cell.source = assignment.numbers_for(seed)
        elif cell.cell_type == "markdown":
            try:
                cell.source = fill_places(cell.source, values)
            except MasterError as error:
                raise MasterError(f"{assignment.path}, cell {position + 1}: {error}") from None
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
    return notebook


def _heading(number: int, question: Question) -> dict[str, Any]:
    return {
        "number": number,
        "title": question.title,
        "difficulty": DIFFICULTIES[question.difficulty].capitalize(),
        "minutes": question.minutes,
        "points": question.points,
    }


def released_notebook(assignment: Assignment, seed: int = 0) -> NotebookNode:
    """Return the notebook as students get it: no card, no solution, no hidden check."""
    notebook = prepared_notebook(assignment, seed)
    for cell in notebook.cells:
        stub = STUB if cell.cell_type == "code" else TEXT_STUB
        cell.source = strip_region(cell.source, BEGIN_SOLUTION, END_SOLUTION, stub)
        cell.source = strip_region(cell.source, BEGIN_HIDDEN, END_HIDDEN).rstrip("\n")
    return notebook
