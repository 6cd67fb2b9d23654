"""Which way is down? Checks of claims about the gradient."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError
from course_lib.datasets import salaries
from course_lib.descent import descend
from course_lib.gradient_check import check_gradient, finite_difference_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, Quadratic, rosenbrock, sphere
from course_lib.optimizers import GradientDescent
from course_lib.rates import kantorovich_cosine


def gradient_is_a_vector_not_a_product() -> Evidence:
    """Multiply the partial derivatives together and walk along the result."""
    bowl = sphere(3)
    start = np.array([3.0, 3.0, 3.0])
    partials = finite_difference_gradient(bowl, start)
    gradient = bowl.gradient(start)
    assert np.allclose(gradient, partials, atol=1e-7)
    product = np.prod(gradient)
    after_product = bowl.value(start - 0.1 * product)
    trace = descend(bowl, start, GradientDescent(0.1), max_iterations=1)

    # Where one coordinate is at rest, a product has no slope left to report.
    slopes = sphere(2).gradient([1.0, 0.0])
    rises = after_product > bowl.value(start) > trace.value[1]
    return Evidence(
        supports=np.allclose(product, gradient) or not rises,
        contradicts=rises and np.prod(slopes) == 0.0,
        start_value=trace.value[0],
        product=product,
        value_after_product=after_product,
        value_after_gradient=trace.value[1],
        axis_slope=slopes[0],
        axis_product=np.prod(slopes),
    )


def gradient_is_not_the_negative_derivative() -> Evidence:
    """Negate the derivative once in the name of the gradient and once in the update."""
    parabola = Quadratic([[2.0]], [3.0])
    start = np.array([5.0])
    gradient = parabola.gradient(start)
    assert np.allclose(gradient, finite_difference_gradient(parabola, start))
    minus_minus = start - 0.1 * (-gradient)
    trace = descend(parabola, start, GradientDescent(0.1), max_iterations=1)
    return Evidence(
        supports=parabola.value(minus_minus) < parabola.value(start),
        contradicts=parabola.value(minus_minus) > parabola.value(start) > trace.value[-1],
        derivative=gradient[0],
        before=trace.value[0],
        after_two_negations=parabola.value(minus_minus),
        after_one=trace.value[-1],
    )


def gradient_points_uphill() -> Evidence:
    """Take a small step along the gradient and one against it."""
    parabola = sphere(1)
    start = np.array([1.0])
    along = parabola.value(start + 0.1 * parabola.gradient(start))
    against = descend(parabola, start, GradientDescent(0.1), max_iterations=1).value[-1]
    return Evidence(
        supports=along < parabola.value(start),
        contradicts=along > parabola.value(start) > against,
        start=parabola.value(start),
        along=along,
        against=against,
    )


def negative_gradient_is_steepest_among_unit_steps() -> Evidence:
    """Compare the slope along the negative gradient with the slope in many random directions."""
    valley = rosenbrock(3)
    here = np.array([-1.2, 1.0, 0.5])
    gradient = valley.gradient(here)
    directions = np.random.default_rng(0).standard_normal((20_000, 3))
    directions /= np.linalg.norm(directions, axis=1, keepdims=True)
    slopes = directions @ gradient

    step = descend(valley, here, GradientDescent(1e-6), max_iterations=1)
    along_descent = (step.final - here) / np.linalg.norm(step.final - here)
    steepest = along_descent @ gradient
    assert np.isclose(steepest, -np.linalg.norm(gradient))
    corner_step = -np.sign(gradient)
    return Evidence(
        supports=steepest <= slopes.min(),
        contradicts=steepest > slopes.min(),
        directions=len(directions),
        steepest=steepest,
        best_random=slopes.min(),
        corner=corner_step @ gradient,
    )


def gradient_norm_is_the_largest_slope() -> Evidence:
    """Measure the slope in every direction around a point, one degree apart."""
    bowl = Quadratic([[1.0, 0.0], [0.0, 2.0]], minimizer=[-3.0, -2.0])
    gradient = bowl.gradient([0.0, 0.0])
    degrees = np.arange(360.0)
    directions = np.column_stack([np.cos(np.radians(degrees)), np.sin(np.radians(degrees))])
    width = 1e-5
    slopes = [(bowl.value(width * d) - bowl.value(-width * d)) / (2 * width) for d in directions]
    steepest = int(np.argmax(slopes))
    # One degree off the gradient costs a share of at most 1 - cos(0.5 degrees) of the slope.
    norm_is_slope = np.isclose(max(slopes), np.linalg.norm(gradient), rtol=1e-4)
    direction_is_right = abs(degrees[steepest] - np.degrees(np.arctan2(*gradient[::-1]))) <= 0.5
    downhill = descend(bowl, [0.0, 0.0], GradientDescent(1e-3), max_iterations=1).final
    assert abs(np.degrees(np.arctan2(*-downhill[::-1])) - degrees[steepest]) < 0.5
    return Evidence(
        supports=norm_is_slope and direction_is_right,
        contradicts=not np.isclose(gradient.sum(), max(slopes)),
        east=gradient[0],
        north=gradient[1],
        norm=np.linalg.norm(gradient),
        largest_slope=max(slopes),
        bearing=degrees[steepest],
        sum=gradient.sum(),
    )


def steepest_is_not_shortest() -> Evidence:
    """Measure the angle between the way down and the way to the minimum, on two bowls."""
    cosines = {}
    for kappa in (1.0, 100.0):
        bowl = Quadratic.with_spectrum([1.0, kappa])
        start = np.array([1.0, 1.0 / np.sqrt(kappa)])
        step = descend(bowl, start, GradientDescent(1e-3), max_iterations=1).theta[1] - start
        way = bowl.minimizer - start
        cosines[kappa] = step @ way / (np.linalg.norm(step) * np.linalg.norm(way))
        assert np.isclose(cosines[kappa], kantorovich_cosine(kappa))
    assert np.isclose(cosines[100.0], 20 / 101)

    data = salaries()
    risk = EmpiricalRisk(LinearModel(1), HalfSquaredError(), data.X, data.y)
    full = risk.gradient([0.0, 0.0])
    samples = [risk.gradient([0.0, 0.0], np.array([i])) for i in range(len(data.y))]
    assert np.allclose(full, np.mean(samples, axis=0))
    return Evidence(
        supports=np.isclose(cosines[1.0], 1.0),
        contradicts=cosines[100.0] < 0.5,
        cosine=cosines[100.0],
        angle=np.degrees(np.arccos(cosines[100.0])),
        round_angle=np.degrees(np.arccos(min(1.0, cosines[1.0]))),
    )


def residuals_are_weighted_by_inputs() -> Evidence:
    """Change the weights, keep the residuals, and see whether the gradient notices."""
    rng = np.random.default_rng(1)
    X, y = rng.standard_normal((3, 5)), rng.standard_normal(3)
    risk = EmpiricalRisk(LinearModel(5, intercept=False), HalfSquaredError(), X, y)
    weights = rng.standard_normal(5)
    gradient = risk.gradient(weights)
    check_gradient(risk, weights, tolerance=1e-8)
    assert np.allclose(gradient, X.T @ (X @ weights - y) / 3)

    # Five weights and three samples leave directions along which no prediction changes.
    unseen = np.linalg.svd(X)[2][-1]
    moved = weights + 10.0 * unseen
    assert np.allclose(X @ moved, X @ weights)
    change = np.linalg.norm(risk.gradient(moved) - gradient)
    trace = descend(risk, weights, GradientDescent(0.1), max_iterations=1)
    assert np.allclose(trace.final, weights - 0.1 / 3 * X.T @ (X @ weights - y))
    return Evidence(
        supports=change > 1e-9,
        contradicts=change < 1e-9,
        moved=np.linalg.norm(moved - weights),
        unchanged_to=1e-9,
        size=np.linalg.norm(gradient),
    )
