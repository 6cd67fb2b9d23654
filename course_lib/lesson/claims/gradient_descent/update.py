"""The update rule: checks of claims about what one step does."""

from __future__ import annotations

from itertools import pairwise

import numpy as np

from course_lib.costs import SquaredError
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, FunctionObjective, Quadratic, saddle, sphere
from course_lib.optimizers import GradientDescent


def update_rule_reaches_the_minimum() -> Evidence:
    """Run the rule on a parabola and compare every iterate with the closed form."""
    parabola = Quadratic([[2.0]], [2.0])
    trace = descend(parabola, [5.0], GradientDescent(0.1), max_iterations=200)
    predicted = 2.0 + 3.0 * 0.8 ** np.arange(201)
    agrees = np.allclose(trace.theta[:, 0], predicted, rtol=0, atol=1e-12)
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        first=trace.theta[1, 0],
        second=trace.theta[2, 0],
        final=trace.final[0],
    )


def parameters_may_rise() -> Evidence:
    """Descend from the left of a minimum."""
    trace = descend(Quadratic([[2.0]], [3.0]), [0.0], GradientDescent(0.1), max_iterations=3)
    path = trace.theta[:, 0]
    assert np.allclose(path[1:], [0.6, 1.08, 1.464])
    rises = all(before < after for before, after in pairwise(path))
    return Evidence(
        supports=not rises,
        contradicts=rises and bool((np.diff(trace.value) < 0).all()),
        first=path[1],
        second=path[2],
        third=path[3],
    )


def step_size_is_not_step_length() -> Evidence:
    """Measure how far each iteration goes while the step size stays the same."""
    bowl = descend(sphere(3), [3.0, 3.0, 3.0], GradientDescent(0.1), max_iterations=100)
    lengths = np.linalg.norm(np.diff(bowl.theta, axis=0), axis=1)
    assert np.allclose(lengths, bowl.step_size * bowl.gradient_norm[:-1])
    assert np.allclose(lengths[1:] / lengths[:-1], 0.8)

    leaving = descend(saddle(), [0.0, 0.01], GradientDescent(0.1), max_iterations=40)
    growing = np.linalg.norm(np.diff(leaving.theta, axis=0), axis=1)
    return Evidence(
        supports=bool((np.diff(lengths) < 0).all()),
        contradicts=not np.isclose(lengths[0], 0.1) and growing.max() > 10 * growing[0],
        first=lengths[0],
        second=lengths[1],
        ratio=lengths[1] / lengths[0],
        saddle_first=growing[0],
        saddle_longest=growing.max(),
    )


def stale_gradient_overshoots() -> Evidence:
    """Repeat only the update, twenty times, with the gradient of the start."""
    parabola = sphere(1)
    theta = np.array([1.0])
    optimizer = GradientDescent(0.1)
    state = optimizer.init(theta)
    stale = parabola.gradient(theta)
    for _ in range(20):
        theta += optimizer.update(stale, state, theta)
    fresh = descend(parabola, [1.0], GradientDescent(0.1), max_iterations=20)
    assert np.isclose(fresh.value[-1], 0.8**40)
    return Evidence(
        supports=parabola.value(theta) < fresh.value[0],
        contradicts=parabola.value(theta) > fresh.value[0] > fresh.value[-1],
        stale_point=theta[0],
        stale_value=parabola.value(theta),
        fresh_value=fresh.value[-1],
    )


def descent_on_the_utility_runs_away() -> Evidence:
    """Maximize a utility by descending on its negative, and by descending on the utility."""
    utility = FunctionObjective(
        lambda x: -((x[0] - 2.0) ** 2), lambda x: -2.0 * (x - 2.0), n_parameters=1
    )
    loss = FunctionObjective(lambda x: (x[0] - 2.0) ** 2, lambda x: 2.0 * (x - 2.0), n_parameters=1)
    ascent = descend(loss, [0.0], GradientDescent(0.1), max_iterations=50)
    descent = descend(utility, [0.0], GradientDescent(0.1), max_iterations=50)
    assert np.isclose(descent.final[0], 2.0 - 2.0 * 1.2**50)
    return Evidence(
        supports=abs(ascent.final[0] - 2.0) < 1e-4,
        contradicts=abs(descent.final[0] - 2.0) > 1e4,
        iterations=descent.n_iterations,
        ascent=ascent.final[0],
        descent=descent.final[0],
    )


def ascent_does_not_minimize() -> Evidence:
    """Climb the parabola that was to be descended."""
    parabola = sphere(1)
    upside_down = FunctionObjective(lambda x: -(x @ x), lambda x: -2.0 * x, n_parameters=1)
    ascent = descend(upside_down, [1.0], GradientDescent(0.1), max_iterations=20)
    descent = descend(parabola, [1.0], GradientDescent(0.1), max_iterations=20)
    climbed, reached = parabola.value(ascent.final), parabola.value(descent.final)
    assert np.isclose(climbed, 1.2**40)
    assert np.isclose(reached, 0.8**40)
    return Evidence(
        supports=climbed < 1.0,
        contradicts=climbed > 1.0 > reached,
        ascent=climbed,
        descent=reached,
        iterations=descent.n_iterations,
    )


def predictions_may_get_worse() -> Evidence:
    """Fit one weight to two targets and watch both errors."""
    risk = EmpiricalRisk(
        LinearModel(1, intercept=False), SquaredError(), [[1.0], [1.0]], [0.0, 10.0]
    )
    trace = descend(risk, [2.0], GradientDescent(0.1), max_iterations=1)
    errors = np.abs(trace.theta - risk.y)
    closer = errors[1] < errors[0]
    return Evidence(
        supports=bool(closer.all()),
        contradicts=trace.value[1] < trace.value[0] and not closer.all(),
        loss_before=trace.value[0],
        loss_after=trace.value[1],
        error_before=errors[0, 0],
        error_after=errors[1, 0],
    )
