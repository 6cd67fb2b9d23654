"""Second derivatives of risks, on batches and without the matrix; risks that have none."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.costs import LogisticLoss, SoftmaxCrossEntropy
from course_lib.descent import descend
from course_lib.gradient_check import check_gradient
from course_lib.line_search import BacktrackingLineSearch
from course_lib.linear_models import LinearModel
from course_lib.networks import BatchNorm, Dense, Dropout, LayerNorm, Network, Residual
from course_lib.objectives import EmpiricalRisk, Quadratic
from course_lib.optimizers import ConjugateGradient, GradientDescent, Newton
from course_lib.penalties import L2

WEIGHTED = np.linspace(0.5, 1.5, 20)


def logistic_risk(rng, **settings):
    X, y = rng.standard_normal((20, 3)), np.arange(20) % 2
    return EmpiricalRisk(LinearModel(3), LogisticLoss(), X, y, penalty=L2(0.1), **settings)


@pytest.mark.parametrize("weight", [None, WEIGHTED])
def test_hessian_of_a_batch_is_the_derivative_of_its_gradient(rng, weight):
    risk = logistic_risk(rng, sample_weight=weight)
    theta, batch = rng.standard_normal(4), np.array([3, 7, 7, 12])
    hessian, h = risk.hessian(theta, batch), 1e-6
    for k, axis in enumerate(np.eye(4)):
        change = risk.gradient(theta + h * axis, batch) - risk.gradient(theta - h * axis, batch)
        np.testing.assert_allclose(hessian[k], change / (2 * h), rtol=1e-7, atol=1e-9)
        product = risk.hessian_vector_product(theta, axis, batch)
        np.testing.assert_allclose(product, hessian[k], rtol=1e-13, atol=1e-15)
    assert not np.allclose(hessian, risk.hessian(theta))


def test_newton_on_a_batch_is_newton_on_its_samples(rng):
    risk, batch = logistic_risk(rng), np.arange(8)
    alone = EmpiricalRisk(LinearModel(3), LogisticLoss(), risk.X[:8], risk.y[:8], penalty=L2(0.1))
    start = np.zeros(4)
    on_batch = descend(risk, start, Newton(), batches=[batch] * 5)
    np.testing.assert_allclose(
        on_batch.final, descend(alone, start, Newton(), max_iterations=5).final
    )


def test_objectives_without_samples_have_no_hessian_of_a_batch():
    bowl = Quadratic(np.eye(2))
    for ask in (bowl.hessian, lambda t, batch: bowl.hessian_vector_product(t, t, batch)):
        with pytest.raises(TypeError, match="takes no batch"):
            ask(np.ones(2), np.arange(2))


def test_products_with_the_hessian_of_a_network_need_no_matrix(rng):
    """Second differences of the value are the ruler."""
    network = Network(3, [Dense(4, "tanh"), Dense(2)])
    X, y = rng.standard_normal((9, 3)), np.arange(9) % 2
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y, penalty=L2(0.1))
    theta = network.initial_parameters(0) + 0.1
    v, w = rng.standard_normal((2, len(theta)))
    for batch in (None, np.arange(4)):
        product = risk.hessian_vector_product(theta, v, batch)
        h = 1e-4
        corners = [
            sign * risk.value(theta + h * (a * v + sign * a * w), batch)
            for a in (1, -1)
            for sign in (1, -1)
        ]
        assert w @ product == pytest.approx(sum(corners) / (4 * h * h), rel=1e-5)
    # Symmetric, linear in the length of the vector, and zero for none.
    assert w @ risk.hessian_vector_product(theta, v) == pytest.approx(
        v @ risk.hessian_vector_product(theta, w), rel=1e-8
    )
    np.testing.assert_allclose(
        risk.hessian_vector_product(theta, 1e6 * v),
        1e6 * risk.hessian_vector_product(theta, v),
        rtol=1e-6,
    )
    assert not risk.hessian_vector_product(theta, np.zeros_like(v)).any()
    single = risk.hessian_vector_product(theta.astype(np.float32), v.astype(np.float32))
    assert single.dtype == np.float32
    np.testing.assert_allclose(single, risk.hessian_vector_product(theta, v), rtol=1e-3, atol=1e-5)


@pytest.mark.parametrize("layer", [BatchNorm(), Dropout(0.5), Residual([Dropout(0.2)])])
def test_a_network_that_differs_in_training_is_not_one_function(rng, layer):
    network = Network(3, [layer, Dense(2)], seed=0)
    assert network.differs_in_training
    X, y = rng.standard_normal((9, 3)), np.arange(9) % 2
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
    theta = network.initial_parameters(0)
    for compares in (
        lambda: check_gradient(risk, theta),
        lambda: descend(risk, theta, GradientDescent(BacktrackingLineSearch())),
        lambda: descend(risk, theta, ConjugateGradient()),
    ):
        with pytest.raises(TypeError, match="belong to two functions"):
            compares()
    with pytest.raises(NotImplementedError, match="has no Hessian"):
        risk.hessian_vector_product(theta, theta)
    descend(risk, theta, GradientDescent(0.1), max_iterations=2)
    for layers in ([LayerNorm(), Dense(2)], [Dropout(0.0), Dense(2)]):
        assert not Network(3, layers, seed=0).differs_in_training
