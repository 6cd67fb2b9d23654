"""The noise ball: expectations over all runs, against all runs."""

from itertools import product

import numpy as np
import pytest

from course_lib.batching import Incremental, MiniBatches
from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.linear_models import LinearModel
from course_lib.noise_ball import SampledLeastSquares, additive_gap
from course_lib.objectives import EmpiricalRisk, FiniteSum, Quadratic, double_well
from course_lib.optimizers import GradientDescent
from course_lib.rates import largest_stable_step

X = np.array([[1.0, 0.5], [-0.3, 1.2], [0.4, -2.0]])
Y = np.array([1.0, -0.5, 2.0])
START = np.array([0.7, -0.2])


@pytest.fixture
def risk():
    return EmpiricalRisk(LinearModel(2, intercept=False), HalfSquaredError(), X, Y)


@pytest.fixture
def sampled():
    return SampledLeastSquares(X, Y)


@pytest.mark.parametrize("batch_size", [1, 2])
def test_expected_gaps_are_the_mean_over_every_run_there_is(risk, sampled, batch_size):
    steps = [0.2, 0.1, 0.3]
    lowest = risk.value(sampled.minimizer)
    batches = list(product(range(3), repeat=batch_size))
    total = np.zeros(len(steps) + 1)
    for draws in product(batches, repeat=len(steps)):
        run = descend(
            risk,
            START,
            GradientDescent(lambda k: steps[k]),
            batches=[np.array(batch) for batch in draws],
        )
        total += run.values_of(risk) - lowest
    np.testing.assert_allclose(
        sampled.expected_gaps(steps, START, batch_size), total / len(batches) ** 3, rtol=1e-12
    )


@pytest.mark.parametrize("batch_size", [1, 3])
def test_the_expected_gap_settles_at_the_stationary_one(sampled, batch_size):
    step = 0.8 * sampled.largest_step(batch_size)
    gaps = sampled.expected_gaps([step] * 3000, START, batch_size)
    assert gaps[-1] == pytest.approx(sampled.stationary_gap(step, batch_size), rel=1e-9)
    half = 0.5 * np.sum(sampled.hessian * sampled.stationary_covariance(step, batch_size))
    assert gaps[-1] == pytest.approx(half, rel=1e-9)


@pytest.mark.parametrize("batch_size", [1, 4])
def test_the_largest_step_is_sharp(sampled, batch_size):
    limit = sampled.largest_step(batch_size)
    below = sampled.expected_gaps([0.99 * limit] * 6000, START, batch_size)
    above = sampled.expected_gaps([1.01 * limit] * 6000, START, batch_size)
    assert below[-1] < 1e4
    assert above[-1] > 1e6


def test_large_batches_have_the_limit_of_the_exact_gradient(sampled):
    exact = largest_stable_step(np.linalg.eigvalsh(sampled.hessian)[-1])
    assert sampled.largest_step(10**9) == pytest.approx(exact, rel=1e-6)
    assert sampled.largest_step(1) < 0.8 * exact


def test_estimating_a_mean_has_a_formula():
    values = np.array([0.0, 1.0, 5.0])
    sampled = SampledLeastSquares(np.ones((3, 1)), values)
    for step, size in [(0.1, 1), (1.0, 1), (1.5, 7)]:
        by_hand = step * values.var() / (2 * size * (2 - step))
        assert sampled.stationary_gap(step, size) == pytest.approx(by_hand)
        # All samples have one curvature, so the noise is the same everywhere.
        assert additive_gap(step, sampled.hessian, sampled.covariance, size) == pytest.approx(
            by_hand
        )
    assert sampled.largest_step(1) == pytest.approx(2.0)


def test_small_steps_rest_at_the_trace(sampled):
    step = 1e-5
    small = step * np.trace(sampled.covariance) / 4
    assert additive_gap(step, sampled.hessian, sampled.covariance) == pytest.approx(small, rel=1e-4)
    assert sampled.stationary_gap(step) == pytest.approx(small, rel=1e-4)


