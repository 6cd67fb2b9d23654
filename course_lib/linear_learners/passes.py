r"""One epoch of a linear unit, sample by sample: one loop for every learner of the chapter.

Chapter: *Linear learners*. The score of a sample is :math:`s = x^\top w + b`. Whatever the cost
:math:`\ell`, a step against its gradient adds a multiple of the *input*,

.. math:: w \leftarrow (1 - \eta \lambda)\, w - \eta\, \ell'(s)\, x, \qquad
          b \leftarrow b - \eta\, \ell'(s),

so the learners differ in the slope :math:`\ell'` alone:

============ ===================== ==================================== =========================
slope        target y              :math:`\ell'(s)`                     learner
============ ===================== ==================================== =========================
`SQUARED`    a number              s − y                                linear unit [1]_
`PERCEPTRON` −1 or +1              −y where the sign of s is wrong      perceptron [2]_
`HINGE`      −1 or +1              −y where ys < 1                      support vector machine
`LOGISTIC`   −1 or +1              −y σ(−ys)                            logistic regression
============ ===================== ==================================== =========================

The bias is not penalised, so it is not shrunk.

References
----------
.. [1] B. Widrow and M. E. Hoff, "Adaptive switching circuits", IRE WESCON Convention Record, part
   4, 1960, pp. 96-104.
.. [2] F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
   organization in the brain", Psychological Review 65 (1958), pp. 386-408.
.. [3] L. Bottou, "Stochastic gradient descent tricks", in Neural Networks: Tricks of the Trade, 2nd
   ed., Springer, 2012, §5.1 (the weights as a number times a vector).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from course_lib.compiled import CompiledFunction, compiled, numba_is_available
from course_lib.validation import FloatArray

SQUARED, PERCEPTRON, HINGE, LOGISTIC = range(4)

#: Below this the common factor of the weights is multiplied in, before digits are lost.
SMALLEST_SCALE = 1e-6


class _VectorOperation(CompiledFunction):
    """A loop over entries, which uncompiled code leaves to a routine of SciPy's for doubles.

    BLAS adds up in the order that suits the machine, and the compiler may do so here too.
    """

    options: ClassVar[dict[str, Any]] = {**CompiledFunction.options, "fastmath": {"reassoc"}}

    @cached_property
    def fastest(self) -> Callable[..., Any]:
        """The compiled loop where numba is installed, the routine elsewhere."""
        if numba_is_available():
            return super().fastest
        from scipy.linalg.blas import daxpy, ddot
        from scipy.special import expit

        return {"dot": ddot, "axpy": daxpy, "sigmoid": expit}[self.__name__]


@_VectorOperation
def dot(x, y):  # type: ignore[no-untyped-def]
    """Return the inner product."""
    total = 0.0
    for j in range(len(x)):
        total += x[j] * y[j]
    return total


@_VectorOperation
def axpy(x, y, n, a):  # type: ignore[no-untyped-def]
    """Add ``a * x`` to ``y``, in place."""
    for j in range(n):
        y[j] += a * x[j]


@_VectorOperation
def sigmoid(x, out):  # type: ignore[no-untyped-def]
    """Write the sigmoid of ``x`` into ``out``."""
    for j in range(len(x)):
        tail = math.exp(-abs(x[j]))  # Of a negative number: it cannot overflow.
        out[j] = (1.0 if x[j] > 0.0 else tail) / (1.0 + tail)


@compiled
def slope(cost, score, target):  # type: ignore[no-untyped-def]
    """Return the derivative of the cost with respect to the score, as in the table above."""
    margin = target * score
    if cost == LOGISTIC:
        # The exponential of a positive number could overflow.
        if margin > 0.0:
            tail = math.exp(-margin)
            return -target * (tail / (1.0 + tail))
        return -target / (1.0 + math.exp(margin))
    if cost == HINGE:
        return -target if margin < 1.0 else 0.0
    if cost == PERCEPTRON:
        return 0.0 if (score > 0.0) == (target > 0.0) else -target
    return score - target


@compiled
def one_sample_pass(  # type: ignore[no-untyped-def]
    theta, mean, X, targets, sample_weight, order, step_sizes, shares, decay, cost, intercept
):
    """Learn from the samples one after the other: ``theta`` moves in place.

    The weights are kept as a number times a vector, so that shrinking them is one multiplication
    [3]_.

    Parameters
    ----------
    theta : ndarray of shape (n_features + 1,)
        The weights, then the bias.
    mean : ndarray of shape (n_features + 1,)
        A running mean of ``theta``, where one is kept.
    X : ndarray of shape (n_samples, n_features)
        Contiguous, of the dtype of ``theta``.
    targets : ndarray of shape (n_samples,)
    sample_weight : ndarray of shape (n_samples,), or (0,)
        What the steps are multiplied with; nothing, where it is empty.
    order : ndarray of int
        The samples to visit.
    step_sizes, shares : ndarray, shaped like ``order``
        The size of each step, and the share that the point it leads to has in the mean; without
        any ``shares`` there is no mean.
    decay : float
        The strength of the L2 penalty.
    cost : int
        `SQUARED`, `PERCEPTRON`, `HINGE` or `LOGISTIC`.
    intercept : bool
        Whether the bias learns.

    Returns
    -------
    int
        How many samples had a slope other than zero: for the perceptron, its mistakes.
    """
    n_features = X.shape[1]
    weights = theta[:n_features]
    bias = float(theta[n_features])  # A number of numpy's is slower in plain Python.
    scale = 1.0
    moved = 0
    for k in range(len(order)):
        i = order[k]
        x = X[i]
        eta = step_sizes[k]
        push = slope(cost, scale * dot(x, weights) + bias, targets[i])
        scale *= 1.0 - eta * decay
        if scale < SMALLEST_SCALE:
            weights *= scale
            scale = 1.0
        if push != 0.0:
            moved += 1
            push *= eta
            if len(sample_weight) > 0:
                push *= sample_weight[i]
            axpy(x, weights, n_features, -push / scale)
            if intercept:
                bias -= push
        if len(shares) > 0:
            share = shares[k]
            mean *= 1.0 - share
            axpy(weights, mean[:n_features], n_features, share * scale)
            mean[n_features] += share * bias
    weights *= scale
    theta[n_features] = bias
    return moved


@compiled
def mini_batch_pass(theta, signed, pushes, decay):  # type: ignore[no-untyped-def]
    r"""Logistic regression in batches: ``theta`` moves in place.

    With the label folded into the row, :math:`z = -y\,(x, 1)`, the probability of the wrong class
    is :math:`\sigma(z^\top \theta)`, and the step takes away
    :math:`\eta\, \sigma(z^\top \theta)\, z`.

    Parameters
    ----------
    theta : ndarray of shape (n_features + 1,)
        The weights, then the bias.
    signed : ndarray of shape (n_batches, batch_size, n_features + 1)
        The rows :math:`z` in the order of their use; zero in the last column where there is no
        intercept.
    pushes : ndarray of shape (n_batches, batch_size)
        The step size of each row's batch, times the weight of the row.
    decay : ndarray of shape (n_batches, n_features + 1)
        What the weights are multiplied with in each step; 1 for the bias.
    """
    for k in range(len(signed)):
        z = signed[k]
        wrong = z.dot(theta)
        sigmoid(wrong, wrong)
        wrong *= pushes[k]
        theta *= decay[k]
        theta -= wrong.dot(z)


def softmax_pass(
    theta: FloatArray,
    rows: FloatArray,
    codes: NDArray[np.intp],
    pushes: FloatArray,
    batch_size: int,
    decay: FloatArray,
) -> None:
    r"""Multinomial logistic regression in batches: ``theta`` moves in place.

    Parameters
    ----------
    theta : ndarray of shape (n_classes, n_features + 1)
        A row of weights and a bias for every class.
    rows : ndarray of shape (n_samples, n_features + 1)
        As for `mini_batch_pass`, without a sign.
    codes : ndarray of shape (n_samples,)
        The class numbers.
    pushes : ndarray of shape (n_samples,)
        As for `mini_batch_pass`.
    batch_size : int
        How many make a batch. The last one may be smaller.
    decay : ndarray of shape (n_batches,)
        What the weights are multiplied with in each step.
    """
    weights = theta[:, :-1]
    for k, shrink in enumerate(decay.tolist()):
        batch = slice(k * batch_size, (k + 1) * batch_size)
        z, observed = rows[batch], codes[batch]
        chances = theta @ z.T
        chances -= chances.max(axis=0)
        np.exp(chances, out=chances)
        chances /= chances.sum(axis=0)
        chances[observed, np.arange(len(z))] -= 1.0
        chances *= pushes[batch]
        weights *= shrink
        theta -= chances @ z
