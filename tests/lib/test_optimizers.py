"""The contract of the optimizers, and what is special about each."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.descent import descend
from course_lib.line_search import (
    BacktrackingLineSearch,
    ExactLineSearch,
    StepContext,
    WolfeLineSearch,
)
from course_lib.objectives import (
    FunctionObjective,
    Quadratic,
    beale,
    himmelblau,
    quartic,
    rosenbrock,
    saddle,
    sphere,
)
from course_lib.optimizers import ConjugateGradient, GradientDescent, Newton, Optimizer
from course_lib.schedules import Exponential, InverseTime
from course_lib.stopping import GradientNorm
from tests.lib.strategies import bowls, seeds

FORMULAS = ["fletcher-reeves", "polak-ribiere", "hestenes-stiefel"]
OPTIMIZERS = [
    GradientDescent(0.001),
    GradientDescent(InverseTime(0.001, 0.1)),
    GradientDescent(ExactLineSearch()),
    GradientDescent(BacktrackingLineSearch()),
    GradientDescent(WolfeLineSearch()),
    Newton(),
    Newton(0.5, damping=1.0),
    Newton(BacktrackingLineSearch()),
    *(ConjugateGradient(formula) for formula in FORMULAS),
    ConjugateGradient(line_search=ExactLineSearch()),
]
START = [-1.2, 1.0]


def _updates(optimizer, objective, theta, n=4, dtype=float):
    """The points of ``n`` steps taken by hand."""
    theta = np.array(theta, dtype=dtype)
    state = optimizer.init(theta)
    points = [theta.copy()]
    for _ in range(n):
        value, gradient = objective.value_and_gradient(theta)
        step = optimizer.update(gradient, state, theta, StepContext(objective, value))
        theta = theta + step
        points.append(theta)
    return np.array(points)


# The contract.


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_run_takes_the_steps_that_updates_return(optimizer):
    by_hand = _updates(optimizer, rosenbrock(), START)
    trace = descend(rosenbrock(), START, optimizer, max_iterations=4)
    np.testing.assert_array_equal(trace.theta, by_hand)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_update_changes_neither_gradient_nor_point(optimizer):
    objective, theta = rosenbrock(), np.array(START)
    state = optimizer.init(theta)
    for _ in range(3):
        value, gradient = objective.value_and_gradient(theta)
        before = gradient.copy(), theta.copy()
        step = optimizer.update(gradient, state, theta, StepContext(objective, value))
        np.testing.assert_array_equal(gradient, before[0])
        np.testing.assert_array_equal(theta, before[1])
        assert not np.shares_memory(step, gradient)
        assert not np.shares_memory(step, theta)
        theta = theta + step


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_step_lives_in_the_state_and_is_not_allocated_anew(optimizer):
    objective, theta = rosenbrock(), np.array(START)
    state = optimizer.init(theta)
    value, gradient = objective.value_and_gradient(theta)
    context = StepContext(objective, value)
    first = optimizer.update(gradient, state, theta, context)
    assert optimizer.update(gradient, state, theta, context) is first
    assert any(first is held for held in state.values())


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_one_optimizer_serves_two_runs_at_once(optimizer):
    """What an optimizer remembers lies in the state: interleaved runs are as if alone."""
    problems = [(rosenbrock(), np.array(START)), (rosenbrock(), np.array([2.0, 2.0]))]
    alone = [_updates(optimizer, objective, theta)[-1] for objective, theta in problems]
    states = [optimizer.init(theta) for _, theta in problems]
    points = [theta for _, theta in problems]
    settings = repr(vars(optimizer))
    for _ in range(4):
        for i, (objective, _) in enumerate(problems):
            value, gradient = objective.value_and_gradient(points[i])
            context = StepContext(objective, value)
            points[i] = points[i] + optimizer.update(gradient, states[i], points[i], context)
    np.testing.assert_array_equal(points, alone)
    assert repr(vars(optimizer)) == settings


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_single_precision_stays_single(optimizer):
    theta = np.array([2.0, -1.0], np.float32)
    bowl = Quadratic(np.diag([1.0, 3.0]))
    state = optimizer.init(theta)
    value, gradient = bowl.value_and_gradient(theta)
    assert gradient.dtype == np.float32
    step = optimizer.update(gradient, state, theta, StepContext(bowl, value))
    assert step.dtype == np.float32
    assert all(held.dtype == np.float32 for held in state.values() if isinstance(held, np.ndarray))
    trace = descend(bowl, theta, optimizer, max_iterations=2)
    assert trace.theta.dtype == np.float32
    double = descend(bowl, [2.0, -1.0], optimizer, max_iterations=2)
    np.testing.assert_allclose(trace.theta, double.theta, atol=1e-4)


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
@pytest.mark.parametrize(
    ("objective", "start"),
    [(rosenbrock(), [0.5, 0.5]), (beale(), [2.5, 0.3]), (sphere(2), [3.0, -4.0])],
    ids=lambda value: getattr(value, "name", ""),
)
def test_every_optimizer_descends_on_every_objective(objective, start, optimizer):
    trace = descend(objective, start, optimizer, max_iterations=300)
    assert trace.value[-1] < objective.value(start)
    assert not trace.diverged


@pytest.mark.parametrize("optimizer", OPTIMIZERS, ids=repr)
def test_repr_shows_the_settings(optimizer):
    assert repr(optimizer).startswith(type(optimizer).__name__ + "(")


def test_optimizer_must_define_init_and_update():
    with pytest.raises(TypeError, match="abstract"):
        Optimizer()


# Gradient descent.


@given(bowls(), st.floats(0.01, 1.9))
def test_gradient_descent_is_its_formula(bowl, share):
    alpha = share / bowl.curvatures[-1]
    points = _updates(GradientDescent(alpha), bowl.objective, bowl.start, n=3)
    for here, there in pairwise(points):
        np.testing.assert_array_equal(there, here + -bowl.objective.gradient(here) * alpha)


def test_gradient_descent_follows_its_schedule():
    schedule = Exponential(0.4, 0.5)
    trace = descend(sphere(1), [1.0], GradientDescent(schedule), max_iterations=3)
    assert trace.step_size.tolist() == [0.4, 0.2, 0.1]
    np.testing.assert_allclose(trace.theta[:, 0], np.cumprod([1, 0.2, 0.6, 0.8]), rtol=1e-14)


def test_line_search_reports_the_steps_it_took():
    trace = descend(
        rosenbrock(), START, GradientDescent(BacktrackingLineSearch()), max_iterations=5
    )
    moved = np.diff(trace.theta, axis=0)
    gradients = np.array([rosenbrock().gradient(point) for point in trace.theta[:-1]])
    np.testing.assert_allclose(moved, -trace.step_size[:, None] * gradients, rtol=1e-12)
    assert len(set(trace.step_size)) > 1


@pytest.mark.parametrize("step_size", [-0.1, 0, "fast", None, np.nan])
def test_gradient_descent_refuses_step_sizes(step_size):
    with pytest.raises((TypeError, ValueError), match="step_size must be"):
        GradientDescent(step_size)


# Newton.


@given(bowls(max_condition=1e6))
def test_newton_takes_one_step_on_a_quadratic(bowl):
    trace = descend(bowl.objective, bowl.start, Newton(), max_iterations=1)
    condition = bowl.curvatures[-1] / bowl.curvatures[0]
    np.testing.assert_allclose(trace.final, bowl.objective.minimizer, atol=1e-13 * condition)


def test_newton_follows_its_schedule():
    trace = descend(Quadratic([[3.0]]), [1.0], Newton(Exponential(0.5, 0.5)), max_iterations=3)
    assert trace.step_size.tolist() == [0.5, 0.25, 0.125]
    np.testing.assert_allclose(trace.theta[:, 0], np.cumprod([1, 0.5, 0.75, 0.875]), rtol=1e-15)


def test_newton_doubles_the_digits():
    """Close to a minimum with curvature the error is squared."""
    smooth = FunctionObjective(
        lambda t: np.cosh(t[0] - 1) + 0.1 * (t[0] - 1) ** 3,
        lambda t: np.sinh(t - 1) + 0.3 * (t - 1) ** 2,
        hessian=lambda t: [[np.cosh(t[0] - 1) + 0.6 * (t[0] - 1)]],
        n_parameters=1,
    )
    errors = descend(smooth, [1.5], Newton(), max_iterations=4).errors([1.0])
    ratios = errors[1:4] / errors[:3] ** 2
    # f''' / (2 f'') at the minimum is 0.3.
    np.testing.assert_allclose(ratios[1:], 0.3, rtol=0.15)
    assert errors[4] < 1e-11


def test_newton_is_only_linear_where_the_curvature_vanishes():
    errors = descend(quartic(), [1.0], Newton(), max_iterations=20).errors([0.0])
    np.testing.assert_allclose(errors[1:] / errors[:-1], 2 / 3, rtol=1e-12)


@given(seeds)
def test_newton_does_not_care_for_affine_coordinates(seed):
    """With θ = A η + b the runs visit the same points."""
    rng = np.random.default_rng(seed)
    A, b = rng.standard_normal((2, 2)) + 2 * np.eye(2), rng.standard_normal(2)
    if np.linalg.cond(A) > 50:
        return
    inner = himmelblau()
    outer = FunctionObjective(
        lambda e: inner.value(A @ e + b),
        lambda e: A.T @ inner.gradient(A @ e + b),
        hessian=lambda e: A.T @ inner.hessian(A @ e + b) @ A,
        n_parameters=2,
    )
    theta = inner.minimizers[0] + rng.uniform(-0.3, 0.3, 2)
    direct = descend(inner, theta, Newton(), max_iterations=4).theta
    changed = descend(outer, np.linalg.solve(A, theta - b), Newton(), max_iterations=4).theta
    np.testing.assert_allclose(changed @ A.T + b, direct, rtol=1e-8, atol=1e-8)


def test_newton_walks_to_the_nearest_stationary_point_be_it_a_saddle():
    trace = descend(saddle(), [0.3, 0.1], Newton(), stop=GradientNorm(1e-12), max_iterations=20)
    np.testing.assert_allclose(trace.final, [0, 0], atol=1e-12)
    safe = descend(saddle(), [0.3, 0.1], Newton(BacktrackingLineSearch()), stop=GradientNorm(1e-12))
    assert safe.stopped_by.rule == "line search"
    assert "does not lead down" in safe.stopped_by.message
    assert not safe.converged
    damped = descend(
        saddle(),
        [0.3, 0.1],
        Newton(BacktrackingLineSearch(), damping=1.1),
        stop=GradientNorm(1e-7),
        max_iterations=500,
    )
    np.testing.assert_allclose(damped.final, [0, 1], atol=1e-6)


def test_damping_is_added_once_an_iteration():
    """Also where the objective hands out the same matrix every time."""
    shared = np.array([[2.0]])
    bowl = FunctionObjective(
        lambda t: t[0] ** 2, lambda t: 2 * t, hessian=lambda t: shared, n_parameters=1
    )
    trace = descend(bowl, [1.0], Newton(damping=2.0), max_iterations=6)
    np.testing.assert_allclose(trace.theta[:, 0], 0.5 ** np.arange(7), rtol=1e-14)
    assert shared.tolist() == [[2.0]]


def test_singular_hessian_says_what_helps():
    trace = descend(Quadratic(np.diag([1.0, 0.0])), [1.0, 1.0], Newton())
    assert (trace.stopped_by.rule, trace.n_iterations) == ("singular matrix", 0)
    assert "set damping above 0 (it is 0)" in trace.stopped_by.message
    assert not trace.converged
    assert not trace.diverged
    trace = descend(Quadratic(np.diag([1.0, 0.0])), [1.0, 1.0], Newton(damping=1e-9))
    np.testing.assert_allclose(trace.final, [0, 1], atol=1e-8)


@pytest.mark.parametrize("damping", [-1, np.nan, "1"])
def test_newton_refuses_damping(damping):
    with pytest.raises((TypeError, ValueError), match="damping must be"):
        Newton(damping=damping)


@pytest.mark.parametrize("optimizer", [Newton(), ConjugateGradient()], ids=repr)
def test_update_without_context_says_what_is_missing(optimizer):
    theta = np.ones(2)
    with pytest.raises(TypeError, match=r"needs? .*context=StepContext\(objective, value\)"):
        optimizer.update(theta, optimizer.init(theta), theta)


def test_plain_gradient_descent_needs_no_context():
    theta = np.ones(2)
    optimizer = GradientDescent(0.5)
    assert optimizer.update(theta, optimizer.init(theta), theta).tolist() == [-0.5, -0.5]
