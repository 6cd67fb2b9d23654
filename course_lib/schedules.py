"""Schedules: a step size for every iteration, decided before the run begins.

Chapters: *Gradient descent*, *Momentum and adaptive optimizers*. A schedule is a function of the
iteration number alone. (A rule that looks at the objective is a line search.)
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from course_lib.validation import check_real

#: A function from the iteration number, counted from 0, to the step size.
Schedule = Callable[[int], float]


@dataclass(frozen=True)
class Constant:
    r"""The same step size for ever, :math:`\alpha_k = \alpha_0`."""

    initial: float

    def __post_init__(self) -> None:
        check_real("initial", self.initial, above=0)

    def __call__(self, k: int) -> float:
        return self.initial


@dataclass(frozen=True)
class InverseTime:
    r"""Hyperbolic decay, :math:`\alpha_k = \alpha_0 / (1 + d k)`.

    With :math:`d > 0` the sum of the steps diverges and the sum of their squares converges, as
    Robbins and Monro [1]_ require of a method with noisy gradients.

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


@dataclass(frozen=True)
class Exponential:
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
