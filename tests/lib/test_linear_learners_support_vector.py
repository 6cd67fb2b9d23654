"""The linear support vector machine: its objective, its certificate, its options."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from course_lib.costs import HingeLoss
from course_lib.linear_learners import HingeOverBias, LinearSVC, subgradient_descent
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import SGD
from course_lib.penalties import L2

FOUR = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]])


def cloud(seed=0, n=80):
    rng = np.random.default_rng(seed)
    X = rng.standard_normal((n, 3))
    return X, np.where(X @ [1.0, -1.0, 0.5] + 0.5 + rng.standard_normal(n) > 0, 1.0, -1.0)


def objective(w, b, X, y, alpha, weight=None):
    hinge = np.maximum(0.0, 1.0 - y * (X @ w + b))
    return np.average(hinge, weights=weight) + 0.5 * alpha * w @ w


class TestHingeOverBias:
    @pytest.mark.parametrize("weighted", [True, False])
    def test_no_bias_is_better(self, weighted):
        X, y = cloud()
        rng = np.random.default_rng(1)
        weight = rng.random(80) if weighted else np.ones(80)
        weight /= weight.mean()
        for _ in range(20):
            w = rng.standard_normal(3)
            point = HingeOverBias(X, y, 0.1, weight).at(w)
            assert point.value == pytest.approx(objective(w, point.bias, X, y, 0.1, weight))
            kinks = y - X @ w
            assert point.value <= min(objective(w, b, X, y, 0.1, weight) for b in kinks) + 1e-12

    @pytest.mark.parametrize("intercept", [True, False])
    def test_subgradients_are_below(self, intercept):
        # J(u) >= J(w) + g (u - w) for every u: that makes g a subgradient.
        X, y = cloud()
        rng = np.random.default_rng(2)
        risk = HingeOverBias(X, y, 0.1, intercept=intercept)
        for _ in range(20):
            w, u = rng.standard_normal((2, 3))
            point = risk.at(w)
            subgradient = 0.1 * w - point.pull
            assert risk.at(u).value >= point.value + subgradient @ (u - w) - 1e-12
            assert np.all((point.multipliers >= 0) & (point.multipliers <= 1))
            if intercept:
                assert abs(point.multipliers @ y) < 1e-10
            else:
                assert point.bias == 0.0

    def test_many_samples_at_the_same_kink(self):
        X, y = np.repeat(FOUR, 3, axis=0), np.repeat([-1.0, -1.0, 1.0, 1.0], 3)
        point = HingeOverBias(X, y, 0.1).at(np.zeros(2))
        assert abs(point.multipliers @ y) < 1e-12
        # Two against one: the two share what balances the one.
        point = HingeOverBias(FOUR[:3], np.array([1.0, 1.0, -1.0]), 0.1).at(np.zeros(2))
        np.testing.assert_allclose(point.multipliers, [0.5, 0.5, 1.0])


class TestCertificate:
    @pytest.mark.parametrize("intercept", [True, False])
    def test_the_minimum_lies_between(self, intercept):
        X, y = cloud()
        risk = HingeOverBias(X, y, 0.1, intercept=intercept)
        rough = subgradient_descent(risk, max_iter=10, tol=1e-12)
        fine = subgradient_descent(risk, max_iter=20000, tol=1e-6)
        assert rough.capped
        assert fine.converged
        minimum = fine.value[-1]
        assert np.all(rough.bound <= minimum)
        assert np.all(rough.value >= fine.bound[-1])
        assert minimum - fine.bound[-1] <= 1e-6 * minimum
        assert np.all(np.diff(rough.value) <= 0)
        assert np.all(np.diff(rough.bound) >= 0)
        assert objective(fine.weights, fine.bias, X, y, 0.1) == pytest.approx(minimum, rel=1e-12)

    def test_callbacks(self):
        X, y = cloud()
        run = subgradient_descent(
            HingeOverBias(X, y, 0.1),
            max_iter=50,
            tol=1e-12,
            callbacks=[lambda progress: progress.iteration == 5],
        )
        assert len(run.value) == 6
        assert not run.capped
        assert not run.converged


class TestLinearSVC:
    def test_the_four_points_have_the_widest_margin(self):
        # The hard margin: w = (1, 1), b = -6; with this penalty it is still the minimum.
        model = LinearSVC(0.01, tol=1e-3, max_iter=100_000).fit(FOUR, [0, 0, 1, 1])
        np.testing.assert_allclose(model.coef_, [[1.0, 1.0]], atol=0.05)
        assert model.intercept_[0] / model.coef_[0, 0] == pytest.approx(-6.0, abs=0.1)

    def test_scores_are_not_confined(self):
        rng = np.random.default_rng(0)
        X = np.vstack([rng.standard_normal((50, 2)) + 4, rng.standard_normal((50, 2)) - 4])
        scores = LinearSVC(1e-3).fit(X, np.repeat([1, 0], 50)).decision_function(X)
        assert np.mean(np.abs(scores) > 1) > 0.9

    def test_pegasos_comes_near(self):
        X, y = cloud()
        exact = LinearSVC(0.1, tol=1e-6).fit(X, y)
        for average, tolerance in ((True, 1e-4), (False, 1e-2)):
            model = LinearSVC(
                0.1, solver="pegasos", average=average, max_iter=300, tol=None, random_state=0
            ).fit(X, y)
            value = objective(model.coef_[0], model.intercept_[0], X, y, 0.1)
            assert value - exact.loss_curve_[-1] < tolerance
            assert model.loss_curve_[-1] >= exact.bound_curve_[-1]
            assert model.loss_curve_[0] == 1.0

    def test_pegasos_on_features_of_very_different_sizes(self):
        X, y = cloud()
        X = X * [1.0, 100.0, 3000.0]
        model = LinearSVC(0.01, solver="pegasos", random_state=0).fit(X, y)
        assert model.loss_curve_.max() == 1.0
        assert model.loss_curve_[-1] < 0.75
        with pytest.warns(ConvergenceWarning, match=r"ended at .*, worse than the 1 at its start"):
            LinearSVC(0.01, solver="pegasos", step_size=100.0, random_state=0).fit(X, y)

    @pytest.mark.parametrize("weighted", [False, True])
    def test_the_first_step_moves_a_typical_sample_to_its_margin(self, weighted):
        X, y = cloud()
        weight = 1.0 + (y > 0) if weighted else np.ones(len(y))
        typical = np.average((X**2).sum(axis=1) + 1.0, weights=weight)
        model = LinearSVC(0.1, solver="pegasos", max_iter=3, tol=None, random_state=1)
        given = clone(model).set_params(step_size=1.0 / (0.1 + typical)).fit(X, y, weight)
        model.fit(X, y, weight if weighted else None)
        np.testing.assert_allclose(model.coef_, given.coef_, rtol=1e-12)
        assert model.loss_curve_.max() == 1.0

    def test_a_class_against_the_rest(self):
        rng = np.random.default_rng(0)
        codes = rng.integers(3, size=90)
        X = np.array([[4.0, 0.0], [-4.0, 4.0], [-4.0, -4.0]])[codes]
        X = X + rng.standard_normal((90, 2))
        for solver in ("subgradient", "pegasos", SGD(0.05)):
            model = LinearSVC(0.1, solver=solver, max_iter=2000, tol=1e-2, random_state=0)
            if isinstance(solver, SGD):
                with pytest.warns(ConvergenceWarning):
                    model.fit(X, codes)
            else:
                model.fit(X, codes)
            assert model.coef_.shape == (3, 2)
            assert model.score(X, codes) > 0.9
        assert LinearSVC(0.1, tol=1e-2).fit(X, codes).loss_curve_[0] == pytest.approx(2.0)

    def test_an_optimizer_is_given_subgradients(self):
        X, y = cloud()
        exact = LinearSVC(0.1, tol=1e-6).fit(X, y)
        settings = {"solver": SGD(lambda k: 5.0 / (k + 50)), "tol": 1e-9}
        with pytest.warns(ConvergenceWarning, match="max_iter=3000 iterations"):
            model = LinearSVC(0.1, max_iter=3000, **settings).fit(X, y)
        value = objective(model.coef_[0], model.intercept_[0], X, y, 0.1)
        assert value - exact.loss_curve_[-1] < 1e-3
        batches = LinearSVC(
            0.1, max_iter=50, batch_size=16, fit_intercept=False, random_state=0, **settings
        ).fit(X, y)
        assert batches.n_iter_ == 250
        assert batches.intercept_ == 0.0

    @pytest.mark.parametrize("solver", ["subgradient", "pegasos"])
    def test_weights(self, solver):
        X, y = cloud()
        weight = np.where(y > 0, 3.0, 1.0)
        model = LinearSVC(0.1, solver=solver, tol=1e-4, random_state=0)
        by_class = clone(model).set_params(class_weight={1.0: 3.0}).fit(X, y)
        by_sample = clone(model).fit(X, y, weight)
        np.testing.assert_allclose(by_class.coef_, by_sample.coef_, rtol=1e-12)
        risk = EmpiricalRisk(
            LinearModel(3), HingeLoss(), X, y, penalty=L2(0.1), sample_weight=weight
        )
        theta = np.append(by_sample.coef_[0], by_sample.intercept_)
        if solver == "subgradient":
            assert by_sample.loss_curve_[-1] == pytest.approx(risk.value(theta), rel=1e-12)
        else:
            assert risk.value(theta) <= by_sample.loss_curve_[-1] + 1e-12

    def test_learning_on(self):
        X, y = cloud()
        model = LinearSVC(
            0.1, solver="pegasos", average=False, max_iter=3, tol=None, random_state=1
        )
        whole, parts = clone(model).fit(X, y), clone(model)
        for _ in range(3):
            parts.partial_fit(X, y, classes=[-1.0, 1.0])
        np.testing.assert_allclose(parts.coef_, whole.coef_, rtol=1e-13)
        np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-12)
        assert not hasattr(LinearSVC(), "partial_fit")

    def test_caps_are_reported(self):
        X, y = cloud()
        with pytest.warns(ConvergenceWarning, match="max_iter=2 iterations"):
            LinearSVC(max_iter=2).fit(X, y)
        with pytest.warns(ConvergenceWarning, match="max_iter=2 epochs"):
            LinearSVC(solver="pegasos", max_iter=2).fit(X, y)

    def test_a_penalty_is_needed(self):
        for solver in ("subgradient", "pegasos"):
            with pytest.raises(ValueError, match="alpha must be a finite number > 0"):
                LinearSVC(0.0, solver=solver).fit(*cloud())

    @pytest.mark.parametrize("solver", ["subgradient", "pegasos"])
    def test_single_precision_stays(self, solver):
        X, y = cloud()
        model = LinearSVC(0.1, solver=solver, tol=1e-2).fit(X.astype(np.float32), y)
        assert model.coef_.dtype == model.intercept_.dtype == np.float32
