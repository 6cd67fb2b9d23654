"""The predicted rates of momentum are the eigenvalues of its iteration, and the measured rates."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.descent import descend
from course_lib.momentum_rates import (
    heavy_ball_factors,
    heavy_ball_largest_stable_step,
    heavy_ball_tuning,
    nesterov_factors,
    nesterov_tuning,
)
from course_lib.objectives import Quadratic
from course_lib.optimizers import Momentum, Nesterov
from course_lib.rates import optimal_rate

alphas, betas, curvatures = st.floats(0.0, 2.0), st.floats(0.0, 0.999), st.floats(-1.0, 10.0)


def spectral_radius(total, product):
    return np.abs(np.linalg.eigvals([[total, -product], [1.0, 0.0]])).max()


@given(alphas, betas, curvatures)
def test_heavy_ball_factors_are_spectral_radii(alpha, beta, curvature):
    expected = spectral_radius(1 + beta - alpha * curvature, beta)
    (factor,) = heavy_ball_factors(alpha, beta, [curvature])
    assert factor == pytest.approx(expected, abs=1e-6)


@given(alphas, betas, curvatures)
def test_nesterov_factors_are_spectral_radii(alpha, beta, curvature):
    shrink = 1 - alpha * curvature
    expected = spectral_radius((1 + beta) * shrink, beta * shrink)
    (factor,) = nesterov_factors(alpha, beta, [curvature])
    assert factor == pytest.approx(expected, abs=1e-6)


@given(st.floats(0.0, 0.99), st.floats(0.1, 100.0))
def test_the_bound_of_stability_is_exact(beta, smoothness):
    bound = heavy_ball_largest_stable_step(smoothness, beta)
    assert heavy_ball_factors(bound, beta, smoothness) == pytest.approx(1.0, abs=1e-6)
    assert heavy_ball_factors(1.001 * bound, beta, smoothness) > 1
    if beta < 0.9:
        assert heavy_ball_factors(0.99 * bound, beta, smoothness) < 1


@given(st.floats(1e-3, 1.0), st.floats(1.0, 1e3))
def test_the_tunings_reach_the_rates_they_promise(mu, smoothness):
    spectrum = np.linspace(mu, smoothness, 50)
    tuning = heavy_ball_tuning(mu, smoothness)
    # At both ends the two roots coincide, and rounding parts them by its own root.
    factors = heavy_ball_factors(tuning.step_size, tuning.momentum, spectrum)
    assert factors.max() == pytest.approx(tuning.rate, abs=1e-6)
    tuning = nesterov_tuning(mu, smoothness)
    factors = nesterov_factors(tuning.step_size, tuning.momentum, spectrum)
    assert factors.max() == pytest.approx(tuning.rate, abs=1e-6)


def test_heavy_ball_puts_the_root_where_descent_has_the_condition():
    assert heavy_ball_tuning(1.0, 10_000.0).rate == pytest.approx(optimal_rate(100.0))
    assert heavy_ball_tuning(4.0, 4.0) == (0.25, 0.0, 0.0)
    assert nesterov_tuning(4.0, 4.0) == (0.25, 0.0, 0.0)
    assert heavy_ball_tuning(1.0, 9.0) == pytest.approx((0.25, 0.25, 0.5))
    assert nesterov_tuning(1.0, 9.0) == pytest.approx((1 / 9, 0.5, 2 / 3))


@pytest.mark.parametrize(
    ("optimizer", "factors"),
    [
        (Momentum(0.05, 0.2), heavy_ball_factors),
        (Momentum(0.05, 0.9), heavy_ball_factors),
        (Nesterov(0.05, 0.2), nesterov_factors),
        (Nesterov(0.05, 0.9), nesterov_factors),
    ],
)
def test_the_measured_rate_is_the_predicted_one(optimizer, factors):
    bowl = Quadratic(np.diag([1.0, 10.0]))
    trace = descend(bowl, [1.0, 1.0], optimizer, max_iterations=600, keep_points=True)
    errors = trace.errors([0.0, 0.0])
    # Complex roots make the error swing, so the rate is read off its peaks.
    early, late = np.log(errors[100:150].max()), np.log(errors[300:350].max())
    predicted = factors(0.05, optimizer.momentum, [1.0, 10.0]).max()
    assert (late - early) / 200 == pytest.approx(np.log(predicted), rel=0.02)


def test_says_what_is_wrong():
    for call in (
        lambda: heavy_ball_factors(-0.1, 0.9, [1.0]),
        lambda: nesterov_factors(-0.1, 0.9, [1.0]),
    ):
        with pytest.raises(ValueError, match="step_size must be a finite number >= 0"):
            call()
    for call in (
        lambda: heavy_ball_factors(0.1, 1.0, [1.0]),
        lambda: nesterov_factors(0.1, -0.1, [1.0]),
        lambda: heavy_ball_largest_stable_step(1.0, 1.0),
        lambda: heavy_ball_largest_stable_step(1.0, -0.1),
    ):
        with pytest.raises(ValueError, match="momentum must be a finite number >= 0 and < 1"):
            call()
    with pytest.raises(ValueError, match="curvatures must hold finite numbers"):
        heavy_ball_factors(0.1, 0.9, [np.nan])
    with pytest.raises(ValueError, match="smoothness must be a finite number > 0"):
        heavy_ball_largest_stable_step(0.0, 0.5)
    for tuning in (heavy_ball_tuning, nesterov_tuning):
        with pytest.raises(ValueError, match="smoothness must be a finite number > 0"):
            tuning(1.0, 0.0)
        with pytest.raises(ValueError, match="strong_convexity must be a finite number > 0 and <="):
            tuning(0.0, 1.0)
        with pytest.raises(ValueError, match="strong_convexity"):
            tuning(2.0, 1.0)
