"""The command line: every verb, what it prints, and its exit code."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import nbformat
import pytest

from course_lib.grading import grade as grading
from course_lib.grading.cli import build_parser, main
from course_lib.grading.course import Course
from course_lib.grading.gather import owners_of
from course_lib.grading.grade import Row
from course_lib.grading.record import Mark
from course_lib.grading.sandbox import Unsandboxed
from course_lib.grading.verbs import DONE, LOOK, NOTHING_DONE, PROGRAM, table_of
from tests.grading import classroom
from tests.grading.classroom import PARTLY, hand_in, make_class, scores_of
from tests.grading.hostile.master import NAME, write_master

pytestmark = pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning")
ROOT = Path(__file__).resolve().parents[2]
VERBS = (
    "students",
    "release",
    "collect",
    "gather",
    "grade",
    "rubric",
    "feedback",
    "marks",
    "new",
    "check",
)
ROSTER = "id,first,last,email,lms id\nada,Ada,Lovelace,,1001\nann_b,Ann,Bee,,1002\nann,Ann,Cee,,\n"


@pytest.fixture
def course(tmp_path, monkeypatch):
    monkeypatch.setattr(grading, "run_jobs", classroom.run_here)
    monkeypatch.setattr(grading, "sandbox_for", lambda unsafe: Unsandboxed())
    monkeypatch.chdir(tmp_path)
    (tmp_path / "roster.csv").write_text(ROSTER, encoding="utf-8")
    return make_class(tmp_path)


def run(*arguments):
    return main([*map(str, arguments), "--class", "class"])


# Help.


def test_the_program_without_a_verb_says_what_there_is(capsys):
    assert main([]) == NOTHING_DONE
    told = capsys.readouterr().out
    assert all(f" {verb} " in told for verb in VERBS)
    assert "Exit codes" in told


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_help_with_examples_that_parse(verb, capsys):
    with pytest.raises(SystemExit) as ended:
        main([verb, "--help"])
    assert ended.value.code == 0
    told = capsys.readouterr().out
    examples = [line.strip() for line in told.split("examples:")[1].splitlines() if line.strip()]
    assert examples
    for example in examples:
        command = shlex.split(example.removeprefix(PROGRAM), comments=True)
        assert build_parser().parse_args(command).verb == verb


@pytest.mark.parametrize("arguments", [["grade"], ["other"], ["grade", "x", "--workers", "two"]])
def test_a_wrong_command_line_ends_with_two(arguments, capsys):
    with pytest.raises(SystemExit) as ended:
        main(arguments)
    assert ended.value.code == 2
    assert "usage:" in capsys.readouterr().err


def test_help_loads_neither_nbgrader_nor_numpy():
    program = (
        "import sys; from course_lib.grading.cli import build_parser; build_parser();"
        "print({'nbgrader', 'numpy', 'nbformat'} & set(sys.modules))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, check=True, capture_output=True, text=True
    )
    assert done.stdout.strip() == "set()"


# A class, from the first word to the marks.


def test_a_whole_class(course, capsys):
    assert run("students", "roster.csv") == DONE
    assert "3 new" in capsys.readouterr().out
    assert run("release", NAME, "--due", "2030-01-01", "--per-student") == DONE
    told = capsys.readouterr().out
    assert "3 questions, 8 points" in told
    assert "For each of 3 student(s)" in told
    hand_in(course, "ada")
    hand_in(course, "ann", mean_square=PARTLY)
    assert run("grade", NAME) == DONE
    told = capsys.readouterr().out
    assert "2 graded" in told
    assert "6 of 8" in told
    assert "2 answer(s) are to be marked by hand" in told
    assert run("feedback", NAME) == DONE
    assert (course.at("feedback", "ada", NAME) / f"{NAME}.html").is_file()
    assert run("marks") == LOOK
    assert "2 answer(s) wait" in capsys.readouterr().out
    for name in ("marks.csv", "canvas.csv", "moodle.csv"):
        assert "Lovelace" in (course.folder / "marks" / name).read_text(encoding="utf-8-sig")
    with course.gradebook() as book:
        for student in ("ada", "ann"):
            book.find_grade("why", NAME, NAME, student).manual_score = 1.0
            book.find_grade("why", NAME, NAME, student).needs_manual_grade = False
        book.db.commit()
    assert run("marks", "--format", "moodle", "--to", "out.csv", "--assignment", NAME) == DONE
    assert '"Ada","Lovelace","7"' in Path("out.csv").read_text(encoding="utf-8")


def test_a_rejected_submission_ends_with_one(course, capsys):
    (hand_in(course, "ada") / f"{NAME}.ipynb").write_text("{", encoding="utf-8")
    hand_in(course, "bob")
    assert run("grade", NAME) == LOOK
    told = capsys.readouterr().out
    assert "1 graded, 1 rejected" in told
    assert "broken-json" in told
    assert run("grade", NAME, "--quiet") == LOOK
    assert "student " not in capsys.readouterr().out


def test_nobody_handed_in(course, capsys):
    assert run("grade", NAME) == DONE
    assert "Nobody handed in" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["grade", "other"], f"there are: {NAME}"),
        (["release", NAME, "--due", "soon"], "is no time"),
        (["release", NAME, "--seed", "-1"], "from 0 up"),
        (["collect", NAME], "the class has no exchange"),
        (["gather", NAME, "nowhere"], "there is no folder nowhere"),
        (["feedback", NAME], f"run `grade {NAME}` first"),
        (["marks", "--to", "x.csv"], "needs --format"),
        (["marks", "--assignment", "other"], f"it has {NAME}"),
        (["students", "nowhere.csv"], "cannot be read"),
        (["check"], "name an assignment"),
        (["check", NAME, "--all"], "name an assignment"),
        (["new", "No Name"], "lower-case words"),
    ],
)
def test_what_cannot_be_done_says_why_and_ends_with_two(course, capsys, arguments, told):
    assert run(*arguments) == NOTHING_DONE
    found = capsys.readouterr().err
    assert told in found
    assert "Traceback" not in found


def test_without_a_class_the_way_to_one_is_told(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert main(["grade", NAME]) == NOTHING_DONE
    assert "`release` begins one" in capsys.readouterr().err


def test_stopping_by_hand_tells_how_to_go_on(course, monkeypatch, capsys):
    def stop(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(grading, "run_jobs", stop)
    hand_in(course, "ada")
    assert run("grade", NAME) == 130
    assert "run it again" in capsys.readouterr().err


def test_a_class_begins_with_the_first_release(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_master(tmp_path / "private")
    assert main(["release", NAME, "--masters", "private"]) == DONE
    assert "A class begins" in capsys.readouterr().out
    assert Course.open("_class").master(NAME).is_file()


def test_a_new_assignment_passes_its_check(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "masters").mkdir()
    assert main(["new", "step-size", "--masters", "masters"]) == DONE
    assert main(["check", "step-size", "--masters", "masters"]) == DONE
    assert "step-size: can be released" in capsys.readouterr().out
    path = tmp_path / "masters" / "step-size" / "step-size.ipynb"
    notebook = nbformat.read(path, as_version=4)
    for cell in notebook.cells:
        cell.source = cell.source.replace("### BEGIN HIDDEN TESTS\n", "").replace(
            "### END HIDDEN TESTS", ""
        )
    nbformat.write(notebook, path)
    assert main(["check", "--all", "--masters", "masters"]) == LOOK
    assert "fault(s)" in capsys.readouterr().out


def test_the_rubric_is_printed_for_who_marks_by_hand(course, capsys):
    assert run("rubric", NAME) == DONE
    told = capsys.readouterr().out
    assert "Why the mean? (why, 2 points)\n  2  It does not grow with the data." in told
    assert "A model answer:\n    It does not grow with the data.\n" in told
    assert "SOLUTION" not in told


def test_the_table_fits_its_columns():
    rows = [
        Row("ada", "graded", Mark(6.0, 8.0, 0.5, 1), notes=("Note.",)),
        Row("bob", "failed", reason="no disk"),
    ]
    lines = table_of(rows).splitlines()
    assert lines[1].split() == ["ada", "graded", "5.5", "of", "8", "-0.5", "1", "Note."]
    assert lines[2].endswith("no disk")
    assert lines[0].index("points") == lines[1].index("5.5")


# Files from e-mail and from an LMS.


@pytest.mark.parametrize(
    ("path", "owners"),
    [
        (f"ada_{NAME}.ipynb", ["ada"]),
        (f"ada/{NAME}.ipynb", ["ada"]),
        (f"ADA_{NAME}.ipynb", ["ada"]),
        (f"ann_b_{NAME}.ipynb", ["ann_b"]),
        (f"ann_{NAME}.ipynb", ["ann"]),
        (f"lovelaceada_1001_778899_{NAME}.ipynb", ["ada"]),
        (f"beeann_LATE_1002_778899_{NAME}-1.ipynb", ["ann_b"]),
        (f"Ada Lovelace_55123_assignsubmission_file_/{NAME}.ipynb", ["ada"]),
        (f"Ada Lovelace_55123_assignsubmission_file_{NAME}.ipynb", ["ada"]),
        (f"lovelace_ada_{NAME}.ipynb", ["ada"]),
        (f"{NAME}.ipynb", []),
        (f"lovelace_{NAME}.ipynb", []),
        (f"adam_{NAME}.ipynb", []),
        (f"10011_{NAME}.ipynb", []),
        # What is inside the LMS's folder, or after its marks, is a student's word.
        (f"Ada Lovelace_55123_assignsubmission_file_/ann_{NAME}.ipynb", ["ada"]),
        (f"Ada Lovelace_55123_assignsubmission_file_1002_{NAME}.ipynb", ["ada", "ann_b"]),
        (f"lovelaceada_1001_778899_1002_{NAME}.ipynb", ["ada", "ann_b"]),
        (f"ada/Ann Bee_{NAME}.ipynb", ["ada"]),
        (f"week 3/ann_{NAME}.ipynb", ["ann"]),
    ],
)
def test_whose_file_it_is(course, path, owners):
    run("students", "roster.csv")
    with course.gradebook() as book:
        assert owners_of(path, NAME, book.students) == owners


def test_gathered_files_are_graded_and_the_rest_is_reported(course, tmp_path, capsys):
    run("students", "roster.csv")
    inbox = tmp_path / "inbox"
    inbox.mkdir()
    notebook = (hand_in(course, "ada") / f"{NAME}.ipynb").read_bytes()
    shutil.rmtree(course.at("submitted", "ada"))
    (inbox / f"ada_{NAME}.ipynb").write_bytes(notebook)
    old = inbox / f"ada_{NAME}-1.ipynb"
    old.write_bytes(b"{}")
    os.utime(old, (1, 1))
    (inbox / f"who_{NAME}.ipynb").write_bytes(notebook)
    (inbox / "ann_homework.ipynb").write_bytes(notebook)
    (inbox / "report.pdf").write_bytes(b"x")
    (inbox / "\x1b]0;all is well\x07\udce4.txt").touch()
    (inbox / f"ann_b_{NAME}.ipynb").symlink_to("/etc/hostname")
    assert run("gather", NAME, inbox) == LOOK
    told = capsys.readouterr().out
    assert "1 taken" in told
    assert f"who_{NAME}.ipynb: no student's id" in told
    assert "--any-name" in told
    assert "report.pdf: it is no notebook" in told
    assert "\x1b" not in told
    assert "it is a link" in told
    assert "is newer" in told
    assert "Nothing yet from 2: ann_b, ann" in told
    assert not (course.at("submitted", "ada", NAME) / "timestamp.txt").exists()
    assert run("grade", NAME) == DONE
    assert scores_of(course, "ada")["mean-square-check"] == 4.0
    capsys.readouterr()
    run("gather", NAME, inbox, "--any-name", "--file-times")
    assert "1 taken, 1 were there already" in capsys.readouterr().out
    assert (course.at("submitted", "ann", NAME) / "timestamp.txt").is_file()


def test_gathering_needs_a_roster(course, tmp_path, capsys):
    assert run("gather", NAME, tmp_path) == NOTHING_DONE
    assert "import the roster first" in capsys.readouterr().err


# nbgrader's form grader, as it is started.


def test_the_form_grader_shows_a_submission(course, tmp_path):
    hand_in(course, "ada", mean_square=PARTLY, why="Because <script>alert(1)</script>")
    run("grade", NAME, "--quiet")
    with course.gradebook() as book:
        submission = book.find_submission_notebook(NAME, NAME, "ada").id
    environment = {
        **os.environ,
        "JUPYTER_CONFIG_DIR": str(tmp_path / "none"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    extensions = {"nbgrader.server_extensions.formgrader": True}
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "jupyter_server", "--no-browser", "--allow-root"]
    command += ["--IdentityProvider.token=x", f"--port={port}", "--ServerApp.root_dir=."]
    command.append(f"--ServerApp.jpserver_extensions={extensions}")
    with (
        open(tmp_path / "log", "w") as log,
        subprocess.Popen(command, cwd=course.folder, env=environment, stderr=log) as server,
    ):
        try:
            address = f"http://127.0.0.1:{port}/formgrader"
            page = _get(f"{address}/submissions/{submission}/?token=x")
            listed = json.loads(_get(f"{address}/api/submitted_notebooks/{NAME}/{NAME}?token=x"))
        finally:
            server.terminate()
    assert "failed: other lengths" in page
    assert "<script>alert(1)" not in page
    (found,) = listed
    assert (found["student"], found["score"], found["max_score"]) == ("ada", 5.0, 8.0)
    assert found["needs_manual_grade"]


def _get(address: str) -> str:
    deadline = time.monotonic() + 60
    while True:
        try:
            with urllib.request.urlopen(address, timeout=60) as answer:
                return answer.read().decode("utf-8")
        except urllib.error.HTTPError as error:
            with error:
                pytest.fail(f"{address}: {error.code} {error.read()[:2000]!r}")
        except urllib.error.URLError:
            # It is starting.
            assert time.monotonic() < deadline
            time.sleep(0.1)
