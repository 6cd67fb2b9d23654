r"""Solving with the within-class covariance, without losing digits that the data hold.

Chapter: *LDA and PCA*. Discriminants are :math:`c = \Sigma^{-1} (m_c - \bar x)`. Forming
:math:`\Sigma = \frac1n R^\top R` from the class-centred rows :math:`R` squares their condition
number. Three routes, the cheapest that is good enough:

========================  ===================================================  ===================
:math:`\Sigma` is          route                                                cost, n ≫ d
========================  ===================================================  ===================
well-conditioned          Cholesky, :math:`\Sigma = L L^\top`                   :math:`n d^2`
ill-conditioned           the same, and once more on the residual               :math:`n d^2`
                          :math:`(m_c - \bar x) - \frac1n R^\top (R c)` [1]_
nearly singular           singular values of :math:`R`; those below a           :math:`2 n d^2`
                          tolerance are no directions
========================  ===================================================  ===================

Features are taken in units of their own within-class spread, so that small units do not pass for
ill-conditioning.

.. [1] Å. Björck, "Stability analysis of the method of seminormal equations for linear least squares
   problems", Linear Algebra and its Applications 88/89 (1987), pp. 31-48.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import LinAlgError, cho_factor, cho_solve
from scipy.linalg.lapack import get_lapack_funcs

from course_lib.discriminants.scatter import class_standard_deviations, residual_blocks
from course_lib.validation import FloatArray

#: Smallest eigenvalue of a correlation matrix above which no refinement is needed.
WELL_CONDITIONED = 1e-2


class WithinSolution(NamedTuple):
    r"""The solution of :math:`\Sigma C = T` on the directions that have within-class variance.

    Attributes
    ----------
    coefficients : ndarray of shape (n_features, n_targets)
        :math:`C`.
    rank : int
        The number of directions used.
    ignored : float
        The share of the targets' length along ignored directions, from 0 to 1.
    """

    coefficients: FloatArray
    rank: int
    ignored: float


def solve_within(
    X: FloatArray,
    means: FloatArray,
    codes: NDArray[np.integer],
    covariance: FloatArray,
    targets: FloatArray,
    tol: float,
) -> WithinSolution:
    r"""Solve :math:`\frac1n R^\top R\, C = T` with :math:`R` the rows of ``X``, class-centred.

    Parameters
    ----------
    X, means, codes
        The samples, the class means and every sample's class.
    covariance
        :math:`\frac1n R^\top R`, shape (n_features, n_features).
    targets
        :math:`T`, shape (n_features, n_targets).
    tol
        Directions in which the standardized residuals have a standard deviation of no more than
        this are ignored.
    """
    n_samples, n_features = X.dtype.type(len(X)), X.shape[1]
    rounding = np.finfo(X.dtype).eps
    width = class_standard_deviations(np.diag(covariance), means, len(X))
    targets = targets / width[:, None]
    factor, smallest = _cholesky(covariance / width / width[:, None])
    if smallest > max(10 * tol**2, 10 * n_features * rounding):
        solution = cho_solve(factor, targets)
        if smallest < WELL_CONDITIONED:
            scaled, image = solution / width[:, None], np.zeros_like(targets)
            for _, block in residual_blocks(X, means, codes):
                image += block.T @ (block @ scaled)
            image /= width[:, None] * n_samples
            solution += cho_solve(factor, targets - image)
        return WithinSolution(solution / width[:, None], n_features, 0.0)

    residuals = (X - means[codes]) / (width * np.sqrt(n_samples))
    deviation, V = np.linalg.svd(np.linalg.qr(residuals, mode="r"), full_matrices=False)[1:]
    kept = deviation > max(tol, rounding * max(X.shape) * deviation[0])
    V = V[kept]
    coordinates = V @ targets
    solution = V.T @ (coordinates / deviation[kept, None] ** 2)
    length = np.linalg.norm(targets)
    ignored = np.linalg.norm(targets - V.T @ coordinates) / length if length > 0 else 0.0
    return WithinSolution(solution / width[:, None], int(kept.sum()), float(ignored))


def solve_shrunk(covariance: FloatArray, targets: FloatArray, width: FloatArray) -> FloatArray:
    r"""Solve :math:`\Sigma C = T` with a covariance that shrinkage has made positive definite.

    Parameters
    ----------
    covariance, targets
        :math:`\Sigma` and :math:`T`, as in `solve_within`.
    width
        The standard deviations, 1 for features that do not vary, shape (n_features,).

    Raises
    ------
    numpy.linalg.LinAlgError
        If it has not.
    """
    factor, smallest = _cholesky(covariance / width / width[:, None])
    if smallest <= len(covariance) * np.finfo(covariance.dtype).eps:
        raise LinAlgError(
            "the shrunk covariance is still singular to working precision: choose more shrinkage, "
            "or drop the features that are constant in every class"
        )
    return cho_solve(factor, targets / width[:, None]) / width[:, None]


def _cholesky(correlation: FloatArray) -> tuple[tuple[FloatArray, bool], float]:
    """Return the Cholesky factor and about the smallest eigenvalue; 0 where there is no factor."""
    try:
        factor = cho_factor(correlation, lower=True)
    except LinAlgError:
        return (correlation, True), 0.0
    norm = np.abs(correlation).sum(axis=0).max()
    reciprocal_condition = get_lapack_funcs("pocon", (correlation,))(factor[0], norm, uplo="L")[0]
    return factor, float(reciprocal_condition * norm)
