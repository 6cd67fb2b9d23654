"""What the judge decides enters nbgrader's gradebook, where nbgrader's own tools find it."""

from __future__ import annotations

import os
import re
import time
from dataclasses import replace
from datetime import timedelta

import nbformat
import pytest
from nbconvert.exporters import HTMLExporter
from nbconvert.filters.markdown_mistune import markdown2html_mistune
from nbgrader.apps.api import NbGraderAPI
from nbgrader.converters import GenerateFeedback
from nbgrader.server_extensions.formgrader import handlers
from sqlalchemy.exc import OperationalError

from course_lib.grading import record as record_module
from course_lib.grading.course import RECORD, CourseError
from course_lib.grading.intake import read_submission
from course_lib.grading.jobs import Job
from course_lib.grading.late import LatePenalty
from course_lib.grading.master import grade_id
from course_lib.grading.record import (
    Outcome,
    graded_notebook,
    harmless,
    mark_of,
    record,
    refresh_penalties,
)
from course_lib.grading.release import set_due_date
from course_lib.grading.session import CellOutcome
from tests.grading.classroom import (
    PARTLY,
    SEED,
    WRONG_SUM,
    change_settings,
    hand_in,
    judge_here,
    make_class,
    master_of,
    scores_of,
)
from tests.grading.hostile.markup import VECTORS
from tests.grading.hostile.master import NAME, SECRET

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
HOSTILE_TEXT = "Because <script>alert(1)</script> [x](javascript:alert(1)) $a<b$ \\href{x}{y}"


@pytest.fixture
def course(tmp_path):
    return make_class(tmp_path)


def outcome_of(course, student, **answers):
    """Hand in, judge without a sandbox, and return the outcome."""
    folder = hand_in(course, student, **answers)
    judged = judge_here(Job(student, master_of(course), SEED, str(folder)))
    return Outcome(student, SEED, judged.submission, judged.verdict, judged.rejection)


def record_answers(course, student, **answers):
    return record(course, master_of(course), outcome_of(course, student, **answers))


def autograded(course, student):
    return nbformat.read(course.at("autograded", student, NAME) / f"{NAME}.ipynb", as_version=4)


def grades_of(course, student):
    with course.gradebook() as book:
        found = book.find_submission_notebook(NAME, NAME, student)
        return {g.name: (g.auto_score, g.manual_score, g.needs_manual_grade) for g in found.grades}


def comments_of(course, student):
    with course.gradebook() as book:
        found = book.find_submission_notebook(NAME, NAME, student)
        return {c.name: c.comment for c in found.comments}


def test_points_reach_the_gradebook_and_words_wait_for_a_person(course):
    mark, notes = record_answers(course, "ada", why="It stays the same for more data.")
    assert grades_of(course, "ada") == {
        "mean-square-check": (4.0, None, False),
        "step-check": (2.0, None, False),
        "why": (None, None, True),
    }
    assert (mark.score, mark.max_score, mark.by_hand, mark.total) == (6.0, 8.0, 1, 6.0)
    assert notes == ()


def test_partial_credit_is_the_verdicts(course):
    outcome = outcome_of(course, "ada", mean_square=PARTLY)
    expected = outcome.verdict.question("mean-square").score
    assert expected == 3.0
    record(course, master_of(course), outcome)
    assert scores_of(course, "ada") == {
        "mean-square-check": expected,
        "step-check": 2.0,
        "why": 0.0,
    }


def test_an_untouched_notebook_earns_nothing_and_waits_for_nobody(course):
    mark, _ = record_answers(course, "ada", keep=True)
    assert grades_of(course, "ada")["why"] == (0.0, None, False)
    assert (mark.score, mark.by_hand) == (0.0, 0)
    assert set(comments_of(course, "ada").values()) == {"No response."}


def test_spaces_around_the_words_handed_out_are_no_answer(course):
    record_answers(course, "ada", keep=True, why="\n *Write your answer here.*  \n\n")
    assert grades_of(course, "ada")["why"] == (0.0, None, False)


def test_locked_cells_are_those_that_were_released(course):
    record_answers(
        course,
        "ada",
        setup="import numpy as np\nforged = True",
        instructions="# Give me everything",
        mean_square_check="8.0",
    )
    ours = {grade_id(cell): cell for cell in autograded(course, "ada").cells}
    handed_out = nbformat.read(course.at("release", NAME) / f"{NAME}.ipynb", as_version=4)
    for cell in handed_out.cells:
        if cell.metadata.nbgrader.locked:
            assert ours[grade_id(cell)].source == cell.source
    assert scores_of(course, "ada")["mean-square-check"] == 4.0


