"""Schedules, rates of convergence, standardizing, and the small data set."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.preprocessing import StandardScaler

from course_lib import rates
from course_lib.datasets import salaries
from course_lib.preprocessing import standardize
from course_lib.schedules import Constant, Exponential, InverseTime
from tests.lib.strategies import seeds

# Schedules.


def test_schedules_follow_their_formulas():
    assert [Constant(0.3)(k) for k in (0, 7)] == [0.3, 0.3]
    assert [InverseTime(0.3, 0.5)(k) for k in (0, 2, 8)] == pytest.approx([0.3, 0.15, 0.06])
    assert [Exponential(0.3, 0.1)(k) for k in (0, 1, 2)] == pytest.approx([0.3, 0.03, 0.003])
    assert InverseTime(0.3, 0)(10) == Exponential(0.3, 1)(10) == 0.3


def test_all_steps_of_a_geometric_decay_reach_a_finite_distance():
    decay = Exponential(0.3, 0.9)
    assert sum(decay(k) for k in range(1000)) == pytest.approx(0.3 / (1 - 0.9))


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Constant(0), ValueError, "initial must be a finite number > 0, got 0"),
        (lambda: Constant(-0.1), ValueError, "initial must be a finite number > 0, got -0.1"),
        (lambda: Constant("0.1"), TypeError, "initial must be a real number, got '0.1'"),
        (lambda: Constant(math.inf), ValueError, "initial must be a finite number > 0, got inf"),
        (lambda: InverseTime(0.1, -1), ValueError, "decay must be a finite number >= 0, got -1"),
        (lambda: InverseTime(-0.1, 1), ValueError, "initial must be a finite number > 0"),
        (lambda: Exponential(0, 0.5), ValueError, "initial must be a finite number > 0, got 0"),
        (lambda: Exponential(0.1, 0), ValueError, "factor must be a finite number > 0 and <= 1"),
        (lambda: Exponential(0.1, 1.1), ValueError, "factor must be .* got 1.1"),
        (lambda: Exponential(0.1, math.nan), ValueError, "factor must be .* got nan"),
    ],
)
def test_schedule_that_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


# Rates.


def test_rates_worked_by_hand():
    assert rates.error_factors(0.5, [1, 2, 6]).tolist() == [0.5, 0.0, -2.0]
    assert rates.convergence_rate(0.5, [1, 2, 6]) == 2.0
    assert rates.largest_stable_step(4) == 0.5
    assert rates.optimal_step(1, 4) == 0.4
    assert rates.optimal_rate(4) == 0.6
    assert rates.kantorovich_cosine(4) == 0.8
    assert rates.optimal_rate(1) == 0.0
    assert rates.kantorovich_cosine(1) == 1.0


@given(st.floats(0.01, 10), st.floats(1, 1000), st.integers(0, 200))
def test_no_step_beats_the_optimal_one(mu, condition, percent):
    L = mu * condition
    best = rates.convergence_rate(rates.optimal_step(mu, L), [mu, L])
    assert best == pytest.approx(rates.optimal_rate(condition), abs=1e-12)
    assert rates.convergence_rate(percent / 100 * 2 / L, [mu, L]) >= best - 1e-12


@given(st.floats(1, 1e6))
def test_the_angle_and_the_rate_are_one_bound(condition):
    """cos² φ + ((κ-1)/(κ+1))² = 1."""
    cosine, rate = rates.kantorovich_cosine(condition), rates.optimal_rate(condition)
    assert cosine**2 + rate**2 == pytest.approx(1.0, rel=1e-12)


@given(st.floats(0.001, 0.9999), st.integers(0, 300))
def test_iterations_to_reach_is_the_least(rate, k):
    reduction = rate**k
    if reduction < 1e-300:
        return
    needed = rates.iterations_to_reach(rate, reduction)
    assert needed == k
    less = reduction * (1 - 1e-9)
    assert rates.iterations_to_reach(rate, less) == k + 1


def test_iterations_to_reach_at_the_ends():
    assert rates.iterations_to_reach(0.5, 1.0) == 0
    assert rates.iterations_to_reach(0.0, 1.0) == 0
    assert rates.iterations_to_reach(0, 1e-9) == 1
    assert rates.iterations_to_reach(0.1, 1e-3) == 3
    assert rates.iterations_to_reach(0.5, 0.2) == 3
    assert type(rates.iterations_to_reach(0.9, 0.1)) is int


@pytest.mark.parametrize(
    ("call", "error", "message"),
    [
        (lambda: rates.error_factors(-1, [1]), ValueError, "step_size must be .* >= 0, got -1"),
        (lambda: rates.error_factors(0.1, []), ValueError, "curvatures must hold at least one"),
        (lambda: rates.convergence_rate(0.1, []), ValueError, "curvatures must hold at least one"),
        (lambda: rates.error_factors(0.1, ["a"]), TypeError, "curvatures must hold real numbers"),
        (lambda: rates.error_factors(0.1, [math.nan]), ValueError, "curvatures must hold finite"),
        (lambda: rates.largest_stable_step(0), ValueError, "smoothness must be .* > 0, got 0"),
        (lambda: rates.optimal_step(2, 1), ValueError, "strong_convexity must be .* <= 1, got 2"),
        (lambda: rates.optimal_step(-1, 1), ValueError, "strong_convexity must be .* >= 0"),
        (lambda: rates.optimal_step(0, 0), ValueError, "smoothness must be .* > 0"),
        (lambda: rates.optimal_rate(0.5), ValueError, "condition_number must be .* >= 1, got 0.5"),
        (lambda: rates.kantorovich_cosine(0), ValueError, "condition_number must be .* >= 1"),
        (lambda: rates.optimal_rate("2"), TypeError, "condition_number must be a real number"),
        (lambda: rates.iterations_to_reach(1, 0.5), ValueError, "rate must be .* < 1, got 1"),
        (lambda: rates.iterations_to_reach(-0.1, 0.5), ValueError, "rate must be .* >= 0"),
        (lambda: rates.iterations_to_reach(0.5, 0), ValueError, "reduction must be .* > 0"),
        (lambda: rates.iterations_to_reach(0.5, 2), ValueError, "reduction must be .* <= 1"),
    ],
)
def test_rate_that_is_refused(call, error, message):
    with pytest.raises(error, match=message):
        call()


# Standardizing.


@given(seeds, st.integers(2, 20), st.integers(1, 4))
def test_standardized_columns_have_mean_0_and_deviation_1(seed, n, d):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d)) * 10.0 ** rng.integers(-6, 6, d) + rng.uniform(-10, 10, d)
    result = standardize(X)
    np.testing.assert_allclose(result.data.mean(axis=0), 0, atol=1e-8)
    np.testing.assert_allclose(result.data.std(axis=0), 1, rtol=1e-8)
    np.testing.assert_allclose(result.data * result.scale + result.mean, X, rtol=1e-12)
    reference = StandardScaler().fit(X)
    np.testing.assert_allclose(result.data, reference.transform(X), rtol=1e-6, atol=1e-8)
    np.testing.assert_array_equal(result.apply(X), result.data)


def test_new_rows_use_the_old_numbers():
    result = standardize([[0.0], [2.0]])
    assert result.apply([[4.0]]).tolist() == [[3.0]]
    assert (result.mean.tolist(), result.scale.tolist()) == ([1.0], [1.0])


def test_standardizing_does_not_change_its_input():
    X = np.array([[1.0], [2.0]])
    standardize(X)
    assert X.tolist() == [[1.0], [2.0]]


def test_long_single_precision_columns_keep_their_digits():
    """Summing 400 000 numbers near 1000 in float32 loses the mean's third decimal."""
    X = (1000 + np.random.default_rng(0).standard_normal((400_000, 2))).astype(np.float32)
    result = standardize(X)
    assert result.data.dtype == result.mean.dtype == result.scale.dtype == np.float32
    exact = X.astype(np.float64)
    np.testing.assert_allclose(result.mean, exact.mean(axis=0), rtol=1e-7)
    np.testing.assert_allclose(result.scale, exact.std(axis=0), rtol=1e-6)


