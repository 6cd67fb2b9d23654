r"""Line searches: how far to go along a direction, decided by looking.

Chapter: *Gradient descent*. Given a point :math:`\theta` and a descent direction :math:`d`, a line
search picks :math:`\alpha` by evaluating :math:`\varphi(\alpha) = f(\theta + \alpha d)`, whose
slope at 0 is :math:`g^\top d < 0`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from course_lib.objectives.base import Batch, Objective
from course_lib.schedules import Constant, Schedule, scheduled_value
from course_lib.validation import FloatArray, check_integer, check_real


class StepFailure(ArithmeticError):
    """An optimizer has no step to take from here: the run loop ends the run and keeps its trace.

    Attributes
    ----------
    rule : str
        What the trace then names as the rule that ended it.
    """

    rule = "no step"


class LineSearchFailure(StepFailure):
    """No acceptable step was found along the direction."""

    rule = "line search"


class SingularMatrix(StepFailure, np.linalg.LinAlgError):
    """The matrix that turns the gradient into a step has no inverse."""

    rule = "singular matrix"


@dataclass(slots=True)
class StepContext:
    """What an optimizer may know beyond the gradient.

    Attributes
    ----------
    objective : Objective
    value : float
        The objective at the current point.
    batch : array of int or None
        The samples that this iteration averages over.
    """

    objective: Objective
    value: float
    batch: Batch | None = None


class LineSearch(ABC):
    """A rule that chooses the step size by looking at the objective along the direction."""

    @abstractmethod
    def search(
        self, theta: FloatArray, direction: FloatArray, gradient: FloatArray, context: StepContext
    ) -> float:
        """Return the step size.

        Parameters
        ----------
        theta, direction, gradient
            The point, the direction to search along and the gradient at the point, all of shape
            (n_parameters,).
        context
            The objective and its value at ``theta``.

        Raises
        ------
        LineSearchFailure
            If the direction does not lead down, or no acceptable step was found.
        """


@dataclass(frozen=True)
class ExactLineSearch(LineSearch):
    r"""The step to the lowest point of the line, or a fixed fraction of it.

    On a quadratic the full step is :math:`\alpha = -g^\top d / (d^\top H d)` [1]_. Elsewhere the
    step is doubled, or first halved, until the lowest point seen lies between two others, and
    Brent's method finds a minimum of :math:`\varphi` between those.

    Parameters
    ----------
    fraction
        The share of the full step to take, between 0 and 2. On a quadratic all of these go down;
        shares other than 1 break the zigzag of gradient descent, drawn anew every time [2]_ or
        constant and a little less than 1 [3]_.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, *Numerical Optimization*, 2nd ed., Springer, 2006, eq.
       (3.55).
    .. [2] M. Raydan and B. F. Svaiter, "Relaxed steepest descent and Cauchy-Barzilai-Borwein
       method", Computational Optimization and Applications 21 (2002), pp. 155-167.
    .. [3] K. van den Doel and U. Ascher, "The chaotic nature of faster gradient descent methods",
       Journal of Scientific Computing 51 (2012), pp. 560-581.
    """

    fraction: float = 1.0

    def __post_init__(self) -> None:
        check_real("fraction", self.fraction, above=0, below=2)

    def search(
        self, theta: FloatArray, direction: FloatArray, gradient: FloatArray, context: StepContext
    ) -> float:
        slope = _slope(gradient, direction)
        objective = context.objective
        if objective.is_quadratic and context.batch is None:
            curvature = float(direction @ objective.hessian_vector_product(theta, direction))
            if curvature <= 0:
                raise LineSearchFailure(
                    "the objective is linear along the direction and falls for ever: it has no "
                    "minimum there"
                )
            return -self.fraction * slope / curvature
        from scipy.optimize import minimize_scalar

        def height(alpha: float) -> float:
            value = objective.value(theta + alpha * direction, context.batch)
            return np.inf if np.isnan(value) else value

        first = 1.0 / max(1.0, float(np.abs(direction).max()))
        left, middle, right = _bracket(height, context.value, first)
        # Fitting a parabola through an infinite value is not worth a warning.
        with np.errstate(invalid="ignore"):
            found = minimize_scalar(
                height, bounds=(left, right), method="bounded", options={"xatol": 1e-12 * right}
            )
        alpha = found.x if found.fun < height(middle) else middle
        return self.fraction * float(alpha)


@dataclass(frozen=True)
class BacktrackingLineSearch(LineSearch):
    r"""Try a long step and shorten it until it lowers the objective enough.

    Accepts the first :math:`\alpha \in \{\alpha_0, \alpha_0 r, \alpha_0 r^2, \dots\}` with

    .. math:: f(\theta + \alpha d) \le f(\theta) + c\, \alpha\, g^\top d,

    the condition of Armijo [1]_.

    Parameters
    ----------
    initial
        The first step tried, :math:`\alpha_0`.
    shrink
        The factor :math:`r` between trials.
    sufficient_decrease
        The share :math:`c` of the decrease promised by the slope that must be kept.
    max_trials
        Trials before giving up.

    References
    ----------
    .. [1] L. Armijo, "Minimization of functions having Lipschitz continuous first partial
       derivatives", Pacific Journal of Mathematics 16 (1966), pp. 1-3.
    """

    initial: float = 1.0
    shrink: float = 0.5
    sufficient_decrease: float = 1e-4
    max_trials: int = 60

    def __post_init__(self) -> None:
        check_real("initial", self.initial, above=0)
        check_real("shrink", self.shrink, above=0, below=1)
        check_real("sufficient_decrease", self.sufficient_decrease, above=0, below=1)
        check_integer("max_trials", self.max_trials, at_least=1)

    def search(
        self, theta: FloatArray, direction: FloatArray, gradient: FloatArray, context: StepContext
    ) -> float:
        promised = self.sufficient_decrease * _slope(gradient, direction)
        alpha = self.initial
        for _ in range(self.max_trials):
            reached = context.objective.value(theta + alpha * direction, context.batch)
            # The second test follows from the first, but for rounding: a step too short to move
            # the point must not pass for a decrease.
            if reached <= context.value + alpha * promised and reached < context.value:
                return alpha
            alpha *= self.shrink
        raise LineSearchFailure(
            f"no step from {self.initial:g} down to {alpha / self.shrink:.1e} lowers the objective "
            "enough: either rounding hides the decrease, or the gradient is wrong"
        )


@dataclass(frozen=True)
class WolfeLineSearch(LineSearch):
    r"""A step that lowers the objective enough and leaves most of the slope behind.

    The strong Wolfe conditions [1]_ add to Armijo's that
    :math:`|\varphi'(\alpha)| \le c_2 |\varphi'(0)|`, which conjugate directions need. The search is
    scipy's.

    Parameters
    ----------
    sufficient_decrease
        The share :math:`c` of the decrease promised by the slope that must be kept.
    curvature
        The share :math:`c_2` of the slope that may be left.

    References
    ----------
    .. [1] P. Wolfe, "Convergence conditions for ascent methods", SIAM Review 11 (1969),
       pp. 226-235.
    """

    sufficient_decrease: float = 1e-4
    curvature: float = 0.1

    def __post_init__(self) -> None:
        check_real("sufficient_decrease", self.sufficient_decrease, above=0, below=1)
        check_real("curvature", self.curvature, above=self.sufficient_decrease, below=1)

    def search(
        self, theta: FloatArray, direction: FloatArray, gradient: FloatArray, context: StepContext
    ) -> float:
        slope = _slope(gradient, direction)
        alpha = self._scipys_search(theta, direction, gradient, context, None)
        if alpha is None:
            # The first trial, 1, may lie too far out for the few bisections that scipy allows
            # itself. Offer it a step that goes down enough while its double does not. scipy takes
            # the offer in the form of an earlier value, and aims 1 % farther.
            first = BacktrackingLineSearch(1.0, 0.5, self.sufficient_decrease).search(
                theta, direction, gradient, context
            )
            earlier = context.value - first * slope / (2 * 1.01)
            alpha = self._scipys_search(theta, direction, gradient, context, earlier)
        if alpha is None:
            raise LineSearchFailure(
                "no step satisfies the Wolfe conditions: either rounding hides the decrease, or "
                "the gradient is wrong"
            )
        return alpha

    def _scipys_search(
        self,
        theta: FloatArray,
        direction: FloatArray,
        gradient: FloatArray,
        context: StepContext,
        earlier_value: float | None,
    ) -> float | None:
        from warnings import catch_warnings, simplefilter

        from scipy.optimize import line_search

        with catch_warnings():
            # scipy warns and returns None; the failure is raised above in this library's words.
            simplefilter("ignore", RuntimeWarning)
            alpha, *_, slope = line_search(
                lambda point: context.objective.value(point, context.batch),
                lambda point: context.objective.gradient(point, context.batch),
                theta,
                direction,
                gfk=gradient,
                old_fval=context.value,
                old_old_fval=earlier_value,
                c1=self.sufficient_decrease,
                c2=self.curvature,
                maxiter=30,
            )
        # Without a slope, the step is only the last one tried.
        return None if alpha is None or slope is None else float(alpha)


#: A positive number, a schedule or a line search.
StepSize = float | Schedule | LineSearch


def as_step_rule(step_size: StepSize) -> Schedule | LineSearch:
    """Return ``step_size`` as a schedule or a line search.

    Parameters
    ----------
    step_size
        A positive number, a function of the iteration number, or a `LineSearch`.
    """
    if isinstance(step_size, type):
        name = step_size.__name__
        raise TypeError(f"step_size must be a number or a rule, got the class {name}: {name}(...)")
    if isinstance(step_size, LineSearch) or callable(step_size):
        return step_size
    return Constant(check_real("step_size", step_size, above=0))


def step_length(
    rule: Schedule | LineSearch,
    k: int,
    theta: FloatArray,
    direction: FloatArray,
    gradient: FloatArray,
    context: StepContext | None,
) -> float:
    """Return the step size of iteration ``k`` along ``direction``."""
    if not isinstance(rule, LineSearch):
        return scheduled_value("step_size", rule, k)
    if context is None:
        raise TypeError(
            f"{type(rule).__name__} looks at the objective, so update() needs "
            "context=StepContext(objective, value); the run loop `descend` passes it"
        )
    check_one_function(context.objective, type(rule).__name__)
    return rule.search(theta, direction, gradient, context)


def check_one_function(objective: Objective, what: str) -> None:
    """Raise where the gradient is not that of the value, so that ``what`` cannot compare them."""
    if not objective.is_one_function:
        raise TypeError(
            f"{what} compares values with gradients, and those of {objective!r} belong to two "
            "functions: in training (for the gradient) its network drops units or normalises by "
            "the batch, in predicting (for the value) it does not. Leave out Dropout and "
            "BatchNorm, or descend with a step size that needs no values: a number or a schedule"
        )


def _bracket(
    height: Callable[[float], float], start: float, first: float
) -> tuple[float, float, float]:
    """Return three steps of which the middle one is lower than the start and neither end."""
    middle, right = first, 2.0 * first
    for _ in range(60):
        lowest = height(middle)
        if lowest < start:
            break
        middle, right = 0.5 * middle, middle
    else:
        raise LineSearchFailure(
            f"no step from {first:.3g} down to {right:.1e} leads lower: either rounding hides the "
            "decrease, or the gradient is wrong"
        )
    left = 0.0
    for _ in range(200):
        value = height(right)
        if value >= lowest:
            return left, middle, right
        left, middle, right, lowest = middle, right, 2.0 * right, value
    raise LineSearchFailure(
        f"the objective still falls {right:.1e} times the direction away: it has no minimum there"
    )


def _slope(gradient: FloatArray, direction: FloatArray) -> float:
    slope = float(gradient @ direction)
    if not gradient.any():
        raise LineSearchFailure("the gradient is zero: no direction leads down from here")
    if not slope < 0:
        raise LineSearchFailure(
            f"the direction does not lead down: the slope along it is {slope:.3g}, expected "
            "a negative number"
        )
    return slope
