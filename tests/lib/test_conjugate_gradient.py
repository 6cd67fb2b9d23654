"""Nonlinear conjugate gradients: conjugacy, shares, restarts."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given

from course_lib.descent import descend
from course_lib.line_search import (
    ExactLineSearch,
    StepContext,
    WolfeLineSearch,
)
from course_lib.objectives import (
    Quadratic,
    double_well,
    rosenbrock,
    sphere,
)
from course_lib.optimizers import ConjugateGradient
from course_lib.schedules import Constant
from course_lib.stopping import GradientNorm
from tests.lib.strategies import bowls

FORMULAS = ["fletcher-reeves", "polak-ribiere", "hestenes-stiefel"]
START = [-1.2, 1.0]


@pytest.mark.parametrize("formula", FORMULAS)
@given(bowl=bowls(min_n=2))
def test_conjugate_gradients_end_after_n_steps_on_a_quadratic(formula, bowl):
    n = len(bowl.start)
    trace = descend(bowl.objective, bowl.start, ConjugateGradient(formula), max_iterations=n)
    assert (
        trace.errors(bowl.objective.minimizer)[-1]
        < 1e-6 * trace.errors(bowl.objective.minimizer)[0]
    )


@pytest.mark.parametrize("formula", FORMULAS)
@given(bowl=bowls(min_n=3, max_condition=30))
def test_directions_are_conjugate(formula, bowl):
    n = len(bowl.start)
    trace = descend(bowl.objective, bowl.start, ConjugateGradient(formula), max_iterations=n - 1)
    steps = np.diff(trace.theta, axis=0)
    # Where curvatures repeat, the minimum is reached sooner, and the last steps are rounding.
    lengths = np.linalg.norm(steps, axis=1)
    steps = steps[lengths > 1e-6 * lengths[0]]
    products = steps @ bowl.objective.hessian(bowl.start) @ steps.T
    scale = np.sqrt(np.diag(products))
    np.testing.assert_allclose(products / np.outer(scale, scale), np.eye(len(steps)), atol=1e-6)


def test_as_many_steps_as_different_curvatures():
    bowl = Quadratic.with_spectrum([1, 1, 1, 50, 50, 7], seed=0)
    trace = descend(
        bowl, np.ones(6), ConjugateGradient(), max_iterations=10, stop=GradientNorm(1e-8)
    )
    assert trace.n_iterations == 3


def test_formulas_agree_on_a_quadratic_and_differ_elsewhere():
    bowl = Quadratic.with_spectrum([1, 3, 9, 27], seed=0)
    runs = [descend(bowl, np.ones(4), ConjugateGradient(f), max_iterations=4) for f in FORMULAS]
    for run in runs[1:]:
        np.testing.assert_allclose(run.theta, runs[0].theta, atol=1e-9)
    elsewhere = [
        descend(rosenbrock(4), np.zeros(4), ConjugateGradient(f), max_iterations=4).final
        for f in FORMULAS
    ]
    assert not np.allclose(elsewhere[0], elsewhere[1])
    assert not np.allclose(elsewhere[1], elsewhere[2])


def _directions(formula, gradients, n=9):
    """Directions for a chosen sequence of gradients, with steps of length one."""

    class Unit(ExactLineSearch):
        def search(self, theta, direction, gradient, context):
            return 1.0

    optimizer, theta = ConjugateGradient(formula, Unit()), np.zeros(n)
    state, found = optimizer.init(theta), []
    for gradient in gradients:
        found.append(optimizer.update(gradient, state, theta, StepContext(sphere(n), 0.0)).copy())
    return found


@pytest.mark.parametrize(
    ("formula", "share"),
    [
        ("fletcher-reeves", 4.25 / 1),  # g₁·g₁ / g₀·g₀
        ("polak-ribiere", 3.75 / 1),  # g₁·(g₁ - g₀) / g₀·g₀
        ("hestenes-stiefel", 3.75 / 0.5),  # g₁·(g₁ - g₀) / d₀·(g₁ - g₀), with d₀ = -g₀
    ],
)
def test_shares_worked_by_hand(formula, share):
    g0, g1 = np.zeros(9), np.zeros(9)
    g0[0] = 1.0
    g1[:2] = [0.5, 2.0]
    first, second = _directions(formula, [g0, g1])
    np.testing.assert_array_equal(first, -g0)
    np.testing.assert_allclose(second, -g1 - share * g0, rtol=1e-15)


def test_share_below_zero_is_cut_off():
    """The gradient shrinks along itself: Polak-Ribière's share would be negative."""
    g0 = np.eye(9)[0]
    for formula in ("polak-ribiere", "hestenes-stiefel"):
        _, second = _directions(formula, [g0, 0.5 * g0])
        np.testing.assert_array_equal(second, -0.5 * g0)


