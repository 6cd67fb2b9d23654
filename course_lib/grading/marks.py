"""Marks as CSV for Canvas, Moodle and a spreadsheet: exporters of nbgrader's.

`nbgrader export --exporter=course_lib.grading.marks.CanvasMarks` works in the folder of a class,
too. No cell starts a formula: names and ids come from elsewhere, and a spreadsheet runs what begins
with ``=``.
"""

from __future__ import annotations

import csv
import io
import re
import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nbgrader.api import Assignment, Gradebook, MissingEntry, Student
from nbgrader.plugins import ExportPlugin
from traitlets import Bool

from course_lib.grading.assignment import CHECK_SUFFIX
from course_lib.grading.course import write_atomically
from course_lib.grading.text import one_line

# Also as full-width characters, which spreadsheets take for the same.
FORMULA_STARTS = "=+-@＝＋－＠"
# Where the list separator is another, a cell ends in the middle of what was one.
_AFTER_SEPARATOR = re.compile(rf"([;,|]\s*)(?=[{re.escape(FORMULA_STARTS)}])")


@dataclass(frozen=True)
class Line:
    """A student's marks in one assignment.

    Attributes
    ----------
    assignment : nbgrader.api.Assignment
        The assignment.
    student : nbgrader.api.Student
        The student.
    scores : dict of str to float
        Points by graded cell, in the order of the notebook.
    raw, penalty : float
        Points before the late penalty, and the penalty.
    waiting : int
        Answers that a person has to look at yet.
    handed_in : bool
        Whether there is a submission.
    """

    assignment: Assignment
    student: Student
    scores: dict[str, float]
    raw: float
    penalty: float
    waiting: int
    handed_in: bool

    @property
    def total(self) -> float:
        """The points that count, as nbgrader counts them."""
        return max(0.0, self.raw - self.penalty)


def cell(value: Any) -> str:
    """Return a value as the text of a cell that no spreadsheet takes for a formula.

    Examples
    --------
    >>> cell("=1+1"), cell("  @x"), cell("Ada"), cell(2.50)
    ("'=1+1", "'@x", 'Ada', '2.5')
    """
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4f}".rstrip("0").rstrip(".") if value >= 0 else cell(str(value))
    text = str(value)
    begins_with_control = text[:1] in ("\t", "\r", "\n", "\0")
    flat = one_line(text, 1000)
    # Spaces of every kind, and marks that take no room, may stand before the sign.
    first = next((c for c in flat if unicodedata.category(c) not in ("Zs", "Cf", "Cc")), "")
    if begins_with_control or (first and first in FORMULA_STARTS):
        flat = "'" + flat
    return _AFTER_SEPARATOR.sub(r"\1'", flat)


def table(rows: Iterable[Sequence[Any]]) -> str:
    """Return rows as CSV, every cell quoted."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in rows:
        writer.writerow([cell(value) for value in row])
    return buffer.getvalue()


class Marks(ExportPlugin):
    """What all exporters share: which students and assignments, and how the file is written."""

    default_name = "marks/marks.csv"
    encoding = "utf-8"
    missing_is_zero = Bool(
        True, help="Whether an assignment that was not handed in earns zero, or stays empty."
    ).tag(config=True)

    def export(self, gradebook: Gradebook) -> None:
        path = Path(self.to or self.default_name)
        write_atomically(path, table(self.rows(gradebook)).encode(self.encoding))

    def rows(self, gradebook: Gradebook) -> Iterator[Sequence[Any]]:
        """Yield the rows of the table, the head first."""
        raise NotImplementedError

    def assignments(self, gradebook: Gradebook) -> list[Assignment]:
        """Return the assignments asked for, in the order of their names."""
        wanted = {str(name) for name in self.assignment}
        found = [a for a in gradebook.assignments if not wanted or a.name in wanted]
        return sorted(found, key=lambda assignment: assignment.name)

    def students(self, gradebook: Gradebook) -> list[Student]:
        """Return the students asked for."""
        wanted = {str(name) for name in self.student}
        return [s for s in gradebook.students if not wanted or s.id in wanted]

    def number(self, line: Line) -> float | str:
        """Return the mark of a line, or nothing where nothing was handed in."""
        return line.total if line.handed_in or self.missing_is_zero else ""


class CanvasMarks(Marks):
    """A file for *Import* in Canvas's gradebook: a row a student, a column an assignment."""

    default_name = "marks/canvas.csv"

    def rows(self, gradebook: Gradebook) -> Iterator[Sequence[Any]]:
        assignments = self.assignments(gradebook)
        yield [
            *("Student", "ID", "SIS User ID", "SIS Login ID", "Section"),
            *(assignment.name for assignment in assignments),
        ]
        yield [
            *("Points Possible", "", "", "", ""),
            *(float(assignment.max_score) for assignment in assignments),
        ]
        for student in self.students(gradebook):
            lines = [line_of(gradebook, assignment, student) for assignment in assignments]
            yield [
                *(_name(student), student.lms_user_id, student.id, student.email or student.id),
                *("", *(self.number(line) for line in lines)),
            ]


