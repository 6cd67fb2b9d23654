r"""Adaptive optimizers: every coordinate has its own step size, learned from its gradients.

Chapter: *Momentum and adaptive optimizers*. All of them divide the gradient, coordinate by
coordinate, by the root of a record of its squares. They differ in what they record. (All products,
roots and quotients of vectors are element by element.)

==========  ======================================================  ==============================
Optimizer   record of squares                                       step
==========  ======================================================  ==============================
`AdaGrad`   :math:`G \leftarrow G + g^2`                            :math:`-\alpha\, g /
                                                                    (\sqrt G + \epsilon)`
`RMSProp`   :math:`v \leftarrow \rho v + (1 - \rho) g^2`            :math:`-\alpha\, g /
                                                                    (\sqrt v + \epsilon)`
`AdaDelta`  the same, and :math:`u \leftarrow \rho u + (1 - \rho)   :math:`\Delta = -\alpha\, g
            \Delta^2` of the steps                                  \sqrt{u + \epsilon} /
                                                                    \sqrt{v + \epsilon}`
==========  ======================================================  ==============================

Where :math:`\epsilon` stands matters wherever gradients are as small as its root. Outside the root
it bounds the effective step size by :math:`\alpha / \epsilon`, inside by
:math:`\alpha / \sqrt\epsilon`: the same number does very different things in two libraries.
"""

from __future__ import annotations

import numpy as np

from course_lib.optimizers.base import State
from course_lib.optimizers.first_order import FirstOrder, Vector
from course_lib.schedules import Schedule
from course_lib.validation import check_real


class AdaGrad(FirstOrder):
    r"""Divide by the root of the sum of all squared gradients [1]_.

    Under a constant gradient of any size the step is :math:`\alpha / \sqrt t`. A coordinate whose
    gradient is mostly zero, such as the weight of a rare word, keeps a long step.

    Parameters
    ----------
    step_size
        A positive number or a schedule.
    epsilon
        :math:`\epsilon > 0`, against division by zero.
    epsilon_inside
        Whether :math:`\epsilon` stands under the root.
    initial_sum
        What :math:`G` starts from.

    Notes
    -----
    PyTorch is ``epsilon=1e-10``, outside, from 0; optax is ``epsilon=1e-7``, inside, from 0.1;
    TensorFlow is ``epsilon=1e-7``, inside, from 0.1.

    References
    ----------
    .. [1] J. Duchi, E. Hazan and Y. Singer, "Adaptive subgradient methods for online learning and
       stochastic optimization", Journal of Machine Learning Research 12 (2011), pp. 2121-2159.
    """

    memory = ("squares",)

    def __init__(
        self,
        step_size: float | Schedule = 0.01,
        *,
        epsilon: float = 1e-10,
        epsilon_inside: bool = False,
        initial_sum: float = 0.0,
    ) -> None:
        super().__init__(step_size)
        self.epsilon = check_real("epsilon", epsilon, above=0)
        self.epsilon_inside = bool(epsilon_inside)
        self.initial_sum = check_real("initial_sum", initial_sum, at_least=0)

    def init(self, theta: Vector) -> State:
        state = super().init(theta)
        state["squares"].fill(self.initial_sum)
        return state

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        squares, step = state["squares"], state["step"]
        squares += np.multiply(gradient, gradient, out=step)
        root = _root(squares, self.epsilon, self.epsilon_inside, out=step)
        np.divide(gradient, root, out=step)
        step *= -alpha
        return step


