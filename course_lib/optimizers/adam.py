r"""Adam and its relatives: momentum in the numerator, a record of squares in the denominator.

Chapter: *Momentum and adaptive optimizers*. Adam divides a running mean of the gradients by the
root of a running mean of their squares. Here is the whole idea of its bias correction: a mean is a
sum divided by the sum of its weights. With the discounted sums

.. math::
    M_t = \sum_{i=1}^t \beta_1^{t-i} g_i, \qquad V_t = \sum_{i=1}^t \beta_2^{t-i} g_i^2, \qquad
    W_t(\beta) = \sum_{i=1}^t \beta^{t-i} = \frac{1 - \beta^t}{1 - \beta}

the means are :math:`\hat m_t = M_t / W_t(\beta_1)` and :math:`\hat v_t = V_t / W_t(\beta_2)`, which
are Kingma and Ba's corrected moments to the letter. The sums are what is stored (the paper stores
:math:`m_t = (1 - \beta_1) M_t` and :math:`v_t = (1 - \beta_2) V_t`): that saves two passes over the
parameters.

=========  ======================================================================================
Optimizer  step
=========  ======================================================================================
`Adam`     :math:`-\alpha\, \hat m / (\sqrt{\hat v} + \epsilon)`
`AdamW`    the same, and :math:`-\alpha \lambda \theta`
`AMSGrad`  the same as Adam's with the largest :math:`v` so far
`Nadam`    Adam's with the next mean, :math:`\mu \hat m + (1 - \mu) g`, in place of
           :math:`\hat m`
=========  ======================================================================================

(Products, roots and quotients of vectors are element by element. :math:`\hat v` is the mean of the
squares, not the variance: under a constant gradient the variance is 0, and the step is
:math:`\alpha`.)
"""

from __future__ import annotations

from math import sqrt

import numpy as np
from numpy.typing import ArrayLike

from course_lib.line_search import StepContext
from course_lib.optimizers.adam_loop import (
    advance_in_blocks,
    advance_in_one_loop,
    worth_compiling,
    worth_dividing,
)
from course_lib.optimizers.base import State
from course_lib.optimizers.first_order import FirstOrder, Vector
from course_lib.schedules import Schedule
from course_lib.validation import check_real, check_vector


class Adam(FirstOrder):
    r"""Adaptive moments [1]_: the mean gradient over the root mean square gradient.

    Parameters
    ----------
    step_size
        A positive number or a schedule: about how far a coordinate moves in a step whose
        gradients have been steady.
    beta1, beta2
        The discounts :math:`\beta_1, \beta_2` from 0 to below 1.
    epsilon
        :math:`\epsilon > 0`, outside the root, added to the corrected :math:`\sqrt{\hat v}`.

    Notes
    -----
    - No step is longer than :math:`\alpha (1 - \beta_1) / \sqrt{(1 - \beta_2)(1 - \beta_1^2 /
      \beta_2)}`, by Cauchy and Schwarz, if :math:`\beta_1^2 < \beta_2`: 7.3 times the step size at
      the defaults.
    - PyTorch and optax place :math:`\epsilon` the same way. TensorFlow adds it to the *uncorrected*
      root, as the paper suggests at the end of its section 2: a number :math:`\epsilon` there is
      :math:`\epsilon / \sqrt{1 - \beta_2^t}` here. Its default is 1e-7.
    - Coupled weight decay, an L2 penalty whose gradient is divided like the rest, is
      ``chain(add_weight_decay(λ), Adam())``; decoupled, it is `AdamW`.
    - Without bias correction the first step would be :math:`(1 - \beta_1) / \sqrt{1 - \beta_2}`
      times as long: 3.16 at the defaults.
    - `update` is written with array operations. `advance` does them block by block where there are
      many parameters, and changes to one compiled loop after some 10⁸ entries moved, where numba is
      installed; the digits stay the same.

    References
    ----------
    .. [1] D. P. Kingma and J. Ba, "Adam: a method for stochastic optimization", International
       Conference on Learning Representations, 2015, algorithm 1.
    """

    memory = ("gradients", "squares")
    weight_decay: float | Vector = 0.0

    def __init__(
        self,
        step_size: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        epsilon: float = 1e-8,
    ) -> None:
        super().__init__(step_size)
        self.beta1 = check_real("beta1", beta1, at_least=0, below=1)
        self.beta2 = check_real("beta2", beta2, at_least=0, below=1)
        self.epsilon = check_real("epsilon", epsilon, above=0)

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        gradients, squares, step = state["gradients"], state["squares"], state["step"]
        add_discounted(gradients, self.beta1, gradient)
        add_discounted(squares, self.beta2, np.multiply(gradient, gradient, out=step))
        scale, epsilon = self._corrected(alpha, state["k"])
        return divide_by_root(-scale, gradients, squares, epsilon, out=step)

    def _corrected(self, alpha: float, t: int) -> tuple[float, float]:
        # M / W1 over sqrt(V / W2) + epsilon: the weights, being numbers, move out of the vectors.
        root = sqrt(total_weight(self.beta2, t))
        return alpha * root / total_weight(self.beta1, t), self.epsilon * root

    def means(self, state: State) -> tuple[Vector, Vector]:
        r"""Return :math:`\hat m` and :math:`\hat v` after an update, each of shape (n_parameters,).

        They are new arrays, for looking at.
        """
        t = state["k"]
        return (
            state["gradients"] / total_weight(self.beta1, t),
            state["squares"] / total_weight(self.beta2, t),
        )

    def advance(
        self, theta: Vector, gradient: Vector, state: State, context: StepContext | None = None
    ) -> None:
        # Formulas of a subclass, or a decay for each parameter, are for the whole vector.
        is_uniform = type(self) in (Adam, AdamW) and np.ndim(self.weight_decay) == 0
        if is_uniform and worth_compiling(theta, state):
            alpha = self._begin(gradient, state)
            scale, epsilon = self._corrected(alpha, state["k"])
            advance_in_one_loop(self, theta, gradient, state, alpha, scale, epsilon)
        elif is_uniform and worth_dividing(theta):
            advance_in_blocks(self, theta, gradient, state, self._begin(gradient, state))
        else:
            super().advance(theta, gradient, state, context)


