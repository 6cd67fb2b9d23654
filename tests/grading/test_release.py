"""What students get, and what the gradebook then knows."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from datetime import datetime

import nbformat
import pytest

from course_lib.grading.assignment import MasterError
from course_lib.grading.course import Course, CourseError, open_gradebook, seed_of_student
from course_lib.grading.master import grade_id
from course_lib.grading.release import (
    generate,
    generate_for,
    refuse_leaks,
    released_seed,
    seed_for,
    set_due_date,
    student_notebook,
)
from course_lib.grading.released import released_notebook
from tests.grading.classroom import SEED, change_settings, hand_in, make_class, master_of
from tests.grading.hostile.master import NAME, POINTS, SECRET

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
FORBIDDEN = ("SOLUTION", "HIDDEN", "reference.", str(SECRET), "misconception", "rubric")


@pytest.fixture
def course(tmp_path):
    return make_class(tmp_path)


def change_master(course, change):
    path = course.master(NAME)
    notebook = nbformat.read(path, as_version=4)
    change({grade_id(cell): cell for cell in notebook.cells}, notebook)
    nbformat.write(notebook, path)


def released(course):
    return nbformat.read(course.at("release", NAME) / f"{NAME}.ipynb", as_version=4)


def test_the_release_is_what_the_master_module_says(course):
    expected = released_notebook(master_of(course), SEED)
    assert [cell.source for cell in released(course).cells] == [
        cell.source for cell in expected.cells
    ]
    assert f"seed = {SEED}" in released(course).cells[2].source


def test_the_class_and_a_student_of_the_same_seed_get_the_same_notebook(course):
    ours = student_notebook(master_of(course), SEED)
    for one, other in zip(released(course).cells, ours.cells, strict=True):
        assert one.metadata == other.metadata
        assert one.source == other.source


def test_nothing_withheld_is_in_any_released_file(course):
    generate_for(course, generate(course, NAME), ["ada", "bob"])
    files = [p for step in ("release", "release_students") for p in course.at(step).rglob("*.*")]
    assert len(files) == 3
    for path in files:
        text = path.read_text(encoding="utf-8")
        assert not [word for word in FORBIDDEN if word in text]
        assert '"raw"' not in text


def test_the_gradebook_knows_questions_and_points(course):
    with course.gradebook() as book:
        notebook = book.find_notebook(NAME, NAME)
        points = {cell.name: cell.max_score for cell in notebook.grade_cells}
        assert points == {"mean-square-check": 4.0, "step-check": 2.0, "why": 2.0}
        assert {cell.name for cell in notebook.solution_cells} == set(POINTS)
        assert released_seed(book, NAME) == SEED


def test_a_file_beside_the_master_is_released_too(course):
    data = course.master(NAME).parent / "data.csv"
    data.write_text("x\n1\n", encoding="utf-8")
    generate_for(course, generate(course, NAME), ["ada"])
    for step in ("release", "release_students/ada"):
        assert (course.folder / step / NAME / "data.csv").read_text() == "x\n1\n"


@pytest.mark.parametrize(
    "line",
    ["### END SOLUTION", "### BEGIN HIDDEN TESTS", "### BEGIN SOLUTION"],
)
def test_a_marker_without_its_partner_stops_the_release(course, line):
    def change(cells, _):
        for cell in cells.values():
            cell.source = "\n".join(t for t in cell.source.splitlines() if t.strip() != line)

    change_master(course, change)
    with pytest.raises(MasterError, match=r"BEGIN|END"):
        generate(course, NAME)


def test_a_mistyped_pair_of_markers_stops_the_release_and_keeps_the_last_one(course):
    def change(cells, _):
        step = cells["step"]
        step.source = step.source.replace("BEGIN SOLUTION", "BEGIN SOLUTON")
        step.source = step.source.replace("END SOLUTION", "END SOLUTON")

    change_master(course, change)
    with pytest.raises(CourseError, match=r"nothing of it is marked"):
        generate(course, NAME)
    assert "SOLUTON" not in json.dumps(released(course))


@pytest.mark.parametrize(
    ("cell", "text", "told"),
    [
        ("step-statement", "return point - size * gradient(point)", "withh|point - size"),
        ("why-statement", "It does not grow with the data.", "grow with the data"),
        ("instructions", "### begin hidden tests", "marker"),
        ("instructions", f"check.value(mean_square, {SECRET}, name='x')", None),
    ],
)
def test_what_a_statement_gives_away_stops_the_release(course, cell, text, told):
    change_master(course, lambda cells, _: cells[cell].update(source=text))
    if told is None:
        generate(course, NAME)  # A number alone is nothing that can be told from others.
        return
    with pytest.raises(CourseError, match=told):
        generate(course, NAME)


def test_what_hides_in_metadata_or_outputs_is_found(course):
    assignment = master_of(course)
    notebook = student_notebook(assignment, 0)
    notebook.metadata["note"] = "It does not grow with the data."
    with pytest.raises(CourseError, match="grow with the data"):
        refuse_leaks(notebook, assignment)
    notebook = student_notebook(assignment, 0)
    notebook.cells[1].outputs = [
        nbformat.v4.new_output("stream", text="return point - size * gradient(point)\n")
    ]
    with pytest.raises(CourseError, match="point - size"):
        refuse_leaks(notebook, assignment)


def test_another_notebook_beside_the_master_stops_the_release(course):
    (course.master(NAME).parent / "answers.ipynb").write_text("{}", encoding="utf-8")
    with pytest.raises(CourseError, match=r"answers\.ipynb"):
        generate(course, NAME)


def test_each_student_gets_numbers_of_the_own_seed(course):
    paths = generate_for(course, generate(course, NAME), ["ada", "bob"])
    seeds = [seed_of_student(SEED, student) for student in ("ada", "bob")]
    assert len({SEED, *seeds}) == 3
    for path, seed in zip(paths, seeds, strict=True):
        assert f"seed = {seed}" in path.read_text(encoding="utf-8")
    with course.gradebook() as book:
        assert [seed_for(course, book, NAME, s) for s in ("ada", "bob", "eve")] == [*seeds, SEED]


def test_what_a_student_hands_in_does_not_choose_the_seed(course):
    hand_in(course, "ada", numbers="seed = 99")
    with course.gradebook() as book:
        assert seed_for(course, book, NAME, "ada") == SEED


def test_other_numbers_after_submissions_need_force(course):
    with course.gradebook() as book:
        book.add_student("ada")
        book.add_submission(NAME, "ada")
    assert generate(course, NAME).seed == SEED
    with pytest.raises(CourseError, match=f"--seed {SEED}"):
        generate(course, NAME, seed=8)
    assert generate(course, NAME, seed=8, force=True).seed == 8
    assert generate(course, NAME).seed == 8


def test_the_numbers_of_a_release_stay_when_the_settings_change(course):
    course = change_settings(course, "seed = 7", "seed = 9")
    assert generate(course, NAME).seed == SEED
    with course.gradebook() as book:
        book.remove_assignment(NAME)
    assert generate(course, NAME).seed == 9


def test_an_unreleased_assignment_has_no_seed(course):
    with course.gradebook() as book, pytest.raises(CourseError, match="run `release other`"):
        seed_for(course, book, "other", "ada")


@pytest.mark.parametrize(
    ("text", "due"),
    [
        ("2026-10-12 23:59 UTC", datetime(2026, 10, 12, 23, 59)),
        ("2026-10-12 23:59 +0200", datetime(2026, 10, 12, 21, 59)),
        ("2026-10-12T08:00-03:30", datetime(2026, 10, 12, 11, 30)),
        ("2026-01-12 12:00 Europe/Berlin", datetime(2026, 1, 12, 11, 0)),
        ("2026-07-12 12:00", datetime(2026, 7, 12, 10, 0)),
        ("2026-07-12", datetime(2026, 7, 12, 21, 59)),
        ("none", None),
    ],
)
def test_a_due_date_is_kept_in_the_gradebook(course, text, due):
    course = change_settings(course, 'timezone = "UTC"', 'timezone = "Europe/Berlin"')
    set_due_date(course, NAME, "2020-01-01")
    assert set_due_date(course, NAME, text) == due
    with course.gradebook() as book:
        assert book.find_assignment(NAME).duedate == due


@pytest.mark.parametrize("text", ["next week", "12.10.2026", "2026-13-01", "2026-10-12 23:59 XYZ"])
def test_what_is_no_time_is_refused(course, text):
    with pytest.raises(CourseError, match="write it like"):
        set_due_date(course, NAME, text)


def test_nbgraders_own_command_makes_the_same_release(course):
    before = released(course)
    change_settings(course, "seed = 7", "seed = 9")
    environment = {**os.environ, "JUPYTER_CONFIG_DIR": str(course.folder / "none")}
    subprocess.run(
        [sys.executable, "-m", "nbgrader", "generate_assignment", NAME, "--force"],
        cwd=course.folder,
        env=environment,
        check=True,
        capture_output=True,
    )
    assert released(course) == before


def test_a_path_with_signs_of_regular_expressions_works(tmp_path):
    course = make_class(tmp_path / "fall (2026) + x.y")
    assert generate(course, NAME).path.is_file()


def test_masters_whose_path_nbgrader_reads_as_a_pattern_are_refused(tmp_path):
    (tmp_path / "a[b]").mkdir()
    with pytest.raises(CourseError, match="reads as a pattern"):
        Course.open(tmp_path / "class", masters=tmp_path / "a[b]", create=True)


@pytest.mark.parametrize("sign", "*?[]{}")
def test_a_path_that_nbgrader_reads_as_a_pattern_is_refused(tmp_path, sign):
    with pytest.raises(CourseError, match="reads as a pattern"):
        Course.open(tmp_path / f"a{sign}b", masters=tmp_path, create=True)


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ("seed = 7", 'seed = "7"', "seed must be a int"),
        ("seed = 7", "seed = -1", "seed must be at least 0"),
        ("seed = 7", "seed = true", "seed must be a int"),
        ("seed = 7", "sead = 7", "unknown entry sead"),
        ('method = "none"', 'method = "half"', "method of"),
        ("share = 0.1", "share = 1.5", "share of"),
        ("workers = 2", "workers = 0", "workers at least 1"),
        ('course = "downhill"', 'course = "down hill"', "one word"),
        ("[late]", "[late", "cannot be read"),
        ('timezone = "UTC"', 'timezone = "Mars/Base"', "no time zone"),
    ],
)
def test_wrong_settings_are_named(course, old, new, told):
    with pytest.raises(CourseError, match=told):
        change_settings(course, old, new)


def test_there_must_be_a_class_and_masters(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(CourseError, match="there is no class"):
        Course.open(tmp_path)
    with pytest.raises(CourseError, match="--masters DIR"):
        Course.open(tmp_path / "class", create=True)
    (tmp_path / "book" / "assignments").mkdir(parents=True)
    for folder in ("class", "deeper/class"):
        found = Course.open(tmp_path / folder, create=True).masters
        assert found == tmp_path / "book" / "assignments"


def test_an_unknown_assignment_is_named_with_the_known(course):
    for name in ("other", "../mean-and-step", ""):
        with pytest.raises(CourseError, match=f"there are: {NAME}"):
            course.master(name)


def test_the_folder_of_a_class_is_closed_to_others(course, tmp_path):
    new = Course.open(tmp_path / "new", masters=course.masters, create=True)
    assert new.folder.stat().st_mode & 0o077 == 0


def test_a_gradebook_is_made_without_the_environments_programs_on_the_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", "/nowhere")
    open_gradebook(f"sqlite:///{tmp_path / 'g.db'}", "x").close()
    assert os.environ["PATH"] == "/nowhere"
    assert (tmp_path / "g.db").stat().st_size > 0


def test_cards_never_leave(course):
    cells = master_of(course).notebook.cells
    cards = [cell.source for cell in cells if cell.cell_type == "raw"]
    text = json.dumps(released(course))
    assert len(cards) == 4
    assert not [line for card in cards for line in card.splitlines() if line and line in text]
