"""Schedules made of pieces."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from course_lib.schedules.base import KnownSchedule, LongRun, Schedule, check_schedule, long_run
from course_lib.validation import check_integer, check_real


@dataclass(frozen=True)
class Piecewise(KnownSchedule):
    """Constant pieces: ``step_sizes[i]`` from iteration ``boundaries[i - 1]`` on.

    Examples
    --------
    >>> Piecewise([0.1, 0.01], boundaries=[100])(99), Piecewise([0.1, 0.01], boundaries=[100])(100)
    (0.1, 0.01)
    """

    step_sizes: Sequence[float]
    boundaries: Sequence[int]

    def __post_init__(self) -> None:
        for i, value in enumerate(self.step_sizes):
            check_real(f"step_sizes[{i}]", value, at_least=0)
        _check_boundaries(self.boundaries, len(self.step_sizes), "step_sizes")

    def __call__(self, k: int) -> float:
        return self.step_sizes[_piece(self.boundaries, k)]

    def long_run(self) -> LongRun:
        return LongRun.settled_at(self.step_sizes[-1])


@dataclass(frozen=True)
class Joined(KnownSchedule):
    """One schedule after another, each counting from 0 when its turn comes.

    ``schedules[i]`` takes over at iteration ``boundaries[i - 1]``.
    """

    schedules: Sequence[Schedule]
    boundaries: Sequence[int]

    def __post_init__(self) -> None:
        for i, schedule in enumerate(self.schedules):
            check_schedule(f"schedules[{i}]", schedule)
        _check_boundaries(self.boundaries, len(self.schedules), "schedules")

    def __call__(self, k: int) -> float:
        i = _piece(self.boundaries, k)
        return self.schedules[i](k - (self.boundaries[i - 1] if i else 0))

    def long_run(self) -> LongRun:
        return long_run(self.schedules[-1])


def _piece(boundaries: Sequence[int], k: int) -> int:
    return sum(k >= boundary for boundary in boundaries)


def _check_boundaries(boundaries: Sequence[int], pieces: int, name: str) -> None:
    for i, boundary in enumerate(boundaries):
        check_integer(f"boundaries[{i}]", boundary, at_least=boundaries[i - 1] + 1 if i else 1)
    if pieces != len(boundaries) + 1:
        raise ValueError(
            f"{name} must be one more than boundaries, got {pieces} and {len(boundaries)}"
        )
