"""Likelihoods: scores, maximum-likelihood estimates, and the costs they are identical with."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.costs import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    HalfSquaredError,
    LogisticLoss,
    SoftmaxCrossEntropy,
)
from course_lib.descent import descend
from course_lib.likelihoods import (
    Bernoulli,
    Binomial,
    Categorical,
    Distribution,
    Gaussian,
    as_cost,
    log_binomial_coefficient,
)
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, FunctionObjective
from course_lib.optimizers import GradientDescent
from course_lib.stopping import GradientNorm

FAMILIES = [
    (Bernoulli(0.3), np.array([0, 1, 1, 0, 0, 1])),
    (Binomial(5, 0.3), np.array([0, 1, 5, 2, 2, 3])),
    (Categorical([0.1, 0.2, 0.3, 0.4]), np.array([0, 3, 3, 1, 2, 2])),
    (Gaussian(1.0, 2.5), np.array([3.0, 9.5, 11.0, -1.0, 0.2])),
]
IDS = [type(d).__name__ for d, _ in FAMILIES]


@pytest.mark.parametrize(("model", "x"), FAMILIES, ids=IDS)
class TestEveryFamily:
    def test_score_is_the_gradient_of_the_log_density(self, model, x):
        theta, h = model.parameters, 1e-6
        columns = [
            (
                model.with_parameters(theta + e).log_density(x)
                - model.with_parameters(theta - e).log_density(x)
            )
            / (2 * h)
            for e in h * np.eye(len(theta))
        ]
        assert_allclose(model.score(x), np.transpose(columns), rtol=1e-7, atol=1e-8)
        assert model.score(x).shape == (len(x), len(theta))

    def test_the_score_averages_to_zero_under_the_model(self, model, x):
        draws = model.sample(100_000, seed=3)
        score = model.score(draws)
        error = score.std(axis=0) / np.sqrt(len(draws))
        assert (np.abs(score.mean(axis=0)) < 4 * error).all()

    def test_the_estimate_makes_the_score_of_the_data_vanish(self, model, x):
        best = model.fit(x)
        assert_allclose(best.score(x).sum(axis=0), 0.0, atol=1e-12)
        for step in 1e-3 * np.vstack([np.eye(len(best.parameters)), -np.eye(len(best.parameters))]):
            other = best.with_parameters(best.parameters + step)
            assert other.log_likelihood(x) < best.log_likelihood(x)

    def test_the_estimate_finds_the_truth_in_much_data(self, model, x):
        found = model.fit(model.sample(100_000, seed=4))
        assert_allclose(found.parameters, model.parameters, atol=0.03)

    def test_parameters_go_round(self, model, x):
        again = model.with_parameters(model.parameters)
        assert_allclose(again.parameters, model.parameters)
        assert_allclose(again.log_density(x), model.log_density(x))

    def test_likelihood_is_the_product(self, model, x):
        assert model.log_likelihood(x) == pytest.approx(model.log_density(x).sum())
        assert model.likelihood(x) == pytest.approx(np.exp(model.log_likelihood(x)))

    def test_samples_are_reproducible(self, model, x):
        assert_array_equal(model.sample(20, seed=1), model.sample(20, np.random.default_rng(1)))
        rng = np.random.default_rng(1)
        assert (model.sample(50, rng) != model.sample(50, rng)).any()
        with pytest.raises(ValueError, match="n_samples must be at least 1"):
            model.sample(0, seed=1)

    def test_the_identity_with_the_cost(self, model, x):
        identity = as_cost(model, x)
        assert identity.value == pytest.approx(-model.log_likelihood(x) / len(x), rel=1e-13)
        # Scale and offset belong to the data and the noise, not to what is predicted.
        other = model.with_parameters(np.r_[model.parameters[0] + 0.05, model.parameters[1:]])
        moved = as_cost(other, x)
        assert (moved.scale, moved.offset) == (identity.scale, identity.offset)
        assert moved.value == pytest.approx(-other.log_likelihood(x) / len(x), rel=1e-13)

    def test_no_observations(self, model, x):
        with pytest.raises(ValueError, match="hold at least one observation, got none"):
            model.fit([])


class TestIdentities:
    def test_which_cost_it_is(self):
        kinds = [BinaryCrossEntropy, BinaryCrossEntropy, CategoricalCrossEntropy, HalfSquaredError]
        for (model, x), kind in zip(FAMILIES, kinds, strict=True):
            assert type(as_cost(model, x).cost) is kind
        sigma = as_cost(*FAMILIES[3])
        assert sigma.scale == pytest.approx(1 / 6.25)
        assert as_cost(*FAMILIES[1]).scale == 5

    def test_logistic_regression_maximizes_the_likelihood_of_its_labels(self):
        rng = np.random.default_rng(0)
        X = rng.normal(size=(30, 1))
        y = (rng.random(30) < 1 / (1 + np.exp(-1.5 * X[:, 0]))).astype(float)
        risk = EmpiricalRisk(LinearModel(1, intercept=False), LogisticLoss(), X, y)
        thetas = np.linspace(-1, 4, 101)
        log_likelihood, mean_loss = [], []
        for theta in thetas:
            p = 1 / (1 + np.exp(-theta * X[:, 0]))
            log_likelihood.append(
                sum(Bernoulli(q).log_likelihood([t]) for q, t in zip(p, y, strict=True))
            )
            mean_loss.append(risk.value([theta]))
        assert_allclose(log_likelihood, -30 * np.array(mean_loss), rtol=1e-12)
        assert np.argmax(log_likelihood) == np.argmin(mean_loss)

    def test_softmax_cross_entropy_is_the_categorical_likelihood(self):
        rng = np.random.default_rng(0)
        scores, classes = rng.normal(size=(6, 4)), np.array([0, 3, 1, 1, 2, 0])
        rows = np.exp(scores) / np.exp(scores).sum(axis=1, keepdims=True)
        summed = sum(Categorical(p).log_likelihood([k]) for p, k in zip(rows, classes, strict=True))
        assert SoftmaxCrossEntropy().value(scores, classes) == pytest.approx(-summed / 6)

    def test_one_binomial_observation_is_many_bernoulli_ones(self):
        # Up to the number of orders in which the ones can come.
        tosses = np.array([1, 0, 1, 1, 0])
        together = Binomial(5, 0.3).log_likelihood([3])
        orders = float(log_binomial_coefficient(5, 3.0))
        assert together == pytest.approx(Bernoulli(0.3).log_likelihood(tosses) + orders)
        assert orders == pytest.approx(np.log(10))
        assert_allclose(Binomial(5, 0.3).score([3]), [Bernoulli(0.3).score(tosses).sum(axis=0)])

    def test_two_classes_are_a_coin(self):
        x = np.array([0, 1, 1])
        coin, classes = Bernoulli(0.3), Categorical([0.7, 0.3])
        assert_allclose(classes.log_density(x), coin.log_density(x))
        # The free parameter of the one is one minus that of the other.
        assert_allclose(classes.score(x), -coin.score(x))


class TestWorkedNumbers:
    def test_gaussian(self):
        best = Gaussian(0.0, 1.0).fit([3.0, 9.5, 11.0])
        assert best.mean == pytest.approx(7.83333, abs=5e-6)
        assert best.standard_deviation == pytest.approx(3.47211, abs=5e-6)

    def test_gaussian_by_descent_on_minus_the_mean_log_likelihood(self):
        x = np.array([3.0, 9.5, 11.0])
        objective = FunctionObjective(
            lambda t: -Gaussian(*t).log_likelihood(x) / 3,
            lambda t: -Gaussian(*t).score(x).mean(axis=0),
            n_parameters=2,
        )
        trace = descend(
            objective,
            [5.0, 5.0],
            GradientDescent(3.0),
            stop=GradientNorm(1e-9),
            max_iterations=5000,
        )
        assert trace.converged
        assert_allclose(trace.theta[-1], [7.83333, 3.47211], atol=5e-6)

    def test_the_estimated_variance_is_too_small_by_one_nth(self):
        # E = .8 * 9 for five draws of standard deviation 3.
        draws = Gaussian(0.0, 3.0).sample(5 * 20_000, seed=0).reshape(-1, 5)
        estimates = draws.var(axis=1)
        assert estimates.mean() == pytest.approx(7.2, abs=4 * estimates.std() / np.sqrt(20_000))
        one = Gaussian(0.0, 3.0).fit(draws[0])
        assert one.standard_deviation**2 == pytest.approx(estimates[0])

    def test_a_density_can_exceed_one_and_its_cost_be_negative(self):
        assert -Gaussian(0.0, 0.1).log_likelihood([0.0]) == pytest.approx(-1.38365, abs=5e-6)

    def test_four_classes(self):
        model = Categorical([0.1, 0.1, 0.7, 0.1])
        assert model.likelihood([2]) == pytest.approx(0.7)
        assert -model.log_likelihood([2]) == pytest.approx(0.356675, abs=5e-7)
        draws = model.sample(20_000, seed=0)
        assert_allclose(np.bincount(draws) / 20_000, model.probabilities, atol=0.015)
        assert repr(model) == "Categorical([0.1, 0.1, 0.7, 0.1])"
        assert model.n_classes == 4

    def test_products_underflow_and_sums_do_not(self):
        tosses = np.tile([0, 1], 1000)
        assert Bernoulli(0.5).likelihood(tosses) == 0.0
        assert Bernoulli(0.5).log_likelihood(tosses) == pytest.approx(-1386.29, abs=5e-3)

    def test_a_mass_sums_to_one(self):
        assert np.exp(Bernoulli(0.3).log_density([0, 1])).sum() == pytest.approx(1.0)
        assert np.exp(Binomial(7, 0.3).log_density(np.arange(8))).sum() == pytest.approx(1.0)


class TestEdges:
    def test_certainty(self):
        assert_array_equal(Bernoulli(1).log_density([1, 0]), [0.0, -np.inf])
        assert_array_equal(Bernoulli(0).log_density([1, 0]), [-np.inf, 0.0])
        assert_array_equal(Bernoulli(0).score([1, 0])[:, 0], [np.inf, -1.0])
        assert_array_equal(Binomial(3, 1).log_density([3, 2]), [0.0, -np.inf])
        assert_array_equal(Categorical([1.0, 0.0]).log_density([0, 1]), [0.0, -np.inf])
        assert Bernoulli(0.5).fit([1, 1, 1]).p == 1.0

    def test_equal_observations_have_no_best_gaussian(self):
        with pytest.raises(
            ValueError, match="not all be equal, got 3 times 2: the likelihood grows"
        ):
            Gaussian(0.0, 1.0).fit([2.0, 2.0, 2.0])

    @pytest.mark.parametrize(
        ("make", "message"),
        [
            (lambda: Bernoulli(1.5), "p must be a finite number >= 0 and <= 1, got 1.5"),
            (lambda: Binomial(0, 0.5), "n_trials must be at least 1"),
            (lambda: Binomial(3, -0.1), "p must be"),
            (lambda: Categorical([0.5, 0.4]), "probabilities must hold distributions.*sum of 0.9"),
            (lambda: Categorical([1.5, -0.5]), "probabilities must hold probabilities"),
            (lambda: Gaussian(0.0, 0.0), "standard_deviation must be a finite number > 0, got 0"),
            (lambda: Gaussian(np.nan, 1.0), "mean must be"),
            (lambda: Bernoulli(0.5).log_density([0.5]), "whole numbers from 0 to 1, got 0.5"),
            (lambda: Bernoulli(0.5).fit([2]), "whole numbers from 0 to 1, got 2"),
            (lambda: Binomial(3, 0.5).score([-1]), "whole numbers from 0 to 3, got -1"),
            (lambda: Categorical([0.5, 0.5]).score([2]), "whole numbers from 0 to 1, got 2"),
            (lambda: Gaussian(0.0, 1.0).log_density([np.nan]), "observations must hold finite"),
            (
                lambda: Gaussian(0.0, 1.0).with_parameters([1.0]),
                r"parameters must have shape \(2,\)",
            ),
            (lambda: Categorical([0.5, 0.5]).with_parameters([0.5, 0.5]), r"have shape \(1,\)"),
        ],
    )
    def test_bad_input(self, make, message):
        with pytest.raises(ValueError, match=message):
            make()

    def test_a_family_without_a_cost(self):
        class Cauchy(Distribution):
            parameters = np.zeros(0)
            with_parameters = fit = log_density = score = sample = None

            def __repr__(self):
                return "Cauchy()"

        with pytest.raises(TypeError, match=r"no cost is known for Cauchy\(\)"):
            as_cost(Cauchy(), [1.0])
