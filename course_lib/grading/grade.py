"""A grading run: every submission of an assignment is read, judged and recorded, once.

Beside each autograded notebook lies a record of what was graded: a fingerprint of the submission,
of the master and of the seed. It is written last. A run that is killed therefore does again what it
had not finished, and nothing else.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook, MissingEntry

from course_lib.checks import CheckResult
from course_lib.grading.assignment import CHECK_SUFFIX, Assignment
from course_lib.grading.course import RECORD, SAFE_NAME, Course, CourseError, write_atomically
from course_lib.grading.intake import read_submission
from course_lib.grading.jobs import Job, Judged, hiding, judge_job, rejected, sandbox_for
from course_lib.grading.judge import QuestionVerdict, Verdict
from course_lib.grading.master import read_master
from course_lib.grading.record import Mark, Outcome, mark_of, record, refresh_penalties
from course_lib.grading.release import gathered_log, seed_for
from course_lib.grading.sandbox import Sandbox, SandboxUnavailable, Unsandboxed
from course_lib.grading.submitted_files import Rejection
from course_lib.grading.text import one_line
from course_lib.grading.workers import Done, run_jobs

#: How a submission can come out of a run.
STATES = ("graded", "unchanged", "rejected", "failed")
#: How many names of a submission, and bytes of its files, the fingerprint looks at.
_NAMES, _BYTES = 2000, 256 * 2**20


@dataclass(frozen=True)
class Row:
    """What a run did with one submission.

    Attributes
    ----------
    student : str
        The student's id, or the name of a folder that cannot be one.
    state : str
        One of `STATES`.
    mark : Mark or None
        What the gradebook holds now.
    reason : str
        Why it was rejected, or why grading failed.
    notes : tuple of str
        What the instructor should know.
    """

    student: str
    state: str
    mark: Mark | None = None
    reason: str = ""
    notes: tuple[str, ...] = ()


def grade(
    course: Course,
    name: str,
    *,
    students: list[str] | None = None,
    workers: int | None = None,
    dask: str | None = None,
    force: bool = False,
    unsafe: bool = False,
    progress: bool = False,
) -> list[Row]:
    """Grade all submissions of an assignment that were not graded yet.

    Parameters
    ----------
    course
        The class.
    name
        The assignment; it must have been released.
    students
        Only these; by default all that handed something in.
    workers
        How many submissions are judged at once; by default what ``class.toml`` says.
    dask
        Address of a Dask scheduler that judges instead of processes of this machine.
    force
        Whether to grade again what did not change.
    unsafe
        Whether students' code may run without a sandbox, where there is none.
    progress
        Whether to show a progress bar.

    Returns
    -------
    list of Row
        One for each submission, in the order of students.

    Raises
    ------
    CourseError
        If nothing can be graded at all; the message says what to do.
    """
    assignment = read_master(course.master(name))
    # Better one refusal now than one for each student.
    sandbox = find_sandbox(unsafe) if unsafe or not dask else None
    sandbox = hiding(sandbox, course.folder, course.masters)
    with one_run_at_a_time(course), course.gradebook() as book, gathered_log():
        check_gradebook(book, assignment)
        rows, jobs, prints = _sort(course, book, assignment, students, force)
        jobs = [replace(job, sandbox=sandbox) for job in jobs]
        count = workers or course.settings.limits.get("workers", 2)
        done_here: list[Done] = []
        ready = _read_here(jobs, done_here) if dask else jobs
        finished = run_jobs(judge_job, ready, workers=count, dask=dask) if jobs else iter(())
        # What was rejected here is complete when everything else is.
        for done in _shown(chain(finished, done_here), len(jobs), progress):
            job = done.job
            rows.append(_finish(course, book, assignment, done, prints[job.student]))
        refresh_penalties(course, name, book)
        rows = [_with_mark(book, name, row) for row in rows]
    return sorted(rows, key=lambda row: row.student)


def find_sandbox(unsafe: bool) -> Sandbox | Unsandboxed:
    """Return where students' code runs, and refuse where it cannot be run safely."""
    try:
        return sandbox_for(unsafe)
    except SandboxUnavailable as error:
        raise CourseError(str(error)) from None


