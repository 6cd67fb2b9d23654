"""From a verdict to nbgrader's gradebook, through nbgrader's own preprocessors.

The autograded notebook is built from what was released, which is trusted, and the student's
answers. The check cells are the shown ones, and the verdict stands in their outputs: the hints as
text, the score as the value that nbgrader reads as partial credit. What nbgrader's Autograde does
after running a notebook then happens to it: SaveAutoGrades and AssignLatePenalties.
"""

from __future__ import annotations

import re
import time
import warnings
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_output
from nbgrader.api import Gradebook, MissingEntry
from nbgrader.preprocessors import AssignLatePenalties, SaveAutoGrades
from nbgrader.utils import parse_utc
from sqlalchemy.exc import OperationalError, SAWarning

from course_lib.grading.assignment import CHECK_SUFFIX, Assignment
from course_lib.grading.course import Course, CourseError, write_atomically
from course_lib.grading.feedback import png_output
from course_lib.grading.intake import Submission
from course_lib.grading.judge import QuestionVerdict, Verdict
from course_lib.grading.late import read_time
from course_lib.grading.release import student_notebook
from course_lib.grading.submitted_files import (
    NotRegular,
    Rejection,
    TooLarge,
    open_submission,
)
from course_lib.grading.text import one_line, visible

#: Small files that nbgrader carries from the submission to the feedback.
CARRIED = ("timestamp.txt", "submission_secret.txt")
CODE_CHARACTERS, ANSWER_CHARACTERS, OUTPUT_CHARACTERS = 200_000, 50_000, 20_000
_PATIENCE = 10

_TAG = re.compile(r"<(?=[A-Za-z/!?])")
# Pasted pictures stay: what they may hold was looked at when the submission was read.
_LINK = re.compile(r"\](?=[(:])(?!\(attachment:[\w.-]+\))")
_MATH_LINK = re.compile(
    r"\\(?=(?:href|url|require|unicode|class|cssId|style|data|html\w*|include\w*|mmlToken|bbox)"
    r"(?![A-Za-z]))"
)


@dataclass(frozen=True)
class Outcome:
    """What was found about one submission, ready to be recorded.

    Attributes
    ----------
    student : str
        The student's id.
    seed : int
        The seed of the student's numbers.
    submission : Submission or None
        What was handed in, if it could be read.
    verdict : Verdict or None
        What the checks found, if they were made.
    rejection : str
        Why nothing could be graded, empty otherwise.
    """

    student: str
    seed: int
    submission: Submission | None = None
    verdict: Verdict | None = None
    rejection: str = ""


@dataclass(frozen=True)
class Mark:
    """What the gradebook holds of one submission.

    Attributes
    ----------
    score, max_score, late_penalty : float
        Points before the penalty, points that can be earned, and the penalty.
    by_hand : int
        How many answers wait for a person.
    """

    score: float
    max_score: float
    late_penalty: float
    by_hand: int

    @property
    def total(self) -> float:
        """The points that count."""
        return max(0.0, self.score - self.late_penalty)


def graded_notebook(assignment: Assignment, outcome: Outcome) -> NotebookNode:
    """Return the notebook that the form grader shows.

    Locked cells and checks are those that were released; the student's text stands in the cells
    that were to be answered, and cells of the student's own stand where they stood.
    """
    notebook = nbformat.from_dict(_released(assignment, outcome.seed))
    submission, verdict = outcome.submission, outcome.verdict
    outcomes = {run.id: run for run in verdict.outcomes} if verdict else {}
    by_id = {cell.metadata.get("nbgrader", {}).get("grade_id"): cell for cell in notebook.cells}
    previous = by_id["numbers"]
    for code in submission.cells if submission else ():
        cell = by_id.get(code.id)
        if cell is None:
            cell = new_code_cell(id=re.sub(r"\W", "-", f"student-{code.id}")[:64])
            notebook.cells.insert(notebook.cells.index(previous) + 1, cell)
        cell.source = visible(code.source, CODE_CHARACTERS)
        cell.outputs = _outputs_of_run(outcomes.get(code.id))
        previous = cell
    for question in assignment.questions:
        if question.kind == "explain":
            cell = by_id[question.id]
            answer = submission.answers.get(question.id, "") if submission else ""
            # Spaces around the text that was handed out are no answer.
            if answer.strip() and answer.strip() != cell.source.strip():
                cell.source = harmless(answer)
                if question.id in submission.pictures:
                    cell.attachments = nbformat.from_dict(submission.pictures[question.id])
        else:
            found = _find(verdict, question.id)
            cell = by_id[question.id + CHECK_SUFFIX]
            cell.outputs = _outputs_of_checks(found, question.points, outcome.rejection)
    return notebook


