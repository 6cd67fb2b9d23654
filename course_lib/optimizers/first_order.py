r"""What all first-order optimizers share.

Chapter: *Momentum and adaptive optimizers*. Each takes a step size times a direction made of the
gradients seen so far,

.. math:: \theta_{k+1} = \theta_k - \alpha_k d_k,

and they differ in the direction alone. The count of iterations, the schedule and the memory have
their home here, so that every optimizer is the mathematics and nothing else.
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from course_lib.line_search import StepContext
from course_lib.optimizers.base import Optimizer, State
from course_lib.schedules import Constant, Schedule, as_schedule, scheduled_value
from course_lib.validation import FloatArray, check_vector

#: A flat vector, shape (n_parameters,).
Vector = FloatArray


class FirstOrder(Optimizer):
    """A step size times a direction made of gradients.

    A subclass names the vectors it remembers and defines `_step`.

    Parameters
    ----------
    step_size
        A positive number, or a schedule: a function of the iteration number.

    Attributes
    ----------
    memory : tuple of str
        The vectors kept in the state between iterations. They start at zero.
    """

    memory: tuple[str, ...] = ()

    def __init__(self, step_size: float | Schedule) -> None:
        self.step_size = as_schedule("step_size", step_size)

    def init(self, theta: Vector) -> State:
        theta = check_vector("theta", theta)
        memory = {name: np.zeros_like(theta) for name in self.memory}
        return {"k": 0, "step": np.empty_like(theta), **memory}

    def update(
        self, gradient: Vector, state: State, theta: Vector, context: StepContext | None = None
    ) -> Vector:
        return self._step(self._begin(gradient, state), gradient, state, theta)

    @abstractmethod
    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        """Return minus ``alpha`` times the direction; ``state["k"]`` is 1 at the first step."""

    def _begin(self, gradient: Vector, state: State) -> float:
        if gradient.shape != state["step"].shape:
            raise ValueError(
                f"gradient must have shape {state['step'].shape}, like the theta that init() saw, "
                f"got shape {gradient.shape}"
            )
        alpha = scheduled_value("step_size", self.step_size, state["k"])
        state["k"] += 1
        state["step_size"] = alpha
        return alpha

    def __repr__(self) -> str:
        shown = dict(vars(self))
        if isinstance(self.step_size, Constant):
            shown["step_size"] = self.step_size.initial
        settings = ", ".join(f"{name}={value!r}" for name, value in shown.items())
        return f"{type(self).__name__}({settings})"
