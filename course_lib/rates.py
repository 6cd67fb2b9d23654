r"""How fast descent goes on a quadratic, known before it starts.

Chapter: *Gradient descent*. All of these follow from one line: along the eigenvector of curvature
:math:`\lambda`, a step of size :math:`\alpha` multiplies the error by
:math:`1 - \alpha \lambda`.
"""

from __future__ import annotations

from math import ceil, log, sqrt

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_array, check_real


def error_factors(step_size: float, curvatures: ArrayLike) -> FloatArray:
    r"""Return :math:`1 - \alpha \lambda_i`, what one step multiplies each error by.

    Between 0 and 1 the error shrinks without changing sign; between -1 and 0 it shrinks and
    alternates; beyond -1 it grows.
    """
    curvatures = check_array("curvatures", curvatures)
    if curvatures.size == 0:
        raise ValueError("curvatures must hold at least one number, got none")
    return 1.0 - check_real("step_size", step_size, at_least=0) * curvatures


def convergence_rate(step_size: float, curvatures: ArrayLike) -> float:
    r"""Return :math:`\max_i |1 - \alpha \lambda_i|`, the factor of the slowest direction."""
    return float(np.abs(error_factors(step_size, curvatures)).max())


def largest_stable_step(smoothness: float) -> float:
    r"""Return :math:`2 / L`, the limit of a constant step on a quadratic.

    Any smaller step converges to the minimum, and any larger one diverges from every start whose
    error has a share in the direction of largest curvature.
    """
    return 2.0 / check_real("smoothness", smoothness, above=0)


def optimal_step(strong_convexity: float, smoothness: float) -> float:
    r"""Return :math:`2 / (\mu + L)`, the constant step with the best worst direction."""
    strong_convexity, smoothness = _curvature_range(strong_convexity, smoothness)
    return 2.0 / (strong_convexity + smoothness)


def optimal_rate(condition_number: float) -> float:
    r"""Return :math:`(\kappa - 1) / (\kappa + 1)`.

    It bounds the error's contraction at the best constant step; squared, it bounds the contraction
    of the objective's gap in a step of exact line search [1]_.

    References
    ----------
    .. [1] L. V. Kantorovich, "Functional analysis and applied mathematics", Uspekhi
       Matematicheskikh Nauk 3 (1948), no. 6, pp. 89-185.
    """
    kappa = check_real("condition_number", condition_number, at_least=1)
    return (kappa - 1.0) / (kappa + 1.0)


def kantorovich_cosine(condition_number: float) -> float:
    r"""Return :math:`2 \sqrt\kappa / (\kappa + 1)`.

    The least cosine of the angle between the negative gradient and the way to the minimizer, over
    all points of a quadratic of condition number :math:`\kappa` (Kantorovich's inequality).
    """
    kappa = check_real("condition_number", condition_number, at_least=1)
    return 2.0 * sqrt(kappa) / (kappa + 1.0)


def iterations_to_reach(rate: float, reduction: float) -> int:
    r"""Return the least :math:`k` with :math:`\rho^k \le` ``reduction``.

    Parameters
    ----------
    rate
        The factor :math:`\rho` of one iteration, between 0 and 1.
    reduction
        What is to be left of the start, between 0 and 1.
    """
    rate = check_real("rate", rate, at_least=0, below=1)
    reduction = check_real("reduction", reduction, above=0, at_most=1)
    if rate == 0:
        return 0 if reduction == 1 else 1
    k = ceil(log(reduction) / log(rate))
    # The quotient of two rounded logarithms may have stepped over the whole number it should be.
    return k - 1 if k > 0 and rate ** (k - 1) <= reduction else k


def _curvature_range(strong_convexity: float, smoothness: float) -> tuple[float, float]:
    largest = check_real("smoothness", smoothness, above=0)
    return check_real("strong_convexity", strong_convexity, at_least=0, at_most=largest), largest
