"""A student's notebook runs, answers, crashes, hangs and lies, and each has one known outcome."""

import time
from dataclasses import replace

import numpy as np
import pytest

from course_lib.checks.errors import AnswerError
from course_lib.grading.plain import NotPlainError
from course_lib.grading.sandbox import Sandbox, SandboxUnavailable, Unsandboxed
from course_lib.grading.session import CodeCell, Limits, StudentSession
from tests.grading.sandboxes import needs_sandbox

# Long enough for a busy machine, short enough for tests.
QUICK = Limits(seconds_a_cell=1.0, seconds_a_call=1.0, seconds_in_all=30.0)


@pytest.fixture(scope="module")
def sandbox():
    return Sandbox.find()


def run(sandbox, *sources, limits=None, **options):
    cells = [CodeCell(f"q{number}", source) for number, source in enumerate(sources, 1)]
    return StudentSession(cells, sandbox=sandbox, limits=limits, **options)


def failure(session, name, *args, **kwargs):
    with pytest.raises(AnswerError) as caught:
        session.call(name, args, kwargs)
    message = str(caught.value)
    assert len(message) < 500
    assert "\n" not in message
    return caught.value.kind, message


CELLS = {
    "import numpy as np\nx = 3": ("ok", "", None, None),
    "print('one')\nx + 1": ("ok", "one\n", "4", None),
    "x + 1;": ("ok", "", None, None),
    "None": ("ok", "", None, None),
    "'text'": ("ok", "", "'text'", None),
    "": ("ok", "", None, None),
    "y = 1\nz = 1 / 0\nw = 2": (
        "error",
        "",
        None,
        "ZeroDivisionError: division by zero (line 2)",
    ),
    "def f(:\n  pass": ("error", "", None, "SyntaxError: invalid syntax (line 1)"),
    "\n\nlater": ("error", "", None, "NameError: name 'later' is not defined (line 3)"),
    "def g():\n    raise KeyError('k')\n": ("ok", "", None, None),
    "print(1)\ng()": ("error", "1\n", None, "KeyError: 'k' (line 2 of q10)"),
    "%matplotlib inline\nx": ("ok", "[not run: %matplotlib inline]\n", "3", None),
    "if x:\n    !ls\nfiles = !ls\nx?": (
        "ok",
        "[not run: !ls]\n[not run: files = !ls]\n[not run: x?]\n",
        None,
        None,
    ),
    "%%time\nx": ("ok", "[not run: %%time]\n", "3", None),
    "%%bash\nrm -rf /": ("ok", "[cell not run: %%bash]\n", None, None),
    "%matplotlib inline\ndef": (
        "error",
        "",
        None,
        "SyntaxError: invalid syntax (line 1)",
    ),
    "input('?')": ("error", "?", None, "EOFError: EOF when reading a line (line 1)"),
    "display(x, 'y')": ("ok", "3\n'y'\n", None, None),
    "import sys; print('e', file=sys.stderr)": ("ok", "e\n", None, None),
    "sys.stdout.buffer.write(b'raw')": ("ok", "raw", "3", None),
    "import os; n = os.write(1, b'below')": ("ok", "below", None, None),
    "sys.exit(0)": ("error", "", None, "SystemExit: 0 (line 1)"),
    "raise KeyboardInterrupt": ("error", "", None, "KeyboardInterrupt (line 1)"),
    "def deep(n): return deep(n + 1)\ndeep(0)": (
        "error",
        "",
        None,
        "RecursionError: maximum recursion depth exceeded (line 1)",
    ),
    "class Sly:\n    def __repr__(self): 1 / 0\nSly()": (
        "ok",
        "",
        "<Sly that cannot be shown>",
        None,
    ),
    "class Sad(Exception):\n    def __str__(self): 1 / 0\nraise Sad": (
        "error",
        "",
        None,
        "Sad (line 3)",
    ),
    "a = ' ' * 10**13": ("error", "", None, "MemoryError (line 1)"),
    "print('\\ud800')": ("ok", "\\ud800\n", None, None),
    "import helper\nprint(open('data/a.csv').read(), helper.n)": ("ok", "1,2 5\n", None, None),
    "__name__": ("ok", "", "'__main__'", None),
}


