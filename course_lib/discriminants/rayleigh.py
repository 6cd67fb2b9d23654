r"""The ratio of two quadratic forms, as a number and as an objective.

Chapter: *LDA and PCA*. The generalised Rayleigh quotient

.. math:: R(w) = \frac{w^\top A w}{w^\top B w}

depends on the direction of :math:`w` alone. With :math:`A` the between-class and :math:`B` the
within-class scatter it is Fisher's criterion, with :math:`A` a covariance and :math:`B = I` the
variance that PCA maximizes. Its gradient vanishes where :math:`A w = R B w`: its stationary
points are the generalised eigenvectors and its values there the eigenvalues.

G. H. Golub and C. F. Van Loan, *Matrix Computations*, 4th ed., Johns Hopkins University Press,
2013, §8.7.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.objectives.base import Batch, Objective
from course_lib.validation import FloatArray, check_array


def rayleigh_quotient(
    w: ArrayLike, numerator: ArrayLike, denominator: ArrayLike | None = None
) -> float | FloatArray:
    r"""Return :math:`w^\top A w / w^\top B w`.

    Parameters
    ----------
    w
        One direction, shape (n_features,), or several as columns, shape (n_features, n_directions).
    numerator, denominator
        The symmetric matrices :math:`A` and :math:`B`, shape (n_features, n_features); :math:`B` is
        the identity if not given.

    Returns
    -------
    float or ndarray of shape (n_directions,)

    Raises
    ------
    ValueError
        If a denominator is not positive: the ratio is then infinite or undefined.

    Examples
    --------
    >>> rayleigh_quotient([1.0, 1.0], [[3.0, 0.0], [0.0, 1.0]])
    2.0
    """
    directions = check_array("w", w, ndim=(1, 2))
    n_features = len(directions)
    A = check_array("numerator", numerator, shape=(n_features, n_features))
    above = np.einsum("i...,i...->...", directions, A @ directions)
    if denominator is None:
        below = np.einsum("i...,i...->...", directions, directions)
    else:
        B = check_array("denominator", denominator, shape=(n_features, n_features))
        below = np.einsum("i...,i...->...", directions, B @ directions)
    if not np.all(below > 0):
        raise ValueError(
            f"the denominator must be positive along every direction w, got {np.min(below):.3g}: "
            "w is zero, or the denominator matrix is not positive definite"
        )
    return above / below if directions.ndim == 2 else float(above / below)


class RayleighQuotient(Objective):
    r"""Minus the Rayleigh quotient, so that going down finds the largest eigenvalue.

    Parameters
    ----------
    numerator, denominator
        The matrices :math:`A` and :math:`B`, as in `rayleigh_quotient`.

    Notes
    -----
    The gradient of :math:`R` is :math:`2 (A w - R B w) / (w^\top B w)`. It is orthogonal to
    :math:`w`, so a gradient step never shortens :math:`w`, and a longer :math:`w` means smaller
    steps: keep the constraint :math:`\|w\| = 1` in mind when comparing step sizes.
    """

    def __init__(self, numerator: ArrayLike, denominator: ArrayLike | None = None) -> None:
        self.numerator = _symmetric("numerator", numerator)
        self.n_parameters = len(self.numerator)
        if denominator is None:
            self.denominator = np.eye(self.n_parameters)
        else:
            self.denominator = _symmetric("denominator", denominator)
        if self.denominator.shape != self.numerator.shape:
            raise ValueError(
                f"denominator must have shape {self.numerator.shape} as the numerator has, got "
                f"shape {self.denominator.shape}"
            )

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        return -float(theta @ self.numerator @ theta / (theta @ self.denominator @ theta))

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        above, below = self.numerator @ theta, self.denominator @ theta
        scale = theta @ below
        ratio = theta @ above / scale
        out[...] = 2.0 / scale * (ratio * below - above)
        return -float(ratio)

    def hessian(self, theta: ArrayLike, batch: Batch | None = None) -> FloatArray:
        """Return the matrix of second derivatives, shape (n_features, n_features)."""
        self._samples(batch)
        point = self._point(theta)
        value, gradient = self.value_and_gradient(point)
        below = self.denominator @ point
        cross = np.outer(gradient, below)
        return (
            -2.0 * (self.numerator + value * self.denominator + cross + cross.T) / (point @ below)
        )

    def __repr__(self) -> str:
        return f"RayleighQuotient({self.n_parameters} parameters)"


def _symmetric(name: str, value: ArrayLike) -> FloatArray:
    matrix = check_array(name, value, ndim=2)
    if matrix.shape[0] != matrix.shape[1] or not np.allclose(matrix, matrix.T):
        raise ValueError(f"{name} must be a symmetric matrix, got shape {matrix.shape}")
    return matrix
