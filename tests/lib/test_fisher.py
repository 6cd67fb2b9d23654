"""The Fisher matrix of a model: exact, estimated, by products, and what is taken for it."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.costs import (
    HalfSquaredError,
    HingeLoss,
    LogisticLoss,
    SoftmaxCrossEntropy,
    SquaredError,
)
from course_lib.information_geometry import (
    Family,
    NegativeLogLikelihood,
    dense_pairs,
    empirical_fisher,
    fisher_exact,
    fisher_monte_carlo,
    fisher_vector_product,
    model_labels,
    per_sample_gradients,
)
from course_lib.information_geometry import fisher as module
from course_lib.information_geometry.layerwise import output_jacobians, tangent
from course_lib.likelihoods import Bernoulli, Gaussian
from course_lib.linear_models import LinearModel
from course_lib.networks import Dense, Dropout, LayerNorm, Network, Nonlinearity, Residual
from course_lib.objectives import EmpiricalRisk, Quadratic
from course_lib.penalties import L2

RNG = np.random.default_rng(0)
X = RNG.standard_normal((9, 3))
NUMBERS = RNG.standard_normal(9)
BITS = np.array([0, 1, 1, 0, 1, 0, 0, 1, 1])
CLASSES = np.arange(9) % 4

DEEP = [Dense(5, "tanh"), Dropout(0.3), Dense(4, bias=False), Nonlinearity("gelu"), Dense(4)]
NORMED = [Dense(4, "relu"), LayerNorm(), Residual([Dense(4, "tanh")]), Dense(4)]

PROBLEMS = {
    "linear": (LinearModel(3), HalfSquaredError(), NUMBERS),
    "linear, no intercept": (LinearModel(3, intercept=False), SquaredError(), NUMBERS),
    "logistic": (LinearModel(3), LogisticLoss(), BITS),
    "softmax": (Network(3, [Dense(4)]), SoftmaxCrossEntropy(), CLASSES),
    "two outputs": (Network(3, [Dense(2)]), SquaredError(), RNG.standard_normal((9, 2))),
    "network": (Network(3, DEEP, seed=1), SoftmaxCrossEntropy(), CLASSES),
    "network with normalization": (Network(3, NORMED), SoftmaxCrossEntropy(), CLASSES),
    "deep regression": (
        Network(3, [Dense(4, "tanh"), Dense(1)]),
        HalfSquaredError(),
        NUMBERS[:, None],
    ),
}


def risk_and_point(name, **settings):
    model, cost, y = PROBLEMS[name]
    risk = EmpiricalRisk(model, cost, X, y, **settings)
    return risk, 0.5 * np.random.default_rng(3).standard_normal(risk.n_parameters)


def outcomes(cost, z):
    """All labels of one sample with their probabilities; for Gaussians, quadrature nodes."""
    if isinstance(cost, LogisticLoss):
        p = 1 / (1 + np.exp(-z[0]))
        return [(np.array([0]), 1 - p), (np.array([1]), p)]
    if isinstance(cost, SoftmaxCrossEntropy):
        p = np.exp(z[0] - z[0].max())
        return [(np.array([k]), q) for k, q in enumerate(p / p.sum())]
    nodes, weights = np.polynomial.hermite_e.hermegauss(3)
    spread = 1.0 if isinstance(cost, HalfSquaredError) else np.sqrt(0.5)
    grid = np.stack(np.meshgrid(*[nodes] * z[0].size), axis=-1).reshape(-1, z[0].size)
    chances = np.stack(np.meshgrid(*[weights] * z[0].size), axis=-1).reshape(-1, z[0].size)
    chances = chances.prod(axis=1)
    return [
        (z + spread * g.reshape(z.shape), c / chances.sum())
        for g, c in zip(grid, chances, strict=True)
    ]


def fisher_by_definition(risk, theta, weight=None):
    """Every sample, every label, its probability times the outer product of the gradient."""
    model = risk.model
    total = np.zeros((len(theta), len(theta)))
    for i, x in enumerate(risk.X):
        z = model.predict(theta, x[None])
        for label, chance in outcomes(risk.cost, z):
            out = np.empty_like(theta)
            forward = {"training": False} if isinstance(model, Network) else {}
            _, saved = model.forward(theta, x[None], **forward)
            model.backward(theta, saved, risk.cost.derivative(z, label), out)
            total += (1.0 if weight is None else weight[i]) * chance * np.outer(out, out)
    return total / len(risk.X)


each_problem = pytest.mark.parametrize("name", PROBLEMS)


class TestExactFisher:
    @each_problem
    def test_is_the_expectation_over_the_models_labels(self, name):
        risk, theta = risk_and_point(name)
        expected = fisher_by_definition(risk, theta)
        found = fisher_exact(risk, theta)
        np.testing.assert_allclose(found, expected, rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(found, found.T, atol=1e-15)

    @pytest.mark.parametrize("name", ["linear", "linear, no intercept", "logistic"])
    def test_of_a_linear_model_is_the_hessian(self, name):
        risk, theta = risk_and_point(name)
        np.testing.assert_allclose(fisher_exact(risk, theta), risk.hessian(theta), rtol=1e-12)

    @each_problem
    def test_does_not_look_at_the_labels(self, name):
        model, cost, y = PROBLEMS[name]
        risk, theta = risk_and_point(name)
        other = EmpiricalRisk(model, cost, X, y[::-1])
        np.testing.assert_array_equal(fisher_exact(risk, theta), fisher_exact(other, theta))

    @each_problem
    def test_of_a_batch_and_with_weights(self, name):
        model, cost, y = PROBLEMS[name]
        risk, theta = risk_and_point(name)
        batch = np.array([2, 5, 5])
        part = EmpiricalRisk(model, cost, X[batch], y[batch])
        np.testing.assert_allclose(
            fisher_exact(risk, theta, batch), fisher_exact(part, theta), rtol=1e-12, atol=1e-15
        )
        weight = np.arange(9.0)
        weighted, _ = risk_and_point(name, sample_weight=weight)
        expected = fisher_by_definition(risk, theta, weight / weight.mean())
        np.testing.assert_allclose(fisher_exact(weighted, theta), expected, rtol=1e-9, atol=1e-12)

    def test_does_not_depend_on_the_blocks(self, monkeypatch):
        risk, theta = risk_and_point("network")
        whole = fisher_exact(risk, theta)
        monkeypatch.setattr(module, "BLOCK_SAMPLES", 2)
        np.testing.assert_allclose(fisher_exact(risk, theta), whole, rtol=1e-12, atol=1e-15)

    def test_leaves_the_penalty_out(self):
        risk, theta = risk_and_point("logistic")
        penalized, _ = risk_and_point("logistic", penalty=L2(0.5))
        np.testing.assert_array_equal(fisher_exact(penalized, theta), fisher_exact(risk, theta))

    @each_problem
    def test_keeps_float32(self, name):
        model, cost, y = PROBLEMS[name]
        risk = EmpiricalRisk(model, cost, X.astype(np.float32), y)
        theta = risk_and_point(name)[1].astype(np.float32)
        found = fisher_exact(risk, theta)
        assert found.dtype == np.float32
        assert empirical_fisher(risk, theta).dtype == np.float32
        assert fisher_monte_carlo(risk, theta, 0, n_draws=2).matrix.dtype == np.float32
        product = fisher_vector_product(risk, theta, theta)
        assert product.dtype == np.float32
        np.testing.assert_allclose(product, found @ theta, rtol=2e-2, atol=2e-3)


class TestProducts:
    @each_problem
    def test_are_those_of_the_matrix(self, name):
        risk, theta = risk_and_point(name)
        v = np.random.default_rng(5).standard_normal(len(theta))
        matrix = fisher_exact(risk, theta)
        found = fisher_vector_product(risk, theta, v)
        tolerance = 1e-8 if "normal" in name else 1e-12
        np.testing.assert_allclose(found, matrix @ v, rtol=tolerance, atol=tolerance)
        np.testing.assert_array_equal(fisher_vector_product(risk, theta, np.zeros_like(v)), 0.0)
        batch = np.array([1, 4])
        np.testing.assert_allclose(
            fisher_vector_product(risk, theta, v, batch),
            fisher_exact(risk, theta, batch) @ v,
            rtol=tolerance,
            atol=tolerance,
        )

    def test_with_weights(self):
        risk, theta = risk_and_point("softmax", sample_weight=np.arange(9.0))
        found = fisher_vector_product(risk, theta, theta)
        np.testing.assert_allclose(found, fisher_exact(risk, theta) @ theta, rtol=1e-12)

    def test_of_a_family(self):
        objective = NegativeLogLikelihood(Family(Gaussian(0.0, 1.0)), [1.0, 2.0])
        np.testing.assert_allclose(
            fisher_vector_product(objective, [0.0, 2.0], [1.0, 1.0]), [0.25, 0.5]
        )

    @each_problem
    def test_tangent_and_gradients_are_transposes(self, name):
        risk, theta = risk_and_point(name)
        rng = np.random.default_rng(1)
        v = rng.standard_normal(len(theta))
        J = output_jacobians(risk.model, theta, X)
        outputs = risk.model.predict(theta, X)
        found = tangent(risk.model, theta, X, v).reshape(len(X), -1)
        np.testing.assert_allclose(found, J @ v, rtol=1e-8, atol=1e-8)
        u = rng.standard_normal(outputs.shape)
        rows = per_sample_gradients(risk.model, theta, X, u)
        expected = np.einsum("nk,nkp->np", u.reshape(len(X), -1), J)
        np.testing.assert_allclose(rows, expected, rtol=1e-10, atol=1e-12)


class TestModelLabels:
    @pytest.mark.parametrize(
        ("cost", "outputs"),
        [
            (HalfSquaredError(), np.array([1.5])),
            (SquaredError(), np.array([1.5])),
            (LogisticLoss(), np.array([-0.8])),
        ],
    )
    def test_have_the_mean_and_variance_of_the_model(self, cost, outputs):
        n = 40_000
        y = model_labels(cost, np.repeat(outputs, n), seed=0)
        variance = cost.second_derivative(outputs, outputs)[0]
        mean = outputs[0]
        if isinstance(cost, LogisticLoss):
            mean = 1 / (1 + np.exp(-mean))
            assert set(y) == {0.0, 1.0}
        else:
            variance = 1 / variance
        assert y.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / n))
        assert y.var() == pytest.approx(variance, rel=0.05)

    def test_of_classes_have_the_softmax_frequencies(self):
        z, n = np.array([[0.5, -1.0, 1.2]]), 40_000
        y = model_labels(SoftmaxCrossEntropy(), np.repeat(z, n, axis=0), seed=0)
        p = np.exp(z[0]) / np.exp(z[0]).sum()
        frequencies = np.bincount(y, minlength=3) / n
        assert np.all(np.abs(frequencies - p) < 4 * np.sqrt(p * (1 - p) / n))

    def test_come_from_a_seed_or_a_generator(self):
        z = np.zeros(50)
        first = model_labels(LogisticLoss(), z, 7)
        np.testing.assert_array_equal(first, model_labels(LogisticLoss(), z, 7))
        assert np.any(first != model_labels(LogisticLoss(), z, 8))
        rng = np.random.default_rng(7)
        expected = np.random.default_rng(7).logistic(size=50) < 0
        np.testing.assert_array_equal(model_labels(LogisticLoss(), z, rng), expected)
        with pytest.raises(TypeError, match="seed must be a whole number"):
            model_labels(LogisticLoss(), z, "seven")

    def test_are_independent_of_data_made_from_the_same_seed(self):
        noise = np.random.default_rng(0).standard_normal(1000)
        y = model_labels(HalfSquaredError(), np.zeros(1000), 0)
        assert abs(np.corrcoef(noise, y)[0, 1]) < 0.15


class TestMonteCarlo:
    @each_problem
    def test_comes_as_near_as_it_says(self, name):
        risk, theta = risk_and_point(name)
        found = fisher_monte_carlo(risk, theta, seed=0, n_draws=400)
        deviation = np.abs(found.matrix - fisher_exact(risk, theta))
        assert np.all(deviation <= 5 * found.standard_error + 1e-12)
        # The stated error is neither too large nor too small.
        standardized = deviation[found.standard_error > 1e-9]
        standardized /= found.standard_error[found.standard_error > 1e-9]
        assert 0.4 < np.sqrt(np.mean(standardized**2)) < 1.6

    def test_error_falls_with_the_root_of_the_draws(self):
        risk, theta = risk_and_point("logistic")
        few = fisher_monte_carlo(risk, theta, 0, n_draws=100).standard_error
        many = fisher_monte_carlo(risk, theta, 1, n_draws=1600).standard_error
        assert np.median(few / many) == pytest.approx(4.0, rel=0.15)

    def test_does_not_look_at_the_labels(self):
        model, cost, y = PROBLEMS["logistic"]
        theta = np.ones(4)
        first = fisher_monte_carlo(EmpiricalRisk(model, cost, X, y), theta, 0).matrix
        other = fisher_monte_carlo(EmpiricalRisk(model, cost, X, 1 - y), theta, 0).matrix
        np.testing.assert_array_equal(first, other)

    def test_weights_count(self):
        weight = np.arange(9.0)
        risk, theta = risk_and_point("logistic", sample_weight=weight)
        found = fisher_monte_carlo(risk, theta, seed=0, n_draws=400)
        deviation = np.abs(found.matrix - fisher_exact(risk, theta))
        assert np.all(deviation <= 5 * found.standard_error)

    def test_of_a_family(self):
        objective = NegativeLogLikelihood(Family(Gaussian(0.0, 1.0)), np.zeros(50))
        found = fisher_monte_carlo(objective, [1.0, 2.0], seed=0, n_draws=200)
        deviation = np.abs(found.matrix - fisher_exact(objective, [1.0, 2.0]))
        assert np.all(deviation <= 4 * found.standard_error)

    def test_needs_two_draws_to_know_its_error(self):
        risk, theta = risk_and_point("logistic")
        with pytest.raises(ValueError, match="n_draws must be at least 2"):
            fisher_monte_carlo(risk, theta, 0, n_draws=1)


class TestEmpiricalFisher:
    @each_problem
    def test_is_the_mean_outer_product_on_the_datas_labels(self, name):
        model, cost, y = PROBLEMS[name]
        risk, theta = risk_and_point(name)
        expected = np.zeros((len(theta), len(theta)))
        for i in range(9):
            g = empirical_gradient(model, cost, theta, X[i : i + 1], y[i : i + 1])
            expected += np.outer(g, g) / 9
        np.testing.assert_allclose(empirical_fisher(risk, theta), expected, rtol=1e-10, atol=1e-12)

    def test_is_not_the_fisher_matrix_where_the_model_is_wrong(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((2000, 1))
        y = 1.5 * x[:, 0] + 4.0 * rng.standard_normal(2000)  # The model believes in a noise of 1.
        risk = EmpiricalRisk(LinearModel(1, intercept=False), HalfSquaredError(), x, y)
        theta = np.array([1.5])
        exact = fisher_exact(risk, theta)[0, 0]
        sampled = fisher_monte_carlo(risk, theta, 0).matrix[0, 0]
        assert sampled == pytest.approx(exact, rel=0.05)
        assert empirical_fisher(risk, theta)[0, 0] > 10 * exact

    def test_is_near_it_where_the_model_is_right_and_fitted(self):
        rng = np.random.default_rng(0)
        x = rng.standard_normal((20_000, 2))
        theta = np.array([1.0, -2.0, 0.5])
        model = LinearModel(2)
        y = model_labels(LogisticLoss(), model.predict(theta, x), rng)
        risk = EmpiricalRisk(model, LogisticLoss(), x, y)
        np.testing.assert_allclose(
            empirical_fisher(risk, theta), fisher_exact(risk, theta), atol=0.01
        )

    def test_weights_and_batches(self):
        weight = np.arange(9.0)
        risk, theta = risk_and_point("logistic", sample_weight=weight)
        model, cost, y = PROBLEMS["logistic"]
        plain = EmpiricalRisk(model, cost, X, y)
        expected = sum(
            weight[i] / weight.mean() * empirical_fisher(plain, theta, np.array([i])) / 9
            for i in range(9)
        )
        np.testing.assert_allclose(empirical_fisher(risk, theta), expected, rtol=1e-12)

    def test_of_a_family(self):
        objective = NegativeLogLikelihood(Family(Bernoulli(0.5)), [1.0, 1.0, 0.0, 1.0])
        # At p = 0.5 every score is +2 or -2.
        np.testing.assert_allclose(empirical_fisher(objective, [0.5]), [[4.0]])
        assert empirical_fisher(objective, [0.6])[0, 0] != pytest.approx(1 / 0.24)


def empirical_gradient(model, cost, theta, x, y):
    forward = {"training": False} if isinstance(model, Network) else {}
    z, saved = model.forward(theta, x, **forward)
    out = np.empty_like(theta)
    model.backward(theta, saved, cost.derivative(z, y), out)
    return out


class TestPairs:
    @pytest.mark.parametrize("name", ["linear", "linear, no intercept", "softmax", "network"])
    def test_sum_up_to_the_gradient(self, name):
        risk, theta = risk_and_point(name)
        z = risk.model.predict(theta, X)
        upstream = risk.cost.derivative(z, risk.y)
        layout = risk.model.layout
        gradient = {}
        for pair in dense_pairs(risk.model, theta, X, upstream):
            shape = layout.shapes[pair.weights]
            gradient[pair.weights] = (pair.inputs.T @ pair.gradients).reshape(shape)
            if pair.bias is not None:
                gradient[pair.bias] = pair.gradients.sum(axis=0).reshape(layout.shapes[pair.bias])
        expected = sum(
            empirical_gradient(risk.model, risk.cost, theta, X[i : i + 1], risk.y[i : i + 1])
            for i in range(9)
        )
        np.testing.assert_allclose(layout.flatten(gradient), expected, rtol=1e-10, atol=1e-12)

    def test_are_for_dense_layers_only(self):
        risk, theta = risk_and_point("network with normalization")
        with pytest.raises(TypeError, match="the layers must be dense"):
            dense_pairs(risk.model, theta, X, np.zeros((9, 4)))


class TestWhatHasNoFisherMatrix:
    def test_a_cost_without_a_likelihood(self):
        risk = EmpiricalRisk(LinearModel(3), HingeLoss(), X, 2 * BITS - 1)
        with pytest.raises(TypeError, match=r"one of .*LogisticLoss.*, got HingeLoss"):
            fisher_exact(risk, np.zeros(4))
        with pytest.raises(TypeError, match="without a distribution of labels"):
            model_labels(HingeLoss(), np.zeros(3), 0)

    def test_an_objective_without_a_model(self):
        with pytest.raises(TypeError, match="it has no Fisher information"):
            fisher_exact(Quadratic(np.eye(2)), np.zeros(2))

    def test_a_point_of_the_wrong_size(self):
        risk, theta = risk_and_point("logistic")
        with pytest.raises(ValueError, match=r"theta must have shape \(4,\)"):
            fisher_exact(risk, theta[:3])
