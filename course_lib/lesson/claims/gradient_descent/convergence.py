"""How fast? Checks of claims about rates, zigzag and other methods."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.line_search import ExactLineSearch
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, Quadratic, quartic, rosenbrock
from course_lib.optimizers import ConjugateGradient, GradientDescent, Newton
from course_lib.preprocessing import standardize
from course_lib.rates import convergence_rate, iterations_to_reach, optimal_rate, optimal_step
from course_lib.stopping import GradientNorm, ObjectiveBelow
from course_lib.validation import FloatArray


def progress_shrinks_but_the_rate_stays() -> Evidence:
    """Follow the objective with exact line searches, and at a minimum without curvature."""
    bowl = Quadratic.with_spectrum([1.0, 100.0])
    # From here every exact line search meets the worst case.
    trace = descend(bowl, [100.0, 1.0], GradientDescent(ExactLineSearch()), max_iterations=200)
    ratios = trace.value[1:] / trace.value[:-1]
    assert np.allclose(ratios, optimal_rate(100.0) ** 2)

    flat = descend(quartic(), [0.5], GradientDescent(0.5), max_iterations=10_000)
    early, last = flat.theta[1000, 0], flat.final[0]
    # x' = -4 x^3 from 1/2 has the solution x = 1 / sqrt(4 + 8 t), here at time t = 0.5 k.
    assert np.isclose(last, 1.0 / np.sqrt(4.0 + 8.0 * 0.5 * 10_000), rtol=0.01)
    gains = -np.diff(trace.value)
    return Evidence(
        supports=gains[-1] < 0.01 * gains[0],
        contradicts=np.isclose(ratios[0], ratios[-1]),
        first_ratio=ratios[0],
        last_ratio=ratios[-1],
        first_gain=gains[0],
        last_gain=gains[-1],
        flat_thousand=early,
        flat_end=last,
    )


def exact_line_search_zigzags() -> Evidence:
    """Measure the angle between successive gradients of exact line searches."""
    bowl = Quadratic.with_spectrum([1.0, 5.0, 30.0], seed=0)
    trace = descend(bowl, [1.0, -2.0, 3.0], GradientDescent(ExactLineSearch()), max_iterations=40)
    gradients = np.array([bowl.gradient(theta) for theta in trace.theta])
    gradients /= np.linalg.norm(gradients, axis=1, keepdims=True)
    cosines = np.abs((gradients[1:] * gradients[:-1]).sum(axis=1))
    orthogonal = cosines.max() < 1e-6
    round_bowl = descend(
        Quadratic.with_spectrum([3.0, 3.0, 3.0]), [1.0, -2.0, 3.0],
        GradientDescent(ExactLineSearch()), max_iterations=40, stop=GradientNorm(1e-9),
    )  # fmt: skip
    zigzags = orthogonal and trace.n_iterations == 40
    return Evidence(
        supports=zigzags,
        contradicts=not zigzags,
        steps=trace.n_iterations,
        bound=1e-6,
        round_steps=round_bowl.n_iterations,
    )


def full_batch_zigzags_too() -> Evidence:
    """Compare the way that full gradients take with the straight line."""
    detour, flips = {}, {}
    for kappa in (1.0, 100.0):
        bowl = Quadratic.with_spectrum([1.0, kappa])
        start = np.array([3.0, 1.0])
        alpha = 1.9 / kappa if kappa > 1 else 0.5
        trace = descend(
            bowl, start, GradientDescent(alpha), max_iterations=5000, stop=GradientNorm(1e-6)
        )
        detour[kappa] = trace.path_length / np.linalg.norm(start)
        flips[kappa] = int((trace.theta[1:11, 1] * trace.theta[:10, 1] < 0).sum())
    return Evidence(
        supports=np.isclose(detour[1.0], 1.0, rtol=1e-5) and flips[1.0] == 0,
        contradicts=detour[100.0] > 2.0 and flips[100.0] == 10,
        detour=detour[100.0],
        flips=flips[100.0],
        round_detour=detour[1.0],
    )


def standardizing_rounds_the_bowl() -> Evidence:
    """Fit a plane to floor areas and room counts, raw and standardized."""
    rng = np.random.default_rng(0)
    rooms = rng.integers(1, 7, size=100).astype(float)
    area = 25.0 * rooms + rng.normal(40.0, 20.0, size=100)
    price = 2.0 * area + 5.0 * rooms + rng.normal(0.0, 10.0, size=100)
    raw, raw_trace = _fit_at_best_step(np.column_stack([area, rooms]), price)
    scaled, scaled_trace = _fit_at_best_step(
        standardize(np.column_stack([area, rooms])).data, price
    )
    alpha = scaled_trace.step_size[0]
    needed = iterations_to_reach(convergence_rate(alpha, _curvatures(scaled)), 1e-6)
    assert scaled_trace.n_iterations <= needed + 1
    raw_kappa, scaled_kappa = _condition_number(raw), _condition_number(scaled)
    faster = scaled_kappa < 0.01 * raw_kappa and scaled_trace.converged and not raw_trace.converged
    return Evidence(
        supports=faster,
        contradicts=not faster,
        raw_kappa=raw_kappa,
        scaled_kappa=scaled_kappa,
        cap=raw_trace.n_iterations,
        raw_left=100.0 * raw_trace.gradient_norm[-1] / raw_trace.gradient_norm[0],
        scaled=scaled_trace.n_iterations,
        reduction=1e-6,
    )


def curvature_beats_plain_descent_per_iteration() -> Evidence:
    """Race four methods down Rosenbrock's valley until the objective is 1e-8."""
    from scipy.optimize import minimize

    valley, start, target = rosenbrock(), np.array([-1.2, 1.0]), 1e-8

    def count(method: str, **options) -> int:
        values: list[float] = []
        minimize(
            valley.value, start, jac=valley.gradient, method=method, tol=1e-9,
            callback=lambda theta: values.append(valley.value(theta)), **options,
        )  # fmt: skip
        return 1 + next(k for k, value in enumerate(values) if value <= target)

    bfgs = count("BFGS")
    newton_cg = count("Newton-CG", hess=valley.hessian)
    newton = descend(valley, start, Newton(), stop=ObjectiveBelow(target))
    plain = descend(
        valley, start, GradientDescent(1e-3), max_iterations=50_000,
        stop=ObjectiveBelow(target), keep_points=False,
    )  # fmt: skip
    assert newton.converged
    assert plain.converged
    return Evidence(
        supports=plain.n_iterations < max(bfgs, newton_cg, newton.n_iterations),
        contradicts=plain.n_iterations > 100 * max(bfgs, newton_cg, newton.n_iterations),
        target=target,
        newton=newton.n_iterations,
        bfgs=bfgs,
        newton_cg=newton_cg,
        plain=plain.n_iterations,
    )