def test_additive_gap_is_where_a_run_with_additive_noise_rests():
    rng = np.random.default_rng(0)
    bowl = Quadratic.with_spectrum([0.5, 2.0], seed=0)
    noisy = FiniteSum(bowl, rng.standard_normal((50, 2)) @ [[1.0, 0.3], [0.0, 2.0]])
    covariance = np.cov(noisy.slopes.T, bias=True)
    batches = MiniBatches(50, 2, seed=1, replace=True, epochs=2000)
    run = descend(noisy, [0.0, 0.0], GradientDescent(0.3), batches=batches)
    measured = np.mean(run.values_of(bowl)[100:])
    assert measured == pytest.approx(
        additive_gap(0.3, bowl.hessian([0, 0]), covariance, 2), rel=0.05
    )


def test_what_cannot_be_answered_is_refused(sampled):
    with pytest.raises(ValueError, match="full column rank, got rank 1 of 2"):
        SampledLeastSquares([[1.0, 2.0], [2.0, 4.0]], [0.0, 1.0])
    with pytest.raises(ValueError, match="at most 40 columns, got 41"):
        SampledLeastSquares(np.ones((50, 41)), np.ones(50))
    with pytest.raises(ValueError, match="step_size must be"):
        sampled.stationary_gap(1.01 * sampled.largest_step())
    with pytest.raises(ValueError, match="step_size must be"):
        additive_gap(2.1, [[1.0]], [[1.0]])
    assert repr(sampled) == "SampledLeastSquares(3 samples, 2 parameters)"


class TestFiniteSum:
    def test_the_mean_is_the_function_itself(self):
        well = double_well()
        tilted = FiniteSum(well, [[1.0], [2.0], [6.0]])
        point = [0.4]
        assert tilted.value(point) == well.value(point)
        np.testing.assert_array_equal(tilted.gradient(point), well.gradient(point))
        np.testing.assert_array_equal(tilted.hessian(point), well.hessian(point))
        values = [tilted.value(point, np.array([i])) for i in range(3)]
        slopes = [tilted.gradient(point, np.array([i]))[0] for i in range(3)]
        assert np.mean(values) == pytest.approx(well.value(point))
        np.testing.assert_allclose(slopes - well.gradient(point), [-2.0, -1.0, 3.0])

    def test_the_gradient_may_overwrite_theta(self):
        tilted = FiniteSum(double_well(), [[-1.0], [1.0]])
        theta, batch = np.array([0.4]), np.array([1])
        expected = tilted.value_and_gradient(theta.copy(), batch)
        value, gradient = tilted.value_and_gradient(theta, batch, theta)
        assert value == expected[0]
        assert gradient[0] == expected[1][0]

    def test_slopes_are_checked(self):
        with pytest.raises(ValueError, match="slopes must have shape"):
            FiniteSum(double_well(), [[1.0, 2.0]])
        with pytest.raises(ValueError, match="at least one sample"):
            FiniteSum(double_well(), np.empty((0, 1)))
        assert "2 samples" in repr(FiniteSum(double_well(), [[-1.0], [1.0]]))


def test_a_fixed_order_ends_in_its_cycle(risk, sampled):
    for order in ([0, 1, 2], [2, 0, 1]):
        run = descend(
            risk,
            START,
            GradientDescent(0.05),
            batches=Incremental(3, order=order, epochs=2000),
        )
        np.testing.assert_allclose(sampled.cycle(0.05, order), run.final, rtol=1e-10)


def test_the_cycle_shrinks_in_proportion_to_the_step(sampled):
    far, near = (
        np.linalg.norm(sampled.cycle(step, [0, 1, 2]) - sampled.minimizer) for step in (2e-4, 1e-4)
    )
    assert far / near == pytest.approx(2.0, rel=1e-3)


@pytest.mark.parametrize("order", [[0, 1, 1], [0, 1, 3], [1, 2, 3]])
def test_an_order_holds_every_sample_once(sampled, order):
    with pytest.raises(ValueError, match=r"order must hold each sample number from 0 to 2 once"):
        sampled.cycle(0.05, order)


def test_a_step_too_long_for_any_cycle_is_refused(sampled):
    with pytest.raises(ValueError, match=r"step_size must be so small that epochs converge"):
        sampled.cycle(3.0, [0, 1, 2])
