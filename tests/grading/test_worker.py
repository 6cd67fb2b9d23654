"""The program inside the sandbox, run here in a thread, where its lines can be counted and seen."""

import builtins
import os
import socket
import sys
import threading
import time
from contextlib import suppress
from types import SimpleNamespace

import numpy as np
import pytest

from course_lib.checks.errors import AnswerError
from course_lib.grading.cells import Capped, compiled, described, shortened, shown, without_magics
from course_lib.grading.channel import Channel, ChannelError
from course_lib.grading.plain import answer_bounds
from course_lib.grading.sandbox import Unsandboxed
from course_lib.grading.session import CodeCell, StudentSession
from course_lib.grading.worker import FROM_JUDGE, Worker, main


class Threaded(Unsandboxed):
    """Starts workers in threads of this process."""

    def start(self, limits):
        bounds = answer_bounds(limits.answer_mib, limits.output_chars)
        ours, theirs = socket.socketpair()
        channel = Channel(theirs, FROM_JUDGE, bounds.text_bytes)
        worker = Worker(channel, bounds, limits.output_chars)

        def serve():
            with suppress(ChannelError):
                worker.serve()
            theirs.close()
            worker.captured._file.close()

        thread = threading.Thread(target=serve)
        thread.start()
        channel = Channel(ours, text_bytes=FROM_JUDGE.text_bytes)

        def kill():
            with suppress(OSError):
                ours.shutdown(socket.SHUT_RDWR)
            channel.close()
            thread.join(10)

        def wait_ready(seconds):
            head, _ = channel.receive(deadline=time.monotonic() + seconds)
            return "" if head["op"] == "ready" else head["op"]

        return SimpleNamespace(
            channel=channel, kill=kill, wait_ready=wait_ready, reason=lambda: "it fell"
        )


@pytest.fixture
def run(capfd, tmp_path, monkeypatch):
    """Run cells in a worker of this process, and give back what it takes over of it."""
    monkeypatch.chdir(tmp_path)
    descriptors = [(number, os.dup(number)) for number in (1, 2)]
    streams = sys.stdin, sys.stdout, sys.stderr
    main_module, known = sys.modules["__main__"], hasattr(builtins, "display")
    sessions = []

    def start(*sources, **options):
        cells = [CodeCell(f"q{number}", source) for number, source in enumerate(sources, 1)]
        sessions.append(StudentSession(cells, sandbox=Threaded(), **options))
        return sessions[-1]

    yield start
    for session in sessions:
        session.close()
    sys.stdin, sys.stdout, sys.stderr = streams
    sys.modules["__main__"] = main_module
    if not known:
        del builtins.display
    for number, kept in descriptors:
        os.dup2(kept, number)
        os.close(kept)


def test_cells_run_with_their_outputs(run):
    session = run(
        "import os\nprint('one')\nos.write(1, b'two')\n3",
        "%matplotlib inline\n1 / 0",
        "%%html\n<b>",
        "display([1], 2);",
        "def f(:",
        "raise SystemExit",
        "print('x' * 30_000)",
    )
    first, second, third, fourth, fifth, sixth, last = session.outcomes
    assert (first.stdout, first.result) == ("one\ntwo", "3")
    assert second.stdout == "[not run: %matplotlib inline]\n"
    assert second.error == "ZeroDivisionError: division by zero (line 2)"
    assert third.stdout == "[cell not run: %%html]\n"
    assert fourth.stdout == "[1]\n2\n"
    assert fifth.error == "SyntaxError: invalid syntax (line 1)"
    assert sixth.error == "SystemExit (line 1)"
    assert last.stdout.endswith("[10001 more bytes of output]")


