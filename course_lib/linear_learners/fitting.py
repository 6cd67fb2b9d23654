"""What the linear learners share: their models, and runs that report on themselves.

Chapter: *Linear learners*. Full-batch learners run through `descend`, `quasi_newton` or
`proximal_descent` and keep the `Trace`. Those that learn sample by sample run through `run_epochs`,
and their history has one entry an epoch.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from sklearn.exceptions import ConvergenceWarning

from course_lib.batching import MiniBatches
from course_lib.descent import Callback, DivergenceWarning, descend
from course_lib.estimator import progress_bar
from course_lib.linear_learners.proximal import proximal_descent
from course_lib.objectives.empirical_risk import EmpiricalRisk
from course_lib.optimizers import OPTIMIZERS, Optimizer, named_optimizer
from course_lib.parameters import ParameterLayout
from course_lib.penalties import L1, L2, ElasticNet, Penalty
from course_lib.quasi_newton import quasi_newton
from course_lib.stopping import GradientNorm, Progress, StoppingRule
from course_lib.trace import Trace
from course_lib.validation import FloatArray, check_choice, check_integer, check_real

#: Epochs in succession without progress before a run over samples counts as converged.
PATIENCE = 10


class LinearOutputs:
    r"""Several linear units on the same input, :math:`\hat Y = X W^\top + b`.

    Parameters
    ----------
    n_features, n_outputs
        Columns of the data matrix and of the prediction.
    intercept
        Whether there are biases.

    Attributes
    ----------
    layout : ParameterLayout
        ``weights`` of shape (n_outputs, n_features) and, with an intercept, ``bias`` of shape
        (n_outputs,).
    """

    def __init__(self, n_features: int, n_outputs: int, *, intercept: bool = True) -> None:
        self.n_features, self.n_outputs, self.intercept = n_features, n_outputs, bool(intercept)
        shapes: dict[str, tuple[int, ...]] = {"weights": (n_outputs, n_features)}
        if self.intercept:
            shapes["bias"] = (n_outputs,)
        self.layout = ParameterLayout(shapes)

    def predict(self, theta: FloatArray, X: FloatArray) -> FloatArray:
        """Return the predictions, shape (n_samples, n_outputs)."""
        parts = self.layout.views(theta)
        # The transpose of a product, for the costs reduce over the outputs.
        prediction = parts["weights"] @ X.T
        if self.intercept:
            prediction += parts["bias"][:, None]
        return prediction.T

    def forward(self, theta: FloatArray, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the predictions and the inputs."""
        return self.predict(theta, X), X

    def backward(
        self, theta: FloatArray, saved: FloatArray, upstream: FloatArray, out: FloatArray
    ) -> None:
        """Write the gradient into ``out``: every residual times the input it belongs to."""
        parts = self.layout.views(out)
        np.matmul(upstream.T, saved, out=parts["weights"])
        if self.intercept:
            np.sum(upstream, axis=0, out=parts["bias"])

    def __repr__(self) -> str:
        return f"LinearOutputs({self.n_features}, {self.n_outputs}, intercept={self.intercept})"


class Centred(NamedTuple):
    """Data and the mean of their rows, in double precision."""

    data: FloatArray
    mean: FloatArray

    def intercept(self, weights: FloatArray, bias: FloatArray | float) -> FloatArray | float:
        """Return the bias that the same predictions need on the data as they came."""
        return bias - weights @ self.mean


def centre(
    data: FloatArray, weight: FloatArray | None, intercept: bool, *, copy: bool = True
) -> Centred:
    """Return the data with the weighted mean of every column taken away, where a bias allows it.

    Without ``copy`` the data come back as they are, with the mean to be taken away later.

    The bias makes up for it, the minimum is the same, and the way there is shorter: the curvature
    along the bias no longer mixes with that along the weights.
    """
    if not intercept:
        return Centred(data.astype(np.float64, copy=False), np.zeros(data.shape[1:]))
    mean = np.average(data, axis=0, weights=weight)
    mean = mean.astype(np.float64, copy=False)
    return Centred(data - mean if copy else data, mean)