class RMSProp(FirstOrder):
    r"""Divide by the root of a running mean of squared gradients [1]_.

    The mean forgets, so that the step size recovers after a stretch of large gradients.

    Parameters
    ----------
    step_size
        A positive number or a schedule.
    decay
        :math:`\rho` from 0 to below 1: the mean reaches back about :math:`1 / (1 - \rho)`
        iterations.
    epsilon
        :math:`\epsilon > 0`, against division by zero.
    epsilon_inside
        Whether :math:`\epsilon` stands under the root.
    centered
        Divide by the root of the running *variance*, :math:`v - m^2` with the running mean
        :math:`m` of the gradients [2]_.

    Notes
    -----
    - The running means start at zero and are not corrected for it: the first step is
      :math:`\alpha / \sqrt{1 - \rho}` long.
    - PyTorch is ``decay=0.99``, outside. optax is ``decay=0.9``, inside. TensorFlow is
      ``decay=0.9, epsilon=1e-7``, inside.
    - With momentum (PyTorch's form): ``chain(direction_of(RMSProp()),
      direction_of(Momentum(momentum=0.9)), scale_by_step_size(0.001))``.
    - In exact arithmetic :math:`v \ge m^2`; a difference that rounding made negative counts as 0.
      (PyTorch takes its root, which is NaN.)

    References
    ----------
    .. [1] T. Tieleman and G. Hinton, "Lecture 6.5: RMSProp, divide the gradient by a running
       average of its recent magnitude", COURSERA: Neural Networks for Machine Learning, 2012.
    .. [2] A. Graves, "Generating sequences with recurrent neural networks", 2013,
       arXiv:1308.0850, eqs. (38)-(41).
    """

    memory = ("squares", "mean", "scratch")

    def __init__(
        self,
        step_size: float | Schedule = 0.001,
        decay: float = 0.9,
        *,
        epsilon: float = 1e-8,
        epsilon_inside: bool = False,
        centered: bool = False,
    ) -> None:
        super().__init__(step_size)
        self.decay = check_real("decay", decay, at_least=0, below=1)
        self.epsilon = check_real("epsilon", epsilon, above=0)
        self.epsilon_inside = bool(epsilon_inside)
        self.centered = bool(centered)

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        spread, step, scratch = state["squares"], state["step"], state["scratch"]
        _blend(spread, np.multiply(gradient, gradient, out=step), self.decay, scratch)
        if self.centered:
            mean = state["mean"]
            _blend(mean, gradient, self.decay, scratch)
            np.multiply(mean, mean, out=scratch)
            spread = np.subtract(spread, scratch, out=scratch)
            np.maximum(spread, 0.0, out=spread)
        root = _root(spread, self.epsilon, self.epsilon_inside, out=step)
        np.divide(gradient, root, out=step)
        step *= -alpha
        return step


class AdaDelta(FirstOrder):
    r"""Divide by the root mean square of the gradients, multiply by that of the steps [1]_.

    Numerator and denominator are running means of the same reach, so that the step has the units of
    the parameters. Nothing grows without bound, and no total distance enters.

    Parameters
    ----------
    step_size
        A factor on the step, 1 in the paper, or a schedule of it.
    decay
        :math:`\rho` from 0 to below 1.
    epsilon
        :math:`\epsilon > 0`, inside both roots. It is what the first steps are made of:
        :math:`\sqrt{\epsilon / (1 - \rho)}` long.

    Notes
    -----
    The defaults are the paper's. PyTorch and optax have ``decay=0.9``, and agree on all else.

    References
    ----------
    .. [1] M. D. Zeiler, "ADADELTA: an adaptive learning rate method", 2012, arXiv:1212.5701,
       algorithm 1.
    """

    memory = ("squares", "squared_steps", "scratch")

    def __init__(
        self,
        step_size: float | Schedule = 1.0,
        decay: float = 0.95,
        *,
        epsilon: float = 1e-6,
    ) -> None:
        super().__init__(step_size)
        self.decay = check_real("decay", decay, at_least=0, below=1)
        self.epsilon = check_real("epsilon", epsilon, above=0)

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        squares, squared_steps = state["squares"], state["squared_steps"]
        step, scratch = state["step"], state["scratch"]
        _blend(squares, np.multiply(gradient, gradient, out=step), self.decay, scratch)
        np.divide(gradient, _root(squares, self.epsilon, True, out=step), out=step)
        step *= _root(squared_steps, self.epsilon, True, out=scratch)
        _blend(squared_steps, np.multiply(step, step, out=scratch), self.decay, scratch)
        step *= -alpha
        return step


def _blend(mean: Vector, new: Vector, decay: float, scratch: Vector) -> None:
    # mean <- decay * mean + (1 - decay) * new; new may be the scratch itself.
    mean *= decay
    mean += np.multiply(new, 1.0 - decay, out=scratch)


def _root(squares: Vector, epsilon: float, inside: bool, out: Vector) -> Vector:
    if inside:
        np.add(squares, epsilon, out=out)
        return np.sqrt(out, out=out)
    np.sqrt(squares, out=out)
    return np.add(out, epsilon, out=out)
