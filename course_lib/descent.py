"""The run loop: evaluate, test, step, repeat.

Chapter: *Gradient descent*. Every run of the course, from a parabola to a network, goes through
`descend`, and every run returns a `Trace`.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, repeat
from math import isfinite, sqrt
from time import perf_counter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib.line_search import StepContext, StepFailure
from course_lib.objectives.base import Batch, Objective
from course_lib.optimizers.base import Optimizer
from course_lib.stopping import IterationCap, Progress, StoppingRule
from course_lib.trace import StopReason, Trace
from course_lib.validation import FloatArray, check_integer, check_vector

#: A run has diverged when the objective exceeds this many times its start (or 1, if larger).
BLOW_UP = 1e30

#: An unfinished run has diverged when the objective rose so many times in a row, beyond its start.
RISES = 10

#: Bytes of points kept from which on a run warns.
MANY_POINTS = 10**9

#: Iterations of a run that was given neither a cap nor batches.
DEFAULT_CAP = 1000

#: Looks at a run before every step, and ends it by returning True.
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
    callbacks: Callback | Sequence[Callback] = (),
    keep_points: bool = True,
) -> Trace:
    """Run ``optimizer`` on ``objective`` from ``theta0`` and return the history.

    Parameters
    ----------
    objective
        What to minimize.
    theta0
        The start, shape (n_parameters,). It is copied, and the run moves in its precision:
        ``float32`` stays ``float32``.
    optimizer
        Turns gradients into steps.
    max_iterations
        The cap that ends every run. If not given: 1000 for a run on all samples, and as many as
        there are batches for a run on batches.
    stop
        Further rules that may end it. They are asked in order before every step, the cap last.
    batches
        The samples of each iteration, as arrays of indices. All samples, every time, if not given.
        The run ends with them; batches without end need a ``max_iterations`` or a ``stop``. A run
        that one of these ends has looked at its last point with one batch more than it took steps.
    callbacks
        Called with the `Progress` before every step; one that returns True ends the run.
    keep_points
        Whether the trace keeps every point, or only the first and the last. A picture of the way
        needs all; for a network they are a copy of it an iteration, and False is the choice.

    Returns
    -------
    Trace

    Warns
    -----
    DivergenceWarning
        If the objective, its gradient or a step stops being finite, or the objective exceeds 1e30
        times the larger of 1 and its start. The trace then ends at the last sound point, and its
        ``theta``, ``value`` and ``gradient_norm`` are finite.
    RuntimeWarning
        If the points kept come to take more than a gigabyte.

    Examples
    --------
    >>> from course_lib.objectives import Quadratic
    >>> from course_lib.optimizers import GradientDescent
    >>> from course_lib.stopping import GradientNorm
    >>> bowl = Quadratic([[1.0, 0.0], [0.0, 10.0]])
    >>> method, rule = GradientDescent(0.18), GradientNorm(1e-6)
    >>> descend(bowl, [5.0, 1.0], method, stop=rule)
    Trace(78 iterations, value 17.5 -> 4.52423e-13, stopped by gradient norm)
    """
    _check_kind("objective", objective, Objective, "FunctionObjective(...)")
    _check_kind("optimizer", optimizer, Optimizer, "GradientDescent(step_size)")
    theta = check_vector("theta0", theta0, objective.n_parameters).copy()
    rules = [stop] if isinstance(stop, StoppingRule) else _as_list("stop", stop)
    for rule in rules:
        _check_kind("stop", rule, StoppingRule, "GradientNorm(1e-6)")
    if max_iterations is None and batches is None:
        max_iterations = DEFAULT_CAP
    if max_iterations is not None:
        rules.append(IterationCap(check_integer("max_iterations", max_iterations, at_least=0)))
    callbacks = [callbacks] if callable(callbacks) else _as_list("callbacks", callbacks)
    if batches is None:
        batches = repeat(None)
    elif not isinstance(batches, Iterable):
        raise TypeError(f"batches must be an iterable of index arrays, got {batches!r}")
    run = _Run(objective, theta, optimizer, keep_points)
    # Overflow on the way to a reported divergence is not news.
    with np.errstate(over="ignore", invalid="ignore"):
        return run.until_stopped(rules, callbacks, batches)


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
        theta_to_see, gradient_to_see = _read_only(self.theta), _read_only(gradient)
        step_norm = None
        for batch in batches:
            value, _ = self.objective.value_and_gradient(self.theta, batch, gradient)
            norm = _norm(gradient)
            if self._has_blown_up(value, norm, step_norm):
                return self._diverged(value, norm)
            progress = Progress(
                iteration=len(self.step_sizes),
                theta=theta_to_see,
                value=value,
                gradient_norm=norm,
                previous_value=self.values[-1] if self.values else None,
                step_norm=step_norm,
                gradient=gradient_to_see,
            )
            self.values.append(value)
            self.gradient_norms.append(norm)
            for rule in rules:
                if message := rule.check(progress):
                    converged = rule.means_convergence
                    diverged = not converged and batch is None and self._keeps_rising()
                    return self._trace(rule.name, message, converged=converged, diverged=diverged)
            # A list, because `any` would pass over the callbacks behind the first that says yes.
            answers = [callback(progress) for callback in callbacks]
            if any(answers):
                message = "a callback asked for the end of the run"
                diverged = batch is None and self._keeps_rising()
                return self._trace("callback", message, diverged=diverged)
            try:
                step = self.optimizer.update(
                    gradient, state, self.theta, StepContext(self.objective, value, batch)
                )
            except StepFailure as failure:
                # At a stationary point there is nothing left to search for.
                return self._trace(failure.rule, str(failure), converged=norm == 0)
            np.copyto(self.before_step, self.theta)
            self.theta += step
            step_norm = _norm(step)
            self.step_sizes.append(state.get("step_size", np.nan))
            self.seconds.append(perf_counter() - self.started)
            if self.keep_points:
                self.points.append(self.theta.copy())
                self._warn_of_many_points()
        if not self.values:
            raise ValueError("batches must hold at least one batch, got none")
        return self._trace("batches", "the batches came to their end")

    def _has_blown_up(self, value: float, gradient_norm: float, step_norm: float | None) -> bool:
        limit = BLOW_UP * max(1.0, abs(self.values[0])) if self.values else np.inf
        # A step can be infinite where the objective is not: far out on a plain.
        return not (
            isfinite(value)
            and isfinite(gradient_norm)
            and (step_norm is None or isfinite(step_norm))
            and value < limit
        )

    def _keeps_rising(self) -> bool:
        last = self.values[-RISES - 1 :]
        rises = all(before < after for before, after in pairwise(last))
        return len(last) > RISES and rises and last[-1] > self.values[0]

    def _warn_of_many_points(self) -> None:
        count, size = len(self.points), self.theta.nbytes
        if (count - 1) * size <= MANY_POINTS < count * size:
            warnings.warn(
                f"the trace keeps {count} points of {self.theta.size} parameters, more than a "
                "gigabyte, and more with every iteration: keep_points=False keeps the first and "
                "the last",
                RuntimeWarning,
                stacklevel=4,
            )

    def _diverged(self, value: float, gradient_norm: float) -> Trace:
        if not self.values:
            raise ValueError(
                "theta0 must be a point where the objective and its gradient are finite, got value "
                f"{value} and gradient norm {gradient_norm} at {_shorten(self.theta)}"
            )
        # The step that led here belongs to the story; the point that it led to does not.
        steps = len(self.step_sizes) - 1
        last_size = self.step_sizes[-1]
        message = (
            f"the objective went from {self.values[0]:.3g} to {self.values[-1]:.3g} in {steps} "
            f"iteration(s), and the next step left it at {value:.3g}"
        )
        if not isfinite(gradient_norm):
            message += f" with a gradient norm of {gradient_norm:.3g}"
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
        self.is_one_function = objective.is_one_function
        self.evaluations = {
            "value": 0,
            "gradient": 0,
            "hessian": 0,
            "hessian_product": 0,
            "sample_gradients": 0,
        }

    def __getattr__(self, name: str) -> Any:
        # Whatever else an objective offers (its model, its data) stays in reach, uncounted.
        return getattr(self.inner, name)

    # The points are checked on their way through the public methods of this class, so the inner
    # objective's mathematics is called directly: once is enough.

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        self.evaluations["value"] += 1
        return self.inner._value(theta, batch)

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        value = self.inner._value_and_gradient(theta, batch, out)
        self.evaluations["value"] += 1
        self.evaluations["gradient"] += 1
        used = self.n_samples if batch is None else len(batch)
        self.evaluations["sample_gradients"] += used or 0
        return value

    def _samples(self, batch: Batch | None) -> Batch | None:
        return self.inner._samples(batch)

    def hessian(self, theta: ArrayLike, batch: Batch | None = None) -> FloatArray:
        self.evaluations["hessian"] += 1
        return self.inner.hessian(theta, batch)

    def hessian_vector_product(
        self, theta: ArrayLike, vector: ArrayLike, batch: Batch | None = None
    ) -> FloatArray:
        self.evaluations["hessian_product"] += 1
        return self.inner.hessian_vector_product(theta, vector, batch)

    def __repr__(self) -> str:
        return repr(self.inner)


def _norm(vector: FloatArray) -> float:
    """Return the Euclidean norm, also where the squares of float32 overflow or vanish."""
    square = float(vector @ vector)
    if 1e-30 < square < np.inf:
        return sqrt(square)
    return float(np.linalg.norm(vector.astype(np.float64)))


def _read_only(array: FloatArray) -> FloatArray:
    view = array.view()
    view.flags.writeable = False
    return view


def _check_kind(name: str, value: Any, kind: type, example: str) -> None:
    if not isinstance(value, kind):
        raise TypeError(
            f"{name} must be of the kind {kind.__name__}, for example {example}; got {value!r}"
        )


def _as_list(name: str, value: Any) -> list:
    if not isinstance(value, (list, tuple)):
        raise TypeError(f"{name} must be one or a list of them, got {value!r}")
    return list(value)


def _shorten(theta: FloatArray) -> str:
    return np.array2string(theta, threshold=6, precision=4)
