"""What is wrong with an assignment is found before it is released, and said in a sentence."""

import nbformat
import pytest

from course_lib.grading.assignment import MasterError
from course_lib.grading.master import read_master
from course_lib.grading.new import create_master
from course_lib.grading.trials import faults_of
from tests.grading.hostile.master import master_notebook

CARD, MEAN, MEAN_CHECK, STEP_CARD, STEP, STEP_CHECK = 4, 6, 7, 8, 10, 11
LAST_CHECK = 'check.value(step, lambda w: w**3, 2.0, 0.125, expected=1.0, name="another gradient")'
MISTAKE = '[[mistakes]]\nname = "{}"\nhint = "Look again."\nfails = {}\nreplace = "{}"\nby = "{}"\n'


def faults(tmp_path, place, old, new, chapter=None):
    """Return the faults of the small master with one cell changed, but those it begins with."""
    notebook = master_notebook()
    cell = notebook.cells[place]
    assert old in cell.source
    cell.source = cell.source.replace(old, new)
    nbformat.write(notebook, tmp_path / "small.ipynb")
    found = faults_of(read_master(tmp_path / "small.ipynb"), chapter)
    return [fault for fault in found if "mistakes, wanted" not in fault]


def test_the_small_master_has_too_few_mistakes_and_no_other_fault(tmp_path):
    assert faults(tmp_path, CARD, "", "") == []


@pytest.mark.parametrize(
    ("place", "old", "new", "words"),
    [
        (CARD, "minutes = 5", "minutes = 0", "minutes and points must be positive"),
        (CARD, '"None."', '" "', "misconception is empty"),
        (STEP, "def step(", "mean_square = 1\ndef step(", "mean_square is defined by 2 questions"),
        (MEAN, "** 2", "** 3", "the reference solution does not run"),
        (MEAN, "return float(", "return undefined(", "the reference solution does not run"),
        (MEAN, "return 0.0", "return 5.0", "starter earns 2, should earn 0"),
        (MEAN, "return 0.0", "reference.x\n    return 0.0", "holds 'reference.'"),
        (MEAN, "def mean", "x = numbers.zzz\ndef mean", "the reference solution does not run"),
        (STEP_CHECK, "another gradient", "a step by hand", "two checks are named 'a step by hand'"),
        (STEP_CHECK, "expected=1", "weight=0, expected=1", "no check has a weight"),
        (MEAN_CHECK, "check.value(mean", "reference\ncheck.value(mean", "uses 'reference'"),
        (STEP_CHECK, LAST_CHECK, "", "no hidden check"),
        (9, "One step", "A mean that does not grow with the data.", None),
        (9, "One step", "It does not grow with the data.", "shows 'It does not grow"),
        (
            9,
            "One step",
            "One step\nreturn point - size * gradient(point)",
            "shows 'return point - size",
        ),
    ],
)
def test_a_fault_is_found(tmp_path, place, old, new, words):
    found = faults(tmp_path, place, old, new)
    assert found == [] if words is None else any(words in fault for fault in found)


def test_mistakes_must_fail_what_they_are_said_to_fail(tmp_path):
    said = MISTAKE.format("sign", '["a step by hand"]', "point - size", "point + size")
    (found,) = faults(tmp_path, STEP_CARD, 'surface = "Ask."', f'surface = "Ask."\n{said}')
    assert found == (
        "step: sign: failed a step by hand, another gradient; should fail a step by hand"
    )
    harmless = MISTAKE.format("none", "[]", "point - size", "point -  size")
    (found,) = faults(tmp_path, STEP_CARD, 'surface = "Ask."', f'surface = "Ask."\n{harmless}')
    assert found == "step: mistake 'none' loses no point"
    broken = MISTAKE.format("stops", "[]", "def step", "1 / 0\\ndef step") * 2
    found = faults(tmp_path, STEP_CARD, 'surface = "Ask."', f'surface = "Ask."\n{broken}')
    assert found[0] == "step: two mistakes are named 'stops'"
    assert found[1].endswith("failed a step by hand, another gradient; should fail nothing")


def test_prerequisites_are_sections_of_the_chapter(tmp_path):
    chapter = tmp_path / "chapter.ipynb"
    chapter.write_text('{"source": ["(sec-there)=\\n"]}')
    change = "prerequisites = []", 'prerequisites = ["sec-there", "sec-gone"]'
    assert faults(tmp_path, CARD, *change, chapter) == [
        "mean-square: chapter.ipynb has no section 'sec-gone'"
    ]


def test_a_new_master_needs_a_name_of_its_own(tmp_path):
    create_master(tmp_path, "step-size", title="Step", chapter="part1/gradient-descent")
    with pytest.raises(MasterError, match="is there already"):
        create_master(tmp_path, "step-size", title="Step", chapter="")
    with pytest.raises(MasterError, match="lower-case words"):
        create_master(tmp_path, "../Step", title="Step", chapter="")
