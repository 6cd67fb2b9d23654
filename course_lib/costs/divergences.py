r"""Entropy, cross-entropy and the Kullback-Leibler divergence of discrete distributions.

.. math:: H(p) = -\sum_k p_k \log p_k, \qquad
          H(p, q) = -\sum_k p_k \log q_k, \qquad
          D(p \,\|\, q) = \sum_k p_k \log \frac{p_k}{q_k} = H(p, q) - H(p) .

In nats; divide by ``log(2)`` for bits. The cross-entropy of a distribution with itself is its
entropy and not zero, so it is D, not H, that measures a difference [1]_. Neither is symmetric.

References
----------
.. [1] T. M. Cover and J. A. Thomas, Elements of Information Theory, 2nd ed., Wiley, 2006,
   section 2.3.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_array


def entropy(p: ArrayLike) -> FloatArray:
    """Return the entropy of ``p``, shape (n_classes,), or of every row of it."""
    p = check_distribution("p", p)
    return -times_log(p, p).sum(axis=-1)


def cross_entropy(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """Return what outcomes drawn from ``p`` cost who expects ``q``, or that of every row."""
    return -times_log(check_distribution("p", p), check_distribution("q", q)).sum(axis=-1)


def kl_divergence(p: ArrayLike, q: ArrayLike) -> FloatArray:
    """Return how much expecting ``q`` costs beyond the entropy of ``p``, or that of every row."""
    return relative_entropy(check_distribution("p", p), check_distribution("q", q))


def relative_entropy(p: FloatArray, q: FloatArray) -> FloatArray:
    """Return the divergence of the last axis, unchecked."""
    return (times_log(p, p) - times_log(p, q)).sum(axis=-1)


def times_log(weight: FloatArray, probability: FloatArray) -> FloatArray:
    r"""Return :math:`w \log p` with :math:`0 \log 0 = 0`: what never happens costs nothing."""
    with np.errstate(divide="ignore"):
        return zero_wins(weight, np.log(probability))


def over(weight: FloatArray, probability: FloatArray) -> FloatArray:
    r"""Return :math:`w / p` with :math:`0 / 0 = 0`: the slope of `times_log`."""
    # A quotient, not a product with 1 / p: that is infinite already where p is merely subnormal.
    with np.errstate(divide="ignore", over="ignore", invalid="ignore"):
        return np.where(weight == 0.0, 0.0, np.divide(weight, probability))


def zero_wins(weight: FloatArray, factor: FloatArray) -> FloatArray:
    """Return the product, and 0 where the weight is 0, be the factor infinite."""
    with np.errstate(invalid="ignore"):
        return np.where(weight == 0.0, 0.0, weight * factor)


def check_probabilities(name: str, value: ArrayLike, hint: str = "") -> FloatArray:
    """Return ``value`` as an array of numbers from 0 to 1, or say which is not."""
    array = check_array(name, value, ndim=(1, 2))
    outside = array[(array < 0.0) | (array > 1.0)]
    if outside.size:
        raise ValueError(
            f"{name} must hold probabilities, from 0 to 1, got {outside.flat[0]:g}{hint}"
        )
    return array


def check_distribution(name: str, value: ArrayLike, hint: str = "") -> FloatArray:
    """Return ``value`` as probabilities that sum to 1 along the last axis."""
    array = check_probabilities(name, value, hint)
    totals = np.atleast_1d(array.sum(axis=-1))
    # Wide enough for the rounding of float32, and for a finite difference.
    wrong = totals[np.abs(totals - 1.0) > 1e-4]
    if wrong.size:
        raise ValueError(
            f"{name} must hold distributions, which sum to 1, got a sum of {wrong[0]:g}{hint}"
        )
    return array
