"""How far? Checks of claims about the step size."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError
from course_lib.datasets import salaries
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, Quadratic, double_well, sphere
from course_lib.optimizers import GradientDescent
from course_lib.preprocessing import standardize
from course_lib.rates import convergence_rate, error_factors, largest_stable_step
from course_lib.stopping import GradientNorm


def descent_is_monotone_below_two_over_smoothness() -> Evidence:
    """Step on either side of 2 / L, and in a landscape with a second valley."""
    bowl = Quadratic([[10.0]])
    below = descend(bowl, [1.0], GradientDescent(1.9 / bowl.smoothness), max_iterations=50)
    above = descend(bowl, [1.0], GradientDescent(2.1 / bowl.smoothness), max_iterations=50)
    # The guaranteed decrease, alpha (1 - alpha L / 2) |grad f|^2, is exact on a parabola.
    promised = below.step_size * (1 - 1.9 / 2) * below.gradient_norm[:-1] ** 2
    assert np.allclose(-np.diff(below.value), promised)

    well = double_well(0.3)
    stuck = descend(well, [1.0], GradientDescent(0.05), max_iterations=500)
    best = well.value(well.minimizers[0])
    always_falls = bool((np.diff(below.value) < 0).all())
    rises = bool((np.diff(above.value) > 0).all())
    return Evidence(
        supports=always_falls,
        contradicts=rises and stuck.value[-1] > best + 0.5,
        factor_below=below.value[1] / below.value[0],
        factor_above=above.value[1] / above.value[0],
        local=stuck.value[-1],
        best=best,
    )


def error_is_multiplied_by_one_minus_step_times_curvature() -> Evidence:
    """Run 200 iterations at seven step sizes and compare with the closed form."""
    curvature = 4.0
    bowl = Quadratic([[curvature]])
    left, agrees = {}, True
    for product in (0.01, 0.5, 1.0, 1.5, 1.99, 2.0, 2.01):
        alpha = product / curvature
        trace = descend(bowl, [1.0], GradientDescent(alpha), max_iterations=200)
        factor = error_factors(alpha, [curvature])[0]
        predicted = factor ** np.arange(201)
        agrees &= np.allclose(trace.theta[:, 0], predicted, rtol=1e-6, atol=1e-300)
        alternates = bool((trace.theta[1:3, 0] * trace.theta[0:2, 0] < 0).all())
        agrees &= alternates == (product > 1)
        left[product] = abs(trace.final[0])
    too_small, too_large = left[0.01] > 0.1, left[2.0] == 1.0 and left[2.01] > 1.0
    agrees &= too_small and too_large and left[1.5] < 1e-9
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        slow=left[0.01],
        good=left[0.5],
        ringing=left[1.5],
        edge=left[1.99],
        stuck=left[2.0],
        beyond=left[2.01],
    )


def whole_data_set_still_needs_a_small_step() -> Evidence:
    """Use the exact gradient of x^2 with three step sizes."""
    runs = {
        alpha: descend(sphere(1), [1.0], GradientDescent(alpha), max_iterations=50)
        for alpha in (0.1, 1.0, 1.1)
    }
    swings = set(runs[1.0].theta[:, 0])
    return Evidence(
        supports=abs(runs[0.1].final[0]) < 1e-4,
        contradicts=swings == {1.0, -1.0} and abs(runs[1.1].final[0]) > 1e3,
        iterations=50,
        converges=abs(runs[0.1].final[0]),
        grows=abs(runs[1.1].final[0]),
    )


def step_one_suits_only_small_curvature() -> Evidence:
    """Start with step size 1 on the salary data, raw and standardized."""
    data = salaries()
    raw = EmpiricalRisk(LinearModel(1), HalfSquaredError(), data.X, data.y)
    smoothness = np.linalg.eigvalsh(raw.hessian([0.0, 0.0]))[-1]
    blown = descend(raw, [0.0, 0.0], GradientDescent(1.0), max_iterations=5)

    scaled = EmpiricalRisk(LinearModel(1), HalfSquaredError(), standardize(data.X).data, data.y)
    scaled_smoothness = np.linalg.eigvalsh(scaled.hessian([0.0, 0.0]))[-1]
    tamed = descend(
        scaled, [0.0, 0.0], GradientDescent(1.0), max_iterations=100, stop=GradientNorm(1e-6)
    )
    limit = largest_stable_step(smoothness)
    just_below = descend(raw, [0.0, 0.0], GradientDescent(0.999 * limit), max_iterations=2000)
    just_above = descend(raw, [0.0, 0.0], GradientDescent(1.001 * limit), max_iterations=2000)
    assert just_below.value[-1] < just_below.value[1]
    assert just_above.value[-1] > just_above.value[1]
    return Evidence(
        supports=tamed.converged and scaled_smoothness < 2.0,
        contradicts=blown.value[-1] > 1e10 * blown.value[0],
        limit=limit,
        smoothness=smoothness,
        weight=abs(blown.final[0]),
        scaled_smoothness=scaled_smoothness,
        tamed_iterations=tamed.n_iterations,
    )


def growing_objective_needs_a_smaller_step() -> Evidence:
    """Answer a rising objective with a larger step, and with a smaller one."""
    bowl = Quadratic([[1.0]])
    growth = {}
    for alpha in (2.5, 5.0, 0.5):
        trace = descend(bowl, [1.0], GradientDescent(alpha), max_iterations=10)
        growth[alpha] = trace.value[-1] / trace.value[0]
        assert np.isclose(growth[alpha], convergence_rate(alpha, [1.0]) ** 20)
    return Evidence(
        supports=growth[5.0] < growth[2.5],
        contradicts=growth[5.0] > growth[2.5] > 1.0 > growth[0.5],
        failing=growth[2.5],
        larger=growth[5.0],
        smaller=growth[0.5],
    )


def small_step_traps_only_between_valleys() -> Evidence:
    """Start on the slope of the shallow valley with small steps and with a large one."""
    well = double_well(0.3)
    ends = {
        alpha: descend(well, [1.6], GradientDescent(alpha), max_iterations=2000).final[0]
        for alpha in (0.01, 0.05, 0.2)
    }
    deep = well.minimizers[0, 0]
    assert np.isclose(ends[0.01], ends[0.05])
    assert np.isclose(ends[0.2], deep)

    bowl = Quadratic([[1.0]])
    patience = {
        alpha: descend(
            bowl, [1.0], GradientDescent(alpha), max_iterations=20_000, stop=GradientNorm(1e-2)
        )
        for alpha in (0.1, 0.001)
    }
    return Evidence(
        supports=ends[0.05] > 0 > deep,
        contradicts=all(trace.converged for trace in patience.values()),
        trapped=ends[0.05],
        free=ends[0.2],
        quick=patience[0.1].n_iterations,
        slow=patience[0.001].n_iterations,
    )


def three_variable_example_reaches_its_global_minimum() -> Evidence:
    """Repeat the printed example: 100 iterations from (3, 3, 3)."""
    trace = descend(sphere(3), [3.0, 3.0, 3.0], GradientDescent(0.1), max_iterations=100)
    agrees = np.allclose(trace.theta[:, 0], 3.0 * 0.8 ** np.arange(101), rtol=1e-10)
    agrees &= np.isclose(trace.value[-1], 27.0 * 0.64**100, rtol=1e-10)
    curvatures = np.linalg.eigvalsh(sphere(3).hessian(trace.final))
    is_minimum = agrees and curvatures.min() > 0
    return Evidence(
        supports=is_minimum,
        contradicts=not is_minimum,
        final=trace.final[0],
        value=trace.value[-1],
    )
