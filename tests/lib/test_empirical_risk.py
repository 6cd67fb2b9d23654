"""Learning from data: costs, the linear model, and their mean over samples."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.costs import Cost, HalfSquaredError, LogisticLoss, SquaredError
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from tests.lib.strategies import risks, seeds

COSTS = [HalfSquaredError(), SquaredError(), LogisticLoss()]


def _data(n=8, d=3, seed=0):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, d))
    return X, X @ rng.standard_normal(d) + 0.3 * rng.standard_normal(n)


def _theta(risk, seed=1):
    return np.random.default_rng(seed).standard_normal(risk.n_parameters)


# Costs.


def test_values_worked_by_hand():
    prediction, target = np.array([1.0, 4.0]), np.array([3.0, 3.0])
    assert HalfSquaredError().value(prediction, target) == 1.25
    assert SquaredError().value(prediction, target) == 2.5
    assert HalfSquaredError().gradient(prediction, target).tolist() == [-1.0, 0.5]
    assert SquaredError().gradient(prediction, target).tolist() == [-2.0, 1.0]
    assert HalfSquaredError().second_derivative(prediction, target).tolist() == [1.0, 1.0]
    assert SquaredError().second_derivative(prediction, target).tolist() == [2.0, 2.0]
    logits, labels = np.array([0.0, math.log(3)]), np.array([1.0, 0.0])
    loss = LogisticLoss()
    assert loss.value(logits, labels) == pytest.approx((math.log(2) + math.log(4)) / 2, rel=1e-15)
    np.testing.assert_allclose(loss.gradient(logits, labels), [-0.25, 0.375], rtol=1e-15)
    np.testing.assert_allclose(loss.second_derivative(logits, labels), [0.25, 3 / 16], rtol=1e-15)


def test_several_outputs_are_summed_and_samples_averaged():
    prediction, target = np.ones((2, 3)), np.zeros((2, 3))
    assert SquaredError().value(prediction, target) == 3.0
    assert SquaredError().gradient(prediction, target).tolist() == [[1.0] * 3] * 2


@pytest.mark.parametrize("cost", COSTS, ids=repr)
@given(seed=seeds)
def test_derivatives_are_the_derivatives(cost, seed):
    rng = np.random.default_rng(seed)
    z = rng.uniform(-5, 5, 4)
    y = rng.integers(0, 2, 4).astype(float)
    h = 1e-5
    slope = (cost.pointwise(z + h, y) - cost.pointwise(z - h, y)) / (2 * h)
    bend = (cost.derivative(z + h, y) - cost.derivative(z - h, y)) / (2 * h)
    np.testing.assert_allclose(cost.derivative(z, y), slope, rtol=1e-7, atol=1e-8)
    np.testing.assert_allclose(cost.second_derivative(z, y), bend, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("label", [0.0, 1.0])
@pytest.mark.parametrize("logit", [-1e4, -745.0, -50.0, -20.0, 0.0, 20.0, 50.0, 745.0, 1e4])
def test_log_loss_keeps_its_digits_at_extreme_logits(logit, label):
    with np.errstate(all="raise", under="ignore"):
        z, y = np.array([logit]), np.array([label])
        loss = LogisticLoss()
        value, slope = loss.value(z, y), loss.gradient(z, y)[0]
        bend = loss.second_derivative(z, y)[0]
    # How far the logit points to the wrong label.
    wrong = logit if label == 0 else -logit
    tail = math.exp(-abs(logit))
    assert value == pytest.approx(max(wrong, 0.0) + math.log1p(tail), rel=1e-15, abs=0)
    size = 1 / (1 + tail) if wrong >= 0 else tail / (1 + tail)
    assert slope == pytest.approx(size if label == 0 else -size, rel=1e-15, abs=0)
    assert bend == pytest.approx(tail / (1 + tail) ** 2, rel=1e-15, abs=0)


@pytest.mark.parametrize("cost", COSTS, ids=repr)
def test_costs_keep_single_precision(cost):
    z, y = np.array([0.5, -2.0], np.float32), np.array([1.0, 0.0], np.float32)
    for array in (cost.pointwise(z, y), cost.gradient(z, y), cost.second_derivative(z, y)):
        assert array.dtype == np.float32


def test_cost_without_second_derivative_says_so():
    class AbsoluteError(Cost):
        def pointwise(self, prediction, target):
            return np.abs(prediction - target)

        def derivative(self, prediction, target):
            return np.sign(prediction - target)

    with pytest.raises(NotImplementedError, match="AbsoluteError has no second derivative"):
        AbsoluteError().second_derivative(np.ones(1), np.zeros(1))
    assert repr(AbsoluteError()) == "AbsoluteError()"


@pytest.mark.parametrize("method", ["value", "gradient"])
@pytest.mark.parametrize("shapes", [((3,), (3, 1)), ((3, 1), (3,)), ((3,), (1,))])
def test_shapes_that_would_broadcast_are_refused(method, shapes):
    prediction, target = np.zeros(shapes[0]), np.zeros(shapes[1])
    with pytest.raises(ValueError, match=r"prediction and target must have the same shape") as info:
        getattr(SquaredError(), method)(prediction, target)
    assert str(shapes[0]) in str(info.value)
    assert str(shapes[1]) in str(info.value)


def test_mean_over_no_sample_is_refused():
    with pytest.raises(ValueError, match="at least one sample"):
        SquaredError().value(np.empty(0), np.empty(0))


# The linear model.


def test_linear_model_predicts_with_weights_then_bias():
    model = LinearModel(2)
    assert model.predict(np.array([2.0, 3.0, 10.0]), np.array([[1.0, 1], [0, 2]])).tolist() == [
        15.0,
        16.0,
    ]
    assert LinearModel(2, intercept=False).predict(np.array([2.0, 3]), np.eye(2)).tolist() == [2, 3]
    assert repr(model) == "LinearModel(n_features=2, intercept=True)"


@pytest.mark.parametrize("intercept", [True, False])
def test_backward_is_the_transpose_of_the_prediction(intercept, rng):
    model = LinearModel(3, intercept=intercept)
    X, upstream = rng.standard_normal((5, 3)), rng.standard_normal(5)
    theta, out = rng.standard_normal(model.layout.size), np.empty(model.layout.size)
    prediction, saved = model.forward(theta, X)
    model.backward(theta, saved, upstream, out)
    design = model.design_matrix(X)
    assert design.shape == (5, model.layout.size)
    np.testing.assert_allclose(prediction, design @ theta, rtol=1e-13)
    np.testing.assert_allclose(out, design.T @ upstream, rtol=1e-13)


@pytest.mark.parametrize("X", [np.zeros(2), np.zeros((4, 3)), np.zeros((1, 4, 2)), 1.0])
def test_linear_model_refuses_data_of_the_wrong_shape(X):
    with pytest.raises(ValueError, match=r"X must have shape \(any, 2\), a row a sample, got \("):
        LinearModel(2).predict(np.zeros(3), X)


@pytest.mark.parametrize(
    ("n", "error", "message"),
    [(0, ValueError, "n_features must be at least 1"), ("3", TypeError, "n_features must be a")],
)
def test_linear_model_refuses_feature_counts(n, error, message):
    with pytest.raises(error, match=message):
        LinearModel(n)


# Their mean over samples.


def test_salary_gradient_worked_by_hand():
    risk = EmpiricalRisk(LinearModel(1), HalfSquaredError(), [[1.0], [3.0]], [2.0, 2.0])
    value, gradient = risk.value_and_gradient([1.0, 0.0])
    assert value == 0.5  # residuals -1 and 1
    assert gradient.tolist() == [1.0, 0.0]  # (-1·1 + 1·3) / 2 and (-1 + 1) / 2
    assert risk.hessian([1.0, 0.0]).tolist() == [[5.0, 2.0], [2.0, 1.0]]
    assert repr(risk).startswith("EmpiricalRisk(LinearModel(n_features=1, intercept=True), Half")
    assert repr(risk).endswith("2 samples, 2 parameters)")


@given(risks(), seeds)
def test_batch_of_all_samples_is_the_full_objective(risk, seed):
    theta = _theta(risk, seed)
    everything = np.arange(risk.n_samples)
    assert risk.value(theta, everything) == risk.value(theta)
    np.testing.assert_array_equal(risk.gradient(theta, everything), risk.gradient(theta))


@given(risks(), seeds)
def test_order_of_samples_does_not_matter(risk, seed):
    theta, order = _theta(risk, seed), np.random.default_rng(seed).permutation(risk.n_samples)
    assert risk.value(theta, order) == pytest.approx(risk.value(theta), rel=1e-12)
    scale = np.abs(risk.gradient(theta)).max()
    np.testing.assert_allclose(
        risk.gradient(theta, order), risk.gradient(theta), rtol=1e-10, atol=1e-13 * scale
    )


@given(risks(), seeds, st.integers(1, 5))
def test_chunks_add_up(risk, seed, size):
    """The full gradient is the mean of the chunks' gradients, weighted by their sizes."""
    theta = _theta(risk, seed)
    value, gradient = 0.0, np.zeros(risk.n_parameters)
    for start in range(0, risk.n_samples, size):
        chunk = np.arange(start, min(start + size, risk.n_samples))
        part, slope = risk.value_and_gradient(theta, chunk)
        value += part * len(chunk) / risk.n_samples
        gradient += slope * len(chunk) / risk.n_samples
    assert value == pytest.approx(risk.value(theta), rel=1e-12)
    scale = np.abs(risk.gradient(theta)).max()
    np.testing.assert_allclose(gradient, risk.gradient(theta), rtol=1e-10, atol=1e-12 * scale)


