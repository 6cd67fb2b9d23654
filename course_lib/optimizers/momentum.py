r"""Momentum: descent with inertia.

Chapter: *Momentum and adaptive optimizers*. A velocity adds up the gradients, newest first, each
older one weaker by the factor :math:`\mu`. Directions in which the gradients agree gain speed, up
to :math:`1 / (1 - \mu)` times; directions in which they alternate lose it, down to
:math:`1 / (1 + \mu)`.

Two conventions are in use, and what stands inside the sum tells them apart:

=============  ==============================================  ==================================
form           update                                          used by
=============  ==============================================  ==================================
``classical``  :math:`v \leftarrow \mu v - \alpha g,\;         Polyak (1964), Sutskever et al.
               \theta \leftarrow \theta + v`                   (2013), MXNet, TensorFlow
``pytorch``    :math:`v \leftarrow \mu v + g,\;                PyTorch, optax (``trace``)
               \theta \leftarrow \theta - \alpha v`
=============  ==============================================  ==================================

While the step size is constant the two take the same steps. Once it changes, the classical form
lets old gradients keep the step size they came with, and PyTorch's form applies the new one to all
of them. A momentum that makes up for it, :math:`\mu_k \alpha_k / \alpha_{k-1}`, turns one into the
other: `Momentum.in_form`.
"""

from __future__ import annotations

import numpy as np

from course_lib.line_search import StepContext
from course_lib.optimizers.base import State
from course_lib.optimizers.first_order import FirstOrder, Vector
from course_lib.schedules import Schedule, scheduled_value
from course_lib.validation import check_choice, check_real, check_vector


class Momentum(FirstOrder):
    r"""Heavy ball: step along a decaying sum of all gradients so far [1]_ [2]_.

    Parameters
    ----------
    step_size
        A positive number or a schedule.
    momentum
        :math:`\mu` from 0 (plain gradient descent) to below 1, or a schedule of it.
    form
        ``"classical"``, where the velocity holds steps, or ``"pytorch"``, where it holds gradients
        and is multiplied by the step size afterwards.

    Notes
    -----
    The averaging form, :math:`v \leftarrow \mu v + (1 - \mu) g`, is ``"pytorch"`` with the step
    size times :math:`1 - \mu`. (PyTorch's own ``dampening`` does not touch the first gradient, and
    is therefore neither.)

    References
    ----------
    .. [1] B. T. Polyak, "Some methods of speeding up the convergence of iteration methods", USSR
       Computational Mathematics and Mathematical Physics 4 (1964), no. 5, pp. 1-17.
    .. [2] I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization
       and momentum in deep learning", ICML, 2013, pp. 1139-1147, eqs. (1)-(2).
    """

    memory = ("velocity",)
    forms = ("classical", "pytorch")

    def __init__(
        self,
        step_size: float | Schedule = 0.01,
        momentum: float | Schedule = 0.9,
        *,
        form: str = "classical",
    ) -> None:
        super().__init__(step_size)
        self.momentum = _check_momentum(momentum)
        self.form = check_choice("form", form, self.forms)

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        velocity, step = state["velocity"], state["step"]
        velocity *= _momentum_at(self.momentum, state["k"] - 1)
        if self.form == "classical":
            np.multiply(gradient, alpha, out=step)
            velocity -= step
            return velocity
        velocity += gradient
        return np.multiply(velocity, -alpha, out=step)

    def in_form(self, form: str) -> Momentum:
        r"""Return the optimizer of the other form that takes the same steps.

        PyTorch's form is the classical one with the momentum :math:`\mu_k \alpha_k /
        \alpha_{k-1}`, and the classical form is PyTorch's with :math:`\mu_k \alpha_{k-1} /
        \alpha_k`.

        Raises
        ------
        ZeroDivisionError
            At an iteration whose step size is 0: there the two cannot agree.
        """
        check_choice("form", form, self.forms)
        if form == self.form:
            return self
        momentum, step_size, to_classical = self.momentum, self.step_size, form == "classical"

        def converted(k: int) -> float:
            if k == 0:
                return 0.0  # The velocity is still zero: any momentum gives the same.
            before, now = step_size(k - 1), step_size(k)
            if min(before, now) == 0:
                raise ZeroDivisionError(
                    f"step_size is {before:g} at iteration {k - 1} and {now:g} at iteration {k}, "
                    "and the two forms of momentum agree for positive step sizes only"
                )
            return _momentum_at(momentum, k) * (now / before if to_classical else before / now)

        return Momentum(step_size, converted, form=form)