def make_penalty(alpha: Any, l1_ratio: Any = 0.0) -> Penalty | None:
    """Return the penalty of strength ``alpha``, or None where there is none."""
    strength = check_real("alpha", alpha, at_least=0)
    ratio = check_real("l1_ratio", l1_ratio, at_least=0, at_most=1)
    if not strength:
        return None
    if not ratio:
        return L2(strength)
    return L1(strength) if ratio == 1 else ElasticNet(strength, ratio)


def largest_curvature(X: FloatArray, weight: FloatArray | None) -> float:
    r"""Return the largest eigenvalue of :math:`\frac1n X^\top \operatorname{diag}(w) X`."""
    weighted = X if weight is None else X * np.sqrt(weight / weight.mean())[:, None]
    gram = weighted.T @ weighted if len(X) >= X.shape[1] else weighted @ weighted.T
    return float(np.linalg.eigvalsh(gram)[-1]) / len(X)


def safe_step(X: FloatArray, weight: FloatArray | None, most: float) -> float:
    """Return one over the largest curvature there can be.

    ``most`` is the largest second derivative of the cost with respect to a score.
    """
    curvature = most * largest_curvature(X, weight)
    return 1.0 / curvature if curvature > 0 else 1.0


def as_optimizer(solver: Any, others: Sequence[str]) -> Optimizer | None:
    """Return the optimizer that ``solver`` is or names; None where it is one of ``others``."""
    if isinstance(solver, Optimizer):
        return solver
    if check_choice("solver", solver, [*others, *OPTIMIZERS]) in others:
        return None
    return named_optimizer(solver)


def run_optimizer(
    risk: EmpiricalRisk,
    optimizer: Optimizer,
    *,
    tolerance: float,
    max_iter: int,
    batch_size: int | None,
    rng: np.random.Generator,
    callbacks: Sequence[Callback],
    keep_points: bool = True,
) -> Trace:
    """Descend from zero, on all samples or for ``max_iter`` epochs of batches."""
    start = np.zeros(risk.n_parameters, risk.X.dtype)
    if batch_size is None:
        return descend(
            risk,
            start,
            optimizer,
            max_iterations=max_iter,
            stop=GradientNorm(tolerance),
            callbacks=callbacks,
            keep_points=keep_points,
        )
    batches = MiniBatches(risk.n_samples, batch_size, seed=rng, epochs=max_iter)
    return descend(
        risk,
        start,
        optimizer,
        max_iterations=len(batches),
        batches=batches,
        callbacks=callbacks,
        keep_points=False,
    )


def run_full_batch(
    risk: EmpiricalRisk,
    solver: str,
    penalty: Penalty | None,
    step_size: float,
    bias_step: float | None,
    *,
    tolerance: float,
    max_iter: int,
    callbacks: Sequence[Callback],
) -> Trace:
    """Run one of the methods that know more than a gradient: scipy's or a proximal one."""
    start, stop = np.zeros(risk.n_parameters), GradientNorm(tolerance)
    if solver == "lbfgs":
        return quasi_newton(
            risk, start, max_iterations=max_iter, stop=[stop, *map(_Ask, callbacks)]
        )
    return proximal_descent(
        risk,
        start,
        penalty,
        step_size,
        bias_step=bias_step,
        accelerate=solver == "fista",
        max_iterations=max_iter,
        stop=stop,
        callbacks=callbacks,
    )


@dataclass(frozen=True)
class _Ask(StoppingRule):
    """A callback as a stopping rule, for a run that takes only those."""

    callback: Callback
    name = "callback"
    means_convergence = False

    def check(self, progress: Progress) -> str | None:
        return "a callback asked for the end of the run" if self.callback(progress) else None


