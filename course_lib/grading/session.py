"""A student's notebook at work in a sandbox: cells run, functions called, crashes survived.

The session is the trusted side of the channel. Whatever comes from the other side is a stranger's:
it is read with bounds and deadlines, compared with what was asked, and put into words that the
stranger cannot choose, unless the judge allows messages to be shown.
"""

from __future__ import annotations

import builtins
import secrets
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any

from course_lib.checks.errors import AnswerError
from course_lib.grading.channel import ChannelError, pack, unpack
from course_lib.grading.plain import KINDS_OF_OBJECTS, Bounds, NotPlainError, TooLargeError
from course_lib.grading.process import WorkerProcess
from course_lib.grading.sandbox import Limits, Sandbox, SandboxUnavailable, Unsandboxed

__all__ = ["CellOutcome", "CodeCell", "Limits", "StudentSession"]

START_SECONDS = 30.0
# A function that ended the sandbox this often is not called again, so that it does not use up the
# time and the restarts of the other questions.
STRIKES = 2
# What cells may use of the time in all: the rest is for calls.
SHARE_OF_CELLS = 2 / 3
PNG = b"\x89PNG\r\n\x1a\n"
PICTURES, PICTURE_BYTES = 4, 1 << 20
# What the judge hands over is its own, so these only keep mistakes of a check cell small.
TO_STUDENT = Bounds(text_bytes=4 << 20, array_bytes=128 << 20, parts=100_000)
# Points at which the student's code asks for a value of the judge's function.
FROM_CALLBACK = Bounds(array_bytes=8 << 20, parts=20_000)


@dataclass(frozen=True)
class CodeCell:
    """A cell of a student's notebook.

    Attributes
    ----------
    id : str
        The name that errors use for it.
    source : str
        Its code.
    """

    id: str
    source: str


@dataclass(frozen=True)
class CellOutcome:
    """What running a cell gave. All texts are a stranger's.

    Attributes
    ----------
    id : str
        The cell's.
    status : str
        ``"ok"``, ``"error"``, ``"crashed"``, ``"timeout"`` or ``"skipped"``.
    stdout : str
        What it printed.
    result : str or None
        How the last expression is shown.
    error : str or None
        What was raised and in which line, or why it did not run to its end.
    images : tuple of bytes
        PNG of the figures it left open.
    """

    id: str
    status: str
    stdout: str = ""
    result: str | None = None
    error: str | None = None
    images: tuple[bytes, ...] = ()


