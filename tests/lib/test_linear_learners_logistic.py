"""Logistic regression: its worked numbers, its solvers, its options."""

from __future__ import annotations

from contextlib import nullcontext

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from course_lib.costs import LogisticLoss
from course_lib.descent import DivergenceWarning, descend
from course_lib.linear_learners import LogisticRegression
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import Adam, GradientDescent

FOUR = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]])
LABELS = np.array([0, 0, 1, 1])


def blobs(n_classes, n=150, seed=0):
    rng = np.random.default_rng(seed)
    centres = 1.5 * rng.standard_normal((n_classes, 4))
    codes = rng.integers(n_classes, size=n)
    return centres[codes] + rng.standard_normal((n, 4)), codes


def objective(model, X, y, alpha, l1_ratio=0.0, weight=None):
    codes = np.searchsorted(model.classes_, y)
    losses = -model.predict_log_proba(X)[np.arange(len(y)), codes]
    w = np.abs(model.coef_)
    penalty = alpha * (l1_ratio * w.sum() + 0.5 * (1 - l1_ratio) * (w**2).sum())
    return np.average(losses, weights=weight) + penalty


class TestFourPoints:
    """The documents' example: separable, so there is no minimum to find."""

    def descent(self, n):
        with pytest.warns(ConvergenceWarning):
            return LogisticRegression(
                0.0, solver=GradientDescent(0.01), fit_intercept=False, max_iter=n, tol=1e-12
            ).fit(FOUR, LABELS)

    def test_ten_thousand_steps_are_where_the_loop_stopped(self):
        model = self.descent(10_000)
        assert np.linalg.norm(model.coef_) == pytest.approx(5.99, abs=5e-3)
        assert model.loss_curve_[-1] == pytest.approx(0.252, abs=5e-4)
        assert model.intercept_ == 0.0

    def test_longer_steps_stand_for_more_of_them(self):
        # A tenth of the steps, ten times as long; the path is the same.
        with pytest.warns(ConvergenceWarning):
            model = LogisticRegression(
                0.0, solver=GradientDescent(0.1), fit_intercept=False, max_iter=10_000, tol=1e-12
            ).fit(FOUR, LABELS)
        assert np.linalg.norm(model.coef_) == pytest.approx(17.7, abs=0.05)
        assert model.loss_curve_[-1] == pytest.approx(0.0600, abs=1e-4)

    def test_the_direction_tends_to_the_widest_margin(self):
        risk = EmpiricalRisk(LinearModel(2, intercept=False), LogisticLoss(), FOUR, LABELS)
        widest = np.array([7.0, -5.0]) / np.sqrt(74)
        trace = descend(risk, [0.0, 0.0], GradientDescent(0.1), max_iterations=20_000)
        norms = np.linalg.norm(trace.theta, axis=1)
        cosines = trace.theta[1:] @ widest / norms[1:]
        assert np.all(np.diff(norms) > 0)
        assert cosines[-1] > cosines[5000] > cosines[1000] > cosines[100]
        assert cosines[-1] > 1 - 2e-6

    def test_a_penalty_gives_it_a_minimum(self):
        model = LogisticRegression(0.01, tol=1e-9).fit(FOUR, LABELS)
        assert model.trace_.converged
        # By symmetry: both weights the same, and the boundary halfway.
        assert model.coef_[0, 0] == pytest.approx(model.coef_[0, 1])
        assert model.decision_function([[2.5, 3.5]]) == pytest.approx(0.0, abs=1e-8)


