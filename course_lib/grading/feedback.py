"""The page that a student gets back: what each question earned, why, and what was written about it.

A page is one file that fetches nothing and runs nothing. What students and their programs wrote is
shown as text, still pictures and plain tables. It holds no check and no expected answer: a check
appears under its name, with a hint.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from importlib.resources import files
from pathlib import Path
from typing import Any

import jinja2
import nbformat
from markupsafe import Markup
from nbformat import NotebookNode
from nbgrader.api import Gradebook, MissingEntry

from course_lib.grading.assignment import CHECK_SUFFIX, Assignment, Question
from course_lib.grading.course import write_atomically
from course_lib.grading.judge import Verdict
from course_lib.grading.master import grade_id
from course_lib.grading.pictures import pasted_pictures, picture_address, still_png
from course_lib.grading.safe_html import code, markdown, table
from course_lib.grading.text import one_line, visible

#: What one cell printed, all that is shown of one student's outputs, and pictures.
OUTPUT_CHARACTERS = 10_000
PAGE_CHARACTERS = 200_000
PAGE_PICTURE_BYTES = 6 * 2**20
CELL_PICTURES = 6
#: Cells of the student's own that are shown, beside those of the questions.
OWN_CELLS = 30
_SOLVED_BY = {"explain": "answered in words", "predict": "predicted", "implement": "implemented"}


@dataclass(frozen=True)
class Output:
    """A part of what a cell gave: ``text``, ``error``, ``picture`` (an address) or ``table``."""

    kind: str
    content: str | Markup


@dataclass(frozen=True)
class ShownCell:
    """A cell of the student, ready to be put on the page."""

    label: str
    body: Markup
    is_code: bool
    outputs: tuple[Output, ...] = ()


@dataclass(frozen=True)
class ShownCheck:
    """A check: its name, whether it passed, and what is likely wrong."""

    name: str
    passed: bool
    hint: str


@dataclass(frozen=True)
class ShownQuestion:
    """One question of the page.

    Attributes
    ----------
    score
        None as long as it waits to be read by the instructor.
    """

    id: str
    title: str
    kind: str
    points: float
    score: float | None
    checks: tuple[ShownCheck, ...]
    comment: Markup
    cell: ShownCell | None
    note: str = ""


def write_feedback(
    path: Path,
    assignment: Assignment,
    student: str,
    *,
    gradebook: Gradebook,
    notebook: Path | NotebookNode | None = None,
    verdict: Verdict | None = None,
    notes: Sequence[str] = (),
) -> None:
    """Write the page of one submission.

    Parameters
    ----------
    path
        The file to write, ``feedback/STUDENT/NAME/NAME.html``.
    assignment
        The master.
    student
        The student's id in the gradebook.
    gradebook
        Scores, penalties and comments come from here.
    notebook
        The autograded notebook. Its sources and outputs are not trusted, and only the cells that
        are the student's are shown.
    verdict
        What the checks found. Without it the page holds scores and comments alone.
    notes
        What the student should know of how the submission was read.
    """
    if isinstance(notebook, str | Path):
        notebook = nbformat.read(notebook, as_version=4)
    page = feedback_page(assignment, student, gradebook, notebook, verdict, notes)
    write_atomically(path, page)


def write_rejection(
    path: Path, assignment: Assignment, student: str, name: str, message: str
) -> None:
    """Write the page of a submission that could not be graded, with the reason."""
    write_atomically(
        path,
        _render(
            title=assignment.title,
            student=one_line(student),
            rejection=(one_line(name), one_line(message, 600)),
        ),
    )


def feedback_page(
    assignment: Assignment,
    student: str,
    gradebook: Gradebook,
    notebook: NotebookNode | None,
    verdict: Verdict | None = None,
    notes: Iterable[str] = (),
) -> str:
    """Return the page of one submission as HTML; the arguments are those of `write_feedback`."""
    try:
        marks = gradebook.find_submission_notebook(assignment.name, assignment.name, student)
    except MissingEntry:
        raise ValueError(
            f"the gradebook has no submission of {assignment.name} by {student}: grade it first"
        ) from None
    by_cell = {grade.name: grade for grade in marks.grades}
    comments = {comment.name: comment.comment for comment in marks.comments}
    verdicts = {v.question: v for v in verdict.questions} if verdict else {}
    cells = _StudentCells(assignment, notebook)
    questions = tuple(
        _question(question, by_cell, comments, verdicts, cells) for question in assignment.questions
    )
    penalty = float(marks.late_submission_penalty or 0.0)
    earned = float(marks.score or 0.0)
    return _render(
        title=assignment.title,
        student=one_line(student),
        questions=questions,
        earned=max(earned - penalty, 0.0),
        before=earned,
        penalty=penalty,
        points=sum(question.points for question in questions),
        waiting=any(question.score is None for question in questions),
        own=cells.own(),
        notes=[visible(note, 400) for note in notes],
    )


def _question(
    question: Question,
    grades: Mapping[str, Any],
    comments: Mapping[str, str | None],
    verdicts: Mapping[str, Any],
    cells: _StudentCells,
) -> ShownQuestion:
    by_hand = question.kind == "explain"
    grade = grades.get(question.id if by_hand else question.id + CHECK_SUFFIX)
    found = verdicts.get(question.id)
    written = [comments.get(question.id), comments.get(question.id + CHECK_SUFFIX)]
    comment = "\n\n".join(text for text in dict.fromkeys(written) if text)
    waits = grade is None or grade.needs_manual_grade
    return ShownQuestion(
        id=f"q-{question.id}",
        title=question.title,
        kind=_SOLVED_BY[question.kind],
        points=question.points,
        score=None if waits else float(grade.score or 0.0),
        checks=tuple(
            ShownCheck(one_line(check.name), check.passed, visible(check.hint, 600))
            for check in (found.checks if found else ())
        ),
        comment=Markup(markdown(comment, links=True)) if comment else Markup(""),
        cell=cells.answer(question),
        note=visible(found.note, 400) if found else "",
    )


class _StudentCells:
    """The cells of an autograded notebook that are the student's, within the bounds of a page."""

    def __init__(self, assignment: Assignment, notebook: NotebookNode | None) -> None:
        self._characters = PAGE_CHARACTERS
        self._bytes = PAGE_PICTURE_BYTES
        self._own: list[tuple[str, NotebookNode]] = []
        self._answers: dict[str, NotebookNode] = {}
        # What the master wrote never comes from here: a check cell may hold its hidden part.
        answers = {question.id for question in assignment.questions}
        masters = {name for name in map(grade_id, assignment.notebook.cells) if name}
        for position, cell in enumerate(notebook.cells if notebook else (), start=1):
            name = grade_id(cell)
            if name in answers:
                self._answers.setdefault(name, cell)
            elif name not in masters and cell.cell_type == "code" and cell.source.strip():
                # Its place in what was handed in, where the notebook tells it.
                place = re.fullmatch(r"student-cell-(\d{1,6})", str(cell.get("id")))
                self._own.append((f"Cell {place[1] if place else position}", cell))

    def answer(self, question: Question) -> ShownCell | None:
        """Return the answer cell of a question, if there is one."""
        cell = self._answers.get(question.id)
        if cell is None:
            return None
        return self._shown(cell, "Your answer", is_code=question.kind != "explain")

    def own(self) -> tuple[ShownCell, ...]:
        """Return the student's other cells of code."""
        return tuple(
            self._shown(cell, label, is_code=True) for label, cell in self._own[:OWN_CELLS]
        )

    def _shown(self, cell: NotebookNode, label: str, *, is_code: bool) -> ShownCell:
        source = self._cut(cell.source)
        if not is_code:
            return ShownCell(label, Markup(markdown(source, self._pasted(cell))), False)
        return ShownCell(label, Markup(code(source)), True, tuple(self._outputs(cell)))

    def _cut(self, text: str, most: int = PAGE_CHARACTERS) -> str:
        most = min(most, self._characters)
        shown = visible(text, most)
        self._characters -= min(len(text), most)
        return shown

    def _pasted(self, cell: NotebookNode) -> dict[str, str]:
        pasted = {
            name: self._within_bounds(picture_address(mime, text))
            for name, kinds in pasted_pictures(cell.get("attachments")).items()
            for mime, text in kinds.items()
        }
        return {name: address for name, address in pasted.items() if address}

    def _within_bounds(self, address: str | None) -> str | None:
        if address is None or len(address) > self._bytes:
            return None
        self._bytes -= len(address)
        return address

    def _outputs(self, cell: NotebookNode) -> Iterable[Output]:
        pictures, characters = 0, OUTPUT_CHARACTERS
        for output in cell.get("outputs", ()):
            data = output.get("data") if isinstance(output.get("data"), dict) else {}
            if "image/png" in data:
                address = self._within_bounds(
                    picture_address("image/png", _text(data["image/png"]))
                )
                pictures += 1
                if address is None or pictures > CELL_PICTURES:
                    yield Output("text", "[a picture that cannot be shown]")
                else:
                    yield Output("picture", address)
                continue
            html = table(_text(data.get("text/html")))
            if html and len(html) <= self._characters:
                self._characters -= len(html)
                yield Output("table", Markup(html))
                continue
            kind, text = _plain_output(output, data)
            if not text.strip():
                continue
            if characters <= 0:
                yield Output("text", "… further outputs are left out")
                return
            text = self._cut(text, characters)
            characters -= len(text)
            yield Output(kind, text)


