"""The empirical risk with penalties, sample weights and every kind of cost."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose

from course_lib.batching import FullBatch, MiniBatches
from course_lib.costs import (
    HalfSquaredError,
    HingeLoss,
    HuberLoss,
    LogisticLoss,
    SoftmaxCrossEntropy,
)
from course_lib.gradient_check import check_gradient
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.parameters import ParameterLayout
from course_lib.penalties import L1, L2, ElasticNet

RNG = np.random.default_rng(3)
X = RNG.normal(size=(30, 4))
Y = X @ [1.0, -2.0, 0.5, 3.0] + 4.0 + RNG.normal(size=30)
LABELS = (Y > 4.0).astype(float)
WEIGHT = RNG.uniform(0.0, 3.0, size=30)
THETA = RNG.normal(size=5)
MODEL = LinearModel(4)


class ThreeScores:
    """A linear model with three outputs, to try costs of rows."""

    n_features = 4
    layout = ParameterLayout({"weights": (4, 3)})

    def predict(self, theta, X):
        return X @ theta.reshape(4, 3)

    def forward(self, theta, X):
        return self.predict(theta, X), X

    def backward(self, theta, saved, upstream, out):
        np.matmul(saved.T, upstream, out=out.reshape(4, 3))


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
@pytest.mark.parametrize("penalty", [None, L2(0.3), L1(0.3), ElasticNet(0.3)], ids=repr)
@pytest.mark.parametrize(
    ("cost", "target"),
    [
        (HalfSquaredError(), Y),
        (HuberLoss(), Y),
        (LogisticLoss(), LABELS),
        (HingeLoss(), 2 * LABELS - 1),
    ],
    ids=lambda thing: repr(thing) if hasattr(thing, "value") else "",
)
class TestDerivatives:
    def test_gradient(self, cost, target, penalty, weight):
        risk = EmpiricalRisk(MODEL, cost, X, target, penalty=penalty, sample_weight=weight)
        check_gradient(risk, THETA, tolerance=1e-7)
        check_gradient(risk, THETA, np.array([3, 1, 4, 1, 5]), tolerance=1e-7)

    def test_hessian(self, cost, target, penalty, weight):
        risk = EmpiricalRisk(MODEL, cost, X, target, penalty=penalty, sample_weight=weight)
        h = 1e-6
        columns = [
            (risk.gradient(THETA + e) - risk.gradient(THETA - e)) / (2 * h) for e in h * np.eye(5)
        ]
        assert_allclose(risk.hessian(THETA), columns, atol=1e-8)
        product = risk.hessian_vector_product(THETA, THETA)
        assert_allclose(product, risk.hessian(THETA) @ THETA, rtol=1e-12, atol=1e-14)
        expected = cost.is_quadratic and (penalty is None or isinstance(penalty, L2))
        assert risk.is_quadratic == expected


class TestPenalty:
    def test_the_bias_is_spared(self):
        risk = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y, penalty=L2(0.3))
        plain = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y)
        assert risk.value(THETA) - plain.value(THETA) == pytest.approx(0.15 * THETA[:4] @ THETA[:4])
        difference = risk.gradient(THETA) - plain.gradient(THETA)
        assert_allclose(difference, [*(0.3 * THETA[:4]), 0.0], atol=1e-15)

    def test_a_shift_of_the_targets_shifts_the_predictions_only_if_it_is(self):
        def fitted(y, penalty):
            risk = EmpiricalRisk(MODEL, HalfSquaredError(), X, y, penalty=penalty)
            return np.linalg.solve(risk.hessian(np.zeros(5)), -risk.gradient(np.zeros(5)))

        spared, priced = L2(2.0), L2(2.0, np.ones(5, bool))
        shift = MODEL.predict(fitted(Y + 100, spared), X) - MODEL.predict(fitted(Y, spared), X)
        assert_allclose(shift, 100.0, rtol=1e-12)
        shift = MODEL.predict(fitted(Y + 100, priced), X) - MODEL.predict(fitted(Y, priced), X)
        assert shift.mean() < 50

    def test_a_mask_of_its_own_is_kept(self):
        mask = np.array([False, False, False, False, True])
        risk = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y, penalty=L2(1.0, mask))
        plain = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y)
        assert risk.value(THETA) - plain.value(THETA) == pytest.approx(0.5 * THETA[4] ** 2)

    def test_ridge_shrinks_every_singular_direction(self):
        model, strength = LinearModel(4, intercept=False), 0.4
        risk = EmpiricalRisk(model, HalfSquaredError(), X, Y, penalty=L2(strength))
        theta = np.linalg.solve(risk.hessian(np.zeros(4)), -risk.gradient(np.zeros(4)))
        u, d, vt = np.linalg.svd(X, full_matrices=False)
        shrunk = vt.T @ (d / (d**2 + strength * 30) * (u.T @ Y))
        assert_allclose(theta, shrunk, rtol=1e-12)
        assert (theta != 0.0).all()


class TestSampleWeight:
    def test_weights_are_repetitions(self):
        counts = RNG.integers(0, 4, size=30)
        rows = np.repeat(np.arange(30), counts)
        weighted = EmpiricalRisk(MODEL, LogisticLoss(), X, LABELS, sample_weight=counts)
        repeated = EmpiricalRisk(MODEL, LogisticLoss(), X[rows], LABELS[rows])
        assert weighted.value(THETA) == pytest.approx(repeated.value(THETA), rel=1e-13)
        assert_allclose(weighted.gradient(THETA), repeated.gradient(THETA), rtol=1e-12)

    def test_only_their_ratios_matter(self):
        one = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y, sample_weight=WEIGHT)
        ten = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y, sample_weight=10 * WEIGHT)
        assert_allclose(one.gradient(THETA), ten.gradient(THETA), rtol=1e-13)

    def test_batch_gradients_are_unbiased(self):
        risk = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y, sample_weight=WEIGHT)
        epoch = [risk.gradient(THETA, batch) for batch in MiniBatches(30, 6, seed=0)]
        assert_allclose(np.mean(epoch, axis=0), risk.gradient(THETA), rtol=1e-12)
        (everything,) = FullBatch(30)
        assert_allclose(risk.gradient(THETA, everything), risk.gradient(THETA), rtol=1e-14)

    def test_a_batch_may_have_no_weight_at_all(self):
        risk = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y, sample_weight=[0.0] * 29 + [1.0])
        assert risk.value(THETA, np.array([0, 1])) == 0.0
        assert not risk.gradient(THETA, np.array([0, 1])).any()

    def test_bad_weights(self):
        with pytest.raises(ValueError, match="sample_weight must have shape"):
            EmpiricalRisk(MODEL, HalfSquaredError(), X, Y, sample_weight=[1.0])


class TestTargets:
    def test_labels_are_checked_when_the_risk_is_made(self):
        with pytest.raises(ValueError, match=r"^y must hold labels 0 and 1.*got -1"):
            EmpiricalRisk(MODEL, LogisticLoss(), X, 2 * LABELS - 1)
        with pytest.raises(ValueError, match=r"^y must hold the labels -1 and \+1"):
            EmpiricalRisk(MODEL, HingeLoss(), X, LABELS)

    def test_class_numbers(self):
        classes = RNG.integers(3, size=30)
        by_number = EmpiricalRisk(ThreeScores(), SoftmaxCrossEntropy(), X, classes)
        by_row = EmpiricalRisk(ThreeScores(), SoftmaxCrossEntropy(), X, np.eye(3)[classes])
        theta = RNG.normal(size=12)
        check_gradient(by_number, theta, tolerance=1e-7)
        assert by_number.value(theta) == pytest.approx(by_row.value(theta), rel=1e-14)
        assert_allclose(by_number.gradient(theta), by_row.gradient(theta), rtol=1e-12)
        with pytest.raises(ValueError, match="below 3, the number of columns"):
            EmpiricalRisk(ThreeScores(), SoftmaxCrossEntropy(), X, classes + 1).value(theta)

    def test_a_column_of_targets_is_not_paired_with_every_prediction(self):
        risk = EmpiricalRisk(MODEL, HalfSquaredError(), X, Y[:, None])
        for method in (risk.value, risk.gradient):
            with pytest.raises(ValueError, match="pair each prediction with every target"):
                method(THETA)

    def test_single_precision_stays(self):
        risk = EmpiricalRisk(
            MODEL,
            LogisticLoss(),
            X.astype(np.float32),
            LABELS.astype(int),
            penalty=L2(0.1),
            sample_weight=WEIGHT,
        )
        assert risk.y.dtype == np.float32
        gradient = risk.gradient(THETA.astype(np.float32))
        assert gradient.dtype == np.float32
        double = EmpiricalRisk(
            MODEL, LogisticLoss(), X, LABELS, penalty=L2(0.1), sample_weight=WEIGHT
        )
        assert_allclose(gradient, double.gradient(THETA), rtol=2e-5, atol=1e-6)


class TestBadInput:
    def test_data_that_do_not_fit(self):
        with pytest.raises(ValueError, match="X must hold at least one sample"):
            EmpiricalRisk(MODEL, HalfSquaredError(), np.zeros((0, 4)), np.zeros(0))
        with pytest.raises(ValueError, match="got 30 rows of X and 29 targets"):
            EmpiricalRisk(MODEL, HalfSquaredError(), X, Y[:-1])
        with pytest.raises(ValueError, match=r"the 4 feature\(s\) that LinearModel"):
            EmpiricalRisk(MODEL, HalfSquaredError(), X[:, :3], Y)

    def test_a_model_that_is_not_linear_does_not_know_its_hessian(self):
        risk = EmpiricalRisk(ThreeScores(), SoftmaxCrossEntropy(), X, np.zeros(30))
        with pytest.raises(NotImplementedError, match="does not know its Hessian"):
            risk.hessian(np.zeros(12))
        assert not risk.is_quadratic

    def test_repr(self):
        risk = EmpiricalRisk(MODEL, LogisticLoss(), X, LABELS)
        assert "LogisticLoss(), 30 samples, 5 parameters" in repr(risk)
