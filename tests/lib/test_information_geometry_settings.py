"""Information geometry: its defaults, batches, draws, precisions, and where it stops."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_lib.costs import HalfSquaredError, LogisticLoss, SoftmaxCrossEntropy
from course_lib.information_geometry import (
    KFAC,
    DensePair,
    Family,
    KroneckerFactors,
    NaturalGradient,
    NegativeLogLikelihood,
    Poisson,
    dense_pairs,
    empirical_fisher,
    fisher_exact,
    fisher_monte_carlo,
    fisher_vector_product,
    gaussian_curvature,
    model_labels,
    solve_by_products,
)
from course_lib.information_geometry.fisher import _bernoulli_labels, _gaussian_labels
from course_lib.information_geometry.layerwise import output_jacobians
from course_lib.likelihoods import Bernoulli, Categorical, Gaussian
from course_lib.line_search import BacktrackingLineSearch, StepContext
from course_lib.linear_models import LinearModel
from course_lib.networks import Dense, Dropout, Network, Nonlinearity
from course_lib.objectives import EmpiricalRisk

RNG = np.random.default_rng(7)
X = RNG.standard_normal((12, 3))
BITS = np.arange(12) % 2
CLASSES = np.arange(12) % 3
LOGISTIC = EmpiricalRisk(LinearModel(3), LogisticLoss(), X, BITS)
COINS = NegativeLogLikelihood(Family(Bernoulli(0.5)), BITS)


def test_has_the_documented_defaults():
    natural = vars(NaturalGradient())
    assert (natural["damping"], natural["solver"], natural["tol"]) == (1e-4, "direct", 1e-8)
    assert natural["fisher"] is fisher_exact
    assert natural["max_divergence"] is natural["max_iterations"] is None
    assert natural["step_size"](0) == 1.0
    kfac = vars(KFAC())
    assert (kfac["damping"], kfac["decay"], kfac["seed"]) == (1e-2, 0.95, 0)
    assert kfac["step_size"](0) == 1.0
    exact = NaturalGradient(tol=0, max_iterations=1, damping=0)
    assert (exact.tol, exact.max_iterations, exact.damping) == (0.0, 1, 0.0)
    assert KFAC(decay=0).decay == 0.0


def test_a_rate_is_a_floating_number_and_one_count_can_be_drawn():
    assert type(Poisson(2).rate) is float
    assert Poisson(2.0).sample(1, 0).shape == (1,)


class TestLabels:
    def test_of_a_gaussian_have_its_mean_and_variance(self):
        labels = _gaussian_labels(4.0)(np.full((40_000, 1), 3.0), np.random.default_rng(0))
        assert labels.shape == (40_000, 1)
        assert labels.mean() == pytest.approx(3.0, abs=0.05)
        assert labels.var() == pytest.approx(4.0, rel=0.05)

    @pytest.mark.parametrize("dtype", [np.float32, np.float64])
    def test_of_a_coin_have_the_precision_of_the_outputs(self, dtype):
        labels = _bernoulli_labels(np.array([-50.0, 50.0], dtype), np.random.default_rng(0))
        assert labels.dtype == dtype
        assert labels.tolist() == [0.0, 1.0]


class TestBatches:
    """What is asked on some of the samples is what the objective of these samples says."""

    batch = np.array([0, 3, 4, 9])

    def pairs(self):
        theta = np.array([0.3, -0.2, 0.5, 0.1])
        some = EmpiricalRisk(LinearModel(3), LogisticLoss(), X[self.batch], BITS[self.batch])
        coins = NegativeLogLikelihood(Family(Bernoulli(0.5)), BITS[[0, 2, 5]])
        return [
            (LOGISTIC, some, theta, self.batch),
            (COINS, coins, np.array([0.3]), np.array([0, 2, 5])),
        ]

    def test_of_the_empirical_and_the_exact_matrix(self):
        for whole, part, theta, batch in self.pairs():
            for estimate in (fisher_exact, empirical_fisher):
                assert_allclose(estimate(whole, theta, batch), estimate(part, theta), rtol=1e-13)
        # And it does make a difference.
        whole, _, theta, batch = self.pairs()[1]
        assert abs(empirical_fisher(whole, theta, batch) / empirical_fisher(whole, theta) - 1) > 0.1

    def test_of_products_and_draws(self):
        for whole, part, theta, batch in self.pairs():
            vector = np.arange(1.0, 1.0 + len(theta))
            assert_allclose(
                fisher_vector_product(whole, theta, vector, batch),
                fisher_vector_product(part, theta, vector),
                rtol=1e-13,
            )
            found = fisher_monte_carlo(whole, theta, 5, n_draws=3, batch=batch)
            expected = fisher_monte_carlo(part, theta, 5, n_draws=3)
            assert_allclose(found.matrix, expected.matrix, rtol=1e-12)
            assert_allclose(found.standard_error, expected.standard_error, rtol=1e-12)

    @pytest.mark.parametrize(
        "optimizer",
        [NaturalGradient(), NaturalGradient(solver="conjugate gradients"), KFAC(seed=3)],
        ids=["direct", "products", "kfac"],
    )
    def test_of_a_step(self, optimizer):
        whole, part, theta, batch = self.pairs()[0]
        gradient = part.gradient(theta).copy()
        steps = [
            optimizer.update(
                gradient.copy(), optimizer.init(theta), theta, StepContext(risk, 1.0, rows)
            ).copy()
            for risk, rows in ((whole, batch), (part, None))
        ]
        assert_allclose(steps[0], steps[1], rtol=1e-6)


def small_network(dtype):
    network = Network(3, [Dense(4, "tanh"), Dense(3)])
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X.astype(dtype), CLASSES)
    return risk, network.initial_parameters(seed=2).astype(dtype)


def test_factors_and_steps_of_kfac_keep_single_precision():
    risk, theta = small_network(np.float32)
    optimizer = KFAC(0.1)
    state = optimizer.init(theta)
    for _ in range(2):
        step = optimizer.update(
            risk.gradient(theta), state, theta, StepContext(risk, risk.value(theta))
        )
    assert step.dtype == np.float32
    for factors in state["factors"].values():
        assert factors.A.dtype == factors.G.dtype == np.float32
        solution = factors.solve(np.ones((len(factors.A), len(factors.G)), np.float32), 0.1)
        assert solution.dtype == np.float32


def test_inputs_of_single_precision_with_a_bias_give_a_factor_of_single_precision():
    pair = DensePair("w", "b", np.ones((4, 2), np.float32), np.ones((4, 3), np.float32))
    assert KroneckerFactors(pair).A.dtype == np.float32


@pytest.mark.parametrize("solver", ["direct", "conjugate gradients"])
def test_a_step_counts_and_tells_its_size(solver):
    optimizer = NaturalGradient(lambda k: 0.5 / (k + 1), solver=solver, damping=0.1)
    theta = np.array([0.3, -0.2, 0.5, 0.1])
    state = optimizer.init(theta)
    assert state["k"] == 0
    gradient = LOGISTIC.gradient(theta).copy()
    matrix = fisher_exact(LOGISTIC, theta) + 0.1 * np.eye(4)
    for k in (1, 2):
        step = optimizer.update(gradient, state, theta, StepContext(LOGISTIC, 1.0))
        assert (state["k"], state["step_size"]) == (k, 0.5 / k)
        assert_allclose(step, -0.5 / k * np.linalg.solve(matrix, gradient), rtol=1e-6)


def test_a_longer_step_than_allowed_is_cut_to_the_divergence():
    theta = np.array([0.3, -0.2, 0.5, 0.1])
    gradient = LOGISTIC.gradient(theta).copy()
    matrix = fisher_exact(LOGISTIC, theta)
    for limit in (1e-6, 1e-3):
        optimizer = NaturalGradient(1.0, damping=0.1, max_divergence=limit)
        state = optimizer.init(theta)
        step = optimizer.update(gradient, state, theta, StepContext(LOGISTIC, 1.0))
        assert 0.5 * step @ matrix @ step == pytest.approx(limit, rel=1e-9)
        full = -np.linalg.solve(matrix + 0.1 * np.eye(4), gradient)
        assert_allclose(step, state["step_size"] * full, rtol=1e-9)
    free = NaturalGradient(1.0, damping=0.1, max_divergence=1e3)
    step = free.update(gradient, free.init(theta), theta, StepContext(LOGISTIC, 1.0))
    assert_allclose(step, full, rtol=1e-9)


def test_of_a_circle_of_outcomes_the_curvature_is_a_quarter():
    # Three outcomes lie on a sphere of radius 2.
    metric = Family(Categorical([0.3, 0.3, 0.4])).fisher
    assert gaussian_curvature(metric, [0.3, 0.3]) == pytest.approx(0.25, abs=1e-6)
    assert gaussian_curvature(Family(Gaussian(0.0, 1.0)).fisher, [0.3, 2.0]) == pytest.approx(-0.5)


def test_a_regression_of_two_outputs_is_one_for_each():
    risk = EmpiricalRisk(Network(3, [Dense(2)]), HalfSquaredError(), X, X[:, :2])
    design = np.column_stack([X, np.ones(12)])
    moments = design.T @ design / 12
    found = fisher_exact(risk, risk.model.initial_parameters(seed=0))
    assert_allclose(found[:6, :6], np.kron(moments[:3, :3], np.eye(2)), atol=1e-14)
    assert_allclose(found[6:, 6:], np.eye(2), atol=1e-14)


def test_kfac_can_search_along_its_direction():
    risk, theta = small_network(np.float64)
    gradient, now = risk.gradient(theta).copy(), risk.value(theta)
    # From far too long, halved until it leads down enough: the longest that does.
    plain, searched = (
        optimizer.update(gradient, optimizer.init(theta), theta, StepContext(risk, now)).copy()
        for optimizer in (KFAC(1.0), KFAC(BacktrackingLineSearch(1e4, shrink=0.5)))
    )
    share = np.linalg.norm(searched) / np.linalg.norm(plain)
    assert_allclose(searched, share * plain, rtol=1e-12)
    assert share == pytest.approx(1e4 * 0.5 ** np.round(np.log2(1e4 / share)))
    assert risk.value(theta + searched) <= now + 1e-4 * gradient @ searched
    assert risk.value(theta + 2 * searched) > now + 2e-4 * gradient @ searched


def test_conjugate_gradients_of_a_step_stop_where_they_are_told():
    theta = np.array([0.3, -0.2, 0.5, 0.1])
    gradient = LOGISTIC.gradient(theta).copy()
    matrix = fisher_exact(LOGISTIC, theta) + 0.1 * np.eye(4)
    for settings in ({"max_iterations": 2}, {"tol": 0.3}):
        optimizer = NaturalGradient(solver="conjugate gradients", damping=0.1, **settings)
        step = optimizer.update(gradient, optimizer.init(theta), theta, StepContext(LOGISTIC, 1.0))
        expected = solve_by_products(lambda v: matrix @ v, gradient, **({"tol": 1e-8} | settings))
        assert_allclose(step, -expected.x, rtol=1e-9)
        assert not np.allclose(step, -np.linalg.solve(matrix, gradient), rtol=1e-3)


def test_conjugate_gradients_give_up_after_ten_products_for_each_unknown():
    # No matrix at all: the product is another one every time, so nothing converges.
    rng = np.random.default_rng(0)
    found = solve_by_products(lambda v: rng.uniform(1.0, 100.0, 3) * v, np.ones(3), tol=1e-300)
    assert len(found.residual_norms) == 31
    assert not found.converged


@pytest.mark.parametrize("first", [Nonlinearity("tanh"), Dropout(0.5)], ids=["tanh", "dropout"])
def test_a_product_takes_a_network_that_does_not_begin_with_weights(first):
    network = Network(3, [first, Dense(4, "tanh"), Nonlinearity("tanh"), Dense(3)], seed=1)
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, CLASSES)
    theta = network.initial_parameters(seed=4)
    vector = np.linspace(-1.0, 1.0, len(theta))
    expected = fisher_exact(risk, theta) @ vector
    assert_allclose(fisher_vector_product(risk, theta, vector), expected, rtol=1e-9, atol=1e-13)


def test_products_keep_single_precision():
    risk, theta = small_network(np.float32)
    vector = np.linspace(-1.0, 1.0, len(theta))
    product = fisher_vector_product(risk, theta, vector)
    assert product.dtype == np.float32
    assert_allclose(product, fisher_exact(risk, theta) @ vector, rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("name", ["natural", "mean and variance"])
def test_coordinates_of_no_gaussian_are_refused_by_the_gaussian(name):
    family = Family(Gaussian(0.0, 1.0), name)
    with pytest.raises(ValueError, match=r"^(standard_deviation|parameters) must"):
        family.distribution([1.0, 0.0])
    assert NegativeLogLikelihood(family, [0.0, 1.0]).value([1.0, 0.0]) == np.inf


def test_value_and_gradient_of_a_likelihood_are_of_the_same_batch():
    theta, batch = np.array([0.3]), np.array([1, 3, 5, 6])
    value, gradient = COINS.value_and_gradient(theta, batch)
    # Three heads and one tail.
    assert value == COINS.value(theta, batch) == pytest.approx(-(3 * np.log(0.3) + np.log(0.7)) / 4)
    assert gradient.item() == pytest.approx(-(3 / 0.3 - 1 / 0.7) / 4)


class TestDraws:
    heights = NegativeLogLikelihood(Family(Gaussian(0.0, 1.0)), X[:, 0])

    def test_repeat_with_the_seed_and_are_ten_of_each_label(self):
        for objective, theta in ((self.heights, [0.1, 2.0]), (LOGISTIC, np.ones(4))):
            found = fisher_monte_carlo(objective, theta, 3)
            again = fisher_monte_carlo(objective, theta, 3, n_draws=10)
            assert_allclose(found.matrix, again.matrix, rtol=0)
            assert_allclose(found.standard_error, again.standard_error, rtol=0)
            assert not np.allclose(found.matrix, fisher_monte_carlo(objective, theta, 4).matrix)

    def test_have_the_standard_error_of_a_mean(self):
        theta, rng = np.array([0.3, -0.2, 0.5, 0.1]), np.random.default_rng(9)
        design = np.column_stack([X, np.ones(12)])
        z = design @ theta
        draws = []
        for _ in range(3):
            residual = 1.0 / (1.0 + np.exp(-z)) - model_labels(LogisticLoss(), z, rng)
            draws.append((design * residual[:, None]).T @ (design * residual[:, None]) / 12)
        found = fisher_monte_carlo(LOGISTIC, theta, np.random.default_rng(9), n_draws=3)
        mean = sum(draws) / 3
        assert_allclose(found.matrix, mean, rtol=1e-12)
        variance = sum((draw - mean) ** 2 for draw in draws) / 2
        assert_allclose(found.standard_error, np.sqrt(variance / 3), rtol=1e-9, atol=1e-16)


def test_jacobians_and_pairs_have_the_precision_of_the_point():
    risk, theta = small_network(np.float32)
    assert output_jacobians(risk.model, theta, risk.X).dtype == np.float32
    (pair,) = dense_pairs(LinearModel(3), np.ones(4, np.float32), X, np.ones(12))
    assert pair.inputs.dtype == pair.gradients.dtype == np.float32