def _plain_output(output: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[str, str]:
    if output.get("output_type") == "error":
        name, value = _text(output.get("ename")), _text(output.get("evalue"))
        return "error", f"{name}: {value}" if value else name
    # What a cell raised is stored as what it wrote to the stream of errors.
    kind = "error" if output.get("name") == "stderr" else "text"
    return kind, _text(output.get("text")) or _text(data.get("text/plain"))


def _text(value: Any) -> str:
    if isinstance(value, list):
        return "".join(part for part in value if isinstance(part, str))
    return value if isinstance(value, str) else ""


def png_output(picture: bytes) -> NotebookNode | None:
    """Return a picture that a program drew as an output of a notebook, if it is usable."""
    still = still_png(picture)
    if still is None:
        return None
    return nbformat.v4.new_output(
        "display_data", {"image/png": base64.b64encode(still).decode("ascii")}
    )


def _render(**values: Any) -> str:
    style = _data("feedback.css")
    # The one style sheet of the page is allowed by its digest, so that no other takes effect.
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    return _template().render(style=Markup(style), digest=digest, **values)


@lru_cache(maxsize=1)
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["points"] = lambda number: f"{number:.2f}".rstrip("0").rstrip(".")
    return environment.from_string(_data("feedback.html.jinja"))


@lru_cache(maxsize=2)
def _data(name: str) -> str:
    return files("course_lib.grading").joinpath(name).read_text(encoding="utf-8")
