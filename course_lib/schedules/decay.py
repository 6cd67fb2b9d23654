"""Schedules that go down and stay there."""

from __future__ import annotations

import math
from dataclasses import dataclass

from course_lib.schedules.base import KnownSchedule, LongRun
from course_lib.validation import check_integer, check_real


@dataclass(frozen=True)
class PowerLaw(KnownSchedule):
    r"""Decay by a power of time, :math:`\alpha_k = \alpha_0 / (1 + d k)^p`.

    The exponent :math:`p = 1/2` suits convex objectives with noisy gradients, :math:`p = 1`
    strongly convex ones, and anything between serves with averaged iterates.
    """

    initial: float
    exponent: float
    decay: float = 1.0

    def __post_init__(self) -> None:
        check_real("initial", self.initial, above=0)
        check_real("exponent", self.exponent, at_least=0)
        check_real("decay", self.decay, at_least=0)

    def __call__(self, k: int) -> float:
        return self.initial / (1.0 + self.decay * k) ** self.exponent

    def long_run(self) -> LongRun:
        p = self.exponent
        if self.decay == 0 or p == 0:
            return LongRun.settled_at(self.initial)
        return LongRun(
            sum_diverges=p <= 1,
            squares_converge=p > 0.5,
            reason=f"the sum of 1 / k^p diverges up to p = 1, and this one is like 1 / k^{p:g}, "
            f"its square like 1 / k^{2 * p:g}",
        )


@dataclass(frozen=True)
class InverseTime(KnownSchedule):
    r"""Hyperbolic decay, :math:`\alpha_k = \alpha_0 / (1 + d k)`.

    The sum of the steps diverges and the sum of their squares converges, as Robbins and Monro [1]_
    require of a method with noisy gradients.

    References
    ----------
    .. [1] H. Robbins and S. Monro, "A stochastic approximation method", Annals of Mathematical
       Statistics 22 (1951), pp. 400-407.
    """

    initial: float
    decay: float

    def __post_init__(self) -> None:
        check_real("initial", self.initial, above=0)
        check_real("decay", self.decay, at_least=0)

    def __call__(self, k: int) -> float:
        return self.initial / (1.0 + self.decay * k)

    def long_run(self) -> LongRun:
        return PowerLaw(self.initial, 1.0, self.decay).long_run()


@dataclass(frozen=True)
class Exponential(KnownSchedule):
    r"""Geometric decay, :math:`\alpha_k = \alpha_0\, q^k` with :math:`0 < q \le 1`.

    All steps together reach no farther than :math:`\alpha_0 / (1 - q)` times the largest gradient:
    a run may stop short of the minimum.
    """

    initial: float
    factor: float

    def __post_init__(self) -> None:
        check_real("initial", self.initial, above=0)
        check_real("factor", self.factor, above=0, at_most=1)

    def __call__(self, k: int) -> float:
        return self.initial * self.factor**k

    def long_run(self) -> LongRun:
        return StepDecay(self.initial, self.factor, every=1).long_run()


@dataclass(frozen=True)
class StepDecay(KnownSchedule):
    r"""A stair, :math:`\alpha_k = \alpha_0\, q^{\lfloor k / n \rfloor}`, ``every`` = n."""

    initial: float
    factor: float
    every: int

    def __post_init__(self) -> None:
        check_real("initial", self.initial, above=0)
        check_real("factor", self.factor, above=0, at_most=1)
        check_integer("every", self.every, at_least=1)

    def __call__(self, k: int) -> float:
        return self.initial * self.factor ** (k // self.every)

    def long_run(self) -> LongRun:
        if self.factor == 1:
            return LongRun.settled_at(self.initial)
        total = self.every * self.initial / (1.0 - self.factor)
        return LongRun.finite(
            f"the steps shrink geometrically, and all together they reach {total:.6g}"
        )


@dataclass(frozen=True)
class Polynomial(KnownSchedule):
    r"""From ``initial`` to ``final`` in ``steps`` iterations, and ``final`` from then on.

    .. math:: \alpha_k = b + (a - b) \left(1 - \frac{k}{n}\right)^p

    The power 1 is a straight line. (PyTorch's ``PolynomialLR`` always ends at 0.)
    """

    initial: float
    final: float
    steps: int
    power: float = 1.0

    def __post_init__(self) -> None:
        check_real("initial", self.initial, at_least=0)
        check_real("final", self.final, at_least=0)
        check_integer("steps", self.steps, at_least=1)
        check_real("power", self.power, above=0)

    def __call__(self, k: int) -> float:
        left = 1.0 - min(k, self.steps) / self.steps
        return self.final + (self.initial - self.final) * left**self.power

    def long_run(self) -> LongRun:
        return LongRun.settled_at(self.final)


@dataclass(frozen=True)
class Cosine(KnownSchedule):
    r"""Half a cosine from ``initial`` to ``final`` in ``steps`` iterations, then ``final`` [1]_.

    .. math:: \alpha_k = b + \tfrac12 (a - b) \left(1 + \cos \frac{\pi k}{n}\right)

    (PyTorch's ``CosineAnnealingLR`` goes up again after ``T_max``; this one and optax's stay.)

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "SGDR: stochastic gradient descent with warm restarts",
       International Conference on Learning Representations, 2017, eq. (5).
    """

    initial: float
    steps: int
    final: float = 0.0

    def __post_init__(self) -> None:
        check_real("initial", self.initial, at_least=0)
        check_integer("steps", self.steps, at_least=1)
        check_real("final", self.final, at_least=0)

    def __call__(self, k: int) -> float:
        return along_cosine(self.initial, self.final, min(k, self.steps) / self.steps)

    def long_run(self) -> LongRun:
        return LongRun.settled_at(self.final)


def along_cosine(start: float, end: float, share: float) -> float:
    """Return the point after ``share`` of the way along half a cosine."""
    return end + 0.5 * (start - end) * (1.0 + math.cos(math.pi * share))
