"""Penalised, weighted risks have the minima that scikit-learn and scipy find."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose
from scipy.optimize import minimize
from sklearn import linear_model
from sklearn.svm import SVC

from course_lib.costs import HalfSquaredError, HingeLoss, LogisticLoss, SoftmaxCrossEntropy
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.penalties import L1, L2, ElasticNet

RNG = np.random.default_rng(8)
N = 80
X = RNG.normal(size=(N, 6)) @ np.diag([1, 2, 0.5, 1, 1, 1.5])
Y = X @ [1.5, -1.0, 0.0, 0.0, 2.0, 0.0] + 3.0 + RNG.normal(size=N)
LABELS = (Y + RNG.normal(size=N) > 3).astype(int)
WEIGHT = RNG.uniform(0.1, 2.0, size=N)


def smooth_minimum(risk: EmpiricalRisk) -> np.ndarray:
    result = minimize(
        risk.value_and_gradient,
        np.zeros(risk.n_parameters),
        jac=True,
        method="L-BFGS-B",
        options={"ftol": 1e-16, "gtol": 1e-11, "maxiter": 10_000},
    )
    return result.x


def proximal_minimum(risk: EmpiricalRisk, penalty, n_iterations: int = 20_000) -> np.ndarray:
    """Proximal gradient descent with step 1 / L."""
    theta = np.zeros(risk.n_parameters)
    step = 1.0 / np.linalg.eigvalsh(risk.hessian(theta))[-1]
    for _ in range(n_iterations):
        penalty.proximal(theta - step * risk.gradient(theta), step, out=theta)
    return theta


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_ridge(weight):
    risk = EmpiricalRisk(
        LinearModel(6), HalfSquaredError(), X, Y, penalty=L2(0.2), sample_weight=weight
    )
    total = N if weight is None else weight.sum()
    theirs = linear_model.Ridge(alpha=0.2 * total, tol=1e-12).fit(X, Y, sample_weight=weight)
    theta = np.linalg.solve(risk.hessian(np.zeros(7)), -risk.gradient(np.zeros(7)))
    assert_allclose(theta, [*theirs.coef_, theirs.intercept_], rtol=1e-10)


@pytest.mark.parametrize(
    ("penalty", "theirs"),
    [
        (L1(0.3), linear_model.Lasso(alpha=0.3, tol=1e-14, max_iter=100_000, random_state=0)),
        (
            ElasticNet(0.3, 0.6),
            linear_model.ElasticNet(0.3, l1_ratio=0.6, tol=1e-14, max_iter=100_000, random_state=0),
        ),
    ],
    ids=repr,
)
def test_lasso_and_elastic_net(penalty, theirs):
    risk = EmpiricalRisk(LinearModel(6), HalfSquaredError(), X, Y)
    masked = penalty.with_mask(np.array([True] * 6 + [False]))
    theta = proximal_minimum(risk, masked)
    theirs.fit(X, Y)
    assert_allclose(theta, [*theirs.coef_, theirs.intercept_], atol=1e-7)
    assert_allclose(theta[:6] == 0.0, theirs.coef_ == 0.0)


@pytest.mark.parametrize("weight", [None, WEIGHT], ids=["plain", "weighted"])
def test_logistic_regression(weight):
    risk = EmpiricalRisk(
        LinearModel(6), LogisticLoss(), X, LABELS, penalty=L2(0.05), sample_weight=weight
    )
    total = N if weight is None else weight.sum()
    theirs = linear_model.LogisticRegression(C=1 / (0.05 * total), tol=1e-12, max_iter=10_000)
    theirs.fit(X, LABELS, sample_weight=weight)
    assert_allclose(smooth_minimum(risk), [*theirs.coef_[0], *theirs.intercept_], rtol=1e-5)


def test_the_support_vector_machine_minimizes_hinge_and_ridge():
    # sum of hinges + lambda |w|^2 with lambda = 1 / (2 C): per sample, C n times smaller.
    C = 0.7
    signs = 2 * LABELS - 1
    theirs = SVC(C=C, kernel="linear", tol=1e-10, random_state=0).fit(X, signs)
    theta = np.array([*theirs.coef_[0], *theirs.intercept_])
    risk = EmpiricalRisk(LinearModel(6), HingeLoss(), X, signs, penalty=L2(1 / (C * N)))
    minimum = risk.value(theta)
    for _ in range(3000):
        assert risk.value(theta + 0.01 * RNG.normal(size=7)) >= minimum
    # Without the positive part the data term is linear, and there are far lower points.
    unclipped = (1 - signs * LinearModel(6).predict(1000 * theta, X)).mean()
    assert unclipped < minimum


def test_softmax_regression_gradient_vanishes_at_their_minimum():
    classes = np.digitize(Y, [2.0, 4.5])
    theirs = linear_model.LogisticRegression(C=10.0 / N, tol=1e-12, max_iter=10_000).fit(X, classes)
    scores = theirs.decision_function(X)
    upstream = SoftmaxCrossEntropy().gradient(scores, classes)
    assert_allclose(X.T @ upstream + 0.1 * theirs.coef_.T, 0.0, atol=1e-6)
    assert_allclose(upstream.sum(axis=0), 0.0, atol=1e-6)
