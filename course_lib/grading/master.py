"""Master notebooks: one source for the statement, the solution, the checks and all that is known.

A master is an nbgrader source notebook. Its cells, in order: a card of the assignment, the title
and the instructions, ``setup``, ``numbers``, and then for every question its card, its statement,
the cell to be answered and the cell that checks it. Cards are raw cells that hold TOML; they never
leave the instructor's hands.
"""

from __future__ import annotations

import ast
import copy
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import nbformat
from nbformat import NotebookNode

KINDS = ("implement", "predict", "explain")
DIFFICULTIES = {1: "warm-up", 2: "core", 3: "stretch"}
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
CHECK_SUFFIX = "-check"
#: What stands where a solution was. It must not raise: a released notebook runs from the start.
STUB = "# Write your code here."
TEXT_STUB = "*Write your answer here.*"

_SEED_LINE = re.compile(r"^seed = \d+$", re.MULTILINE)
_PLACEHOLDER = re.compile(r"\{\{\s*(numbers|assignment|question)\.(\w+)\s*\}\}")


class MasterError(ValueError):
    """A master notebook is not as it should be; the message says where and what to do."""


@dataclass(frozen=True)
class Mistake:
    """A likely wrong solution: it tests the checks, and names itself to a student who makes it.

    Attributes
    ----------
    name : str
        What is wrong, for instructors.
    code : str
        The whole answer cell with the mistake in it.
    hint : str
        A sentence for the student that does not tell the answer.
    fails : tuple of str
        Names of exactly the checks that must fail.
    """

    name: str
    code: str
    hint: str
    fails: tuple[str, ...]


@dataclass(frozen=True)
class Alternative:
    """Another right solution, which must earn full marks.

    Attributes
    ----------
    name : str
        How it differs.
    code : str
        The whole answer cell.
    """

    name: str
    code: str


@dataclass(frozen=True)
class Criterion:
    """A line of the rubric of a question that is marked by hand.

    Attributes
    ----------
    points : float
        What it is worth.
    text : str
        What earns the points.
    """

    points: float
    text: str


