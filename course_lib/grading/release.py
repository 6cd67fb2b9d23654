"""From a master to what students get, through nbgrader's own machinery.

`generate` runs nbgrader's GenerateAssignment with a chain of preprocessors that begins with one of
ours, so that the gradebook, the form grader and the exchange know the assignment. What comes out is
searched for everything that should not be in it before anybody gets it.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import nbformat
import traitlets.log
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.converters import GenerateAssignment
from nbgrader.converters.base import NbGraderException
from nbgrader.preprocessors import (
    CheckCellMetadata,
    ClearHiddenTests,
    ClearMarkScheme,
    ClearOutput,
    ClearSolutions,
    ComputeChecksums,
    LockCells,
    NbGraderPreprocessor,
    SaveCells,
)
from nbgrader.utils import find_all_files
from traitlets import Integer

from course_lib.grading.assignment import SEED_LINE, Assignment
from course_lib.grading.course import (
    RECORD,
    Course,
    CourseError,
    seed_of_student,
    write_atomically,
)
from course_lib.grading.late import read_time
from course_lib.grading.master import read_master
from course_lib.grading.released import prepared_notebook, released_notebook
from course_lib.grading.withheld import leaks_of

#: Where the notebooks of single students go, to be sent by e-mail or through an LMS.
PERSONAL = "release_students"


class PrepareMaster(NbGraderPreprocessor):
    """Drops the cards and fills in the numbers: what nbgrader's preprocessors start from."""

    seed = Integer(
        allow_none=True, default_value=None, help="The seed; by default that of the last release."
    ).tag(config=True)
    class_seed = Integer(0, help="The seed where nothing was released yet.").tag(config=True)

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        folder = Path(resources["metadata"]["path"])
        assignment = read_master(folder / f"{resources['metadata']['name']}.ipynb")
        return prepared_notebook(assignment, self._seed_of(resources)), resources

    def _seed_of(self, resources: dict[str, Any]) -> int:
        if self.seed is not None:
            return self.seed
        with Gradebook(resources["nbgrader"]["db_url"]) as book:
            before = released_seed(book, resources["nbgrader"]["assignment"])
        return self.class_seed if before is None else before


class SearchRelease(NbGraderPreprocessor):
    """Stops a release that shows what students must not see."""

    def preprocess(
        self, nb: NotebookNode, resources: dict[str, Any]
    ) -> tuple[NotebookNode, dict[str, Any]]:
        for cell in nb.cells:
            # The lines between the last shown check and the hidden ones tell that there are some.
            cell.source = cell.source.rstrip("\n")
        folder = Path(resources["metadata"]["path"])
        assignment = read_master(folder / f"{resources['metadata']['name']}.ipynb")
        refuse_leaks(nb, assignment)
        return nb, resources


PREPROCESSORS = [
    PrepareMaster,
    LockCells,
    ClearSolutions,
    ClearOutput,
    CheckCellMetadata,
    ComputeChecksums,
    # The gradebook keeps the checks whole, students get what the next ones leave.
    SaveCells,
    ClearHiddenTests,
    ClearMarkScheme,
    SearchRelease,
    ComputeChecksums,
    CheckCellMetadata,
]


@dataclass(frozen=True)
class Release:
    """What was released.

    Attributes
    ----------
    assignment : Assignment
        The master.
    seed : int
        The seed of the class.
    path : Path
        The notebook for the class.
    """

    assignment: Assignment
    seed: int
    path: Path


def generate(course: Course, name: str, *, seed: int | None = None, force: bool = False) -> Release:
    """Make the notebook for the class, and tell the gradebook of it.

    Parameters
    ----------
    course
        The class.
    name
        The assignment.
    seed
        The seed of the numbers; by default that of the last release, then that of the class.
    force
        Whether to change the numbers of an assignment that students have already handed in.

    Raises
    ------
    CourseError
        If the master is wrong, something that must stay hidden would be released, or the gradebook
        objects.
    """
    assignment = read_master(course.master(name))
    others = [p.name for p in assignment.path.parent.glob("*.ipynb") if p != assignment.path]
    if others:
        raise CourseError(
            f"{assignment.path.parent} holds other notebooks, which nbgrader would release as they "
            f"are: {', '.join(sorted(others))}. Move them elsewhere"
        )
    with course.gradebook() as book:
        before = released_seed(book, name)
        handed_in = _handed_in(book, name)
    if seed is None:
        seed = course.settings.seed if before is None else before
    if seed < 0:
        raise CourseError(f"the seed must be a whole number from 0 up, got {seed}")
    if handed_in and before not in (None, seed) and not force:
        raise CourseError(
            f"{name} was released with seed {before}, and {handed_in} student(s) have been graded: "
            f"other numbers would spoil their answers. Add `--seed {before}`, or `--force`"
        )
    # What is wrong with the master is said here, before anything of the last release is touched.
    refuse_leaks(student_notebook(assignment, seed), assignment)
    config = course.config()
    config.PrepareMaster.seed = seed
    directory = course.directory(name)
    directory.log = traitlets.log.get_logger()
    with gathered_log() as messages:
        try:
            GenerateAssignment(coursedir=directory, config=config, force=True).start()
        except NbGraderException:
            raise CourseError(
                f"nbgrader could not make the release of {name}: {_last_error(messages)}"
            ) from None
    return Release(assignment, seed, course.at("release", ".", name) / f"{name}.ipynb")


