r"""Quasi-Newton methods, by scipy, on the same objectives: what descent is compared with.

Chapters: *Gradient descent*, *Momentum and adaptive optimizers*. From the changes of the gradient
along its way BFGS builds a model of the inverse Hessian; L-BFGS keeps only the last few changes
[1]_. The way back is the same `Trace` that `descend` returns, so that one picture shows both.

References
----------
.. [1] D. C. Liu and J. Nocedal, "On the limited memory BFGS method for large scale optimization",
   Mathematical Programming 45 (1989), pp. 503-528.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib.descent import DivergenceWarning
from course_lib.objectives.base import Objective
from course_lib.stopping import IterationCap, Progress, StoppingRule
from course_lib.trace import StopReason, Trace
from course_lib.validation import FloatArray, check_choice, check_integer, check_vector

METHODS = {"l-bfgs": "L-BFGS-B", "bfgs": "BFGS"}


def quasi_newton(
    objective: Objective,
    theta0: ArrayLike,
    method: str = "l-bfgs",
    *,
    memory: int = 10,
    max_iterations: int = 1000,
    stop: StoppingRule | Sequence[StoppingRule] = (),
) -> Trace:
    """Minimize ``objective`` with scipy's L-BFGS or BFGS, and return the history.

    Parameters
    ----------
    objective
        What to minimize, on all its data.
    theta0
        The start, shape (n_parameters,).
    method
        ``"l-bfgs"`` or ``"bfgs"``.
    memory
        How many changes of the gradient L-BFGS remembers.
    max_iterations
        The cap that ends every run.
    stop
        Further rules that may end it; scipy's own tolerances are switched off.

    Returns
    -------
    Trace
        The iterates and their values. ``step_size`` is NaN: the line search is scipy's, and the
        direction is not the gradient. A run that scipy ends, because it finds no lower point any
        more, is stopped by the rule ``"scipy"``.

    Notes
    -----
    scipy computes in double precision whatever the type of ``theta0``.

    Examples
    --------
    >>> from course_lib.objectives import rosenbrock
    >>> from course_lib.stopping import GradientNorm
    >>> trace = quasi_newton(rosenbrock(), [-1.5, 2.0], stop=GradientNorm(1e-6))
    >>> trace.converged, trace.n_iterations < 50
    (True, True)
    """
    from scipy.optimize import minimize

    theta = check_vector("theta0", theta0, objective.n_parameters).astype(np.float64)
    check_choice("method", method, METHODS)
    options: dict[str, Any] = {"maxiter": max_iterations + 1, "gtol": 0.0}
    if method == "l-bfgs":
        memory = check_integer("memory", memory, at_least=1)
        options |= {"maxcor": memory, "ftol": 0.0, "maxfun": 10**9, "maxls": 50}
    rules = [*([stop] if isinstance(stop, StoppingRule) else stop), IterationCap(max_iterations)]
    history = _History(objective, rules)
    history.visit(theta)
    if history.stopped_by is None:
        # Overflow on the way to a reported divergence is not news.
        with np.errstate(over="ignore", invalid="ignore"):
            result = minimize(
                history.evaluate,
                theta,
                jac=True,
                method=METHODS[method],
                callback=history.after_iteration,
                options=options,
            )
        if history.stopped_by is None:
            history.stop("scipy", str(result.message), converged=bool(result.success))
    return history.trace()


class _History:
    """The points that scipy visits, and the rules that may stop it."""

    def __init__(self, objective: Objective, rules: Sequence[StoppingRule]) -> None:
        self.objective = objective
        self.rules = rules
        self.points: list[FloatArray] = []
        self.values: list[float] = []
        self.gradient_norms: list[float] = []
        self.seconds: list[float] = []
        self.started = perf_counter()
        self.n_evaluations = 0
        self.last: tuple[FloatArray, float, FloatArray] | None = None
        self.stopped_by: StopReason | None = None
        self.converged = self.diverged = False

    def evaluate(self, theta: FloatArray) -> tuple[float, FloatArray]:
        """Return the value and the gradient, and remember them for `visit`."""
        if self.last is None or not np.array_equal(self.last[0], theta):
            value, gradient = self.objective.value_and_gradient(theta)
            self.n_evaluations += 1
            self.last = theta.copy(), value, gradient
        return self.last[1], self.last[2].copy()

    def visit(self, theta: FloatArray) -> None:
        """Write ``theta`` into the history, and ask the rules."""
        value, gradient = self.evaluate(theta)
        if not np.isfinite(value):
            if not self.points:
                raise ValueError(f"theta0 must be a point of finite value, got {value} at {theta}")
            message = f"the objective went from {self.values[-1]:.3g} to {value:.3g}"
            warnings.warn(f"the run diverged: {message}", DivergenceWarning, stacklevel=2)
            self.diverged = True
            self.stop("divergence", message)
            return
        progress = Progress(
            iteration=len(self.points),
            theta=theta,
            value=value,
            gradient_norm=float(np.linalg.norm(gradient)),
            previous_value=self.values[-1] if self.values else None,
            step_norm=float(np.linalg.norm(theta - self.points[-1])) if self.points else None,
        )
        self.points.append(theta.copy())
        self.values.append(value)
        self.gradient_norms.append(progress.gradient_norm)
        self.seconds.append(perf_counter() - self.started)
        for rule in self.rules:
            if message := rule.check(progress):
                self.stop(rule.name, message, converged=rule.means_convergence)
                return

    def stop(self, rule: str, message: str, *, converged: bool = False) -> None:
        """Remember which rule ended the run."""
        self.stopped_by, self.converged = StopReason(rule, message), converged

    def after_iteration(self, intermediate_result: Any) -> None:
        """Visit the new iterate (scipy asks for this name of the argument)."""
        self.visit(intermediate_result.x)
        if self.stopped_by is not None:
            raise StopIteration

    def trace(self) -> Trace:
        """Return the history as a trace."""
        assert self.stopped_by is not None
        samples = (self.objective.n_samples or 0) * self.n_evaluations
        return Trace(
            theta=np.array(self.points),
            value=np.array(self.values),
            gradient_norm=np.array(self.gradient_norms),
            step_size=np.full(len(self.points) - 1, np.nan),
            stopped_by=self.stopped_by,
            converged=self.converged,
            diverged=self.diverged,
            evaluations={
                "value": self.n_evaluations,
                "gradient": self.n_evaluations,
                "hessian": 0,
                "sample_gradients": samples,
            },
            seconds=np.array(self.seconds),
        )