@pytest.mark.parametrize("n_classes", [2, 3])
@pytest.mark.parametrize("intercept", [True, False])
@pytest.mark.parametrize("weighted", [True, False])
class TestSolversAgree:
    def test_on_a_smooth_penalty(self, n_classes, intercept, weighted):
        X, y = blobs(n_classes)
        X = X + 1.0
        weight = np.random.default_rng(1).random(150) if weighted else None
        best = LogisticRegression(0.05, fit_intercept=intercept, tol=1e-9).fit(X, y, weight)
        value = objective(best, X, y, 0.05, weight=weight)
        assert best.loss_curve_[-1] == pytest.approx(value, rel=1e-12)
        for solver, tol in (("fista", 1e-9), ("ista", 1e-6), (GradientDescent(0.3), 1e-5)):
            other = clone(best).set_params(solver=solver, tol=tol, max_iter=200_000)
            other.fit(X, y, weight)
            np.testing.assert_allclose(other.coef_, best.coef_, atol=1e-3)
            np.testing.assert_allclose(other.intercept_, best.intercept_, atol=2e-3)
            assert other.loss_curve_[-1] == pytest.approx(value, abs=1e-8)
        assert bool(best.intercept_.any()) is intercept

    def test_on_a_kink(self, n_classes, intercept, weighted):
        X, y = blobs(n_classes)
        weight = np.random.default_rng(1).random(150) if weighted else None
        settings = {"l1_ratio": 0.7, "fit_intercept": intercept, "max_iter": 100_000}
        best = LogisticRegression(0.1, **settings, tol=1e-9).fit(X, y, weight)
        slow = LogisticRegression(0.1, **settings, solver="ista", tol=1e-8).fit(X, y, weight)
        np.testing.assert_allclose(slow.coef_, best.coef_, atol=1e-6)
        assert np.array_equal(slow.coef_ == 0, best.coef_ == 0)
        value = objective(best, X, y, 0.1, 0.7, weight)
        assert best.loss_curve_[-1] == pytest.approx(value, rel=1e-12)

    @pytest.mark.parametrize("batch_size", [1, 16])
    def test_samples_come_near(self, n_classes, intercept, weighted, batch_size):
        X, y = blobs(n_classes)
        weight = np.random.default_rng(1).random(150) if weighted else None
        best = LogisticRegression(0.05, fit_intercept=intercept, tol=1e-9).fit(X, y, weight)
        sgd = clone(best).set_params(
            solver="sgd", batch_size=batch_size, tol=None, max_iter=150, random_state=0
        )
        sgd.fit(X, y, weight)
        assert sgd.loss_curve_[0] == pytest.approx(np.log(n_classes))
        value = objective(sgd, X, y, 0.05, weight=weight)
        assert sgd.loss_curve_[-1] == pytest.approx(value, rel=1e-12)
        assert value - objective(best, X, y, 0.05, weight=weight) < 2e-3
        assert sgd.n_iter_ == 150


def test_the_intercept_is_not_penalised():
    X, y = blobs(2)
    far = LogisticRegression(0.1, tol=1e-9).fit(X + 100.0, y)
    near = LogisticRegression(0.1, tol=1e-9).fit(X, y)
    np.testing.assert_allclose(far.coef_, near.coef_, rtol=1e-6)
    none = LogisticRegression(1e6, tol=1e-9).fit(X, y)
    share = np.mean(y == 1)
    assert none.intercept_[0] == pytest.approx(np.log(share / (1 - share)), abs=1e-3)


def test_huge_scores_overflow_nothing():
    X, y = blobs(3)
    model = LogisticRegression(0.01).fit(X, y)
    probabilities = model.predict_proba(1e4 * X)
    assert np.isfinite(probabilities).all()
    np.testing.assert_allclose(probabilities.sum(axis=1), 1.0)
    two = LogisticRegression(0.0, solver="sgd", max_iter=3, tol=None).fit(1e4 * X, y == 0)
    assert np.isfinite(two.coef_).all()


def test_class_weights_are_sample_weights():
    X, y = blobs(2)
    weight = np.where(y == 1, 3.0, 1.0)
    for solver in ("lbfgs", "sgd"):
        model = LogisticRegression(0.1, solver=solver, random_state=0, tol=1e-8, max_iter=20)
        with pytest.warns(ConvergenceWarning) if solver == "sgd" else nullcontext():
            by_class = clone(model).set_params(class_weight={1: 3.0}).fit(X, y)
            by_sample = clone(model).fit(X, y, weight)
        np.testing.assert_allclose(by_class.coef_, by_sample.coef_, rtol=1e-12)


