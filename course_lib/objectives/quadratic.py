r"""The model problem: a quadratic bowl.

Chapter: *Gradient descent*. Near a minimum every smooth objective looks like

.. math:: f(\theta) = f^\star + \tfrac12 (\theta - \theta^\star)^\top H (\theta - \theta^\star),

and on it everything about gradient descent can be computed by hand.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.initializers import orthogonal
from course_lib.objectives.base import Batch, Objective
from course_lib.validation import (
    FloatArray,
    check_array,
    check_integer,
    check_real,
    check_vector,
)


class Quadratic(Objective):
    r"""A convex quadratic with a known minimizer.

    Parameters
    ----------
    hessian
        The symmetric positive semi-definite matrix :math:`H`, shape (n, n).
    minimizer
        :math:`\theta^\star`, shape (n,); the origin if not given.
    minimum
        :math:`f^\star`, the value there.

    Attributes
    ----------
    curvatures : ndarray of shape (n,)
        The eigenvalues of :math:`H`, in increasing order. One that is zero up to rounding is zero.
    smoothness : float
        :math:`L`, the largest curvature.
    strong_convexity : float
        :math:`\mu`, the smallest curvature.
    condition_number : float
        :math:`\kappa = L / \mu`, infinite for a flat direction.
    """

    is_quadratic = True

    def __init__(
        self, hessian: ArrayLike, minimizer: ArrayLike | None = None, minimum: float = 0.0
    ) -> None:
        matrix = check_array("hessian", hessian, ndim=2)
        if matrix.shape[0] != matrix.shape[1] or matrix.size == 0:
            raise ValueError(f"hessian must be square, got shape {matrix.shape}")
        rounding = np.finfo(matrix.dtype).eps * np.abs(matrix).max() * len(matrix)
        if np.abs(matrix - matrix.T).max() > 1000 * rounding:
            raise ValueError(
                "hessian must be symmetric: pass (H + H.T) / 2, which defines the same quadratic"
            )
        self.n_parameters = len(matrix)
        self.curvatures = np.linalg.eigvalsh(matrix)
        if self.curvatures[0] < -1000 * rounding:
            raise ValueError(
                "hessian must have no negative eigenvalue, or the quadratic has no minimum; its "
                f"smallest eigenvalue is {self.curvatures[0]:.6g}"
            )
        self.curvatures[self.curvatures <= rounding] = 0.0
        self.minimizer = (
            np.zeros(self.n_parameters)
            if minimizer is None
            else check_vector("minimizer", minimizer, self.n_parameters)
        )
        self.minimum = check_real("minimum", minimum)
        self._hessian = matrix

    @classmethod
    def with_spectrum(
        cls,
        curvatures: ArrayLike,
        minimizer: ArrayLike | None = None,
        *,
        seed: int | np.random.Generator | None = None,
    ) -> Quadratic:
        """Return a quadratic with chosen eigenvalues.

        Parameters
        ----------
        curvatures
            The eigenvalues of the Hessian, none negative.
        minimizer
            Where the minimum lies; the origin if not given.
        seed
            Turns the axes by a random rotation, uniformly distributed over all orthogonal
            matrices. Without a seed the Hessian is diagonal, in the order given.
        """
        eigenvalues = check_vector("curvatures", curvatures)
        if eigenvalues.size == 0 or (eigenvalues < 0).any():
            raise ValueError(f"curvatures must be at least one number >= 0, got {curvatures!r}")
        if seed is None:
            return cls(np.diag(eigenvalues), minimizer)
        axes = random_rotation(len(eigenvalues), seed)
        matrix = (axes * eigenvalues) @ axes.T
        return cls((matrix + matrix.T) / 2, minimizer)

    @property
    def smoothness(self) -> float:
        return float(self.curvatures[-1])

    @property
    def strong_convexity(self) -> float:
        return float(self.curvatures[0])

    @property
    def condition_number(self) -> float:
        return self.smoothness / self.strong_convexity if self.strong_convexity else np.inf

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        error = theta - self.minimizer
        return float(self.minimum + 0.5 * error @ self._hessian @ error)

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        error = theta - self.minimizer
        np.matmul(self._hessian, error, out=out, casting="same_kind")
        return float(self.minimum + 0.5 * error @ out)

    def hessian(self, theta: ArrayLike, batch: Batch | None = None) -> FloatArray:
        self._samples(batch)
        self._point(theta)
        return self._hessian.copy()

    def hessian_vector_product(
        self, theta: ArrayLike, vector: ArrayLike, batch: Batch | None = None
    ) -> FloatArray:
        self._samples(batch)
        self._point(theta)
        return self._hessian @ self._point(vector, "vector")

    def __repr__(self) -> str:
        return f"Quadratic(n={self.n_parameters}, condition_number={self.condition_number:.6g})"


def random_rotation(n: int, seed: int | np.random.Generator) -> FloatArray:
    """Return an orthogonal matrix, uniformly distributed over all of them [1]_.

    It is the square one of `course_lib.initializers.orthogonal`, which says how it is drawn.

    References
    ----------
    .. [1] F. Mezzadri, "How to generate random matrices from the classical compact groups",
       Notices of the AMS 54 (2007), pp. 592-604.
    """
    n = check_integer("n", n, at_least=1)
    return orthogonal((n, n), seed)