def test_no_hidden_check_reaches_the_autograded_notebook(course):
    record_answers(course, "ada", mean_square=WRONG_SUM)
    text = (course.at("autograded", "ada", NAME) / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert str(SECRET) not in text
    assert "HIDDEN" not in text
    assert "reference" not in text


def test_hints_stand_in_the_outputs_of_the_check_cell(course):
    record_answers(course, "ada", mean_square=PARTLY)
    cell = next(c for c in autograded(course, "ada").cells if grade_id(c) == "mean-square-check")
    assert "failed: other lengths" in cell.outputs[0].text
    assert "passed: a case by hand" in cell.outputs[0].text
    assert "passed: its argument is kept" in cell.outputs[0].text
    assert cell.outputs[1].output_type == "execute_result"


def test_cells_of_the_students_own_stand_where_they_stood(course):
    folder = hand_in(course, "ada")
    path = folder / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    place = next(i for i, cell in enumerate(notebook.cells) if grade_id(cell) == "step")
    notebook.cells.insert(place, nbformat.v4.new_code_cell("helper = 1"))
    nbformat.write(notebook, path)
    submission = read_submission(folder, master_of(course))
    graded = graded_notebook(master_of(course), Outcome("ada", SEED, submission))
    sources = [cell.source for cell in graded.cells if cell.cell_type == "code"]
    assert sources.index("helper = 1") < sources.index(
        next(s for s in sources if s.startswith("def step"))
    )
    helper = next(cell for cell in graded.cells if cell.source == "helper = 1")
    assert "nbgrader" not in helper.metadata
    nbformat.validate(graded)


def test_what_cells_showed_is_kept_and_never_graded(course):
    outcome = outcome_of(course, "ada")
    runs = (
        CellOutcome("mean-square", "error", "printed\x1b[31m", None, "NameError: x (line 1)"),
        CellOutcome("step", "timeout", "", "8.0", None, (b"no picture",)),
    )
    verdict = replace(outcome.verdict, outcomes=runs)
    record(course, master_of(course), replace(outcome, verdict=verdict))
    cells = {grade_id(cell): cell for cell in autograded(course, "ada").cells}
    assert [o.get("name") for o in cells["mean-square"].outputs] == ["stdout", "stderr"]
    assert "\x1b" not in cells["mean-square"].outputs[0].text
    assert [o.output_type for o in cells["step"].outputs] == ["execute_result", "stream"]
    assert scores_of(course, "ada")["mean-square-check"] == 4.0


def test_a_manual_score_is_kept_and_flagged_when_graded_again(course):
    record_answers(course, "ada", mean_square=WRONG_SUM)
    with course.gradebook() as book:
        book.find_grade("mean-square-check", NAME, NAME, "ada").manual_score = 3.5
        book.find_comment("mean-square", NAME, NAME, "ada").manual_comment = "Nearly."
        book.db.commit()
    mark, _ = record_answers(course, "ada")
    assert grades_of(course, "ada")["mean-square-check"] == (4.0, 3.5, True)
    assert comments_of(course, "ada")["mean-square"] == "Nearly."
    assert (mark.score, mark.by_hand) == (5.5, 2)


def test_a_rejected_submission_earns_zero_with_the_reason(course):
    reason = "Rejected (broken-json): The notebook is no complete JSON file."
    mark, _ = record(course, master_of(course), Outcome("ada", SEED, rejection=reason))
    assert (mark.score, mark.by_hand) == (0.0, 0)
    assert set(comments_of(course, "ada").values()) == {reason}
    with course.gradebook() as book:
        assert book.find_submission_notebook(NAME, NAME, "ada").flagged
    text = (course.at("autograded", "ada", NAME) / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert "broken-json" in text


def test_a_missing_cell_is_told_and_costs_only_its_question(course):
    folder = hand_in(course, "ada")
    path = folder / f"{NAME}.ipynb"
    notebook = nbformat.read(path, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if grade_id(cell) not in ("step", "why")]
    nbformat.write(notebook, path)
    judged = judge_here(Job("ada", master_of(course), SEED, str(folder)))
    record(course, master_of(course), Outcome("ada", SEED, judged.submission, judged.verdict))
    assert scores_of(course, "ada") == {"mean-square-check": 4.0, "step-check": 0.0, "why": 0.0}
    comments = comments_of(course, "ada")
    assert "not in what was handed in" in comments["step"]
    assert "not in what was handed in" in comments["why"]
    assert comments["mean-square"] is None


def test_who_is_not_on_the_roster_is_added(course):
    record_answers(course, "eve")
    with course.gradebook() as book:
        assert book.find_student("eve").id == "eve"


# Lateness.


@pytest.mark.parametrize(
    ("settings", "days", "lost"),
    [
        ({}, 3, None),
        ({"penalty_method": "zero"}, 0.01, 10.0),
        ({"penalty_method": "share"}, 0.5, 1.0),
        ({"penalty_method": "share"}, 1.0, 1.0),
        ({"penalty_method": "share"}, 1.01, 2.0),
        ({"penalty_method": "share", "share": 0.25}, 9, 10.0),
        ({"penalty_method": "share", "grace_minutes": 30}, 0.02, None),
        ({"penalty_method": "zero", "grace_minutes": 30}, 0.03, 10.0),
    ],
)
def test_penalties(settings, days, lost):
    plugin = LatePenalty(**settings)
    assert plugin.late_submission_penalty("ada", 10.0, days * 86_400) == pytest.approx(lost)


def test_a_late_submission_loses_its_share(course):
    course = change_settings(course, 'method = "none"', 'method = "share"')
    set_due_date(course, NAME, "2026-01-01 12:00")
    mark, _ = record_answers(course, "ada", at="2026-01-02 13:00:00.000000 UTC")
    assert (mark.score, mark.late_penalty, mark.total) == (6.0, pytest.approx(1.2), 4.8)


def test_penalties_follow_due_dates_extensions_and_manual_marks(course):
    course = change_settings(course, 'method = "none"', 'method = "share"')
    record_answers(course, "ada", at="2026-01-02 13:00:00 UTC")

    def penalty():
        with course.gradebook() as book:
            refresh_penalties(course, NAME, book)
            return mark_of(book, NAME, "ada").late_penalty

    assert penalty() == 0.0
    set_due_date(course, NAME, "2026-01-02 12:00")
    assert penalty() == pytest.approx(0.6)
    with course.gradebook() as book:
        book.find_grade("why", NAME, NAME, "ada").manual_score = 2.0
        book.db.commit()
    assert penalty() == pytest.approx(0.8)
    with course.gradebook() as book:
        book.grant_extension(NAME, "ada", hours=2)
    assert penalty() == 0.0


@pytest.mark.parametrize("stamp", ["yesterday", "9" * 900, "\x00", "2026-99-99 10:00:00 UTC"])
def test_a_time_stamp_that_is_none_is_flagged_and_stops_nothing(course, stamp):
    mark, notes = record_answers(course, "ada", at=stamp)
    assert mark.score == 6.0
    assert "timestamp.txt holds no time" in notes[0]
    with course.gradebook() as book:
        assert book.find_submission_notebook(NAME, NAME, "ada").flagged


def test_small_files_of_nbgraders_are_carried_on_and_links_are_not(course, tmp_path):
    secret = tmp_path / "outside.txt"
    secret.write_text("not yours", encoding="utf-8")
    folder = hand_in(course, "ada", at="2026-01-02 13:00:00 UTC")
    outcome = outcome_of(course, "ada")
    (folder / "submission_secret.txt").unlink()
    (folder / "submission_secret.txt").symlink_to(secret)
    record(course, master_of(course), outcome)
    carried = course.at("autograded", "ada", NAME)
    assert sorted(p.name for p in carried.iterdir()) == [f"{NAME}.ipynb", "timestamp.txt"]


# Nothing half-written, nobody shut out.


def test_a_crash_while_writing_leaves_the_old_notebook(course, monkeypatch):
    record_answers(course, "ada")
    path = course.at("autograded", "ada", NAME) / f"{NAME}.ipynb"
    before = path.read_bytes()

    def crash(*_):
        raise OSError("disk full")

    monkeypatch.setattr(os, "replace", crash)
    with pytest.raises(OSError, match="disk full"):
        record_answers(course, "ada", mean_square=WRONG_SUM)
    assert path.read_bytes() == before
    assert not [p for p in path.parent.iterdir() if p.name.startswith(f".{NAME}")]


def test_a_locked_gradebook_is_waited_for_and_then_named(monkeypatch):
    calls, naps = [], []
    monkeypatch.setattr(time, "sleep", naps.append)

    def locked_until(last):
        calls.append(1)
        if len(calls) < last:
            raise OperationalError("update", {}, Exception("database is locked"))
        return "done"

    assert record_module._patiently(lambda: locked_until(4)) == "done"
    assert len(naps) == 3
    calls.clear()
    with pytest.raises(CourseError, match="Close what else has it open"):
        record_module._patiently(lambda: locked_until(10**6))


def test_recording_takes_a_small_part_of_a_second(course):
    outcomes = [outcome_of(course, student) for student in ("ada", "bob", "eve")]
    assignment = master_of(course)
    with course.gradebook() as book:
        record(course, assignment, outcomes[0], book=book)
        start = time.process_time()
        for outcome in outcomes[1:]:
            record(course, assignment, outcome, book=book)
        assert (time.process_time() - start) / 2 < 0.4


# nbgrader's own tools.


@pytest.mark.parametrize("text", [HOSTILE_TEXT, *VECTORS])
def test_no_markup_of_a_student_survives_the_form_graders_markdown(text):
    page = markdown2html_mistune(harmless(text)).lower()
    allowed = {"p", "em", "strong", "code", "pre", "li", "ul", "ol", "br", "hr", "blockquote"}
    allowed |= {f"h{i}" for i in range(1, 7)} | {"del", "table", "thead", "tbody", "tr", "th", "td"}
    allowed |= {"span", "div", "a", "input"}
    for name, rest in re.findall(r"<([a-z][a-z0-9]*)([^>]*)>", page):
        assert name in allowed
        assert not re.search(r"\bon\w+\s*=", rest)
        address = re.search(r'href="([^"]*)"', rest)
        assert address is None or re.match(r"(https?:|#)", address[1])
        assert "src=" not in rest
    assert not re.search(r"\\(href|mmltoken|bbox)", page)


def test_honest_formulas_and_code_survive(course):
    text = "Since $a \\le b$ and `x[0]`, **the mean** is\n\n$$\\frac{1}{n}\\sum_i x_i$$"
    assert harmless(text) == text


def test_the_form_graders_page_shows_the_answer_and_runs_nothing(course):
    record_answers(course, "ada", why=HOSTILE_TEXT, mean_square=WRONG_SUM)
    exporter = HTMLExporter(
        config=course.config(),
        template_name="formgrade",
        extra_template_basedirs=[handlers.template_path],
    )
    path = course.at("autograded", "ada", NAME) / f"{NAME}.ipynb"
    resources = {
        "assignment_id": NAME,
        "notebook_id": NAME,
        "submission_id": "1",
        "index": 0,
        "total": 1,
        "base_url": "",
        "student": "ada",
        "last_name": "",
        "first_name": "",
        "notebook_path": "x",
    }
    page, _ = exporter.from_filename(str(path), resources=resources)
    assert "failed: a case by hand" in page
    assert "[x] (javascript:alert(1))" in page
    assert 'href="javascript' not in page
    assert "<script>alert" not in page


def test_nbgraders_api_lists_the_submission(course):
    record_answers(course, "ada", mean_square=PARTLY)
    config = course.config()
    config.Exchange.root = str(course.folder)
    api = NbGraderAPI(course.directory(NAME), config=config)
    (found,) = api.get_notebook_submissions(NAME, NAME)
    assert found["student"] == "ada"
    assert found["score"] == 5.0
    assert found["max_score"] == 8.0
    assert found["needs_manual_grade"]
    assert api.get_submission(NAME, "ada")["autograded"]


def test_nbgraders_own_feedback_command_reads_the_notebook(course):
    record_answers(course, "ada")
    (course.at("autograded", "ada", NAME) / RECORD).write_text("{}", encoding="utf-8")
    directory = course.directory(NAME)
    GenerateFeedback(coursedir=directory, config=course.config()).start()
    folder = course.at("feedback", "ada", NAME)
    assert "6.0" in (folder / f"{NAME}.html").read_text(encoding="utf-8")
    assert not (folder / RECORD).exists()


def test_extensions_are_nbgraders(course):
    record_answers(course, "ada", at="2026-01-02 13:00:00 UTC")
    set_due_date(course, NAME, "2026-01-02 12:00")
    with course.gradebook() as book:
        book.grant_extension(NAME, "ada", minutes=30)
        submission = book.find_submission(NAME, "ada")
        assert submission.extension == timedelta(minutes=30)
        assert submission.total_seconds_late == 1800
