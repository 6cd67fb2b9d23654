"""The training loop against the objective it descends."""

import numpy as np
import pytest

from course_lib.batching import FullBatch, MiniBatches
from course_lib.costs import HalfSquaredError, SoftmaxCrossEntropy
from course_lib.networks import BatchNorm, Dense, Network
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import SGD, Adam
from course_lib.penalties import L1, L2, ElasticNet
from course_lib.training import History, Training


def problem(n=30):
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((n, 4)), np.arange(n) % 3
    network = Network(4, [Dense(6, "tanh"), Dense(3)])
    theta = network.initial_parameters(1) + 0.1 * rng.standard_normal(network.layout.size)
    return network, theta, X, y


@pytest.mark.parametrize("penalty", [None, L1(0.3), L2(0.3), ElasticNet(0.3)])
@pytest.mark.parametrize("weighted", [False, True])
def test_a_step_follows_the_gradient_of_the_risk(penalty, weighted):
    network, theta, X, y = problem()
    weight = None
    if weighted:
        weight = np.random.default_rng(1).random(30)
        weight /= weight.mean()
    risk = EmpiricalRisk(
        network, SoftmaxCrossEntropy(), X, y, penalty=penalty, sample_weight=weight
    )
    expected = theta - 0.1 * risk.gradient(theta)
    cost = risk.value(theta) - (0.0 if penalty is None else risk.penalty.value(theta))
    training = Training(network, SoftmaxCrossEntropy(), theta, SGD(0.1), penalty=penalty)
    assert training.step(X, y, weight) / 30 == pytest.approx(cost, rel=1e-12)
    np.testing.assert_allclose(theta, expected, rtol=1e-13, atol=1e-15)


def test_an_epoch_takes_every_batch():
    network, theta, X, y = problem()
    by_hand = theta.copy()
    training = Training(network, SoftmaxCrossEntropy(), theta, Adam())
    loss = training.epoch(X, y, MiniBatches(30, 8, seed=5))
    risk, optimizer = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y), Adam()
    state, values = optimizer.init(by_hand), []
    for batch in MiniBatches(30, 8, seed=5):
        value, gradient = risk.value_and_gradient(by_hand, batch)
        values.append(value * len(batch))
        by_hand += optimizer.update(gradient, state, by_hand)
    np.testing.assert_allclose(theta, by_hand, rtol=1e-12, atol=1e-14)
    assert loss == pytest.approx(sum(values) / 30, rel=1e-13)


def test_two_runs_are_one_run():
    network, theta, X, y = problem()
    other = theta.copy()
    batches = FullBatch(30)
    once = Training(network, SoftmaxCrossEntropy(), theta, Adam())
    history = once.run(X, y, batches, max_epochs=6)
    first = Training(network, SoftmaxCrossEntropy(), other, Adam())
    part = first.run(X, y, batches, max_epochs=2)
    second = Training(network, SoftmaxCrossEntropy(), other, Adam(), state=first.state)
    part = second.run(X, y, batches, max_epochs=4, history=part)
    np.testing.assert_array_equal(theta, other)
    assert part.loss == history.loss
    assert history.ran_out
    assert not history.converged
    assert history.stopped_by == "the 6 epochs were used up"


def test_the_best_point_comes_back_with_its_running_averages():
    network = Network(4, [BatchNorm(), Dense(1)])
    theta = network.initial_parameters(0)
    X = np.random.default_rng(0).standard_normal((40, 4))
    scores, points = iter([1.0, 3.0, 2.0, 2.5, 0.0]), []
    training = Training(network, HalfSquaredError(), theta, Adam(0.1))
    history = training.run(
        X,
        X[:, :1],
        MiniBatches(40, 8, seed=0),
        max_epochs=5,
        validation_score=lambda: next(scores),
        callbacks=[lambda epoch: points.append((theta.copy(), network.copy_of_state()))],
    )
    assert history.validation_score == [1.0, 3.0, 2.0, 2.5, 0.0]
    best_theta, best_state = points[1]
    np.testing.assert_array_equal(theta, best_theta)
    for name, array in network.state.items():
        np.testing.assert_array_equal(array, best_state[name])


@pytest.mark.parametrize(("patience", "epochs"), [(1, 4), (2, 5), (None, 6)])
def test_patience_counts_epochs_without_improvement(patience, epochs):
    network, theta, X, y = problem()
    scores = iter([1.0, 2.0, 2.05, 2.05, 2.0, 1.0])
    training = Training(network, SoftmaxCrossEntropy(), theta, SGD(0.01))
    history = training.run(
        X,
        y,
        FullBatch(30),
        max_epochs=6,
        validation_score=lambda: next(scores),
        patience=patience,
        tolerance=0.1,
    )
    assert len(history.loss) == epochs
    assert history.converged == (patience is not None)


def test_a_history_is_empty_before_the_first_epoch():
    assert History() == History([], [], [], [], "", False, False)