def record(
    course: Course, assignment: Assignment, outcome: Outcome, *, book: Gradebook | None = None
) -> tuple[Mark, tuple[str, ...]]:
    """Write an outcome into the gradebook and the folder of autograded notebooks.

    Parameters
    ----------
    course, assignment
        The class and the master.
    outcome
        What was found.
    book
        An open gradebook, to spare opening it again.

    Returns
    -------
    tuple
        The mark, and sentences that the instructor should read.
    """
    if book is None:
        with course.gradebook() as opened:
            return record(course, assignment, outcome, book=opened)
    name, student = assignment.name, outcome.student
    notes = list(outcome.submission.notes) if outcome.submission else []
    notebook = graded_notebook(assignment, outcome)
    carried = carried_files(course, name, student)
    timestamp, note = _timestamp(carried.get("timestamp.txt"))
    notes += [note] if note else []
    resources = _resources(course, name, student)
    _patiently(lambda: _begin_submission(book, name, student, timestamp))
    config = course.config()
    for preprocessor in (SaveAutoGrades, AssignLatePenalties):
        _patiently(lambda step=preprocessor: step(config=config).preprocess(notebook, resources))
    book.db.expire_all()
    mark = _patiently(lambda: _comment(book, assignment, outcome, flag=bool(note)))
    folder = course.at("autograded", student, name)
    write_atomically(folder / f"{name}.ipynb", nbformat.writes(notebook) + "\n")
    for file in CARRIED:
        if file in carried:
            write_atomically(folder / file, carried[file])
        else:
            (folder / file).unlink(missing_ok=True)
    return mark, tuple(notes)


def refresh_penalties(course: Course, name: str, book: Gradebook) -> int:
    """Work out all penalties of an assignment anew, and return how many there are.

    Due dates change, extensions are granted, and answers are marked by hand after a submission was
    graded; none of that needs judging again.
    """
    config = course.config()
    count = 0
    for submission in book.assignment_submissions(name):
        if submission.total_seconds_late == 0 and not submission.late_submission_penalty:
            continue
        resources = _resources(course, name, submission.student.id)
        empty = nbformat.v4.new_notebook()
        _patiently(
            lambda which=resources, nb=empty: AssignLatePenalties(config=config).preprocess(
                nb, which
            )
        )
        count += 1
    book.db.expire_all()
    return count


def _resources(course: Course, name: str, student: str) -> dict[str, dict[str, str]]:
    """Return what nbgrader's preprocessors want to know of a submission."""
    return {
        "nbgrader": {
            "notebook": name,
            "assignment": name,
            "student": student,
            "db_url": course.database,
        }
    }


def mark_of(book: Gradebook, name: str, student: str) -> Mark:
    """Return what the gradebook holds of a submission."""
    submission = book.find_submission(name, student)
    waiting = sum(
        grade.needs_manual_grade for notebook in submission.notebooks for grade in notebook.grades
    )
    return Mark(submission.score, submission.max_score, submission.late_submission_penalty, waiting)


def harmless(answer: str) -> str:
    """Return Markdown of a student that renders to text, formulas and pasted pictures alone.

    The form grader turns it into a page of the instructor's own session, and nbconvert lets HTML,
    and links that run scripts, through. A space after ``<`` or ``]`` takes their meaning away.
    """
    text = visible(answer, ANSWER_CHARACTERS)
    text = _LINK.sub("] ", _TAG.sub("< ", text))
    return _MATH_LINK.sub(r"\\ ", text)


def carried_files(course: Course, name: str, student: str) -> dict[str, bytes]:
    """Return the small files beside a submission that nbgrader looks at."""
    found = {}
    with suppress(Rejection), open_submission(course.at("submitted", student, name)) as folder:
        for file in CARRIED:
            with suppress(NotRegular, TooLarge, OSError):
                found[file] = folder.read(file, 1000)
    return found


