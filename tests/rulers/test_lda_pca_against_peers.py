"""LDA and PCA measured with scikit-learn's and with exact arithmetic."""

from __future__ import annotations

import mpmath
import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn import decomposition, discriminant_analysis
from sklearn.covariance import ledoit_wolf_shrinkage
from sklearn.datasets import load_breast_cancer, load_digits, load_iris, load_wine
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_lib.discriminants import LinearDiscriminantAnalysis, ledoit_wolf_intensity
from course_lib.pca import PCA, GradientPCA

DATA = {
    "iris": load_iris,
    "wine": load_wine,
    "digits": load_digits,
    "breast cancer": load_breast_cancer,
}


@parametrize_with_checks(
    [
        LinearDiscriminantAnalysis(),
        LinearDiscriminantAnalysis(1, shrinkage=0.1),
        LinearDiscriminantAnalysis(shrinkage="auto"),
        PCA(),
        PCA(1, solver="covariance"),
        PCA(2, solver="svd", whiten=True),
        GradientPCA(),
        GradientPCA(2, rule="oja"),
    ]
)
def test_scikit_learns_own_checks(estimator, check):
    check(estimator)


@pytest.fixture(params=DATA)
def data(request):
    return DATA[request.param](return_X_y=True)


def degrees(first, second):
    return np.degrees(subspace_angles(first, second)).max()


def largest_relative(found, expected):
    return np.abs(found - expected).max() / np.abs(expected).max()


class TestLinearDiscriminantAnalysis:
    def test_agrees_with_scikit_learn(self, data):
        X, y = data
        ours = LinearDiscriminantAnalysis().fit(X, y)
        theirs = discriminant_analysis.LinearDiscriminantAnalysis().fit(X, y)
        scores = theirs.decision_function(X)
        assert largest_relative(ours.decision_function(X), scores) < 1e-8
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)
        np.testing.assert_allclose(ours.predict_log_proba(X)[:20], theirs.predict_log_proba(X)[:20])
        np.testing.assert_array_equal(ours.predict(X), theirs.predict(X))
        assert largest_relative(ours.coef_, theirs.coef_) < 1e-8
        assert largest_relative(ours.intercept_, theirs.intercept_) < 1e-8
        n_directions = ours.scalings_.shape[1]
        assert degrees(ours.scalings_, theirs.scalings_[:, :n_directions]) < 1e-8
        # Directions are known up to their signs.
        assert largest_relative(np.abs(ours.transform(X)), np.abs(theirs.transform(X))) < 1e-8
        np.testing.assert_allclose(
            ours.explained_variance_ratio_, theirs.explained_variance_ratio_, atol=1e-10
        )

    def test_agrees_with_given_priors(self):
        X, y = load_wine(return_X_y=True)
        priors = [0.1, 0.3, 0.6]
        ours = LinearDiscriminantAnalysis(priors=priors).fit(X, y)
        theirs = discriminant_analysis.LinearDiscriminantAnalysis(priors=priors).fit(X, y)
        np.testing.assert_allclose(ours.predict_proba(X), theirs.predict_proba(X), atol=1e-8)
        assert largest_relative(np.abs(ours.transform(X)), np.abs(theirs.transform(X))) < 1e-8

    @pytest.mark.parametrize("shrinkage", ["auto", 0.02, 0.5])
    def test_agrees_when_shrunk(self, data, shrinkage):
        X, y = data
        if shrinkage != "auto":
            # Scikit-learn shrinks raw covariances; its solver fails on units as far apart as these.
            X = (X - X.mean(axis=0)) / np.maximum(X.std(axis=0), 1e-3)
        ours = LinearDiscriminantAnalysis(shrinkage=shrinkage).fit(X, y)
        theirs = discriminant_analysis.LinearDiscriminantAnalysis(
            solver="eigen", shrinkage=shrinkage
        ).fit(X, y)
        assert largest_relative(ours.covariance_, theirs.covariance_) < 1e-12
        mine, other = ours.decision_function(X), theirs.decision_function(X)
        if mine.ndim == 2:  # Their scores have a term common to all classes.
            mine, other = mine - mine[:, :1], other - other[:, :1]
        assert largest_relative(mine, other) < 1e-8

    @pytest.mark.parametrize(
        "constant", [3.0, np.repeat([0.0, 1e-4], 20), np.repeat([0.0, 2.0], 20)]
    )
    @pytest.mark.parametrize("is_coin", [True, False])
    @pytest.mark.filterwarnings("ignore:classes vary along only")
    def test_agrees_on_a_feature_that_is_constant_in_every_class(self, constant, is_coin):
        y = np.repeat([0, 1], 20)
        varying = np.random.default_rng(0).standard_normal((40, 1 if is_coin else 3))
        if is_coin:  # All as far from the mean of their class: the intensity is 0.
            varying[:, 0] = np.tile([-1.0, 1.0], 20)
        X = np.column_stack([varying + y[:, None], np.full(40, 1.0) * constant])
        ours = LinearDiscriminantAnalysis(shrinkage="auto").fit(X, y)
        theirs = discriminant_analysis.LinearDiscriminantAnalysis(
            solver="lsqr", shrinkage="auto"
        ).fit(X, y)
        assert ours.within_rank_ == X.shape[1] - is_coin
        assert largest_relative(ours.covariance_, theirs.covariance_) < 1e-12
        assert largest_relative(ours.coef_, theirs.coef_) < 1e-10

    @pytest.mark.parametrize("n_features", [1, 5, 40])
    def test_shrinks_by_the_same_intensity(self, n_features):
        X = np.random.default_rng(0).standard_normal((30, n_features)) * np.arange(
            1, n_features + 1
        )
        X -= X.mean(axis=0)
        expected = ledoit_wolf_shrinkage(X, assume_centered=True)
        assert ledoit_wolf_intensity(X) == pytest.approx(expected, rel=1e-10)

    def test_more_features_than_samples(self):
        X, y = load_digits(return_X_y=True)
        X, y = X[:50], y[:50]
        with pytest.warns(UserWarning, match="reduce the features by PCA"):
            ours = LinearDiscriminantAnalysis().fit(X, y)
        theirs = discriminant_analysis.LinearDiscriminantAnalysis().fit(X, y)
        assert largest_relative(ours.decision_function(X), theirs.decision_function(X)) < 1e-8


