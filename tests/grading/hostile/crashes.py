"""Code that crashes, hangs, or takes all there is: it loses its own points and nothing else."""

from __future__ import annotations

import io
import zipfile

from tests.grading.hostile.kinds import CodeKind
from tests.grading.hostile.master import POINTS

STEP_ONLY = (0.0, POINTS["step"])


def lost(name: str, code: str, status: str = "ok", **more) -> CodeKind:
    """Return a kind that loses the question about the mean."""
    return CodeKind(name, mean_square=code, status=status, scores=STEP_ONLY, **more)


def inside(body: str) -> str:
    """Return an answer whose function does something before it is right."""
    lines = "\n".join(f"    {line}" for line in body.splitlines())
    return f"def mean_square(values):\n{lines}\n    return float(np.mean(np.square(values)))"


def bomb() -> bytes:
    """Return a zip file of some kilobytes that unpacks to a hundred megabytes."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w", zipfile.ZIP_DEFLATED) as file:
        file.writestr("zeros", bytes(100 * 2**20))
    return stream.getvalue()


SPAWN = """
import os, threading, time
for _ in range(200):
    try:
        threading.Thread(target=time.sleep, args=(600,), daemon=True).start()
    except RuntimeError:
        break
"""
FORK = """
import os
while True:
    os.fork()
"""
FILL_THE_DISK = """
try:
    for i in range(1000):
        with open(f"/tmp/{i}", "wb") as file:
            file.write(bytes(3 * 2**20))
except OSError:
    pass
try:
    open("/tmp/one", "wb").write(bytes(2**26))
except OSError:
    pass
"""
UNZIP = """
import zipfile
try:
    zipfile.ZipFile("data/bomb.zip").extractall("/tmp/unpacked")
    print("@TOKEN@")
except OSError:
    pass
"""
TIME_BOMB = """
calls = 0
def mean_square(values):
    global calls
    calls += 1
    if calls == 3:
        import os
        os._exit(0)
    return float(np.mean(np.square(values)))
"""
IGNORE_SIGNALS = """
import signal
for number in range(1, 65):
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
while True:
    pass
"""
UGLY_ERROR = """
class Ugly(Exception):
    def __str__(self):
        while True:
            pass
def mean_square(values):
    raise Ugly
"""
UGLY_VALUE = """
class Ugly:
    def __repr__(self):
        raise SystemExit
    def __del__(self):
        raise SystemExit
    __eq__ = __hash__ = __len__ = __array__ = __repr__
def mean_square(values):
    return float(np.mean(np.square(values)))
Ugly()
"""

KINDS = [
    lost("os._exit in a cell", "import os\nos._exit(0)", "crashed"),
    lost("os._exit in a function", inside("import os\nos._exit(3)")),
    lost("a segmentation fault in a cell", "import ctypes\nctypes.string_at(0)", "crashed"),
    lost("a segmentation fault in a function", inside("import ctypes\nctypes.string_at(0)")),
    lost("abort", "import os\nos.abort()", "crashed"),
    lost("sys.exit in a cell", "import sys\nsys.exit('done')", "error"),
    lost("sys.exit in a function", inside("raise SystemExit(0)")),
    lost("KeyboardInterrupt in a function", inside("raise KeyboardInterrupt")),
    lost("a recursion without end", inside("return mean_square(values)")),
    lost(
        "a recursion that overflows the stack",
        "import sys\nsys.setrecursionlimit(10**9)\n"
        + inside("return sorted([1, 2], key=lambda _: mean_square(values))"),
    ),
    lost("a memory bomb", inside("kept = []\nwhile True:\n    kept.append(bytearray(10**8))")),
    lost("a terabyte at once", inside("np.ones(10**11)")),
    lost("a fork bomb", FORK, "error"),
    CodeKind("two hundred threads that wait", first=SPAWN),
    lost("a loop without end in a cell", "while True:\n    pass", "timeout"),
    lost("a loop without end in a function", inside("while True:\n    pass")),
    lost(
        "a loop in C that nothing interrupts",
        "import itertools\nsum(itertools.repeat(0))",
        "timeout",
    ),
    lost("a pattern that never matches", inside("import re\nre.match('(a+)+$', 'a' * 50 + 'b')")),
    lost("a power that takes hours", inside("len(str(3 ** 10**8))")),
    lost("all signals ignored, then a loop", IGNORE_SIGNALS, "timeout"),
    lost("sleep", inside("import time\ntime.sleep(600)")),
    lost("all descriptors closed", "import os\nos.closerange(0, 1000)", "crashed"),
    lost(
        "all processes killed",
        "import os\ntry:\n    os.kill(-1, 9)\nexcept OSError:\n    os.kill(os.getpid(), 9)",
        "crashed",
    ),
    CodeKind(
        "the parent killed, if it can be",
        first="import os\ntry:\n    os.kill(os.getppid(), 9)\nexcept OSError:\n    pass",
    ),
    CodeKind("a crash at the third call", mean_square=TIME_BOMB, scores=(3.0, 2.0)),
    CodeKind(
        "a crash after the work is done",
        first="import atexit, os\natexit.register(os.abort)",
    ),
    lost("a syntax error", "def mean_square(values) return 1", "error"),
    lost("an error in the first line", "undefined_name\n" + inside("pass"), "error"),
    lost("input is asked for", "n = int(input('how many? '))\n" + inside("pass"), "error"),
    lost("an exception that never says what it is", UGLY_ERROR),
    CodeKind("an object that raises wherever it is touched", mean_square=UGLY_VALUE),
    CodeKind("half a gigabyte of output", first="for _ in range(8):\n    print('x' * 2**26)"),
    CodeKind(
        "half a gigabyte of output past Python",
        first="import os\ntry:\n    while True:\n        os.write(1, bytes(2**20))\n"
        "except OSError:\n    pass",
    ),
    CodeKind("a flood of terminal sequences", first="print('\\x1b[2J\\x1b[31m\\x07' * 100_000)"),
    CodeKind("standard output closed", first="import sys\nsys.stdout.close()"),
    CodeKind("the disk filled", first=FILL_THE_DISK),
    CodeKind("a zip bomb unpacked", first=UNZIP, files={"data/bomb.zip": bomb()}),
    CodeKind(
        "a thousand figures",
        first="try:\n    import matplotlib.pyplot as plt\nexcept ImportError:\n    pass\nelse:\n"
        "    for _ in range(15):\n        plt.figure()",
    ),
    CodeKind("shell commands and magics", first="!rm -rf ~\n%matplotlib inline\n%load_ext sql"),
    CodeKind(
        "letters that turn the direction of writing",
        first="# \u202e)seulav(erauqs_naem fed\u2066\nx = '\u2067\u200b'",
    ),
]
