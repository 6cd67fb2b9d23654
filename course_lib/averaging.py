r"""Iterate averaging: the mean of the way is better than its end.

Chapter: *Variants of gradient descent*. With a constant step size and noisy gradients the iterates
hover around the minimum for ever. Their mean does not: the noise averages out, and the step size
may stay large.

An average is a callback of the run::

    average = IterateAverage(first=1000)
    trace = descend(objective, theta0, optimizer, batches=batches, callbacks=[average])
    average.value

A callback sees every point from which a step is taken, :math:`\theta_0, \dots, \theta_{K-1}` of a
run of :math:`K` iterations. In a loop of one's own, `add` takes the points.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from course_lib.stopping import Progress
from course_lib.validation import FloatArray, check_choice, check_integer, check_real


class RunningAverage(ABC):
    """An average of points, brought up to date in place."""

    def __init__(self) -> None:
        self._mean: FloatArray | None = None
        self._scratch: FloatArray | None = None
        self.n_points = 0

    def add(self, theta: FloatArray) -> None:
        """Take ``theta``, shape (n_parameters,), into the average."""
        self.n_points += 1
        if self._mean is None:
            self._mean, self._scratch = np.zeros_like(theta), np.empty_like(theta)
        np.subtract(theta, self._mean, out=self._scratch)
        self._scratch *= self._weight_of_newest()
        self._mean += self._scratch

    def __call__(self, progress: Progress) -> None:
        """Take the point of a run into the average."""
        self.add(progress.theta)

    @abstractmethod
    def _weight_of_newest(self) -> float:
        """Return the share of the newest point in the mean; ``n_points`` counts it."""

    @property
    def value(self) -> FloatArray:
        """The average, shape (n_parameters,): a copy."""
        if self._mean is None:
            raise ValueError("the average has no points yet: run it first, or add() some")
        return self._mean.copy()


class IterateAverage(RunningAverage):
    r"""The plain mean of the iterates, :math:`\bar\theta = \frac1K \sum_k \theta_k` [1]_ [2]_.

    Parameters
    ----------
    first
        The iteration to start from. Points still on the way to the minimum only spoil the mean.

    Notes
    -----
    With steps :math:`\alpha_k \propto k^{-p}`, :math:`\tfrac12 < p < 1`, the mean converges as
    fast as the best preconditioned method could, without knowing the curvature [2]_.

    References
    ----------
    .. [1] D. Ruppert, "Efficient estimations from a slowly convergent Robbins-Monro process",
       technical report 781, Cornell University, 1988.
    .. [2] B. T. Polyak and A. B. Juditsky, "Acceleration of stochastic approximation by averaging",
       SIAM Journal on Control and Optimization 30 (1992), pp. 838-855.
    """

    def __init__(self, first: int = 0) -> None:
        super().__init__()
        self.first = check_integer("first", first, at_least=0)

    def __call__(self, progress: Progress) -> None:
        if progress.iteration >= self.first:
            self.add(progress.theta)

    def _weight_of_newest(self) -> float:
        return 1.0 / self.n_points


class ExponentialAverage(RunningAverage):
    r"""A mean that forgets, :math:`\bar\theta \leftarrow \beta \bar\theta + (1 - \beta) \theta`.

    Parameters
    ----------
    decay
        :math:`\beta` from 0 to below 1: the mean reaches back about :math:`1 / (1 - \beta)`
        iterations.
    start
        ``"unbiased"`` divides the discounted sum by the sum of its weights, as Adam does;
        ``"first"`` lets the mean begin as the first point, as PyTorch's ``get_ema_avg_fn`` does.
    """

    def __init__(self, decay: float = 0.999, *, start: str = "unbiased") -> None:
        super().__init__()
        self.decay = check_real("decay", decay, at_least=0, below=1)
        self.start = check_choice("start", start, ["unbiased", "first"])

    def _weight_of_newest(self) -> float:
        if self.start == "unbiased":
            # 1 over the sum of the weights, 1 + beta + ... + beta^(n - 1).
            return (1.0 - self.decay) / (1.0 - self.decay**self.n_points)
        return 1.0 if self.n_points == 1 else 1.0 - self.decay
