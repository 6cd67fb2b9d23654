r"""Conjugate gradients: solving with a matrix that is only known by its products.

Chapter: *Natural gradient*. The Fisher matrix of :math:`d` parameters has :math:`d^2` entries, but
its product with a vector costs about as much as two gradients. For a symmetric positive definite
:math:`A`, conjugate gradients solve :math:`A x = b` by products alone: after :math:`k` of them the
iterate is the best in the space of :math:`b, A b, \dots, A^{k-1} b`.

M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving linear systems", Journal
of Research of the National Bureau of Standards 49 (1952), pp. 409-436.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_integer, check_real, check_vector


class LinearSolution(NamedTuple):
    """What conjugate gradients found.

    Attributes
    ----------
    x : ndarray of shape (n,)
    residual_norms : ndarray of shape (n_iterations + 1,)
        The length of :math:`b - A x` at the start and after every product.
    converged : bool
        Whether the last is within the tolerance.
    """

    x: FloatArray
    residual_norms: FloatArray
    converged: bool


def solve_by_products(
    product: Callable[[FloatArray], FloatArray],
    b: ArrayLike,
    *,
    tol: float = 1e-10,
    max_iterations: int | None = None,
) -> LinearSolution:
    """Solve a linear system with a symmetric positive definite matrix.

    Parameters
    ----------
    product
        Returns the matrix times a vector, shape (n,) to (n,).
    b
        The right-hand side.
    tol
        Stop when the residual is no longer than this share of ``b``.
    max_iterations
        Products at most; ``10 * n`` if not given. In exact arithmetic ``n`` are enough, one for
        every different eigenvalue.

    Raises
    ------
    ValueError
        If the matrix turns out not to be positive definite.

    Examples
    --------
    >>> solve_by_products(lambda v: np.array([4.0, 1.0]) * v, [4.0, 3.0]).x
    array([1., 3.])
    """
    target = check_vector("b", b)
    check_real("tol", tol, at_least=0)
    cap = 10 * len(target) if max_iterations is None else max_iterations
    check_integer("max_iterations", cap, at_least=1)
    x = np.zeros_like(target)
    residual, direction = target.copy(), target.copy()
    square = float(residual @ residual)
    norms = [np.sqrt(square)]
    limit = tol * norms[0]
    while norms[-1] > limit and len(norms) <= cap:
        image = product(direction)
        curvature = float(direction @ image)
        if curvature <= 0:
            raise ValueError(
                f"the matrix is not positive definite: v @ A @ v = {curvature:.3g} for a direction "
                "of the search. Add damping"
            )
        alpha = square / curvature
        x += alpha * direction
        residual -= alpha * image
        previous, square = square, float(residual @ residual)
        direction *= square / previous
        direction += residual
        norms.append(np.sqrt(square))
    return LinearSolution(x, np.array(norms), bool(norms[-1] <= limit))
