"""Momentum: checks of claims about speed, oscillation, noise and saddles."""

from __future__ import annotations

import numpy as np

from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.momentum_and_adaptive.one_coordinate import steps_under
from course_lib.momentum_rates import (
    heavy_ball_factors,
    heavy_ball_largest_stable_step,
    heavy_ball_tuning,
)
from course_lib.objectives import FunctionObjective, Quadratic, double_well, rosenbrock, saddle
from course_lib.optimizers import Adam, GradientDescent, Momentum, Optimizer, RMSProp
from course_lib.trace import Trace
from course_lib.validation import FloatArray


def _iterations(condition: float) -> tuple[int, int]:
    """Return how many iterations the best descent and the best heavy ball take to 1e-6."""
    bowl, start = Quadratic(np.diag([1.0, condition])), [1.0, 1.0]
    tuning = heavy_ball_tuning(1.0, condition)
    methods = [
        (GradientDescent(2 / (1 + condition)), 7 * condition),
        (Momentum(tuning.step_size, tuning.momentum), condition),
    ]
    counts = []
    for method, most in methods:
        trace = descend(bowl, start, method, max_iterations=int(most) + 100)
        counts.append(int(np.argmax(np.abs(trace.theta).max(axis=1) <= 1e-6)))
    return counts[0], counts[1]


def heavy_ball_needs_the_root_of_the_condition_number() -> Evidence:
    """Count iterations at the best tunings; compare a velocity with its sum."""
    descent, heavy_ball = _iterations(1000)
    gradients = [1.0, -2.0, 0.5, 4.0]
    velocity = -steps_under(Momentum(1.0, 0.9), gradients)[0][-1]
    is_sum = np.isclose(velocity, sum(0.9 ** (3 - j) * g for j, g in enumerate(gradients)))
    faster = heavy_ball < descent / 10
    return Evidence(
        supports=faster and bool(is_sum),
        contradicts=not faster,
        condition=1000,
        descent=descent,
        heavy_ball=heavy_ball,
    )


def velocity_adds_up_agreement() -> Evidence:
    """Feed equal and alternating gradients."""
    agreeing = -float(steps_under(Momentum(1.0, 0.9), [1.0] * 500)[0][-1])
    alternating = abs(float(steps_under(Momentum(1.0, 0.9), [1.0, -1.0] * 250)[0][-1]))
    many = 500
    nearly_one = -float(steps_under(Momentum(1.0, 1 - 1e-9), [1.0] * many)[0][-1])
    as_said = np.isclose(agreeing, 1 / 0.1) and np.isclose(alternating, 1 / 1.9)
    return Evidence(
        supports=as_said,
        contradicts=not agreeing > 1 > alternating,
        agreeing=agreeing,
        alternating=alternating,
        many=many,
        frictionless=nearly_one,
    )


def momentum_gives_every_direction_the_same_rate() -> Evidence:
    """Compare the factors along a flat and a steep direction."""
    alone = heavy_ball_factors(0.01, 0.0, [1.0, 100.0])
    both = heavy_ball_factors(0.01, 0.9, [1.0, 100.0])
    return Evidence(
        supports=both[0] < alone[0],
        contradicts=both[1] > alone[1],
        slow_alone=alone[0],
        slow_with=both[0],
        fast_alone=alone[1],
        fast_with=both[1],
    )


def _sign_changes(trace: Trace, coordinate: int) -> int:
    return int(np.count_nonzero(np.diff(np.sign(trace.theta[:, coordinate]))))


def momentum_damps_one_oscillation_and_makes_another() -> Evidence:
    """Count changes of sign across a valley, and on a parabola with much momentum."""
    valley, start = Quadratic(np.diag([1.0, 50.0])), [1.0, 1.0]
    across = [
        _sign_changes(descend(valley, start, method, max_iterations=60), 1)
        for method in (GradientDescent(1.9 / 50), Momentum(1.9 / 50, 0.5))
    ]
    bowl = Quadratic([[1.0]])
    runs = [
        descend(bowl, [1.0], method, max_iterations=500)
        for method in (GradientDescent(0.01), Momentum(0.01, 0.99))
    ]
    ringing = [_sign_changes(run, 0) for run in runs]
    farther = abs(runs[1].final[0]) > abs(runs[0].final[0])
    return Evidence(
        supports=across[1] < across[0],
        contradicts=ringing[1] > ringing[0] and farther,
        across_alone=across[0],
        across_with=across[1],
        ringing_alone=ringing[0],
        ringing_with=ringing[1],
    )


