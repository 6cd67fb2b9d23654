r"""One number a sample: where to cut, and how often the cut is wrong.

Chapter: *LDA and PCA*. Projected onto a direction, two classes are two heaps on a line. For equally
likely Gaussian heaps of one width the best cut is half-way between their means, and the error there
depends on nothing but their distance in widths,

.. math:: \Phi\bigl(-\tfrac12 \sqrt{D}\bigr), \qquad
    D = \frac{(w^\top m_2 - w^\top m_1)^2}{w^\top \Sigma w},

with :math:`\Phi` the standard normal distribution function. With two equally large classes
:math:`D` is four times Fisher's ratio of the scatter between to the scatter within.

G. J. McLachlan, *Discriminant Analysis and Statistical Pattern Recognition*, Wiley, 1992.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_vector


def gaussian_error(criterion: ArrayLike) -> float | FloatArray:
    r"""Return :math:`\Phi(-\frac12 \sqrt D)`, the error of a cut half-way between two classes.

    Parameters
    ----------
    criterion
        :math:`D`: the squared distance of the projected means over the variance within a class, a
        number or an array.

    Raises
    ------
    ValueError
        If a criterion is negative.

    Examples
    --------
    >>> round(gaussian_error(4.0), 4)
    0.1587
    """
    values = np.asarray(criterion, dtype=float)
    if not np.all(values >= 0):
        raise ValueError(
            f"criterion must be non-negative, got {values.min():.3g}: it is a squared distance "
            "over a variance"
        )
    error = np.vectorize(math.erfc, otypes=[float])(np.sqrt(values / 8)) / 2
    return error if values.ndim else float(error)


class Cut(NamedTuple):
    """A threshold between two classes on a line.

    Attributes
    ----------
    threshold : float
        Half-way between the two values that it separates; the largest value if none is better than
        to leave all samples on one side.
    accuracy : float
        The share of the samples on the right side.
    """

    threshold: float
    accuracy: float


def best_cut(projected: ArrayLike, y: ArrayLike) -> Cut:
    """Return the threshold that puts most samples on the side of their class.

    All thresholds are tried, with either class on the left: no assumption on the distributions.

    Parameters
    ----------
    projected
        One number a sample, shape (n_samples,).
    y
        Labels of two kinds, shape (n_samples,).

    Examples
    --------
    >>> best_cut([0.1, 0.4, 0.6, 0.9], [0, 0, 1, 1])
    Cut(threshold=0.5, accuracy=1.0)
    """
    values = check_vector("projected", projected)
    classes, codes = np.unique(np.asarray(y), return_inverse=True)
    if len(classes) != 2 or codes.shape != values.shape:
        raise ValueError(
            "y must hold a label of one of two classes for each of the "
            f"{len(values)} projected samples, got {len(classes)} classes and shape {codes.shape}"
        )
    order = np.argsort(values, kind="stable")
    values, second = values[order], codes[order]
    left = np.arange(1, len(values))
    second_left = np.cumsum(second)[:-1]
    right = (left - second_left) + (second.sum() - second_left)
    correct = np.maximum(right, len(values) - right)
    # Equal values cannot be separated.
    correct = np.where(values[1:] > values[:-1], correct, 0)
    best = int(np.argmax(correct))
    majority = max(int(second.sum()), len(values) - int(second.sum()))
    if correct[best] < majority:
        # No cut inside beats calling everything by the commoner name.
        return Cut(float(values[-1]), majority / len(values))
    return Cut(float(values[best] + values[best + 1]) / 2, float(correct[best] / len(values)))
