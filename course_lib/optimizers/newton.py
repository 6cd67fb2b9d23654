r"""Newton's method.

Chapter: *Gradient descent*, as the comparison. Instead of a plane it fits a quadratic to the
objective and steps to where that quadratic is lowest:

.. math:: \theta_{k+1} = \theta_k - \alpha_k\, (H_k + \lambda I)^{-1} \nabla f(\theta_k)
"""

from __future__ import annotations

import numpy as np

from course_lib.line_search import (
    SingularMatrix,
    StepContext,
    StepSize,
    as_step_rule,
    step_length,
)
from course_lib.optimizers.base import Optimizer, State
from course_lib.validation import FloatArray, check_real


class Newton(Optimizer):
    r"""Step to the lowest point of the local quadratic model.

    Parameters
    ----------
    step_size
        How much of the way; the pure method takes all of it, ``1.0``. A line search makes the
        method safe far from the minimum, where the model is wrong.
    damping
        :math:`\lambda \ge 0`, added to the diagonal of the Hessian.

    Notes
    -----
    Where the Hessian is not positive definite the model has no lowest point, and the step leads to
    its stationary point, which may be a saddle or a maximum. A line search then refuses the
    direction; damping above the most negative curvature repairs it. A singular Hessian ends the run
    with the reason "singular matrix". On a batch the Hessian is that of the batch.

    References
    ----------
    .. [1] J. Nocedal and S. J. Wright, *Numerical Optimization*, 2nd ed., Springer, 2006, §3.3.
    """

    def __init__(self, step_size: StepSize = 1.0, *, damping: float = 0.0) -> None:
        self.step_size = as_step_rule(step_size)
        self.damping = check_real("damping", damping, at_least=0)

    def init(self, theta: FloatArray) -> State:
        return {"k": 0, "step": np.empty_like(theta)}

    def update(
        self,
        gradient: FloatArray,
        state: State,
        theta: FloatArray,
        context: StepContext | None = None,
    ) -> FloatArray:
        if context is None:
            raise TypeError(
                "Newton needs the Hessian, so update() needs context=StepContext(objective, "
                "value); the run loop `descend` passes it"
            )
        # A new matrix: the one that came may belong to the objective.
        damped = context.objective.hessian(theta, context.batch) + self.damping * np.eye(len(theta))
        try:
            state["step"][...] = np.linalg.solve(damped, -gradient)
        except np.linalg.LinAlgError:
            raise SingularMatrix(
                "the Hessian is singular, so the quadratic model has no single stationary point: "
                f"set damping above 0 (it is {self.damping:g})"
            ) from None
        alpha = step_length(self.step_size, state["k"], theta, state["step"], gradient, context)
        state["step"] *= alpha
        state["step_size"] = alpha
        state["k"] += 1
        return state["step"]

    def __repr__(self) -> str:
        return f"Newton({self.step_size!r}, damping={self.damping:g})"
