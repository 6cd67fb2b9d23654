"""What a schedule is, and what becomes of its sums in the long run."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course_lib.validation import FloatArray, check_integer, check_real

Schedule = Callable[[int], float]


@dataclass(frozen=True)
class LongRun:
    r"""What becomes of the sums of a schedule.

    With noisy gradients a method reaches the minimum if its steps can carry it any distance,
    :math:`\sum_k \alpha_k = \infty`, and the noise they let in stays bounded,
    :math:`\sum_k \alpha_k^2 < \infty` [1]_.

    Attributes
    ----------
    sum_diverges, squares_converge : bool
        The two conditions.
    reason : str
        Why, in one sentence.

    References
    ----------
    .. [1] H. Robbins and S. Monro, "A stochastic approximation method", Annals of Mathematical
       Statistics 22 (1951), pp. 400-407.
    """

    sum_diverges: bool
    squares_converge: bool
    reason: str

    @property
    def robbins_monro(self) -> bool:
        """Whether both conditions hold."""
        return self.sum_diverges and self.squares_converge

    @classmethod
    def settled_at(cls, value: float) -> LongRun:
        """Return the verdict on steps that end up constant."""
        if value == 0:
            return cls.finite("from some iteration on every step is zero")
        return cls(True, False, f"the steps do not go to zero: they stay at {value:g}")

    @classmethod
    def finite(cls, reason: str) -> LongRun:
        """Return the verdict on steps whose sum is finite."""
        return cls(False, True, reason)


class KnownSchedule(ABC):
    """A schedule whose long run is known. A number times it is one, too."""

    @abstractmethod
    def __call__(self, k: int) -> float:
        """Return the step size of iteration ``k``, counted from 0."""

    @abstractmethod
    def long_run(self) -> LongRun:
        """Return what becomes of the sum of the steps and of their squares."""

    def values(self, n: int) -> FloatArray:
        """Return the first ``n`` step sizes, shape (n,)."""
        return np.array([self(k) for k in range(check_integer("n", n, at_least=0))])

    def __mul__(self, factor: float) -> Scaled:
        return Scaled(self, factor)

    __rmul__ = __mul__


@dataclass(frozen=True)
class Constant(KnownSchedule):
    r"""The same step size for ever, :math:`\alpha_k = \alpha_0`."""

    initial: float

    def __post_init__(self) -> None:
        check_real("initial", self.initial, above=0)

    def __call__(self, k: int) -> float:
        return self.initial

    def long_run(self) -> LongRun:
        return LongRun.settled_at(self.initial)


@dataclass(frozen=True)
class Scaled(KnownSchedule):
    """``factor`` times another schedule: what ``factor * schedule`` makes."""

    schedule: Schedule
    factor: float

    def __post_init__(self) -> None:
        check_schedule("schedule", self.schedule)
        check_real("factor", self.factor, above=0)

    def __call__(self, k: int) -> float:
        return self.factor * self.schedule(k)

    def long_run(self) -> LongRun:
        return long_run(self.schedule)


def long_run(schedule: Schedule) -> LongRun:
    """Return what becomes of the sums of ``schedule``, exactly.

    Raises
    ------
    TypeError
        If it is a function that cannot say: no finite number of values decides a limit.

    Examples
    --------
    >>> from course_lib.schedules import Exponential, InverseTime
    >>> long_run(InverseTime(0.1, decay=0.01)).robbins_monro
    True
    >>> long_run(Exponential(0.1, factor=0.99)).reason
    'the steps shrink geometrically, and all together they reach 10'
    """
    if not isinstance(schedule, KnownSchedule):
        raise TypeError(
            f"schedule must be one of course_lib.schedules, got {schedule!r}: no finite number of "
            "its values decides the limit of their sum"
        )
    return schedule.long_run()


def scheduled_value(name: str, schedule: Schedule, k: int) -> float:
    """Return ``schedule(k)``, or say that ``name`` is negative or not finite."""
    value = float(schedule(k))
    if not 0.0 <= value < math.inf:
        check_real(name, value, at_least=0)
    return value


def as_schedule(name: str, value: float | Schedule) -> Schedule:
    """Return a positive number as a `Constant`, and a function of the iteration as it is."""
    return value if callable(value) else Constant(check_real(name, value, above=0))


def check_schedule(name: str, schedule: Schedule) -> None:
    """Say that ``schedule`` cannot be called with an iteration number."""
    if not callable(schedule):
        raise TypeError(
            f"{name} must be a function of the iteration number, got {schedule!r}: a number alone "
            f"is Constant({schedule!r})"
        )
