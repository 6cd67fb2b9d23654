"""Families, divergences, distances and curvature."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.descent import descend
from course_lib.gradient_check import check_gradient
from course_lib.information_geometry import (
    COORDINATES,
    Family,
    NegativeLogLikelihood,
    Poisson,
    fisher_information,
    fisher_rao_distance,
    gaussian_curvature,
    kl_between,
    kl_between_gaussians,
)
from course_lib.likelihoods import Bernoulli, Binomial, Categorical, Distribution, Gaussian
from course_lib.optimizers import GradientDescent

ROOT = Path(__file__).parents[2]

# Each family in each of its coordinates, and an inner point of it.
FAMILIES = [
    (Bernoulli(0.3), "parameters"),
    (Bernoulli(0.3), "log odds"),
    (Binomial(7, 0.3), "parameters"),
    (Binomial(7, 0.3), "log odds"),
    (Categorical([0.2, 0.5, 0.3]), "parameters"),
    (Categorical([0.2, 0.5, 0.3]), "log odds"),
    (Poisson(2.5), "parameters"),
    (Poisson(2.5), "log"),
    (Gaussian(0.4, 1.7), "parameters"),
    (Gaussian(0.4, 1.7), "mean and log scale"),
    (Gaussian(0.4, 1.7), "mean and variance"),
    (Gaussian(0.4, 1.7), "natural"),
]
ids = [f"{type(d).__name__}, {name}" for d, name in FAMILIES]
each_family = pytest.mark.parametrize(("member", "coordinates"), FAMILIES, ids=ids)


def expectation(member, function):
    """Return the exact expectation of a function of one observation."""
    if isinstance(member, Gaussian):
        nodes, weights = np.polynomial.hermite_e.hermegauss(20)
        x = member.mean + member.standard_deviation * nodes
        weights = weights / weights.sum()
    else:
        last = {"Bernoulli": 1, "Binomial": 7, "Categorical": 2, "Poisson": 80}
        x = np.arange(last[type(member).__name__] + 1.0)
        weights = np.exp(member.log_density(x))
    return np.tensordot(weights, function(x), axes=1)


class TestFamilies:
    @each_family
    def test_coordinates_and_their_way_back(self, member, coordinates):
        family = Family(member, coordinates)
        theta = family.coordinates_of(member)
        again = family.distribution(theta)
        np.testing.assert_allclose(again.parameters, member.parameters, rtol=1e-14)
        assert type(again) is type(member)

    @each_family
    def test_jacobian_is_the_derivative_of_the_parameters(self, member, coordinates):
        family = Family(member, coordinates)
        theta, h = family.coordinates_of(member), 1e-6
        map_, J = family.coordinates.parameters, family.coordinates.jacobian(theta)
        for i, e in enumerate(np.eye(len(theta))):
            slope = (map_(theta + h * e) - map_(theta - h * e)) / (2 * h)
            np.testing.assert_allclose(J[:, i], slope, rtol=1e-8, atol=1e-9)

    @each_family
    def test_score_is_the_gradient_of_the_log_density_and_its_mean_is_zero(
        self, member, coordinates
    ):
        family = Family(member, coordinates)
        theta, h = family.coordinates_of(member), 1e-6
        x = np.array([0.0, 1.0, 1.0])
        score = family.score(theta, x)
        for i, e in enumerate(np.eye(len(theta))):
            above = family.distribution(theta + h * e).log_density(x)
            below = family.distribution(theta - h * e).log_density(x)
            np.testing.assert_allclose(score[:, i], (above - below) / (2 * h), rtol=1e-7, atol=1e-8)
        mean = expectation(member, lambda x: family.score(theta, x))
        np.testing.assert_allclose(mean, 0.0, atol=1e-13)

    @each_family
    def test_fisher_is_the_covariance_of_the_score(self, member, coordinates):
        family = Family(member, coordinates)
        theta = family.coordinates_of(member)

        def squares(x):
            s = family.score(theta, x)
            return s[:, :, None] * s[:, None, :]

        expected = expectation(member, squares)
        np.testing.assert_allclose(family.fisher(theta), expected, rtol=1e-11, atol=1e-14)

    @each_family
    def test_fisher_is_minus_the_expected_hessian(self, member, coordinates):
        # Of the LOG-LIKELIHOOD; the derivative of the score, not its second derivative.
        family = Family(member, coordinates)
        theta, h = family.coordinates_of(member), 1e-5
        hessian = np.empty((len(theta), len(theta)))
        for i, e in enumerate(np.eye(len(theta))):

            def slope(x, e=e):
                return (family.score(theta + h * e, x) - family.score(theta - h * e, x)) / (2 * h)

            hessian[i] = expectation(member, slope)
        np.testing.assert_allclose(family.fisher(theta), -hessian, rtol=1e-7, atol=1e-8)

    @each_family
    def test_divergence_is_half_the_quadratic_form_to_third_order(self, member, coordinates):
        family = Family(member, coordinates)
        theta = family.coordinates_of(member)
        direction = np.linspace(1.0, -0.6, len(theta)) * 0.1 * np.abs(theta).max()
        errors = []
        for size in (1e-1, 1e-2):
            delta = size * direction
            exact = kl_between(member, family.distribution(theta + delta))
            errors.append(abs(exact / (0.5 * delta @ family.fisher(theta) @ delta) - 1.0))
        assert exact > 0
        # The relative error is of first order: ten times less for a step ten times shorter.
        assert errors[1] < 0.2 * errors[0] < 0.02

    def test_information_adds_up_over_observations(self):
        coin, coins = Bernoulli(0.3), Binomial(7, 0.3)
        np.testing.assert_allclose(fisher_information(coins), 7 * fisher_information(coin))

    def test_known_values(self):
        assert fisher_information(Bernoulli(0.5)) == 4.0
        assert Family(Bernoulli(0.5), "log odds").fisher([0.0]) == 0.25
        assert fisher_information(Poisson(3.0)) == pytest.approx(1 / 3)
        assert Family(Poisson(3.0), "log").fisher([np.log(3.0)]) == pytest.approx(3.0)
        np.testing.assert_array_equal(fisher_information(Gaussian(5.0, 2.0)), [[0.25, 0], [0, 0.5]])

    @pytest.mark.parametrize(
        "edge", [Bernoulli(0.0), Bernoulli(1.0), Binomial(3, 1.0), Categorical([0.0, 0.5, 0.5])]
    )
    def test_information_is_infinite_on_the_edge(self, edge):
        with pytest.raises(ValueError, match=r"infinite: no outcome may have probability zero"):
            fisher_information(edge)

    def test_unknown_distributions_and_coordinates(self):
        class Cauchy(Bernoulli):
            pass

        with pytest.raises(TypeError, match=r"no Fisher information is known for .*Cauchy"):
            fisher_information(Cauchy(0.5))
        with pytest.raises(ValueError, match="unknown coordinates 'polar'"):
            Family(Bernoulli(0.5), "polar")

    def test_log_odds_do_not_overflow(self):
        with np.errstate(all="raise", under="ignore"):
            assert Family(Bernoulli(0.5), "log odds").distribution([1e4]).p == 1.0
            assert Family(Bernoulli(0.5), "log odds").distribution([-1e4]).p == 0.0

    def test_names_itself(self):
        assert repr(Family(Poisson(1.0), "log")) == "Family(Poisson, 'log')"


class TestPoisson:
    def test_is_a_distribution(self):
        counts = np.arange(60.0)
        probabilities = np.exp(Poisson(2.5).log_density(counts))
        assert probabilities.sum() == pytest.approx(1.0)
        assert counts @ probabilities == pytest.approx(2.5)
        assert (counts - 2.5) ** 2 @ probabilities == pytest.approx(2.5)

    def test_maximum_likelihood_is_the_mean(self):
        x = [0, 3, 1, 2]
        best = Poisson(1.0).fit(x)
        assert best == Poisson(1.5)
        assert best.score(x).sum() == pytest.approx(0.0, abs=1e-15)
        assert best.log_likelihood(x) > Poisson(1.6).log_likelihood(x)

    def test_samples_have_the_rate(self):
        x = Poisson(4.0).sample(20_000, seed=0)
        assert x.mean() == pytest.approx(4.0, abs=4 * np.sqrt(4.0 / 20_000))
        np.testing.assert_array_equal(x, Poisson(4.0).sample(20_000, np.random.default_rng(0)))

    @pytest.mark.parametrize(("x", "got"), [([-1], "-1"), ([0.5], "0.5"), ([], "none")])
    def test_counts_are_whole(self, x, got):
        with pytest.raises(ValueError, match=f"whole numbers 0, 1, 2, ..., got {got}"):
            Poisson(1.0).log_density(x)

    def test_rate_is_positive(self):
        with pytest.raises(ValueError, match="rate must be"):
            Poisson(0.0)


class TestDivergence:
    @each_family
    def test_is_the_expected_log_ratio(self, member, coordinates):
        family = Family(member, coordinates)
        other = family.distribution(family.coordinates_of(member) * 0.9)
        expected = expectation(member, lambda x: member.log_density(x) - other.log_density(x))
        assert kl_between(member, other) == pytest.approx(expected, rel=1e-10)
        assert kl_between(member, member) == 0.0

    @settings(max_examples=100, deadline=None)
    @given(st.floats(-5, 5), st.floats(0.1, 5), st.floats(-5, 5), st.floats(0.1, 5))
    def test_of_gaussians_is_never_negative(self, m, s, n, t):
        assert kl_between(Gaussian(m, s), Gaussian(n, t)) >= -1e-15

    def test_is_infinite_where_the_impossible_happens(self):
        assert kl_between(Bernoulli(0.5), Bernoulli(0.0)) == np.inf
        assert kl_between(Bernoulli(0.0), Bernoulli(0.5)) == pytest.approx(np.log(2))

    def test_of_gaussians_in_one_dimension_and_in_more(self):
        expected = kl_between(Gaussian(1.0, 2.0), Gaussian(-0.5, 0.7))
        assert kl_between_gaussians([1.0], [[4.0]], [-0.5], [[0.49]]) == pytest.approx(expected)
        # Independent coordinates add up; a linear map changes nothing.
        parts = [(1.0, 2.0, -0.5, 0.7), (0.0, 1.0, 3.0, 1.5)]
        total = sum(kl_between(Gaussian(a, b), Gaussian(c, d)) for a, b, c, d in parts)
        mp, sp, mq, sq = np.array(parts).T
        T = np.array([[1.0, 0.3], [-0.7, 2.0]])
        found = kl_between_gaussians(
            T @ mp, T @ np.diag(sp**2) @ T.T, T @ mq, T @ np.diag(sq**2) @ T.T
        )
        assert found == pytest.approx(total)

    @pytest.mark.parametrize(
        ("p", "q"),
        [
            (Bernoulli(0.5), Poisson(0.5)),
            (Binomial(3, 0.5), Binomial(4, 0.5)),
            (Categorical([0.5, 0.5]), Categorical([0.5, 0.25, 0.25])),
        ],
    )
    def test_needs_one_family(self, p, q):
        with pytest.raises(TypeError, match="p and q must be of one family"):
            kl_between(p, q)


class TestFisherRaoDistance:
    @each_family
    def test_is_the_length_of_small_steps(self, member, coordinates):
        family = Family(member, coordinates)
        theta = family.coordinates_of(member)
        delta = 1e-5 * np.linspace(1.0, -0.6, len(theta)) * np.abs(theta).max()
        length = np.sqrt(delta @ family.fisher(theta + delta / 2) @ delta)
        other = family.distribution(theta + delta)
        assert fisher_rao_distance(member, other) == pytest.approx(length, rel=1e-6)

    def test_adds_up_along_a_curve_without_turns(self):
        # One parameter, one path: the distance is the integral of the root of the information.
        for first, last in (
            (Bernoulli(0.1), Bernoulli(0.8)),
            (Binomial(5, 0.1), Binomial(5, 0.8)),
            (Poisson(0.5), Poisson(4.0)),
        ):
            a, b = first.parameters[0], last.parameters[0]
            nodes, weights = np.polynomial.legendre.leggauss(60)
            t = (a + b) / 2 + (b - a) / 2 * nodes
            roots = [np.sqrt(fisher_information(first.with_parameters([u]))[0, 0]) for u in t]
            assert fisher_rao_distance(first, last) == pytest.approx((b - a) / 2 * weights @ roots)

    def test_of_gaussians_with_one_mean(self):
        distance = fisher_rao_distance(Gaussian(1.0, 0.5), Gaussian(1.0, 4.0))
        assert distance == pytest.approx(np.sqrt(2) * np.log(8.0))

    def test_of_gaussians_with_one_width_is_shorter_than_the_straight_line(self):
        # Through wider distributions, which are harder to tell apart.
        distance = fisher_rao_distance(Gaussian(0.0, 1.0), Gaussian(5.0, 1.0))
        assert distance < 0.8 * 5.0

    def test_of_two_outcomes_is_that_of_a_coin(self):
        p, q = Categorical([0.2, 0.8]), Categorical([0.7, 0.3])
        expected = fisher_rao_distance(Bernoulli(0.2), Bernoulli(0.7))
        assert fisher_rao_distance(p, q) == pytest.approx(expected)

    @pytest.mark.parametrize("points", [(0.1, 0.5, 0.9), (0.3, 0.31, 0.7)])
    def test_is_a_distance(self, points):
        p, q, r = (Categorical([a, 0.05, 0.95 - a]) for a in points)
        assert fisher_rao_distance(p, q) == fisher_rao_distance(q, p)
        direct = fisher_rao_distance(p, r)
        assert direct <= fisher_rao_distance(p, q) + fisher_rao_distance(q, r) + 1e-15
        assert fisher_rao_distance(p, p) == 0.0


class TestCurvature:
    @pytest.mark.parametrize("point", [(0.0, 1.0), (3.0, 0.5), (-1.0, 4.0)])
    @pytest.mark.parametrize(
        "coordinates", ["parameters", "mean and log scale", "mean and variance", "natural"]
    )
    def test_of_the_gaussians_is_minus_one_half_in_all_coordinates(self, point, coordinates):
        family = Family(Gaussian(*point), coordinates)
        theta = family.coordinates_of(Gaussian(*point))
        step = 1e-4 if coordinates == "natural" else 1e-3
        assert gaussian_curvature(family.fisher, theta, step) == pytest.approx(-0.5, abs=1e-5)

    def test_of_three_outcomes_is_that_of_a_sphere_of_radius_two(self):
        family = Family(Categorical([0.2, 0.5, 0.3]), "log odds")
        theta = family.coordinates_of(family.member)
        assert gaussian_curvature(family.fisher, theta) == pytest.approx(0.25, abs=1e-7)

    def test_of_a_plane_is_zero_in_any_coordinates(self):
        polar = lambda t: np.diag([1.0, t[0] ** 2])  # noqa: E731
        assert gaussian_curvature(polar, [2.0, 0.3]) == pytest.approx(0.0, abs=1e-8)

        def sheared(t):
            J = np.array([[1.0, t[1]], [0.0, 1.0 + t[0] ** 2]])
            J = J + np.array([[2 * t[0], 0.0], [2 * t[0] * t[1], 0.0]])
            x = np.array([[1.0 + 2 * t[0], t[1]], [2 * t[0] * t[1], 1.0 + t[0] ** 2]])
            return x.T @ x  # Of the map (u, v) to (u + u^2 + v^2 / 2, v + u^2 v).

        assert gaussian_curvature(sheared, [0.3, -0.2]) == pytest.approx(0.0, abs=1e-8)

    def test_of_a_sphere_and_of_a_saddle_surface(self):
        sphere = lambda t: np.diag([9.0, 9.0 * np.sin(t[0]) ** 2])  # noqa: E731
        assert gaussian_curvature(sphere, [1.0, 0.0]) == pytest.approx(1 / 9, abs=1e-8)
        u, v = 0.4, -0.7

        def saddle(t):  # The graph of z = u v.
            return np.eye(2) + np.outer(t[::-1], t[::-1])

        expected = -1.0 / (1 + u**2 + v**2) ** 2
        assert gaussian_curvature(saddle, [u, v]) == pytest.approx(expected, abs=1e-8)


class TestNegativeLogLikelihood:
    @each_family
    def test_gradient(self, member, coordinates):
        family = Family(member, coordinates)
        objective = NegativeLogLikelihood(family, [0.0, 1.0, 1.0, 1.0])
        check_gradient(objective, family.coordinates_of(member) * 1.05)
        check_gradient(objective, family.coordinates_of(member), batch=np.array([1, 0]))

    def test_descends_to_the_maximum_likelihood(self):
        x = np.array([0.3, -1.0, 2.2, 0.7])
        objective = NegativeLogLikelihood(Family(Gaussian(0.0, 1.0), "mean and log scale"), x)
        trace = descend(objective, [0.0, 0.0], GradientDescent(0.3), max_iterations=500)
        np.testing.assert_allclose(trace.final, [x.mean(), np.log(x.std())], atol=1e-10)

    @pytest.mark.parametrize(
        ("family", "outside"),
        [
            (Family(Bernoulli(0.5)), [1.5]),
            (Family(Gaussian(0.0, 1.0), "mean and variance"), [0.0, -1.0]),
            (Family(Poisson(1.0), "log"), [1e4]),
        ],
    )
    def test_is_infinite_where_there_is_no_distribution(self, family, outside):
        objective = NegativeLogLikelihood(family, [0.0, 1.0])
        value, gradient = objective.value_and_gradient(outside)
        assert value == np.inf
        assert np.isnan(gradient).all()

    def test_fisher_is_the_families_whatever_the_data(self):
        family = Family(Bernoulli(0.5))
        objective = NegativeLogLikelihood(family, [1.0, 1.0])
        np.testing.assert_array_equal(objective.fisher([0.2]), family.fisher([0.2]))
        assert "Family(Bernoulli, 'parameters'), 2 observations" in repr(objective)


def test_all_coordinates_are_tested():
    assert {name for _, name in FAMILIES} == set(COORDINATES)
    assert all(isinstance(member, Distribution) for member, _ in FAMILIES)


def test_loads_without_scipy_and_scikit_learn():
    code = (
        "import sys, course_lib.information_geometry\n"
        "heavy = {'sklearn', 'scipy', 'matplotlib', 'numba'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)