def exact_scores(X, y):
    """LDA's scores in arithmetic of forty digits."""
    with mpmath.workdps(40):
        rows = [[mpmath.mpf(float(v)) for v in x] for x in X]
        n, d, n_classes = len(rows), len(rows[0]), max(y) + 1

        def mean(members):
            return [mpmath.fsum(column) / len(members) for column in zip(*members, strict=True)]

        groups = [[r for r, c in zip(rows, y, strict=True) if c == k] for k in range(n_classes)]
        means, centre = [mean(g) for g in groups], mean(rows)
        residuals = mpmath.matrix(
            [
                [a - b for a, b in zip(r, means[c], strict=True)]
                for r, c in zip(rows, y, strict=True)
            ]
        )
        covariance = residuals.T * residuals / n
        scores = np.empty((n, n_classes))
        for k in range(n_classes):
            target = mpmath.matrix([a - b for a, b in zip(means[k], centre, strict=True)])
            c = mpmath.lu_solve(covariance, target)
            offset = mpmath.log(mpmath.mpf(len(groups[k])) / n) - (target.T * c)[0] / 2
            for i, row in enumerate(rows):
                terms = [(row[j] - centre[j]) * c[j] for j in range(d)]
                scores[i, k] = mpmath.fsum(terms) + offset
        return scores


@pytest.mark.parametrize("offset", [0.0, 1e3, 1e6])
@pytest.mark.parametrize("condition", [1e0, 1e4, 1e7])
def test_lda_is_as_accurate_as_scikit_learn_or_more(offset, condition):
    errors = {"ours": 0.0, "theirs": 0.0}
    for seed in range(3):
        rng = np.random.default_rng(seed)
        d, y = 6, rng.integers(0, 3, 80)
        rotation = np.linalg.qr(rng.standard_normal((d, d)))[0]
        spread = np.logspace(0, -np.log10(condition) / 2, d)
        X = rng.standard_normal((80, d)) + rng.standard_normal((3, d))[y]
        X = X * spread @ rotation.T + offset
        expected = exact_scores(X, y)
        ours = LinearDiscriminantAnalysis().fit(X, y).decision_function(X)
        theirs = discriminant_analysis.LinearDiscriminantAnalysis().fit(X, y).decision_function(X)
        errors["ours"] = max(errors["ours"], largest_relative(ours, expected))
        errors["theirs"] = max(errors["theirs"], largest_relative(theirs, expected))
    # At the last digits either may be luckier: a factor of two, or a handful of rounding units.
    assert errors["ours"] <= max(2 * errors["theirs"], 20 * np.finfo(float).eps), errors
    if offset:
        assert errors["ours"] < 0.5 * errors["theirs"], errors


