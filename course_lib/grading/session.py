"""A student's notebook at work in a sandbox: cells run, functions called, crashes survived.

The session is the trusted side of the channel. Whatever comes from the other side is a stranger's:
it is read with bounds and deadlines, and compared with what was asked.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from course_lib.checks.errors import AnswerError
from course_lib.grading.cells import PICTURE_BYTES, PICTURES
from course_lib.grading.channel import ChannelError, pack, unpack
from course_lib.grading.plain import FROM_CALLBACK, Bounds, TooLargeError, answer_bounds
from course_lib.grading.process import WorkerProcess
from course_lib.grading.sandbox import (
    Limits,
    Sandbox,
    SandboxUnavailable,
    Unsandboxed,
    checked_files,
)
from course_lib.grading.wording import answer_error, broken_off, clean_text, exception_words

__all__ = ["CellOutcome", "CodeCell", "Limits", "StudentSession"]

START_SECONDS = 30.0
# A function that ended the sandbox this often is not called again: it would use up the time and the
# restarts of the other questions.
STRIKES = 2
# What cells may use of the time in all: the rest is for calls.
SHARE_OF_CELLS = 2 / 3
PNG = b"\x89PNG\r\n\x1a\n"
# What the judge hands over is its own; these bounds keep a mistake of a check cell small.
TO_STUDENT = Bounds(array_bytes=128 << 20)
# What one call may hand to the judge's functions, which may keep it, and what a frame counts for.
CALLBACK_BYTES, CALLBACK_LEAST = 64 << 20, 500


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
        Contents of files for the working folder, by their path from there.

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
    ValueError
        If a file would not lie in the working folder.
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
        self._callback_bytes = 0
        self._cells = list(cells)
        self._lines = {cell.id: cell.source.count("\n") + 1 for cell in self._cells}
        self._limits = limits or Limits()
        self._bounds = answer_bounds(self._limits.answer_mib, self._limits.output_chars)
        self._sandbox = sandbox
        self._files = checked_files(files or {})
        self._worker: WorkerProcess | None = None
        self._starts_left = self._limits.restarts + 1
        self._seconds_left = self._limits.seconds_in_all
        self._left_out: set[int] = set()
        self._stops: dict[str, list[str]] = {}
        try:
            self._run_all()
        except BaseException:
            self.close()
            raise

    def __enter__(self) -> StudentSession:
        return self

    def __exit__(self, *raised: object) -> None:
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
        head, buffers = self._ask(name, {"op": "get", "name": name}, [], "value")
        return self._value(name, "is", head, buffers)

    def call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any] | None = None) -> Any:
        """Return what a function of the student's returns.

        Parameters
        ----------
        name
            The function's.
        args, kwargs
            Plain data, random generators, and functions, which the student's code calls as it
            likes: they run here, on plain data that it made. They must take any such data in
            bounded time; what they raise is raised in the student's code.

        Raises
        ------
        AnswerError
            If it is missing, raises, is too slow, crashes, or returns what is not plain data.
        course_lib.grading.plain.NotPlainError, course_lib.grading.plain.TooLargeError
            If an argument cannot be handed over: a mistake of the check.
        """
        self.changed_arguments, self.calls_back, self._callback_bytes = (), 0, 0
        kwargs = dict(kwargs or {})
        functions: list[Callable] = []
        trees, buffers = pack({"args": list(args), "kwargs": kwargs}, TO_STUDENT, functions)
        request = {"op": "call", "name": name, **trees}
        head, answered = self._ask(name, request, buffers, "value", functions)
        changed = head.get("changed")
        if isinstance(changed, list):
            places = [*range(len(args)), *kwargs]
            said = {place for place in changed if type(place) in (int, str)}
            self.changed_arguments = [place for place in places if place in said]
        return self._value(name, "returned", head, answered)

    def _run_all(self) -> None:
        self._seconds_left *= SHARE_OF_CELLS
        for index, cell in enumerate(self._cells):
            if self._ready(index):
                self.outcomes.append(self._run(index))
                continue
            self._left_out.add(index)
            why = "time" if self._seconds_left <= 0 else "number of restarts"
            why = f"not run: cells before it used up the {why} of the notebook"
            self.outcomes.append(CellOutcome(cell.id, "skipped", error=why))
        self._seconds_left += self._limits.seconds_in_all * (1 - SHARE_OF_CELLS)

    def _run(self, index: int) -> CellOutcome:
        cell = self._cells[index]
        request = {"op": "cell", "id": cell.id, "source": cell.source}
        had = min(self._limits.seconds_a_cell, self._seconds_left)
        try:
            head, images = self._exchange(request, [], "outcome", self._limits.seconds_a_cell)
        except _BrokenOff as error:
            status = "timeout" if error.kind == "timeout" else "crashed"
            # A cell that was well before is not to blame if the time in all ends within it.
            if status == "crashed" or self._seconds_left > 0 or index == len(self.outcomes):
                self._left_out.add(index)
            why = broken_off(error.kind, "it", had, error.reason)
            return CellOutcome(cell.id, status, error=why)
        told = exception_words(head.get("error"), self._lines, reveal=True, cell=cell.id)
        # The worker has cut it, and added a note on that.
        limit = self._limits.output_chars + 1000
        result = head.get("result")
        return CellOutcome(
            cell.id,
            "error" if told else "ok",
            clean_text(head.get("stdout"), limit),
            clean_text(result, limit) if isinstance(result, str) else None,
            told or None,
            tuple(
                bytes(image)
                for image in images[:PICTURES]
                if len(image) <= PICTURE_BYTES and bytes(image[: len(PNG)]) == PNG
            ),
        )

    def _ready(self, upto: int) -> bool:
        """Make sure that a sandbox runs in which the cells before ``upto`` were run."""
        while self._worker is None:
            if self._starts_left <= 0 or self._seconds_left <= 0:
                return False
            self._starts_left -= 1
            self._start()
            for index in range(upto):
                if index not in self._left_out and self._worker is not None:
                    self._run(index)
        return self._seconds_left > 0

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

    def _ask(
        self, name: str, request: dict, buffers: list, expected: str, functions: Sequence = ()
    ) -> tuple[dict, list]:
        stops = self._stops.setdefault(name, [])
        if len(stops) >= STRIKES:
            raise AnswerError(stops[-1], f"{name} was stopped {STRIKES} times: not called again")
        if not self._ready(len(self._cells)):
            if self._seconds_left <= 0:
                raise AnswerError("timeout", "the time for the whole notebook is used up")
            raise AnswerError("crashed", "the notebook ended Python too often to go on")
        had = min(self._limits.seconds_a_call, self._seconds_left)
        try:
            return self._exchange(
                request, buffers, expected, self._limits.seconds_a_call, functions
            )
        except _BrokenOff as error:
            kind = "crashed" if error.kind == "closed" else error.kind
            stops.append(kind)
            raise AnswerError(kind, broken_off(error.kind, name, had, error.reason)) from None

    def _exchange(
        self,
        request: dict,
        buffers: list,
        expected: str,
        seconds: float,
        functions: Sequence[Callable] = (),
    ) -> tuple[dict, list]:
        """Send a request and return the answer; end the sandbox if none comes that fits."""
        # An answer must name the question, so none can be sent ahead.
        token = secrets.token_hex(8)
        started = time.monotonic()
        deadline = started + min(seconds, self._seconds_left)
        worker = self._worker
        answered = False
        try:
            worker.channel.send({**request, "token": token}, buffers, deadline=deadline)
            while True:
                head, got = worker.channel.receive(deadline=deadline)
                if head.get("token") != token:
                    raise ChannelError("refused", "an answer to what was not asked")
                if head["op"] in (expected, "failure"):
                    answered = True
                    return head, got
                if head["op"] != "ask" or not functions:
                    raise ChannelError("refused", "an answer of another kind")
                self._call_back(worker, head, got, functions, deadline)
        except ChannelError as error:
            reason = worker.reason() if error.kind == "closed" else ""
            raise _BrokenOff(error.kind, reason) from None
        finally:
            self._seconds_left -= time.monotonic() - started
            if not answered:
                self.close()

    def _call_back(
        self,
        worker: WorkerProcess,
        head: dict,
        buffers: list,
        functions: Sequence[Callable],
        deadline: float,
    ) -> None:
        number = head.get("function")
        if type(number) is not int or not 0 <= number < len(functions):
            raise ChannelError("refused", "a call of a function that was not handed over")
        args, kwargs = unpack(head, ("args", "kwargs"), buffers, FROM_CALLBACK)
        if not isinstance(args, tuple) or not isinstance(kwargs, dict):
            raise ChannelError("refused", "a call without arguments")
        self.calls_back += 1
        self._callback_bytes += CALLBACK_LEAST + sum(buffer.nbytes for buffer in buffers)
        if self._callback_bytes > CALLBACK_BYTES:
            raise ChannelError("too-large", "more calls of a given function than can be kept")
        try:
            value = functions[number](*args, **kwargs)
            # What it was given may have made it too large to send.
            trees, answered = pack({"value": value}, TO_STUDENT)
        except Exception as error:
            answer, answered = _raised(error), []
        else:
            answer = {"op": "value", **trees}
        try:
            worker.channel.send(answer, answered, deadline=deadline)
        except TooLargeError as error:
            # As JSON, a text can be longer than it was counted.
            worker.channel.send(_raised(ValueError(str(error))), deadline=deadline)

    def _value(self, name: str, verb: str, head: dict, buffers: list) -> Any:
        if head["op"] != "value":
            raise answer_error(name, verb, head, self._lines, reveal=self.reveal_messages)
        try:
            return unpack(head, ("value",), buffers, self._bounds)[0]
        except ChannelError as error:
            # No worker writes this: someone else did.
            self.close()
            self._stops[name].append(error.kind)
            raise AnswerError(error.kind, broken_off(error.kind, name, 0.0, "")) from None


class _BrokenOff(Exception):
    """The sandbox was ended, or ended, before it answered."""

    def __init__(self, kind: str, reason: str) -> None:
        super().__init__(kind)
        self.kind = kind
        self.reason = reason


def _raised(error: Exception) -> dict[str, str]:
    message = clean_text(str(error), 300)
    return {"op": "raised", "type": type(error).__name__, "message": message}