class AdamW(Adam):
    r"""Adam with decoupled weight decay [1]_.

    .. math:: \Delta\theta = -\alpha \frac{\hat m}{\sqrt{\hat v} + \epsilon} - \alpha \lambda \theta

    In Adam an L2 penalty is divided by :math:`\sqrt{\hat v}` with the rest of the gradient, so that
    weights with large gradients decay less. Here all decay alike.

    Parameters
    ----------
    step_size, beta1, beta2, epsilon
        As in `Adam`.
    weight_decay
        :math:`\lambda \ge 0`, or one for each parameter, shape (n_parameters,): biases and gains
        are usually spared, with a 0.

    Notes
    -----
    The decay is multiplied by the step size, as in PyTorch and optax. The paper multiplies it by
    the schedule's factor alone: a number :math:`\lambda` there is :math:`\lambda / \alpha` here,
    with :math:`\alpha` before the schedule. The same as
    ``chain(direction_of(Adam()), add_weight_decay(λ), scale_by_step_size(α))``.

    References
    ----------
    .. [1] I. Loshchilov and F. Hutter, "Decoupled weight decay regularization", International
       Conference on Learning Representations, 2019, algorithm 2.
    """

    memory = ("gradients", "squares", "decay")

    def __init__(
        self,
        step_size: float | Schedule = 0.001,
        beta1: float = 0.9,
        beta2: float = 0.999,
        *,
        epsilon: float = 1e-8,
        weight_decay: ArrayLike = 0.01,
    ) -> None:
        super().__init__(step_size, beta1, beta2, epsilon=epsilon)
        self.weight_decay = check_weight_decay(weight_decay)

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        decay = np.multiply(theta, self.weight_decay, out=state["decay"])
        decay *= alpha
        step = super()._step(alpha, gradient, state, theta)
        step -= decay
        return step


def add_discounted(total: Vector, discount: float, new: Vector) -> None:
    """Bring a discounted sum up to date, in place."""
    total *= discount
    total += new


def total_weight(discount: float, t: int) -> float:
    r"""Return :math:`1 + \beta + \dots + \beta^{t-1}`, the weights of a discounted sum."""
    return (1.0 - discount**t) / (1.0 - discount)


def divide_by_root(
    scale: float, numerator: Vector, squares: Vector, epsilon: float, out: Vector
) -> Vector:
    r"""Return ``scale * numerator / (sqrt(squares) + epsilon)``, in ``out``."""
    np.sqrt(squares, out=out)
    out += epsilon
    np.divide(numerator, out, out=out)
    out *= scale
    return out


def check_weight_decay(weight_decay: ArrayLike) -> float | Vector:
    """Return the decay as a number, or as a vector with one for each parameter."""
    if np.ndim(weight_decay) == 0:
        return check_real("weight_decay", weight_decay, at_least=0)
    decay = check_vector("weight_decay", weight_decay)
    if (decay < 0).any():
        raise ValueError(f"weight_decay must hold numbers >= 0, got {decay.min():g}")
    return decay