@pytest.fixture(scope="module")
def outcomes(sandbox):
    files = {"data/a.csv": b"1,2", "helper.py": b"n = 5", "numpy.py": b"1 / 0"}
    with run(sandbox, *CELLS, files=files) as session:
        return session.outcomes


@needs_sandbox
class TestCells:
    @pytest.mark.parametrize("number", range(len(CELLS)), ids=lambda n: f"q{n + 1}")
    def test_have_the_outcome_that_a_notebook_shows(self, outcomes, number):
        status, stdout, result, error = list(CELLS.values())[number]
        outcome = outcomes[number]
        assert outcome.id == f"q{number + 1}"
        assert (outcome.status, outcome.stdout, outcome.result) == (status, stdout, result)
        assert outcome.error == error
        assert outcome.images == ()

    def test_figures_are_taken_as_pictures(self, sandbox):
        source = (
            "import matplotlib.pyplot as plt\n"
            "for i in range(6): plt.figure(figsize=(1, 1)); plt.plot([1, i])\nplt.show()"
        )
        with run(sandbox, source, "x = 1", limits=Limits(seconds_a_cell=30)) as session:
            first, second = session.outcomes
        assert first.error is None
        assert first.stdout == ""
        assert len(first.images) == 4
        assert {image[:4] for image in first.images} == {b"\x89PNG"}
        assert second.images == ()

    def test_outputs_are_cut(self, sandbox):
        limits = Limits(output_chars=1000)
        with run(
            sandbox,
            "for i in range(10**5): print(i)",
            "import os\nfor i in range(100): n = os.write(2, b'y' * 10**5)",
            "'z' * 10**7",
            "raise ValueError('m' * 10**6)",
            limits=limits,
        ) as session:
            printed, written, result, message = session.outcomes
        assert printed.stdout.startswith("0\n1\n2\n")
        assert "more bytes of output" in printed.stdout
        assert "[9999000 more bytes of output]" in written.stdout
        assert "[9999002 more characters]" not in result.stdout
        assert max(len(o.stdout) for o in session.outcomes) < 1200
        assert len(result.result) < 1200
        assert len(message.error) < 400

    def test_files_stay_in_the_working_folder(self, sandbox):
        for name in ("/etc/x", "../x", "a/../../x", "", "a\0b"):
            with pytest.raises(ValueError, match="must lie in the working folder"):
                run(sandbox, "1", files={name: b""})

    def test_a_file_that_is_too_large_is_missing_and_nothing_else(self, sandbox):
        files = {"large": bytes(2 << 20), "small": b"1"}
        with run(
            sandbox, "open('small').read()", limits=Limits(file_mib=1), files=files
        ) as session:
            assert session.outcomes[0].result == "'1'"


CRASHES = {
    "import os; os._exit(0)": ("crashed", "ended Python"),
    "import ctypes; ctypes.string_at(0)": ("crashed", "compiled code crashed"),
    "import os, signal; os.kill(os.getpid(), 9)": ("crashed", "it was killed"),
    "while True: pass": ("timeout", "not done after 1 s"),
    "import os\nos.closerange(0, 100)": ("crashed", "ended Python"),
}


