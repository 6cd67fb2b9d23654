r"""Natural gradient: the steepest way down, measured in distributions.

Chapter: *Natural gradient*. How far a step is depends on the ruler. The gradient is the steepest
direction when steps are measured by the length of :math:`\delta` in parameters; measured by how far
the model's distributions move, :math:`\frac12 \delta^\top F \delta`, the steepest direction is

.. math:: \theta_{k+1} = \theta_k - \alpha\, (F(\theta_k) + \lambda I)^{-1} \nabla J(\theta_k) .

It does not depend, to first order, on the coordinates in which the model is written down. Where
:math:`F` is singular, and wherever it is a poor guide beyond a short step, damping :math:`\lambda`
makes it a mixture with the plain gradient.

S. Amari, "Natural gradient works efficiently in learning", Neural Computation 10 (1998), pp.
251-276; J. Martens, "New insights and perspectives on the natural gradient method", Journal of
Machine Learning Research 21 (2020), no. 146.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np

from course_lib.information_geometry.fisher import fisher_exact, fisher_vector_product
from course_lib.information_geometry.linear_solver import solve_by_products
from course_lib.line_search import (
    SingularMatrix,
    StepContext,
    StepSize,
    as_step_rule,
    step_length,
)
from course_lib.objectives.base import Batch, Objective
from course_lib.optimizers.base import Optimizer, State
from course_lib.validation import FloatArray, check_choice, check_integer, check_real

Fisher = Callable[[Objective, FloatArray, Batch | None], FloatArray]


class NaturalGradient(Optimizer):
    r"""Step against the gradient, measured by how far the predicted distributions move.

    Parameters
    ----------
    step_size
        :math:`\alpha`: a positive number, a schedule or a line search.
    damping
        :math:`\lambda \ge 0`.
    solver
        ``"direct"`` forms the matrix and factors it; ``"conjugate gradients"`` only multiplies with
        it, and takes any number of parameters.
    fisher
        The matrix of the direct solver, a function of objective, point and batch: `fisher_exact`
        or, to see what it does, `empirical_fisher`.
    max_divergence
        Shorten steps to move the distributions by no more than this,
        :math:`\frac12 \delta^\top F \delta`, in nats a sample. Not limited if not given.
    tol, max_iterations
        Of the conjugate gradients: see `solve_by_products`.

    Notes
    -----
    The objective must be a negative log-likelihood, see `fisher_exact`. On a batch the Fisher
    matrix is that of the batch.
    """

    def __init__(
        self,
        step_size: StepSize = 1.0,
        *,
        damping: float = 1e-4,
        solver: str = "direct",
        fisher: Fisher = fisher_exact,
        max_divergence: float | None = None,
        tol: float = 1e-8,
        max_iterations: int | None = None,
    ) -> None:
        self.step_size = as_step_rule(step_size)
        self.damping = check_real("damping", damping, at_least=0)
        self.solver = check_choice("solver", solver, ["direct", "conjugate gradients"])
        if self.solver != "direct" and fisher is not fisher_exact:
            raise ValueError(
                'fisher is for solver="direct": conjugate gradients multiply with the exact Fisher '
                "matrix and form none"
            )
        self.fisher = fisher
        self.max_divergence = (
            None
            if max_divergence is None
            else check_real("max_divergence", max_divergence, above=0)
        )
        self.tol = check_real("tol", tol, at_least=0)
        self.max_iterations = (
            None
            if max_iterations is None
            else check_integer("max_iterations", max_iterations, at_least=1)
        )

    def init(self, theta: FloatArray) -> State:
        """Return the state before the first step."""
        return {"k": 0, "step": np.empty_like(theta)}

    def update(
        self,
        gradient: FloatArray,
        state: State,
        theta: FloatArray,
        context: StepContext | None = None,
    ) -> FloatArray:
        """Return the step to add to ``theta``."""
        if context is None:
            raise TypeError(
                "NaturalGradient needs the Fisher matrix of the model, so update() needs "
                "context=StepContext(objective, value); the run loop `descend` passes it"
            )
        step = state["step"]
        np.negative(self._direction(gradient, theta, context), out=step)
        alpha = step_length(self.step_size, state["k"], theta, step, gradient, context)
        if self.max_divergence is not None:
            # (F + damping) d = g, so d F d = d g - damping d d, and no product is needed.
            square = -float(step @ gradient) - self.damping * float(step @ step)
            if alpha**2 * square > 2.0 * self.max_divergence:
                alpha = float(np.sqrt(2.0 * self.max_divergence / square))
        step *= alpha
        state["step_size"] = alpha
        state["k"] += 1
        return step

    def _direction(
        self, gradient: FloatArray, theta: FloatArray, context: StepContext
    ) -> FloatArray:
        if self.solver == "direct":
            matrix = self.fisher(context.objective, theta, context.batch)
            return natural_direction(matrix, gradient, self.damping)
        product = partial(self._product, context.objective, theta, context.batch)
        return solve_by_products(
            product, gradient, tol=self.tol, max_iterations=self.max_iterations
        ).x

    def _product(
        self, objective: Objective, theta: FloatArray, batch: Batch | None, vector: FloatArray
    ) -> FloatArray:
        return fisher_vector_product(objective, theta, vector, batch) + self.damping * vector

    def __repr__(self) -> str:
        return (
            f"NaturalGradient({self.step_size!r}, damping={self.damping:g}, solver={self.solver!r})"
        )


def natural_direction(fisher: FloatArray, gradient: FloatArray, damping: float = 0.0) -> FloatArray:
    r"""Return :math:`(F + \lambda I)^{-1} g`, shape (n_parameters,).

    Raises
    ------
    SingularMatrix
        If :math:`F + \lambda I` is not positive definite.
    """
    damped = np.array(fisher)
    damped[np.diag_indices_from(damped)] += damping
    try:
        L = np.linalg.cholesky(damped)
        # The share of each diagonal entry that the entries before it do not explain.
        independent = (np.diag(L) ** 2 / np.diag(damped)).min()
    except np.linalg.LinAlgError:
        independent = 0.0
    if independent <= len(damped) * np.finfo(damped.dtype).eps:
        raise SingularMatrix(
            "the Fisher matrix is singular: some direction in the parameters does not move the "
            f"predictions at all. Set damping above {damping:g}"
        )
    return np.linalg.solve(L.T, np.linalg.solve(L, gradient))
