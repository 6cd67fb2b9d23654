"""The tables that the book shows of assignments are made from their cards."""

import pytest

from course_lib.grading.master import read_master
from course_lib.grading.overview import (
    coverage_of,
    exercise_notebook,
    facts_of,
    index_of,
    misconceptions_of,
)
from tests.grading.hostile.master import NAME, SECRET, write_master


@pytest.fixture(scope="module")
def assignment(tmp_path_factory):
    return read_master(write_master(tmp_path_factory.mktemp("masters")))


def rows(table):
    return [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines()]


def test_the_page_of_an_assignment_has_one_title_and_its_facts(assignment):
    notebook = exercise_notebook(assignment)
    titles = [line for cell in notebook.cells for line in cell.source.splitlines()]
    assert [line for line in titles if line.startswith("# ") and "assignment" in line] == [
        "# Mean and step: assignment"
    ]
    assert f"(as-{NAME})=" in notebook.cells[0].source
    assert facts_of(assignment) in notebook.cells[0].source
    assert str(SECRET) not in str(notebook)


def test_facts_add_up(assignment):
    facts = facts_of(assignment)
    assert "**Time** 15 minutes. **Points** 8." in facts
    table = rows(facts[facts.index("| question") :])
    assert table[2] == ["The mean of squares"] * 2 + ["implement", "warm-up", "5", "4"]
    assert sum(float(row[-1]) for row in table[2:]) == assignment.points == 8


def test_the_index_adds_up(assignment):
    table = rows(index_of([assignment, assignment]))
    assert table[2][1:] == ["3", "15", "8", "6", "2"]
    assert [cell.strip("*") for cell in table[-1]] == ["all", "6", "30", "16", "12", "4"]


def test_coverage_shares_the_points_over_the_checks(assignment):
    table = rows(coverage_of(assignment))
    assert table[2][-1] == (
        "a case by hand (1); equal values (1); other lengths (1); its argument is kept (1)"
    )
    assert table[4][-1] == "2 p. by hand"


def test_misconceptions_stand_with_how_to_bring_them_out(assignment):
    assert misconceptions_of(assignment) == "\n\n".join(["None.\n: Ask."] * 3)
