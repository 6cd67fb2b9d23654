"""The linear learners measured with scikit-learn's, and by its own checks."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn import linear_model, svm
from sklearn.datasets import load_breast_cancer, load_diabetes, load_iris, load_wine
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_lib.linear_learners import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LinearSVC,
    LinearUnit,
    LogisticRegression,
    Perceptron,
    Ridge,
)
from course_lib.optimizers import Adam
from course_lib.preprocessing import standardize

CLASSES = {"iris": load_iris, "wine": load_wine, "breast cancer": load_breast_cancer}

#: Why a learner that takes samples one after the other cannot pass it: one long step on a sample of
#: weight two is not two steps, and the order of a repeated data set is another one. (scikit-learn
#: excuses its own SGDClassifier, SGDRegressor and Perceptron for the same reason.)
ONE_AFTER_THE_OTHER = {
    "check_sample_weight_equivalence_on_dense_data": "steps on samples in an order, not on a mean"
}


def excused(estimator):
    in_passes = isinstance(estimator, (Perceptron, LinearUnit))
    in_passes |= getattr(estimator, "solver", None) in ("sgd", "pegasos")
    return ONE_AFTER_THE_OTHER if in_passes else {}


# The checks fit noise, features of all scales and classes that cannot be told apart, often to the
# cap of a few iterations. That the cap is then reported is right.
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
@parametrize_with_checks(
    [
        Perceptron(max_iter=100),
        LinearUnit(),
        LinearRegression(),
        LinearRegression(solver=Adam(0.1), max_iter=500),
        Ridge(),
        Lasso(),
        ElasticNet(),
        LogisticRegression(),
        LogisticRegression(0.1, l1_ratio=0.5),
        LogisticRegression(solver="sgd", max_iter=300),
        LogisticRegression(solver="sgd", batch_size=8, max_iter=300),
        LogisticRegression(solver=Adam(0.05), max_iter=200),
        LinearSVC(max_iter=500),
        LinearSVC(solver="pegasos", max_iter=200),
    ],
    expected_failed_checks=excused,
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(params=CLASSES)
def classes(request):
    X, y = CLASSES[request.param](return_X_y=True)
    return standardize(X).data, y


@pytest.fixture
def two_classes(classes):
    X, y = classes
    return X, (y == 1).astype(int)


@pytest.fixture
def diabetes():
    return load_diabetes(return_X_y=True)


def assert_same_fit(ours, theirs, rtol):
    scale = np.abs(theirs.coef_).max()
    np.testing.assert_allclose(ours.coef_, theirs.coef_, atol=rtol * scale)
    np.testing.assert_allclose(
        ours.intercept_, theirs.intercept_, atol=rtol * max(1.0, np.abs(theirs.intercept_).max())
    )


class TestRegression:
    @pytest.mark.parametrize(("solver", "rtol"), [("auto", 1e-9), ("lbfgs", 1e-6), ("fista", 1e-5)])
    def test_least_squares(self, diabetes, solver, rtol):
        theirs = linear_model.LinearRegression().fit(*diabetes)
        assert_same_fit(LinearRegression(solver, tol=1e-9).fit(*diabetes), theirs, rtol)

    @pytest.mark.parametrize("alpha", [1e-4, 1e-2, 1.0])
    @pytest.mark.parametrize("weighted", [True, False])
    def test_ridge(self, diabetes, alpha, weighted):
        X, y = diabetes
        weight = np.random.default_rng(0).random(len(y)) if weighted else np.ones(len(y))
        theirs = linear_model.Ridge(alpha * weight.sum(), solver="cholesky").fit(X, y, weight)
        assert_same_fit(Ridge(alpha, tol=1e-10).fit(X, y, weight), theirs, 1e-8)

    @pytest.mark.parametrize("alpha", [0.01, 0.1, 1.0])
    @pytest.mark.parametrize("solver", ["fista", "ista"])
    def test_lasso(self, diabetes, alpha, solver):
        theirs = linear_model.Lasso(alpha, random_state=0, tol=1e-13, max_iter=10**6).fit(*diabetes)
        ours = Lasso(alpha, solver=solver, tol=1e-10, max_iter=10**6).fit(*diabetes)
        assert_same_fit(ours, theirs, 1e-7)
        np.testing.assert_array_equal(ours.coef_ == 0, theirs.coef_ == 0)

    @pytest.mark.parametrize("l1_ratio", [0.1, 0.5, 0.9])
    def test_elastic_net(self, diabetes, l1_ratio):
        settings = {"l1_ratio": l1_ratio, "max_iter": 10**6}
        theirs = linear_model.ElasticNet(0.01, random_state=0, tol=1e-13, **settings).fit(*diabetes)
        ours = ElasticNet(0.01, tol=1e-10, **settings).fit(*diabetes)
        assert_same_fit(ours, theirs, 1e-7)

    def test_delta_rule(self, diabetes):
        X, y = diabetes
        theirs = linear_model.SGDRegressor(
            penalty=None,
            learning_rate="constant",
            eta0=0.05,
            shuffle=False,
            max_iter=7,
            tol=None,
            random_state=0,
        ).fit(X, y)
        ours = LinearUnit(0.05, shuffle=False, max_iter=7, tol=None).fit(X, y)
        assert_same_fit(ours, theirs, 1e-12)


class TestPerceptron:
    @pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
    def test_mistake_by_mistake(self, two_classes):
        # A score of exactly zero, which only the start has, is a mistake for scikit-learn whatever
        # the label, and here where the label is the second: so one of those comes first.
        X, y = two_classes
        first = np.argmax(y)
        order = np.r_[first, np.delete(np.arange(len(y)), first)]
        theirs = linear_model.Perceptron(shuffle=False, max_iter=20, tol=None, random_state=0).fit(
            X[order], y[order]
        )
        ours = Perceptron(shuffle=False, max_iter=20).fit(X[order], y[order])
        assert_same_fit(ours, theirs, 1e-12)


class TestLogisticRegression:
    @pytest.mark.parametrize("solver", ["lbfgs", "fista"])
    @pytest.mark.parametrize("alpha", [1e-2, 1e-1])
    def test_smooth(self, classes, solver, alpha):
        X, y = classes
        theirs = linear_model.LogisticRegression(
            C=1 / (alpha * len(y)), tol=1e-10, max_iter=10**5, solver="newton-cg"
        ).fit(X, y)
        ours = LogisticRegression(alpha, solver=solver, tol=1e-9, max_iter=10**5).fit(X, y)
        assert_same_fit(ours, theirs, 1e-5)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-6)

    def test_weighted(self, classes):
        X, y = classes
        weight = np.random.default_rng(0).random(len(y))
        theirs = linear_model.LogisticRegression(
            C=1 / (0.01 * weight.sum()), tol=1e-10, max_iter=10**5
        ).fit(X, y, weight)
        assert_same_fit(LogisticRegression(0.01, tol=1e-9).fit(X, y, weight), theirs, 1e-4)

    @pytest.mark.parametrize("l1_ratio", [0.5, 1.0])
    def test_with_a_kink(self, classes, l1_ratio):
        X, y = classes
        theirs = linear_model.LogisticRegression(
            C=1 / (0.02 * len(y)),
            l1_ratio=l1_ratio,
            solver="saga",
            tol=1e-10,
            max_iter=10**5,
            random_state=0,
        ).fit(X, y)
        ours = LogisticRegression(0.02, l1_ratio=l1_ratio, tol=1e-9, max_iter=10**5).fit(X, y)
        assert_same_fit(ours, theirs, 1e-5)
        np.testing.assert_array_equal(ours.coef_ == 0, theirs.coef_ == 0)

    def test_sample_by_sample(self, two_classes):
        # The same steps on the same samples in the same order: the same weights.
        X, y = two_classes
        settings = {"max_iter": 1, "tol": None, "random_state": 0}
        theirs = linear_model.SGDClassifier(
            "log_loss", alpha=1e-3, learning_rate="constant", eta0=0.05, shuffle=False, **settings
        ).fit(X, y)
        ours = LogisticRegression(
            1e-3,
            solver="sgd",
            step_size=lambda k: 0.05,
            random_state=_Fixed(),
            max_iter=1,
            tol=None,
        ).fit(X, y)
        assert_same_fit(ours, theirs, 1e-9)


class TestSupportVectorMachine:
    @staticmethod
    def objective(w, b, X, y, alpha):
        margin = (2 * y - 1) * (X @ w + b)
        return np.maximum(0, 1 - margin).mean() + 0.5 * alpha * w @ w

    @pytest.mark.parametrize("alpha", [0.03, 0.1])
    def test_objective_of_the_dual_solver(self, two_classes, alpha):
        X, y = two_classes
        dual = svm.SVC(C=1 / (alpha * len(y)), kernel="linear", tol=1e-10, random_state=0).fit(X, y)
        minimum = self.objective(dual.coef_[0], dual.intercept_[0], X, y, alpha)
        ours = LinearSVC(alpha, tol=1e-4, max_iter=50_000).fit(X, y)
        found = self.objective(ours.coef_[0], ours.intercept_[0], X, y, alpha)
        assert found == pytest.approx(ours.loss_curve_[-1], rel=1e-12)
        assert minimum - 1e-9 <= found <= minimum * (1 + 1e-4)
        assert ours.bound_curve_[-1] <= minimum + 1e-9
        np.testing.assert_allclose(ours.coef_, dual.coef_, atol=0.05 * np.abs(dual.coef_).max())

    def test_pegasos(self, two_classes):
        X, y = two_classes
        dual = svm.SVC(C=1 / (0.1 * len(y)), kernel="linear", tol=1e-10, random_state=0).fit(X, y)
        minimum = self.objective(dual.coef_[0], dual.intercept_[0], X, y, 0.1)
        ours = LinearSVC(0.1, solver="pegasos", max_iter=2000, tol=None, random_state=0).fit(X, y)
        found = self.objective(ours.coef_[0], ours.intercept_[0], X, y, 0.1)
        assert minimum - 1e-9 <= found <= minimum + 1e-4

    def test_liblinear_without_intercept(self, two_classes):
        # With one, liblinear penalises it.
        X, y = two_classes
        theirs = svm.LinearSVC(
            loss="hinge",
            C=1 / (0.05 * len(y)),
            fit_intercept=False,
            tol=1e-9,
            max_iter=10**6,
            random_state=0,
        ).fit(X, y)
        minimum = self.objective(theirs.coef_[0], 0.0, X, y, 0.05)
        ours = LinearSVC(0.05, fit_intercept=False, tol=1e-4, max_iter=50_000).fit(X, y)
        found = self.objective(ours.coef_[0], 0.0, X, y, 0.05)
        assert minimum - 1e-8 <= found <= minimum * (1 + 1e-4)

    def test_penalty_and_constraint_notation(self):
        # sum of hinges + lambda |w|^2 with lambda = 1 / (2 C): the minimum, and only with the
        # positive part in place.
        rng = np.random.default_rng(0)
        X = np.vstack([rng.standard_normal((20, 2)) + 1, rng.standard_normal((20, 2)) - 1])
        y = np.repeat([1, 0], 20)
        machine = svm.SVC(C=0.7, kernel="linear", tol=1e-10, random_state=0).fit(X, y)

        def total(w, b, positive_part=True):
            room = 1 - (2 * y - 1) * (X @ w + b)
            return (np.maximum(room, 0) if positive_part else room).sum() + w @ w / (2 * 0.7)

        w, b = machine.coef_[0], machine.intercept_[0]
        best = total(w, b)
        steps = 0.3 * rng.standard_normal((3000, 3))
        assert best <= min(total(w + s[:2], b + s[2]) for s in steps) + 1e-9
        ours = LinearSVC(1 / (0.7 * 40), tol=1e-6, max_iter=10**5).fit(X, y)
        assert total(ours.coef_[0], ours.intercept_[0]) == pytest.approx(best, rel=2e-6)
        assert (
            min(total(10 * w, b, positive_part=False), total(w, b, positive_part=False)) < best / 2
        )


class _Fixed(np.random.Generator):
    """A generator whose permutations are the order that is there."""

    def __init__(self):
        super().__init__(np.random.PCG64(0))

    def permutation(self, x, axis=0):
        return np.arange(x)
