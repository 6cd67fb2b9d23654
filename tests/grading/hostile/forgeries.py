"""Code that would rather be believed than be right."""

from __future__ import annotations

from tests.grading.hostile.crashes import STEP_ONLY
from tests.grading.hostile.kinds import CodeKind
from tests.grading.hostile.master import POINTS

MEAN_ONLY = (POINTS["mean-square"], 0.0)
WRONG = "def mean_square(values):\n    return {}"


def forged(name: str, code: str, scores=STEP_ONLY, **more) -> CodeKind:
    """Return a kind with a wrong answer to the question about the mean."""
    return CodeKind(name, mean_square=code, scores=scores, **more)


WORKER = """
import gc
worker = next(thing for thing in gc.get_objects() if type(thing).__name__ == "Worker")
"""
FRAMES_TO_ALL = """
import json, os, struct
head = json.dumps({"op": "value", "token": "", "value": 5.0, "buffers": []}).encode()
frame = b"dhf1" + struct.pack(">IQ", len(head), 0) + head
for descriptor in range(3, 64):
    try:
        os.write(descriptor, frame * 10)
    except OSError:
        pass
def mean_square(values):
    return 5.0
"""
SENT_AHEAD = (
    WORKER
    + """
def mean_square(values):
    worker.send("value", value=5.0)
    worker.send("value", value=5.0)
    return 5.0
"""
)
IMPOSSIBLE_ARRAY = (
    WORKER
    + """
type(worker).answer = lambda self, value, **head: self.send(
    "value", [b"1"], value=["a", "<f8", [1 << 39, 1 << 39], 0]
)
def mean_square(values):
    return 0.0
"""
)
HUGE_FRAME = (
    WORKER
    + """
import os
def mean_square(values):
    connection = worker.channel._socket
    connection.sendall(b"dhf1" + b"\\xff" * 12)
    while True:
        connection.sendall(bytes(2**16))
"""
)
DRIP = (
    WORKER
    + """
import time
def mean_square(values):
    while True:
        worker.channel._socket.sendall(b"d")
        time.sleep(0.01)
"""
)
NOT_OUR_KIND = (
    WORKER
    + """
import json, struct
def mean_square(values):
    head = json.dumps({"op": "value", "token": worker.token, "buffers": [],
                       "value": ["f", 0]}).encode()
    worker.channel._socket.sendall(b"dhf1" + struct.pack(">IQ", len(head), 0) + head)
    return 0.0
"""
)
DEEP_JSON = (
    WORKER
    + """
import struct
def mean_square(values):
    head = b'{"op":"value","token":' + b"[" * 200_000 + b"]" * 200_000 + b"}"
    worker.channel._socket.sendall(b"dhf1" + struct.pack(">IQ", len(head), 0) + head)
    return 0.0
"""
)
FALSE_CALLBACKS = (
    WORKER
    + """
def mean_square(values):
    for number in (-1, 0, 10**9, "0", None):
        worker.send("ask", function=number, args=["t", []], kwargs=["d", []])
    return 0.0
"""
)
CALLBACK_FLOOD = """
def step(gradient, point, size):
    while True:
        gradient(point)
"""
CALLBACK_RUBBISH = """
def step(gradient, point, size):
    for rubbish in ("x" * 10**5, [1] * 1000, None, 10**300, np.zeros(10**5), {"a": 1}, -1j):
        try:
            gradient(rubbish)
        except Exception:
            pass
    for call in (lambda: gradient(), lambda: gradient(1, 2, 3), lambda: gradient(w=object())):
        try:
            call()
        except Exception:
            pass
    return point - size * gradient(point)
"""
CALLBACK_HOARD = """
import numpy as np
def step(gradient, point, size):
    big = np.zeros(8000)
    while True:
        try:
            gradient(big)
        except Exception:
            pass
"""
CALLBACK_SWELL = """
import numpy as np
def step(gradient, point, size):
    for swollen in (np.zeros((1 << 16, 1, 1), bool), np.zeros(10**7), [[0] * 70] * 70, "x" * 10**6):
        try:
            gradient(swollen)
        except Exception:
            pass
    return point - size * gradient(point)
"""
PATCH_NUMPY = """
for name in ("allclose", "array_equal", "isclose"):
    setattr(np, name, lambda *a, **k: True)
np.testing.assert_allclose = lambda *a, **k: None
def mean_square(values):
    return 0.0
"""
PATCH_CODEC = """
import json
from course_lib.grading import channel, plain
channel.encode = plain.encode = lambda values, *a, **k: (["l", [5.0 for _ in values]], [])
json.dumps = lambda *a, **k: '{"passed": true}'
def mean_square(values):
    return 0.0
"""
PATCH_CHECKS = """
import course_lib.checks.checker, course_lib.checks.diagnosis
from course_lib.checks import Checker, check
course_lib.checks.checker.compare = course_lib.checks.diagnosis.compare = lambda *a, **k: None
for name in ("value", "same", "gradient", "number", "_report"):
    setattr(Checker, name, lambda *a, **k: print("✓ passed"))
check = reference = numbers = None
def mean_square(values):
    return 0.0
"""
PATCH_BUILTINS = """
import builtins
builtins.abs = builtins.max = builtins.len = lambda *a, **k: 0
builtins.AssertionError = type("AssertionError", (Exception,), {})
def mean_square(values):
    return 0.0
"""
POISON_MODULES = """
import sys, types
for name in ("numpy", "course_lib", "course_lib.checks", "json", "struct"):
    sys.modules[name] = types.ModuleType(name)
def mean_square(values):
    return 0.0
"""
ALWAYS_EQUAL = """
class Yes:
    __eq__ = __ge__ = __le__ = lambda self, other: True
    __ne__ = __gt__ = __lt__ = lambda self, other: False
    __float__ = lambda self: 5.0
    __array__ = lambda self, *a, **k: np.array(5.0)
    __getattr__ = lambda self, name: self
    __call__ = lambda self, *a, **k: self
    __hash__ = None
def mean_square(values):
    return Yes()
"""
SUBCLASS_OF_FLOAT = """
class Yes(float):
    __eq__ = __ge__ = __le__ = lambda self, other: True
    __sub__ = __rsub__ = lambda self, other: 0.0
def mean_square(values):
    return Yes(-1.0)
"""
SUBCLASS_OF_ARRAY = """
class Yes(np.ndarray):
    __eq__ = lambda self, other: True
    __array_ufunc__ = lambda self, *a, **k: True
    tobytes = lambda self: b"12345678"
    astype = lambda self, *a, **k: self
def mean_square(values):
    return np.array(-1.0).view(Yes)
"""
PICKLE = """
class Bomb:
    def __reduce__(self):
        return print, ("LEAKED: unpickled by the judge",)
def mean_square(values):
    return Bomb()
"""
RIGHT_ONCE = """
calls = 0
def mean_square(values):
    global calls
    calls += 1
    return float(np.mean(np.square(values))) if calls == 1 else 0.0
"""
DAMAGE = """
def mean_square(values):
    answer = float(np.mean(np.square(values)))
    values *= 0
    return answer
"""
HIDDEN_DAMAGE = WORKER + "type(worker).written = lambda *a: {}\n" + DAMAGE