def test_functions_answer(run):
    session = run(
        "import numpy as np\nvalue = 3\nnothing = None\n"
        "def double(x):\n    print(x)\n    return 2 * x\n"
        "def spoil(x, y=0):\n    x *= 0\n    return x\n"
        "def ask(f):\n    return [f(1), f([2])]\n"
        "def careful(f):\n    try: return f(-1)\n    except ValueError as e: return str(e)\n"
        "def careless(f): return f(object())\n"
        "def fails(x): raise KeyError(x)\n"
        "def odd(x): return {1: x}\n"
        "def much(): return np.zeros(5 * 10**6)\n"
        "class Ugly(list):\n    __class__ = property(lambda self: 1 / 0)\n"
        "def ugly(): return Ugly()\n"
        "def draw(rng): return rng.normal()\n"
    )
    assert session.call("double", (np.arange(3),)).tolist() == [0, 2, 4]
    assert session.changed_arguments == []
    assert session.call("spoil", (np.ones(2),)).tolist() == [0, 0]
    assert session.changed_arguments == [0]
    assert session.call("spoil", (), {"x": np.ones(2)}).tolist() == [0, 0]
    assert session.changed_arguments == ["x"]
    assert session.call("ask", (lambda x: x,)) == [1, [2]]
    assert repr(session.call("draw", (np.random.default_rng(3),))) == repr(
        np.random.default_rng(3).normal()
    )

    def picky(x):
        raise ValueError(f"no {x}")

    def own(x):
        raise type("Own", (Exception,), {})("also")

    assert session.call("careful", (picky,)) == "no -1"
    assert session.call("careful", (own,)) == "also"
    for name, arguments, kind in (
        ("absent", (), "missing"),
        ("nothing", (), "missing"),
        ("fails", (1,), "raised"),
        ("careless", (abs,), "raised"),
        ("odd", (1,), "not-plain"),
        ("much", (), "too-large"),
        ("ugly", (), "not-plain"),
    ):
        with pytest.raises(AnswerError) as caught:
            session.call(name, arguments)
        assert caught.value.kind == kind, name
    assert session.get("value") == 3
    assert [session.defined(name) for name in ("double", "value", "absent")] == [
        "function",
        "value",
        None,
    ]
    with pytest.raises(AnswerError, match="absent is not defined"):
        session.get("absent")


def test_files_lie_in_the_working_folder(run):
    files = {"data/a.txt": b"here", "b": b""}
    session = run("with open('data/a.txt') as f: print(f.read())", files=files)
    assert session.outcomes[0].stdout == "here\n"


def test_open_figures_are_taken(run):
    plt = pytest.importorskip("matplotlib.pyplot")
    plt.close("all")
    session = run(
        "import matplotlib.pyplot as plt\nplt.plot([1, 2]);",
        "def f():\n    plt.figure()\n    return 'done'",
    )
    (picture,) = session.outcomes[0].images
    assert picture.startswith(b"\x89PNG")
    assert session.call("f", ()) == "done"
    assert plt.get_fignums() == []


@pytest.mark.filterwarnings("ignore:unclosed file:ResourceWarning")
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_program_connects_where_it_is_told_to(run, monkeypatch):
    ended = threading.Event()
    monkeypatch.setattr(os, "_exit", lambda code: ended.set())
    monkeypatch.setattr(sys, "path", [*sys.path])
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}:secret"
        thread = threading.Thread(target=main, args=(["1", "1000", address],))
        thread.start()
        connection, _ = server.accept()
        connection.settimeout(20)
        assert connection.recv(6) == b"secret"
        channel = Channel(connection)
        assert channel.receive(deadline=time.monotonic() + 20)[0]["op"] == "ready"
        channel.send({"op": "cell", "id": "q", "source": "1 + 1", "token": "t"})
        head, _ = channel.receive(deadline=time.monotonic() + 20)
        assert (head["op"], head["token"], head["result"]) == ("outcome", "t", "2")
        channel.close()
    thread.join(20)
    assert ended.is_set()
    assert sys.path[-1] == os.getcwd()


def test_what_is_kept_of_a_stream_is_bounded():
    stream = Capped(5)
    assert stream.writable()
    assert [stream.write(b"abc"), stream.write(b"def")] == [3, 3]
    assert (bytes(stream.kept), stream.lost) == (b"abcde", 1)
    assert shortened("abcdef", 3) == "abc\n[3 more characters]"


def test_magics_are_left_out_where_python_does_not_read_them():
    assert without_magics("%%time\nx = 1") == ("\nx = 1", "[not run: %%time]\n")
    assert without_magics("%%\nx") == ("", "[cell not run: %%]\n")
    assert without_magics("if x:\n    !ls") == ("if x:\n    pass", "[not run: !ls]\n")
    with pytest.raises(SyntaxError):
        compiled("%time\ndef f(:", "cell q")


def test_an_exception_is_described_whatever_it_does():
    class Ugly(ValueError):
        def __str__(self):
            raise SystemExit

    told = described(Ugly())
    assert (told["type"], told["own"], told["message"]) == ("ValueError", "Ugly", "")
    assert (told["cell"], told["line"]) == (None, None)

    class Unseen:
        def __repr__(self):
            raise KeyboardInterrupt

    assert shown(Unseen(), 100) == "<Unseen that cannot be shown>"
