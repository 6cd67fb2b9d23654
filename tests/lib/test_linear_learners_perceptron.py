"""The perceptron: its rule, its mistakes and their bound."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from course_lib.linear_learners import Perceptron, mistake_bound

GATE = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])


def separable(seed, n=100, gap=0.3):
    rng = np.random.default_rng(seed)
    normal = rng.standard_normal(3)
    X = rng.standard_normal((n, 3))
    scores = X @ normal + 0.2
    keep = np.abs(scores) > gap
    return X[keep], np.sign(scores[keep]), normal, 0.2


@pytest.mark.parametrize("step_size", [1.0, 0.1])
def test_and_gate_mistake_by_mistake(step_size):
    gate = Perceptron(step_size, shuffle=False).fit(GATE, [1, 0, 0, 0])
    assert gate.mistakes_.ravel().tolist() == [3, 3, 2, 2, 0]
    assert gate.converged_
    assert gate.n_iter_ == 5
    assert gate.predict(GATE).tolist() == [1, 0, 0, 0]


def test_the_rule_is_that_of_the_linear_unit_and_no_gradient_of_the_mistakes():
    # Through the step function the gradient of the squared error is zero, and the rule still moves.
    theta, h = np.array([0.3, -0.2, 0.1]), 1e-6
    t = np.array([1.0, 0.0, 0.0, 0.0])

    def squared_error(theta):
        return 0.5 * np.sum(((GATE @ theta[:2] + theta[2] > 0) - t) ** 2)

    slopes = [
        (squared_error(theta + h * e) - squared_error(theta - h * e)) / (2 * h) for e in np.eye(3)
    ]
    assert slopes == [0.0, 0.0, 0.0]
    assert Perceptron(shuffle=False, max_iter=5).fit(GATE, t).coef_.any()


@pytest.mark.parametrize("seed", range(8))
def test_no_more_mistakes_than_the_bound(seed):
    X, y, normal, bias = separable(seed)
    model = Perceptron(max_iter=5000, random_state=seed).fit(X, y)
    assert model.converged_
    assert (model.predict(X) == y).all()
    assert 0 < model.mistakes_.sum() <= mistake_bound(X, y, normal, bias)


def test_the_bound_by_hand():
    # R^2 = 1 + 4 + 1, margin 2 / sqrt(1 + 0 + 0).
    bound = mistake_bound([[2.0, 0.0], [-2.0, 0.0]], [1.0, -1.0], [1.0, 0.0])
    assert bound == pytest.approx(5.0 / 4.0)
    with pytest.raises(ValueError, match="1 of 2 on the wrong side"):
        mistake_bound([[2.0, 0.0], [3.0, 0.0]], [1.0, -1.0], [1.0, 0.0])


def test_exclusive_or_never_comes_to_rest():
    with pytest.warns(ConvergenceWarning, match="cannot be separated by a hyperplane"):
        model = Perceptron(max_iter=50).fit(GATE, [0, 0, 1, 1])
    assert not model.converged_
    assert model.n_iter_ == 50
    assert model.mistakes_.min() > 0


def test_a_class_against_the_rest():
    rng = np.random.default_rng(0)
    centres = np.array([[5.0, 0.0], [-5.0, 5.0], [-5.0, -5.0]])
    codes = rng.integers(3, size=90)
    X = centres[codes] + 0.3 * rng.standard_normal((90, 2))
    model = Perceptron(random_state=0).fit(X, np.array(["a", "b", "c"])[codes])
    assert model.coef_.shape == (3, 2)
    assert model.mistakes_.shape == (model.n_iter_, 3)
    assert model.score(X, np.array(["a", "b", "c"])[codes]) == 1.0


def test_learning_on():
    X, y, *_ = separable(1, n=300, gap=0.01)
    whole = Perceptron(shuffle=False, max_iter=3)
    with pytest.warns(ConvergenceWarning):
        whole.fit(X, y)
    parts = Perceptron(shuffle=False)
    for _ in range(3):
        parts.partial_fit(X, y, classes=[-1.0, 1.0])
    np.testing.assert_array_equal(parts.coef_, whole.coef_)
    np.testing.assert_array_equal(parts.mistakes_, whole.mistakes_)
    with pytest.raises(ValueError, match=r"y must hold the classes .* got \[7.0\]"):
        parts.partial_fit(X[:2], [7.0, 1.0])
    with pytest.raises(ValueError, match="classes must be the same in every call"):
        parts.partial_fit(X, y, classes=[0.0, 1.0])
    with pytest.raises(ValueError, match="classes must be given in the first call"):
        Perceptron().partial_fit(X, y)


def test_callbacks_count_and_stop():
    X, y, *_ = separable(2, n=300, gap=0.01)
    seen = []

    def stop(progress):
        seen.append(progress.value)
        return progress.iteration == 2

    model = Perceptron(callbacks=[stop], random_state=0).fit(X, y)
    assert model.n_iter_ == 2
    np.testing.assert_array_equal(seen, [np.nan, *model.mistakes_.ravel()])


def test_samples_without_weight_are_not_there():
    X, y, *_ = separable(3)
    weight = np.ones(len(y))
    weight[:10] = 0.0
    y_wrong = y.copy()
    y_wrong[:10] *= -1
    weighted = Perceptron(shuffle=False).fit(X, y_wrong, weight)
    np.testing.assert_array_equal(
        weighted.coef_, Perceptron(shuffle=False).fit(X[10:], y[10:]).coef_
    )
