"""Shares of the least squares fit against runs, scikit-learn's ridge and numpy's least norm."""

import numpy as np
import pytest
from sklearn.datasets import load_diabetes
from sklearn.linear_model import Ridge

from course_lib.spectral_filters import LeastSquaresAxes, early_stopping_shares, ridge_shares


@pytest.fixture(scope="module")
def problem():
    X, y = load_diabetes(return_X_y=True)
    return 10 * X[:60], y[:60] - y[:60].mean()


@pytest.mark.parametrize("strength", [1e-3, 0.1, 10.0])
def test_ridge_is_that_of_scikit_learn(problem, strength):
    X, y = problem
    axes = LeastSquaresAxes.of(X, y)
    expected = Ridge(60 * strength, fit_intercept=False).fit(X, y).coef_
    np.testing.assert_allclose(axes.weights(ridge_shares(axes.curvatures, strength)), expected)


@pytest.mark.parametrize("iterations", [0, 1, 7, 200])
def test_stopped_descent_is_what_the_loop_reaches(problem, iterations):
    X, y = problem
    axes = LeastSquaresAxes.of(X, y)
    step, w = 0.9 / axes.curvatures[-1], np.zeros(10)
    for _ in range(iterations):
        w = w - step * X.T @ (X @ w - y) / len(y)
    shares = early_stopping_shares(axes.curvatures, step, iterations)
    np.testing.assert_allclose(axes.weights(shares), w, atol=1e-9)


def test_all_of_the_fit_is_the_least_norm_fit():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((5, 9)), rng.standard_normal(5)
    axes = LeastSquaresAxes.of(X, y)
    assert axes.axes.shape == (9, 5)
    assert (np.diff(axes.curvatures) > 0).all()
    expected = np.linalg.lstsq(X, y, rcond=None)[0]
    np.testing.assert_allclose(axes.weights(np.ones(5)), expected)
    np.testing.assert_allclose(axes.weights(np.ones((3, 5))), np.tile(expected, (3, 1)))


def test_directions_without_data_are_left_out():
    axes = LeastSquaresAxes.of([[1.0, 1.0], [2.0, 2.0], [0.0, 0.0]], [1.0, 2.0, 0.0])
    assert axes.curvatures == pytest.approx([10 / 3])
    np.testing.assert_allclose(axes.weights([1.0]), [0.5, 0.5])


def test_what_makes_no_sense_is_refused():
    with pytest.raises(ValueError, match="curvatures must not be negative, got -1"):
        ridge_shares([-1.0, 2.0], 1.0)
    with pytest.raises(ValueError, match="strength"):
        ridge_shares([1.0], 0.0)
    with pytest.raises(ValueError, match="iterations must be at least 0"):
        early_stopping_shares([1.0], 0.1, -1)
    with pytest.raises(ValueError, match=r"y must have shape \(2,\)"):
        LeastSquaresAxes.of(np.eye(2), [1.0, 2.0, 3.0])