class EpochRun(NamedTuple):
    """What happened in a run over epochs.

    Attributes
    ----------
    loss : ndarray of shape (n_epochs + 1,)
        The objective at the start and after every epoch.
    converged : bool
        Whether it ended because nothing improved any more.
    capped : bool
        Whether it ended by the cap.
    """

    loss: FloatArray
    converged: bool
    capped: bool


def run_epochs(
    epoch: Callable[[], Any],
    value: Callable[[], float],
    theta: FloatArray,
    *,
    max_iter: int,
    tol: float | None,
    callbacks: Sequence[Callback],
    first: float | None = None,
) -> EpochRun:
    """Call ``epoch``, which moves ``theta``, until the objective ``value`` stops falling.

    Parameters
    ----------
    max_iter
        Epochs at most.
    tol
        The run has converged when `PATIENCE` epochs together did not lower the objective by this
        share of what it was at the start. None takes all epochs.
    first
        The objective at the start, where it is known.

    Warns
    -----
    DivergenceWarning
        If the objective or a parameter stops being finite. ``theta`` then returns to the last sound
        epoch.
    sklearn.exceptions.ConvergenceWarning
        If the objective is no longer falling and higher than at the start.
    """
    losses, best, waited = [value() if first is None else first], np.inf, 0
    least = None if tol is None else check_real("tol", tol, at_least=0) * abs(losses[0])
    for k in range(max_iter + 1):
        progress = Progress(
            iteration=k,
            theta=theta,
            value=losses[-1],
            gradient_norm=np.nan,
            previous_value=losses[-2] if k else None,
        )
        if any([callback(progress) for callback in callbacks]):  # noqa: C419
            return EpochRun(np.array(losses), converged=False, capped=False)
        if least is not None:
            waited = 0 if losses[-1] < best - least else waited + 1
            best = min(best, losses[-1])
            if waited >= PATIENCE:
                converged = losses[-1] <= losses[0]
                if not converged:
                    warnings.warn(
                        f"the run ended at an objective of {losses[-1]:.3g}, worse than the "
                        f"{losses[0]:.3g} at its start: take a smaller step_size, or standardize "
                        "the features",
                        ConvergenceWarning,
                        stacklevel=4,
                    )
                return EpochRun(np.array(losses), converged=converged, capped=False)
        if k == max_iter:
            break
        sound = theta.copy()
        # Overflow on the way to a reported divergence is not news.
        with np.errstate(over="ignore", invalid="ignore"):
            epoch()
            loss = value() if np.isfinite(theta).all() else np.inf
        if not np.isfinite(loss):
            np.copyto(theta, sound)
            warnings.warn(
                f"the run diverged in epoch {k + 1}, after an objective of {losses[-1]:.3g}: take "
                "a smaller step_size (one over the largest squared length of a sample is safe), "
                "or standardize the features",
                DivergenceWarning,
                stacklevel=4,
            )
            return EpochRun(np.array(losses), converged=False, capped=False)
        losses.append(loss)
    return EpochRun(np.array(losses), converged=False, capped=True)


def warn_not_converged(learner: Any, what: str) -> None:
    """Warn that a fit ended by its cap."""
    warnings.warn(
        f"{type(learner).__name__} stopped at max_iter={learner.max_iter} {what} before it reached "
        f"tol={learner.tol:g}: allow more, or standardize the features",
        ConvergenceWarning,
        stacklevel=4,
    )


@contextmanager
def reporting(learner: Any, total: int) -> Iterator[list[Callback]]:
    """Yield the learner's callbacks, and with ``progress=True`` one that moves a bar."""
    callbacks = list(learner.callbacks or ())
    with progress_bar(learner.progress, total) as advance:

        def move(progress: Progress) -> None:
            if progress.iteration:
                advance(loss=f"{progress.value:.4g}")

        yield [*callbacks, move] if learner.progress else callbacks


def cap_of(learner: Any) -> int:
    """Return the checked ``max_iter`` of a learner."""
    return check_integer("max_iter", learner.max_iter, at_least=1)
