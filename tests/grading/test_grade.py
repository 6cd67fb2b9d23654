"""A grading run: everybody is graded once, whatever anybody hands in and whenever it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections import Counter

import nbformat
import pytest
from nbgrader.converters import Autograde
from nbgrader.converters.base import NbGraderException

from course_lib.grading import grade as grading
from course_lib.grading import sandbox
from course_lib.grading.course import RECORD, CourseError
from course_lib.grading.grade import fingerprint, grade, one_run_at_a_time, read_record
from course_lib.grading.pages import write_pages
from course_lib.grading.release import generate, generate_for
from course_lib.grading.sandbox import SandboxUnavailable, Unsandboxed
from tests.grading import classroom
from tests.grading.classroom import PARTLY, WRONG_SUM, hand_in, make_class, master_of, scores_of
from tests.grading.hostile.files import FULL, KINDS, RIGHT, honest_notebook
from tests.grading.hostile.master import NAME
from tests.grading.sandboxes import needs_sandbox

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")


@pytest.fixture
def course(tmp_path):
    return make_class(tmp_path)


@pytest.fixture
def judged(monkeypatch):
    """Judge in this process, without a sandbox, and count who is judged."""
    students = []

    def run(function, jobs, **how):
        jobs = list(jobs)
        students.extend(job.student for job in jobs)
        return classroom.run_here(function, jobs)

    monkeypatch.setattr(grading, "run_jobs", run)
    monkeypatch.setattr(grading, "sandbox_for", lambda unsafe: Unsandboxed())
    return students


def states(rows):
    return {row.student: row.state for row in rows}


# Every student once.


def test_everybody_is_graded_and_the_second_run_does_nothing(course, judged):
    hand_in(course, "ada")
    hand_in(course, "bob", mean_square=PARTLY)
    rows = grade(course, NAME)
    assert [(r.student, r.state, r.mark.score) for r in rows] == [
        ("ada", "graded", 6.0),
        ("bob", "graded", 5.0),
    ]
    again = grade(course, NAME)
    assert [(r.student, r.state, r.mark.score) for r in again] == [
        ("ada", "unchanged", 6.0),
        ("bob", "unchanged", 5.0),
    ]
    assert judged == ["ada", "bob"]


def test_a_resubmission_a_changed_master_and_force_are_graded_again(course, judged):
    hand_in(course, "ada", mean_square=PARTLY)
    hand_in(course, "bob")
    grade(course, NAME)
    hand_in(course, "ada")
    assert states(grade(course, NAME)) == {"ada": "graded", "bob": "unchanged"}
    assert scores_of(course, "ada")["mean-square-check"] == 4.0
    assert states(grade(course, NAME, force=True, students=["bob"])) == {"bob": "graded"}
    path = course.master(NAME)
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("a case by hand", "a case done by hand"), encoding="utf-8")
    assert set(states(grade(course, NAME)).values()) == {"graded"}
    assert Counter(judged) == {"ada": 3, "bob": 3}


def test_a_time_stamp_that_changed_is_a_resubmission(course, judged):
    folder = hand_in(course, "ada", at="2026-01-01 10:00:00 UTC")
    grade(course, NAME)
    (folder / "timestamp.txt").write_text("2026-01-02 10:00:00 UTC", encoding="utf-8")
    assert states(grade(course, NAME)) == {"ada": "graded"}


@pytest.mark.parametrize("lost", [RECORD, f"{NAME}.ipynb", "gradebook"])
def test_what_got_lost_is_made_again(course, judged, lost):
    hand_in(course, "ada")
    grade(course, NAME)
    if lost == "gradebook":
        with course.gradebook() as book:
            book.remove_submission(NAME, "ada")
    else:
        (course.at("autograded", "ada", NAME) / lost).unlink()
    assert states(grade(course, NAME)) == {"ada": "graded"}
    assert scores_of(course, "ada")["step-check"] == 2.0


def test_a_record_that_is_no_json_counts_as_none(course, judged):
    hand_in(course, "ada")
    grade(course, NAME)
    (course.at("autograded", "ada", NAME) / RECORD).write_text("{", encoding="utf-8")
    assert read_record(course, NAME, "ada") == {}
    assert states(grade(course, NAME)) == {"ada": "graded"}


def test_a_run_that_stops_between_the_mark_and_its_record_repeats_one(course, judged, monkeypatch):
    for student in ("ada", "bob", "eve"):
        hand_in(course, student)
    real, calls = grading.write_atomically, []

    def stop_at_the_second(path, content):
        calls.append(path)
        if len(calls) == 2:
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(grading, "write_atomically", stop_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        grade(course, NAME)
    monkeypatch.setattr(grading, "write_atomically", real)
    judged.clear()
    assert states(grade(course, NAME)) == {"ada": "unchanged", "bob": "graded", "eve": "graded"}
    assert judged == ["bob", "eve"]
    with course.gradebook() as book:
        assert len(book.assignment_submissions(NAME)) == 3
        assert {s.score for s in book.assignment_submissions(NAME)} == {6.0}


def test_a_mark_that_cannot_be_recorded_fails_alone_and_is_tried_again(course, judged, monkeypatch):
    for student in ("ada", "bob", "eve"):
        hand_in(course, student)
    real = grading.record

    def fail_for_bob(course, assignment, outcome, **how):
        if outcome.student == "bob":
            raise OSError("disk full")
        return real(course, assignment, outcome, **how)

    monkeypatch.setattr(grading, "record", fail_for_bob)
    rows = grade(course, NAME)
    assert states(rows) == {"ada": "graded", "bob": "failed", "eve": "graded"}
    assert "disk full" in rows[1].reason
    monkeypatch.setattr(grading, "record", real)
    assert states(grade(course, NAME)) == {"ada": "unchanged", "bob": "graded", "eve": "unchanged"}


def test_each_student_is_judged_with_the_own_numbers(course, judged, monkeypatch):
    generate_for(course, generate(course, NAME), ["ada", "bob"])
    seeds = {}
    monkeypatch.setattr(
        grading,
        "run_jobs",
        lambda f, jobs, **how: (
            seeds.update({j.student: j.seed for j in jobs}) or classroom.run_here(f, jobs)
        ),
    )
    for student in ("ada", "bob", "eve"):
        hand_in(course, student)
    grade(course, NAME)
    assert len(set(seeds.values())) == 3
    assert seeds["eve"] == classroom.SEED
    text = (course.at("autograded", "ada", NAME) / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert f"seed = {seeds['ada']}" in text


# Whatever is handed in.


def test_bad_submissions_are_named_and_stop_nobody(course, judged, tmp_path):
    hand_in(course, "zoe")
    (hand_in(course, "bad") / f"{NAME}.ipynb").write_text("{", encoding="utf-8")
    (hand_in(course, "empty") / f"{NAME}.ipynb").unlink()
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / f"{NAME}.ipynb").write_bytes(
        (course.at("submitted", "zoe", NAME) / f"{NAME}.ipynb").read_bytes()
    )
    course.at("submitted", "linked").mkdir()
    course.at("submitted", "linked", NAME).symlink_to(outside)
    course.at("submitted", "pipe", NAME).mkdir(parents=True)
    os.mkfifo(course.at("submitted", "pipe", NAME) / f"{NAME}.ipynb")
    course.at("submitted", "no id", NAME).mkdir(parents=True)
    (course.at("submitted") / "stray.txt").write_text("x", encoding="utf-8")
    rows = {row.student: row for row in grade(course, NAME)}
    assert rows["zoe"].state == "graded"
    assert {s for s, row in rows.items() if row.state == "rejected"} == {
        "bad",
        "empty",
        "linked",
        "pipe",
        "no id",
    }
    assert "broken-json" in rows["bad"].reason
    assert "no-notebook" in rows["empty"].reason
    assert "linked-folder" in rows["linked"].reason
    assert "Rename it" in rows["no id"].reason
    assert rows["bad"].mark.score == 0.0
    again = {row.student: row for row in grade(course, NAME)}
    assert again["bad"].state == "rejected"
    assert again["bad"].reason == rows["bad"].reason
    assert Counter(judged)["bad"] == 1
    written, failed = write_pages(course, NAME)
    assert (set(written), failed) == ({"zoe", "bad", "empty", "linked", "pipe"}, {})
    page = (course.at("feedback", "bad", NAME) / f"{NAME}.html").read_text(encoding="utf-8")
    assert "broken-json" in page


def test_every_way_to_pack_a_submission_ends_in_marks_or_a_named_rejection(
    course, judged, tmp_path
):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.txt").write_text("the instructor's", encoding="utf-8")
    kinds = {f"k{number:03d}": kind for number, kind in enumerate(KINDS)}
    for student, kind in kinds.items():
        folder = course.at("submitted", student, NAME)
        folder.mkdir(parents=True)
        kind.pack(folder, honest_notebook(master_of(course)), outside)
    hand_in(course, "zoe")
    rows = {row.student: row for row in grade(course, NAME)}
    assert set(rows) == {*kinds, "zoe"}
    assert rows["zoe"].state == "graded"
    for student, kind in kinds.items():
        row = rows[student]
        assert (row.state == "rejected") == bool(kind.rejection), (kind.name, row)
        assert kind.rejection in row.reason
        assert row.state in ("graded", "rejected"), (kind.name, row)
        assert kind.note in " ".join(row.notes)
        expected = kind.scores or dict.fromkeys(FULL, 0.0)
        found = scores_of(course, student)
        assert {name: found[f"{name}-check"] for name in FULL} == expected, kind.name
    written, failed = write_pages(course, NAME)
    assert (len(written), failed) == (len(rows), {})
    stored = [p for step in ("autograded", "feedback") for p in course.at(step).rglob("*")]
    assert not [p for p in stored if p.is_file() and b"the instructor's" in p.read_bytes()]
    assert {row.state for row in grade(course, NAME)} == {"unchanged", "rejected"}


def test_a_fingerprint_opens_no_link_pipe_or_endless_file(course, tmp_path):
    assignment = master_of(course)
    folder = hand_in(course, "ada")
    before = fingerprint(folder, assignment, 1)
    assert fingerprint(folder, assignment, 1) == before
    assert fingerprint(folder, assignment, 2) != before
    os.mkfifo(folder / "pipe")
    (folder / "link").symlink_to("/dev/zero")
    with open(folder / "sparse", "wb") as file:
        file.truncate(2**40)
    started = time.monotonic()
    other = fingerprint(folder, assignment, 1)
    assert other != before
    assert time.monotonic() - started < 5
    (folder / "link").unlink()
    (folder / "link").symlink_to("/dev/null")
    assert fingerprint(folder, assignment, 1) != other


def test_names_that_are_no_text_are_reported(course, judged):
    name = os.fsdecode(b"st\xffudent")
    course.at("submitted", name, NAME).mkdir(parents=True)
    (row,) = grade(course, NAME)
    assert row.state == "rejected"
    row.student.encode("utf-8")


# What has to be there.


def test_nothing_is_graded_without_a_release_or_with_other_points(course, judged):
    hand_in(course, "ada")
    path = course.master(NAME)
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        if cell.metadata.get("nbgrader", {}).get("grade_id") == "step-check":
            cell.metadata.nbgrader["points"] = 3
    nbformat.write(notebook, path)
    with pytest.raises(CourseError, match="run `release mean-and-step` again"):
        grade(course, NAME)
    with course.gradebook() as book:
        book.remove_assignment(NAME)
    with pytest.raises(CourseError, match="run `release mean-and-step` first"):
        grade(course, NAME)
    assert judged == []


def test_a_student_that_handed_nothing_in_is_named(course, judged):
    hand_in(course, "ada")
    with pytest.raises(CourseError, match="no submission of mean-and-step by bob"):
        grade(course, NAME, students=["ada", "bob"])


def test_without_a_sandbox_grading_refuses(course, monkeypatch):
    hand_in(course, "ada")

    def none(slot=None):
        raise SandboxUnavailable("bubblewrap is not installed")

    monkeypatch.setattr(sandbox.Sandbox, "find", none)
    with pytest.raises(CourseError, match="bubblewrap is not installed"):
        grade(course, NAME)
    assert not course.at("autograded", "ada").exists()


def test_two_runs_at_once_are_one_too_many(course, judged):
    hand_in(course, "ada")
    with one_run_at_a_time(course), pytest.raises(CourseError, match="another run"):
        grade(course, NAME)
    assert states(grade(course, NAME)) == {"ada": "graded"}


# In the sandbox.


@needs_sandbox
def test_two_workers_grade_in_the_sandbox_and_crashes_cost_their_own_points(course):
    hand_in(course, "ada")
    hand_in(course, "bob", mean_square=WRONG_SUM)
    hand_in(course, "dan", mean_square="import os\nos._exit(0)")
    hand_in(course, "eve", step="raise SystemExit")
    rows = grade(course, NAME, workers=2)
    assert set(states(rows).values()) == {"graded"}
    marks = {row.student: row.mark.score for row in rows}
    assert marks == {"ada": 6.0, "bob": 2.0, "dan": 2.0, "eve": 4.0}
    text = (course.at("autograded", "dan", NAME) / f"{NAME}.ipynb").read_text(encoding="utf-8")
    json.loads(text)


@needs_sandbox
def test_a_killed_run_goes_on_where_it_stopped(course):
    students = [f"s{number}" for number in range(8)]
    for student in students:
        hand_in(course, student)
    command = [sys.executable, "-m", "course_lib.grading", "grade", NAME]
    command += ["--class", str(course.folder)]
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as run:
        deadline = time.monotonic() + 60
        while time.monotonic() < deadline and len(_records(course)) < 2:
            time.sleep(0.02)
        run.send_signal(signal.SIGKILL)
    done = _records(course)
    assert 2 <= len(done) < len(students)
    before = {path: path.stat().st_mtime_ns for path in done}
    rows = grade(course, NAME)
    assert {row.student for row in rows if row.state == "unchanged"} == {
        path.parts[-3] for path in done
    }
    assert {path: path.stat().st_mtime_ns for path in done} == before
    assert {row.mark.score for row in rows} == {6.0}
    with course.gradebook() as book:
        assert len(book.assignment_submissions(NAME)) == len(students)


def _records(course):
    return list(course.at("autograded").glob(f"*/{NAME}/{RECORD}"))


@needs_sandbox
@pytest.mark.filterwarnings("default")
def test_a_dask_cluster_of_processes_judges_the_same(course):
    distributed = pytest.importorskip("distributed")
    hand_in(course, "ada")
    hand_in(course, "bob", mean_square=PARTLY)
    (hand_in(course, "eve") / f"{NAME}.ipynb").write_text("{", encoding="utf-8")
    with distributed.LocalCluster(
        n_workers=2, threads_per_worker=1, processes=True, dashboard_address=None
    ) as cluster:
        rows = grade(course, NAME, dask=cluster.scheduler_address)
    assert [(r.student, r.state, r.mark.score) for r in rows] == [
        ("ada", "graded", 6.0),
        ("bob", "graded", 5.0),
        ("eve", "rejected", 0.0),
    ]


# nbgrader's own command.


@needs_sandbox
def test_nbgraders_own_autograde_runs_nothing_in_the_instructors_session(course, tmp_path):
    marker = tmp_path / "escaped"
    code = f"open({str(marker)!r}, 'w').close()\n{RIGHT['step']}"
    hand_in(course, "ada", mean_square=PARTLY, step=code)
    Autograde(coursedir=course.directory(NAME), config=course.config()).start()
    assert not marker.exists()
    assert scores_of(course, "ada")["mean-square-check"] == 3.0
    text = (course.at("autograded", "ada", NAME) / f"{NAME}.ipynb").read_text(encoding="utf-8")
    assert "failed: other lengths" in text
    assert states(grade(course, NAME)) == {"ada": "graded"}


def test_without_a_sandbox_nbgraders_own_autograde_grades_nobody(course, tmp_path, monkeypatch):
    def none(slot=None):
        raise SandboxUnavailable("bubblewrap is not installed")

    monkeypatch.setattr(sandbox.Sandbox, "find", none)
    hand_in(course, "ada")
    with pytest.raises(NbGraderException):
        Autograde(coursedir=course.directory(NAME), config=course.config()).start()
    assert not course.at("autograded", "ada", NAME).exists()