KINDS = [
    forged("frames written to every descriptor", FRAMES_TO_ALL, status="crashed"),
    # The first answer is the one that was asked for, and five is right there.
    forged("answers sent ahead", SENT_AHEAD, (1.0, 2.0)),
    forged("arrays larger than the machine as all answers", IMPOSSIBLE_ARRAY, (0.0, 0.0)),
    forged("a frame of 2**64 bytes", HUGE_FRAME),
    forged("a frame that drips", DRIP),
    forged("a value of a kind that is the judge's own", NOT_OUR_KIND),
    forged("JSON two hundred thousand deep in a frame", DEEP_JSON),
    forged("calls of functions that were never given", FALSE_CALLBACKS),
    CodeKind("a given function called without end", step=CALLBACK_FLOOD, scores=MEAN_ONLY),
    CodeKind("a given function called with rubbish", step=CALLBACK_RUBBISH),
    CodeKind("a given function fed until it is full", step=CALLBACK_HOARD, scores=MEAN_ONLY),
    CodeKind("a given function fed with what swells", step=CALLBACK_SWELL),
    forged("comparisons of numpy replaced", PATCH_NUMPY),
    forged("the codec replaced", PATCH_CODEC, status="crashed"),
    forged("the checks replaced", PATCH_CHECKS),
    forged("built-in functions replaced", PATCH_BUILTINS, status="crashed"),
    forged("modules replaced", POISON_MODULES),
    forged("an answer equal to everything", ALWAYS_EQUAL),
    forged("a float equal to everything", SUBCLASS_OF_FLOAT),
    forged("an array equal to everything", SUBCLASS_OF_ARRAY),
    forged("an answer that unpickles", PICKLE),
    forged("NaN", WRONG.format("np.nan")),
    forged("infinity", WRONG.format("np.inf")),
    forged("None", WRONG.format("None")),
    forged("a text", WRONG.format("str(np.mean(np.square(values)))")),
    forged(
        "texts that fill the memory as an array", WRONG.format("['x' * 10**6] + ['y'] * 90_000")
    ),
    forged("a text of a megabyte", WRONG.format("'x' * 2**20")),
    forged("rows that get longer", WRONG.format("[[0.0] * n for n in range(300)]")),
    forged("a list of arrays of other types", WRONG.format("[np.zeros(3, t) for t in '?bHefdD']")),
    forged("a number of a thousand bits", WRONG.format("2**1023")),
    forged("a dict in place of a number", WRONG.format("{'expected': 5.0}")),
    forged("a number that is smaller than any", WRONG.format("5e-324")),
    forged("big-endian bytes", WRONG.format("np.array(-5.0, '>f8')")),
    forged("an array with no room and 32 axes", WRONG.format("np.zeros((0,) * 32)")),
    forged("many candidates at once", WRONG.format("np.linspace(0, 100, 1001)")),
    forged("a broadcast array of a terabyte", WRONG.format("np.broadcast_to(5.0, (10**11,))")),
    forged("an array of 400 MB", WRONG.format("np.zeros(5 * 10**7)")),
    forged("an array of objects", WRONG.format("np.array([object()])")),
    forged("a masked array", WRONG.format("np.ma.masked")),
    forged("a number of a million digits", WRONG.format("10**10**6")),
    forged("a list that holds itself", "loop = []\nloop.append(loop)\n" + WRONG.format("loop")),
    forged("a list a thousand deep", WRONG.format("eval('[' * 90 + ']' * 90)")),
    forged("a million values in a list", WRONG.format("[5.0] * 10**6")),
    forged("a generator", "def mean_square(values):\n    yield 5.0"),
    forged("a coroutine", "async def mean_square(values):\n    return 5.0"),
    forged("a function that returns itself", WRONG.format("mean_square")),
    forged("a number instead of a function", "mean_square = 5.0"),
    CodeKind(
        "the judge's own function as the answer",
        step="def step(gradient, point, size):\n    return gradient",
        scores=MEAN_ONLY,
    ),
    # The case by hand, and that the argument is kept.
    forged("the shown example for every input", WRONG.format("5.0"), (2.0, 2.0)),
    forged("right at the first call only", RIGHT_ONCE, (2.0, 2.0)),
    forged("the argument damaged", DAMAGE, (3.0, 2.0)),
    forged(
        "the argument damaged, and the worker told to hide it",
        HIDDEN_DAMAGE,
        (4.0, 2.0),
        known="only the worker sees what became of the arguments, and it can be made to lie",
    ),
    forged(
        "a class in place of a function",
        """
class mean_square:
    def __new__(cls, values):
        return float(np.mean(np.square(values)))
""",
        (4.0, 2.0),
    ),
    forged(
        "one number as an array of one",
        WRONG.format("np.atleast_2d(np.mean(np.square(values)))"),
        (4.0, 2.0),
    ),
]