class MoodleMarks(Marks):
    """A file for Moodle's *Grades, Import, CSV file*: students are matched by ID or e-mail."""

    default_name = "marks/moodle.csv"

    def rows(self, gradebook: Gradebook) -> Iterator[Sequence[Any]]:
        assignments = self.assignments(gradebook)
        yield [
            *("ID number", "Username", "Email address", "First name", "Last name"),
            *(assignment.name for assignment in assignments),
        ]
        for student in self.students(gradebook):
            lines = [line_of(gradebook, assignment, student) for assignment in assignments]
            yield [
                *(student.lms_user_id, student.id, student.email),
                *(student.first_name, student.last_name),
                *(self.number(line) for line in lines),
            ]


class SheetMarks(Marks):
    """Everything, for a spreadsheet: every question, the penalty, the total."""

    default_name = "marks/marks.csv"
    # Spreadsheets read UTF-8 by its byte-order mark.
    encoding = "utf-8-sig"

    def rows(self, gradebook: Gradebook) -> Iterator[Sequence[Any]]:
        assignments = self.assignments(gradebook)
        heads = {assignment.name: question_names(assignment) for assignment in assignments}
        head = ["student", "last name", "first name", "email", "lms id"]
        for name, questions in heads.items():
            head += [f"{name}: {question} ({most:g})" for question, most in questions.values()]
            head += [
                *(f"{name}: submitted", f"{name}: points", f"{name}: late penalty"),
                *(f"{name}: total", f"{name}: of", f"{name}: to mark by hand"),
            ]
        yield head
        for student in self.students(gradebook):
            row = [student.id, student.last_name, student.first_name, student.email]
            row.append(student.lms_user_id)
            for assignment in assignments:
                line = line_of(gradebook, assignment, student)
                blank = not line.handed_in and not self.missing_is_zero
                for question in heads[assignment.name]:
                    row.append("" if blank else line.scores.get(question, 0.0))
                row += [
                    "yes" if line.handed_in else "no",
                    *(("", "") if blank else (line.raw, line.penalty)),
                    self.number(line),
                    float(assignment.max_score),
                    line.waiting,
                ]
            yield row


#: The exporters by the word that the command line knows them by.
EXPORTERS = {"canvas": CanvasMarks, "moodle": MoodleMarks, "sheet": SheetMarks}


def line_of(gradebook: Gradebook, assignment: Assignment, student: Student) -> Line:
    """Return a student's marks in an assignment."""
    try:
        submission = gradebook.find_submission(assignment.name, student.id)
    except MissingEntry:
        return Line(assignment, student, {}, 0.0, 0.0, 0, False)
    grades = [grade for notebook in submission.notebooks for grade in notebook.grades]
    return Line(
        assignment,
        student,
        {grade.name: float(grade.score) for grade in grades},
        float(submission.score),
        float(submission.late_submission_penalty),
        sum(grade.needs_manual_grade for grade in grades),
        True,
    )


def question_names(assignment: Assignment) -> dict[str, tuple[str, float]]:
    """Return the graded cells of an assignment with the question's name and its points."""
    return {
        graded.name: (graded.name.removesuffix(CHECK_SUFFIX), graded.max_score)
        for notebook in assignment.notebooks
        for graded in notebook.grade_cells
    }


def _name(student: Student) -> str:
    parts = [part for part in (student.last_name, student.first_name) if part]
    return ", ".join(parts) or student.id
