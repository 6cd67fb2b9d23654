"""Where the outcomes of checks go: to the page, or into a judge's record."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class CheckResult:
    """The outcome of one check.

    Attributes
    ----------
    name : str
        What was checked.
    weight : float
        Its share in the points of the question.
    passed : bool
        Whether the answer was right.
    hint : str
        What is likely wrong, empty where nothing is.
    needs_others : bool
        Whether it earns nothing alone: a function that does nothing would pass it.
    """

    name: str
    weight: float
    passed: bool
    hint: str = ""
    needs_others: bool = False


@dataclass
class Recorder:
    """Collects outcomes, and knows what a hint may tell.

    Attributes
    ----------
    results : list of CheckResult
        What came out so far.
    hidden : bool
        Whether the learner does not see the checks that run now. Hints then hold no value.
    mistakes : sequence of (str, callable)
        The hints of likely mistakes, and what makes a mistaken function or value of a given name,
        or raises `LookupError`.
    """

    results: list[CheckResult] = field(default_factory=list)
    hidden: bool = False
    mistakes: Sequence[tuple[str, Callable[[str], Any]]] = ()

    def mistaken(self, name: str) -> Iterator[tuple[str, Any]]:
        """Yield the hint of every known mistake with the function or value it leads to."""
        for hint, make in self.mistakes:
            try:
                yield hint, make(name)
            except LookupError:
                continue


_CURRENT: ContextVar[Recorder | None] = ContextVar("course_lib_recorder", default=None)


def current_recorder() -> Recorder | None:
    """Return the judge's recorder, or None where outcomes are printed."""
    return _CURRENT.get()


@contextmanager
def recording(recorder: Recorder) -> Iterator[Recorder]:
    """Send the outcomes of checks to a recorder instead of the page."""
    token = _CURRENT.set(recorder)
    try:
        yield recorder
    finally:
        _CURRENT.reset(token)
