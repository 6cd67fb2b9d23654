"""Schedules that go up as well as down."""

from __future__ import annotations

from dataclasses import dataclass

from course_lib.schedules.base import KnownSchedule, LongRun, Schedule, check_schedule, long_run
from course_lib.schedules.decay import along_cosine
from course_lib.validation import check_choice, check_integer, check_real


@dataclass(frozen=True)
class CosineRestarts(KnownSchedule):
    """The cosine again and again, each cycle ``growth`` times as long as the one before [1]_.

    Parameters
    ----------
    initial, final
        Where every cycle starts, and what it leads to (the restart comes one iteration before).
    period
        Iterations of the first cycle.
    growth
        A whole number from 1.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
       International Conference on Learning Representations, 2017.
    """

    initial: float
    period: int
    growth: int = 1
    final: float = 0.0

    def __post_init__(self) -> None:
        check_real("initial", self.initial, above=0)
        check_integer("period", self.period, at_least=1)
        check_integer("growth", self.growth, at_least=1)
        check_real("final", self.final, at_least=0)

    def __call__(self, k: int) -> float:
        length = self.period
        if self.growth == 1:
            k %= length
        while k >= length:
            k -= length
            length *= self.growth
        return along_cosine(self.initial, self.final, k / length)

    def long_run(self) -> LongRun:
        return LongRun(
            sum_diverges=True,
            squares_converge=False,
            reason=f"every cycle starts again at {self.initial:g}",
        )


@dataclass(frozen=True)
class OneCycle(KnownSchedule):
    """Up to a large step, then down to a tiny one, once [1]_.

    Parameters
    ----------
    peak
        The largest step size.
    steps
        Iterations of the whole cycle; the last value holds from then on.
    rise
        The share of the cycle that leads up.
    start_divisor, final_divisor
        The cycle starts at ``peak / start_divisor`` and ends at ``peak / start_divisor /
        final_divisor``.
    shape
        ``"cosine"`` or ``"linear"``.

    Notes
    -----
    optax rounds the turning point ``rise * steps`` down. PyTorch's ``OneCycleLR(total_steps=n,
    pct_start=p)`` ends one iteration earlier, and turns one earlier: it is this schedule with
    ``steps=n - 1`` and ``rise=(p * n - 1) / (n - 1)``.

    References
    ----------
    .. [1] L. N. Smith and N. Topin, "Super-convergence: very fast training of neural networks
       using large learning rates", 2017, arXiv:1708.07120.
    """

    peak: float
    steps: int
    rise: float = 0.3
    start_divisor: float = 25.0
    final_divisor: float = 1e4
    shape: str = "cosine"

    def __post_init__(self) -> None:
        check_real("peak", self.peak, above=0)
        check_integer("steps", self.steps, at_least=2)
        check_real("rise", self.rise, above=0, below=1)
        check_real("start_divisor", self.start_divisor, above=0)
        check_real("final_divisor", self.final_divisor, above=0)
        check_choice("shape", self.shape, ["cosine", "linear"])

    def __call__(self, k: int) -> float:
        start, turn = self.peak / self.start_divisor, self.rise * self.steps
        along = along_cosine if self.shape == "cosine" else _along_line
        if k <= turn:
            return along(start, self.peak, k / turn)
        return along(self.peak, self.final, (min(k, self.steps) - turn) / (self.steps - turn))

    @property
    def final(self) -> float:
        """The last step size."""
        return self.peak / self.start_divisor / self.final_divisor

    def long_run(self) -> LongRun:
        return LongRun.settled_at(self.final)


@dataclass(frozen=True)
class WarmUp(KnownSchedule):
    r"""A straight ramp of ``steps`` iterations up to another schedule, which then takes over [1]_.

    Parameters
    ----------
    steps
        Iterations of the ramp.
    then
        The schedule that follows; it counts from 0 when its turn comes.
    start
        Where the ramp starts, as a share of ``then(0)``. Not given: ``1 / (steps + 1)``, one rung
        of the ramp, so that the first step is not wasted.

    References
    ----------
    .. [1] P. Goyal et al., "Accurate, large minibatch SGD: training ImageNet in 1 hour", 2017,
       arXiv:1706.02677, §2.2.
    """

    steps: int
    then: Schedule
    start: float | None = None

    def __post_init__(self) -> None:
        check_integer("steps", self.steps, at_least=1)
        check_schedule("then", self.then)
        if self.start is not None:
            check_real("start", self.start, at_least=0, at_most=1)

    def __call__(self, k: int) -> float:
        if k >= self.steps:
            return self.then(k - self.steps)
        start = 1.0 / (self.steps + 1) if self.start is None else self.start
        return self.then(0) * (start + (1.0 - start) * k / self.steps)

    def long_run(self) -> LongRun:
        return long_run(self.then)


def _along_line(start: float, end: float, share: float) -> float:
    return start + (end - start) * share