def test_hestenes_stiefel_restarts_where_its_denominator_is_not_positive():
    g0 = np.eye(9)[0]
    _, second = _directions("hestenes-stiefel", [g0, 2 * g0])
    np.testing.assert_array_equal(second, -2 * g0)


def test_direction_that_would_lead_up_restarts():
    """Fletcher-Reeves keeps nine tenths of a direction that the new gradient points along."""
    g0, g1 = np.eye(9)[0], np.zeros(9)
    g1[0], g1[1] = -3.0, 0.1
    _, second, third = _directions("fletcher-reeves", [g0, g1, np.eye(9)[2]])
    np.testing.assert_array_equal(second, -g1)
    share = 1 / (g1 @ g1)
    np.testing.assert_allclose(third, -np.eye(9)[2] + share * second, rtol=1e-14)


def test_restart_after_as_many_steps_as_parameters(rng):
    gradients = [rng.standard_normal(3) + np.array([5.0, 0, 0]) for _ in range(8)]
    found = _directions("polak-ribiere", gradients, n=3)
    restarted = [bool(np.array_equal(d, -g)) for d, g in zip(found, gradients, strict=True)]
    assert restarted[0]
    assert restarted[3]
    assert restarted[6]


def test_conjugate_gradients_use_the_exact_step_only_on_quadratics():
    bowl = Quadratic(np.diag([1.0, 4.0]))
    on_bowl = descend(bowl, [1.0, 1.0], ConjugateGradient(), max_iterations=1)
    assert on_bowl.evaluations["hessian_product"] == 1
    elsewhere = descend(rosenbrock(), START, ConjugateGradient(), max_iterations=1)
    assert elsewhere.evaluations["hessian_product"] == 0
    assert elsewhere.evaluations["gradient"] > 2
    chosen = descend(
        bowl, [1.0, 1.0], ConjugateGradient(line_search=WolfeLineSearch()), max_iterations=1
    )
    assert chosen.evaluations["hessian_product"] == 0


@pytest.mark.parametrize("formula", FORMULAS)
def test_conjugate_gradients_find_the_end_of_rosenbrocks_valley(formula):
    trace = descend(
        rosenbrock(),
        START,
        ConjugateGradient(formula),
        max_iterations=2000,
        stop=GradientNorm(1e-7),
    )
    assert trace.converged
    np.testing.assert_allclose(trace.final, [1, 1], atol=1e-6)


@pytest.mark.parametrize("formula", FORMULAS)
def test_search_that_ends_in_rounding_is_reported_not_raised(formula):
    """Without a stopping rule the run goes on until rounding hides every decrease."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        trace = descend(double_well(), [1.7], ConjugateGradient(formula), max_iterations=500)
    assert trace.stopped_by.rule == "line search"
    assert abs(trace.gradient_norm[-1]) < 1e-6


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (("newton",), ValueError, "unknown formula 'newton': choose one of 'fletcher-reeves'"),
        ((None,), ValueError, "unknown formula None"),
        (("polak-ribiere", 0.1), TypeError, "line_search must be a LineSearch.*got 0.1"),
        (("polak-ribiere", Constant(0.1)), TypeError, "line_search must be a LineSearch"),
        (("polak-ribiere", ExactLineSearch), TypeError, "line_search must be a LineSearch"),
    ],
)
def test_conjugate_gradients_refuse_settings(arguments, error, message):
    with pytest.raises(error, match=message):
        ConjugateGradient(*arguments)
