"""Where does it end? Checks of claims about minima, starting points and stopping."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError
from course_lib.datasets import salaries
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.objectives import (
    EmpiricalRisk,
    FunctionObjective,
    Quadratic,
    double_well,
    rastrigin,
    saddle,
    sphere,
)
from course_lib.optimizers import GradientDescent
from course_lib.preprocessing import standardize
from course_lib.rates import convergence_rate
from course_lib.schedules import InverseTime
from course_lib.stopping import GradientNorm


def descent_may_end_at_a_saddle() -> Evidence:
    """Start on the ridge of a pass, and a hair beside it."""
    mountain = saddle()
    on_ridge = descend(mountain, [1.3, 0.0], GradientDescent(0.1), max_iterations=1000,
                       stop=GradientNorm(1e-9))  # fmt: skip
    beside = descend(mountain, [1.3, 1e-6], GradientDescent(0.1), max_iterations=1000,
                     stop=GradientNorm(1e-9))  # fmt: skip
    at_ridge = np.linalg.eigvalsh(mountain.hessian(on_ridge.final))
    at_beside = np.linalg.eigvalsh(mountain.hessian(beside.final))
    assert np.allclose(beside.final, mountain.minimizers[1], atol=1e-6)
    return Evidence(
        supports=beside.converged and at_beside.min() > 0,
        contradicts=on_ridge.converged and at_ridge.min() < 0,
        lowest=at_ridge[0],
        highest=at_ridge[1],
        height=on_ridge.value[-1],
        valley=beside.value[-1],
        escape=beside.n_iterations,
    )


def full_batch_keeps_to_its_valley() -> Evidence:
    """Run the full gradient in two valleys, and full and single samples on a convex problem."""
    well = double_well(0.3)
    valley = descend(well, [1.6], GradientDescent(0.05), max_iterations=1000)
    best = well.value(well.minimizers[0])
    batch_is_global_in_well = np.isclose(valley.value[-1], best)

    data = salaries()
    risk = EmpiricalRisk(LinearModel(1), HalfSquaredError(), standardize(data.X).data, data.y)
    solution = np.linalg.lstsq(risk.model.design_matrix(risk.X), risk.y, rcond=None)[0]
    batch = descend(risk, [0.0, 0.0], GradientDescent(0.5), max_iterations=200)
    assert np.allclose(batch.final, solution)
    rng = np.random.default_rng(0)
    single = descend(
        risk,
        [0.0, 0.0],
        GradientDescent(InverseTime(0.2, 0.1)),
        max_iterations=3000,
        batches=(rng.integers(5, size=1) for _ in range(3000)),
    )
    excess = risk.value(single.final) / risk.value(solution) - 1.0
    single_is_trapped = excess > 0.1
    return Evidence(
        # The contrast would need batch descent to succeed where single samples are trapped.
        supports=batch_is_global_in_well or single_is_trapped,
        contradicts=valley.value[-1] > best + 0.5 and excess < 0.01,
        trapped=valley.value[-1],
        best=best,
        draws=single.n_iterations,
        excess=100.0 * excess,
    )


def random_restarts_multiply_the_chances() -> Evidence:
    """Descend Rastrigin's function from many random starts, alone and twenty at a time."""
    from scipy.optimize import brentq

    bound, restarts, trials = 5.12, 20, 1000
    one = rastrigin(1)
    hilltop = brentq(lambda x: one.gradient(np.array([x]))[0], 0.4, 0.6)
    chance = hilltop / bound

    # The function is a sum over coordinates: one run of many coordinates is many runs of one.
    starts = np.random.default_rng(0).uniform(-bound, bound, size=trials * restarts)
    ends = descend(
        rastrigin(trials * restarts), starts, GradientDescent(1e-3), max_iterations=200
    ).final
    succeeded = (np.abs(ends) < 1e-6).reshape(trials, restarts)
    alone, together = succeeded.mean(), succeeded.any(axis=1).mean()
    predicted = 1.0 - (1.0 - chance) ** restarts
    spread = np.sqrt(predicted * (1.0 - predicted) / trials)
    agrees = abs(together - predicted) < 4 * spread and abs(alone - chance) < 0.01
    helps = agrees and together > 5 * alone
    return Evidence(
        supports=helps,
        contradicts=not helps,
        chance=chance,
        alone=alone,
        restarts=restarts,
        predicted=predicted,
        together=together,
    )


def same_start_gives_the_same_end() -> Evidence:
    """Repeat one run, and run from fifty random starts."""
    well = double_well(0.3)

    def run(start: float) -> float:
        return descend(well, [start], GradientDescent(0.05), max_iterations=150).final[0]

    repeated = {run(1.6) for _ in range(5)}
    starts = np.random.default_rng(0).uniform(-2.0, 2.0, size=50)
    found = np.array([run(start) for start in starts])
    deep = np.isclose(found, well.minimizers[0, 0], atol=1e-6)
    # The hilltop between the valleys decides; it is the middle root of 4 x^3 - 4 x + 0.3.
    hilltop = np.sort(np.roots([4.0, 0.0, -4.0, 0.3]).real)[1]
    assert (deep == (starts < hilltop)).all()
    return Evidence(
        supports=0 < deep.sum() < 50,
        contradicts=len(repeated) == 1 and not deep[starts > hilltop].any(),
        reruns=5,
        distinct=len(repeated),
        starts=len(starts),
        successes=int(deep.sum()),
        hilltop=hilltop,
    )


def convexity_is_not_enough() -> Evidence:
    """Descend a convex function without a minimum, and a parabola with too long a step."""
    slope = FunctionObjective(
        lambda x: np.exp(-x[0]), lambda x: -np.exp(-x), n_parameters=1, name="exp(-x)"
    )
    endless = descend(slope, [0.0], GradientDescent(1.0), max_iterations=10_000, keep_points=False)
    assert np.isclose(endless.final[0], np.log(10_000), atol=0.01)
    wild = descend(sphere(1), [1.0], GradientDescent(1.1), max_iterations=50)
    assert np.isclose(abs(wild.final[0]), convergence_rate(1.1, [2.0]) ** 50)
    tame = descend(Quadratic.with_spectrum([1.0, 10.0]), [1.0, 1.0], GradientDescent(0.1),
                   stop=GradientNorm(1e-9))  # fmt: skip
    return Evidence(
        supports=tame.converged and np.allclose(tame.final, 0.0, atol=1e-8),
        contradicts=endless.final[0] > 9.0 and abs(wild.final[0]) > 1e3,
        walked=endless.n_iterations,
        reached=endless.final[0],
        wild=abs(wild.final[0]),
    )


def small_gradient_is_no_certificate() -> Evidence:
    """Apply the gradient-norm rule on a plateau and in a bowl."""
    saturated = FunctionObjective(
        lambda z: 0.5 * _sigmoid(z[0]) ** 2,
        lambda z: _sigmoid(z) ** 2 * (1.0 - _sigmoid(z)),
        n_parameters=1,
        name="squared error of a saturated sigmoid, target 0",
    )
    rule = GradientNorm(1e-5)
    plateau = descend(saturated, [12.0], GradientDescent(1.0), stop=rule)
    bowl = descend(sphere(1), [1.0], GradientDescent(0.1), stop=rule)
    return Evidence(
        supports=bowl.converged and bowl.value[-1] < 1e-10,
        contradicts=plateau.converged and plateau.value[-1] > 0.49,
        iterations=plateau.n_iterations,
        slope=plateau.gradient_norm[-1],
        cost=plateau.value[-1],
        tolerance=rule.tolerance,
    )


def _sigmoid(z):
    return 1.0 / (1.0 + np.exp(-z))