@needs_sandbox
class TestCrashes:
    """Each of these cells loses itself and nothing else."""

    def test_the_cells_around_still_count(self, sandbox):
        sources = ["kept = [1]"]
        for source in CRASHES:
            sources += [f"before = {len(sources)}\n{source}", f"kept.append({len(sources)})"]
        with run(sandbox, *sources, "def f(x): return x + len(kept)", limits=QUICK) as session:
            for outcome, (status, words) in zip(
                session.outcomes[1::2], CRASHES.values(), strict=False
            ):
                assert outcome.status == status
                assert words in outcome.error
            assert {outcome.status for outcome in session.outcomes[2::2]} == {"ok"}
            assert session.get("kept") == [1, 1, 3, 5, 7, 9]
            assert session.call("f", (1,)) == 7
            assert session.defined("before") is None

    def test_a_recursion_without_end_in_compiled_code(self, sandbox):
        source = (
            "import sys\nsys.setrecursionlimit(10**9)\n"
            "class A:\n    def __repr__(self): return repr([self])\nx = repr(A())"
        )
        limits = replace(QUICK, seconds_a_cell=10.0, memory_mib=512)
        with run(sandbox, source, "y = 1", limits=limits) as session:
            assert session.outcomes[0].status in ("crashed", "error")
            assert session.get("y") == 1

    def test_what_is_left_running_does_not_matter(self, sandbox):
        source = (
            "import atexit, threading, gc, sys, time\n"
            "atexit.register(lambda: time.sleep(100))\n"
            "threading.Thread(target=lambda: time.sleep(100)).start()\n"
            "gc.disable()\nsys.setrecursionlimit(60)\nsys.settrace(lambda *a: None)\n"
            "def f(): return 1"
        )
        started = time.monotonic()
        with run(sandbox, source, "def g(): return f()", limits=QUICK) as session:
            assert session.call("g", ()) == 1
        assert time.monotonic() - started < 10

    def test_restarts_are_counted(self, sandbox):
        limits = replace(QUICK, restarts=2)
        crash = "import os; os._exit(1)"
        with run(sandbox, "x = 1", crash, crash, crash, "y = 1", limits=limits) as session:
            statuses = [outcome.status for outcome in session.outcomes]
            assert statuses == ["ok", "crashed", "crashed", "crashed", "skipped"]
            assert "number of restarts" in session.outcomes[-1].error
            with pytest.raises(AnswerError, match="too often") as caught:
                session.get("x")
            assert caught.value.kind == "crashed"

    def test_time_in_all_is_counted_and_some_is_kept_for_calls(self, sandbox):
        limits = Limits(seconds_a_cell=0.5, seconds_a_call=0.5, seconds_in_all=1.8)
        hang = "while True: pass"
        sources = ("def f(): return 1", hang, hang, hang, hang, "def hang():\n    while True: pass")
        with run(sandbox, *sources, limits=limits) as session:
            statuses = [outcome.status for outcome in session.outcomes]
            assert statuses == ["ok", "timeout", "timeout", "timeout", "skipped", "skipped"]
            assert "used up the time" in session.outcomes[-1].error
            assert session.call("f", ()) == 1
        with run(sandbox, sources[0], sources[-1], limits=limits) as session:
            while True:
                kind, message = failure(session, "hang")
                assert kind == "timeout"
                if "not called again" in message:
                    break
            assert session.call("f", ()) == 1

    def test_a_function_that_stops_the_sandbox_twice_is_not_called_again(self, sandbox):
        source = (
            "import os\ndef die(): print('seen'); os._exit(3)\ndef hang():\n    while True: pass\n"
            "def well(x): return x"
        )
        with run(sandbox, source, limits=replace(QUICK, seconds_a_call=0.5)) as session:
            assert failure(session, "die") == ("crashed", "die ended Python")
            assert failure(session, "hang") == ("timeout", "hang was stopped: not done after 0.5 s")
            assert session.call("well", (1,)) == 1
            failure(session, "die")
            started = time.monotonic()
            assert failure(session, "die") == (
                "crashed",
                "die was stopped 2 times: not called again",
            )
            assert time.monotonic() - started < 0.1
            assert session.call("well", (2,)) == 2
            assert [outcome.stdout for outcome in session.outcomes] == [""]


FUNCTIONS = """
import numpy as np
import threading, warnings
def double(x): return 2 * x
def spoil(x, y=None, *, z=None):
    x[0] = 99
    if z is not None: z[:] = 0
    return x.sum()
def draw(rng): return rng.normal(size=3)
def descend(slope, x, steps):
    for _ in range(steps): x = x - 0.1 * slope(x)
    return x
def careful(f):
    try: return f(-1)
    except ValueError as error: return str(error)
def careless(f): return f(object())
def hand(f, length, times):
    x = np.zeros(length)
    try:
        for _ in range(times): f(x)
    except ValueError as error:
        return str(error)
    return 'done'
def texts(length, others): return ['x' * length] + [''] * others
def fails(x): raise ValueError(f'got {x}')
class Own(ArithmeticError): pass
def fails_of_its_own(x): raise type('Secret' + str(x), (Own,), {})(f'got {x}')
def exits(): raise SystemExit
def generator(): yield 1
async def coroutine(): return 1
def function(): return double
def thing(): return type('Secret', (), {})()
def objects(): return np.array([[1], [1, 2]], dtype=object)
def large(): return np.zeros(5 * 2**20)
def broadcast(): return np.broadcast_to(0.0, (10**9, 10**9))
def long(): return list(range(200_000))
def wide(): return [0.1234567890123] * 99_000 + ['x' * 10**6] * 3
def hungry(): return np.ones(2**40)
def circle():
    a = []; a.append(a); return a
def loud(x): print('seen', x); import sys; print('seen', x, file=sys.stderr); return 0
class Sly:
    def __getattribute__(self, name): raise RuntimeError('hidden')
    __slots__ = ()
def sly(): return Sly()
seen = []
def keeps(x): seen.append(x); return len(seen)
value, nothing = 3.5, None
def mutual(f, n): return f(f(n))
"""


