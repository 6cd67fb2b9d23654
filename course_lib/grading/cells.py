"""Runs code cells of a notebook without a kernel: one namespace, outputs caught and capped.

Part of the program that runs inside the sandbox, so it leans on the standard library alone.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import io
import os
import re
import sys
import tempfile
from types import ModuleType
from typing import Any

#: Files of this name are the student's cells: errors name the cell and the line.
FILENAME = "cell {}"
CELL_MAGICS_THAT_RUN = ("time", "timeit", "capture", "prun")
PICTURES = 4
PICTURE_BYTES = 1 << 20
MESSAGE_CHARS = 500
NOTE_CHARS = 500
_MAGIC = re.compile(
    r"^(\s*)(?:\w[\w, ]*=\s*)?[%!].*$|^(\s*)\?{1,2}[\w.]+\s*$|^(\s*)[\w.]+\?{1,2}\s*$"
)


class Capped(io.BufferedIOBase):
    """A stream that keeps what is written first, and forgets the rest."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.kept = bytearray()
        self.lost = 0

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        data = memoryview(data).cast("B")
        room = max(0, self.limit - len(self.kept))
        self.kept += data[:room]
        self.lost += max(0, len(data) - room)
        return len(data)


class Captured:
    """Standard input and outputs while code of the student runs.

    Python's streams and the file descriptors below them are both caught, so that what C code or a
    child process prints is seen too. Descriptors write to a file without a name.

    Parameters
    ----------
    limit
        How many bytes to keep.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._file = tempfile.TemporaryFile()  # noqa: SIM115
        with contextlib.suppress(OSError):
            for descriptor in (1, 2):
                os.dup2(self._file.fileno(), descriptor)
        self.start()

    def start(self) -> None:
        """Begin anew; what was written before is forgotten."""
        self._stream = Capped(self.limit)
        text = io.TextIOWrapper(
            self._stream, "utf-8", errors="backslashreplace", write_through=True
        )
        sys.stdin, sys.stdout, sys.stderr = io.StringIO(), text, text
        self._rewind()

    def _rewind(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.ftruncate(self._file.fileno(), 0)
            os.lseek(self._file.fileno(), 0, os.SEEK_SET)

    def take(self) -> str:
        """Return what was written since the start, and begin anew."""
        kept, lost = bytes(self._stream.kept), self._stream.lost
        with contextlib.suppress(OSError, ValueError):
            size = os.fstat(self._file.fileno()).st_size
            os.lseek(self._file.fileno(), 0, os.SEEK_SET)
            room = max(0, self.limit - len(kept))
            kept += os.read(self._file.fileno(), min(room, size))
            lost += max(0, size - room)
        self.start()
        text = kept.decode("utf-8", "replace")
        return f"{text}\n[{lost} more bytes of output]" if lost else text


def shortened(text: str, limit: int) -> str:
    """Return a text of at most ``limit`` characters, with a note where it was cut."""
    return text if len(text) <= limit else text[:limit] + f"\n[{len(text) - limit} more characters]"


def shown(value: Any, limit: int) -> str:
    """Return what a notebook shows of a value, whatever its ``__repr__`` does."""
    try:
        return shortened(str.__str__(repr(value)), limit)
    except BaseException:
        return f"<{type(value).__name__} that cannot be shown>"


def without_magics(source: str) -> tuple[str, str]:
    """Return the source with lines that only IPython knows left out, and a note on them."""
    lines = source.split("\n")
    first = next((i for i, line in enumerate(lines) if line.strip()), 0)
    notes = []
    if lines[first].startswith("%%"):
        word = lines[first][2:].split(maxsplit=1)[0] if lines[first][2:].strip() else ""
        if word not in CELL_MAGICS_THAT_RUN:
            return "", f"[cell not run: %%{word}]\n"
        notes.append(lines[first].strip())
        lines[first] = ""
    for i, line in enumerate(lines):
        if _MAGIC.match(line):
            notes.append(line.strip())
            lines[i] = line[: len(line) - len(line.lstrip())] + "pass"
    return "\n".join(lines), "".join(f"[not run: {note[:200]}]\n" for note in notes)


def compiled(source: str, filename: str) -> tuple[Any, Any, str]:
    """Return the code of a cell, the code of its last expression or ``None``, and a note.

    Raises
    ------
    SyntaxError
        If it does not parse, with and without the lines that only IPython knows.
    """
    note = ""
    try:
        tree = ast.parse(source, filename)
    except SyntaxError as error:
        cleaned, note = without_magics(source)
        if not note:
            raise
        try:
            tree = ast.parse(cleaned, filename)
        except SyntaxError:
            raise error from None
    last = None
    if tree.body and isinstance(tree.body[-1], ast.Expr):
        expression = tree.body.pop()
        if not source.rstrip().endswith(";"):
            last = compile(ast.Expression(expression.value), filename, "eval", dont_inherit=True)
        else:
            tree.body.append(expression)
    return compile(tree, filename, "exec", dont_inherit=True), last, note


def described(error: BaseException) -> dict[str, Any]:
    """Return what is told of an exception: its type, message, and the place in the student's cell.

    Keys: ``type`` is the nearest built-in type, ``own`` the type's own name, ``message`` a short
    text, ``cell`` and ``line`` the innermost place in a cell, or ``None``.
    """
    kind = type(error)
    builtin = next((c.__name__ for c in kind.__mro__ if vars(builtins).get(c.__name__) is c), "")
    try:
        message = str.__str__(str(error))
    except BaseException:
        message = ""
    cell, line = None, None
    prefix = FILENAME.format("")
    if isinstance(error, SyntaxError) and str(error.filename).startswith(prefix):
        cell, line, message = error.filename[len(prefix) :], error.lineno, str(error.msg)
    trace = error.__traceback__
    while trace is not None:
        name = trace.tb_frame.f_code.co_filename
        if name.startswith(prefix):
            cell, line = name[len(prefix) :], trace.tb_lineno
        trace = trace.tb_next
    return {
        "type": builtin,
        "own": kind.__name__[:60],
        "message": message[:MESSAGE_CHARS],
        "cell": cell,
        "line": line,
    }


def pictures() -> list[bytes]:
    """Return the open figures of matplotlib as PNG, and close them."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is None:
        return []
    taken = []
    try:
        for number in plt.get_fignums()[:PICTURES]:
            stream = io.BytesIO()
            plt.figure(number).savefig(stream, format="png")
            if stream.tell() <= PICTURE_BYTES:
                taken.append(stream.getvalue())
    except BaseException as error:
        sys.stderr.write(f"[a figure could not be drawn: {type(error).__name__}]\n")
    close_figures()
    return taken


