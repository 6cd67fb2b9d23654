"""Pages of feedback for a class, where nbgrader's release_feedback looks for them."""

from __future__ import annotations

from nbgrader.api import Gradebook, MissingEntry

from course_lib.grading.assignment import Assignment
from course_lib.grading.course import Course, CourseError, write_atomically
from course_lib.grading.feedback import write_feedback, write_rejection
from course_lib.grading.grade import read_record
from course_lib.grading.master import read_master
from course_lib.grading.record import CARRIED, refresh_penalties
from course_lib.grading.release import gathered_log
from course_lib.grading.text import one_line


def write_pages(
    course: Course, name: str, *, students: list[str] | None = None
) -> tuple[list[str], dict[str, str]]:
    """Write the page of every graded submission of an assignment.

    Parameters
    ----------
    course, name
        The class and the assignment.
    students
        Only these; by default all.

    Returns
    -------
    tuple
        The students whose page was written, and by student why there is none.
    """
    assignment = read_master(course.master(name))
    folders = course.at("autograded").glob(f"*/{name}")
    graded = sorted(path.parent.name for path in folders)
    if students:
        graded = [student for student in graded if student in students]
    if not graded:
        raise CourseError(f"no submission of {name} is graded yet: run `grade {name}` first")
    written, failed = [], {}
    with course.gradebook() as book, gathered_log():
        refresh_penalties(course, name, book)
        for student in graded:
            try:
                _write_page(course, assignment, student, book)
            except (OSError, ValueError, MissingEntry) as error:
                failed[student] = one_line(f"{type(error).__name__}: {error}", 300)
            else:
                written.append(student)
    return written, failed


def _write_page(course: Course, assignment: Assignment, student: str, book: Gradebook) -> None:
    name = assignment.name
    known = read_record(course, name, student)
    folder = course.at("feedback", student, name)
    graded = course.at("autograded", student, name)
    if known.get("state") == "rejected":
        word, _, message = known["reason"].removeprefix("Rejected (").partition("): ")
        write_rejection(folder / f"{name}.html", assignment, student, word, message)
    else:
        write_feedback(
            folder / f"{name}.html",
            assignment,
            student,
            gradebook=book,
            notebook=graded / f"{name}.ipynb",
            verdict=known.get("verdict"),
            notes=known.get("notes", ()),
        )
    # The exchange tells by these whose page it is.
    for file in CARRIED:
        if (graded / file).is_file():
            write_atomically(folder / file, (graded / file).read_bytes())
