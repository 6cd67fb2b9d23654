r"""Shares of the least squares fit: what ridge and early stopping let through, axis by axis.

Chapter: *Regularization*. Let :math:`\frac1n X^\top X` have the eigenvectors :math:`v_i` with the
curvatures :math:`\lambda_i`, and let :math:`c_i = v_i^\top w^\star` be the least squares fit in
that basis. Ridge and gradient descent from zero, stopped after :math:`k` steps, both return

.. math:: w = \sum_i s_i\, c_i\, v_i

and differ in the shares :math:`s_i` alone:

================ ========================================= =======================
method           share                                     function
================ ========================================= =======================
ridge            :math:`\lambda_i / (\lambda_i + \lambda)` `ridge_shares`
descent, stopped :math:`1 - (1 - \alpha\lambda_i)^k`       `early_stopping_shares`
least squares    1                                         `numpy.ones`
================ ========================================= =======================

The first is the classical filter of ridge [1]_. On a flat axis the second is about :math:`\alpha k
\lambda_i`, the first about :math:`\lambda_i / \lambda`: stopping after :math:`k` steps resembles a
penalty of :math:`\lambda = 1 / (\alpha k)` [2]_.

References
----------
.. [1] T. Hastie, R. Tibshirani and J. Friedman, "The elements of statistical learning", 2nd ed.,
   Springer 2009, section 3.4.1.
.. [2] A. Ali, J. Z. Kolter and R. J. Tibshirani, "A continuous-time view of early stopping for
   least squares regression", AISTATS 2019, pp. 1370-1378.
"""

from __future__ import annotations

from typing import NamedTuple, Self

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_array, check_integer, check_real


def ridge_shares(curvatures: ArrayLike, strength: float) -> FloatArray:
    r"""Return the share :math:`\lambda_i / (\lambda_i + \lambda)` that ridge keeps of each axis.

    Parameters
    ----------
    curvatures
        Not negative, shape (n_axes,).
    strength
        :math:`\lambda` of the penalty :math:`\frac\lambda2 \|w\|^2` on half the mean squared error.

    Examples
    --------
    >>> ridge_shares([0.1, 1.0, 10.0], strength=1.0).round(3)
    array([0.091, 0.5  , 0.909])
    """
    curvatures = _check_curvatures(curvatures)
    return curvatures / (curvatures + check_real("strength", strength, above=0))


def early_stopping_shares(curvatures: ArrayLike, step_size: float, iterations: int) -> FloatArray:
    r"""Return the share :math:`1 - (1 - \alpha\lambda_i)^k` that descent from zero has reached.

    Parameters
    ----------
    curvatures
        Not negative, shape (n_axes,).
    step_size, iterations
        :math:`\alpha` and :math:`k`.

    Examples
    --------
    >>> early_stopping_shares([0.1, 1.0, 10.0], step_size=0.1, iterations=10).round(3)
    array([0.096, 0.651, 1.   ])
    """
    curvatures = _check_curvatures(curvatures)
    step_size = check_real("step_size", step_size, above=0)
    iterations = check_integer("iterations", iterations, at_least=0)
    return 1.0 - (1.0 - step_size * curvatures) ** iterations


class LeastSquaresAxes(NamedTuple):
    """A least squares problem in the basis in which it falls apart into single numbers.

    Attributes
    ----------
    curvatures : ndarray of shape (n_axes,)
        The eigenvalues of ``X.T @ X / n_samples`` above rounding, in increasing order.
    axes : ndarray of shape (n_features, n_axes)
        Their eigenvectors.
    fit : ndarray of shape (n_axes,)
        The least squares fit in this basis; with more features than samples the one of least norm.

    Examples
    --------
    >>> X, y = np.array([[2.0, 0.0], [0.0, 1.0]]), np.array([2.0, 1.0])
    >>> problem = LeastSquaresAxes.of(X, y)
    >>> problem.weights(ridge_shares(problem.curvatures, 0.5))
    array([0.8, 0.5])
    """

    curvatures: FloatArray
    axes: FloatArray
    fit: FloatArray

    @classmethod
    def of(cls, X: ArrayLike, y: ArrayLike) -> Self:
        """Return the axes of ``X``, shape (n_samples, n_features), and ``y``, shape (n_samples,).

        Nothing is centred: subtract the means before, where a bias is wanted.
        """
        X = check_array("X", X, ndim=2)
        y = check_array("y", y, shape=(len(X),))
        left, singular, right = np.linalg.svd(X, full_matrices=False)
        kept = singular > singular[0] * max(X.shape) * np.finfo(X.dtype).eps
        left, singular, right = left[:, kept], singular[kept], right[kept]
        curvatures = singular**2 / len(X)
        return cls(curvatures[::-1], right[::-1].T, (left.T @ y / singular)[::-1])

    def weights(self, shares: ArrayLike) -> FloatArray:
        """Return the weights that keep these shares of the fit.

        Parameters
        ----------
        shares
            Shape (n_axes,), or (n_fits, n_axes) for several at once; the result then has shape
            (n_fits, n_features).
        """
        return (np.asarray(shares) * self.fit) @ self.axes.T


def _check_curvatures(curvatures: ArrayLike) -> FloatArray:
    array = check_array("curvatures", curvatures, ndim=1)
    if (array < 0).any():
        raise ValueError(f"curvatures must not be negative, got {array.min():g} among them")
    return array