@pytest.fixture(scope="module")
def session(sandbox):
    with run(sandbox, FUNCTIONS, limits=Limits(answer_mib=8)) as session:
        yield session
        assert session._starts_left == Limits().restarts, "none of these may end the sandbox"


@needs_sandbox
class TestCalls:
    def test_take_and_return_plain_data(self, session):
        assert session.call("double", (3,)) == 6
        assert session.call("double", ("a",)) == "aa"
        assert session.call("double", ([1, (2,)],)) == [1, (2,), 1, (2,)]
        came = session.call("double", (np.float32(1.5),))
        assert type(came) is np.float32
        array = np.arange(6, dtype=np.float32).reshape(2, 3)
        came = session.call("double", (), {"x": array})
        assert came.dtype == np.float32
        np.testing.assert_array_equal(came, 2 * array)
        assert np.isnan(session.call("double", (float("nan"),)))

    def test_say_which_arguments_they_changed(self, session):
        x, y = np.ones(3), np.ones(3)
        assert session.call("spoil", (x, y), {"z": np.ones(2)}) == 101
        assert session.changed_arguments == [0, "z"]
        assert x.tolist() == [1, 1, 1]
        session.call("double", (x,))
        assert session.changed_arguments == []

    def test_that_leave_nan_alone_do_not_change_it(self, session):
        for same in (float("nan"), np.array([np.nan]), [float("nan")]):
            session.call("keeps", (same,))
            assert session.changed_arguments == []

    def test_get_arguments_of_their_own(self, session):
        x = np.zeros(2)
        session.call("keeps", (x,))
        session.call("spoil", (x,))
        assert x.tolist() == [0, 0]

    def test_draw_from_the_generator_they_are_given(self, session):
        expected = np.random.default_rng(7).normal(size=3)
        np.testing.assert_array_equal(session.call("draw", (np.random.default_rng(7),)), expected)

    def test_call_the_functions_they_are_given(self, session):
        asked = []

        def slope(x):
            asked.append(x)
            return 2 * x

        came = session.call("descend", (slope, np.array([1.0, -1.0]), 5))
        np.testing.assert_allclose(came, np.array([1.0, -1.0]) * 0.8**5)
        assert session.calls_back == len(asked) == 5
        assert asked[0].tolist() == [1, -1]
        assert session.call("mutual", (lambda n: n + 1, 1)) == 3
        session.call("double", (1,))
        assert session.calls_back == 0

    def test_see_what_these_functions_raise(self, session):
        def picky(x):
            raise ValueError(f"no {x}")

        assert session.call("careful", (picky,)) == "no -1"

        def own(x):
            raise type("Own", (Exception,), {})("also")

        assert session.call("careful", (own,)) == "also"

    def test_are_told_when_an_answer_is_too_long_to_be_sent(self, session):
        assert "bytes of text" in session.call("careful", (lambda x: "\0" * (2 << 20),))
        assert "more than" in session.call("careful", (lambda x: [1] * 200_000,))
        assert session.call("double", (1,)) == 2

    def test_may_hand_these_functions_only_so_much(self, session):
        kept = []
        assert session.call("hand", (kept.append, 130_000, 1)) == "done"
        assert session.call("hand", (kept.append, 140_000, 1)) == "arrays of more than 1024 KiB"
        assert [array.size for array in kept] == [130_000]

    def test_may_not_answer_with_long_texts(self, session):
        # As an array, each text would take the room of the longest.
        assert session.call("texts", (1000, 3)) == ["x" * 1000, "", "", ""]
        assert failure(session, "texts", 1001, 3)[0] == "too-large"

    def test_may_not_hand_these_functions_what_is_not_plain(self, session):
        kind, message = failure(session, "careless", abs)
        assert kind == "raised"
        assert "TypeError" in message
        assert session.calls_back == 0

    def test_that_are_handed_what_is_not_plain_are_mistakes_of_the_check(self, session):
        with pytest.raises(NotPlainError):
            session.call("double", ({1, 2},))
        assert session.call("double", (1,)) == 2

    @pytest.mark.parametrize(
        ("name", "kind", "words"),
        [
            ("absent", "missing", "absent is not defined"),
            ("nothing", "missing", "nothing is not defined"),
            ("value", "raised", "value raised TypeError"),
            ("exits", "raised", "exits raised SystemExit"),
            ("double", "raised", "double raised TypeError"),
            ("generator", "not-plain", "returned a generator"),
            ("coroutine", "not-plain", "returned a coroutine"),
            ("function", "not-plain", "returned a function"),
            ("thing", "not-plain", "returned an object of a type of its own"),
            ("sly", "not-plain", "returned an object of a type of its own"),
            ("objects", "not-plain", "returned an array of objects"),
            ("large", "too-large", "more than an answer may hold"),
            ("broadcast", "too-large", "more than an answer may hold"),
            ("long", "too-large", "more than an answer may hold"),
            ("wide", "too-large", "more than an answer may hold"),
            ("circle", "too-large", "more than an answer may hold"),
            ("hungry", "raised", "hungry raised MemoryError"),
        ],
    )
    def test_that_do_not_answer_say_why(self, session, name, kind, words):
        came, message = failure(session, name)
        assert came == kind
        assert words in message

    def test_hide_what_an_exception_says_unless_told_otherwise(self, session):
        line = FUNCTIONS.split("\n").index("def fails(x): raise ValueError(f'got {x}')") + 1
        assert failure(session, "fails", 12345) == (
            "raised",
            f"fails raised ValueError (line {line} of q1)",
        )
        message = failure(session, "fails_of_its_own", 12345)[1]
        assert "12345" not in message
        assert "ArithmeticError" in message
        session.reveal_messages = True
        try:
            assert "ValueError: got 12345 (line" in failure(session, "fails", 12345)[1]
            assert "Secret12345: got 12345 (line" in failure(session, "fails_of_its_own", 12345)[1]
            assert "an object of type Secret" in failure(session, "thing")[1]
        finally:
            session.reveal_messages = False

    def test_print_to_nobody(self, session):
        before = list(session.outcomes)
        assert session.call("loud", (12345,)) == 0
        assert session.outcomes == before
        assert "12345" not in repr(session.outcomes)

    def test_names_are_known_by_kind(self, session):
        kinds = [
            session.defined(name) for name in ("double", "value", "nothing", "absent", "print")
        ]
        assert kinds == ["function", "value", "value", None, None]

    def test_values_are_fetched(self, session):
        assert session.get("value") == 3.5
        assert session.get("nothing") is None
        for name, kind in (("absent", "missing"), ("double", "not-plain"), ("np", "not-plain")):
            with pytest.raises(AnswerError) as caught:
                session.get(name)
            assert caught.value.kind == kind