def newton_and_conjugate_gradients_are_other_methods() -> Evidence:
    """Solve one quadratic three ways and compare the directions of the steps."""
    bowl = Quadratic.with_spectrum([1.0, 3.0, 10.0, 30.0, 100.0], seed=0)
    start, stop = np.ones(5), GradientNorm(1e-8)
    newton = descend(bowl, start, Newton(), stop=stop)
    conjugate = descend(bowl, start, ConjugateGradient(), stop=stop)
    alpha = optimal_step(bowl.strong_convexity, bowl.smoothness)
    plain = descend(bowl, start, GradientDescent(alpha), max_iterations=5000, stop=stop)
    assert plain.converged
    assert np.allclose(newton.final, plain.final, atol=1e-7)

    downhill = -bowl.gradient(start)
    step = newton.theta[1] - start
    cosine = step @ downhill / (np.linalg.norm(step) * np.linalg.norm(downhill))
    along_gradient = plain.theta[1] - start
    assert np.allclose(along_gradient, alpha * downhill)
    return Evidence(
        supports=np.isclose(cosine, 1.0),
        contradicts=cosine < 0.99 and newton.n_iterations < conjugate.n_iterations < 10,
        newton=newton.n_iterations,
        conjugate=conjugate.n_iterations,
        plain=plain.n_iterations,
        angle=np.degrees(np.arccos(cosine)),
    )


def _fit_at_best_step(X: FloatArray, y: FloatArray):
    risk = EmpiricalRisk(LinearModel(2), HalfSquaredError(), X, y)
    curvatures = _curvatures(risk)
    start = np.zeros(3)
    goal = 1e-6 * np.linalg.norm(risk.gradient(start))
    alpha = optimal_step(curvatures[0], curvatures[-1])
    trace = descend(
        risk, start, GradientDescent(alpha), max_iterations=5000, stop=GradientNorm(goal)
    )
    return risk, trace


def _curvatures(risk: EmpiricalRisk) -> FloatArray:
    return np.linalg.eigvalsh(risk.hessian(np.zeros(risk.n_parameters)))


def _condition_number(risk: EmpiricalRisk) -> float:
    curvatures = _curvatures(risk)
    return float(curvatures[-1] / curvatures[0])
