"""Quasi-Newton runs: scipy's answers, with the history of a descent."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.optimize import minimize

from course_lib.costs import HalfSquaredError
from course_lib.descent import DivergenceWarning, descend
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, FunctionObjective, Quadratic, rosenbrock, sphere
from course_lib.optimizers import GradientDescent
from course_lib.quasi_newton import METHODS, quasi_newton
from course_lib.stopping import GradientNorm, ObjectiveBelow, ObjectiveChange, StepNorm

every_method = pytest.mark.parametrize("method", METHODS)
START = [-1.2, 1.0]


@every_method
def test_takes_scipys_way(method):
    ways = []
    objective = rosenbrock()
    options = {"maxiter": 500, "gtol": 0.0}
    if method == "l-bfgs":
        options |= {"ftol": 0.0, "maxls": 50}
    minimize(
        objective.value_and_gradient,
        START,
        jac=True,
        method=METHODS[method],
        callback=lambda x: ways.append(np.copy(x)),
        options=options,
    )
    trace = quasi_newton(objective, START, method, stop=GradientNorm(1e-6))
    assert trace.converged
    assert trace.stopped_by.rule == "gradient norm"
    np.testing.assert_array_equal(trace.theta[0], START)
    np.testing.assert_array_equal(trace.theta[1:], ways[: trace.n_iterations])


@every_method
def test_the_history_belongs_to_its_points(method):
    objective = rosenbrock()
    trace = quasi_newton(objective, START, method, stop=GradientNorm(1e-6))
    np.testing.assert_array_equal(trace.value, trace.values_of(objective))
    norms = [np.linalg.norm(objective.gradient(point)) for point in trace.theta]
    np.testing.assert_array_equal(trace.gradient_norm, norms)
    assert (np.diff(trace.value) < 0).all()
    assert trace.step_size.shape == (trace.n_iterations,)
    assert np.isnan(trace.step_size).all()
    assert trace.seconds.shape == trace.value.shape
    assert (np.diff(trace.seconds) >= 0).all()
    assert (trace.gradient_norm[:-1] >= 1e-6).all()


@every_method
def test_counts_its_evaluations(method):
    calls = []
    inner = rosenbrock()
    objective = FunctionObjective(
        lambda x: calls.append(1) or inner.value(x), inner.gradient, n_parameters=2
    )
    trace = quasi_newton(objective, START, method, stop=GradientNorm(1e-6))
    assert trace.evaluations["value"] == trace.evaluations["gradient"] == len(calls)
    assert trace.evaluations["hessian"] == trace.evaluations["sample_gradients"] == 0
    assert trace.n_iterations < len(calls) < 2 * trace.n_iterations


def test_counts_the_samples_of_learning_from_data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3))
    y = X @ [1.0, -2.0, 0.5] + 0.3
    risk = EmpiricalRisk(LinearModel(3), HalfSquaredError(), X, y)
    trace = quasi_newton(risk, np.zeros(4), stop=GradientNorm(1e-8))
    np.testing.assert_allclose(trace.final, [1.0, -2.0, 0.5, 0.3], atol=1e-7)
    assert trace.evaluations["sample_gradients"] == 50 * trace.evaluations["gradient"]


def test_beats_descent_in_a_curved_valley():
    stop = ObjectiveBelow(1e-8)
    fast = quasi_newton(rosenbrock(), START, "bfgs", stop=stop)
    slow = descend(rosenbrock(), START, GradientDescent(0.002), max_iterations=30_000, stop=stop)
    assert fast.n_iterations < 40
    assert slow.n_iterations > 10_000


def test_a_longer_memory_needs_fewer_iterations():
    valley = Quadratic.with_spectrum(np.geomspace(1, 1e4, 30), seed=0)
    runs = [
        quasi_newton(valley, np.ones(30), memory=m, stop=GradientNorm(1e-6)).n_iterations
        for m in (1, 30)
    ]
    assert runs[1] < runs[0]


@every_method
def test_the_rules_are_those_of_descent(method):
    capped = quasi_newton(rosenbrock(), START, method, max_iterations=3)
    assert (capped.n_iterations, capped.stopped_by.rule) == (3, "iteration cap")
    assert not capped.converged
    assert not capped.diverged
    assert quasi_newton(rosenbrock(), START, method, max_iterations=0).n_iterations == 0
    there = quasi_newton(sphere(2), [0.0, 0.0], method, stop=GradientNorm(1e-6))
    assert (there.n_iterations, there.converged) == (0, True)
    changed = quasi_newton(rosenbrock(), START, method, stop=[ObjectiveChange(1e-3)])
    assert changed.stopped_by.rule == "objective change"
    assert abs(changed.value[-1] - changed.value[-2]) < 1e-3
    stepped = quasi_newton(rosenbrock(), START, method, stop=[GradientNorm(1e-9), StepNorm(1e-2)])
    assert stepped.stopped_by.rule == "step norm"
    assert np.linalg.norm(stepped.theta[-1] - stepped.theta[-2]) < 1e-2


@every_method
def test_says_when_scipy_ends_the_run(method):
    trace = quasi_newton(sphere(2), [0.0, 0.0], method)
    assert trace.stopped_by.rule == "scipy"
    assert trace.converged
    assert len(trace.stopped_by.message) > 10


@every_method
def test_reports_divergence(method):
    falling = FunctionObjective(lambda x: -np.exp(x[0]), lambda x: -np.exp(x), n_parameters=1)
    with pytest.warns(DivergenceWarning, match="went from .* to -inf"):
        trace = quasi_newton(falling, [0.0], method)
    assert trace.diverged
    assert not trace.converged
    assert trace.stopped_by.rule == "divergence"
    assert np.isfinite(trace.value).all()


def test_computes_in_double_precision_from_its_own_copy_of_the_start():
    start = np.array(START, dtype=np.float32)
    trace = quasi_newton(rosenbrock(), start, stop=GradientNorm(1e-6))
    assert trace.theta.dtype == np.float64
    np.testing.assert_array_equal(start, np.array(START, dtype=np.float32))


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="unknown method 'newton': choose one of 'l-bfgs', 'bfgs'"):
        quasi_newton(sphere(2), [1.0, 1.0], "newton")
    with pytest.raises(ValueError, match="memory must be at least 1"):
        quasi_newton(sphere(2), [1.0, 1.0], memory=0)
    with pytest.raises(ValueError, match=r"theta0 must have shape \(2,\)"):
        quasi_newton(sphere(2), [1.0])
    nowhere = FunctionObjective(lambda x: np.inf, lambda x: x, n_parameters=1)
    with pytest.raises(ValueError, match="theta0 must be a point of finite value, got inf"):
        quasi_newton(nowhere, [1.0])
