"""What a student is told about an answer that failed, in words that the student cannot choose.

A function under a hidden check can raise an exception whose type, message and line it picks by what
it was called with. So, unless the message may be seen, an error names a type of Python's own, a
line of the notebook, and nothing else.
"""

from __future__ import annotations

import builtins
from collections.abc import Mapping
from typing import Any

from course_lib.checks.errors import AnswerError
from course_lib.grading.plain import KINDS_OF_OBJECTS

MESSAGE_CHARS = 300


def clean_text(value: Any, limit: int) -> str:
    """Return at most ``limit`` characters of a text that can be written to a file."""
    if not isinstance(value, str):
        return ""
    return value[:limit].encode("utf-8", "replace").decode("utf-8")


def clean_line(value: Any) -> str:
    """Return a short text as one line of printable characters."""
    words = " ".join(clean_text(value, MESSAGE_CHARS).split())
    return "".join(letter for letter in words if letter.isprintable())


def exception_words(
    error: Any, lines: Mapping[str, int], *, reveal: bool, cell: str | None = None
) -> str:
    """Return type and place of an exception, as a worker described it.

    Parameters
    ----------
    error
        What `course_lib.grading.cells.described` returned on the other side, or anything.
    lines
        How many lines each cell has.
    reveal
        Whether the type's own name and the message may be told.
    cell
        The cell that is spoken of, which need not be named.
    """
    if not isinstance(error, dict):
        return ""
    own, builtin, message = error.get("own"), error.get("type"), error.get("message")
    if reveal and isinstance(own, str) and own.isidentifier():
        told = own[:60]
    else:
        known = getattr(builtins, builtin, None) if isinstance(builtin, str) else None
        is_error = isinstance(known, type) and issubclass(known, BaseException)
        told = known.__name__ if is_error else "an exception"
    if reveal and clean_line(message):
        told += f": {clean_line(message)}"
    where, line = error.get("cell"), error.get("line")
    length = lines.get(where, 0) if isinstance(where, str) else 0
    if type(line) is int and 1 <= line <= length:
        told += f" (line {line})" if where == cell else f" (line {line} of {where})"
    return told


def answer_error(
    name: str, verb: str, head: Mapping[str, Any], lines: Mapping[str, int], *, reveal: bool
) -> AnswerError:
    """Return the error for a request that a worker could not answer.

    Parameters
    ----------
    name
        The function or variable that was asked for.
    verb
        What it did instead: ``"returned"`` or ``"is"``.
    head
        What the worker said.
    lines
        How many lines each cell has.
    reveal
        Whether messages and names of types may be told.
    """
    kind = head.get("kind")
    if kind == "missing":
        return AnswerError("missing", f"{name} is not defined")
    if kind == "raised":
        words = exception_words(head, lines, reveal=reveal) or "an exception"
        return AnswerError("raised", f"{name} raised {words}")
    if kind == "too-large":
        return AnswerError("too-large", f"{name} {verb} more than an answer may hold")
    what = head.get("what")
    words = KINDS_OF_OBJECTS.get(what) if isinstance(what, str) else None
    if words is None and reveal and isinstance(what, str) and what.isidentifier():
        words = f"an object of type {what[:60]}"
    words = words or "an object of a type of its own"
    return AnswerError(
        "not-plain", f"{name} {verb} {words}; numbers, lists and arrays can be judged"
    )


def broken_off(kind: str, name: str, seconds: float, reason: str) -> str:
    """Return why a sandbox ended while it was asked something.

    Parameters
    ----------
    kind
        Of the `course_lib.grading.channel.ChannelError`.
    name
        What was asked for.
    seconds
        The time it had.
    reason
        Why it ended by itself, if that is known.
    """
    if kind == "timeout":
        return f"{name} was stopped: not done after {seconds:.3g} s"
    if kind == "too-large":
        return f"{name} answered with more than an answer may hold"
    if kind == "refused":
        return f"{name} was stopped: it meddled with the channel to the judge"
    return f"{name} ended Python" + (f": {reason}" if reason else "")