def close_figures() -> None:
    """Close all figures of matplotlib."""
    plt = sys.modules.get("matplotlib.pyplot")
    if plt is not None:
        with contextlib.suppress(Exception):
            plt.close("all")


class Notebook:
    """A namespace in which cells run one after another.

    Parameters
    ----------
    captured
        Where outputs go.
    limit
        How many characters of output or of a result to keep for each cell.
    """

    def __init__(self, captured: Captured, limit: int) -> None:
        self.captured = captured
        self.limit = limit
        module = ModuleType("__main__")
        sys.modules["__main__"] = module
        self.namespace: dict[str, Any] = module.__dict__
        builtins.display = lambda *values: print(*(shown(v, limit) for v in values), sep="\n")

    def run(self, name: str, source: str) -> dict[str, Any]:
        """Run a cell; return its status, output, result, error and pictures."""
        self.captured.start()
        result = error = None
        note = ""
        try:
            code, last, note = compiled(source, FILENAME.format(name))
            exec(code, self.namespace)
            if last is not None:
                value = eval(last, self.namespace)
                if value is not None:
                    result = shown(value, self.limit)
        except BaseException as caught:
            error = described(caught)
        sys.setrecursionlimit(max(sys.getrecursionlimit(), 1000))
        images = pictures()
        return {
            "error": error,
            "result": result,
            "stdout": shortened(note, NOTE_CHARS) + self.captured.take(),
            "images": images,
        }
