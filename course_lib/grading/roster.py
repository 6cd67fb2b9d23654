"""Who takes part: students come into the gradebook from a table."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from pathlib import Path

from nbgrader.api import Gradebook

from course_lib.grading.course import SAFE_NAME, CourseError
from course_lib.grading.text import one_line

#: How tables of other programs call a column; compared without case, spaces, _ and -.
COLUMNS = {
    "id": ("id", "studentid", "student", "username", "login", "sisloginid", "idnumber"),
    "first_name": ("firstname", "first", "givenname", "vorname"),
    "last_name": ("lastname", "last", "familyname", "surname", "nachname"),
    "email": ("email", "emailaddress", "mail"),
    "lms_user_id": ("lmsuserid", "lmsid", "canvasid", "moodleid"),
}
_FILE_BYTES = 8 * 2**20
_TEXT = 128


@dataclass(frozen=True)
class Enrolled:
    """What came of a roster.

    Attributes
    ----------
    added, changed, unchanged : tuple of str
        Ids of students.
    ignored : tuple of str
        Columns that were not read.
    """

    added: tuple[str, ...]
    changed: tuple[str, ...]
    unchanged: tuple[str, ...]
    ignored: tuple[str, ...]


def read_roster(path: Path) -> tuple[list[dict[str, str]], tuple[str, ...]]:
    """Read a table of students.

    Parameters
    ----------
    path
        A CSV file in UTF-8, with a head. The column ``id`` must be there; ``first_name``,
        ``last_name``, ``email`` and ``lms_user_id`` may be. The separator may be a comma, a
        semicolon or a tab.

    Returns
    -------
    tuple
        One dictionary a student, and the columns that were not read.

    Raises
    ------
    CourseError
        If the table cannot be read; the message names the line.
    """
    try:
        if path.stat().st_size > _FILE_BYTES:
            raise CourseError(f"{path} holds more than {_FILE_BYTES >> 20} MiB: is it a roster?")
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CourseError(f"{path} cannot be read as a CSV file in UTF-8: {error}") from None
    head = text.split("\n", 1)[0]
    separator = max(",;\t", key=head.count)
    rows = list(csv.reader(io.StringIO(text, newline=""), delimiter=separator))
    if not rows:
        raise CourseError(f"{path} is empty; its first line must name the columns, id among them")
    names = [_column(title) for title in rows[0]]
    if names.count("id") != 1:
        raise CourseError(
            f"{path}: one column must be named id, the head is {', '.join(map(one_line, rows[0]))}"
        )
    students, seen = [], {}
    for number, row in enumerate(rows[1:], start=2):
        if not any(entry.strip() for entry in row):
            continue
        entry = {
            name: one_line(value.strip(), _TEXT)
            for name, value in zip(names, row, strict=False)
            if name
        }
        student = entry.get("id", "")
        if not SAFE_NAME.fullmatch(student):
            raise CourseError(
                f"{path}, line {number}: {student!r} cannot be an id: it becomes the name of a "
                "folder, so it may hold letters, digits, _ . @ - and must begin with one of the "
                "first three"
            )
        if student in seen:
            raise CourseError(
                f"{path}, line {number}: {student} stands in line {seen[student]} too"
            )
        seen[student] = number
        students.append(entry)
    ignored = [title for title, name in zip(rows[0], names, strict=True) if not name]
    return students, tuple(one_line(title, 60) for title in ignored if title.strip())


def enrol(book: Gradebook, students: list[dict[str, str]]) -> tuple[tuple[str, ...], ...]:
    """Write students into the gradebook; return who is new, changed, and as before."""
    before = {student.id: student for student in book.students}
    added, changed, unchanged = [], [], []
    for entry in students:
        name = entry["id"]
        values = {key: value for key, value in entry.items() if key != "id" and value}
        known = before.get(name)
        if known is None:
            added.append(name)
        elif any(getattr(known, key) != value for key, value in values.items()):
            changed.append(name)
        else:
            unchanged.append(name)
            continue
        book.update_or_create_student(name, **values)
    return tuple(added), tuple(changed), tuple(unchanged)


def import_roster(book: Gradebook, path: Path) -> Enrolled:
    """Bring the students of a table into the gradebook; nobody is removed."""
    students, ignored = read_roster(path)
    return Enrolled(*enrol(book, students), ignored)


def _column(title: str) -> str:
    plain = "".join(c for c in title.lower() if c.isalnum())
    return next((name for name, words in COLUMNS.items() if plain in words), "")
