"""What an assignment is made of: questions, their checks, and all that their cards say.

The masters from which these are read are described in `course_lib.grading.master`.
"""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from nbformat import NotebookNode

KINDS = ("implement", "predict", "explain")
DIFFICULTIES = {1: "warm-up", 2: "core", 3: "stretch"}
BEGIN_HIDDEN, END_HIDDEN = "### BEGIN HIDDEN TESTS", "### END HIDDEN TESTS"
BEGIN_SOLUTION, END_SOLUTION = "### BEGIN SOLUTION", "### END SOLUTION"
CHECK_SUFFIX = "-check"
#: What stands where a solution was. It must not raise: a released notebook runs from the start.
STUB = "# Write your code here."
TEXT_STUB = "*Write your answer here.*"
SEED_LINE = re.compile(r"^seed = (\d+)$", re.MULTILINE)


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
        return SEED_LINE.sub(f"seed = {int(seed)}", self.numbers, count=1)


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