class Nesterov(FirstOrder):
    r"""Nesterov's momentum [1]_: take the gradient where the velocity is about to lead.

    .. math::
        v_{k+1} = \mu_k v_k - \alpha_k \nabla f(\theta_k + \mu_k v_k), \qquad
        \theta_{k+1} = \theta_k + v_{k+1}

    Parameters
    ----------
    step_size
        A positive number or a schedule.
    momentum
        :math:`\mu`, or a schedule of it, as `accelerated_momentum` is.
    form
        How to come by the gradient at the point ahead:

        - ``"shifted"`` [3]_ walks over the points ahead themselves, :math:`\varphi_k = \theta_k +
          \mu_k v_k`, so that the gradient is always at hand: :math:`\varphi_{k+1} = \varphi_k +
          \mu_{k+1} v_{k+1} - \alpha_k g_k`. `position` gives :math:`\theta_k` back.
        - ``"sutskever"`` [2]_ walks over :math:`\theta_k`, and asks the objective for one more
          gradient every iteration.
        - ``"pytorch"``, also optax's, accumulates gradients instead of steps: :math:`v \leftarrow
          \mu v + g,\; \varphi \leftarrow \varphi - \alpha (g + \mu v)`.

    Notes
    -----
    With a constant step size and momentum all three agree. When one changes, the first two still
    do; PyTorch's form is then another method, and no choice of coefficients makes it one of
    theirs.

    References
    ----------
    .. [1] Y. E. Nesterov, "A method of solving a convex programming problem with convergence rate
       O(1/k²)", Soviet Mathematics Doklady 27 (1983), pp. 372-376.
    .. [2] I. Sutskever, J. Martens, G. Dahl and G. Hinton, "On the importance of initialization
       and momentum in deep learning", ICML, 2013, pp. 1139-1147, eqs. (3)-(4).
    .. [3] Y. Bengio, N. Boulanger-Lewandowski and R. Pascanu, "Advances in optimizing recurrent
       networks", ICASSP, 2013, pp. 8624-8628, §3.5.
    """

    memory = ("velocity", "scratch")
    forms = ("shifted", "sutskever", "pytorch")

    def __init__(
        self,
        step_size: float | Schedule = 0.01,
        momentum: float | Schedule = 0.9,
        *,
        form: str = "shifted",
    ) -> None:
        super().__init__(step_size)
        self.momentum = _check_momentum(momentum)
        self.form = check_choice("form", form, self.forms)

    def update(
        self, gradient: Vector, state: State, theta: Vector, context: StepContext | None = None
    ) -> Vector:
        if self.form == "sutskever":
            gradient = self._gradient_ahead(state, theta, context)
        return super().update(gradient, state, theta, context)

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        velocity, step, scratch = state["velocity"], state["step"], state["scratch"]
        momentum = _momentum_at(self.momentum, state["k"] - 1)
        velocity *= momentum
        if self.form == "pytorch":
            velocity += gradient
            np.multiply(velocity, momentum, out=step)
            step += gradient
            step *= -alpha
            return step
        velocity -= np.multiply(gradient, alpha, out=scratch)
        if self.form == "sutskever":
            return velocity
        np.multiply(velocity, _momentum_at(self.momentum, state["k"]), out=step)
        step -= scratch
        return step

    def _gradient_ahead(self, state: State, theta: Vector, context: StepContext | None) -> Vector:
        if context is None:
            raise TypeError(
                "Nesterov in Sutskever's form takes the gradient at another point, so update() "
                "needs context=StepContext(objective, value); the run loop `descend` passes it, "
                'and form="shifted" does without'
            )
        momentum = _momentum_at(self.momentum, state["k"])
        ahead = np.multiply(state["velocity"], momentum, out=state["scratch"])
        ahead += theta
        return context.objective.gradient(ahead, context.batch, out=state["step"])

    def position(self, theta: Vector, state: State) -> Vector:
        r"""Return Sutskever's :math:`\theta_k` for the point ``theta`` of the shifted form."""
        return theta - _momentum_at(self.momentum, state["k"]) * state["velocity"]


def accelerated_momentum(k: int) -> float:
    r"""Return :math:`(k - 1) / (k + 2)`, and 0 at first: for convex objectives of any condition.

    With `Nesterov` and the step size :math:`1 / L` it reaches [1]_

    .. math:: f(\theta_k) - f^\star \le \frac{2 L \|\theta_0 - \theta^\star\|^2}{(k + 1)^2},

    where gradient descent has :math:`1 / k` in place of :math:`1 / k^2`.

    References
    ----------
    .. [1] W. Su, S. Boyd and E. J. Candès, "A differential equation for modeling Nesterov's
       accelerated gradient method", Journal of Machine Learning Research 17 (2016), no. 153.
    """
    return max(0.0, (k - 1) / (k + 2))


def classical_velocity(velocity: Vector, step_size: float) -> Vector:
    r"""Return the classical velocity, :math:`-\alpha v`, for one of PyTorch's form.

    Parameters
    ----------
    velocity
        PyTorch's ``momentum_buffer``, shape (n_parameters,).
    step_size
        That of the *last* step taken.
    """
    return -check_real("step_size", step_size, above=0) * check_vector("velocity", velocity)


def _check_momentum(momentum: float | Schedule) -> float | Schedule:
    if callable(momentum):
        return momentum
    return check_real("momentum", momentum, at_least=0, below=1)


def _momentum_at(momentum: float | Schedule, k: int) -> float:
    return scheduled_value("momentum", momentum, k) if callable(momentum) else momentum
