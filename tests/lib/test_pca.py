"""Principal components: from the covariance, from singular values, and by climbing."""

from __future__ import annotations

import sys
import types
import warnings

import numpy as np
import pytest
from sklearn.exceptions import ConvergenceWarning

from course_lib.oja import ascend_variance, captured_variance, oja_pass
from course_lib.pca import PCA, GradientPCA


def ellipse(seed=0, n=300, spread=(5.0, 2.0, 1.0, 0.5), centre=10.0):
    rng = np.random.default_rng(seed)
    rotation = np.linalg.qr(rng.standard_normal((len(spread),) * 2))[0]
    return rng.standard_normal((n, len(spread))) * spread @ rotation.T + centre


@pytest.mark.parametrize("solver", ["covariance", "svd", "auto"])
class TestPCA:
    def test_components_are_the_eigenvectors_of_the_covariance(self, solver):
        X = ellipse()
        model = PCA(solver=solver).fit(X)
        S = np.cov(X.T)
        np.testing.assert_allclose(
            S @ model.components_.T, model.components_.T * model.explained_variance_, atol=1e-12
        )
        np.testing.assert_allclose(model.components_ @ model.components_.T, np.eye(4), atol=1e-14)
        assert np.all(np.diff(model.explained_variance_) < 0)
        assert model.explained_variance_.sum() == pytest.approx(np.trace(S))
        assert model.explained_variance_ratio_.sum() == pytest.approx(1.0)
        largest = np.abs(model.components_).argmax(axis=1)
        assert np.all(model.components_[range(4), largest] > 0)

    def test_projection_is_centred_and_uncorrelated(self, solver):
        # Published implementations do not subtract the mean.
        X = ellipse()
        model = PCA(2, solver=solver).fit(X)
        scores = model.transform(X)
        np.testing.assert_allclose(scores.mean(axis=0), 0.0, atol=1e-13)
        np.testing.assert_allclose(np.cov(scores.T), np.diag(model.explained_variance_), atol=1e-12)
        np.testing.assert_allclose(
            np.linalg.norm(scores, axis=0), model.singular_values_, rtol=1e-12
        )
        np.testing.assert_allclose(model.fit_transform(X), scores, atol=1e-13)
        assert list(model.get_feature_names_out()) == ["pca0", "pca1"]

    def test_whitening(self, solver):
        X = ellipse()
        model = PCA(3, whiten=True, solver=solver).fit(X)
        scores = model.transform(X)
        np.testing.assert_allclose(np.cov(scores.T), np.eye(3), atol=1e-12)
        plain = PCA(3, solver=solver).fit(X)
        back = plain.inverse_transform(plain.transform(X))
        np.testing.assert_allclose(model.inverse_transform(scores), back, atol=1e-12)

    def test_all_components_lose_nothing(self, solver):
        X = ellipse()
        model = PCA(solver=solver).fit(X)
        np.testing.assert_allclose(model.inverse_transform(model.transform(X)), X, atol=1e-12)
        assert model.noise_variance_ == 0.0

    def test_the_variance_left_out_is_the_reconstruction_error(self, solver):
        X = ellipse()
        model = PCA(2, solver=solver).fit(X)
        error = np.sum((X - model.inverse_transform(model.transform(X))) ** 2) / (len(X) - 1)
        assert 2 * model.noise_variance_ == pytest.approx(error, rel=1e-10)

    def test_a_share_of_the_variance(self, solver):
        X = ellipse()
        cumulated = np.cumsum(PCA(solver=solver).fit(X).explained_variance_ratio_)
        model = PCA(0.9, solver=solver).fit(X)
        assert cumulated[model.n_components_ - 2] <= 0.9 < cumulated[model.n_components_ - 1]
        assert model.components_.shape == (model.n_components_, 4)
        assert PCA(1 - 1e-16, solver=solver).fit(X).n_components_ == 4

    def test_does_not_depend_on_the_origin(self, solver):
        X = np.round(ellipse(centre=0.0) * 2**20) / 2**20
        near, far = PCA(2, solver=solver).fit(X), PCA(2, solver=solver).fit(X + 2.0**20)
        np.testing.assert_allclose(far.components_, near.components_, atol=1e-9)
        np.testing.assert_allclose(far.explained_variance_, near.explained_variance_, rtol=1e-9)
        np.testing.assert_allclose(far.transform(X + 2.0**20), near.transform(X), atol=1e-8)

    def test_fewer_samples_than_features(self, solver):
        X = np.random.default_rng(0).standard_normal((5, 10))
        model = PCA(solver=solver).fit(X)
        assert model.components_.shape == (5, 10)
        np.testing.assert_allclose(model.explained_variance_[4], 0.0, atol=1e-14)
        np.testing.assert_allclose(model.inverse_transform(model.transform(X)), X, atol=1e-12)
        white = PCA(solver=solver, whiten=True).fit(X)
        scores = white.transform(X)
        np.testing.assert_allclose(np.cov(scores[:, :4].T), np.eye(4), atol=1e-10)
        np.testing.assert_array_equal(scores[:, 4], 0.0)
        np.testing.assert_allclose(white.inverse_transform(scores), X, atol=1e-6)

    def test_two_samples_are_enough_and_one_is_not(self, solver):
        model = PCA(solver=solver).fit([[0.0, 0.0, 0.0], [3.0, 4.0, 0.0]])
        np.testing.assert_allclose(model.explained_variance_, [12.5, 0.0], atol=1e-14)
        np.testing.assert_allclose(model.components_[0], [0.6, 0.8, 0.0], atol=1e-15)
        with pytest.raises(ValueError, match="minimum of 2 is required"):
            PCA(solver=solver).fit([[1.0, 2.0]])

    def test_data_without_variance(self, solver):
        model = PCA(solver=solver).fit(np.full((30, 2), 3.0))
        np.testing.assert_array_equal(model.explained_variance_ratio_, 0.0)

    def test_float32_stays_float32(self, solver):
        X = ellipse().astype(np.float32)
        model = PCA(2, solver=solver, whiten=True).fit(X)
        for name in ("components_", "explained_variance_", "singular_values_", "mean_"):
            assert getattr(model, name).dtype == np.float32, name
        scores = model.transform(X)
        assert scores.dtype == model.inverse_transform(scores).dtype == np.float32

    def test_bad_input(self, solver):
        X = ellipse()
        assert PCA(2, solver=solver).fit([[0.0, 0], [1, 2], [0, 1.0]]).noise_variance_ == 0.0
        with pytest.raises(ValueError, match=r"min\(n_samples, n_features\) = 4, got 5"):
            PCA(5, solver=solver).fit(X)
        with pytest.raises(ValueError, match="n_components must be"):
            PCA(1.5, solver=solver).fit(X)
        with pytest.raises(ValueError, match="n_components must be at least 1"):
            PCA(0, solver=solver).fit(X)
        model = PCA(2, solver=solver).fit(X)
        with pytest.raises(ValueError, match=r"X must have shape \(any, 2\)"):
            model.inverse_transform(X)