@dataclass(frozen=True)
class Question:
    """One question, with all that its card says.

    Attributes
    ----------
    id : str
        The ``grade_id`` of the answer cell.
    kind : str
        One of `KINDS`.
    title, objective, misconception, surface : str
        The heading; what the student will have shown; what many believe; how to bring that out in
        class.
    difficulty, minutes : int
        A key of `DIFFICULTIES`; the time it takes.
    prerequisites : tuple of str
        Labels of sections of the chapter.
    points : float
        What it is worth.
    solution : str
        The answer cell with the reference solution.
    shown, hidden : str
        The two parts of the check cell, empty where the question is marked by hand.
    mistakes, alternatives, rubric : tuple
        See `Mistake`, `Alternative` and `Criterion`.
    """

    id: str
    kind: str
    title: str
    objective: str
    difficulty: int
    minutes: int
    prerequisites: tuple[str, ...]
    misconception: str
    surface: str
    points: float
    solution: str
    shown: str
    hidden: str
    mistakes: tuple[Mistake, ...] = ()
    alternatives: tuple[Alternative, ...] = ()
    rubric: tuple[Criterion, ...] = ()

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names that the answer cell defines: what the checks may ask for."""
        return tuple(dict.fromkeys(_defined_names(self.solution))) if self.shown else ()

    @property
    def starter(self) -> str:
        """The answer cell as students get it."""
        return strip_region(self.solution, BEGIN_SOLUTION, END_SOLUTION, STUB)


@dataclass(frozen=True)
class Assignment:
    """A master notebook that was read.

    Attributes
    ----------
    name : str
        The name of its file and folder.
    title, chapter, summary : str
        From its card; ``chapter`` is the page in the book, such as ``part1/cost-functions``.
    path : Path
        Where it lies.
    setup, numbers : str
        The sources of the cells of these names.
    questions : tuple of Question
        In the order of the notebook.
    notebook : NotebookNode
        The notebook as it is on disk.
    """

    name: str
    title: str
    chapter: str
    summary: str
    path: Path
    setup: str
    numbers: str
    questions: tuple[Question, ...]
    notebook: NotebookNode = field(repr=False, compare=False)

    @property
    def points(self) -> float:
        """The points of all questions."""
        return sum(question.points for question in self.questions)

    @property
    def minutes(self) -> int:
        """The minutes of all questions."""
        return sum(question.minutes for question in self.questions)

    def question(self, name: str) -> Question:
        """Return the question of a given id."""
        for question in self.questions:
            if question.id == name:
                return question
        known = ", ".join(question.id for question in self.questions)
        raise KeyError(f"{self.name} has no question {name!r}; it has {known}")

    def numbers_for(self, seed: int) -> str:
        """Return the source of the cell ``numbers`` for a seed."""
        return _SEED_LINE.sub(f"seed = {int(seed)}", self.numbers, count=1)


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
    if len(_SEED_LINE.findall(numbers)) != 1:
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


def strip_region(source: str, begin: str, end: str, stub: str = "") -> str:
    """Return a source with every region between two marker lines replaced by a stub.

    Raises
    ------
    MasterError
        If a marker has no partner.
    """
    kept: list[str] = []
    inside = False
    for line in source.splitlines():
        marker = line.strip()
        if marker == begin:
            if inside:
                raise MasterError(f"{begin!r} stands twice without {end!r} between")
            inside = True
            if stub:
                kept.append(line[: len(line) - len(line.lstrip())] + stub)
        elif marker == end:
            if not inside:
                raise MasterError(f"{end!r} stands without {begin!r} before it")
            inside = False
        elif not inside:
            kept.append(line)
    if inside:
        raise MasterError(f"{begin!r} stands without {end!r} after it")
    return "\n".join(kept)


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
            cell.source = fill_places(cell.source, values)
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
        return sources[0]

    def card(self, position: int, required: Mapping[str, type | tuple]) -> dict[str, Any]:
        where = f"cell {position + 1} (card)"
        try:
            card = tomllib.loads(self.cells[position].source)
        except tomllib.TOMLDecodeError as error:
            self.refuse(f"{where} is not valid TOML: {error}")
        for key, kind in required.items():
            if key not in card:
                self.refuse(f"{where} lacks {key!r}")
            if not isinstance(card[key], kind):
                self.refuse(f"{where}: {key!r} is a {type(card[key]).__name__}, not a {kind}")
        return card

    def assignment_card(self) -> dict[str, Any]:
        if not self.cells or not is_card(self.cells[0]):
            self.refuse("the first cell must be a raw cell with the card of the assignment")
        return self.card(0, {"title": str, "chapter": str, "summary": str})

    def questions(self) -> Iterator[Question]:
        cards = [i for i, cell in enumerate(self.cells) if i > 0 and is_card(cell)]
        for start, end in zip(cards, [*cards[1:], len(self.cells)], strict=True):
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
            shown, hidden = split_checks(grader.source)
        if not grader.metadata.nbgrader.get("grade"):
            self.refuse(f"{where}: cell {grade_id(grader)!r} must have grade=true and points")
        points = float(grader.metadata.nbgrader.get("points", 0))
        rubric = tuple(Criterion(float(r["points"]), r["text"]) for r in card.get("rubric", ()))
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
            mistakes=tuple(self.mistake(where, answer.source, m) for m in card.get("mistakes", ())),
            alternatives=tuple(
                Alternative(a["name"], a["code"]) for a in card.get("alternatives", ())
            ),
            rubric=rubric,
        )

    def mistake(self, where: str, solution: str, entry: Mapping[str, Any]) -> Mistake:
        missing = [key for key in ("name", "hint", "fails") if key not in entry]
        if missing:
            self.refuse(f"{where}: a mistake lacks {', '.join(missing)}: {dict(entry)}")
        if "code" in entry:
            code = entry["code"]
        elif "replace" in entry and "by" in entry:
            if entry["replace"] not in solution:
                self.refuse(
                    f"{where}, mistake {entry['name']!r}: {entry['replace']!r} does not occur in "
                    "the solution"
                )
            code = solution.replace(entry["replace"], entry["by"])
        else:
            self.refuse(f"{where}, mistake {entry['name']!r} needs 'replace' and 'by', or 'code'")
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


def _defined_names(source: str) -> Iterator[str]:
    """Yield the names that a cell defines at its top level, except private ones."""
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = [node.name]
        elif isinstance(node, ast.Assign):
            names = [n.id for t in node.targets for n in ast.walk(t) if isinstance(n, ast.Name)]
        elif isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            names = [node.target.id]
        else:
            names = []
        yield from (name for name in names if not name.startswith("_"))
