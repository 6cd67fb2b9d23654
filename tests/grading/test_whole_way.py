"""Every assignment of the course on its whole way, and nothing of it in what students get."""

import json
import shutil

import nbformat
import pytest

from course_lib.grading.course import Course
from course_lib.grading.grade import grade
from course_lib.grading.master import find_masters, grade_id, read_master
from course_lib.grading.pages import write_pages
from course_lib.grading.release import generate
from course_lib.grading.withheld import leaks_in, withheld_lines
from tests.grading.sandboxes import needs_sandbox
from tools.public_tree import ROOT, readable

MASTERS = find_masters(ROOT / "book" / "assignments")

pytestmark = [
    needs_sandbox,
    pytest.mark.skipif(not MASTERS, reason="the public tree holds no masters"),
]


@pytest.fixture(scope="module")
def class_of_all(tmp_path_factory):
    """A class to which every assignment was released, and handed in by two students."""
    folder = tmp_path_factory.mktemp("class")
    course = Course.open(folder / "class", masters=ROOT / "book" / "assignments", create=True)
    for path in MASTERS:
        assignment = read_master(path)
        released = generate(course, assignment.name).path
        hand_in(course, assignment, released, "blank", {})
        hand_in(course, assignment, released, "ada", solutions_of(assignment))
    yield course
    shutil.rmtree(course.folder, ignore_errors=True)


def solutions_of(assignment):
    return {question.id: question.solution for question in assignment.questions}


def hand_in(course, assignment, released, student, answers):
    notebook = nbformat.read(released, as_version=4)
    for cell in notebook.cells:
        cell.source = answers.get(grade_id(cell), cell.source)
    folder = course.at("submitted", student, assignment.name)
    folder.mkdir(parents=True)
    (folder / released.name).write_text(json.dumps(notebook), encoding="utf-8")


@pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)
def test_an_assignment_from_release_to_feedback(class_of_all, path):
    course, assignment = class_of_all, read_master(path)
    by_checks = sum(question.points for question in assignment.questions if question.shown)
    rows = {row.student: row for row in grade(course, assignment.name)}
    assert {student: row.mark.score for student, row in rows.items()} == {
        "ada": by_checks,
        "blank": 0,
    }
    assert rows["ada"].mark.by_hand == len(assignment.questions) - len(
        [question for question in assignment.questions if question.shown]
    )
    written, failed = write_pages(course, assignment.name)
    assert (sorted(written), failed) == (["ada", "blank"], {})
    for step in ("release/{0}", "autograded/blank/{0}", "feedback/blank/{0}"):
        for file in (course.folder / step.format(assignment.name)).rglob("*"):
            if file.is_file():
                text = readable(file) or file.read_text(encoding="utf-8")
                assert set(leaks_in(text, assignment)) & withheld_lines(assignment) == set(), file
                for criterion in (c for q in assignment.questions for c in q.rubric):
                    assert criterion.text not in text, file
