"""Checks of arguments that answer bad input in one voice.

Every message names the argument, says what came and what is expected, so that the reader of a
traceback can mend the call without opening this library.
"""

from __future__ import annotations

from collections.abc import Iterable
from math import isfinite
from numbers import Integral, Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

#: An array of floating-point numbers, of single or double precision.
FloatArray = NDArray[np.floating]


def check_array(
    name: str,
    value: ArrayLike,
    *,
    ndim: int | tuple[int, ...] | None = None,
    shape: tuple[int | None, ...] | None = None,
    finite: bool = True,
) -> FloatArray:
    """Return ``value`` as a floating array, or say what is wrong with it.

    Parameters
    ----------
    name
        The argument's name, for the message.
    value
        Anything `numpy.asarray` takes. ``float32`` stays ``float32``; integers and booleans become
        ``float64``.
    ndim
        The number of dimensions allowed.
    shape
        The shape expected; ``None`` stands for any length along that axis.
    finite
        Whether NaN and infinity are errors.

    Raises
    ------
    TypeError
        If the entries are not real numbers.
    ValueError
        If the shape is wrong or an entry is not finite.
    """
    try:
        array = np.asarray(value)
    except ValueError as error:
        raise ValueError(f"{name} must be a rectangular array of numbers, but {error}") from None
    if array.dtype.kind not in "fiub":
        raise TypeError(
            f"{name} must hold real numbers, got an array of dtype {array.dtype} "
            f"({type(value).__name__})"
        )
    if array.dtype.kind != "f":
        array = array.astype(np.float64)
    if ndim is not None:
        allowed = (ndim,) if isinstance(ndim, int) else ndim
        if array.ndim not in allowed:
            wanted = " or ".join(str(n) for n in allowed)
            raise ValueError(
                f"{name} must have {wanted} dimension(s), got shape {array.shape}"
                f"{_reshape_hint(array, allowed)}"
            )
    if shape is not None and not _fits(array.shape, shape):
        wanted = "(" + ", ".join("any" if n is None else str(n) for n in shape)
        wanted += ",)" if len(shape) == 1 else ")"
        raise ValueError(f"{name} must have shape {wanted}, got shape {array.shape}")
    if finite and not np.isfinite(array).all():
        where = tuple(int(i) for i in np.argwhere(~np.isfinite(array))[0])
        bad = int(np.count_nonzero(~np.isfinite(array)))
        raise ValueError(
            f"{name} must hold finite numbers, got {array[where]} at index {where} "
            f"({bad} of {array.size} entries are NaN or infinite)"
        )
    return array


def check_vector(
    name: str, value: ArrayLike, size: int | None = None, *, finite: bool = True
) -> FloatArray:
    """Return ``value`` as a one-dimensional floating array of ``size`` entries."""
    return check_array(name, value, ndim=1, shape=None if size is None else (size,), finite=finite)


def check_real(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    at_least: float | None = None,
    below: float | None = None,
    at_most: float | None = None,
) -> float:
    """Return ``value`` as a finite `float` inside the bounds.

    Raises
    ------
    TypeError
        If ``value`` is not a real number.
    ValueError
        If it is NaN, infinite or out of bounds.
    """
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Real):
        raise TypeError(f"{name} must be a real number, got {value!r} ({type(value).__name__})")
    number = float(value)
    # Schedules are checked in every iteration, so the good case comes first and builds nothing.
    if (
        isfinite(number)
        and (above is None or number > above)
        and (at_least is None or number >= at_least)
        and (below is None or number < below)
        and (at_most is None or number <= at_most)
    ):
        return number
    limits = {">": above, ">=": at_least, "<": below, "<=": at_most}
    wanted = " and ".join(
        f"{sign} {limit:g}" for sign, limit in limits.items() if limit is not None
    )
    raise ValueError(f"{name} must be a finite number{wanted and ' ' + wanted}, got {value!r}")


def check_integer(name: str, value: Any, *, at_least: int | None = None) -> int:
    """Return ``value`` as an `int` not below ``at_least``."""
    if isinstance(value, (bool, np.bool_)) or not isinstance(value, Integral):
        raise TypeError(f"{name} must be a whole number, got {value!r} ({type(value).__name__})")
    if at_least is not None and value < at_least:
        raise ValueError(f"{name} must be at least {at_least}, got {value!r}")
    return int(value)


def check_choice(name: str, value: Any, choices: Iterable[str]) -> str:
    """Return ``value`` if it is one of the names in ``choices``."""
    known = list(choices)
    if value not in known:
        listing = ", ".join(repr(choice) for choice in known)
        raise ValueError(f"unknown {name} {value!r}: choose one of {listing}")
    return value


def check_batch(name: str, value: ArrayLike, n_samples: int) -> NDArray[np.integer]:
    """Return ``value`` as an array of sample indices into ``n_samples`` rows.

    Raises
    ------
    TypeError
        If the entries are not whole numbers.
    ValueError
        If there are none, or one points outside the data.
    """
    indices = np.asarray(value)
    if indices.size == 0:
        raise ValueError(
            f"{name} must name at least one sample, got an empty array: the mean over no sample "
            "is not defined"
        )
    if indices.dtype.kind not in "iu" or indices.ndim != 1:
        raise TypeError(
            f"{name} must be a 1-D array of whole numbers, got dtype {indices.dtype} and shape "
            f"{indices.shape}"
        )
    if indices.min() < 0 or indices.max() >= n_samples:
        raise ValueError(
            f"{name} must hold indices from 0 to {n_samples - 1}, got values from {indices.min()} "
            f"to {indices.max()}"
        )
    return indices


def _fits(actual: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(actual) == len(wanted) and all(
        w is None or a == w for a, w in zip(actual, wanted, strict=True)
    )


def _reshape_hint(array: np.ndarray, allowed: tuple[int, ...]) -> str:
    if array.ndim == 1 and 2 in allowed:
        return ": one feature is a column, X.reshape(-1, 1); one sample is a row, X.reshape(1, -1)"
    if array.ndim == 2 and 1 in allowed and 1 in array.shape:
        return ": flatten it with .ravel()"
    return ""
