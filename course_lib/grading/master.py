"""Master notebooks: one source for the statement, the solution, the checks and all that is known.

A master is an nbgrader source notebook. Its cells, in order: a card of the assignment, the title
and the instructions, ``setup``, ``numbers``, and then for every question its card, its statement,
the cell to be answered and the cell that checks it. Cards are raw cells that hold TOML; they never
leave the instructor's hands.
"""

from __future__ import annotations

import ast
import tomllib
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

from course_lib.grading.assignment import (
    BEGIN_HIDDEN,
    BEGIN_SOLUTION,
    CHECK_SUFFIX,
    DIFFICULTIES,
    END_HIDDEN,
    END_SOLUTION,
    KINDS,
    SEED_LINE,
    Alternative,
    Assignment,
    Criterion,
    MasterError,
    Mistake,
    Question,
    strip_region,
)

_IN_WORDS = {str: "a text", int: "a whole number", float: "a number", list: "a list"}


def read_master(path: Path | str) -> Assignment:
    """Read a master notebook.

    Parameters
    ----------
    path
        The notebook, or the folder that holds a notebook of its own name.

    Raises
    ------
    MasterError
        If a part is missing or not of the form it should have.
    """
    path = Path(path)
    if path.is_dir():
        path = path / f"{path.name}.ipynb"
    try:
        notebook = nbformat.read(path, as_version=4)
    except FileNotFoundError:
        raise MasterError(f"{path}: no such master notebook") from None
    except Exception as error:
        raise MasterError(f"{path}: not a notebook ({error})") from None
    reader = _Reader(path, notebook)
    card = reader.assignment_card()
    setup, numbers = reader.source_of("setup"), reader.source_of("numbers")
    if len(SEED_LINE.findall(numbers)) != 1:
        reader.refuse("the cell 'numbers' must have one line 'seed = 0', which releasing replaces")
    questions = tuple(reader.questions())
    if not questions:
        reader.refuse("there is no question: each starts with a raw cell that holds its card")
    return Assignment(
        name=path.stem,
        title=card["title"],
        chapter=card["chapter"],
        summary=card["summary"],
        path=path,
        setup=setup,
        numbers=numbers,
        questions=questions,
        notebook=notebook,
    )


def find_masters(folder: Path | str) -> list[Path]:
    """Return the master notebooks below a folder, in alphabetical order."""
    return sorted(path for path in Path(folder).glob("*/*.ipynb") if path.stem == path.parent.name)


def grade_id(cell: NotebookNode) -> str:
    """Return the nbgrader id of a cell, empty if it has none."""
    return cell.metadata.get("nbgrader", {}).get("grade_id", "")


def is_card(cell: NotebookNode) -> bool:
    """Return whether a cell is a card, which students never get."""
    return cell.cell_type == "raw"


