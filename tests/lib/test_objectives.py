"""Objectives: the contract that all keep, functions made into objectives, the test functions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from course_lib.gradient_check import check_gradient
from course_lib.objectives import (
    FUNCTIONS,
    FunctionObjective,
    Objective,
    Quadratic,
    beale,
    double_well,
    named_function,
    quartic,
    rastrigin,
    rosenbrock,
    saddle,
    sphere,
)
from tests.lib.strategies import objectives, seeds

ALL = [*(factory() for factory in FUNCTIONS.values()), Quadratic.with_spectrum([1.0, 5.0], seed=0)]


def _point(objective, seed, size=1.5):
    return np.random.default_rng(seed).uniform(-size, size, objective.n_parameters)


# The contract.


@given(objectives(), seeds)
def test_gradient_is_the_derivative_of_the_value(objective, seed):
    point = _point(objective, seed)
    # Where the gradient all but vanishes, differences of the value say nothing about it.
    value, gradient = objective.value_and_gradient(point)
    assume(np.linalg.norm(gradient) > 1e-4 * (1 + abs(value)))
    check_gradient(objective, point, tolerance=1e-6)


@given(objectives(), seeds)
def test_hessian_is_the_derivative_of_the_gradient(objective, seed):
    point, h = _point(objective, seed), 1e-5
    hessian = objective.hessian(point)
    columns = []
    for i in range(objective.n_parameters):
        step = np.zeros_like(point)
        step[i] = h
        columns.append(
            (objective.gradient(point + step) - objective.gradient(point - step)) / 2 / h
        )
    measured = np.column_stack(columns)
    scale = np.abs(measured).max() + np.abs(objective.gradient(point)).max()
    np.testing.assert_allclose(hessian, measured, rtol=1e-6, atol=1e-6 * scale)
    np.testing.assert_allclose(hessian, hessian.T, rtol=0, atol=1e-12 * scale)


@given(objectives(), seeds)
def test_hessian_vector_product(objective, seed):
    point, vector = _point(objective, seed), _point(objective, seed + 1)
    product = objective.hessian(point) @ vector
    scale = np.abs(objective.hessian(point)).max()
    np.testing.assert_allclose(
        objective.hessian_vector_product(point, vector), product, rtol=1e-12, atol=1e-12 * scale
    )


@given(objectives(), seeds)
def test_all_ways_to_ask_agree_and_leave_the_point_alone(objective, seed):
    point = _point(objective, seed)
    before = point.copy()
    value, gradient = objective.value_and_gradient(point)
    out = np.full_like(point, np.nan)
    assert objective.gradient(point, out=out) is out
    np.testing.assert_array_equal(out, gradient)
    np.testing.assert_array_equal(objective.gradient(point), gradient)
    assert isinstance(value, float)
    assert objective.value(point) == pytest.approx(value, rel=1e-12, abs=1e-300)
    np.testing.assert_array_equal(point, before)


@pytest.mark.parametrize("objective", ALL, ids=repr)
def test_gradient_may_be_written_over_the_point(objective):
    point = _point(objective, 3)
    value, gradient = objective.value_and_gradient(point)
    assert objective.value_and_gradient(point, out=point)[0] == value
    np.testing.assert_array_equal(point, gradient)


@pytest.mark.parametrize("objective", ALL, ids=repr)
def test_single_precision_stays_single(objective):
    point = _point(objective, 3)
    single = objective.gradient(point.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, objective.gradient(point), rtol=2e-4, atol=2e-4)


@pytest.mark.parametrize("objective", ALL, ids=repr)
def test_lists_and_whole_numbers_are_points_too(objective):
    ones = [1] * objective.n_parameters
    assert objective.value(ones) == objective.value(np.ones(objective.n_parameters))
    assert objective.gradient(ones).dtype == np.float64


@pytest.mark.parametrize(
    ("theta", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"theta must have shape \(3,\), got shape \(2,\)"),
        ([[1.0, 2.0, 3.0]], ValueError, r"theta must have shape \(3,\), got shape \(1, 3\)"),
        (1.0, ValueError, r"got shape \(\)"),
        (["a", "b", "c"], TypeError, "theta must hold real numbers"),
        ([1j, 0, 0], TypeError, "theta must hold real numbers, got an array of dtype complex128"),
        (None, TypeError, "theta must hold real numbers"),
    ],
)
@pytest.mark.parametrize("objective", [sphere(3), Quadratic(np.eye(3))], ids=repr)
def test_points_that_are_refused(objective, theta, error, message):
    calls = [objective.value, objective.gradient, objective.value_and_gradient, objective.hessian]
    calls.append(lambda point: objective.hessian_vector_product(point, np.ones(3)))
    for call in calls:
        with pytest.raises(error, match=message):
            call(theta)
    with pytest.raises(error, match=message.replace("theta", "vector")):
        objective.hessian_vector_product(np.ones(3), theta)


@pytest.mark.parametrize(
    "out", [np.empty(2), np.empty((1, 3)), np.empty(3, int)], ids=lambda a: f"{a.dtype}{a.shape}"
)
def test_place_for_the_gradient_that_is_refused(out):
    with pytest.raises(ValueError, match=r"out must be a floating array of shape \(3,\), got"):
        sphere(3).gradient(np.ones(3), out=out)


def test_batch_where_there_is_no_data_is_refused():
    for call in (sphere(3).value, sphere(3).gradient):
        with pytest.raises(TypeError, match="FunctionObjective is not a mean over samples, so it"):
            call(np.ones(3), np.array([0]))


def test_not_a_number_passes_through():
    """Divergence is for the run to report, not for every evaluation."""
    assert np.isnan(sphere(2).value([np.nan, 0.0]))


def test_objective_without_hessian_says_so():
    plain = FunctionObjective(lambda t: t @ t, lambda t: 2 * t, n_parameters=2)
    for call in (plain.hessian, lambda t: plain.hessian_vector_product(t, t)):
        with pytest.raises(
            NotImplementedError, match="FunctionObjective does not know its Hessian"
        ):
            call(np.ones(2))


def test_objective_must_define_its_mathematics():
    class Nothing(Objective):
        n_parameters = 2

    with pytest.raises(TypeError, match="abstract"):
        Nothing()


# Functions made into objectives.


def test_function_may_return_whole_numbers_lists_and_arrays_of_one():
    objective = FunctionObjective(
        lambda t: t**2, lambda t: [2], n_parameters=1, hessian=lambda t: [[2]]
    )
    assert objective.value([3.0]) == 9.0
    assert objective.gradient([3.0]).tolist() == [2.0]
    assert objective.hessian([3.0]).dtype == np.float64


@pytest.mark.parametrize("wrong", [2.0, [1.0], [1.0, 2.0, 3.0], [[1.0], [2.0]]])
def test_gradient_function_of_the_wrong_shape_is_refused(wrong):
    objective = FunctionObjective(lambda t: 0.0, lambda t: wrong, n_parameters=2)
    with pytest.raises(ValueError, match=r"gradient\(theta\) must return shape \(2,\), got shape"):
        objective.gradient([1.0, 1.0])


@pytest.mark.parametrize("wrong", [[1.0, 2.0], None, np.ones(2)])
def test_value_function_that_returns_no_number_is_refused(wrong):
    objective = FunctionObjective(lambda t: wrong, lambda t: t, n_parameters=2)
    with pytest.raises(TypeError, match=r"value\(theta\) must return a number, got"):
        objective.value([1.0, 1.0])


def test_hessian_function_of_the_wrong_shape_is_refused():
    objective = FunctionObjective(
        lambda t: 0.0, lambda t: t, n_parameters=2, hessian=lambda t: [1.0, 2.0]
    )
    with pytest.raises(ValueError, match=r"hessian\(theta\) must have shape \(2, 2\), got shape"):
        objective.hessian([1.0, 1.0])


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((1, len), {"n_parameters": 1}, TypeError, "value must be a function of theta, got 1"),
        ((len, 2), {"n_parameters": 1}, TypeError, "gradient must be a function of theta, got 2"),
        (
            (len, len),
            {"n_parameters": 1, "hessian": 3},
            TypeError,
            "hessian must be a function of theta, got 3",
        ),
        ((len, len), {"n_parameters": 0}, ValueError, "n_parameters must be at least 1, got 0"),
        ((len, len), {"n_parameters": 1.0}, TypeError, "n_parameters must be a whole number"),
        (
            (len, len),
            {"n_parameters": 2, "minimizers": [1.0]},
            ValueError,
            r"minimizers must have shape \(any, 2\)",
        ),
    ],
)
def test_function_objective_that_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        FunctionObjective(*arguments, **options)


def test_single_minimizer_may_be_a_vector():
    objective = FunctionObjective(len, len, n_parameters=2, minimizers=[1, 2])
    assert objective.minimizers.tolist() == [[1.0, 2.0]]
    assert FunctionObjective(len, len, n_parameters=2).minimizers is None
    assert repr(objective) == "<function of 2 parameter(s)>"


# The test functions.


@pytest.mark.parametrize(
    "objective",
    [
        *(f() for f in FUNCTIONS.values() if f().minimizers is not None),
        sphere(5),
        rosenbrock(4),
        rastrigin(3),
        quartic(2),
        *(double_well(tilt) for tilt in (-2.0, -0.3, 0.0, 1e-3, 2.0)),
    ],
    ids=lambda o: f"{o.name}{o.n_parameters}",
)
def test_minimizers_are_stationary_and_lowest(objective, rng):
    values = [objective.value(point) for point in objective.minimizers]
    assert np.ptp(values) < 1e-12
    for point in objective.minimizers:
        assert np.abs(objective.gradient(point)).max() < 1e-12
        assert np.linalg.eigvalsh(objective.hessian(point)).min() > -1e-12
    elsewhere = rng.uniform(-5, 5, (500, objective.n_parameters))
    assert min(map(objective.value, elsewhere)) > min(values)


@pytest.mark.parametrize(
    ("objective", "point", "value", "gradient"),
    [
        (sphere(), [3, 3, 3], 27, [6, 6, 6]),
        (rosenbrock(), [-1.2, 1], 24.2, [-215.6, -88]),
        (rosenbrock(3), [0, 0, 0], 2, [-2, -2, 0]),
        (named_function("himmelblau"), [0, 0], 170, [-14, -22]),
        (beale(), [0, 0], 14.203125, [-12.75, 0]),
        (beale(), [1, 1], 14.203125, [0, 27.75]),
        (rastrigin(1), [0.5], 20.25, [1]),
        (double_well(0.3), [2], 9.6, [24.3]),
        (saddle(), [2, 2], 4, [2, 6]),
        (quartic(2), [1, -2], 17, [4, -32]),
        (named_function("saturated_neuron"), [0], 0.125, [0.125]),
    ],
    ids=lambda v: getattr(v, "name", None),
)
def test_values_worked_by_hand(objective, point, value, gradient):
    assert objective.value(point) == pytest.approx(value, rel=1e-12)
    np.testing.assert_allclose(objective.gradient(point), gradient, rtol=1e-12, atol=1e-12)


def test_himmelblau_has_four_minimizers():
    minimizers = named_function("himmelblau").minimizers
    assert len(minimizers) == 4
    assert len(np.unique(minimizers.round(6), axis=0)) == 4


@given(st.floats(-3, 3).filter(lambda c: abs(c) > 1e-3))
def test_double_well_leans_against_its_tilt(tilt):
    (minimizer,) = double_well(tilt).minimizers
    assert np.sign(minimizer[0]) == -np.sign(tilt)


def test_double_well_loses_its_right_valley():
    limit = 8 / (3 * np.sqrt(3))
    grid = np.linspace(0, 1.5, 301)
    for tilt, has_valley in [(limit - 0.01, True), (limit + 0.01, False)]:
        slopes = np.array([double_well(tilt).gradient([x])[0] for x in grid])
        assert (slopes.min() < 0) == has_valley


def test_saddle_is_a_pass():
    assert np.diag(saddle().hessian([0, 0])).tolist() == [1.0, -1.0]
    assert saddle().gradient([0, 0]).tolist() == [0.0, 0.0]


def test_functions_by_name():
    for name in FUNCTIONS:
        assert isinstance(named_function(name), FunctionObjective)
    with pytest.raises(
        ValueError, match="unknown test function 'rosenbrok': choose one of 'sphere'"
    ):
        named_function("rosenbrok")


@pytest.mark.parametrize("factory", [sphere, rastrigin, quartic, rosenbrock])
@pytest.mark.parametrize("n", [0, -1])
def test_dimension_that_is_refused(factory, n):
    with pytest.raises(ValueError, match="n must be at least"):
        factory(n)


def test_rosenbrock_needs_two_and_tilt_a_number():
    with pytest.raises(ValueError, match="n must be at least 2, got 1"):
        rosenbrock(1)
    with pytest.raises(TypeError, match="tilt must be a real number, got 'left'"):
        double_well("left")
    with pytest.raises(ValueError, match="tilt must be a finite number, got nan"):
        double_well(float("nan"))
