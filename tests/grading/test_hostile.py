"""Bad and hostile submissions, read and judged as a class's are, one after another.

Each has the points that it must earn, or the name under which it is rejected. After code that does
harm an honest submission is judged, which must earn all points.
"""

from __future__ import annotations

import os
import secrets
import shutil
import socket
from pathlib import Path

import pytest

import course_lib
from course_lib.grading.master import read_master
from course_lib.grading.workers import run_jobs
from tests.grading.hostile.files import FULL, FileKind, honest_notebook, write
from tests.grading.hostile.kinds import FOUND, World
from tests.grading.hostile.markup import assert_harmless
from tests.grading.hostile.master import NAME, SECRET, write_master
from tests.grading.hostile.running import ALL, CODE, Task, run
from tests.grading.sandboxes import needs_sandbox

pytestmark = needs_sandbox

HOME = Path.home() / "downhill-was-here"


@pytest.fixture(scope="module")
def listeners():
    """Sockets that nobody may reach: what came to them."""
    token = secrets.token_hex(12)
    tcp, udp = socket.socket(), socket.socket(type=socket.SOCK_DGRAM)
    abstract = socket.socket(socket.AF_UNIX)
    tcp.bind(("127.0.0.1", 0))
    port = tcp.getsockname()[1]
    udp.bind(("127.0.0.1", port))
    abstract.bind(f"\0downhill-{token}")
    for listener in (tcp, abstract):
        listener.listen()
    for listener in (tcp, udp, abstract):
        listener.setblocking(False)
    yield token, port, (tcp, udp, abstract)
    for listener in (tcp, udp, abstract):
        listener.close()


@pytest.fixture(scope="module")
def world(tmp_path_factory, listeners):
    folder = tmp_path_factory.mktemp("class")
    assignment = read_master(write_master(folder / "masters"))
    honest = folder / "submitted" / "honest" / NAME
    honest.mkdir(parents=True)
    write(honest, honest_notebook(assignment))
    token, port, _ = listeners
    (folder / "gradebook.db").write_text(f"marks {token}")
    # Where a careless installation would have it for everybody.
    os.chmod(folder, 0o755)
    os.chmod(folder / "gradebook.db", 0o666)
    os.environ["DOWNHILL_TEST_TOKEN"] = token
    yield World(assignment, folder, port, token, 20_001 + secrets.randbelow(9000))
    del os.environ["DOWNHILL_TEST_TOKEN"]
    # Some kinds are too large to be kept for the next three runs.
    shutil.rmtree(folder, ignore_errors=True)


def protected(world: World) -> dict[str, bytes]:
    """Return what must stay as it is."""
    kept = [path for path in (world.folder / "submitted" / "honest").rglob("*") if path.is_file()]
    kept += [world.folder / "gradebook.db", *(world.folder / "masters").rglob("*.ipynb")]
    return {str(path): path.read_bytes() for path in kept}


@pytest.fixture(scope="module")
def results(world):
    """What came of every kind: two at a time, as a grading run does it."""
    before = protected(world)
    tasks = [Task(world, number) for number in range(len(ALL))]
    done = {ALL[ended.job.number].name: ended for ended in run_jobs(run, tasks, workers=2)}
    assert protected(world) == before
    return done


@pytest.mark.parametrize("kind", ALL, ids=lambda kind: kind.name)
def test_a_kind(kind, results, world):
    done = results[kind.name]
    assert done.failure == ""
    result = done.value
    assert result.survivors == ()
    assert result.seconds < 40
    if isinstance(kind, FileKind):
        assert result.rejection == kind.rejection
        assert result.scores == (() if kind.rejection else tuple(kind.scores.values()))
    else:
        assert result.rejection == ""
        assert result.scores == kind.scores
        assert result.next_scores == tuple(FULL.values()), "the next submission"
        assert result.statuses["mean-square"] == kind.status
        assert result.statuses["setup"] == result.statuses["numbers"] == "ok"
        assert result.statuses["step"] == "ok"
    if result.page:
        assert_harmless(result.page)
        assert len(result.page) < 700_000
    for secret in (FOUND, str(SECRET), str(int(SECRET)), world.token):
        assert secret not in result.verdict
    # What stands on the page is what the student wrote, and none of the checks.
    for part in (str(SECRET), "default_rng", "reference.", "check.value"):
        assert part not in result.page


def test_there_are_as_many_kinds_as_promised():
    names = [kind.name for kind in ALL]
    assert len(names) == len(set(names)) >= 60
    assert [kind.name for kind in CODE if kind.known] == [
        "the argument damaged, and the worker told to hide it"
    ]


def test_nothing_outside_was_reached(results, listeners):
    token, _, sockets = listeners
    for listener in sockets:
        with pytest.raises(BlockingIOError):
            listener.accept() if listener.type == socket.SOCK_STREAM else listener.recv(1)
    assert not HOME.exists()
    for folder in ("/dev/shm", "/var/tmp", "/tmp"):
        assert not Path(folder, "downhill-was-here").exists()
        assert not Path(folder, "note-to-the-next").exists()
    assert token not in Path(course_lib.__file__).read_text(encoding="utf-8")
