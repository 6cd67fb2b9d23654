r"""Subgradient descent on the objective of the linear support vector machine, with a certificate.

Chapter: *Linear learners*. With labels :math:`y = \pm 1` the machine minimizes

.. math:: J(w, b) = \frac1n \sum_i \max\bigl(0, 1 - y_i (x_i^\top w + b)\bigr)
          + \frac\lambda2 \|w\|^2 .

This is the quadratic program of the textbooks with the slacks put in, and
:math:`\lambda = 1 / (C n)`. It has kinks and no gradient there, but subgradients everywhere.

**Full batch.** For every :math:`w` the best bias is known: a kink of the piecewise linear
function that remains, found by sorting. At it, multipliers :math:`a_i` (1 inside the margin, 0
outside, between them at the kink) balance, :math:`\sum_i a_i y_i = 0`, and with
:math:`v = \frac1n \sum_i a_i y_i x_i` the subgradient is :math:`\lambda w - v`. A step against it,

.. math:: w \leftarrow w - \frac\gamma\lambda (\lambda w - v)
          = (1 - \gamma)\, w + \gamma\, \frac v\lambda,

keeps :math:`\lambda w` a mean of such :math:`v`, so the same mean :math:`\bar a` of the multipliers
is feasible for the dual problem, and
:math:`D = \frac1n \sum_i \bar a_i - \frac\lambda2 \|w\|^2` is below the minimum [1]_. The step
:math:`\gamma` that raises :math:`D` most has a formula, and :math:`J - D` says how far the minimum
is at most: the fit ends with a certificate.

**Sample by sample** (Pegasos [2]_), with steps :math:`1 / (\lambda k)`. The first of them are the
longer the weaker the penalty is, and where the samples :math:`(x, 1)` are long too, with mean
squared length :math:`M`, the way back takes some :math:`M / \lambda` steps. Steps of
:math:`1 / (\lambda k + M)` make no such detour, and are the same in the end. The mean of all points
on the way, later ones counting more [3]_, is far better than the last of them.

References
----------
.. [1] F. Bach, "Duality between subgradient and conditional gradient methods", SIAM Journal on
   Optimization 25 (2015), pp. 115-129.
.. [2] S. Shalev-Shwartz, Y. Singer, N. Srebro and A. Cotter, "Pegasos: primal estimated
   sub-gradient solver for SVM", Mathematical Programming 127 (2011), pp. 3-30.
.. [3] S. Lacoste-Julien, M. Schmidt and F. Bach, "A simpler approach to obtaining an O(1/t)
   convergence rate for the projected stochastic subgradient method", arXiv:1212.2002, 2012.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_lib.descent import Callback
from course_lib.stopping import Progress
from course_lib.validation import FloatArray


class HingePoint(NamedTuple):
    r"""The hinge objective at ``w``, with the best bias for it.

    Attributes
    ----------
    value : float
        :math:`J(w, b)`.
    bias : float
    multipliers : ndarray of shape (n_samples,)
        The :math:`a_i`.
    pull : ndarray of shape (n_features,)
        The :math:`v` of the subgradient :math:`\lambda w - v`.
    """

    value: float
    bias: float
    multipliers: FloatArray
    pull: FloatArray


class HingeOverBias:
    r"""The objective of the machine as a function of ``w`` alone, :math:`\min_b J(w, b)`.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    y
        Labels -1 and +1.
    alpha
        :math:`\lambda > 0`.
    weight
        Shape (n_samples,), mean 1.
    intercept
        Without one, the bias stays 0.
    """

    def __init__(
        self,
        X: FloatArray,
        y: FloatArray,
        alpha: float,
        weight: FloatArray | None = None,
        intercept: bool = True,
    ) -> None:
        self.X, self.y, self.alpha, self.intercept = X, y, alpha, intercept
        self.share = (np.ones(len(y)) if weight is None else weight) / len(y)
        self.share_of_positive = float(self.share[y > 0].sum())

    def at(self, w: FloatArray) -> HingePoint:
        """Return the objective, the best bias and a subgradient at ``w``."""
        # Sample i costs max(0, y (kink - b)): the bias at which it reaches its margin.
        kinks = self.y - self.X @ w
        bias = self._best_bias(kinks) if self.intercept else 0.0
        room = self.y * (kinks - bias)
        multipliers = (room > 0).astype(np.float64)
        if self.intercept:
            # The samples at their margin take what is missing for a balance.
            excess = float(multipliers * self.share @ self.y)
            at_margin = (room == 0) & (self.y * excess < 0)
            if at_margin.any():
                multipliers[at_margin] = min(1.0, abs(excess) / self.share[at_margin].sum())
        cost = float(np.maximum(room, 0.0) @ self.share)
        pull = (multipliers * self.share * self.y) @ self.X
        return HingePoint(cost + 0.5 * self.alpha * float(w @ w), bias, multipliers, pull)

    def _best_bias(self, kinks: FloatArray) -> float:
        # Left of all kinks every positive sample pulls to the right, and no negative one to the
        # left; each kink passed adds its share to the slope.
        order = np.argsort(kinks)
        slope = np.cumsum(self.share[order]) - self.share_of_positive
        # Rounding must not carry the search past the last kink.
        return float(kinks[order[min(np.searchsorted(slope, -1e-12), len(order) - 1)]])


class SubgradientRun(NamedTuple):
    """What `subgradient_descent` found.

    Attributes
    ----------
    weights : ndarray of shape (n_features,)
    bias : float
    value : ndarray of shape (n_iterations + 1,)
        The objective of the best point so far.
    bound : ndarray, shaped like ``value``
        No point has an objective below this.
    converged : bool
    capped : bool
        Whether the run ended by its cap.
    """

    weights: FloatArray
    bias: float
    value: FloatArray
    bound: FloatArray
    converged: bool
    capped: bool


def subgradient_descent(
    objective: HingeOverBias,
    *,
    max_iter: int,
    tol: float,
    callbacks: Sequence[Callback] = (),
) -> SubgradientRun:
    """Descend from zero weights until the objective is within the share ``tol`` of its minimum.

    Parameters
    ----------
    objective
        What to minimize.
    max_iter
        Steps at most.
    tol
        The largest gap between objective and bound, as a share of the objective.
    callbacks
        Each is given a `Progress`, whose gradient norm is that of the subgradient.
    """
    alpha = objective.alpha
    w = np.zeros(objective.X.shape[1])
    mean, best = w.copy(), objective.at(w)
    best_w, multiplier = w.copy(), 0.0
    values: list[float] = []
    bounds: list[float] = []
    for k in range(max_iter + 1):
        point = objective.at(w)
        for candidate, where in ((point, w), (objective.at(mean), mean)):
            if candidate.value < best.value:
                best, best_w = candidate, where.copy()
        bound = multiplier - 0.5 * alpha * float(w @ w)
        values.append(best.value)
        bounds.append(max(bound, bounds[-1]) if bounds else bound)
        subgradient = alpha * w - point.pull
        norm = float(np.linalg.norm(subgradient))
        progress = Progress(k, w, point.value, norm, values[-2] if k else None)
        stopped = any([callback(progress) for callback in callbacks])  # noqa: C419
        converged = best.value - bounds[-1] <= tol * best.value
        if stopped or converged or k == max_iter:
            break
        # The dual objective along the step is a parabola: this is its top.
        total = float(point.multipliers @ objective.share)
        slope = total - multiplier + float(w @ subgradient)
        gamma = 1.0
        if k and norm > 0:
            gamma = min(max(slope * alpha / norm**2, 0.0), 1.0)
        w = w - gamma / alpha * subgradient
        multiplier += gamma * (total - multiplier)
        mean += 2.0 / (k + 2) * (w - mean)
    return SubgradientRun(
        best_w,
        best.bias,
        np.array(values),
        np.array(bounds),
        converged=converged,
        capped=not (stopped or converged),
    )
