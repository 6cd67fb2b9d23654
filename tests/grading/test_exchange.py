"""A JupyterHub's exchange with two users: fetched, handed in, collected, graded, sent back."""

from __future__ import annotations

import json
import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from course_lib.grading import grade as grading
from course_lib.grading.course import CourseError
from course_lib.grading.exchange import CarefulCollect, collect, publish, publish_feedback
from course_lib.grading.grade import grade
from course_lib.grading.pages import write_pages
from course_lib.grading.sandbox import Unsandboxed
from tests.grading import classroom
from tests.grading.classroom import PARTLY, change_settings, make_class
from tests.grading.hostile.files import RIGHT
from tests.grading.hostile.master import NAME

pytestmark = [
    pytest.mark.filterwarnings("ignore::sqlalchemy.exc.SAWarning"),
    pytest.mark.skipif(sys.platform == "win32", reason="nbgrader has no exchange on Windows"),
]
ROOT = Path(__file__).resolve().parents[2]
#: Two accounts that every Unix has; without root's rights both are the one who tests.
USERS = ("daemon", "nobody") if os.geteuid() == 0 else (pwd.getpwuid(os.geteuid()).pw_name,) * 2
TWO_USERS = pytest.mark.skipif(os.geteuid() != 0, reason="becoming two users takes root's rights")


@pytest.fixture
def hub():
    """A folder that every user can enter, with an exchange and two homes."""
    folder = Path(tempfile.mkdtemp(prefix="hub-"))
    folder.chmod(0o755)
    (folder / "exchange").mkdir()
    (folder / "exchange").chmod(0o777)
    for number, user in enumerate(USERS):
        home = folder / f"home{number}"
        home.mkdir(mode=0o700)
        (home / "nbgrader_config.py").write_text(
            f"c = get_config()\nc.Exchange.root = {str(folder / 'exchange')!r}\n"
            'c.CourseDirectory.course_id = "downhill"\n',
            encoding="utf-8",
        )
        if os.geteuid() == 0:
            account = pwd.getpwnam(user)
            for path in (home, home / "nbgrader_config.py"):
                os.chown(path, account.pw_uid, account.pw_gid)
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
def course(hub, tmp_path, monkeypatch):
    """The class of the hub; answers are judged in this process."""
    monkeypatch.setattr(grading, "run_jobs", classroom.run_here)
    monkeypatch.setattr(grading, "sandbox_for", lambda unsafe: Unsandboxed())
    exchange = json.dumps(str(hub / "exchange"))
    return change_settings(make_class(tmp_path), 'exchange = ""', f"exchange = {exchange}")


