r"""AMSGrad and Nadam: Adam with one line changed.

Chapter: *Momentum and adaptive optimizers*. Both store the discounted sums of `course_lib.
optimizers.adam` and differ from it in what they divide, or by what.
"""

from __future__ import annotations

from math import sqrt

import numpy as np

from course_lib.optimizers.adam import add_discounted, divide_by_root, total_weight
from course_lib.optimizers.base import State
from course_lib.optimizers.first_order import FirstOrder, Vector
from course_lib.schedules import Schedule
from course_lib.validation import check_choice, check_real


class AMSGrad(FirstOrder):
    r"""Adam whose denominator never shrinks [1]_.

    Adam forgets large gradients, and where those were the ones that mattered it walks away from the
    minimum of a convex problem. AMSGrad divides by the largest record of squares there has been:
    :math:`\tilde v_t = \max(\tilde v_{t-1}, v_t)`.

    Parameters
    ----------
    step_size, beta1, beta2, epsilon
        As in `Adam`.
    correction
        When the bias is corrected: ``"after"`` the maximum is taken, of :math:`v`, as PyTorch does;
        ``"before"``, so that the maximum is of :math:`\hat v`, as optax does; ``"none"``, neither
        in the numerator nor in the denominator, as in the paper.

    References
    ----------
    .. [1] S. J. Reddi, S. Kale and S. Kumar, "On the convergence of Adam and beyond",
       International Conference on Learning Representations, 2018, algorithm 2.
    """

    memory = ("gradients", "squares", "largest")

    def __init__(
        self,
        step_size: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        epsilon: float = 1e-8,
        correction: str = "after",
    ) -> None:
        super().__init__(step_size)
        self.beta1 = check_real("beta1", beta1, at_least=0, below=1)
        self.beta2 = check_real("beta2", beta2, at_least=0, below=1)
        self.epsilon = check_real("epsilon", epsilon, above=0)
        self.correction = check_choice("correction", correction, ["after", "before", "none"])

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        gradients, squares, step = state["gradients"], state["squares"], state["step"]
        add_discounted(gradients, self.beta1, gradient)
        add_discounted(squares, self.beta2, np.multiply(gradient, gradient, out=step))
        if self.correction == "none":
            # The weights of an infinite past, in which there would be no bias.
            weight1, weight2 = 1.0 / (1.0 - self.beta1), 1.0 / (1.0 - self.beta2)
        else:
            weight1 = total_weight(self.beta1, state["k"])
            weight2 = total_weight(self.beta2, state["k"])
        largest = state["largest"]
        if self.correction == "before":
            squares = np.divide(squares, weight2, out=step)
            weight2 = 1.0
        np.maximum(largest, squares, out=largest)
        scale, epsilon = alpha * sqrt(weight2) / weight1, self.epsilon * sqrt(weight2)
        return divide_by_root(-scale, gradients, largest, epsilon, out=step)


class Nadam(FirstOrder):
    r"""Adam that looks ahead, as Nesterov's momentum does [1]_.

    Adam's numerator is the mean of the gradients up to now. Nadam's is the mean as it would be one
    iteration later, were the next gradient the same:

    .. math::
        \mu_{t+1} \frac{m_t}{1 - \prod_{i=1}^{t+1} \mu_i} + (1 - \mu_t) \frac{g_t}{1 -
        \prod_{i=1}^t \mu_i}

    Parameters
    ----------
    step_size, beta1, beta2, epsilon
        As in `Adam`.
    momentum_decay
        :math:`\psi` of the warm-up :math:`\mu_t = \beta_1 (1 - \tfrac12 0.96^{t \psi})`, 0.004 in
        the paper and in PyTorch. None for :math:`\mu_t = \beta_1`, as in optax.

    Notes
    -----
    Algorithm 2 of the paper also multiplies :math:`\hat v` by :math:`\beta_2`. PyTorch, optax and
    this optimizer do not.

    References
    ----------
    .. [1] T. Dozat, "Incorporating Nesterov momentum into Adam", International Conference on
       Learning Representations, workshop track, 2016, algorithm 2.
    """

    memory = ("gradients", "squares", "ahead")

    def __init__(
        self,
        step_size: float | Schedule = 0.002,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        epsilon: float = 1e-8,
        momentum_decay: float | None = 0.004,
    ) -> None:
        super().__init__(step_size)
        self.beta1 = check_real("beta1", beta1, at_least=0, below=1)
        self.beta2 = check_real("beta2", beta2, at_least=0, below=1)
        self.epsilon = check_real("epsilon", epsilon, above=0)
        self.momentum_decay = (
            None
            if momentum_decay is None
            else check_real("momentum_decay", momentum_decay, at_least=0)
        )

    def init(self, theta: Vector) -> State:
        return super().init(theta) | {"product": 1.0}

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        gradients, squares, step = state["gradients"], state["squares"], state["step"]
        add_discounted(gradients, self.beta1, gradient)
        add_discounted(squares, self.beta2, np.multiply(gradient, gradient, out=step))
        now, following = self._momentum(state["k"]), self._momentum(state["k"] + 1)
        state["product"] *= now
        share = following * (1.0 - self.beta1) / (1.0 - state["product"] * following)
        ahead = np.multiply(gradients, share, out=state["ahead"])
        ahead += np.multiply(gradient, (1.0 - now) / (1.0 - state["product"]), out=step)
        root = sqrt(total_weight(self.beta2, state["k"]))
        return divide_by_root(-alpha * root, ahead, squares, self.epsilon * root, out=step)

    def _momentum(self, t: int) -> float:
        if self.momentum_decay is None:
            return self.beta1
        return self.beta1 * (1.0 - 0.5 * 0.96 ** (t * self.momentum_decay))
