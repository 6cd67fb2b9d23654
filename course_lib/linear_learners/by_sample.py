r"""Linear units that learn from one sample after the other.

Chapter: *Linear learners*. `SampleLearner` is the part of the estimators that goes on from where it
is: the parameters, the count of samples seen, and the random order.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from course_lib.compiled import numba_is_available
from course_lib.linear_learners.fitting import largest_curvature
from course_lib.linear_learners.passes import (
    LOGISTIC,
    mini_batch_pass,
    one_sample_pass,
    softmax_pass,
)
from course_lib.schedules import Schedule
from course_lib.validation import FloatArray, check_real

#: Samples laid out together, where there are batches.
LAID_OUT = 1024


def step_sizes(step_size: float | Schedule, first: int, n: int, decay: float = 0.0) -> FloatArray:
    r"""Return the sizes of ``n`` steps, the first of them number ``first``, counted from 0.

    A number :math:`\eta_0` falls as :math:`\eta_k = \eta_0 / (1 + \eta_0 \lambda k)` [1]_, and
    without the decay :math:`\lambda` stays. A schedule is a function of :math:`k`.

    References
    ----------
    .. [1] L. Bottou, "Stochastic gradient descent tricks", in Neural Networks: Tricks of the Trade,
       2nd ed., Springer, 2012, §5.2.
    """
    if callable(step_size):
        return np.array([step_size(k) for k in range(first, first + n)], dtype=np.float64)
    initial = check_real("step_size", step_size, above=0)
    return initial / (1.0 + initial * decay * np.arange(first, first + n))


def sampled_curvature(
    X: FloatArray, weight: FloatArray | None = None, batch_size: int = 1
) -> float:
    r"""Return the curvature that steps on batches must reckon with, per unit of that of the cost.

    For single samples it is the largest squared length :math:`M` of a sample :math:`(x, 1)`, times
    its weight; for all of them, the largest eigenvalue :math:`L` of their mean of squares; and for
    batches of :math:`B` out of :math:`n` [1]_

    .. math:: \frac{n - B}{B (n - 1)} M + \frac{n (B - 1)}{B (n - 1)} L .

    References
    ----------
    .. [1] R. M. Gower, N. Loizou, X. Qian, A. Sailanbayev, E. Shulgin and P. Richtárik, "SGD:
       general analysis and improved rates", ICML 2019.
    """
    squares = np.einsum("ij,ij->i", X, X) + 1.0
    longest = float((squares if weight is None else weight * squares).max())
    n, size = len(X), min(batch_size, len(X))
    if size == 1:
        return longest
    together = largest_curvature(np.column_stack([X, np.ones(n, X.dtype)]), weight)
    return ((n - size) * longest + n * (size - 1) * together) / (size * (n - 1))


class SampleLearner:
    """Rows of weights and a bias, each a linear unit, that learn in lock-step.

    Parameters
    ----------
    n_units, n_features
        How many units, and how many inputs they have.
    dtype
        Of the parameters. Without numba they are doubles, which is what the BLAS routines of
        `course_lib.linear_learners.passes` take.
    cost
        One of the slopes of `course_lib.linear_learners.passes`.
    decay
        The strength of the L2 penalty.
    sizes
        The sizes of the steps: a function of the first one's number and of how many.
    intercept
        Whether the biases learn.
    averaging
        Whether the learner is the mean of all points on its way, later ones counting more, rather
        than the last of them.

    Attributes
    ----------
    theta, mean : ndarray of shape (n_units, n_features + 1)
    n_steps : int
        Samples seen so far.
    """

    def __init__(
        self,
        n_units: int,
        n_features: int,
        dtype: np.dtype,
        cost: int,
        sizes: Callable[[int, int], FloatArray],
        *,
        decay: float = 0.0,
        intercept: bool = True,
        averaging: bool = False,
    ) -> None:
        self.dtype = dtype if numba_is_available() else np.dtype(np.float64)
        self.theta = np.zeros((n_units, n_features + 1), self.dtype)
        self.mean = np.zeros_like(self.theta) if averaging else self.theta
        self.cost, self.sizes, self.decay = cost, sizes, float(decay)
        self.intercept, self.averaging, self.n_steps = bool(intercept), averaging, 0

    def epoch(
        self,
        X: FloatArray,
        targets: FloatArray,
        weight: FloatArray | None,
        order: NDArray[np.integer],
    ) -> NDArray[np.integer]:
        """Let every unit learn from the samples in ``order``.

        Parameters
        ----------
        X
            Shape (n_samples, n_features), contiguous, of the learner's dtype.
        targets
            Shape (n_units, n_samples).
        weight
            Shape (n_samples,).
        order
            Sample numbers.

        Returns
        -------
        ndarray of int, shape (n_units,)
            How many samples moved each unit.
        """
        n = len(order)
        weight = np.empty(0) if weight is None else weight
        weight = weight.astype(self.dtype, copy=False)
        sizes = self.sizes(self.n_steps, n).astype(self.dtype, copy=False)
        # Later points are better ones: the k-th has a weight in proportion to k.
        first = self.n_steps + 2 if self.averaging else 2
        shares = 2.0 / np.arange(first, first + (n if self.averaging else 0))
        shares = shares.astype(self.dtype)
        moved = [
            one_sample_pass(
                theta,
                mean,
                X,
                *map(_numbers, (target, weight, order, sizes, shares)),
                self.decay,
                self.cost,
                self.intercept,
            )
            for theta, mean, target in zip(self.theta, self.mean, targets, strict=True)
        ]
        self.n_steps += n
        return np.array(moved)

    def samples(self, X: FloatArray) -> FloatArray:
        """Return ``X`` as `epoch` wants it."""
        return np.ascontiguousarray(X, dtype=self.dtype)


class LogisticLearner:
    """Logistic regression that learns from single samples or small batches.

    Parameters
    ----------
    n_classes, n_features
        Two classes have one unit, more have one each.
    dtype, sizes, decay, intercept
        As for `SampleLearner`.
    batch_size
        Samples to a step.

    Attributes
    ----------
    theta : ndarray of shape (n_units, n_features + 1)
    """

    def __init__(
        self,
        n_classes: int,
        n_features: int,
        dtype: np.dtype,
        sizes: Callable[[int, int], FloatArray],
        *,
        decay: float,
        intercept: bool,
        batch_size: int,
    ) -> None:
        n_units = n_classes if n_classes > 2 else 1
        self.unit = SampleLearner(
            n_units, n_features, dtype, LOGISTIC, sizes, decay=decay, intercept=intercept
        )
        self.theta, self.dtype = self.unit.theta, self.unit.dtype
        self.batch_size = batch_size

    @property
    def flat(self) -> FloatArray:
        """Return all weights, then all biases, as the models with an intercept have them."""
        return np.concatenate([self.theta[:, :-1].ravel(), self.theta[:, -1]])

    def epoch(
        self,
        X: FloatArray,
        codes: NDArray[np.intp],
        weight: FloatArray | None,
        order: NDArray[np.integer],
    ) -> None:
        """Learn from the samples in ``order``, as `SampleLearner.epoch` does."""
        if len(self.theta) == 1 and self.batch_size == 1:
            self.unit.epoch(self.unit.samples(X), signs(codes, 2, self.dtype), weight, order)
            return
        size, n = self.batch_size, len(order)
        n_batches = -(-n // size)
        sizes = self.unit.sizes(self.unit.n_steps, n_batches)
        self.unit.n_steps += n_batches
        lengths = np.full(n_batches, size)
        lengths[-1] = n - (n_batches - 1) * size
        pushes = np.repeat(sizes / lengths, lengths).astype(self.dtype, copy=False)
        if weight is not None:
            pushes *= weight[order]
        decay = (1.0 - sizes * self.unit.decay).astype(self.dtype)
        learn, targets = self._learn_multinomial, codes
        if len(self.theta) == 1:
            learn, targets = self._learn_binary, signs(codes, 2, self.dtype)[0]
        targets = targets[order]
        # A few hundred samples are laid out at once: the room for them stays in the cache.
        at_once = max(1, LAID_OUT // size)
        taken = np.empty((min(at_once * size, n), X.shape[1]), X.dtype)
        rows = np.empty((len(taken), X.shape[1] + 1), self.dtype)
        for k in range(0, n_batches, at_once):
            part = slice(k * size, (k + at_once) * size)
            chosen = order[part]
            features = np.take(X, chosen, axis=0, out=taken[: len(chosen)], mode="clip")
            learn(
                rows[: len(chosen)], features, targets[part], pushes[part], decay[k : k + at_once]
            )

    def _learn_binary(
        self,
        rows: FloatArray,
        features: FloatArray,
        labels: FloatArray,
        pushes: FloatArray,
        decay: FloatArray,
    ) -> None:
        """Lay the samples out in ``rows``, and learn from them batch by batch."""
        wrong = -labels
        np.multiply(features, wrong[:, None], out=rows[:, :-1])
        rows[:, -1] = wrong if self.unit.intercept else 0.0
        shrink = np.ones((len(decay), rows.shape[1]), self.dtype)
        shrink[:, :-1] = decay[:, None]
        size, n_full = self.batch_size, len(rows) // self.batch_size
        full, rest = slice(n_full * size), slice(n_full * size, None)
        batches = rows[full].reshape(n_full, size, rows.shape[1])
        mini_batch_pass(self.theta[0], batches, pushes[full].reshape(n_full, size), shrink)
        if n_full < len(decay):
            mini_batch_pass(self.theta[0], rows[None, rest], pushes[None, rest], shrink[n_full:])

    def _learn_multinomial(
        self,
        rows: FloatArray,
        features: FloatArray,
        codes: NDArray[np.intp],
        pushes: FloatArray,
        decay: FloatArray,
    ) -> None:
        """Lay the samples out in ``rows``, and learn from them batch by batch."""
        rows[:, :-1] = features
        rows[:, -1] = self.unit.intercept
        softmax_pass(self.theta, rows, codes, pushes, self.batch_size, decay)


def _numbers(array: NDArray) -> NDArray | list[float]:
    """Return what a loop over single numbers reads fastest."""
    return array if numba_is_available() else array.tolist()


def signs(codes: NDArray[np.intp], n_classes: int, dtype: np.dtype) -> FloatArray:
    """Return labels -1 and +1, a row for every unit: one against the rest, or two classes' one."""
    ones = np.arange(n_classes)[:, None] == codes if n_classes > 2 else (codes == 1)[None]
    # Choosing between the two would take seven times as long: nobody can foresee the labels.
    return dtype.type(2) * ones.astype(dtype) - dtype.type(1)
