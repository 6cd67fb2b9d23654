"""The trace: the whole history of a run.

Chapter: *Gradient descent*. Every figure and every explorable of the course draws one of these.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib.objectives.base import Objective
from course_lib.validation import FloatArray, check_integer, check_vector


@dataclass(frozen=True)
class StopReason:
    """Which rule ended a run, and what it saw."""

    rule: str
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


@dataclass(frozen=True, repr=False, eq=False)
class Trace:
    """What happened in a run.

    Attributes
    ----------
    theta : ndarray of shape (n_iterations + 1, n_parameters)
        The points visited, the start first. Only the first and last, shape (2, n_parameters), where
        the run was told not to keep them.
    value : ndarray of shape (n_iterations + 1,)
        The objective at each. In a run over batches: on that iteration's batch, and `values_of`
        gives the objective on all the data. Where the batches came to their end, none was left to
        look at the last point with, and the shape is (n_iterations,).
    gradient_norm : ndarray, shaped like ``value``
        The Euclidean norm of the gradient.
    step_size : ndarray of shape (n_iterations,)
        The step size of each iteration; NaN for an optimizer that has none.
    seconds : ndarray of shape (n_iterations + 1,)
        Wall-clock time since the start.
    stopped_by : StopReason
        The rule that ended the run.
    converged : bool
        Whether the run ended because something became small.
    diverged : bool
        Whether it ended because it blew up, or a cap or callback ended it (not on batches) when the
        objective stood above its start and had risen ten times in a row. Neither, where a cap ended
        it otherwise.
    evaluations : dict of str to int
        Calls for a ``value``, a ``gradient`` (which brings a value, counted as well), a ``hessian``
        and a ``hessian_product``, and ``sample_gradients``: gradients times the samples in each,
        the honest currency between batch sizes.
    """

    theta: FloatArray
    value: FloatArray
    gradient_norm: FloatArray
    step_size: FloatArray
    stopped_by: StopReason
    converged: bool
    diverged: bool
    evaluations: dict[str, int]
    seconds: FloatArray

    @property
    def n_iterations(self) -> int:
        return len(self.step_size)

    @property
    def final(self) -> FloatArray:
        """The last point, shape (n_parameters,)."""
        return self.theta[-1]

    def values_of(self, objective: Objective) -> FloatArray:
        """Return ``objective`` at every point kept, shape (len(theta),)."""
        return np.array([objective.value(point) for point in self.theta])

    def errors(self, minimizer: ArrayLike) -> FloatArray:
        """Return the distance of every point kept to ``minimizer``, shape (len(theta),)."""
        target = check_vector("minimizer", minimizer, self.theta.shape[1])
        return np.linalg.norm(self.theta - target, axis=1)

    def rate(self, minimizer: ArrayLike, last: int = 10) -> float:
        """Return the factor by which the last iterations shrank the distance to ``minimizer``.

        Parameters
        ----------
        minimizer
            Shape (n_parameters,).
        last
            Iterations to take the geometric mean over.

        Raises
        ------
        ValueError
            If the run has fewer iterations, did not keep its points, or was at ``minimizer``
            already.
        """
        errors = self.errors(minimizer)
        last = check_integer("last", last, at_least=1)
        if len(errors) != self.n_iterations + 1:
            raise ValueError("rate needs every point of the run, which had keep_points=False")
        if last >= len(errors):
            raise ValueError(
                f"last must be at most the {self.n_iterations} iteration(s) of the run, got {last}"
            )
        if errors[-1 - last] == 0:
            raise ValueError(
                f"minimizer was reached {last} or more iterations before the end: choose a smaller "
                "last, or end the run earlier"
            )
        return float((errors[-1] / errors[-1 - last]) ** (1.0 / last))

    @property
    def path_length(self) -> float:
        """The length of the way through all points kept."""
        return float(np.linalg.norm(np.diff(self.theta, axis=0), axis=1).sum())

    def __repr__(self) -> str:
        return (
            f"Trace({self.n_iterations} iterations, value {self.value[0]:.6g} -> "
            f"{self.value[-1]:.6g}, stopped by {self.stopped_by.rule})"
        )