def test_auto_takes_the_covariance_of_long_data_only():
    X = ellipse(n=40)
    X[:, 3] *= 1e-9
    tiny = {s: PCA(solver=s).fit(X).explained_variance_[3] for s in ("auto", "covariance", "svd")}
    assert tiny["auto"] == tiny["covariance"] != tiny["svd"]
    tiny = {
        s: PCA(solver=s).fit(X[:39]).explained_variance_[3] for s in ("auto", "covariance", "svd")
    }
    assert tiny["auto"] == tiny["svd"] != tiny["covariance"]


def test_unknown_solver():
    with pytest.raises(ValueError, match="unknown solver 'arpack'"):
        PCA(solver="arpack").fit(ellipse())


class TestAscent:
    S = np.diag([4.0, 2.0, 1.0])

    def test_error_falls_by_the_factor_promised(self):
        start = np.array([1.0, 0.5, 0.0])
        eta = 0.3
        for n in (1, 5):
            found = ascend_variance(self.S, start, step_size=eta, max_iterations=n, tol=0.0)
            slope = abs(found.directions[1, 0] / found.directions[0, 0])
            assert slope == pytest.approx(0.5 * ((1 + 2 * eta) / (1 + 4 * eta)) ** n)
            assert len(found.captured) == n + 1
            assert not found.converged

    def test_stays_on_the_sphere_and_climbs(self):
        found = ascend_variance(self.S, np.ones((3, 1)), step_size=0.1, tol=1e-12)
        assert found.converged
        assert np.linalg.norm(found.directions) == pytest.approx(1.0, abs=1e-15)
        assert np.all(np.diff(found.captured) > -1e-15)
        assert found.captured[0] == pytest.approx(1 / 3)
        assert found.captured[-1] == pytest.approx(4 / 7)

    def test_long_steps_are_the_power_method(self):
        start = np.random.default_rng(0).standard_normal((3, 2))
        long = ascend_variance(self.S, start, step_size=1e9, max_iterations=3, tol=0.0)
        limit = ascend_variance(self.S, start, max_iterations=3, tol=0.0)
        np.testing.assert_allclose(limit.directions, long.directions, rtol=1e-7)

    def test_needs_matching_shapes(self):
        with pytest.raises(ValueError, match=r"covariance must have shape \(2, 2\)"):
            ascend_variance(self.S, np.ones(2))

    def test_nothing_captures_nothing(self):
        assert captured_variance(np.zeros((2, 2)), np.eye(2)) == 0.0