class _Reader:
    """Walks through the cells of a master."""

    def __init__(self, path: Path, notebook: NotebookNode) -> None:
        self.path = path
        self.cells = notebook.cells

    def refuse(self, message: str) -> None:
        raise MasterError(f"{self.path}: {message}")

    def source_of(self, name: str) -> str:
        sources = [cell.source for cell in self.cells if grade_id(cell) == name]
        if len(sources) != 1:
            self.refuse(f"one cell must have the grade_id {name!r}, found {len(sources)}")
        self.parse(f"the cell {name!r}", sources[0])
        return sources[0]

    def parse(self, where: str, source: str) -> None:
        try:
            ast.parse(source)
        except SyntaxError as error:
            self.refuse(f"{where} is not valid Python: {error.msg} (line {error.lineno})")

    def card(self, position: int, required: Mapping[str, type]) -> dict[str, Any]:
        where = f"cell {position + 1} (card)"
        try:
            card = tomllib.loads(self.cells[position].source)
        except tomllib.TOMLDecodeError as error:
            self.refuse(f"{where} is not valid TOML: {error}")
        self.look_at(where, card, required)
        return card

    def look_at(self, where: str, table: Mapping[str, Any], required: Mapping[str, type]) -> None:
        for key, kind in required.items():
            if key not in table:
                self.refuse(f"{where} lacks {key!r}")
            fits = isinstance(table[key], (int, float) if kind is float else kind)
            if not fits or isinstance(table[key], bool):
                self.refuse(f"{where}: {key!r} must be {_IN_WORDS[kind]}, got {table[key]!r}")

    def tables(
        self, where: str, card: Mapping[str, Any], name: str, required: Mapping[str, type]
    ) -> list[dict[str, Any]]:
        found = card.get(name, [])
        if not isinstance(found, list) or not all(isinstance(entry, dict) for entry in found):
            self.refuse(f"{where}: write each of its {name} as a table [[{name}]]")
        for number, entry in enumerate(found, start=1):
            self.look_at(f"{where}, [[{name}]] number {number}", entry, required)
        return found

    def assignment_card(self) -> dict[str, Any]:
        if not self.cells or not is_card(self.cells[0]):
            self.refuse("the first cell must be a raw cell with the card of the assignment")
        return self.card(0, {"title": str, "chapter": str, "summary": str})

    def questions(self) -> Iterator[Question]:
        cards = [i for i, cell in enumerate(self.cells) if i > 0 and is_card(cell)]
        for start, end in pairwise([*cards, len(self.cells)]):
            yield self.question(start, self.cells[start + 1 : end])

    def question(self, position: int, cells: list[NotebookNode]) -> Question:
        card = self.card(
            position,
            {
                "kind": str,
                "title": str,
                "objective": str,
                "difficulty": int,
                "minutes": int,
                "prerequisites": list,
                "misconception": str,
                "surface": str,
            },
        )
        where = f"question {card['title']!r}"
        if card["kind"] not in KINDS:
            self.refuse(f"{where}: kind must be one of {', '.join(KINDS)}, got {card['kind']!r}")
        if card["difficulty"] not in DIFFICULTIES:
            self.refuse(f"{where}: difficulty must be 1, 2 or 3, got {card['difficulty']!r}")
        answers = [c for c in cells if c.metadata.get("nbgrader", {}).get("solution")]
        if len(answers) != 1:
            self.refuse(f"{where} must have one cell with nbgrader's solution=true")
        answer = answers[0]
        name = grade_id(answer)
        if card["kind"] == "explain":
            grader, shown, hidden = answer, "", ""
        else:
            checks = [c for c in cells if grade_id(c) == name + CHECK_SUFFIX]
            if len(checks) != 1:
                self.refuse(f"{where} must have one cell with grade_id '{name}{CHECK_SUFFIX}'")
            grader = checks[0]
            self.parse(f"{where}, the answer cell", answer.source)
            self.parse(f"{where}, the check cell", grader.source)
        try:
            strip_region(answer.source, BEGIN_SOLUTION, END_SOLUTION)
            if grader is not answer:
                shown, hidden = split_checks(grader.source)
        except MasterError as error:
            self.refuse(f"{where}: {error}")
        if not grader.metadata.nbgrader.get("grade"):
            self.refuse(f"{where}: cell {grade_id(grader)!r} must have grade=true and points")
        points = float(grader.metadata.nbgrader.get("points", 0))
        criteria = self.tables(where, card, "rubric", {"points": float, "text": str})
        rubric = tuple(Criterion(float(c["points"]), c["text"]) for c in criteria)
        mistakes = self.tables(where, card, "mistakes", {"name": str, "hint": str, "fails": list})
        others = self.tables(where, card, "alternatives", {"name": str, "code": str})
        if card["kind"] == "explain" and abs(sum(r.points for r in rubric) - points) > 1e-9:
            self.refuse(f"{where}: the rubric must add up to its {points:g} points")
        return Question(
            id=name,
            kind=card["kind"],
            title=card["title"],
            objective=card["objective"],
            difficulty=card["difficulty"],
            minutes=card["minutes"],
            prerequisites=tuple(card["prerequisites"]),
            misconception=card["misconception"],
            surface=card["surface"],
            points=points,
            solution=answer.source,
            shown=shown,
            hidden=hidden,
            mistakes=tuple(self.mistake(where, answer.source, mistake) for mistake in mistakes),
            alternatives=tuple(Alternative(other["name"], other["code"]) for other in others),
            rubric=rubric,
        )

    def mistake(self, where: str, solution: str, entry: Mapping[str, Any]) -> Mistake:
        where = f"{where}, mistake {entry['name']!r}"
        keys = ("code",) if "code" in entry else ("replace", "by")
        self.look_at(where, entry, dict.fromkeys(keys, str))
        if "code" in entry:
            code = entry["code"]
        else:
            if entry["replace"] not in solution:
                self.refuse(f"{where}: {entry['replace']!r} does not occur in the solution")
            code = solution.replace(entry["replace"], entry["by"])
        return Mistake(entry["name"], code, entry["hint"], tuple(entry["fails"]))


def split_checks(source: str) -> tuple[str, str]:
    """Return the shown and the hidden part of a check cell."""
    shown = strip_region(source, BEGIN_HIDDEN, END_HIDDEN)
    inside, hidden = False, []
    for line in source.splitlines():
        if line.strip() in (BEGIN_HIDDEN, END_HIDDEN):
            inside = line.strip() == BEGIN_HIDDEN
        elif inside:
            hidden.append(line)
    return shown, "\n".join(hidden)