def heavy_ball_is_stable_up_to_its_bound() -> Evidence:
    """Compute the spectral radius on both sides of the bound, from the iteration's own matrix."""
    curvature, inside, outside = 4.0, [], []
    for beta in (0.0, 0.5, 0.9):
        bound = heavy_ball_largest_stable_step(curvature, beta)
        assert np.isclose(bound, 2 * (1 + beta) / curvature)
        for share, radii in ((0.99, inside), (1.01, outside)):
            alpha = share * bound
            matrix = np.array([[1 + beta - alpha * curvature, -beta], [1.0, 0.0]])
            radius = float(np.abs(np.linalg.eigvals(matrix)).max())
            assert np.isclose(radius, heavy_ball_factors(alpha, beta, [curvature])[0])
            radii.append(radius)
    return Evidence(
        supports=min(outside) > 1 > max(inside),
        contradicts=max(outside) < 1,
        inside=max(inside),
        outside=min(outside),
    )


def _late_points(optimizer: Optimizer) -> FloatArray:
    """Return where a run hovers on a parabola with gradient noise of variance 1."""
    noise = iter(np.random.default_rng(0).standard_normal(100_000))
    parabola = FunctionObjective(
        lambda x: 0.5 * float(x[0]) ** 2, lambda x: x - next(noise), n_parameters=1
    )
    trace = descend(parabola, [0.0], optimizer, max_iterations=20_000)
    return trace.theta[1000:, 0]


def momentum_keeps_the_noise() -> Evidence:
    """Measure the variance at equal step and at equal step over one minus momentum."""
    points = [
        _late_points(method)
        for method in (Momentum(0.01, 0.9), GradientDescent(0.1), GradientDescent(0.01))
    ]
    momentum, same_rate, same_step = (float(path.var()) for path in points)
    smooth, rough = (
        float(np.corrcoef(np.diff(path)[1:], np.diff(path)[:-1])[0, 1]) for path in points[:2]
    )
    # alpha / (2 - alpha) without momentum; alpha / (1 - beta) takes the place of alpha with it.
    assert np.isclose(same_rate, 0.1 / 1.9, rtol=0.15)
    return Evidence(
        supports=smooth > 0.8 > abs(rough),
        contradicts=momentum > 5 * same_step and np.isclose(momentum, same_rate, rtol=0.25),
        momentum=momentum,
        same_rate=same_rate,
        same_step=same_step,
        smooth=smooth,
        rough=abs(rough),
    )


def momentum_helps_where_there_are_no_local_minima() -> Evidence:
    """Race on a convex bowl; rest in the worse of two minima."""
    descent, heavy_ball = _iterations(100)
    well = double_well()
    rest = descend(well, [1.2], GradientDescent(0.02), max_iterations=3000).final
    moved = abs(descend(well, rest, Momentum(0.05, 0.9), max_iterations=500).final[0] - rest[0])
    is_worse = well.value(rest) > well.value(well.minimizers[0]) + 0.1
    leaves = moved > 0.1
    return Evidence(
        supports=leaves,
        contradicts=heavy_ball < descent / 5 and is_worse and not leaves,
        descent=descent,
        heavy_ball=heavy_ball,
        moved=round(moved, 6),
    )


def saddles_are_left_sooner_but_not_from_the_point_itself() -> Evidence:
    """Start at a saddle, and a millionth beside it."""
    counts, moved = [], 0.0
    for optimizer in (GradientDescent(0.05), Momentum(0.05, 0.9), Adam(0.05)):
        at_rest = descend(saddle(), [0.0, 0.0], optimizer, max_iterations=50)
        moved = max(moved, float(np.abs(at_rest.final).max()))
        beside = descend(saddle(), [0.0, 1e-6], optimizer, max_iterations=400)
        counts.append(int(np.argmax(np.abs(beside.theta[:, 1]) > 0.9)))
    return Evidence(
        supports=max(counts[1:]) < counts[0],
        contradicts=moved == 0.0,
        moved=moved,
        descent=counts[0],
        momentum=counts[1],
        adam=counts[2],
    )


def no_network_is_needed() -> Evidence:
    """Minimize a polynomial of two variables."""
    valley, start = rosenbrock(), [-1.2, 1.0]
    ends = [
        descend(valley, start, method, max_iterations=5000).value[-1]
        for method in (Momentum(1e-3, 0.9), RMSProp(2e-3), Adam(0.05))
    ]
    works = max(ends) < 0.01
    return Evidence(
        supports=not works, contradicts=works, start=valley.value(start), iterations=5000
    )
