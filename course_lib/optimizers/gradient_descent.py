r"""Gradient descent.

Chapter: *Gradient descent*.

.. math:: \theta_{k+1} = \theta_k - \alpha_k \nabla f(\theta_k)

A. Cauchy, "Méthode générale pour la résolution des systèmes d'équations simultanées", Comptes
rendus 25 (1847), pp. 536-538.
"""

from __future__ import annotations

import numpy as np

from course_lib.line_search import StepContext, StepSize, as_step_rule, step_length
from course_lib.optimizers.base import Optimizer, State
from course_lib.validation import FloatArray


class GradientDescent(Optimizer):
    """Step against the gradient.

    Parameters
    ----------
    step_size
        A positive number; a schedule, which is a function of the iteration number; or a line
        search.
    """

    def __init__(self, step_size: StepSize) -> None:
        self.step_size = as_step_rule(step_size)

    def init(self, theta: FloatArray) -> State:
        return {"k": 0, "step": np.empty_like(theta)}

    def update(
        self,
        gradient: FloatArray,
        state: State,
        theta: FloatArray,
        context: StepContext | None = None,
    ) -> FloatArray:
        step = np.negative(gradient, out=state["step"])
        alpha = step_length(self.step_size, state["k"], theta, step, gradient, context)
        step *= alpha
        state["step_size"] = alpha
        state["k"] += 1
        return step

    def __repr__(self) -> str:
        return f"GradientDescent({self.step_size!r})"