class TestPrincipalComponents:
    @pytest.mark.parametrize("solver", ["covariance", "svd"])
    @pytest.mark.parametrize("offset", [0.0, 1e3])
    def test_agree_with_scikit_learn(self, data, solver, offset):
        X = data[0] + offset
        q = min(X.shape[1] // 2, 5)
        ours = PCA(q, solver=solver).fit(X)
        theirs = decomposition.PCA(q, svd_solver="full").fit(X)
        assert degrees(ours.components_.T, theirs.components_.T) < 1e-8
        # The signs are fixed in the same way.
        np.testing.assert_allclose(ours.components_, theirs.components_, atol=1e-8)
        assert largest_relative(ours.transform(X), theirs.transform(X)) < 1e-8
        np.testing.assert_allclose(
            ours.inverse_transform(ours.transform(X)),
            theirs.inverse_transform(theirs.transform(X)),
            rtol=1e-8,
            atol=1e-8,
        )
        for name in ("explained_variance_", "singular_values_", "mean_"):
            np.testing.assert_allclose(getattr(ours, name), getattr(theirs, name), rtol=1e-8)
        np.testing.assert_allclose(
            ours.explained_variance_ratio_, theirs.explained_variance_ratio_, atol=1e-10
        )
        assert ours.noise_variance_ == pytest.approx(theirs.noise_variance_, rel=1e-8)

    @pytest.mark.parametrize(("condition", "solver"), [(1e2, "covariance"), (1e5, "svd")])
    @pytest.mark.parametrize("q", [1, 4, 7])
    def test_agree_on_ill_conditioned_data(self, condition, solver, q):
        # The covariance squares the condition number, and rounding times that bounds the angle for
        # either library: 1e-8 degrees can be asked up to here.
        rng = np.random.default_rng(1)
        axes = np.linalg.qr(rng.standard_normal((8, 8)))[0]
        X = rng.standard_normal((300, 8)) * np.logspace(0, -np.log10(condition), 8) @ axes
        ours = PCA(q, solver=solver).fit(X)
        theirs = decomposition.PCA(q, svd_solver="full").fit(X)
        assert degrees(ours.components_.T, theirs.components_.T) < 1e-8
        scores = theirs.transform(X)
        for mine, other in zip(ours.transform(X).T, scores.T, strict=True):
            assert largest_relative(mine, other) < 1e-8

    @pytest.mark.parametrize("solver", ["covariance", "svd"])
    @pytest.mark.parametrize("share", [0.3, 0.8, 0.95])
    def test_keep_the_same_number_for_a_share(self, data, solver, share):
        X = data[0]
        ours = PCA(share, solver=solver).fit(X)
        theirs = decomposition.PCA(share, svd_solver="full").fit(X)
        assert ours.n_components_ == theirs.n_components_

    def test_whiten_alike(self, data):
        X = data[0]
        ours = PCA(2, whiten=True).fit(X)
        theirs = decomposition.PCA(2, whiten=True, svd_solver="full").fit(X)
        np.testing.assert_allclose(ours.transform(X), theirs.transform(X), atol=1e-8)

    def test_stand_far_from_zero_where_scikit_learns_covariance_does_not(self):
        # The shift is exact in binary: the true components do not move at all.
        X = np.round(load_iris().data * 2**20) / 2**20
        far = X + 2.0**20
        expected = PCA(2, solver="svd").fit(X).components_.T
        assert degrees(PCA(2, solver="covariance").fit(far).components_.T, expected) < 1e-8
        theirs = decomposition.PCA(2, svd_solver="covariance_eigh").fit(far)
        assert degrees(theirs.components_.T, expected) > 1e-3

    def test_are_reached_by_climbing(self, data):
        X = data[0] / np.maximum(data[0].std(axis=0), 1e-3)
        theirs = decomposition.PCA(2, svd_solver="full").fit(X)
        power = GradientPCA(2, tol=1e-12, random_state=0).fit(X)
        assert degrees(power.components_.T, theirs.components_.T) < 1e-8
        oja = GradientPCA(2, rule="oja", random_state=0).fit(X)
        assert degrees(oja.components_.T, theirs.components_.T) < 15