def test_sample_named_twice_counts_twice():
    X, y = _data()
    risk = EmpiricalRisk(LinearModel(3), SquaredError(), X, y)
    theta = _theta(risk)
    both = 2 / 3 * risk.gradient(theta, np.array([2])) + 1 / 3 * risk.gradient(theta, np.array([5]))
    np.testing.assert_allclose(risk.gradient(theta, np.array([2, 5, 2])), both, rtol=1e-13)


@given(risks(), seeds)
def test_hessian_of_a_quadratic_risk_does_not_move(risk, seed):
    near, far = _theta(risk, seed), 10 * _theta(risk, seed + 1)
    same = np.array_equal(risk.hessian(near), risk.hessian(far))
    assert same == risk.is_quadratic or isinstance(risk.cost, LogisticLoss)
    assert risk.is_quadratic == isinstance(risk.cost, (HalfSquaredError, SquaredError))


def test_logistic_hessian_is_psd_and_weighs_the_uncertain(rng):
    X, _ = _data()
    risk = EmpiricalRisk(LinearModel(3), LogisticLoss(), X, [0, 1] * 4)
    at_zero = risk.hessian(np.zeros(4))
    design = risk.model.design_matrix(X)
    np.testing.assert_allclose(at_zero, design.T @ design / 4 / 8, rtol=1e-13)
    assert np.linalg.eigvalsh(risk.hessian(_theta(risk))).min() > 0


