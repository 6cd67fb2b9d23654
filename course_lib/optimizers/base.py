"""The contract of an optimizer: an `init` and an `update`."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from course_lib.line_search import StepContext
from course_lib.validation import FloatArray

#: What an optimizer remembers between two steps, by name.
State = dict[str, Any]


class Optimizer(ABC):
    """Turns gradients into steps.

    An optimizer holds only its settings. What it remembers between iterations lives in the state
    that `init` returns, so one optimizer can serve many parameter vectors at once.
    """

    @abstractmethod
    def init(self, theta: FloatArray) -> State:
        """Return the state before the first step, with arrays shaped and typed like ``theta``."""

    @abstractmethod
    def update(
        self,
        gradient: FloatArray,
        state: State,
        theta: FloatArray,
        context: StepContext | None = None,
    ) -> FloatArray:
        """Return the step to add to ``theta``, and bring ``state`` up to date.

        Parameters
        ----------
        gradient
            The gradient at ``theta``, shape (n_parameters,). It is not modified.
        state
            What `init` or the last `update` left.
        theta
            The current point. It is not modified.
        context
            The objective, its value and the batch, for methods that look beyond the gradient.

        Returns
        -------
        ndarray of shape (n_parameters,)
            The step. The array belongs to ``state`` and is valid until the next update: nothing is
            allocated in the loop.
        """

    def advance(
        self,
        theta: FloatArray,
        gradient: FloatArray,
        state: State,
        context: StepContext | None = None,
    ) -> None:
        """Move ``theta`` by the next step, in place.

        The same as ``theta += update(gradient, state, theta, context)``, to the last digit. Loops
        that need nothing of the step but its effect call this: some optimizers save a pass here.
        """
        theta += self.update(gradient, state, theta, context)
