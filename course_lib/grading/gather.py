"""Notebooks that came by e-mail or from an LMS, brought to where grading looks for them.

Who handed a file in is told from its path: the student's id, the id of the LMS, or the full name,
as Canvas, Moodle and people write them. What cannot be told is reported and left where it is.
"""

from __future__ import annotations

import os
import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from nbgrader.api import Gradebook, Student

from course_lib.grading.course import Course, CourseError, write_atomically
from course_lib.grading.submitted_files import NOTEBOOK_BYTES, NotRegular, SubmittedFolder, TooLarge
from course_lib.grading.text import one_line

#: How many files of a folder are looked at, and how deep.
FILES, DEPTH = 20_000, 3
# Moodle and Canvas mark what they hand out, and browsers number what was there already.
_MARKS = re.compile(r"assignsubmission|file|onlinetext|late|\d+", re.IGNORECASE)
_COPY = re.compile(r"(?:[ _]?\(\d+\)|-\d{1,2})$")


@dataclass
class Gathered:
    """What came of a folder.

    Attributes
    ----------
    taken : dict of str to str
        By student, the path of the file that was taken.
    unchanged : list of str
        Students whose file was there already.
    left : dict of str to str
        By path, why a file was not taken.
    """

    taken: dict[str, str] = field(default_factory=dict)
    unchanged: list[str] = field(default_factory=list)
    left: dict[str, str] = field(default_factory=dict)


def gather(
    course: Course,
    book: Gradebook,
    name: str,
    folder: Path,
    *,
    any_name: bool = False,
    file_times: bool = False,
) -> Gathered:
    """Copy notebooks of an assignment into ``submitted/STUDENT/NAME``.

    Parameters
    ----------
    course, book, name
        The class, its gradebook with the students, and the assignment.
    folder
        Where the files are, in folders or not.
    any_name
        Whether files count whose name does not hold that of the assignment.
    file_times
        Whether the time of a file is when it was handed in; otherwise nobody is late.

    Raises
    ------
    CourseError
        If there is no folder, or the gradebook knows no student.
    """
    if not folder.is_dir():
        raise CourseError(f"there is no folder {folder}; unpack what was downloaded first")
    students = book.students
    if not students:
        raise CourseError(
            "the gradebook knows no student to match files with: import the roster first, "
            "`students ROSTER.csv`"
        )
    found = Gathered()
    by_student: dict[str, list[str]] = defaultdict(list)
    for path in _notebooks(folder, found):
        stem = _COPY.sub("", Path(path).stem)
        if not any_name and not stem.lower().endswith(name.lower()):
            found.left[path] = (
                f"its name does not end with {name}; if it is one, rename it or add --any-name"
            )
            continue
        owners = owners_of(path, name, students)
        if len(owners) == 1:
            by_student[owners[0]].append(path)
        elif owners:
            found.left[path] = f"it may be of {', '.join(owners)}; begin its name with ID_"
        else:
            found.left[path] = "no student's id, LMS id or name is in it; begin its name with ID_"
    for student, paths in sorted(by_student.items()):
        newest = max(paths, key=lambda path: ((folder / path).lstat().st_mtime_ns, path))
        for path in paths:
            if path != newest:
                found.left[path] = f"{one_line(newest)} of {student} is newer"
        _take(course, name, folder, student, newest, found, file_times)
    return found


def owners_of(path: str, name: str, students: Iterable[Student]) -> list[str]:
    """Return the ids of the students that a path names: nobody, one, or several it may be of.

    The outermost part that names anybody decides: an LMS makes the folder, a student the name of
    the file in it.
    """
    students = list(students)
    for part in path.removesuffix(".ipynb").split("/"):
        by_id = [student.id for student in students if _has_id(student, part)]
        # The longest: `ann` is in `ann_b_…` as well as `ann_b`.
        longest = max(map(len, by_id), default=0)
        owners = {own for own in by_id if len(own) == longest}
        # All that is said counts, for the end of it can be what the student wrote.
        owners |= {s.id for s in students if _has_lms_id(s, part) or _has_name(s, part, name)}
        if owners:
            return sorted(owners)
    return []


def _has_id(student: Student, part: str) -> bool:
    return f"{part.lower()}_".startswith(f"{student.id.lower()}_")


def _has_lms_id(student: Student, part: str) -> bool:
    return bool(student.lms_user_id) and student.lms_user_id in part.split("_")


def _has_name(student: Student, part: str, name: str) -> bool:
    first, last = _letters(student.first_name or ""), _letters(student.last_name or "")
    if not first or not last:
        return False
    words = re.sub(re.escape(name), "", part, flags=re.IGNORECASE).split("_")
    letters = [_letters(word) for word in words if not _MARKS.fullmatch(word)]
    # Canvas writes `lovelaceada`, Moodle `Ada Lovelace`, people `ada_lovelace`.
    return bool({first + last, last + first} & {"".join(letters), *letters})


def _letters(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(c for c in plain if c.isalnum())


def _notebooks(folder: Path, found: Gathered) -> Iterator[str]:
    """Yield the paths of notebooks below a folder, with ``/`` between their parts."""
    count = 0
    for place, folders, files in os.walk(folder):
        depth = len(Path(place).relative_to(folder).parts)
        folders[:] = sorted(f for f in folders if depth < DEPTH and not f.startswith((".", "__")))
        for file in sorted(files):
            count += 1
            if count > FILES:
                raise CourseError(f"{folder} holds more than {FILES} files: is it the right one?")
            path = (Path(place) / file).relative_to(folder).as_posix()
            if file.lower().endswith(".ipynb"):
                yield path
            elif not file.startswith("."):
                found.left[path] = "it is no notebook"


def _take(
    course: Course,
    name: str,
    folder: Path,
    student: str,
    path: str,
    found: Gathered,
    file_times: bool,
) -> None:
    place = folder / path
    try:
        content = SubmittedFolder(place.parent, None).read(place.name, NOTEBOOK_BYTES)
    except NotRegular:
        found.left[path] = "it is a link or no file"
        return
    except TooLarge:
        found.left[path] = (
            f"it holds more than {NOTEBOOK_BYTES >> 20} MiB; ask for one without outputs"
        )
        return
    except OSError as error:
        found.left[path] = f"it cannot be read: {error.strerror}"
        return
    target = course.at("submitted", student, name) / f"{name}.ipynb"
    when = datetime.fromtimestamp(place.stat().st_mtime, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    stamp = target.with_name("timestamp.txt")
    if target.is_file() and not target.is_symlink() and target.read_bytes() == content:
        found.unchanged.append(student)
    else:
        write_atomically(target, content)
        found.taken[student] = path
    if file_times:
        write_atomically(stamp, when)
    elif student in found.taken:
        stamp.unlink(missing_ok=True)
