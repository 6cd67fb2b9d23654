"""The numbers behind the ledger's claims on the natural gradient (C170 to C179, U01, U02)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad

from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.information_geometry import (
    Family,
    NaturalGradient,
    NegativeLogLikelihood,
    Poisson,
    empirical_fisher,
    fisher_exact,
    fisher_information,
    fisher_monte_carlo,
    gaussian_curvature,
    kl_between,
    natural_direction,
)
from course_lib.likelihoods import Bernoulli, Gaussian
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent


def change_of_probability(chart, optimizer):
    """One step for a coin believed fair that fell on its head 8 times in 10."""
    family = Family(Bernoulli(0.5), chart)
    objective = NegativeLogLikelihood(family, [1] * 8 + [0] * 2)
    theta = family.coordinates_of(Bernoulli(0.5))
    trace = descend(objective, theta, optimizer, max_iterations=1)
    return family.distribution(trace.final).p - 0.5


def test_c170_the_gradient_depends_on_the_coordinates_and_the_natural_gradient_does_not():
    plain = GradientDescent(1e-4)
    assert change_of_probability("parameters", plain) == pytest.approx(1.2e-4, rel=1e-6)
    assert change_of_probability("log odds", plain) == pytest.approx(7.5e-6, rel=1e-6)
    natural = NaturalGradient(1e-4, damping=0.0)
    assert change_of_probability("parameters", natural) == pytest.approx(3e-5, rel=1e-6)
    assert change_of_probability("log odds", natural) == pytest.approx(3e-5, rel=1e-6)


def test_c171_the_divergence_is_no_distance():
    coins = {p: Bernoulli(p) for p in (0.1, 0.3, 0.5)}
    there, back = kl_between(coins[0.5], coins[0.1]), kl_between(coins[0.1], coins[0.5])
    assert (round(there, 4), round(back, 4)) == (0.5108, 0.3681)
    detour = kl_between(coins[0.5], coins[0.3]) + kl_between(coins[0.3], coins[0.1])
    assert round(detour, 4) == 0.2408
    assert detour < there


def test_c172_u01_the_divergence_is_plus_half_the_quadratic_form():
    family = Family(Gaussian(0.0, 1.0))
    theta, direction = np.array([0.0, 1.0]), np.array([1.0, -0.5])
    ratios = []
    for size in (0.1, 0.01, 0.001):
        delta = size * direction
        divergence = kl_between(family.member, family.distribution(theta + delta))
        ratios.append(divergence / (0.5 * delta @ family.fisher(theta) @ delta))
    assert all(ratio > 0 for ratio in ratios)  # The upstream formula has a minus.
    np.testing.assert_allclose(np.array(ratios) - 1.0, [0.1018, 0.00951, 0.000945], rtol=0.01)


def test_u02_the_second_order_term_is_the_hessian_not_the_square_of_the_score():
    # For one observation the two differ; only in expectation are they minus each other.
    x, h, d = 2.0, 1e-3, Gaussian(0.0, 1.0)
    change = Gaussian(h, 1.0).log_density([x])[0] - d.log_density([x])[0]
    score, hessian = d.score([x])[0, 0], -1.0
    assert change == pytest.approx(h * score + 0.5 * h**2 * hessian, abs=1e-12)
    assert abs(change - (h * score + 0.5 * h**2 * score**2)) > 1e-6


def test_c173_steepest_descent_under_a_fixed_divergence():
    rng = np.random.default_rng(0)
    x = rng.standard_normal((50, 3)) * [1.0, 2.0, 0.5]
    risk = EmpiricalRisk(LinearModel(3), HalfSquaredError(), x, x @ [1.0, -1.0, 2.0] + 0.5)
    theta = np.zeros(4)
    g, F = risk.gradient(theta), fisher_exact(risk, theta)

    def slope(direction):
        """The change of the loss for a step of divergence one half."""
        return direction @ g / np.sqrt(np.einsum("...i,ij,...j->...", direction, F, direction))

    best = slope(-natural_direction(F, g))
    assert best == pytest.approx(-np.sqrt(g @ np.linalg.solve(F, g)))
    directions = rng.standard_normal((100_000, 4))
    others = directions @ g / np.sqrt(np.einsum("ni,ij,nj->n", directions, F, directions))
    assert others.min() >= best * (1 + 1e-12)
    assert best < slope(-g) < 0.0


def test_c174_a_score_of_zero_may_be_a_saddle():
    # Two equal components of a mixture in the mean of twelve observations with sum of squares 16.
    x = np.tile([-2.0, 2.0], 2).tolist() + [0.0] * 8

    def log_likelihood(means):
        parts = [np.exp(Gaussian(m, 1.0).log_density(x)) for m in means]
        return np.log(0.5 * parts[0] + 0.5 * parts[1]).sum()

    h, e = 1e-4, np.eye(2)
    slope = [(log_likelihood(h * v) - log_likelihood(-h * v)) / (2 * h) for v in e]
    np.testing.assert_allclose(slope, 0.0, atol=1e-8)
    hessian = np.array(
        [
            [
                sum(s * t * log_likelihood(h * (s * a + t * b)) for s in (1, -1) for t in (1, -1))
                / (4 * h**2)
                for b in e
            ]
            for a in e
        ]
    )
    np.testing.assert_allclose(np.linalg.eigvalsh(hessian), [-6.0, 2.0], atol=1e-5)


def test_c175_the_mean_score_is_zero_under_the_model_itself():
    p = 0.3
    coin = Bernoulli(p).score([0.0, 1.0])[:, 0] @ [1 - p, p]
    assert coin == pytest.approx(0.0, abs=1e-15)
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    right = Gaussian(0.0, 1.5).score(1.5 * nodes)[:, 0]
    assert weights @ right == pytest.approx(0.0, abs=1e-15)
    # The observations come from another Gaussian than the one that is scored.
    wrong = Gaussian(0.5, 1.5).score(1.5 * nodes)[:, 0]
    assert weights @ wrong == pytest.approx(-0.222, abs=5e-4)
    # Uniform on (0, theta): log p = -log theta for every x, so the score is never zero.
    theta, h = 2.0, 1e-6
    score = -(np.log(theta + h) - np.log(theta - h)) / (2 * h)
    assert score == pytest.approx(-0.5)


def test_c176_the_information_bounds_the_variance_of_an_estimate():
    k = np.arange(80.0)
    scores = Poisson(3.0).score(k)[:, 0]
    variance = scores**2 @ np.exp(Poisson(3.0).log_density(k))
    assert variance == pytest.approx(1 / 3)
    assert fisher_information(Poisson(3.0))[0, 0] == pytest.approx(1 / 3)
    bound = 1.0 / (20 * variance)
    assert bound == pytest.approx(0.15)
    n = 40_000
    samples = Poisson(3.0).sample(20 * n, seed=1).reshape(n, 20)
    estimates = samples.mean(axis=1)  # The maximum likelihood; it is efficient.
    error = bound * np.sqrt(2.0 / n)
    assert estimates.var() == pytest.approx(bound, abs=4 * error)


def test_c177_the_information_is_the_expected_hessian_of_the_log_likelihood():
    k = np.arange(80.0)
    probabilities = np.exp(Poisson(3.0).log_density(k))
    assert (k / 9.0) @ probabilities == pytest.approx(1 / 3)  # -d^2/dlambda^2 log p = k / lambda^2.

    def density(x):
        return 1.0 / (np.pi * (1 + x**2))

    def squared_score(x):
        return (2 * x / (1 + x**2)) ** 2

    def minus_hessian(x):
        return (2 - 2 * x**2) / (1 + x**2) ** 2

    for function in (squared_score, minus_hessian):
        expectation = quad(lambda x, f=function: f(x) * density(x), -np.inf, np.inf)[0]
        assert expectation == pytest.approx(0.5)
    # For a single observation the two have not even the same sign.
    assert minus_hessian(2.0) == pytest.approx(-0.24)
    assert squared_score(2.0) == pytest.approx(0.64)


@pytest.mark.parametrize("point", [(0.0, 1.0), (2.0, 0.5), (-1.0, 3.0)])
def test_c178_the_family_of_gaussians_is_curved(point):
    curvature = gaussian_curvature(Family(Gaussian(*point)).fisher, point)
    assert curvature == pytest.approx(-0.5, abs=1e-6)


def test_c179_the_empirical_fisher_is_another_matrix():
    # A line fitted to data that bend: the model believes in a noise of one, the data do not.
    rng = np.random.default_rng(0)
    x = rng.standard_normal(4000)
    y = 1.5 * x + x**2 - 1.0 + 0.5 * rng.standard_normal(4000)
    model = LinearModel(1, intercept=False)
    risk = EmpiricalRisk(model, HalfSquaredError(), x[:, None], y)
    theta = np.array([x @ y / (x @ x)])
    exact = fisher_exact(risk, theta)[0, 0]
    assert exact == pytest.approx(np.mean(x**2))
    sampled = fisher_monte_carlo(risk, theta, seed=1, n_draws=20)
    assert abs(sampled.matrix[0, 0] - exact) < 4 * sampled.standard_error[0, 0]
    assert empirical_fisher(risk, theta)[0, 0] > 8 * exact
