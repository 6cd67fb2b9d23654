"""Compiled loops: plain Python functions over arrays, made fast where numba is installed.

A loop that visits one sample after another cannot be written as array operations. It is written
once, as the plain Python function that the book shows, and decorated::

    @compiled
    def running_sum(values, out):
        total = 0.0
        for i in range(len(values)):
            total += values[i]
            out[i] = total

Where numba is installed the first call compiles it; elsewhere it runs unchanged. Nothing is loaded
before that first call, and no digit changes: the compiler may not reorder floating-point
arithmetic. Set the environment variable ``COURSE_COMPILED=0`` to run without numba.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import cache, cached_property, update_wrapper
from importlib.util import find_spec
from types import FunctionType
from typing import Any, ClassVar


@cache
def numba_is_available() -> bool:
    """Return whether loops will be compiled (without loading numba)."""
    return os.environ.get("COURSE_COMPILED", "1") != "0" and find_spec("numba") is not None


class CompiledFunction:
    """A function that is compiled when it is first called.

    Attributes
    ----------
    python : callable
        The function as written.
    options : dict
        For the compiler.
    """

    # "numpy": division by zero gives infinity, as in an array, and loops can be vectorized.
    options: ClassVar[dict[str, Any]] = {"error_model": "numpy"}

    def __init__(self, function: FunctionType) -> None:
        self.python = function
        update_wrapper(self, function)

    @cached_property
    def fastest(self) -> Callable[..., Any]:
        """The compiled function where numba is installed, the function as written elsewhere."""
        function = _with_compiled_helpers(self.python)
        if not numba_is_available():
            return function
        import numba

        try:
            return numba.njit(**self.options, cache=True)(function)
        except RuntimeError:  # No folder to keep the machine code in: compile for this process.
            return numba.njit(**self.options)(function)

    def __call__(self, *arguments: Any) -> Any:
        """Call the fastest form there is."""
        return self.fastest(*arguments)


def compiled(function: FunctionType) -> CompiledFunction:
    """Compile ``function`` on its first call where numba is installed, or run it unchanged.

    A compiled function may call other compiled functions of its module. It takes its arguments by
    position.

    Examples
    --------
    >>> @compiled
    ... def double_sum(values):
    ...     total = 0.0
    ...     for i in range(len(values)):
    ...         total += 2.0 * values[i]
    ...     return total
    >>> import numpy as np
    >>> float(double_sum(np.arange(4.0)))
    12.0
    """
    return CompiledFunction(function)


def _with_compiled_helpers(function: FunctionType) -> FunctionType:
    # numba must see the compiled form of the helpers that the function names; uncompiled code saves
    # a call.
    helpers = {
        name: helper.fastest
        for name in function.__code__.co_names
        if isinstance(helper := function.__globals__.get(name), CompiledFunction)
    }
    if not helpers:
        return function
    linked = FunctionType(
        function.__code__,
        {**function.__globals__, **helpers},
        function.__name__,
        function.__defaults__,
        function.__closure__,
    )
    return update_wrapper(linked, function)