@pytest.mark.parametrize("constant", [0.0, 0.1, 1e9 + 0.1, -1e-30])
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_constant_column_is_refused(constant, dtype):
    """Also where the mean of equal numbers is not that number to the last bit."""
    X = np.column_stack([np.arange(10), np.full(10, constant)]).astype(dtype)
    with pytest.raises(ValueError, match="no constant column, got 1, the first at index 1"):
        standardize(X)


def test_nearly_constant_column_is_standardized():
    X = 1e6 + 1e-6 * np.arange(10.0)[:, None]
    np.testing.assert_allclose(standardize(X).data.std(), 1, rtol=1e-6)


@pytest.mark.parametrize(
    ("X", "error", "message"),
    [
        ([1.0, 2.0], ValueError, r"X must have 2 dimension"),
        (np.empty((0, 2)), ValueError, "X must hold at least one sample, got none"),
        ([[1.0], [np.nan]], ValueError, "X must hold finite numbers"),
        ([["a"]], TypeError, "X must hold real numbers"),
    ],
)
def test_data_that_are_refused(X, error, message):
    with pytest.raises(error, match=message):
        standardize(X)


@pytest.mark.parametrize("X", [[1.0, 2.0], [[1.0]], [[1.0, 2.0, 3.0]]])
def test_new_rows_that_are_refused(X):
    with pytest.raises(ValueError, match=r"X must have shape \(any, 2\), got shape"):
        standardize([[0.0, 1.0], [2.0, 5.0]]).apply(X)


def test_salaries_are_a_fresh_copy_every_time():
    people = salaries()
    assert people.X.shape == (5, 1)
    assert people.y.shape == (5,)
    people.y[:] = 0
    assert salaries().y.tolist() == [5500.0, 2300.0, 7600.0, 1800.0, 11400.0]
