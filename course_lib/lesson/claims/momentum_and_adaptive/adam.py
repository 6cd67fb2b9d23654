"""Adam: checks of claims about what it is made of and where it leads."""

from __future__ import annotations

import numpy as np

from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.momentum_and_adaptive.one_coordinate import steps_under
from course_lib.objectives import Quadratic
from course_lib.optimizers import Adam, AMSGrad, FirstOrder, GradientDescent, RMSProp
from course_lib.schedules import PowerLaw
from course_lib.stopping import ObjectiveBelow


def adam_without_momentum_and_correction_is_rmsprop() -> Evidence:
    """Take correction and first mean away from Adam; compare first steps."""
    gradients = np.random.default_rng(0).standard_normal(60)
    # Growing squares keep AMSGrad's maximum idle: what is left is Adam without correction.
    growing = np.abs(gradients).cumsum()
    bare = AMSGrad(0.01, 0.0, 0.99, correction="none", epsilon=1e-8)
    difference = np.abs(
        steps_under(bare, growing)[0] - steps_under(RMSProp(0.01, 0.99, epsilon=1e-8), growing)[0]
    ).max()
    corrected = -steps_under(Adam(0.01, epsilon=1e-12), [50.0])[0][0] / 0.01
    uncorrected = -steps_under(AMSGrad(0.01, epsilon=1e-12, correction="none"), [50.0])[0][0] / 0.01
    same = difference < 1e-15
    return Evidence(
        supports=same,
        contradicts=not same,
        difference=round(float(difference), 12),
        corrected=corrected,
        uncorrected=uncorrected,
    )


def adam_records_squares_and_no_variance() -> Evidence:
    """Feed a constant gradient, whose variance is zero."""
    optimizer, theta = Adam(0.01), np.zeros(1)
    state = optimizer.init(theta)
    for _ in range(50):
        step = optimizer.update(np.array([3.0]), state, theta)
    mean, square = (float(value[0]) for value in optimizer.means(state))
    variance = float(np.var([3.0] * 50))
    return Evidence(
        supports=np.isclose(mean, 3.0),
        contradicts=np.isclose(square, 9.0) and variance == 0,
        mean=mean,
        square=square,
        step=abs(float(step[0])),
        variance=variance,
    )


def _end_of_three_losses(optimizer: FirstOrder) -> float:
    """Return where the losses 3x, -x, -x, in turn, lead on the interval from -1 to 1."""
    x = np.array([0.5])
    state = optimizer.init(x)
    for t in range(9_000):
        x += optimizer.update(np.array([3.0 if t % 3 == 0 else -1.0]), state, x)
        np.clip(x, -1.0, 1.0, out=x)
    return float(x[0])


def adam_can_walk_to_the_worst_point() -> Evidence:
    """Race on unequal scales; then the counterexample of 2018."""
    valley, start = Quadratic(np.diag([1e-1, 1e2])), [1.0, 1.0]
    goal = ObjectiveBelow(1e-6)
    races = [
        descend(valley, start, method, stop=goal, max_iterations=10_000).n_iterations
        for method in (Adam(0.05), GradientDescent(2 / (1e-1 + 1e2)))
    ]
    rate = PowerLaw(0.2, exponent=0.5)
    # Their choice: beta_2 = 1 / (1 + C^2) with the large slope C = 3.
    settings = {"beta1": 0.0, "beta2": 0.1}
    worst = _end_of_three_losses(Adam(rate, **settings))
    repaired = _end_of_three_losses(AMSGrad(rate, **settings, correction="none"))
    return Evidence(
        supports=races[0] < races[1] / 10,
        contradicts=worst > 0.9 and repaired < -0.9,
        adam=races[0],
        descent=races[1],
        worst=worst,
        repaired=repaired,
    )
