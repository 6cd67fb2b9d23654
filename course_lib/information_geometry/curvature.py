r"""The curvature of a surface with a given metric.

Chapter: *Natural gradient*. A metric says how long small steps are; the curvature, made of its
second derivatives, says whether the surface can be flattened. The Gaussians under the Fisher metric
have the curvature :math:`-\frac12` everywhere: no choice of coordinates makes the metric the
identity on a whole region. Multiplying a gradient with :math:`F^{-1}` therefore straightens the
space at one point, not beyond.

With the metric :math:`\begin{pmatrix} E & F \\ F & G \end{pmatrix}` in coordinates :math:`(u, v)`
the Gaussian curvature is, by Brioschi's formula,

.. math:: K = \frac{1}{(E G - F^2)^2} \left(
    \begin{vmatrix} -\frac12 E_{vv} + F_{uv} - \frac12 G_{uu} & \frac12 E_u & F_u - \frac12 E_v \\
                    F_v - \frac12 G_u & E & F \\ \frac12 G_v & F & G \end{vmatrix}
  - \begin{vmatrix} 0 & \frac12 E_v & \frac12 G_u \\
                    \frac12 E_v & E & F \\ \frac12 G_u & F & G \end{vmatrix} \right).

S. Amari and H. Nagaoka, *Methods of Information Geometry*, AMS and Oxford University Press, 2000.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_real, check_vector

# Central differences over five points, exact for polynomials of degree four.
FIRST = np.array([1.0, -8.0, 0.0, 8.0, -1.0]) / 12.0
SECOND = np.array([-1.0, 16.0, -30.0, 16.0, -1.0]) / 12.0
HERE = np.array([0.0, 0.0, 1.0, 0.0, 0.0])


def gaussian_curvature(
    metric: Callable[[FloatArray], ArrayLike], theta: ArrayLike, step: float = 1e-3
) -> float:
    """Return the Gaussian curvature of a two-dimensional metric at a point.

    Parameters
    ----------
    metric
        From a point, shape (2,), to the metric there, shape (2, 2): `Family.fisher`, for example.
    theta
        The point.
    step
        Between the points of the finite differences; it must be small compared with the scale on
        which the metric changes. The truncation error goes with its fourth power, the rounding
        error with the inverse of its square.

    Examples
    --------
    >>> from course_lib.likelihoods import Gaussian
    >>> from course_lib.information_geometry import Family
    >>> round(gaussian_curvature(Family(Gaussian(0.0, 1.0)).fisher, [0.0, 1.0]), 6)
    -0.5
    """
    u, v = check_vector("theta", theta, 2)
    h = check_real("step", step, above=0)
    offsets = h * np.arange(-2, 3)
    grid = np.array([[metric(np.array([u + a, v + b])) for b in offsets] for a in offsets])

    def derivative(along_u: FloatArray, along_v: FloatArray, order: int) -> FloatArray:
        return np.einsum("a,b,abij->ij", along_u, along_v, grid) / h**order

    g = grid[2, 2]
    g_u, g_v = derivative(FIRST, HERE, 1), derivative(HERE, FIRST, 1)
    g_uu, g_vv = derivative(SECOND, HERE, 2), derivative(HERE, SECOND, 2)
    g_uv = derivative(FIRST, FIRST, 2)
    E_u, F_u, G_u = g_u[0, 0], g_u[0, 1], g_u[1, 1]
    E_v, F_v, G_v = g_v[0, 0], g_v[0, 1], g_v[1, 1]
    first = np.empty((3, 3))
    first[0] = -0.5 * g_vv[0, 0] + g_uv[0, 1] - 0.5 * g_uu[1, 1], 0.5 * E_u, F_u - 0.5 * E_v
    first[1:, 0] = F_v - 0.5 * G_u, 0.5 * G_v
    second = np.empty((3, 3))
    second[0] = second[:, 0] = 0.0, 0.5 * E_v, 0.5 * G_u
    first[1:, 1:] = second[1:, 1:] = g
    return float((np.linalg.det(first) - np.linalg.det(second)) / np.linalg.det(g) ** 2)
