"""Statements name what the cards know, and a release fills it in."""

import nbformat
import pytest
from matplotlib import pyplot

from course_lib.grading.assignment import MasterError
from course_lib.grading.master import read_master
from course_lib.grading.new import create_master
from course_lib.grading.released import fill_places, released_notebook
from course_lib.grading.trials import faults_of


@pytest.fixture
def master(tmp_path):
    return create_master(tmp_path, "step-size", title="Step sizes", chapter="part1/cost-functions")


def texts_of(path, seed=0):
    notebook = released_notebook(read_master(path), seed)
    return [cell.source for cell in notebook.cells if cell.cell_type == "markdown"]


def changed(path, old, new):
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, path)


def test_a_heading_comes_from_the_card(master):
    assignment = read_master(master)
    instructions, *statements = texts_of(master)
    assert instructions.startswith("# Assignment: Step sizes\n")
    assert f"About {assignment.minutes} minutes, {assignment.points:g} points" in instructions
    first, second = assignment.questions[:2]
    assert statements[0].startswith(f"## 1. {first.title}\n\n*Warm-up, {first.minutes} minutes,")
    assert statements[1].startswith(f"## 2. {second.title}\n")
    assert f"{second.points:g} points" in statements[1]


def test_a_changed_card_changes_the_heading(master):
    changed(master, "minutes = 10", "minutes = 25")
    assert "*Warm-up, 25 minutes," in texts_of(master)[1]


def test_numbers_are_those_of_the_seed(master):
    steps = {text for seed in range(8) for text in texts_of(master, seed) if "step size" in text}
    assert len(steps) > 2


@pytest.mark.parametrize(
    "place", ["{{numbers.nothing}}", "{{question.nothing}}", "{{assignment.solution}}"]
)
def test_a_place_without_a_value_is_refused(master, place):
    changed(master, "{{question.title}}", place)
    with pytest.raises(MasterError, match="is not among its values here, which are"):
        texts_of(master)


def test_the_instructions_know_no_question(master):
    changed(master, "{{assignment.title}}", "{{question.title}}")
    with pytest.raises(MasterError, match=r"question\.title"):
        texts_of(master)


def test_whole_floats_are_written_without_a_point():
    values = {"numbers": {"step": 2.0, "n": 3, "name": "s5"}}
    text = fill_places("{{numbers.step}} {{ numbers.n }} {{numbers.name}}", values)
    assert text == "2 3 s5"


def test_figures_of_a_release_are_closed_again(master):
    notebook = nbformat.read(master, as_version=4)
    figure = nbformat.v4.new_code_cell("from matplotlib import pyplot\n_figure = pyplot.figure()")
    notebook.cells.insert(4, figure)
    nbformat.write(notebook, master)
    assert faults_of(read_master(master)) == []
    assert pyplot.get_fignums() == []