FORGERY = """
import gc, json, os, struct
def channel():
    # Let this be as easy for the student's code as can be.
    for thing in gc.get_objects():
        if type(thing).__name__ == 'Worker': return thing
def frame(head, body=b''):
    text = json.dumps(head).encode()
    return struct.pack('>4sIQ', b'dhf1', len(text), len(body)) + text + body
def put(data):
    os.write(channel().channel._socket.fileno(), data)
def early(x):
    put(frame({'op': 'value', 'token': channel().token, 'value': 1, 'buffers': []}))
    return 2
def old(x):
    put(frame({'op': 'value', 'token': 'x', 'value': 1, 'buffers': []}))
def garbage(x): put(b'garbage' * 100)
def announces(x): put(struct.pack('>4sIQ', b'dhf1', 2**32 - 1, 2**60))
def asks(x):
    put(frame({'op': 'ask', 'token': channel().token, 'function': 7, 'args': ['t', []],
        'kwargs': ['d', []], 'buffers': []}))
def lies(x):
    put(frame({'op': 'failure', 'token': channel().token, 'kind': 'raised', 'type': '<b>',
        'own': '<script>', 'message': '<i>\\n', 'cell': 'hidden', 'line': 10**9, 'buffers': []}))
def odd(x):
    put(frame({'op': 'failure', 'token': channel().token, 'kind': {'a': 1}, 'what': ['x'],
        'buffers': []}))
def pickled(x):
    put(frame({'op': 'value', 'token': channel().token, 'value': ['p', 'posix', 'system'],
        'buffers': []}))
def copied(x):
    os.fork(); return x
"""