def test_model_that_is_not_linear_has_no_hessian():
    class Squared(LinearModel):
        is_linear = False

    X, y = _data()
    risk = EmpiricalRisk(Squared(3), SquaredError(), X, y)
    assert not risk.is_quadratic
    with pytest.raises(NotImplementedError, match="EmpiricalRisk does not know its Hessian"):
        risk.hessian(np.zeros(4))


@pytest.mark.parametrize("cost", COSTS, ids=repr)
def test_single_precision_data_stay_single(cost):
    X, _ = _data()
    risk = EmpiricalRisk(LinearModel(3), cost, X.astype(np.float32), [0, 1] * 4)
    assert risk.X.dtype == risk.y.dtype == np.float32
    theta = _theta(risk).astype(np.float32)
    _, gradient = risk.value_and_gradient(theta)
    assert gradient.dtype == np.float32
    assert risk.hessian(theta).dtype == np.float32
    double = EmpiricalRisk(LinearModel(3), cost, X, [0, 1] * 4)
    np.testing.assert_allclose(gradient, double.gradient(theta), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(
    ("X", "y", "error", "message"),
    [
        (
            [[1.0], [np.nan]],
            [1, 2],
            ValueError,
            r"X must hold finite numbers, got nan at index \(1,",
        ),
        ([[1.0], [2.0]], [1, np.inf], ValueError, "y must hold finite numbers, got inf"),
        ([1.0, 2.0], [1, 2], ValueError, r"X must have 2 dimension.*X.reshape\(-1, 1\)"),
        ([[1.0], [2.0]], [[[1]], [[2]]], ValueError, r"y must have 1 or 2 dimension"),
        ([[1.0], [2.0]], [1, 2, 3], ValueError, "got 2 rows of X and 3 targets"),
        (
            [[1.0, 2.0]],
            [1],
            ValueError,
            r"X must have the 1 feature\(s\) that LinearModel.*\(1, 2\)",
        ),
        (np.empty((0, 1)), [], ValueError, "X must hold at least one sample, got none"),
        ([["a"]], [1], TypeError, "X must hold real numbers"),
        ([[1.0]], ["a"], TypeError, "y must hold real numbers"),
    ],
)
def test_data_that_are_refused(X, y, error, message):
    with pytest.raises(error, match=message):
        EmpiricalRisk(LinearModel(1), SquaredError(), X, y)


@pytest.mark.parametrize("labels", [[-1, 1], [1, 2]])
def test_labels_that_are_not_0_and_1_are_refused(labels):
    with pytest.raises(ValueError, match="y must hold labels 0 and 1"):
        EmpiricalRisk(LinearModel(1), LogisticLoss(), [[1.0], [2.0]], labels)


def test_column_of_targets_is_refused():
    X, y = _data()
    risk = EmpiricalRisk(LinearModel(3), SquaredError(), X, y[:, None])
    for method in (risk.value, risk.gradient):
        with pytest.raises(ValueError, match=r"same shape.*\(8,\) and \(8, 1\)"):
            method(np.zeros(4))


@pytest.mark.parametrize(
    ("batch", "error", "message"),
    [
        ([], ValueError, "batch must name at least one sample"),
        ([8], ValueError, "batch must hold indices from 0 to 7, got values from 8 to 8"),
        ([-1], ValueError, "batch must hold indices from 0"),
        ([0.5], TypeError, "batch must be a 1-D array of whole numbers"),
        (3, TypeError, "batch must be a 1-D array of whole numbers"),
        ([True] * 8, TypeError, "dtype bool"),
    ],
)
def test_batches_that_are_refused(batch, error, message):
    X, y = _data()
    risk = EmpiricalRisk(LinearModel(3), SquaredError(), X, y)
    for method in (risk.value, risk.gradient, risk.value_and_gradient):
        with pytest.raises(error, match=message):
            method(np.zeros(4), batch)


def test_strided_parameters_are_refused():
    X, y = _data()
    risk = EmpiricalRisk(LinearModel(3), SquaredError(), X, y)
    with pytest.raises(ValueError, match="theta must be contiguous"):
        risk.value(np.zeros(8)[::2])