class StudentSession:
    """Runs a student's cells in a sandbox and calls their functions from outside.

    A cell or call that crashes or hangs ends the sandbox; a new one runs all cells again but those
    that did so.

    Parameters
    ----------
    cells
        The code, in order.
    limits
        What may be used.
    sandbox
        Where it runs.
    files
        Names and contents of files for the working folder.

    Attributes
    ----------
    outcomes : list of CellOutcome
        One a cell, of its first run.
    reveal_messages : bool
        Whether errors repeat the message of an exception. A message can hold what the function was
        called with, so this is for checks that students see.
    changed_arguments : sequence of int or str
        Places or names of the arguments that the last call changed.
    calls_back : int
        How often the last call called functions among its arguments.

    Raises
    ------
    SandboxUnavailable
        If the sandbox does not start.
    TypeError
        If ``sandbox`` is neither a `Sandbox` nor an `Unsandboxed`.
    """

    def __init__(
        self,
        cells: Sequence[CodeCell],
        *,
        limits: Limits | None = None,
        sandbox: Sandbox | Unsandboxed,
        files: Mapping[str, bytes] | None = None,
    ) -> None:
        if not isinstance(sandbox, Sandbox | Unsandboxed):
            raise TypeError(
                f"sandbox must be a Sandbox or, on purpose, Unsandboxed(), got {sandbox!r}"
            )
        self.outcomes: list[CellOutcome] = []
        self.reveal_messages = False
        self.changed_arguments: Sequence[int | str] = ()
        self.calls_back = 0
        self._cells = list(cells)
        self._lines = {cell.id: cell.source.count("\n") + 1 for cell in self._cells}
        self._limits = limits or Limits()
        self._bounds = Bounds(
            text_bytes=max(2 << 20, 30 * self._limits.output_chars),
            array_bytes=self._limits.answer_mib << 20,
        )
        self._sandbox = sandbox
        self._files = dict(files or {})
        self._worker: WorkerProcess | None = None
        self._starts_left = self._limits.restarts + 1
        self._seconds_left = self._limits.seconds_in_all
        self._left_out: set[int] = set()
        self._strikes: Counter[str] = Counter()
        self._kinds: dict[str, str] = {}
        try:
            self._run_all()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> StudentSession:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """End the sandbox and every process in it."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.kill()

    def defined(self, name: str) -> str | None:
        """Return ``"function"`` or ``"value"``, or ``None`` where the name is not defined."""
        head, _ = self._ask(name, {"op": "defined", "name": name}, [], "kind")
        kind = head.get("kind")
        return kind if kind in ("function", "value") else None

    def get(self, name: str) -> Any:
        """Return the value of a variable.

        Raises
        ------
        AnswerError
            If there is none, or it is not plain data.
        """
        return self._answer(name, "is", *self._ask(name, {"op": "get", "name": name}, [], "value"))

    def call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
        """Return what a function of the student's returns.

        Parameters
        ----------
        name
            The function's.
        args, kwargs
            Plain data, random generators, and functions, which the student's code calls as it
            likes: they run here, on plain data that it made.

        Raises
        ------
        AnswerError
            If it is missing, raises, is too slow, crashes, or returns what is not plain data.
        TypeError
            If an argument cannot be handed over.
        """
        self.changed_arguments, self.calls_back = (), 0
        kwargs = dict(kwargs or {})
        functions: list[Callable] = []
        trees, buffers = pack({"args": list(args), "kwargs": kwargs}, TO_STUDENT, functions)
        head, answered = self._ask(
            name, {"op": "call", "name": name, **trees}, buffers, "value", functions
        )
        value = self._answer(name, "returned", head, answered)
        changed = head.get("changed")
        if isinstance(changed, list):
            known = [*range(len(args)), *kwargs]
            self.changed_arguments = [
                place
                for place in known
                if any(place == c and type(place) is type(c) for c in changed)
            ]
        return value

    # Cells.

    def _run_all(self) -> None:
        self._seconds_left *= SHARE_OF_CELLS
        for index, cell in enumerate(self._cells):
            if self._seconds_left <= 0 or not self._ready(index):
                used_up = "time" if self._seconds_left <= 0 else "restarts"
                why = f"not run: the notebook's {used_up} are used up by cells before"
                why = why.replace("time are", "time is")
                self.outcomes.append(CellOutcome(cell.id, "skipped", error=why))
                self._left_out.add(index)
            else:
                self.outcomes.append(self._run(index))
        self._seconds_left += self._limits.seconds_in_all * (1 - SHARE_OF_CELLS)

    def _run(self, index: int) -> CellOutcome:
        cell = self._cells[index]
        request = {"op": "cell", "id": cell.id, "source": cell.source}
        try:
            head, images = self._exchange(request, [], "outcome", self._limits.seconds_a_cell)
        except ChannelError as error:
            self._left_out.add(index)
            status = "timeout" if error.kind == "timeout" else "crashed"
            return CellOutcome(cell.id, status, error=self._story(error, "it"))
        result = head.get("result")
        error = self._told(head.get("error"), True, cell.id)
        return CellOutcome(
            cell.id,
            "error" if error else "ok",
            _text(head.get("stdout"), self._limits.output_chars + 100),
            _text(result, self._limits.output_chars + 100) if isinstance(result, str) else None,
            error or None,
            tuple(
                bytes(image)
                for image in images[:PICTURES]
                if len(image) <= PICTURE_BYTES and bytes(image[: len(PNG)]) == PNG
            ),
        )

    def _ready(self, upto: int) -> bool:
        """Make sure that a sandbox runs in which the cells before ``upto`` were run."""
        while self._worker is None:
            if self._starts_left <= 0:
                return False
            self._starts_left -= 1
            self._start()
            for index in range(upto):
                if index not in self._left_out:
                    self._run(index)
                    if self._worker is None:
                        break
        return True

    def _start(self) -> None:
        worker = self._sandbox.start(self._limits)
        complaint = worker.wait_ready(START_SECONDS)
        if complaint:
            worker.kill()
            raise SandboxUnavailable(f"the sandbox did not start: {complaint}")
        worker.channel.bounds = self._bounds
        self._worker = worker
        if self._files:
            request = {"op": "files", "names": list(self._files)}
            self._exchange(request, list(self._files.values()), "done", START_SECONDS)

    # Requests.

    def _ask(
        self, name: str, request: dict, buffers: list, expected: str, functions: Sequence = ()
    ) -> tuple[dict, list]:
        if self._strikes[name] >= STRIKES:
            raise AnswerError(
                self._kinds[name], f"{name} was stopped {STRIKES} times and is not called again"
            )
        if self._seconds_left <= 0:
            raise AnswerError("timeout", "the time for the whole notebook is used up")
        if not self._ready(len(self._cells)):
            raise AnswerError("crashed", "the notebook ended Python too often to go on")
        seconds = self._limits.seconds_a_call
        try:
            return self._exchange(request, buffers, expected, seconds, functions)
        except ChannelError as error:
            kind = {"closed": "crashed"}.get(error.kind, error.kind)
            self._strikes[name] += 1
            self._kinds[name] = kind
            raise AnswerError(kind, self._story(error, name)) from None

    def _exchange(
        self,
        request: dict,
        buffers: list,
        expected: str,
        seconds: float,
        functions: Sequence[Callable] = (),
    ) -> tuple[dict, list]:
        """Send a request and return the answer; end the sandbox if none comes that fits."""
        token = secrets.token_hex(8)
        started = time.monotonic()
        deadline = started + min(seconds, max(self._seconds_left, 0.0))
        self._deadline_was = min(seconds, self._seconds_left)
        channel = self._worker.channel
        answered = False
        try:
            channel.send({**request, "token": token}, buffers, deadline=deadline)
            while True:
                head, got = channel.receive(deadline=deadline)
                if head.get("token") != token:
                    raise ChannelError("refused", "an answer to what was not asked")
                if head["op"] in (expected, "failure"):
                    answered = True
                    return head, got
                if head["op"] != "ask" or not functions:
                    raise ChannelError("refused", "an answer of another kind")
                self._call_back(head, got, functions, deadline)
        except ChannelError as error:
            if error.kind == "closed":
                self._reason = self._worker.reason()
            raise
        finally:
            self._seconds_left -= time.monotonic() - started
            if not answered:
                self.close()

    def _call_back(
        self, head: dict, buffers: list, functions: Sequence[Callable], deadline: float
    ) -> None:
        number = head.get("function")
        if type(number) is not int or not 0 <= number < len(functions):
            raise ChannelError("refused", "a call of a function that was not handed over")
        args, kwargs = unpack(head, ("args", "kwargs"), buffers, FROM_CALLBACK)
        if not isinstance(args, tuple) or not isinstance(kwargs, dict):
            raise ChannelError("refused", "a call without arguments")
        self.calls_back += 1
        answer, answered = {}, []
        try:
            trees, answered = pack({"value": functions[number](*args, **kwargs)}, TO_STUDENT)
            answer = {"op": "value", **trees}
        except Exception as error:
            answer = {"op": "raised", "type": type(error).__name__, "message": str(error)[:300]}
        self._worker.channel.send(answer, answered, deadline=deadline)

    # Answers, and words for what went wrong.

    def _answer(self, name: str, verb: str, head: dict, buffers: list) -> Any:
        if head["op"] == "value":
            try:
                return unpack(head, ("value",), buffers, self._bounds)[0]
            except ChannelError as error:
                raise AnswerError(error.kind, f"{name} {verb} what is not plain data") from None
        kind = head.get("kind")
        if kind == "missing":
            raise AnswerError("missing", f"{name} is not defined")
        if kind == "raised":
            raise AnswerError("raised", f"{name} raised {self._told(head, self.reveal_messages)}")
        if kind == "too-large":
            raise AnswerError("too-large", f"{name} {verb} more than an answer may hold")
        what = head.get("what")
        words = KINDS_OF_OBJECTS.get(what) if isinstance(what, str) else None
        if words is None and self.reveal_messages and isinstance(what, str) and what.isidentifier():
            words = f"an object of type {what[:60]}"
        words = words or "an object of a type of its own"
        raise AnswerError(
            "not-plain", f"{name} {verb} {words}; plain numbers or arrays can be read"
        )

    def _told(self, error: Any, reveal: bool, cell: str | None = None) -> str:
        if not isinstance(error, dict):
            return ""
        own, builtin, message = error.get("own"), error.get("type"), error.get("message")
        if reveal and isinstance(own, str) and own.isidentifier():
            told = own[:60]
        else:
            known = getattr(builtins, builtin, None) if isinstance(builtin, str) else None
            is_error = isinstance(known, type) and issubclass(known, BaseException)
            told = known.__name__ if is_error else "an exception"
        if reveal and isinstance(message, str) and message.strip():
            told += f": {_line(message)}"
        where, line = error.get("cell"), error.get("line")
        lines = self._lines.get(where, 0) if isinstance(where, str) else 0
        if type(line) is int and 1 <= line <= lines:
            told += f" (line {line})" if where == cell else f" (line {line} of {where})"
        return told

    def _story(self, error: ChannelError, name: str) -> str:
        if error.kind == "timeout":
            return f"{name} was stopped: not done after {self._deadline_was:.3g} s"
        if error.kind == "too-large":
            return f"{name} answered with more than an answer may hold"
        if error.kind == "refused":
            return f"{name} was stopped: it meddled with the channel to the judge"
        return f"{name} ended Python" + (f": {self._reason}" if self._reason else "")


def _text(value: Any, limit: int) -> str:
    if not isinstance(value, str):
        return ""
    return value[:limit].encode("utf-8", "replace").decode("utf-8")


def _line(message: str) -> str:
    words = " ".join(_text(message, 300).split())
    return "".join(letter for letter in words if letter.isprintable())


# Raised by `StudentSession.call` for arguments that a check must not hand over.
ARGUMENT_ERRORS = (NotPlainError, TooLargeError)
