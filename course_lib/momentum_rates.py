r"""How fast momentum goes on a quadratic, known before it starts.

Chapter: *Momentum and adaptive optimizers*. Along the eigenvector of curvature :math:`\lambda` the
error obeys a recurrence of second order. Its characteristic equation

.. math::
    r^2 - (1 + \beta - \alpha \lambda)\, r + \beta = 0 \quad \text{(heavy ball)}, \qquad
    r^2 - (1 + \beta)(1 - \alpha \lambda)\, r + \beta (1 - \alpha \lambda) = 0 \quad
    \text{(Nesterov)}

has two roots, and in the long run every iteration multiplies the error by the modulus of the larger
one. Where the roots of the heavy ball are complex, that is :math:`\sqrt\beta` whatever the
curvature: slow directions gain, and directions that a single step would have settled lose.
"""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_array, check_real


class Tuning(NamedTuple):
    """A constant step size, a constant momentum, and the rate they reach."""

    step_size: float
    momentum: float
    rate: float


def heavy_ball_factors(step_size: float, momentum: float, curvatures: ArrayLike) -> FloatArray:
    """Return what an iteration of heavy ball multiplies the error by, for every curvature.

    With momentum 0 these are the factors of gradient descent, without their sign.
    """
    alpha, beta, curvatures = _check(step_size, momentum, curvatures)
    return _larger_root(1.0 + beta - alpha * curvatures, np.full_like(curvatures, beta))


def nesterov_factors(step_size: float, momentum: float, curvatures: ArrayLike) -> FloatArray:
    """Return what an iteration of Nesterov's momentum multiplies the error by, by curvature."""
    alpha, beta, curvatures = _check(step_size, momentum, curvatures)
    shrink = 1.0 - alpha * curvatures
    return _larger_root((1.0 + beta) * shrink, beta * shrink)


def heavy_ball_largest_stable_step(smoothness: float, momentum: float) -> float:
    r"""Return :math:`2 (1 + \beta) / L`: below it heavy ball converges, above it diverges [1]_.

    References
    ----------
    .. [1] B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
       Computational Mathematics and Mathematical Physics 4 (1964), no. 5, pp. 1-17.
    """
    beta = check_real("momentum", momentum, at_least=0, below=1)
    return 2.0 * (1.0 + beta) / check_real("smoothness", smoothness, above=0)


def heavy_ball_tuning(strong_convexity: float, smoothness: float) -> Tuning:
    r"""Return the tuning with the best worst direction [1]_.

    .. math::
        \alpha = \left(\frac{2}{\sqrt L + \sqrt\mu}\right)^2, \qquad
        \sqrt\beta = \rho = \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}

    Gradient descent at its best has :math:`\kappa` where this has :math:`\sqrt\kappa`. The promise
    is for quadratics: on other strongly convex functions this tuning may cycle for ever [2]_.

    References
    ----------
    .. [1] B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
       Computational Mathematics and Mathematical Physics 4 (1964), no. 5, pp. 1-17.
    .. [2] L. Lessard, B. Recht and A. Packard, "Analysis and design of optimization algorithms via
       integral quadratic constraints", SIAM Journal on Optimization 26 (2016), pp. 57-95.
    """
    root_mu, root_l = _curvature_roots(strong_convexity, smoothness)
    rate = (root_l - root_mu) / (root_l + root_mu)
    return Tuning(step_size=(2.0 / (root_l + root_mu)) ** 2, momentum=rate**2, rate=rate)


def nesterov_tuning(strong_convexity: float, smoothness: float) -> Tuning:
    r"""Return the tuning that is safe on every strongly convex function [1]_.

    .. math::
        \alpha = \frac1L, \qquad \beta = \frac{\sqrt\kappa - 1}{\sqrt\kappa + 1}, \qquad
        \rho = 1 - \frac{1}{\sqrt\kappa}

    The rate is that of a quadratic; in general the *objective* falls by this factor.

    References
    ----------
    .. [1] Y. Nesterov, *Introductory Lectures on Convex Optimization*, Kluwer, 2004, §2.2.1.
    """
    root_mu, root_l = _curvature_roots(strong_convexity, smoothness)
    return Tuning(
        step_size=1.0 / root_l**2,
        momentum=(root_l - root_mu) / (root_l + root_mu),
        rate=1.0 - root_mu / root_l,
    )


def _larger_root(total: FloatArray, product: FloatArray) -> FloatArray:
    # The roots of r^2 - total * r + product: their sum and their product.
    discriminant = (total / 2.0) ** 2 - product
    real = np.abs(total) / 2.0 + np.sqrt(np.maximum(discriminant, 0.0))
    return np.where(discriminant < 0, np.sqrt(np.abs(product)), real)


def _check(
    step_size: float, momentum: float, curvatures: ArrayLike
) -> tuple[float, float, FloatArray]:
    return (
        check_real("step_size", step_size, at_least=0),
        check_real("momentum", momentum, at_least=0, below=1),
        check_array("curvatures", curvatures),
    )


def _curvature_roots(strong_convexity: float, smoothness: float) -> tuple[float, float]:
    smoothness = check_real("smoothness", smoothness, above=0)
    mu = check_real("strong_convexity", strong_convexity, above=0, at_most=smoothness)
    return sqrt(mu), sqrt(smoothness)