def test_oja_step_by_hand():
    w = np.array([[0.6], [0.8]])
    X = np.array([[2.0, 1.0], [1.0, 0.0]])
    oja_pass(X, np.array([1, 0]), np.array([0.1, 0.2]), w)
    expected = np.array([0.6, 0.8])
    for x, eta in ((X[1], 0.1), (X[0], 0.2)):
        y = x @ expected
        expected = expected + eta * y * (x - y * expected)
    np.testing.assert_allclose(w[:, 0], expected, rtol=1e-14)


def test_oja_rule_is_normalized_ascent_to_first_order():
    x, w = np.array([[2.0, 1.0, -1.0]]), np.array([[0.6], [0.0], [0.8]])
    errors = []
    for eta in (1e-3, 1e-4):
        moved = w.copy()
        oja_pass(x, np.array([0]), np.array([eta]), moved)
        ascent = w + eta * x.T @ (x @ w)
        errors.append(np.linalg.norm(moved - ascent / np.linalg.norm(ascent)))
    assert errors[0] / errors[1] == pytest.approx(100.0, rel=0.02)


class TestGradientPCA:
    @pytest.mark.parametrize("q", [1, 2, 4])
    def test_power_method_reaches_the_components(self, q):
        X = ellipse()
        exact = PCA(q).fit(X)
        model = GradientPCA(q, tol=1e-12, random_state=0).fit(X)
        np.testing.assert_allclose(model.components_, exact.components_, atol=1e-9)
        np.testing.assert_allclose(model.explained_variance_, exact.explained_variance_, rtol=1e-9)
        np.testing.assert_allclose(model.transform(X), exact.transform(X), atol=1e-8)
        np.testing.assert_allclose(
            model.explained_variance_ratio_, exact.explained_variance_ratio_, rtol=1e-9
        )

    def test_gradient_steps_reach_them_more_slowly(self):
        X = ellipse()
        fast = GradientPCA(2, random_state=0).fit(X)
        slow = GradientPCA(2, step_size=0.05, random_state=0).fit(X)
        assert fast.n_iter_ < slow.n_iter_
        np.testing.assert_allclose(slow.components_, fast.components_, atol=1e-5)
        assert len(slow.history_) == slow.n_iter_ + 1
        assert slow.history_[-1] == pytest.approx(slow.explained_variance_ratio_.sum())

    def test_oja_comes_close(self):
        X = ellipse(n=1000)
        exact = PCA(2).fit(X)
        model = GradientPCA(2, rule="oja", random_state=0).fit(X)
        cosines = np.linalg.svd(model.components_ @ exact.components_.T)[1]
        assert np.degrees(np.arccos(cosines.min())) < 2.0
        assert model.n_iter_ == 20
        assert model.history_[-1] > model.history_[0]

    def test_oja_with_a_step_size_and_passes(self):
        X = ellipse()
        model = GradientPCA(rule="oja", step_size=1e-3, max_iter=3, random_state=0).fit(X)
        assert model.n_iter_ == 3

    @pytest.mark.parametrize("rule", ["gradient", "oja"])
    def test_a_seed_decides_everything(self, rule):
        X = ellipse()
        first, second, other = (
            GradientPCA(rule=rule, random_state=seed).fit(X)
            for seed in (3, np.random.default_rng(3), 4)
        )
        np.testing.assert_array_equal(first.components_, second.components_)
        assert first.history_[0] != other.history_[0]

    def test_looks_for_one_direction_if_not_told_otherwise(self):
        assert GradientPCA(random_state=0).fit(ellipse()).components_.shape == (1, 4)

    def test_default_caps(self):
        X = ellipse(spread=(1.0, 1.0, 1.0, 1.0))
        with pytest.warns(ConvergenceWarning, match="max_iter=1000 steps"):
            assert GradientPCA(tol=0.0, random_state=0).fit(X).n_iter_ == 1000
        assert GradientPCA(rule="oja", random_state=0).fit(X).n_iter_ == 20
        with pytest.raises(ValueError, match="minimum of 2 is required"):
            GradientPCA().fit([[1.0, 2.0]])
        assert GradientPCA(random_state=0).fit([[0.0, 0.0], [3.0, 4.0]]).history_[-1] == 1.0

    def test_default_oja_step_is_one_over_the_largest_square(self):
        X = ellipse()
        largest = np.max(np.sum((X - X.mean(axis=0)) ** 2, axis=1))
        default = GradientPCA(rule="oja", random_state=0).fit(X)
        given = GradientPCA(rule="oja", step_size=1 / largest, random_state=0).fit(X)
        np.testing.assert_allclose(default.components_, given.components_, rtol=1e-10)

    @pytest.mark.parametrize("rule", ["gradient", "oja"])
    def test_tells_how_it_gets_on_and_stops_when_asked(self, rule):
        X, seen = ellipse(), []

        def watch(step, share):
            seen.append((step, share))
            return step == 3

        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = GradientPCA(
                rule=rule, tol=0.0, random_state=0, callbacks=[lambda *_: None, watch]
            ).fit(X)
        assert model.n_iter_ == 3
        assert [step for step, _ in seen] == [1, 2, 3]
        np.testing.assert_array_equal(model.history_[1:], [share for _, share in seen])

    def test_shows_a_bar_where_tqdm_is_installed(self, monkeypatch):
        bars = []

        class Bar:
            def __init__(self, total):
                self.total, self.steps, self.beside = total, 0, []
                bars.append(self)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                return None

            def update(self):
                self.steps += 1

            def set_postfix(self, values, refresh):
                self.beside.append(values["captured"])

        module = types.ModuleType("tqdm.auto")
        module.tqdm = Bar
        monkeypatch.setitem(sys.modules, "tqdm", types.ModuleType("tqdm"))
        monkeypatch.setitem(sys.modules, "tqdm.auto", module)
        model = GradientPCA(rule="oja", max_iter=4, random_state=0, progress=True).fit(ellipse())
        assert (bars[0].total, bars[0].steps) == (4, 4)
        assert bars[0].beside == [f"{share:.4g}" for share in model.history_[1:]]
        monkeypatch.setitem(sys.modules, "tqdm.auto", None)
        with pytest.raises(ImportError, match="progress=True needs tqdm"):
            GradientPCA(random_state=0, progress=True).fit(ellipse())

    def test_whitens(self):
        X = ellipse()
        model = GradientPCA(2, whiten=True, tol=1e-12, random_state=0).fit(X)
        np.testing.assert_allclose(np.cov(model.transform(X).T), np.eye(2), atol=1e-9)

    @pytest.mark.parametrize("rule", ["gradient", "oja"])
    def test_float32_stays_float32(self, rule):
        X = ellipse().astype(np.float32)
        model = GradientPCA(2, rule=rule, random_state=0, tol=1e-4).fit(X)
        assert model.components_.dtype == model.transform(X).dtype == np.float32
        assert model.explained_variance_ratio_.dtype == np.float32

    @pytest.mark.parametrize("rule", ["gradient", "oja"])
    def test_data_without_variance(self, rule):
        model = GradientPCA(rule=rule, random_state=0).fit(np.ones((5, 3)))
        np.testing.assert_array_equal(model.explained_variance_ratio_, 0.0)

    def test_says_that_it_has_not_arrived(self):
        with pytest.warns(ConvergenceWarning, match="tol=1e-06 in max_iter=2 steps"):
            GradientPCA(max_iter=2, random_state=0).fit(ellipse())

    def test_bad_input(self):
        with pytest.raises(ValueError, match=r"min\(n_samples, n_features\) = 4, got 5"):
            GradientPCA(5).fit(ellipse())
        with pytest.raises(ValueError, match="unknown rule 'hebb'"):
            GradientPCA(rule="hebb").fit(ellipse())
        with pytest.raises(ValueError, match="step_size must be"):
            GradientPCA(rule="oja", step_size=-1.0).fit(ellipse())
        with pytest.raises(ValueError, match="max_iter must be"):
            GradientPCA(max_iter=0).fit(ellipse())