@needs_sandbox
class TestForgery:
    @pytest.mark.parametrize(
        ("name", "kind"),
        [
            ("old", "refused"),
            ("garbage", "refused"),
            ("announces", "too-large"),
            ("asks", "refused"),
            ("odd", "not-plain"),
            ("pickled", "refused"),
        ],
    )
    def test_forged_frames_are_refused_and_cost_others_nothing(self, sandbox, name, kind):
        with run(sandbox, FORGERY, "def well(x): return x", limits=QUICK) as session:
            assert failure(session, name, 5)[0] == kind
            if name == "odd":
                # It was a failure like any other, and the worker's own answer is still on its way.
                assert failure(session, "well", 6)[0] == "refused"
            assert session.call("well", (6,)) == 6

    def test_an_answer_sent_ahead_is_only_an_answer(self, sandbox):
        with run(sandbox, FORGERY, "def well(x): return x", limits=QUICK) as session:
            assert session.call("early", (5,)) == 1
            assert failure(session, "well", 6)[0] == "refused"
            assert session.call("well", (6,)) == 6

    def test_lies_about_an_exception_are_not_repeated(self, sandbox):
        with run(sandbox, FORGERY, limits=QUICK) as session:
            assert failure(session, "lies", 5) == ("raised", "lies raised an exception")
            session.reveal_messages = True
            assert failure(session, "early", 5)[0] == "refused"
            assert failure(session, "lies", 5) == ("raised", "lies raised an exception: <i>")

    def test_a_copy_of_the_worker_does_not_answer(self, sandbox):
        open_to_forks = replace(sandbox, filtered=False)
        with run(open_to_forks, FORGERY, "def well(x): return x", limits=QUICK) as session:
            assert session.call("copied", (5,)) == 5
            assert session.call("well", (6,)) == 6


class TestArguments:
    def test_there_is_no_session_without_a_choice(self):
        for wrong in (None, "bwrap", Sandbox):
            with pytest.raises(TypeError, match="sandbox must be a Sandbox or, on purpose"):
                run(wrong, "x = 1")

    def test_a_sandbox_that_does_not_start_is_nobodys_fault(self, tmp_path):
        broken = tmp_path / "bwrap"
        broken.write_text("#!/bin/sh\necho 'bwrap: no room' >&2\nexit 1\n")
        broken.chmod(0o755)
        with pytest.raises(SandboxUnavailable, match="did not start: bwrap: no room"):
            run(Sandbox(str(broken)), "x = 1")


@pytest.mark.parametrize("by_port", [False, True])
def test_without_a_sandbox_the_same_worker_runs(by_port):
    crash = "import os; os._exit(3)"
    with run(Unsandboxed(by_port=by_port), FUNCTIONS, crash, "x = 2") as session:
        assert [outcome.status for outcome in session.outcomes] == ["ok", "crashed", "ok"]
        assert session.call("descend", (lambda x: x, 1.0, 1)) == 0.9
        assert session.get("x") == 2


@needs_sandbox
def test_given_functions_are_called_only_so_often(sandbox):
    hand = "import numpy as np\ndef hand(f):\n    while True: f(np.zeros(8000))"
    kept = []
    with run(sandbox, hand) as session:
        kind, message = failure(session, "hand", kept.append)
    assert kind == "too-large"
    assert "more than" in message
    assert 900 < len(kept) < 1100


@needs_sandbox
def test_a_session_takes_less_than_a_second(sandbox):
    """Ten calls; the least of some runs, for others may use the machine."""
    seconds = []
    for _ in range(3):
        started = time.perf_counter()
        with run(sandbox, "import numpy as np", "def f(x): return x.sum()") as session:
            for _ in range(10):
                session.call("f", (np.ones(100),))
        seconds.append(time.perf_counter() - started)
    assert min(seconds) < 1.0
