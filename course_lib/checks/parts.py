"""One value out of several that a function returns, checked by itself."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from course_lib.checks.errors import AnswerError
from course_lib.validation import check_integer


class PartOf:
    """A function that returns one of the values of another; made by `part_of`.

    Attributes
    ----------
    __name__ : str
        The name of the other function, by which its likely mistakes are found.
    """

    def __init__(self, function: Callable, position: int) -> None:
        self._function = function
        self._position = position
        self.__name__ = getattr(function, "__name__", "")

    def __call__(self, *arguments: Any) -> Any:
        return self.taken(self._function(*arguments))

    def taken(self, answer: Any) -> Any:
        """Return the part of an answer."""
        several = isinstance(answer, tuple | list) or (
            isinstance(answer, np.ndarray) and answer.ndim > 0
        )
        if not several or len(answer) <= self._position:
            raise AnswerError(
                "not-plain", f"at least {self._position + 1} values are to be returned together"
            )
        return answer[self._position]


def part_of(function: Callable, position: int) -> PartOf:
    """Return a function that gives one of the values that another returns together.

    A question whose function returns several values can give points for each, and the hints of
    its likely mistakes still find their way.

    Parameters
    ----------
    function
        The learner's function, or the reference.
    position
        Which of its values, counted from 0.

    Examples
    --------
    >>> part_of(divmod, 1)(7, 3)
    1
    """
    return PartOf(function, check_integer("position", position, at_least=0))