def check_gradebook(book: Gradebook, assignment: Assignment) -> None:
    """Make sure that the gradebook knows the assignment as the master has it.

    Raises
    ------
    CourseError
        If it was not released, or its questions or points changed since.
    """
    name = assignment.name
    try:
        cells = book.find_notebook(name, name).grade_cells
    except MissingEntry:
        raise CourseError(f"{name} is not in the gradebook: run `release {name}` first") from None
    wanted = {
        question.id + ("" if question.kind == "explain" else CHECK_SUFFIX): question.points
        for question in assignment.questions
    }
    if {cell.name: cell.max_score for cell in cells} != wanted:
        raise CourseError(
            f"the questions or points of {name} changed since it was released: run "
            f"`release {name}` again"
        )


def fingerprint(folder: Path, assignment: Assignment, seed: int) -> str:
    """Return a digest of everything that decides about a mark.

    Nothing in the folder is followed or opened but regular files; of those too large to be read,
    size and time stand in for what they hold.
    """
    digest = hashlib.sha256(assignment.path.read_bytes())
    digest.update(f"\n{seed}\n".encode())
    names: list[str] = []
    if folder.is_symlink() or folder.parent.is_symlink():
        digest.update(b"a link")
        return digest.hexdigest()
    for place, folders, files in os.walk(folder):
        folders.sort()
        names += [os.path.join(place, file) for file in (*files, *folders)]
        if len(names) > _NAMES:
            break
    bytes_left = _BYTES
    for path in sorted(names)[:_NAMES]:
        with suppress(OSError):
            status = os.lstat(path)
            whole = stat.S_ISREG(status.st_mode) and status.st_size <= bytes_left
            bytes_left -= status.st_size if whole else 0
            digest.update(_of_file(path, os.path.relpath(path, folder), status, whole))
    return digest.hexdigest()


def read_record(course: Course, name: str, student: str) -> dict[str, Any]:
    """Return the record of a graded submission, empty where there is none.

    Its entries are ``fingerprint``, ``state``, ``reason``, ``notes`` and ``verdict``, a `Verdict`
    without outcomes, or None.
    """
    path = course.at("autograded", student, name) / RECORD
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        verdict = found["verdict"]
        if verdict is not None:
            questions = tuple(
                QuestionVerdict(
                    **{**question, "checks": tuple(CheckResult(**c) for c in question["checks"])}
                )
                for question in verdict["questions"]
            )
            found["verdict"] = Verdict(
                verdict["assignment"], verdict["seed"], questions, (), verdict["seconds"]
            )
    except (OSError, ValueError, KeyError, TypeError):
        return {}
    return found


@contextmanager
def one_run_at_a_time(course: Course) -> Iterator[None]:
    """Keep a second run away from the same class."""
    try:
        import fcntl
    except ImportError:  # Windows
        yield
        return
    with open(course.folder / ".grading.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            raise CourseError(
                f"another run grades the class in {course.folder}: wait until it is done"
            ) from None
        yield


def _sort(
    course: Course,
    book: Gradebook,
    assignment: Assignment,
    students: list[str] | None,
    force: bool,
) -> tuple[list[Row], list[Job], dict[str, str]]:
    """Tell submissions that are graded from those to be judged."""
    rows, jobs, prints = [], [], {}
    name = assignment.name
    for student in _submitting(course, name, students):
        if not SAFE_NAME.fullmatch(student):
            reason = "The folder's name is no id of letters, digits, _ . @ and -. Rename it."
            rows.append(Row(one_line(student, 60), "rejected", reason=reason))
            continue
        folder = course.at("submitted", student, name)
        seed = seed_for(course, book, name, student)
        prints[student] = fingerprint(folder, assignment, seed)
        known = {} if force else read_record(course, name, student)
        if known.get("fingerprint") == prints[student] and _is_recorded(
            course, book, name, student
        ):
            state = "rejected" if known["state"] == "rejected" else "unchanged"
            rows.append(Row(student, state, None, known["reason"], tuple(known["notes"])))
        else:
            jobs.append(Job(student, assignment, seed, str(folder)))
    return rows, jobs, prints


