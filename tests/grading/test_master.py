"""What is wrong with a master is said in words, with the place."""

import nbformat
import pytest

from course_lib.grading.assignment import MasterError
from course_lib.grading.master import read_master
from course_lib.grading.released import released_notebook
from tests.grading.hostile.master import NAME, master_notebook


@pytest.fixture
def changed(tmp_path):
    """Write the small master with one cell changed, and return its folder."""

    def change(place, old, new):
        notebook = master_notebook()
        cell = notebook.cells[place]
        assert old in cell.source
        cell.source = cell.source.replace(old, new)
        folder = tmp_path / NAME
        folder.mkdir()
        nbformat.write(notebook, folder / f"{NAME}.ipynb")
        return folder

    return change


CARD, SETUP, NUMBERS, MEAN_CARD, MEAN, MEAN_CHECK, STEP_STATEMENT, WHY_CARD = (
    0,
    2,
    3,
    4,
    6,
    7,
    9,
    12,
)


@pytest.mark.parametrize(
    ("place", "old", "new", "words"),
    [
        (CARD, "summary", "sumary", r"cell 1 \(card\) lacks 'summary'"),
        (CARD, "title =", "title", r"cell 1 \(card\) is not valid TOML"),
        (SETUP, "import numpy", "import (numpy", r"the cell 'setup' is not valid Python"),
        (NUMBERS, "seed = 0", "seed = 0.5", r"one line 'seed = 0'"),
        (MEAN_CARD, "minutes = 5", 'minutes = "5"', "'minutes' must be a whole number, got '5'"),
        (MEAN_CARD, "minutes = 5", "minutes = true", "'minutes' must be a whole number, got True"),
        (MEAN_CARD, '"implement"', '"code"', "kind must be one of implement, predict, explain"),
        (MEAN_CARD, "difficulty = 1", "difficulty = 7", "difficulty must be 1, 2 or 3, got 7"),
        (MEAN_CARD, "minutes", "mistakes = 3\nminutes", r"as a table \[\[mistakes\]\]"),
        (MEAN, "return float", "return float(", r"squares', the answer cell is not valid Python"),
        (MEAN, "### END SOLUTION", "", "squares': '### BEGIN SOLUTION' stands without"),
        (MEAN, "### BEGIN SOLUTION", "", "squares': '### END SOLUTION' stands without"),
        (MEAN_CHECK, "check.value(", "check.value((", r"the check cell is not valid Python"),
        (MEAN_CHECK, "### END HIDDEN TESTS", "### BEGIN HIDDEN TESTS", "stands twice"),
        (WHY_CARD, "points = 2", "points = 1", "rubric must add up to its 2 points"),
        (WHY_CARD, "points = 2", 'points = "2"', "'points' must be a number, got '2'"),
        (WHY_CARD, "points = 2", "", r"\[\[rubric\]\] number 1 lacks 'points'"),
    ],
)
def test_a_fault_is_named_with_its_place(changed, place, old, new, words):
    folder = changed(place, old, new)
    with pytest.raises(MasterError, match=words) as caught:
        read_master(folder)
    assert str(folder) in str(caught.value)


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        ('name = "x"\nhint = ""', "number 1 lacks 'fails'"),
        ('name = "x"\nhint = ""\nfails = []', "mistake 'x' lacks 'replace'"),
        ('name = "x"\nhint = ""\nfails = []\nreplace = "mean"', "mistake 'x' lacks 'by'"),
        ('name = "x"\nhint = ""\nfails = []\nreplace = "foo"\nby = ""', "'foo' does not occur"),
        ('name = "x"\nhint = ""\nfails = []\ncode = 3', "'code' must be a text, got 3"),
    ],
)
def test_a_mistake_that_cannot_be_made_is_named(changed, entry, words):
    folder = changed(MEAN_CARD, 'surface = "Ask."', f'surface = "Ask."\n[[mistakes]]\n{entry}')
    with pytest.raises(MasterError, match=words):
        read_master(folder)


def test_a_place_without_a_value_is_named(changed):
    folder = changed(STEP_STATEMENT, "## One step", "## One step of {{numbers.size}}")
    with pytest.raises(MasterError, match=r"cell 10: .*numbers\.size.* not among its values.* n$"):
        released_notebook(read_master(folder))


def test_what_is_no_master_is_refused(tmp_path):
    with pytest.raises(MasterError, match="no such master notebook"):
        read_master(tmp_path / "absent.ipynb")
    (tmp_path / "broken.ipynb").write_text("{}")
    with pytest.raises(MasterError, match="not a notebook"):
        read_master(tmp_path / "broken.ipynb")
    notebook = master_notebook()
    del notebook.cells[0]
    nbformat.write(notebook, tmp_path / "bare.ipynb")
    with pytest.raises(MasterError, match="first cell must be a raw cell"):
        read_master(tmp_path / "bare.ipynb")
    notebook = master_notebook()
    del notebook.cells[4:]
    nbformat.write(notebook, tmp_path / "short.ipynb")
    with pytest.raises(MasterError, match="there is no question"):
        read_master(tmp_path / "short.ipynb")


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda cells: cells.pop(MEAN), "one cell with nbgrader's solution=true"),
        (lambda cells: cells.pop(MEAN_CHECK), "one cell with grade_id 'mean-square-check'"),
        (lambda cells: cells.pop(SETUP), "one cell must have the grade_id 'setup', found 0"),
        (
            lambda cells: cells[MEAN_CHECK].metadata.nbgrader.update(grade=False),
            "cell 'mean-square-check' must have grade=true",
        ),
    ],
)
def test_a_cell_that_is_missing_or_unmarked_is_named(tmp_path, change, words):
    notebook = master_notebook()
    change(notebook.cells)
    nbformat.write(notebook, tmp_path / "x.ipynb")
    with pytest.raises(MasterError, match=words):
        read_master(tmp_path / "x.ipynb")
