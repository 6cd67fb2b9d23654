r"""Is the gradient the derivative of the value?

Chapters: *Gradient descent*, *Backpropagation*. A gradient is compared with central differences,

.. math::

   \frac{\partial f}{\partial \theta_i} \approx
   \frac{f(\theta + h e_i) - f(\theta - h e_i)}{2h},

whose truncation error is :math:`O(h^2)` and whose rounding error is :math:`O(\epsilon / h)`: the
best :math:`h` is about :math:`\epsilon^{1/3}`, and half the digits is a little less than what a
right gradient can be expected to agree to.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib.line_search import check_one_function
from course_lib.objectives.base import Batch, Objective
from course_lib.validation import FloatArray, check_real, check_vector


class GradientMismatch(AssertionError):
    """The gradient is not the derivative of the value."""


@dataclass(frozen=True)
class GradientCheck:
    """What a gradient check found.

    Attributes
    ----------
    relative_error : float
        The distance between the two gradients, divided by the larger of their norms.
    worst_index : int
        The parameter where they differ most.
    claimed : ndarray of shape (n_parameters,)
        The objective's gradient.
    measured : ndarray of shape (n_parameters,)
        The central differences.
    """

    relative_error: float
    worst_index: int
    claimed: FloatArray
    measured: FloatArray

    def __str__(self) -> str:
        i = self.worst_index
        return (
            f"relative error {self.relative_error:.1e}; worst at parameter {i}: claimed "
            f"{self.claimed[i]:.6g}, measured {self.measured[i]:.6g}"
        )


def finite_difference_gradient(
    objective: Objective, theta: ArrayLike, batch: Batch | None = None, step: float | None = None
) -> FloatArray:
    """Return the gradient by central differences, shape (n_parameters,).

    Parameters
    ----------
    objective, theta, batch
        What to differentiate, and where.
    step
        The :math:`h` of a parameter of size one; it grows with the parameter. The cube root of the
        rounding unit if not given.

    Notes
    -----
    Costs two values a parameter. That is the price of not having the gradient.
    """
    point = check_vector("theta", theta, objective.n_parameters).astype(np.float64)
    h = np.cbrt(np.finfo(np.float64).eps) if step is None else check_real("step", step, above=0)
    gradient = np.empty_like(point)
    for i, here in enumerate(point):
        width = h * max(1.0, abs(here))
        point[i] = here + width
        above, right = objective.value(point, batch), point[i]
        point[i] = here - width
        below, left = objective.value(point, batch), point[i]
        point[i] = here
        # right - left, not 2 * width: the difference of what was stored carries no rounding.
        gradient[i] = (above - below) / (right - left)
    return gradient


def check_gradient(
    objective: Objective,
    theta: ArrayLike,
    batch: Batch | None = None,
    *,
    tolerance: float = 1e-6,
    step: float | None = None,
) -> GradientCheck:
    """Compare an objective's gradient with central differences.

    Check at a random point, on data without symmetry: at zero weights or on equal features a wrong
    gradient may look right. Near a minimum, where the gradient is no larger than the rounding of
    the differences, a right one may look wrong. The comparison is made in double precision,
    whatever the type of ``theta``.

    Parameters
    ----------
    objective, theta, batch
        What to check, and where.
    tolerance
        The relative error above which the gradient is called wrong.
    step
        As in `finite_difference_gradient`.

    Raises
    ------
    GradientMismatch
        If the relative error exceeds ``tolerance`` or is not a number.
    TypeError
        If the gradient is not meant to be that of the value: see `Objective.is_one_function`.
    """
    tolerance = check_real("tolerance", tolerance, above=0)
    check_one_function(objective, "check_gradient")
    point = check_vector("theta", theta, objective.n_parameters).astype(np.float64)
    claimed = objective.gradient(point, batch)
    measured = finite_difference_gradient(objective, point, batch, step)
    difference = np.abs(claimed - measured)
    distance = float(np.linalg.norm(difference))
    # numpy's max hands NaN on where Python's may drop it: a gradient of NaN must not pass.
    scale = float(np.max([np.linalg.norm(claimed), np.linalg.norm(measured)]))
    error = 0.0 if distance == 0 else distance / scale  # two zero gradients agree
    check = GradientCheck(error, int(np.argmax(difference)), claimed, measured)
    if not error <= tolerance:
        raise GradientMismatch(
            f"the gradient is not the derivative of the value: {check} (tolerance {tolerance:g})"
        )
    return check
