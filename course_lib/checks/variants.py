"""Numbers of an exercise that differ from class to class, or from student to student."""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from course_lib.validation import check_integer


class Numbers:
    """The numbers of one variant, as attributes.

    Examples
    --------
    >>> numbers = variant(3, step=[0.1, 0.2, 0.5], rows=range(3, 9))
    >>> numbers.step in [0.1, 0.2, 0.5]
    True
    """

    def __init__(self, drawn: dict[str, Any]) -> None:
        self.__dict__.update(drawn)

    def __iter__(self) -> Iterator[str]:
        return iter(self.__dict__)

    def __repr__(self) -> str:
        return ", ".join(f"{name} = {value}" for name, value in self.__dict__.items()) or "none"


def variant(seed: int, **choices: Sequence[Any]) -> Numbers:
    """Draw one value for each name.

    Each name is drawn by itself: another name added to an exercise changes none of the others.

    Parameters
    ----------
    seed
        Seed of the class or of the student; the same seed gives the same numbers everywhere.
    **choices
        What each number may be, as a non-empty sequence.

    Raises
    ------
    ValueError
        If there is nothing to choose from.
    """
    seed = check_integer("seed", seed, at_least=0)
    drawn = {}
    for name, values in choices.items():
        if len(values) == 0:
            raise ValueError(f"{name} must offer at least one value, got an empty sequence")
        rng = np.random.default_rng([seed, zlib.crc32(name.encode())])
        drawn[name] = values[int(rng.integers(len(values)))]
    return Numbers(drawn)