def generate_for(course: Course, release: Release, students: list[str]) -> list[Path]:
    """Write each student's own notebook, with numbers of its own.

    They lie in ``release_students/STUDENT/NAME``. Grading takes a student's numbers from there, so
    keep the folder until the assignment is graded.
    """
    name = release.assignment.name
    paths = []
    for student in students:
        folder = course.at(PERSONAL, student, name)
        notebook = student_notebook(release.assignment, seed_of_student(release.seed, student))
        refuse_leaks(notebook, release.assignment)
        path = folder / f"{name}.ipynb"
        write_atomically(path, nbformat.writes(notebook) + "\n")
        source = release.path.parent
        for file in find_all_files(str(source), ["*.ipynb", RECORD]):
            target = folder / Path(file).relative_to(source)
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, target)
        paths.append(path)
    return paths


def set_due_date(course: Course, name: str, text: str) -> datetime | None:
    """Set when an assignment is due, in the gradebook; ``none`` takes the date away.

    Raises
    ------
    CourseError
        If the text holds no date.
    """
    try:
        none = text.strip().lower() in ("", "none")
        due = None if none else read_time(text, course.settings.timezone)
    except ValueError as error:
        raise CourseError(
            f'{error}; write it like "2026-10-12 23:59", with "+0200", "UTC" or "Europe/Berlin" '
            f"after it where it is not meant in {course.settings.timezone}"
        ) from None
    with course.gradebook() as book:
        book.update_or_create_assignment(name, duedate=due)
    return due


def student_notebook(assignment: Assignment, seed: int) -> NotebookNode:
    """Return what a student with this seed gets, as nbgrader marks it: locked, with checksums."""
    notebook = released_notebook(assignment, seed)
    for preprocessor in (LockCells, ComputeChecksums, CheckCellMetadata):
        notebook, _ = preprocessor().preprocess(notebook, {})
    return notebook


def seed_for(course: Course, book: Gradebook, name: str, student: str) -> int:
    """Return the seed of the numbers that a student has in an assignment.

    It is read from what was released, never from what was handed in.

    Raises
    ------
    CourseError
        If the assignment was not released.
    """
    personal = course.at(PERSONAL, student, name) / f"{name}.ipynb"
    if personal.is_file():
        for cell in nbformat.read(personal, as_version=4).cells:
            if cell.metadata.get("nbgrader", {}).get("grade_id") == "numbers":
                return int(SEED_LINE.search(cell.source)[1])
    seed = released_seed(book, name)
    if seed is None:
        raise CourseError(f"{name} is not in the gradebook: run `release {name}` first")
    return seed


def released_seed(book: Gradebook, name: str) -> int | None:
    """Return the seed that the gradebook has for an assignment, if it was released."""
    try:
        source = book.find_source_cell("numbers", name, name).source
    except MissingEntry:
        return None
    found = SEED_LINE.search(source)
    return int(found[1]) if found else None


def refuse_leaks(notebook: NotebookNode, assignment: Assignment) -> None:
    """Raise `CourseError` if a notebook shows what students must not see."""
    found = leaks_of(notebook, assignment)
    if found:
        raise CourseError(f"{assignment.name} is not released, it would show " + "; ".join(found))


@contextmanager
def gathered_log() -> Iterator[list[str]]:
    """Gather what nbgrader logs as a warning or worse, instead of printing it."""
    log = traitlets.log.get_logger()
    messages: list[str] = []

    class Gather(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            messages.append(record.getMessage())

    handler, before, level = Gather(logging.WARNING), log.propagate, log.level
    log.addHandler(handler)
    log.propagate = False
    log.setLevel(logging.WARNING)
    try:
        yield messages
    finally:
        log.removeHandler(handler)
        log.propagate = before
        log.setLevel(level)


def _last_error(messages: list[str]) -> str:
    """Return the line that tells most of a log with tracebacks in it."""
    lines = [line for message in messages for line in message.splitlines()]
    errors = [line for line in lines if re.match(r"[\w.]*(Error|Exception)\b", line)]
    return (errors or lines or ["no reason was given"])[-1]


def _handed_in(book: Gradebook, name: str) -> int:
    try:
        return len(book.find_assignment(name).submissions)
    except MissingEntry:
        return 0
