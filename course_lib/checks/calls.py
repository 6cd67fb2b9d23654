"""How checks call what they check, and what they make of the answers."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from course_lib.checks.diagnosis import Tolerance, compare
from course_lib.checks.errors import AnswerError
from course_lib.checks.parts import PartOf
from course_lib.checks.recorder import current_recorder
from course_lib.gradient_check import directional_quotient

#: How much of an answer is shown beside the true one.
SHOWN_CHARACTERS = 500
_PROMISED = "__course_lib_answer__"


def answer_of(function: Callable, arguments: Sequence[Any]) -> Any:
    """Return the answer to copies of the arguments."""
    return call(function, copy.deepcopy(tuple(arguments)))


def call(function: Callable, arguments: Sequence[Any]) -> Any:
    """Return the answer, or raise an `AnswerError` whatever the function raises."""
    if not callable(function):
        raise AnswerError("missing", f"a function is expected, got {type(function).__name__}")
    try:
        return function(*arguments)
    except AnswerError:
        raise
    except Exception as error:
        raise AnswerError(
            "raised", f"the function raised {type(error).__name__}: {error}"
        ) from error


def fetched(value: Any) -> Any:
    """Return a value, fetching it first where it lies in another process."""
    fetch = getattr(value, _PROMISED, None)
    return fetch() if fetch is not None else value


def known_mistake(
    function: Callable, arguments: Sequence[Any], answer: Any, tolerance: Tolerance
) -> str | None:
    """Return the hint of the likely mistake that gives the same answer, if one does."""
    recorder = current_recorder()
    name = getattr(function, "__name__", "")
    if recorder is None or not name or _is_zero(answer):
        return None
    for hint, mistaken in recorder.mistaken(name):
        try:
            with np.errstate(all="ignore"):
                wrong = mistaken(*copy.deepcopy(tuple(arguments)))
            if isinstance(function, PartOf):
                wrong = function.taken(wrong)
            if compare(answer, wrong, tolerance) is None:
                return hint
        except Exception:
            # A mistake may well fail on these arguments; then it is not the one that was made.
            continue
    return None


def what_is_wrong(
    function: Callable,
    arguments: Sequence[Any],
    answer: Any,
    expected: Any,
    tolerance: Tolerance,
    sizes: Sequence[int],
) -> str | None:
    """Return None if an answer is right, otherwise the known mistake's hint or a diagnosis."""
    found = compare(answer, expected, tolerance, sizes=sizes)
    if found is None:
        return None
    return known_mistake(function, arguments, answer, tolerance) or found


def mistaken_values(variable: str | None) -> list[tuple[str, Any]]:
    """Return the hints of likely mistakes with the values they give a variable."""
    recorder = current_recorder()
    if recorder is None or variable is None:
        return []
    return list(recorder.mistaken(variable))


def differences(of: Callable, point: np.ndarray, arguments: Sequence[Any]) -> np.ndarray:
    """Return the gradient of a function by central differences, in the shape of the point."""
    step = float(np.cbrt(np.finfo(np.float64).eps))
    flat = point.ravel()

    def value(vector: np.ndarray) -> float:
        return float(of(plain(vector.reshape(point.shape)), *copy.deepcopy(tuple(arguments))))

    slopes = [
        directional_quotient(value, flat, unit, step * max(1.0, abs(here)))
        for unit, here in zip(np.eye(flat.size), flat, strict=True)
    ]
    return np.reshape(slopes, point.shape)


def plain(point: np.ndarray) -> Any:
    """Return a point as it is handed to a function: a number, or an array of its own."""
    return float(point) if point.ndim == 0 else point.copy()


def axis_lengths(arguments: Sequence[Any]) -> list[int]:
    """Return the lengths of all axes: factors by which a sum differs from a mean."""
    shapes = (np.shape(a) for a in arguments if isinstance(a, np.ndarray | list | tuple))
    return [length for shape in shapes for length in shape]


def identical(before: Any, after: Any) -> bool:
    """Return whether an argument is what it was."""
    if isinstance(before, np.ndarray):
        return (
            isinstance(after, np.ndarray)
            and before.shape == after.shape
            and np.array_equal(before, after, equal_nan=before.dtype.kind in "fc")
        )
    if isinstance(before, dict):
        return before.keys() == after.keys() and all(
            identical(before[key], after[key]) for key in before
        )
    if isinstance(before, list | tuple):
        return len(before) == len(after) and all(map(identical, before, after))
    return callable(before) or isinstance(before, np.random.Generator) or before == after


def _is_zero(answer: Any) -> bool:
    """Return whether an answer is a placeholder of zeros, which several mistakes lead to."""
    try:
        return not np.any(np.asarray(answer, dtype=np.float64))
    except (TypeError, ValueError):
        return False


def shown(value: Any) -> str:
    """Return a value as a learner sees it beside another: few digits, and not without end."""
    with np.printoptions(precision=6, suppress=False, threshold=20):
        text = f"{value:.6g}" if isinstance(value, float | np.floating) else str(value)
    return text if len(text) <= SHOWN_CHARACTERS else f"{text[:SHOWN_CHARACTERS]} …"
