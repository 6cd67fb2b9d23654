"""The run loop: evaluate, test, step, repeat.

Chapter: *Gradient descent*. Every run of the course, from a parabola to a network, goes through
`descend`, and every run returns a `Trace`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import repeat
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike

from course_lib.line_search import LineSearchFailure, StepContext
from course_lib.objectives.base import Batch, Objective
from course_lib.optimizers.base import Optimizer
from course_lib.stopping import IterationCap, Progress, StoppingRule
from course_lib.trace import StopReason, Trace
from course_lib.validation import FloatArray, check_vector

#: A run has diverged when the objective exceeds its start by this factor.
BLOW_UP = 1e30

#: Iterations of a run that was given neither a cap nor batches.
DEFAULT_CAP = 1000

Callback = Callable[[Progress], "bool | None"]


class DivergenceWarning(RuntimeWarning):
    """A run blew up and was ended."""


def descend(
    objective: Objective,
    theta0: ArrayLike,
    optimizer: Optimizer,
    *,
    max_iterations: int | None = None,
    stop: StoppingRule | Sequence[StoppingRule] = (),
    batches: Iterable[Batch] | None = None,
    callbacks: Sequence[Callback] = (),
    keep_points: bool = True,
) -> Trace:
    """Run ``optimizer`` on ``objective`` from ``theta0`` and return the history.

    Parameters
    ----------
    objective
        What to minimize.
    theta0
        The start, shape (n_parameters,). It is copied; ``float32`` stays ``float32``.
    optimizer
        Turns gradients into steps.
    max_iterations
        The cap that ends every run. If not given: 1000 for a run on all samples, and as many as
        there are batches for a run on batches.
    stop
        Further rules that may end it. They are asked in order before every step, the cap last.
    batches
        The samples of each iteration, as arrays of indices. All samples, every time, if not given.
        The run ends with them; batches without end need a ``max_iterations`` or a ``stop``.
    callbacks
        Called with the `Progress` before every step; one that returns True ends the run.
    keep_points
        Whether the trace keeps every point, or only the first and the last.

    Returns
    -------
    Trace

    Warns
    -----
    DivergenceWarning
        If the objective or a parameter stops being finite, or the objective exceeds its start by a
        factor of 1e30. The trace then ends at the last sound point, and holds no NaN.

    Examples
    --------
    >>> from course_lib.objectives import Quadratic
    >>> from course_lib.optimizers import GradientDescent
    >>> from course_lib.stopping import GradientNorm
    >>> bowl = Quadratic([[1.0, 0.0], [0.0, 10.0]])
    >>> descend(bowl, [5.0, 1.0], GradientDescent(0.18), stop=GradientNorm(1e-6))
    Trace(78 iterations, value 17.5 -> 4.52423e-13, stopped by gradient norm)
    """
    theta = check_vector("theta0", theta0, objective.n_parameters).copy()
    rules = [stop] if isinstance(stop, StoppingRule) else list(stop)
    if max_iterations is None and batches is None:
        max_iterations = DEFAULT_CAP
    if max_iterations is not None:
        rules.append(IterationCap(max_iterations))
    run = _Run(objective, theta, optimizer, keep_points)
    # Overflow on the way to a reported divergence is not news.
    with np.errstate(over="ignore", invalid="ignore"):
        return run.until_stopped(rules, callbacks, repeat(None) if batches is None else batches)


class _Run:
    """One run: its moving point and the lists that become the trace."""

    def __init__(
        self, objective: Objective, theta: FloatArray, optimizer: Optimizer, keep_points: bool
    ) -> None:
        self.objective = _Counted(objective)
        self.theta = theta
        self.optimizer = optimizer
        self.keep_points = keep_points
        self.points = [theta.copy()]
        self.before_step = theta.copy()
        self.values: list[float] = []
        self.gradient_norms: list[float] = []
        self.step_sizes: list[float] = []
        self.started = perf_counter()
        self.seconds = [0.0]

    def until_stopped(
        self,
        rules: Sequence[StoppingRule],
        callbacks: Sequence[Callback],
        batches: Iterable[Batch | None],
    ) -> Trace:
        state = self.optimizer.init(self.theta)
        gradient = np.empty_like(self.theta)
        step_norm = None
        for batch in batches:
            value, _ = self.objective.value_and_gradient(self.theta, batch, gradient)
            norm = float(np.linalg.norm(gradient))
            if self._has_blown_up(value, norm):
                return self._diverged(value)
            progress = Progress(
                iteration=len(self.step_sizes),
                theta=self.theta,
                value=value,
                gradient_norm=norm,
                previous_value=self.values[-1] if self.values else None,
                step_norm=step_norm,
            )
            self.values.append(value)
            self.gradient_norms.append(norm)
            for rule in rules:
                if message := rule.check(progress):
                    return self._trace(rule.name, message, converged=rule.means_convergence)
            if any([callback(progress) for callback in callbacks]):
                return self._trace("callback", "a callback asked for the end of the run")
            try:
                step = self.optimizer.update(
                    gradient, state, self.theta, StepContext(self.objective, value, batch)
                )
            except LineSearchFailure as failure:
                return self._trace("line search", str(failure))
            np.copyto(self.before_step, self.theta)
            self.theta += step
            step_norm = float(np.linalg.norm(step))
            self.step_sizes.append(state.get("step_size", np.nan))
            self.seconds.append(perf_counter() - self.started)
            if self.keep_points:
                self.points.append(self.theta.copy())
        return self._trace("batches", "the batches came to their end")

    def _has_blown_up(self, value: float, gradient_norm: float) -> bool:
        limit = BLOW_UP * max(1.0, abs(self.values[0])) if self.values else np.inf
        return not (np.isfinite(value) and np.isfinite(gradient_norm) and value < limit)

    def _diverged(self, value: float) -> Trace:
        if not self.values:
            raise ValueError(
                f"theta0 must be a point where the objective and its gradient are finite, got value "
                f"{value} at {_shorten(self.theta)}"
            )
        # The step that led here belongs to the story; the point that it led to does not.
        steps = len(self.step_sizes) - 1
        last_size = self.step_sizes[-1]
        message = (
            f"the objective went from {self.values[0]:.3g} to {self.values[-1]:.3g} in {steps} "
            f"iteration(s), and the next step left it at {value:.3g}"
        )
        advice = f" with step size {last_size:.3g}" if np.isfinite(last_size) else ""
        warnings.warn(
            f"the run diverged{advice}: {message}. Take a smaller step (a constant one must stay "
            "below 2 / L, L the largest curvature) or a line search.",
            DivergenceWarning,
            stacklevel=4,
        )
        del self.step_sizes[-1], self.seconds[-1]
        if self.keep_points:
            del self.points[-1]
        np.copyto(self.theta, self.before_step)
        return self._trace("divergence", message, diverged=True)

    def _trace(
        self, rule: str, message: str, *, converged: bool = False, diverged: bool = False
    ) -> Trace:
        if not self.keep_points:
            self.points.append(self.theta)
        return Trace(
            theta=np.array(self.points),
            value=np.array(self.values),
            gradient_norm=np.array(self.gradient_norms),
            step_size=np.array(self.step_sizes),
            seconds=np.array(self.seconds),
            stopped_by=StopReason(rule, message),
            converged=converged,
            diverged=diverged,
            evaluations=self.objective.evaluations,
        )


class _Counted(Objective):
    """An objective that counts what it is asked for."""

    def __init__(self, objective: Objective) -> None:
        self.inner = objective
        self.n_parameters = objective.n_parameters
        self.n_samples = objective.n_samples
        self.is_quadratic = objective.is_quadratic
        self.evaluations = {"value": 0, "gradient": 0, "hessian": 0, "sample_gradients": 0}

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        self.evaluations["value"] += 1
        return self.inner.value(theta, batch)

    def _value_and_gradient(
        self, theta: FloatArray, batch: Batch | None, out: FloatArray
    ) -> float:
        self.evaluations["value"] += 1
        self.evaluations["gradient"] += 1
        used = self.n_samples if batch is None else len(batch)
        self.evaluations["sample_gradients"] += used or 0
        return self.inner.value_and_gradient(theta, batch, out)[0]

    def _samples(self, batch: Batch | None) -> Batch | None:
        # The inner objective checks the batch: once is enough.
        return batch

    def hessian(self, theta: ArrayLike) -> FloatArray:
        self.evaluations["hessian"] += 1
        return self.inner.hessian(theta)

    def hessian_vector_product(self, theta: ArrayLike, vector: ArrayLike) -> FloatArray:
        return self.inner.hessian_vector_product(theta, vector)


def _shorten(theta: FloatArray) -> str:
    return np.array2string(theta, threshold=6, precision=4)
