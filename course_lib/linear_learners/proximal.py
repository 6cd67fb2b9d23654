r"""Proximal gradient descent: a smooth risk plus a penalty with a kink.

Chapters: *Linear learners*, *Regularization*. The risk :math:`f` has a gradient, the penalty
:math:`\Omega` a proximal operator. One step of each, in turn, is ISTA:

.. math:: \theta_{k+1} = \operatorname{prox}_{\eta\Omega}\bigl(y_k - \eta \nabla f(y_k)\bigr),
          \qquad y_k = \theta_k .

FISTA [1]_ takes the step from a point a little farther on,

.. math:: y_{k+1} = \theta_{k+1} + \frac{t_k - 1}{t_{k+1}} (\theta_{k+1} - \theta_k), \qquad
          t_{k+1} = \tfrac12 \Bigl(1 + \sqrt{1 + 4 t_k^2}\Bigr),

and its error falls as :math:`1/k^2` where that of ISTA falls as :math:`1/k`. Momentum that carries
uphill is dropped [2]_: where :math:`(y_k - \theta_{k+1})^\top (\theta_{k+1} - \theta_k) > 0` the
sequence :math:`t` begins again. Without a penalty this is Nesterov's accelerated gradient.

The penalty's kink is never differentiated, and the thresholds of the proximal operator leave exact
zeros where subgradient descent only comes near them.

References
----------
.. [1] A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear
   inverse problems", SIAM Journal on Imaging Sciences 2 (2009), pp. 183-202.
.. [2] B. O'Donoghue and E. Candès, "Adaptive restart for accelerated gradient schemes", Foundations
   of Computational Mathematics 15 (2015), pp. 715-732.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from time import perf_counter

import numpy as np
from numpy.typing import ArrayLike

from course_lib.descent import Callback
from course_lib.objectives.base import Objective
from course_lib.penalties import Penalty
from course_lib.stopping import IterationCap, Progress, StoppingRule
from course_lib.trace import StopReason, Trace
from course_lib.validation import FloatArray, check_real, check_vector


def proximal_descent(
    objective: Objective,
    theta0: ArrayLike,
    penalty: Penalty | None,
    step_size: float,
    *,
    bias_step: float | None = None,
    accelerate: bool = True,
    max_iterations: int = 1000,
    stop: StoppingRule | Sequence[StoppingRule] = (),
    callbacks: Sequence[Callback] = (),
) -> Trace:
    r"""Minimize ``objective`` plus ``penalty`` from ``theta0`` and return the history.

    Parameters
    ----------
    objective
        The smooth part :math:`f`.
    theta0
        The start, shape (n_parameters,).
    penalty
        The part with the kink; None for Nesterov's method.
    step_size
        :math:`\eta`, at most one over the largest curvature of :math:`f`.
    bias_step
        Another step size for the parameters that the penalty's mask leaves out. With centred
        features the biases have a curvature of their own, and this is one over it.
    accelerate
        True for FISTA, False for ISTA.
    max_iterations
        The cap that ends every run.
    stop, callbacks
        As for `course_lib.descent.descend`. The gradient norm that they see is that of the gradient
        mapping, :math:`\|(y_k - \theta_{k+1}) / \eta\|`, which is zero at a minimum and nowhere
        else.

    Returns
    -------
    Trace
        The points :math:`\theta_k` with the full objective there; the gradient norms are those at
        :math:`y_k`.

    Examples
    --------
    >>> from course_lib.objectives import Quadratic
    >>> from course_lib.penalties import L1
    >>> from course_lib.stopping import GradientNorm
    >>> bowl = Quadratic([[1.0, 0.0], [0.0, 4.0]], minimizer=[3.0, 0.1])
    >>> proximal_descent(bowl, [0.0, 0.0], L1(1.0), 0.25, stop=GradientNorm(1e-9)).final.round(6)
    array([2., 0.])
    """
    theta = y = check_vector("theta0", theta0, objective.n_parameters).copy()
    step = check_real("step_size", step_size, above=0)
    steps: float | FloatArray = step
    if bias_step is not None:
        if penalty is None or penalty.mask is None:
            raise ValueError(
                "bias_step needs a penalty with a mask, which says where the biases are; L2(0.0, "
                f"mask) penalises nothing. Got penalty={penalty!r}"
            )
        steps = np.where(penalty.mask, step, check_real("bias_step", bias_step, above=0))
        steps = steps.astype(y.dtype)
    rules = [*([stop] if isinstance(stop, StoppingRule) else stop), IterationCap(max_iterations)]
    gradient, t, started = np.empty_like(y), 1.0, perf_counter()
    points, values, norms, seconds = [theta], [], [], [0.0]
    while True:
        value, _ = objective.value_and_gradient(y, out=gradient)
        if y is not theta:
            value = objective.value(theta)
        if penalty is not None:
            value += penalty.value(theta)
        ahead = y - steps * gradient
        if penalty is not None:
            penalty.proximal(ahead, step, out=ahead)
        norms.append(float(np.linalg.norm((y - ahead) / steps)))
        values.append(value)
        progress = Progress(
            iteration=len(values) - 1,
            theta=theta,
            value=value,
            gradient_norm=norms[-1],
            previous_value=values[-2] if len(values) > 1 else None,
            step_norm=float(np.linalg.norm(theta - points[-2])) if len(points) > 1 else None,
        )
        if reason := _reason_to_stop(progress, rules, callbacks):
            break
        if accelerate:
            if (y - ahead) @ (ahead - theta) > 0:
                t = 1.0
            t, previous = 0.5 * (1.0 + sqrt(1.0 + 4.0 * t * t)), t
            y = ahead + ((previous - 1.0) / t) * (ahead - theta)
        else:
            y = ahead
        theta = ahead
        points.append(theta)
        seconds.append(perf_counter() - started)
    return Trace(
        theta=np.array(points),
        value=np.array(values),
        gradient_norm=np.array(norms),
        step_size=np.full(len(norms) - 1, step),
        seconds=np.array(seconds),
        stopped_by=reason[0],
        converged=reason[1],
        diverged=False,
        evaluations={
            "value": len(norms) * (1 + accelerate),
            "gradient": len(norms),
            "hessian": 0,
            "sample_gradients": len(norms) * (objective.n_samples or 0),
        },
    )


def _reason_to_stop(
    progress: Progress, rules: Sequence[StoppingRule], callbacks: Sequence[Callback]
) -> tuple[StopReason, bool] | None:
    for rule in rules:
        if message := rule.check(progress):
            return StopReason(rule.name, message), rule.means_convergence
    if any([callback(progress) for callback in callbacks]):  # noqa: C419
        return StopReason("callback", "a callback asked for the end of the run"), False
    return None
