"""Linear unit, linear regression, ridge, lasso, elastic net; proximal gradient descent."""

from __future__ import annotations

import builtins

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.exceptions import ConvergenceWarning

from course_lib.costs import HalfSquaredError
from course_lib.datasets import salaries
from course_lib.descent import DivergenceWarning
from course_lib.linear_learners import (
    ElasticNet,
    Lasso,
    LinearRegression,
    LinearUnit,
    Ridge,
    proximal_descent,
)
from course_lib.linear_learners.fitting import largest_curvature, run_epochs, safe_step
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, Quadratic
from course_lib.optimizers import Adam, GradientDescent
from course_lib.penalties import L1, L2
from course_lib.stopping import GradientNorm


@pytest.fixture
def data():
    rng = np.random.default_rng(0)
    X = rng.standard_normal((80, 6)) * [1, 2, 3, 0.5, 1, 1] + 5.0
    return X, X @ [1.0, 0.0, -2.0, 3.0, 0.0, 0.5] + 7.0 + 0.1 * rng.standard_normal(80)


@pytest.fixture
def sparse():
    """Twenty features of which three matter."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 20))
    return X, X[:, :3] @ [3.0, -2.0, 1.5] + 0.5 * rng.standard_normal(100)


class TestLinearUnit:
    def test_the_listing_of_five_salaries(self):
        X, y, *_ = salaries()
        unit = LinearUnit(0.01, max_iter=10, tol=None, shuffle=False).fit(X, y)
        assert unit.coef_[0] == pytest.approx(1124.0635, abs=5e-5)
        assert unit.intercept_ == pytest.approx(85.4853, abs=5e-5)
        np.testing.assert_allclose(
            unit.predict([[3.4], [15], [1.5], [6.3]]),
            [3907.30, 16946.44, 1771.58, 7167.09],
            atol=5e-3,
        )
        assert unit.n_iter_ == 10
        residuals = unit.predict(X) - y
        assert unit.loss_curve_[-1] == pytest.approx(0.5 * np.mean(residuals**2))
        assert unit.loss_curve_[0] == pytest.approx(0.5 * np.mean(y**2))

    def test_partial_fit_is_an_epoch(self):
        X, y, *_ = salaries()
        parts = LinearUnit(0.01, shuffle=False)
        for _ in range(10):
            parts.partial_fit(X, y)
        whole = LinearUnit(0.01, max_iter=10, tol=None, shuffle=False).fit(X, y)
        assert parts.coef_ == whole.coef_
        np.testing.assert_allclose(parts.loss_curve_, whole.loss_curve_, rtol=1e-14)

    def test_small_steps_come_near_the_least_squares_fit(self, data):
        X, y = data
        X = X - 5.0
        exact = np.linalg.lstsq(np.column_stack([X, np.ones(80)]), y, rcond=None)[0]
        unit = LinearUnit(1e-3, max_iter=800, tol=None, random_state=0).fit(X, y)
        np.testing.assert_allclose([*unit.coef_, unit.intercept_], exact, atol=5e-3)

    def test_the_step_of_its_own_never_overshoots(self, data):
        unit = LinearUnit(random_state=0, max_iter=5000, tol=1e-6).fit(*data)
        assert unit.score(*data) > 0.98
        assert np.all(np.isfinite(unit.loss_curve_))

    def test_too_long_steps_are_reported_and_taken_back(self, data):
        with pytest.warns(DivergenceWarning, match="take a smaller step_size"):
            unit = LinearUnit(10.0, random_state=0).fit(*data)
        assert np.isfinite(unit.coef_).all()
        assert np.isfinite(unit.loss_curve_).all()

    def test_the_cap_is_reported(self, data):
        with pytest.warns(ConvergenceWarning, match="LinearUnit stopped at max_iter=3 epochs"):
            LinearUnit(max_iter=3).fit(*data)

    def test_weights_and_no_intercept(self, data):
        X, y = data
        weight = np.where(np.arange(80) < 40, 2.0, 0.0)
        unit = LinearUnit(1e-3, shuffle=False, max_iter=2, tol=None, fit_intercept=False)
        weighted = clone(unit).fit(X, y, weight)
        assert weighted.intercept_ == 0.0
        # Mean 1: the first half counts twice, the other not at all.
        half = clone(unit).set_params(step_size=2e-3).fit(X[:40], y[:40])
        np.testing.assert_allclose(weighted.coef_, half.coef_, rtol=1e-12)

    def test_single_precision_stays(self, data):
        X, y = data
        unit = LinearUnit(max_iter=5, tol=None).fit(X.astype(np.float32), y)
        assert unit.coef_.dtype == np.float32
        assert unit.predict(X.astype(np.float32)).dtype == np.float32

    def test_callbacks_stop(self, data):
        unit = LinearUnit(callbacks=[lambda progress: progress.iteration == 4]).fit(*data)
        assert unit.n_iter_ == 4


class TestDescent:
    @pytest.mark.parametrize("solver", ["auto", "lbfgs", "fista", "conjugate_gradient"])
    def test_least_squares(self, data, solver):
        X, y = data
        exact = np.linalg.lstsq(np.column_stack([X, np.ones(80)]), y, rcond=None)[0]
        model = LinearRegression(solver, tol=1e-10).fit(X, y)
        np.testing.assert_allclose([*model.coef_, model.intercept_], exact, rtol=1e-6, atol=1e-7)
        assert model.trace_.converged
        assert model.n_iter_ == len(model.loss_curve_) - 1

    def test_conjugate_gradients_take_a_step_a_feature(self, data):
        assert LinearRegression().fit(*data).n_iter_ <= 7

    def test_the_smallest_of_many_solutions(self):
        rng = np.random.default_rng(1)
        X, y = rng.standard_normal((5, 12)), rng.standard_normal(5)
        model = LinearRegression(fit_intercept=False, tol=1e-12).fit(X, y)
        np.testing.assert_allclose(model.coef_, np.linalg.pinv(X) @ y, atol=1e-9)

    @pytest.mark.parametrize("solver", ["auto", "lbfgs", "fista", "ista"])
    @pytest.mark.parametrize("weighted", [False, True])
    @pytest.mark.parametrize("intercept", [False, True])
    def test_ridge_solves_its_equations(self, data, solver, weighted, intercept):
        X, y = data
        weight = np.random.default_rng(2).random(80) if weighted else np.ones(80)
        model = Ridge(0.3, solver=solver, fit_intercept=intercept, tol=1e-10)
        model.fit(X, y, weight if weighted else None)
        residual = weight * (model.predict(X) - y) / weight.sum()
        scale = np.abs(X.T @ (weight * y)).max() / weight.sum()
        np.testing.assert_allclose(X.T @ residual + 0.3 * model.coef_, 0.0, atol=1e-8 * scale)
        assert abs(residual.sum()) < 1e-10 * scale or not intercept

    def test_an_optimizer_descends_on_the_data_as_they_come(self, data):
        X, y = data
        X = (X - X.mean(axis=0)) / X.std(axis=0)
        model = Ridge(0.1, solver=GradientDescent(0.1), tol=1e-9).fit(X, y)
        np.testing.assert_allclose(model.coef_, Ridge(0.1).fit(X, y).coef_, atol=1e-6)
        batches = Ridge(0.1, solver=Adam(0.05), batch_size=16, max_iter=100, random_state=0)
        batches.fit(X, y)
        assert batches.n_iter_ == 500
        np.testing.assert_allclose(batches.coef_, model.coef_, atol=0.2)
        again = clone(batches).fit(X, y)
        np.testing.assert_array_equal(again.coef_, batches.coef_)

    def test_without_intercept_for_an_optimizer(self, data):
        X, y = data
        model = LinearRegression(GradientDescent(0.01), fit_intercept=False, tol=1e-9).fit(X, y)
        np.testing.assert_allclose(model.coef_, np.linalg.lstsq(X, y, rcond=None)[0], rtol=1e-4)
        assert model.intercept_ == 0.0

    def test_divergence_is_reported(self, data):
        with pytest.warns(DivergenceWarning, match="the run diverged with step size 1"):
            LinearRegression(GradientDescent(1.0)).fit(*data)

    def test_the_cap_is_reported(self, data):
        with pytest.warns(ConvergenceWarning, match="LinearRegression stopped at max_iter=2 iter"):
            LinearRegression(max_iter=2).fit(*data)

    def test_callbacks_see_every_step(self, data):
        for solver in ("auto", "lbfgs", "fista", GradientDescent(1e-3)):
            seen = []

            def watch(progress, seen=seen):
                seen.append(progress.value)
                return progress.iteration == 3

            model = LinearRegression(solver, callbacks=[watch]).fit(*data)
            assert model.n_iter_ == 3
            np.testing.assert_allclose(seen, model.loss_curve_)

    def test_nothing_to_learn(self):
        for model in (LinearRegression(), Lasso(0.1), LinearRegression("fista")):
            model.fit(np.ones((5, 2)), np.full(5, 3.0))
            assert not model.coef_.any()
            assert model.intercept_ == 3.0

    def test_what_is_asked_for_must_exist(self, data):
        with pytest.raises(ValueError, match="unknown solver 'svd'"):
            Ridge(solver="svd").fit(*data)
        with pytest.raises(ValueError, match="unknown solver 'lbfgs'"):
            Lasso(solver="lbfgs").fit(*data)
        with pytest.raises(ValueError, match="alpha must be a finite number >= 0"):
            Ridge(-1.0).fit(*data)
        with pytest.raises(ValueError, match="l1_ratio"):
            ElasticNet(1.0, 2.0).fit(*data)

    def test_progress_bar(self, data, monkeypatch, capsys):
        pytest.importorskip("tqdm")
        LinearRegression(progress=True).fit(*data)
        assert "loss=" in capsys.readouterr().err
        real = builtins.__import__

        def without_tqdm(name, *rest):
            if name.startswith("tqdm"):
                raise ImportError(name)
            return real(name, *rest)

        monkeypatch.setattr(builtins, "__import__", without_tqdm)
        with pytest.raises(ImportError, match="progress=True needs tqdm"):
            LinearRegression(progress=True).fit(*data)


class TestLasso:
    def test_proximal_steps_leave_exact_zeros_and_subgradients_do_not(self, sparse):
        X, y = sparse
        ista = Lasso(0.2, solver="ista").fit(X, y)
        with pytest.warns(ConvergenceWarning):
            subgradient = Lasso(0.2, solver=GradientDescent(0.05), max_iter=2000).fit(X, y)
        ridge = Ridge(0.2).fit(X, y)
        assert np.count_nonzero(ista.coef_ == 0) == 17
        assert np.count_nonzero(subgradient.coef_ == 0) == 0
        assert np.count_nonzero(ridge.coef_ == 0) == 0
        np.testing.assert_allclose(subgradient.coef_, ista.coef_, atol=0.03)

    @pytest.mark.parametrize("l1_ratio", [1.0, 0.4])
    def test_the_conditions_of_optimality(self, sparse, l1_ratio):
        X, y = sparse
        model = ElasticNet(0.2, l1_ratio, tol=1e-10).fit(X, y)
        slope = X.T @ (y - model.predict(X)) / 100 - 0.2 * (1 - l1_ratio) * model.coef_
        kept = model.coef_ != 0
        pull = 0.2 * l1_ratio * np.sign(model.coef_[kept])
        np.testing.assert_allclose(slope[kept], pull, rtol=1e-6)
        assert np.abs(slope[~kept]).max() <= 0.2 * l1_ratio

    def test_momentum_pays(self, sparse):
        X, y = sparse
        X = X @ np.diag(np.linspace(0.05, 1.0, 20))
        slow, fast = (Lasso(1e-3, solver=s, tol=1e-8).fit(X, y) for s in ("ista", "fista"))
        np.testing.assert_allclose(fast.coef_, slow.coef_, atol=1e-4)
        assert fast.n_iter_ < slow.n_iter_ / 3

    def test_enough_penalty_leaves_nothing(self, sparse):
        X, y = sparse
        largest = np.abs((X - X.mean(axis=0)).T @ (y - y.mean())).max() / 100
        assert not Lasso(1.0001 * largest).fit(X, y).coef_.any()
        assert np.count_nonzero(Lasso(0.99 * largest).fit(X, y).coef_) == 1


class TestProximalDescent:
    def test_trace(self):
        bowl = Quadratic(np.diag([1.0, 4.0]), minimizer=[3.0, 0.1])
        for accelerate in (True, False):
            trace = proximal_descent(
                bowl, [0.0, 0.0], L1(1.0), 0.25, accelerate=accelerate, stop=GradientNorm(1e-9)
            )
            np.testing.assert_allclose(trace.final, [2.0, 0.0], atol=1e-8)
            assert trace.final[1] == 0.0
            expected = [bowl.value(t) + np.abs(t).sum() for t in trace.theta]
            np.testing.assert_allclose(trace.value, expected, rtol=1e-14)
            assert trace.converged
            assert len(trace.seconds) == len(trace.value) == trace.n_iterations + 1

    def test_without_penalty_it_is_nesterovs(self):
        bowl = Quadratic(np.diag([1.0, 100.0]), minimizer=[3.0, 0.1])
        fast = proximal_descent(bowl, [0.0, 0.0], None, 0.01, stop=GradientNorm(1e-8))
        slow = proximal_descent(
            bowl, [0.0, 0.0], None, 0.01, accelerate=False, max_iterations=10000,
            stop=[GradientNorm(1e-8)],
        )  # fmt: skip
        assert fast.n_iterations < slow.n_iterations / 5
        np.testing.assert_allclose(fast.final, [3.0, 0.1], atol=1e-7)

    def test_ends_by_cap(self):
        bowl = Quadratic(np.diag([1.0, 100.0]), minimizer=[3.0, 0.1])
        trace = proximal_descent(bowl, [0.0, 0.0], None, 0.01, max_iterations=7)
        assert trace.stopped_by.rule == "iteration cap"
        assert trace.n_iterations == 7

    def test_a_step_for_the_bias(self):
        bowl = Quadratic(np.diag([4.0, 0.5]), minimizer=[1.0, 2.0])
        penalty = L2(0.0, [True, False])
        trace = proximal_descent(
            bowl, [0.0, 0.0], penalty, 0.25, bias_step=2.0, stop=GradientNorm(1e-12)
        )
        assert trace.n_iterations == 1
        with pytest.raises(ValueError, match="bias_step needs a penalty with a mask"):
            proximal_descent(bowl, [0.0, 0.0], L2(0.0), 0.25, bias_step=2.0)


def test_hessian_times_vector_needs_no_hessian(data):
    X, y = data
    rng = np.random.default_rng(3)
    weight, theta, vector = rng.random(80), rng.standard_normal(7), rng.standard_normal(7)
    risk = EmpiricalRisk(
        LinearModel(6), HalfSquaredError(), X, y, penalty=L2(0.2), sample_weight=weight
    )
    np.testing.assert_allclose(
        risk.hessian_vector_product(theta, vector), risk.hessian(theta) @ vector, rtol=1e-12
    )


def test_largest_curvature():
    rng = np.random.default_rng(4)
    for shape in ((20, 3), (3, 20)):
        X, weight = rng.standard_normal(shape), rng.random(shape[0])
        weight /= weight.mean()
        expected = np.linalg.eigvalsh(X.T @ (weight[:, None] * X))[-1] / shape[0]
        assert largest_curvature(X, weight) == pytest.approx(expected)
        assert safe_step(X, weight, 0.5) == pytest.approx(2 / expected)
    assert safe_step(np.zeros((3, 2)), None, 1.0) == 1.0


def test_epochs_end_when_nothing_improves():
    values = iter([1.0, 0.5, 0.4, *[0.4] * 20])
    run = run_epochs(
        lambda: None, lambda: next(values), np.zeros(1), max_iter=50, tol=1e-3, callbacks=[]
    )
    assert run.converged
    assert not run.capped
    assert len(run.loss) == 3 + 10
