r"""Stochastic gradient descent with the extras that libraries build into it.

Chapters: *Variants of gradient descent*, *Momentum and adaptive optimizers*, *Regularization*. What
makes descent stochastic is the batch that the gradient is taken on; the optimizer does not see it.
What libraries call SGD adds four more things, here in the form and order of MXNet's first listing:

.. math::
    v \leftarrow \mu v - \alpha \bigl( s \operatorname{clip}_c(g) + \lambda \theta \bigr), \qquad
    \theta \leftarrow \theta + v
"""

from __future__ import annotations

import numpy as np

from course_lib.optimizers.base import State
from course_lib.optimizers.first_order import FirstOrder, Vector
from course_lib.schedules import Schedule
from course_lib.validation import check_real


class SGD(FirstOrder):
    r"""Gradient descent with rescaling, element-wise clipping, weight decay and momentum.

    Parameters
    ----------
    step_size
        :math:`\alpha`, a positive number or a schedule.
    momentum
        :math:`\mu` from 0 to below 1, classical form: the velocity holds steps.
    weight_decay
        :math:`\lambda`, coupled: :math:`\lambda \theta` is the gradient of
        :math:`\frac\lambda2 \|\theta\|^2` [1]_. Without gradient, a step without momentum shrinks
        ``theta`` by the factor :math:`1 - \alpha \lambda`.
    rescale
        :math:`s`, which makes a mean of a sum: 1 / batch size.
    clip
        :math:`c > 0`: every entry of the gradient is brought into :math:`[-c, c]`, which turns the
        direction. None for no clipping. (`clip_by_norm` keeps the direction.)

    Notes
    -----
    - Clipping comes before rescaling, and neither touches the decay. Later releases of MXNet clip
      the rescaled gradient: that is this optimizer with :math:`c / s` in place of :math:`c`.
    - The listing tests ``clip > 0`` with momentum and ``clip >= 0`` without, so that a bound of 0
      means no clipping in the one and no gradient in the other. Here 0 is an error.
    - The same as ``chain(clip_by_value(c), rescale(s), add_weight_decay(λ),
      scale_by_step_size(α), direction_of(Momentum(momentum=μ)))``.

    References
    ----------
    .. [1] A. Krogh and J. A. Hertz, "A simple weight decay can improve generalization", Advances
       in Neural Information Processing Systems 4, 1992, pp. 950-957.
    """

    memory = ("velocity",)

    def __init__(
        self,
        step_size: float | Schedule = 0.01,
        *,
        momentum: float = 0.0,
        weight_decay: float = 0.0,
        rescale: float = 1.0,
        clip: float | None = None,
    ) -> None:
        super().__init__(step_size)
        self.momentum = check_real("momentum", momentum, at_least=0, below=1)
        self.weight_decay = check_real("weight_decay", weight_decay, at_least=0)
        self.rescale = check_real("rescale", rescale, above=0)
        self.clip = None if clip is None else check_real("clip", clip, above=0)

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        velocity, change = state["velocity"], state["step"]
        velocity *= self.momentum
        if self.clip is not None:
            gradient = np.clip(gradient, -self.clip, self.clip, out=change)
        velocity -= np.multiply(gradient, alpha * self.rescale, out=change)
        if self.weight_decay:
            velocity -= np.multiply(theta, alpha * self.weight_decay, out=change)
        return velocity
