"""Marks as tables: right numbers, in the form that each program takes, and no formula."""

from __future__ import annotations

import csv
import io
import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.grading.course import CourseError
from course_lib.grading.jobs import Job
from course_lib.grading.marks import CanvasMarks, MoodleMarks, SheetMarks, cell, table
from course_lib.grading.record import Outcome, record
from course_lib.grading.release import set_due_date
from course_lib.grading.roster import enrol, import_roster, read_roster
from tests.grading.classroom import (
    SEED,
    change_settings,
    hand_in,
    judge_here,
    make_class,
    master_of,
)
from tests.grading.hostile.master import NAME

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
BLANKS = ["", " ", "  ", "\t", "\r", "\n", "\u00a0", "\u3000", "\u200b", "\ufeff", "\u202e", "\x00"]
STARTS = list("=+-@＝＋－＠")


def starts_formula(text: str) -> bool:
    """Whether a spreadsheet might take a cell, or a part of it, for a formula."""
    for part in text.replace(";", "\n").replace("\t", "\n").split("\n"):
        stripped = "".join(part.split()).lstrip("\u200b\ufeff\u202e\x00")
        if stripped[:1] in STARTS and stripped:
            return True
    return text[:1] in ("\t", "\r", "\n")


@pytest.mark.parametrize("blank", BLANKS)
@pytest.mark.parametrize("start", STARTS)
def test_no_cell_starts_a_formula(blank, start):
    assert not starts_formula(cell(f"{blank}{start}1+1"))
    assert not starts_formula(cell(f"x;{blank}{start}cmd|' /C calc'!A0"))


@given(st.text(alphabet=st.sampled_from([*"=+-@ab1;,'\"| \t\r\n", "\u00a0", "\u200b"])))
def test_no_text_starts_a_formula_in_any_cell_of_the_table(text):
    written = table([[text, 1.5, text]])
    (row,) = csv.reader(io.StringIO(written, newline=""))
    assert len(row) == 3
    assert row[1] == "1.5"
    assert not starts_formula(row[0])
    # Where the list separator is a semicolon, the line falls into other cells.
    for other in csv.reader(io.StringIO(written, newline=""), delimiter=";"):
        assert not any(starts_formula(part.rstrip("\r\n")) for part in other)


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (None, ""), (2.5, "2.5"), (8.0, "8"), (0.0, "0"), (1 / 3, "0.3333"), (-1.0, "'-1.0"),
        ("O'Neill, \"Bo\"", "O'Neill, \"Bo\""), ("Zoë 王", "Zoë 王"), ("a-b", "a-b"), (3, "3"),
        ("two\nlines", "two lines"),
    ],
)  # fmt: skip
def test_what_a_cell_shows(value, shown):
    assert cell(value) == shown


ROSTER = """\
id,First Name,surname,E-Mail,LMS ID,notes
ada,Ada,Lovelace,ada@example.org,1001,x
bob,"=HYPERLINK(""http://x"")",+Evil,-bob@example.org,,y
eve,,,,,
"""


@pytest.fixture
def course(tmp_path):
    """A class of three: one late, one who left the words out, one who handed nothing in."""
    course = change_settings(make_class(tmp_path), 'method = "none"', 'method = "share"')
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    with course.gradebook() as book:
        import_roster(book, tmp_path / "roster.csv")
    set_due_date(course, NAME, "2026-01-01 12:00")
    assignment = master_of(course)
    for student, why, at in (("ada", "Because.", "2026-01-02 11:00:00 UTC"), ("bob", "", None)):
        folder = hand_in(course, student, why=why, at=at)
        judged = judge_here(Job(student, assignment, SEED, str(folder)))
        record(course, assignment, Outcome(student, SEED, judged.submission, judged.verdict))
    return course


def export(course, exporter, **options):
    made = exporter(config=course.config())
    path = course.folder / "out.csv"
    made.to = str(path)
    for name, value in options.items():
        setattr(made, name, value)
    with course.gradebook() as book:
        made.export(book)
    return list(csv.reader(io.StringIO(path.read_text(encoding=exporter.encoding), newline="")))


