r"""Is the gradient the derivative of the value?

Chapters: *Gradient descent*, *Backpropagation*. A gradient is compared with central differences,

.. math::

   \frac{\partial f}{\partial \theta_i} \approx
   \frac{f(\theta + h e_i) - f(\theta - h e_i)}{2h},

whose truncation error is :math:`O(h^2)` and whose rounding error is :math:`O(\epsilon / h)`: the
best :math:`h` is about :math:`\epsilon^{1/3}`, and half the digits is a little less than what a
right gradient can be expected to agree to. `directional_quotient` is the same along one direction,
with two other schemes to compare:

=========== ============================== =========================== ========================
scheme      quotient                       truncation                  rounding
=========== ============================== =========================== ========================
forward     (f(θ + hd) − f(θ)) / h         :math:`O(h)`                :math:`O(\epsilon / h)`
central     (f(θ + hd) − f(θ − hd)) / 2h   :math:`O(h^2)`              :math:`O(\epsilon / h)`
complex     Im f(θ + ihd) / h              :math:`O(h^2)`              none: nothing is subtracted
=========== ============================== =========================== ========================

References
----------
.. [1] W. Squire and G. Trapp, "Using complex variables to estimate derivatives of real functions",
   SIAM Review 40 (1998), pp. 110-112.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib.line_search import check_one_function
from course_lib.objectives.base import Batch, Objective
from course_lib.parameters import ParameterLayout
from course_lib.validation import FloatArray, check_choice, check_real, check_vector

#: The ways in which `directional_quotient` can take a difference.
SCHEMES = ("forward", "central", "complex")


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

    def by_part(self, layout: ParameterLayout) -> dict[str, float]:
        """Return the relative error of each named part of the parameter vector.

        A small part can be wrong altogether without being seen beside a large one.

        Parameters
        ----------
        layout
            Where in the vector the parts lie, such as ``network.layout``.
        """
        return {
            name: _relative_error(self.claimed[part], self.measured[part])
            for name, part in layout.slices.items()
        }

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


def directional_quotient(
    function: Callable[[FloatArray], float],
    point: ArrayLike,
    direction: ArrayLike,
    step: float,
    scheme: str = "central",
) -> float:
    """Return the slope of a function along a direction, as a quotient of differences.

    Parameters
    ----------
    function
        Takes a vector and returns a number.
    point, direction
        Where, and which way.
    step
        The multiple :math:`h` of ``direction`` to go.
    scheme
        One of `SCHEMES`. With ``"complex"`` the function is given complex numbers, and must be made
        of operations that mean the same on them: no absolute values, no comparisons [1]_.

    Examples
    --------
    >>> for scheme in SCHEMES:
    ...     slope = directional_quotient(lambda x: np.exp(x[0]), [0.0], [1.0], 1e-4, scheme)
    ...     print(f"{slope - 1:.0e}")
    5e-05
    2e-09
    -2e-09
    """
    here, way = np.asarray(point, dtype=np.float64), np.asarray(direction, dtype=np.float64)
    h = check_real("step", step, above=0)
    check_choice("scheme", scheme, SCHEMES)
    if scheme == "complex":
        return float(np.imag(function(here + 1j * h * way)) / h)
    if scheme == "forward":
        return float((function(here + h * way) - function(here)) / h)
    return float((function(here + h * way) - function(here - h * way)) / (2.0 * h))


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
    error = _relative_error(claimed, measured)
    check = GradientCheck(error, int(np.argmax(difference)), claimed, measured)
    if not error <= tolerance:
        raise GradientMismatch(
            f"the gradient is not the derivative of the value: {check} (tolerance {tolerance:g})"
        )
    return check


def _relative_error(claimed: FloatArray, measured: FloatArray) -> float:
    distance = float(np.linalg.norm(claimed - measured))
    # numpy's max hands NaN on where Python's may drop it: a gradient of NaN must not pass.
    scale = float(np.max([np.linalg.norm(claimed), np.linalg.norm(measured)]))
    return 0.0 if distance == 0 else distance / scale  # two zero gradients agree