@lru_cache(maxsize=4)
def _released(assignment: Assignment, seed: int) -> NotebookNode:
    return student_notebook(assignment, seed)


def _find(verdict: Verdict | None, question: str) -> QuestionVerdict | None:
    found = (q for q in verdict.questions if q.question == question) if verdict else ()
    return next(iter(found), None)


def _outputs_of_checks(
    found: QuestionVerdict | None, points: float, rejection: str
) -> list[NotebookNode]:
    if found is None:
        lines, score = [rejection or "not judged"], 0.0
    else:
        lines = [f"Note: {found.note}"] if found.note else []
        for check in found.checks:
            lines.append(f"{'passed' if check.passed else 'failed'}: {check.name}")
            if not check.passed and check.hint:
                lines.append("    " + check.hint.replace("\n", "\n    "))
        score = min(max(found.score, 0.0), points)
    text = visible("\n".join(lines), OUTPUT_CHARACTERS) + "\n"
    return [
        new_output("stream", name="stdout", text=text),
        # The value of a check cell is what nbgrader reads as partial credit.
        new_output("execute_result", {"text/plain": repr(float(score))}, execution_count=1),
    ]


def _outputs_of_run(run: Any) -> list[NotebookNode]:
    """Return what the student's cell showed when it was run; none of it is graded."""
    if run is None:
        return []
    outputs = []
    if run.stdout:
        text = visible(run.stdout, OUTPUT_CHARACTERS)
        outputs.append(new_output("stream", name="stdout", text=text))
    outputs += [output for output in map(png_output, run.images) if output is not None]
    if run.result:
        data = {"text/plain": visible(run.result, OUTPUT_CHARACTERS)}
        outputs.append(new_output("execute_result", data, execution_count=None))
    if run.error or run.status != "ok":
        text = visible(run.error or f"The cell did not finish ({run.status}).", OUTPUT_CHARACTERS)
        outputs.append(new_output("stream", name="stderr", text=text + "\n"))
    return outputs


def _begin_submission(book: Gradebook, name: str, student: str, timestamp: datetime | None) -> None:
    try:
        book.find_student(student)
    except MissingEntry:
        # As nbgrader does by default: who hands in takes part.
        book.add_student(student)
    given = {} if timestamp is None else {"timestamp": timestamp}
    with warnings.catch_warnings():
        # nbgrader links a new submission to others before it adds it, which ends well.
        warnings.simplefilter("ignore", SAWarning)
        book.update_or_create_submission(name, student, **given)


def _comment(book: Gradebook, assignment: Assignment, outcome: Outcome, *, flag: bool) -> Mark:
    """Say beside the answers why they earned nothing, and count what a person has to look at."""
    name, student = assignment.name, outcome.student
    submission = outcome.submission
    missing = set(submission.missing) if submission else set()
    for question in assignment.questions:
        why = outcome.rejection
        if not why and question.id in missing:
            why = "The cell of this question is not in what was handed in."
        if why:
            comment = book.find_comment(question.id, name, name, student)
            comment.auto_comment = one_line(why, 500)
    if outcome.rejection or flag:
        book.find_submission_notebook(name, name, student).flagged = True
    book.db.commit()
    return mark_of(book, name, student)


def _timestamp(content: bytes | None) -> tuple[datetime | None, str]:
    """Return when a submission was handed in, as nbgrader reads it, and what is wrong with it."""
    if content is None or not content.strip():
        return None, ""
    try:
        text = content.decode("utf-8").strip()
        with suppress(ValueError):
            return read_time(text), ""
        return parse_utc(text), ""
    except (ValueError, OverflowError, AttributeError, TypeError):
        return None, "timestamp.txt holds no time, so lateness is unknown; look at it."


def _patiently(action: Callable[[], Any]) -> Any:
    """Do something with the gradebook, and wait where another program is writing to it."""
    for attempt in range(_PATIENCE):
        try:
            return action()
        except OperationalError as error:
            if "locked" not in str(error) or attempt == _PATIENCE - 1:
                raise CourseError(
                    f"the gradebook does not answer: {one_line(str(error.orig), 200)}. Close what "
                    "else has it open, and run the command again"
                ) from error
            time.sleep(0.2 * (attempt + 1))
    raise AssertionError("unreachable")