def test_canvas(course):
    head, possible, *rows = export(course, CanvasMarks)
    assert head == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", NAME]
    assert "Points Possible" in possible[0]
    assert possible[-1] == "8"
    by_student = {row[2]: row for row in rows}
    assert by_student["ada"] == ["Lovelace, Ada", "1001", "ada", "ada@example.org", "", "5.4"]
    assert by_student["bob"][-1] == "6"
    assert by_student["eve"] == ["eve", "", "eve", "eve", "", "0"]
    assert not [part for row in rows for part in row if starts_formula(part)]


def test_moodle(course):
    head, *rows = export(course, MoodleMarks, missing_is_zero=False)
    assert head == ["ID number", "Username", "Email address", "First name", "Last name", NAME]
    by_student = {row[1]: row for row in rows}
    assert by_student["ada"][-1] == "5.4"
    assert by_student["eve"][-1] == ""
    assert not [part for row in rows for part in row if starts_formula(part)]


def test_a_spreadsheet_gets_every_question(course):
    head, *rows = export(course, SheetMarks)
    assert (course.folder / "out.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    ada = dict(zip(head, next(row for row in rows if row[0] == "ada"), strict=True))
    assert ada[f"{NAME}: mean-square (4)"] == "4"
    assert ada[f"{NAME}: why (2)"] == "0"
    assert ada[f"{NAME}: points"] == "6"
    assert ada[f"{NAME}: late penalty"] == "0.6"
    assert ada[f"{NAME}: total"] == "5.4"
    assert ada[f"{NAME}: of"] == "8"
    assert ada[f"{NAME}: to mark by hand"] == "1"
    eve = dict(zip(head, next(row for row in rows if row[0] == "eve"), strict=True))
    assert (eve[f"{NAME}: submitted"], eve[f"{NAME}: total"]) == ("no", "0")


def test_only_the_students_and_assignments_asked_for(course):
    _, *rows = export(course, MoodleMarks, student=["ada"], assignment=["other"])
    assert [row[1:] for row in rows] == [["ada", "ada@example.org", "Ada", "Lovelace"]]


def test_nbgraders_export_command_takes_the_exporters(course):
    command = [sys.executable, "-m", "nbgrader", "export", "--to", "canvas.csv"]
    command += ["--exporter", "course_lib.grading.marks.CanvasMarks"]
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(course.folder / "none")}
    subprocess.run(command, cwd=course.folder, env=environment, check=True, capture_output=True)
    assert '"Lovelace, Ada","1001"' in (course.folder / "canvas.csv").read_text(encoding="utf-8")


# The roster.


def test_a_roster_is_read_whatever_its_columns_are_called(tmp_path):
    path = tmp_path / "r.csv"
    path.write_text("\ufeffUser Name;Last;mail\nada;Lovelace;a@x\n\n;;\n", encoding="utf-8")
    assert read_roster(path) == (
        [{"id": "ada", "last_name": "Lovelace", "email": "a@x"}],
        (),
    )


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "is empty"),
        ("name,mail\nada,x\n", "one column must be named id"),
        ("id,id\nada,x\n", "one column must be named id"),
        ("id\n../../etc\n", "line 2"),
        ("id\nada\nbob bob\n", "line 3"),
        ("id\nada\nada\n", "stands in line 2 too"),
        ("id\n=ada\n", "cannot be an id"),
        ("id\n.hidden\n", "cannot be an id"),
        ("id,last\n,Lovelace\n", "cannot be an id"),
    ],
)
def test_what_is_wrong_with_a_roster_is_named(tmp_path, text, told):
    path = tmp_path / "r.csv"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(CourseError, match=told):
        read_roster(path)


def test_a_roster_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(CourseError, match="cannot be read"):
        read_roster(tmp_path / "none.csv")
    (tmp_path / "latin.csv").write_bytes("id,last\nada,Noël\n".encode("latin-1"))
    with pytest.raises(CourseError, match="UTF-8"):
        read_roster(tmp_path / "latin.csv")


def test_a_second_roster_changes_what_changed(course):
    with course.gradebook() as book:
        found = enrol(book, [{"id": "ada", "last_name": "King"}, {"id": "eve"}, {"id": "zoe"}])
        assert found == (("zoe",), ("ada",), ("eve",))
        assert book.find_student("ada").last_name == "King"
        assert book.find_student("ada").email == "ada@example.org"
