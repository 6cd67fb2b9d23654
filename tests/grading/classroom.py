"""A small class for tests: released once, copied for each test, judged without a sandbox."""

from __future__ import annotations

import atexit
import json
import shutil
from collections.abc import Iterable, Iterator
from contextlib import suppress
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import nbformat

from course_lib.grading.course import Course
from course_lib.grading.intake import read_submission
from course_lib.grading.jobs import Job, Judged, rejected
from course_lib.grading.judge import (
    InProcessSession,
    Verdict,
    judge_questions,
    reference_for,
    run_source,
)
from course_lib.grading.master import grade_id, read_master
from course_lib.grading.release import generate
from course_lib.grading.submitted_files import Rejection
from course_lib.grading.workers import Done
from tests.grading.hostile.files import RIGHT
from tests.grading.hostile.master import NAME, write_master

SEED = 7
WRONG_SUM = "def mean_square(values):\n    return float(np.sum(np.square(values)))"

#: Right for the first three numbers: it passes three of four checks.
PARTLY = "def mean_square(values):\n    return float(np.mean(np.square(values[:3])))"


@cache
def _pattern() -> Path:
    """A released class; making its gradebook takes seconds, copying it none."""
    folder = Path(mkdtemp(prefix="class-pattern-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    write_master(folder / "masters")
    course = Course.open(folder / "class", masters=folder / "masters", create=True)
    settings = course.folder / "class.toml"
    text = settings.read_text(encoding="utf-8")
    line = next(line for line in text.splitlines() if line.startswith("seed ="))
    settings.write_text(text.replace(line, f"seed = {SEED}"), encoding="utf-8")
    generate(Course.open(folder / "class"), NAME)
    return folder


def make_class(folder: Path) -> Course:
    """Return a class with the small assignment released, in a folder of its own."""
    shutil.copytree(_pattern(), folder, dirs_exist_ok=True)
    return Course.open(folder / "class")


def change_settings(course: Course, old: str, new: str) -> Course:
    """Return the class with a line of its settings changed."""
    path = course.folder / "class.toml"
    text = path.read_text(encoding="utf-8")
    assert old in text
    path.write_text(text.replace(old, new), encoding="utf-8")
    return Course.open(course.folder)


def hand_in(
    course: Course, student: str, *, at: str | None = None, keep: bool = False, **answers: str
) -> Path:
    """Hand in the released notebook with the right answers, or others; return its folder.

    With ``keep``, cells that are not given are left as they were handed out.
    """
    personal = course.at("release_students", student, NAME) / f"{NAME}.ipynb"
    source = personal if personal.is_file() else course.at("release", NAME) / f"{NAME}.ipynb"
    notebook = nbformat.read(source, as_version=4)
    given = {} if keep else dict(RIGHT)
    given |= {name.replace("_", "-"): text for name, text in answers.items()}
    for cell in notebook.cells:
        cell.source = given.get(grade_id(cell), cell.source)
    folder = course.at("submitted", student, NAME)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / f"{NAME}.ipynb").write_text(json.dumps(notebook), encoding="utf-8")
    (folder / "submission_secret.txt").write_text(f"secret of {student}", encoding="utf-8")
    if at:
        (folder / "timestamp.txt").write_text(at, encoding="utf-8")
    return folder


def judge_here(job: Job) -> Judged:
    """Judge without a sandbox; only for answers that stand in the tests."""
    try:
        submission = job.submission or read_submission(Path(job.folder), job.assignment)
    except Rejection as rejection:
        return Judged(rejection=rejected(rejection))
    reference = reference_for(job.assignment, job.seed)
    namespace = dict(reference.base)
    for cell in submission.cells:
        with suppress(Exception):
            run_source(cell.source, cell.id, namespace)
    session = InProcessSession(namespace)
    verdict = Verdict(job.assignment.name, job.seed, judge_questions(reference, session))
    return Judged(submission, verdict)


def run_here(function: object, jobs: Iterable[Job], **how: object) -> Iterator[Done]:
    """Stand in for `run_jobs`."""
    for job in jobs:
        yield Done(job, judge_here(job))


def master_of(course: Course):
    """Return the assignment of the class."""
    return read_master(course.master(NAME))


def scores_of(course: Course, student: str) -> dict[str, float]:
    """Return what the gradebook has of a student, by graded cell."""
    with course.gradebook() as book:
        notebook = book.find_submission_notebook(NAME, NAME, student)
        return {grade.name: grade.score for grade in notebook.grades}