class TestLearningOn:
    @pytest.mark.parametrize("n_classes", [2, 3])
    @pytest.mark.parametrize("batch_size", [None, 32])
    def test_partial_fit_is_an_epoch(self, n_classes, batch_size):
        X, y = blobs(n_classes)
        model = LogisticRegression(
            0.1, solver="sgd", batch_size=batch_size, tol=None, max_iter=4, random_state=3
        )
        whole = clone(model).fit(X, y)
        parts = clone(model)
        for _ in range(4):
            parts.partial_fit(X, y, classes=range(n_classes))
        np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-13)
        np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-12)
        assert parts.n_iter_ == 4

    def test_only_where_samples_come_one_after_the_other(self):
        assert hasattr(LogisticRegression(solver="sgd"), "partial_fit")
        assert not hasattr(LogisticRegression(), "partial_fit")


class TestRuns:
    def test_named_optimizer_in_batches(self):
        X, y = blobs(3)
        model = LogisticRegression(
            0.01, solver=Adam(0.05), batch_size=32, max_iter=60, random_state=0
        ).fit(X, y)
        assert model.n_iter_ == 60 * 5
        best = LogisticRegression(0.01, tol=1e-8).fit(X, y)
        assert objective(model, X, y, 0.01) - objective(best, X, y, 0.01) < 5e-3

    def test_callbacks_end_it(self):
        X, y = blobs(2)
        for solver in ("lbfgs", "fista", "sgd", GradientDescent(0.1)):
            model = LogisticRegression(
                0.01, solver=solver, callbacks=[lambda progress: progress.iteration == 2]
            ).fit(X, y)
            assert model.n_iter_ == 2

    def test_convergence_of_epochs(self):
        X, y = blobs(2)
        model = LogisticRegression(0.1, solver="sgd", tol=1e-3, random_state=0).fit(X, y)
        assert 5 <= model.n_iter_ < 100

    def test_caps_are_reported(self):
        X, y = blobs(2)
        with pytest.warns(ConvergenceWarning, match="max_iter=1 epochs"):
            LogisticRegression(solver="sgd", max_iter=1).fit(X, y)
        with pytest.warns(ConvergenceWarning, match="max_iter=1 iterations"):
            LogisticRegression(max_iter=1).fit(X, y)

    def test_divergence_is_reported(self):
        X, y = blobs(2)
        with pytest.warns(DivergenceWarning):
            LogisticRegression(1.0, solver="sgd", step_size=lambda k: 1e200).fit(X, y)

    def test_what_does_not_go_together(self):
        X, y = blobs(2)
        with pytest.raises(ValueError, match="l1_ratio must be 0 for solver='lbfgs'"):
            LogisticRegression(l1_ratio=0.5, solver="lbfgs").fit(X, y)
        with pytest.raises(ValueError, match="l1_ratio must be 0 for solver='sgd'"):
            LogisticRegression(l1_ratio=0.5, solver="sgd").fit(X, y)
        with pytest.raises(ValueError, match="unknown solver 'saga'"):
            LogisticRegression(solver="saga").fit(X, y)

    @pytest.mark.parametrize("solver", ["lbfgs", "fista", "sgd", "adam"])
    @pytest.mark.parametrize("n_classes", [2, 3])
    def test_single_precision_stays(self, solver, n_classes):
        X, y = blobs(n_classes)
        model = LogisticRegression(0.1, solver=solver, tol=1e-3, max_iter=5000, random_state=0)
        model.fit(X.astype(np.float32), y)
        assert model.coef_.dtype == model.intercept_.dtype == np.float32
        assert model.predict_proba(X.astype(np.float32)).dtype == np.float32