def as_user(hub, number, *commands) -> str:
    home = hub / f"home{number}"
    done = subprocess.run(
        [sys.executable, "-m", "tests.grading.one_user", USERS[number], home, json.dumps(commands)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout + done.stderr


@TWO_USERS
# nbgrader leaves a file open when it releases feedback.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_two_users_of_a_hub_from_fetching_to_feedback(hub, course):
    publish(course, NAME)
    closed = [str(hub / "exchange" / "downhill" / "inbound"), str(course.folder)]
    told = []
    for number, answers in enumerate((RIGHT, {**RIGHT, "mean-square": PARTLY})):
        commands = [
            ["list", "--course", "downhill"],
            ["fetch_assignment", NAME, "--course", "downhill"],
            ["answer", NAME, answers],
            ["submit", NAME, "--course", "downhill"],
            *(["names", path] for path in closed),
        ]
        told.append(as_user(hub, number, *commands))
    for text in told:
        assert f"downhill {NAME}" in text
        assert [f"not allowed: {path}" in text for path in closed] == [True, True]
    found = collect(course, NAME)
    assert (found.students, found.notes) == (USERS, ())
    rows = grade(course, NAME)
    assert [(row.student, row.mark.score) for row in rows] == [(USERS[0], 6.0), (USERS[1], 5.0)]
    assert write_pages(course, NAME) == (list(USERS), {})
    assert publish_feedback(course, NAME) == 2
    for number in (0, 1):
        as_user(hub, number, ["fetch_feedback", NAME, "--course", "downhill"])
        (page,) = (hub / f"home{number}" / NAME / "feedback").glob("*/*.html")
        assert USERS[number] in page.read_text(encoding="utf-8")
    assert collect(course, NAME).notes == ()
    assert {row.state for row in grade(course, NAME)} == {"unchanged"}


def inbound(hub):
    folder = hub / "exchange" / "downhill" / "inbound"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def stamp_of(**ago) -> str:
    """Return the time some time ago as nbgrader writes it."""
    return f"{datetime.now(UTC) - timedelta(**ago):%Y-%m-%d %H:%M:%S.%f} UTC"


def put(hub, course, student, *, stamp=None, owner=None):
    """Put a submission on the exchange by hand."""
    stamp = stamp or stamp_of()
    folder = inbound(hub) / f"{student}+{NAME}+{stamp}+x"
    folder.mkdir()
    source = course.at("release", NAME) / f"{NAME}.ipynb"
    (folder / f"{NAME}.ipynb").write_bytes(source.read_bytes())
    (folder / "timestamp.txt").write_text(stamp, encoding="utf-8")
    if owner and os.geteuid() == 0:
        os.chown(folder, pwd.getpwnam(owner).pw_uid, -1)
    return folder


@TWO_USERS
def test_a_folder_in_another_students_name_is_not_collected(hub, course):
    own = stamp_of(minutes=5)
    put(hub, course, "daemon", stamp=own, owner="daemon")
    put(hub, course, "daemon", stamp=stamp_of(minutes=1), owner="nobody")
    put(hub, course, "games", owner="nobody")
    found = collect(course, NAME)
    assert found.students == ("daemon",)
    assert len(found.notes) == 2
    assert all("belongs to nobody" in note for note in found.notes)
    stamp = course.at("submitted", "daemon", NAME) / "timestamp.txt"
    assert stamp.read_text(encoding="utf-8") == own


def test_odd_names_on_the_exchange_stop_nobody(hub, course):
    course = change_settings(course, "check_owner = true", "check_owner = false")
    put(hub, course, "ada")
    for name in (f"eve+{NAME}+soon+x", f"..+{NAME}+{stamp_of()}+x", f"+{NAME}+", f"a b+{NAME}+1+2"):
        (inbound(hub) / name).mkdir()
    found = collect(course, NAME)
    assert found.students == ("ada",)
    assert len(found.notes) == 3  # What begins with a dot is not seen at all.
    assert not (course.folder / NAME).exists()


def test_a_time_stamp_that_stops_nbgrader_is_told(hub, course):
    course = change_settings(course, "check_owner = true", "check_owner = false")
    put(hub, course, "ada")
    collect(course, NAME)
    stamp = course.at("submitted", "ada", NAME) / "timestamp.txt"
    stamp.write_text("soon", encoding="utf-8")
    with pytest.raises(CourseError, match=f"nbgrader stopped at {NAME}"):
        collect(course, NAME)


def test_a_time_that_lies_before_the_last_change_is_reported(hub, course):
    course = change_settings(course, "check_owner = true", "check_owner = false")
    put(hub, course, "ada")
    folder = put(hub, course, "bob", stamp=stamp_of(days=1))
    (folder / "timestamp.txt").write_text("2001-01-01 00:00:00 UTC", encoding="utf-8")
    (note,) = collect(course, NAME).notes
    assert "bob+" in note
    assert "but was changed at" in note
    stamp = course.at("submitted", "bob", NAME) / "timestamp.txt"
    assert not stamp.read_text(encoding="utf-8").startswith("2001")


def test_links_and_pipes_on_the_exchange_reach_nothing_and_stop_nobody(hub, course, tmp_path):
    course = change_settings(course, "check_owner = true", "check_owner = false")
    secret = tmp_path / "private.txt"
    secret.write_text("the instructor's", encoding="utf-8")
    ada = put(hub, course, "ada")
    (ada / "data.csv").symlink_to(secret)
    bob = put(hub, course, "bob")
    (bob / f"{NAME}.ipynb").unlink()
    (bob / f"{NAME}.ipynb").symlink_to(secret)
    eve = put(hub, course, "eve")
    os.mkfifo(eve / "pipe")
    (inbound(hub) / f"mal+{NAME}+{stamp_of()}+x").symlink_to(tmp_path)
    (inbound(hub) / f"mo+{NAME}+{stamp_of()}+x").symlink_to(tmp_path / "nowhere")
    put(hub, course, "zoe")
    found = collect(course, NAME)
    assert set(found.students) >= {"ada", "bob", "eve", "zoe"}
    files = [p for p in course.at("submitted").rglob("*") if p.is_file()]
    assert not [p for p in files if b"the instructor's" in p.read_bytes()]
    assert not [p for p in course.at("submitted").rglob("*") if p.is_symlink()]
    assert len(found.notes) >= 3
    states = {row.student: row.state for row in grade(course, NAME)}
    assert states["zoe"] == states["ada"] == states["eve"] == "graded"
    assert states["bob"] == "rejected"


def test_notebooks_without_number_are_not_brought_in(hub, course):
    course = change_settings(course, "check_owner = true", "check_owner = false")
    put(hub, course, "ada")
    eve = put(hub, course, "eve")
    for number in range(50):
        with open(eve / f"{number}.ipynb", "wb") as file:
            file.truncate(30 * 2**20)
    (note,) = collect(course, NAME).notes
    assert "eve+" in note
    assert "too many notebooks" in note
    assert course.at("submitted", "ada", NAME).is_dir()
    assert not course.at("submitted", "eve", NAME).exists()


def test_nbgraders_own_command_collects_as_carefully(course):
    assert course.config().ExchangeFactory.collect is CarefulCollect


def test_what_is_missing_is_named(course, tmp_path):
    without = change_settings(make_class(tmp_path / "other"), 'exchange = ""', 'exchange = ""')
    with pytest.raises(CourseError, match="the class has no exchange"):
        collect(without, NAME)
    elsewhere = change_settings(without, 'exchange = ""', 'exchange = "nowhere"')
    with pytest.raises(CourseError, match="there is no exchange"):
        publish(elsewhere, NAME)
    with pytest.raises(CourseError, match="refused"):
        collect(course, "other-assignment")