def _submitting(course: Course, name: str, students: list[str] | None) -> list[str]:
    submitted = course.at("submitted")
    found = sorted(
        entry.name
        for entry in (os.scandir(submitted) if submitted.is_dir() else ())
        if not entry.name.startswith(".") and os.path.lexists(submitted / entry.name / name)
    )
    if not students:
        return found
    absent = sorted(set(students) - set(found))
    if absent:
        raise CourseError(f"no submission of {name} by {', '.join(absent)} in {submitted}")
    return [student for student in found if student in students]


def _is_recorded(course: Course, book: Gradebook, name: str, student: str) -> bool:
    if not (course.at("autograded", student, name) / f"{name}.ipynb").is_file():
        return False
    try:
        book.find_submission(name, student)
    except MissingEntry:
        return False
    return True


def _read_here(jobs: list[Job], done: list[Done]) -> Iterator[Job]:
    """Yield jobs with their submissions: workers elsewhere do not see this machine's folders."""
    for job in jobs:
        try:
            submission = read_submission(Path(job.folder), job.assignment)
        except Rejection as rejection:
            done.append(Done(job, Judged(rejection=rejected(rejection))))
        else:
            yield replace(job, submission=submission)


def _finish(
    course: Course, book: Gradebook, assignment: Assignment, done: Done, print_: str
) -> Row:
    """Record what came of one job; whatever goes wrong here stops no other student."""
    job, name = done.job, assignment.name
    if done.failure:
        return Row(job.student, "failed", reason=one_line(done.failure, 500))
    judged: Judged = done.value
    outcome = Outcome(job.student, job.seed, judged.submission, judged.verdict, judged.rejection)
    try:
        mark, notes = record(course, assignment, outcome, book=book)
        state = "rejected" if judged.rejection else "graded"
        content = {
            "fingerprint": print_,
            "state": state,
            "reason": judged.rejection,
            "notes": list(notes),
            "verdict": _without_outcomes(judged.verdict) if judged.verdict else None,
        }
        path = course.at("autograded", job.student, name) / RECORD
        write_atomically(path, json.dumps(content, ensure_ascii=False, indent=1) + "\n")
    except Exception as error:
        book.db.rollback()
        reason = f"the mark was not recorded: {type(error).__name__}: {error}"
        return Row(job.student, "failed", reason=one_line(reason, 500))
    return Row(job.student, state, mark, judged.rejection, notes)


def _without_outcomes(verdict: Verdict) -> dict[str, Any]:
    # What cells printed stands in the notebook.
    return json.loads(replace(verdict, outcomes=()).to_json())


def _with_mark(book: Gradebook, name: str, row: Row) -> Row:
    try:
        return replace(row, mark=mark_of(book, name, row.student))
    except MissingEntry:
        return row


def _of_file(path: str, name: str, status: os.stat_result, whole: bool) -> bytes:
    header = f"{name}\0{stat.S_IFMT(status.st_mode)}\0{status.st_size}\0".encode(
        "utf-8", "surrogateescape"
    )
    if stat.S_ISLNK(status.st_mode):
        return header + os.fsencode(os.readlink(path))
    if not whole:
        return header + str(status.st_mtime_ns).encode()
    flags = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0)
    with os.fdopen(os.open(path, flags), "rb") as file:
        return header + hashlib.sha256(file.read(status.st_size)).digest()


def _shown(finished: Iterator[Done], total: int, progress: bool) -> Iterator[Done]:
    if not progress or total == 0:
        return finished
    from tqdm import tqdm

    return iter(tqdm(finished, total=total, desc="grading", unit="notebook", disable=None))
