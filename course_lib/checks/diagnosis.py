"""What is likely wrong with an answer: the mistake's name, never the answer.

A wrong number often tells how it came about. Twice the expected value is a derivative of a square
without its half; as many times the expected value as there are rows is a sum in place of a mean.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

#: Answers in single precision are compared this loosely.
SINGLE_RTOL = 1e-4


@dataclass(frozen=True)
class Tolerance:
    """How far an answer may be from the expected one.

    Parameters
    ----------
    rtol, atol
        As in `numpy.isclose`: ``|got - expected| <= atol + rtol * |expected|``.
    """

    rtol: float = 1e-6
    atol: float = 1e-9

    def of(self, array: np.ndarray) -> float:
        """Return the relative tolerance for an answer of this type."""
        single = array.dtype.char in "efF"
        return max(self.rtol, SINGLE_RTOL) if single else self.rtol


def compare(
    got: Any,
    expected: Any,
    tolerance: Tolerance | None = None,
    *,
    sizes: Iterable[int] = (),
    tell_ratio: bool = True,
) -> str | None:
    """Return None if an answer is right, otherwise a sentence that names the likely mistake.

    Parameters
    ----------
    got
        The answer: a number, an array, a text, or a tuple, list or dict of such.
    expected
        What is right.
    tolerance
        How close numbers must come.
    sizes
        Lengths of the arguments' axes: factors by which a sum differs from a mean.
    tell_ratio
        Whether a sentence may say by which factor a number is off. Where the learner knows the
        number itself, the factor would give the answer away.
    """
    tolerance = tolerance or Tolerance()
    if got is None:
        return "the answer is None: does every way through the function end in a return?"
    if isinstance(expected, dict):
        return _compare_dicts(got, expected, tolerance, sizes, tell_ratio)
    if isinstance(expected, tuple) or (
        isinstance(expected, list) and any(isinstance(part, str) for part in expected)
    ):
        return _compare_parts(got, expected, tolerance, sizes, tell_ratio)
    if isinstance(expected, str):
        if not isinstance(got, str):
            return f"a text is expected, got {_kind(got)}"
        same = got.strip().casefold() == expected.strip().casefold()
        return None if same else "another text is expected"
    return _compare_numbers(got, np.asarray(expected), tolerance, sizes, tell_ratio)


def _compare_dicts(
    got: Any, expected: dict, tolerance: Tolerance, sizes: Iterable[int], tell_ratio: bool
) -> str | None:
    if not isinstance(got, dict):
        return f"a dict is expected, got {_kind(got)}"
    if set(got) != set(expected):
        return f"the dict must have the keys {', '.join(map(repr, expected))}"
    for key, part in expected.items():
        problem = compare(got[key], part, tolerance, sizes=sizes, tell_ratio=tell_ratio)
        if problem:
            return f"under {key!r}, {problem}"
    return None


def _compare_parts(
    got: Any, expected: Sequence, tolerance: Tolerance, sizes: Iterable[int], tell_ratio: bool
) -> str | None:
    if isinstance(got, np.ndarray):
        got = list(got) if got.ndim else got
    if not isinstance(got, tuple | list):
        return f"{len(expected)} values are expected, got {_kind(got)}"
    if len(got) != len(expected):
        return f"{len(expected)} values are expected, got {len(got)}"
    for position, (part, right) in enumerate(zip(got, expected, strict=True), start=1):
        problem = compare(part, right, tolerance, sizes=sizes, tell_ratio=tell_ratio)
        if problem:
            return f"value {position} of {len(expected)}: {problem}"
    return None


def _compare_numbers(
    got: Any, right: np.ndarray, tolerance: Tolerance, sizes: Iterable[int], tell_ratio: bool
) -> str | None:
    try:
        array = np.asarray(got)
    except ValueError:
        return "the answer is not a rectangular array"
    if array.dtype.kind not in "biufc":
        return f"numbers are expected, got {_kind(got)}"
    if array.dtype.kind == "c" and right.dtype.kind != "c":
        return "the answer holds complex numbers"
    if array.shape != right.shape:
        if array.size == right.size == 1:
            array = array.reshape(right.shape)
        else:
            return _shape_problem(array, right, tolerance)
    if not np.isfinite(array).all() and np.isfinite(right).all():
        return "the answer holds NaN or infinity: a division by zero, an overflow, or log of zero"
    rtol = tolerance.of(array)
    if np.allclose(array, right, rtol=rtol, atol=tolerance.atol, equal_nan=True):
        return None
    return _value_problem(array, right, rtol, tolerance.atol, sizes, tell_ratio)


def _shape_problem(array: np.ndarray, right: np.ndarray, tolerance: Tolerance) -> str:
    said = f"the answer has shape {array.shape} where {right.shape} is expected"
    if array.shape == right.shape[::-1] and array.ndim == 2:
        return f"{said}: it is transposed"
    if array.size == right.size:
        return f"{said}: the entries are as many, but laid out differently"
    if right.ndim == 0:
        rtol = tolerance.of(array)
        for name, summary in (("summed", np.sum), ("averaged", np.mean)):
            if array.size and np.allclose(summary(array), right, rtol=rtol, atol=tolerance.atol):
                return f"{said}: one number is asked for, so the entries must be {name}"
        return f"{said}: one number is asked for"
    if array.ndim == 0:
        return f"{said}: was the sum or the mean taken over an axis too many?"
    if array.ndim == right.ndim + 1 and array.shape[0] == array.shape[-1]:
        return f"{said}: a row and a column were broadcast against each other"
    return said


def _value_problem(
    array: np.ndarray,
    right: np.ndarray,
    rtol: float,
    atol: float,
    sizes: Iterable[int],
    tell_ratio: bool,
) -> str:
    def agrees(other: np.ndarray) -> bool:
        return bool(np.allclose(array, other, rtol=rtol, atol=atol, equal_nan=True))

    array, right = array.astype(np.result_type(array, 1.0)), right.astype(np.float64)
    if agrees(-right):
        return "the sign is turned round"
    if not tell_ratio:
        return "the number is not right"
    if agrees(np.zeros_like(right)):
        return "the answer is zero"
    for size in sorted({int(size) for size in sizes if size > 1}, reverse=True):
        if size > 2 and agrees(right * size):
            return f"the answer is {size} times too large: a sum where a mean is asked for?"
        if size > 2 and agrees(right / size):
            return f"the answer is {size} times too small: a mean where a sum is asked for?"
        if size > 2 and (
            agrees(right * size / (size - 1.0)) or agrees(right * (size - 1.0) / size)
        ):
            return f"off by the factor {size}/{size - 1}: a division by n or by n - 1?"
    if agrees(2.0 * right):
        return "the answer is twice what it should be: a factor 2 too many"
    if agrees(0.5 * right):
        return "the answer is half of what it should be: a factor 1/2 too many"
    if agrees(right / np.log(2.0)) or agrees(right * np.log(2.0)):
        return "off by the factor log 2: the base of a logarithm"
    if np.all(right >= 0) and agrees(np.sqrt(right)):
        return "the answer is the square root of what is asked for"
    if agrees(right**2):
        return "the answer is the square of what is asked for"
    if agrees(1.0 - right):
        return "the answer is one minus what is asked for"
    if agrees(np.exp(np.clip(right, None, 700.0))):
        return "the answer is the exponential of what is asked for"
    if array.ndim == 2 and array.shape[0] == array.shape[1] and agrees(right.T):
        return "the answer is transposed"
    if array.size > 1:
        problem = _pattern_problem(array, right, rtol, atol, agrees)
        if problem:
            return problem
    if np.allclose(array, right, rtol=2e-2, atol=10 * atol):
        return "close, but not equal: rounding, a small constant in the wrong place, or a step less"
    if agrees(np.abs(right)):
        return "the size is right, the sign is not everywhere"
    return _where(array, right, rtol, atol)


def _pattern_problem(
    array: np.ndarray, right: np.ndarray, rtol: float, atol: float, agrees: Any
) -> str | None:
    if agrees(np.trunc(right)):
        return "the fractions are cut off: was an array of whole numbers filled?"
    if array.ndim == 1 and agrees(right[::-1]):
        return "the entries are right but in reverse order"
    if len(array) > 2:
        shifted = (array[1:], right[:-1]), (array[:-1], right[1:])
        if any(np.allclose(a, b, rtol=rtol, atol=atol) for a, b in shifted):
            return "the entries are shifted by one place"
    difference = array - right
    if np.allclose(difference, difference.flat[0], rtol=1e-6, atol=atol):
        return "all entries are off by the same amount: a missing or added constant"
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = array / right
    if np.isfinite(ratio).all() and np.allclose(ratio, ratio.flat[0], rtol=1e-6, atol=0):
        return f"all entries are off by the same factor, {ratio.flat[0].real:.4g}"
    if array.ndim == 2:
        for axis, what in ((0, "column"), (1, "row")):
            with np.errstate(divide="ignore", invalid="ignore"):
                first = np.take(ratio, [0], axis=axis)
            if np.isfinite(ratio).all() and np.allclose(ratio, first, rtol=1e-6):
                return f"every {what} is off by a factor of its own: a sum over the wrong axis?"
    return None


def _where(array: np.ndarray, right: np.ndarray, rtol: float, atol: float) -> str:
    wrong = ~np.isclose(array, right, rtol=rtol, atol=atol, equal_nan=True)
    n_wrong = int(np.count_nonzero(wrong))
    if array.size == 1:
        return "the value is too large" if array.item() > right.item() else "the value is too small"
    if n_wrong == array.size:
        return "no entry is right"
    first = tuple(int(i) for i in np.argwhere(wrong)[0])
    place = first[0] if len(first) == 1 else first
    return f"{n_wrong} of {array.size} entries are wrong, the first at index {place}"


def _kind(value: Any) -> str:
    if isinstance(value, np.ndarray):
        return f"an array of {value.dtype}"
    return f"{'an' if type(value).__name__[0] in 'aeiou' else 'a'} {type(value).__name__}"
