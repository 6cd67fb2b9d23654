"""Preparing features.

Chapter: *Gradient descent*. The curvature of a squared error along a weight is the mean square of
that weight's input. Features on one scale give a rounder bowl.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_array


class Standardization(NamedTuple):
    """Standardized data and the numbers to repeat or undo it.

    Attributes
    ----------
    data : ndarray of shape (n_samples, n_features)
        Columns of mean 0 and standard deviation 1.
    mean : ndarray of shape (n_features,)
        What was subtracted.
    scale : ndarray of shape (n_features,)
        What the rest was divided by. New data must use these two, never its own.
    """

    data: FloatArray
    mean: FloatArray
    scale: FloatArray

    def apply(self, X: ArrayLike) -> FloatArray:
        """Return new rows ``X`` in the same units."""
        return (check_array("X", X, shape=(None, len(self.mean))) - self.mean) / self.scale


def standardize(X: ArrayLike) -> Standardization:
    """Move every column of ``X`` to mean 0 and scale it to standard deviation 1.

    The standard deviation divides by n, as scikit-learn's ``StandardScaler`` does.

    Raises
    ------
    ValueError
        If there are no rows, or a column is constant: it has no scale, and carries nothing the bias
        does not.
    """
    data = check_array("X", X, ndim=2)
    if len(data) == 0:
        raise ValueError("X must hold at least one sample, got none")
    # Sums in double precision: float32 would lose digits down a long column.
    mean = data.mean(axis=0, dtype=np.float64)
    scale = data.std(axis=0, dtype=np.float64)
    # The mean of equal numbers need not be that number to the last bit.
    constant = np.flatnonzero(scale <= 4 * np.finfo(data.dtype).eps * np.abs(data).max(axis=0))
    if constant.size:
        raise ValueError(
            f"X must have no constant column, got {constant.size}, the first at index "
            f"{constant[0]}: drop it, the bias does its work"
        )
    mean, scale = mean.astype(data.dtype), scale.astype(data.dtype)
    return Standardization((data - mean) / scale, mean, scale)
