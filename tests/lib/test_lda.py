"""The linear discriminant analysis estimator: what it computes, refuses and warns of."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from course_lib.discriminants import (
    DiscardedDirectionsWarning,
    LinearDiscriminantAnalysis,
    discriminant_directions,
    fisher_direction,
    ledoit_wolf_intensity,
    scatter_matrices,
)
from course_lib.discriminants.within import WELL_CONDITIONED, solve_shrunk, solve_within


def three_classes(seed=0, sizes=(15, 40, 90), n_features=4):
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    mixing = rng.uniform(-1, 1, (n_features, n_features)) + 2 * np.eye(n_features)
    X = rng.standard_normal((len(codes), n_features)) @ mixing
    return X + 1.5 * rng.standard_normal((len(sizes), n_features))[codes], codes


def gaussian_log_posterior(X, y, priors=None):
    """Bayes' rule written out: the log density of each class, its prior, normalization."""
    classes, sizes = np.unique(y, return_counts=True)
    priors = sizes / len(y) if priors is None else np.asarray(priors)
    means = np.array([X[y == c].mean(axis=0) for c in classes])
    residuals = X - means[np.searchsorted(classes, y)]
    precision = np.linalg.inv(residuals.T @ residuals / len(X))
    joint = np.empty((len(X), len(classes)))
    for k, (m, p) in enumerate(zip(means, priors, strict=True)):
        joint[:, k] = np.log(p) - 0.5 * np.einsum("ij,jk,ik->i", X - m, precision, X - m)
    return joint - np.logaddexp.reduce(joint, axis=1)[:, None]


class TestClassification:
    @pytest.mark.parametrize("priors", [None, [0.2, 0.7, 0.1]])
    def test_is_bayes_rule_for_gaussians_of_one_covariance(self, priors):
        X, y = three_classes()
        model = LinearDiscriminantAnalysis(priors=priors).fit(X, y)
        expected = gaussian_log_posterior(X, y, priors)
        np.testing.assert_allclose(model.predict_log_proba(X), expected, atol=1e-10)
        np.testing.assert_allclose(model.predict_proba(X).sum(axis=1), 1.0, atol=1e-14)
        np.testing.assert_array_equal(model.predict(X), expected.argmax(axis=1))

    def test_two_classes_have_one_score_the_log_odds(self):
        X, y = three_classes(sizes=(30, 50))
        names = np.array(["no", "yes"])
        model = LinearDiscriminantAnalysis().fit(X, names[y])
        expected = gaussian_log_posterior(X, y)
        scores = model.decision_function(X)
        assert model.coef_.shape == (1, 4)
        assert scores.shape == (80,)
        np.testing.assert_allclose(scores, expected[:, 1] - expected[:, 0], atol=1e-10)
        np.testing.assert_allclose(model.predict_proba(X), np.exp(expected), atol=1e-12)
        np.testing.assert_array_equal(model.predict(X), names[expected.argmax(axis=1)])

    def test_coefficients_give_the_scores(self):
        X, y = three_classes()
        model = LinearDiscriminantAnalysis().fit(X, y)
        by_hand = X @ model.coef_.T + model.intercept_
        np.testing.assert_allclose(model.decision_function(X), by_hand, atol=1e-11)

    def test_probabilities_of_far_points_do_not_overflow(self):
        X, y = three_classes()
        model = LinearDiscriminantAnalysis().fit(X, y)
        with np.errstate(all="raise", under="ignore"):
            probabilities = model.predict_proba(1e6 * X)
        np.testing.assert_allclose(probabilities.max(axis=1), 1.0)

    @settings(max_examples=25, deadline=None)
    @given(seed=st.integers(0, 10_000), shift=st.floats(-1e3, 1e3))
    def test_ignores_units_and_origin(self, seed, shift):
        X, y = three_classes()
        A = np.random.default_rng(seed).standard_normal((4, 4)) + 3 * np.eye(4)
        plain = LinearDiscriminantAnalysis().fit(X, y)
        moved = LinearDiscriminantAnalysis().fit(X @ A + shift, y)
        np.testing.assert_allclose(
            moved.decision_function(X @ A + shift), plain.decision_function(X), atol=1e-6
        )


class TestTransform:
    def test_directions_are_the_generalized_eigenvectors(self):
        X, y = three_classes()
        model = LinearDiscriminantAnalysis().fit(X, y)
        scatter = scatter_matrices(X, y)
        W, criteria = discriminant_directions(scatter.within, scatter.between, 2)
        np.testing.assert_allclose(model.eigenvalues_, criteria, rtol=1e-10)
        np.testing.assert_allclose(model.scalings_, W * np.sqrt(len(X)), rtol=1e-9)
        ratio = criteria / criteria.sum()
        np.testing.assert_allclose(model.explained_variance_ratio_, ratio, rtol=1e-10)

    def test_projected_data_are_centred_and_classes_round(self):
        # Published implementations leave the mean in the projection.
        X, y = three_classes()
        model = LinearDiscriminantAnalysis().fit(X + 100.0, y)
        projected = model.transform(X + 100.0)
        np.testing.assert_allclose(projected.mean(axis=0), 0.0, atol=1e-10)
        within = scatter_matrices(projected, y).within / len(X)
        np.testing.assert_allclose(within, np.eye(2), atol=1e-10)

    def test_for_two_classes_is_fishers_direction(self):
        X, y = three_classes(sizes=(30, 50))
        w = LinearDiscriminantAnalysis().fit(X, y).scalings_[:, 0]
        assert abs(w @ fisher_direction(X, y).direction) == pytest.approx(np.linalg.norm(w))

    def test_keeps_the_components_asked_for(self):
        X, y = three_classes()
        model = LinearDiscriminantAnalysis(1).fit(X, y)
        full = LinearDiscriminantAnalysis().fit(X, y)
        assert model.transform(X).shape == (len(X), 1)
        np.testing.assert_allclose(model.transform(X)[:, 0], full.transform(X)[:, 0])
        np.testing.assert_allclose(model.decision_function(X), full.decision_function(X))
        assert list(model.get_feature_names_out()) == ["lineardiscriminantanalysis0"]

    def test_three_means_on_a_line_have_one_direction(self):
        X, _ = three_classes(sizes=(40, 40, 40))
        y = np.arange(120) % 3
        for k in range(3):
            X[y == k] += k * np.array([1.0, 2.0, 0.0, 0.0]) - X[y == k].mean(axis=0)
        model = LinearDiscriminantAnalysis().fit(X, y)
        assert model.transform(X).shape == (120, 1)
        assert model.scalings_.shape == (4, 1)
        assert model.explained_variance_ratio_ == pytest.approx([1.0])

    def test_equal_means_have_none(self):
        X = np.array([[-1.0, 1.0], [1.0, 2.0], [0.0, -3.0]] * 2)
        X -= X.mean(axis=0)
        model = LinearDiscriminantAnalysis().fit(X, [0, 0, 0, 1, 1, 1])
        assert model.transform(X).shape == (6, 0)
        assert model.explained_variance_ratio_.shape == (0,)
        np.testing.assert_allclose(model.predict_proba(X), 0.5)

    def test_output_is_real(self):
        X, y = three_classes(sizes=(9, 9, 9, 9, 9))
        model = LinearDiscriminantAnalysis().fit(X, y)
        assert model.transform(X).dtype == np.float64
        assert model.transform(X).shape == (45, 4)


class TestIllConditionedData:
    def test_constant_features_change_nothing(self):
        X, y = three_classes()
        padded = np.column_stack([np.full(len(X), 0.1), X, np.zeros(len(X)), np.full(len(X), 1e6)])
        plain = LinearDiscriminantAnalysis().fit(X, y)
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            model = LinearDiscriminantAnalysis().fit(padded, y)
        assert model.within_rank_ == 4
        np.testing.assert_allclose(
            model.decision_function(padded), plain.decision_function(X), atol=1e-9
        )

    def test_a_repeated_feature_changes_nothing(self):
        X, y = three_classes()
        doubled = np.column_stack([X, X[:, 0] - 2 * X[:, 1]])
        plain = LinearDiscriminantAnalysis().fit(X, y)
        model = LinearDiscriminantAnalysis().fit(doubled, y)
        assert model.within_rank_ == 4
        np.testing.assert_allclose(
            model.decision_function(doubled), plain.decision_function(X), atol=1e-9
        )

    def test_more_features_than_samples_warn_and_work(self):
        X, y = three_classes(sizes=(5, 6, 7), n_features=40)
        with pytest.warns(DiscardedDirectionsWarning, match=r"only 15 of 40 directions.*shrinkage"):
            model = LinearDiscriminantAnalysis().fit(X, y)
        assert model.within_rank_ == 15
        assert np.isfinite(model.decision_function(X)).all()
        # Along the directions kept the classes are round.
        within = scatter_matrices(model.transform(X), y).within / len(X)
        np.testing.assert_allclose(within, np.eye(2), atol=1e-8)

    def test_a_class_constant_feature_that_tells_classes_apart_is_reported(self):
        X, y = three_classes()
        with pytest.warns(DiscardedDirectionsWarning, match="only 4 of 5"):
            LinearDiscriminantAnalysis().fit(np.column_stack([X, y]), y)

    def test_all_routes_give_the_same_solution(self):
        X, y = three_classes()
        means = np.array([X[y == k].mean(axis=0) for k in range(3)])
        residuals = X - means[y]
        covariance = residuals.T @ residuals / len(X)
        targets = (means - X.mean(axis=0)).T
        expected = np.linalg.solve(covariance, targets)
        width = np.sqrt(np.diag(covariance))
        smallest = np.linalg.eigvalsh(covariance / width / width[:, None])[0]
        for tol in (1e-4, 0.9 * np.sqrt(smallest)):  # The second is a case for singular values.
            found = solve_within(X, means, y, covariance, targets, tol)
            np.testing.assert_allclose(found.coefficients, expected, rtol=1e-10)
            assert found.rank == 4
            assert found.ignored < 1e-12
        found = solve_shrunk(covariance, targets, width)
        np.testing.assert_allclose(found, expected, rtol=1e-10)

    def test_refinement_brings_back_the_digits(self):
        # Two features that differ by some parts in a thousand: the covariance has lost five digits.
        X, y = three_classes(sizes=(400, 600))
        X[:, 1] = X[:, 0] + 3e-3 * X[:, 1]
        means = np.array([X[y == k].mean(axis=0) for k in range(2)])
        covariance = np.cov((X - means[y]).T, bias=True)
        width = np.sqrt(np.diag(covariance))
        smallest = np.linalg.eigvalsh(covariance / width / width[:, None])[0]
        assert 1e-7 < smallest < WELL_CONDITIONED
        targets = (means - X.mean(axis=0)).T
        tol = 0.9 * np.sqrt(smallest)
        exact = solve_within(X, means, y, covariance, targets, tol).coefficients  # By SVD.
        refined = solve_within(X, means, y, covariance, targets, 1e-4).coefficients
        plain = np.linalg.solve(covariance, targets)
        size = np.abs(exact).max()
        assert np.abs(refined - exact).max() < 1e-12 * size
        assert np.abs(refined - exact).max() < 0.1 * np.abs(plain - exact).max()

    def test_equal_means_ignore_nothing(self):
        X = np.array([[-1.0, -1.0], [1.0, 1.0]] * 2)
        means = np.zeros((2, 2))
        found = solve_within(X, means, np.array([0, 0, 1, 1]), X.T @ X / 4, means.T, 1e-4)
        assert found.rank == 1
        assert found.ignored == 0.0


class TestShrinkage:
    @pytest.mark.parametrize("share", [0.05, 0.5, 1.0])
    def test_by_a_given_share(self, share):
        X, y = three_classes()
        plain = LinearDiscriminantAnalysis().fit(X, y)
        model = LinearDiscriminantAnalysis(shrinkage=share).fit(X, y)
        S = plain.covariance_
        expected = (1 - share) * S + share * np.trace(S) / 4 * np.eye(4)
        np.testing.assert_allclose(model.covariance_, expected, rtol=1e-12)
        precision = np.linalg.inv(expected)
        scores = (X - model.xbar_) @ precision @ (model.means_ - model.xbar_).T
        difference = model.decision_function(X) - scores
        np.testing.assert_allclose(difference, difference[:1].repeat(len(X), 0), atol=1e-10)

    def test_estimated_class_by_class(self):
        X, y = three_classes(seed=1, sizes=(20, 12, 18))
        expected = np.zeros((4, 4))
        for k, share in enumerate((0.4, 0.24, 0.36)):
            rows = X[y == k] - X[y == k].mean(axis=0)
            width = rows.std(axis=0)
            s = ledoit_wolf_intensity(rows / width)
            correlation = (rows / width).T @ (rows / width) / len(rows)
            shrunk = (1 - s) * correlation + s * np.eye(4)
            expected += share * np.diag(width) @ shrunk @ np.diag(width)
            assert 0.05 < s < 1.0
        model = LinearDiscriminantAnalysis(shrinkage="auto").fit(X, y)
        np.testing.assert_allclose(model.covariance_, expected, rtol=1e-12)

    def test_of_nothing_is_no_shrinkage(self):
        X, y = three_classes()
        plain = LinearDiscriminantAnalysis().fit(X, y)
        model = LinearDiscriminantAnalysis(shrinkage=0.0).fit(X, y)
        np.testing.assert_array_equal(model.coef_, plain.coef_)

    def test_needs_no_more_samples_than_features(self):
        X, y = three_classes(sizes=(5, 6, 7), n_features=40)
        for shrinkage in (0.3, "auto"):
            model = LinearDiscriminantAnalysis(shrinkage=shrinkage).fit(X, y)
            assert model.score(X, y) == 1.0

    def test_does_not_depend_on_units_when_estimated(self):
        X, y = three_classes(sizes=(8, 8, 8))
        units = np.array([1e-3, 1.0, 10.0, 1e5])
        plain = LinearDiscriminantAnalysis(shrinkage="auto").fit(X, y)
        scaled = LinearDiscriminantAnalysis(shrinkage="auto").fit(X * units, y)
        np.testing.assert_allclose(
            scaled.decision_function(X * units), plain.decision_function(X), rtol=1e-9
        )

    def test_too_little_is_an_error(self):
        X, y = three_classes(sizes=(5, 6, 7), n_features=40)
        with pytest.raises(np.linalg.LinAlgError, match="choose more shrinkage"):
            LinearDiscriminantAnalysis(shrinkage=1e-17).fit(X, y)


class TestBadInput:
    X, y = three_classes()

    def test_one_direction_too_many(self):
        with pytest.raises(ValueError, match=r"at most 2, got 3: 3 class means span at most 2"):
            LinearDiscriminantAnalysis(3).fit(self.X, self.y)

    def test_as_many_directions_as_features_but_too_many_for_the_classes(self):
        with pytest.raises(ValueError, match=r"at most 2, got 3: 3 class means span at most 2"):
            LinearDiscriminantAnalysis(3).fit(self.X[:, :3], self.y)

    def test_more_directions_than_features(self):
        with pytest.raises(ValueError, match=r"at most 1, got 2: there are only 1 feature"):
            LinearDiscriminantAnalysis(2).fit(self.X[:, :1], self.y)

    @pytest.mark.parametrize("priors", [[0.5, 0.4, 0.3], [1.2, -0.1, -0.1], [0.0, 0.5, 0.5]])
    def test_priors_that_are_no_probabilities(self, priors):
        with pytest.raises(ValueError, match="priors must be positive and sum to 1"):
            LinearDiscriminantAnalysis(priors=priors).fit(self.X, self.y)

    def test_priors_that_are_rounded_are_taken_and_made_to_sum_to_one(self):
        model = LinearDiscriminantAnalysis(priors=[0.2, 0.3, 0.500008]).fit(self.X, self.y)
        assert model.priors_.sum() == pytest.approx(1.0, abs=1e-15)

    def test_priors_of_the_wrong_number(self):
        with pytest.raises(ValueError, match=r"priors must have shape \(3,\)"):
            LinearDiscriminantAnalysis(priors=[0.5, 0.5]).fit(self.X, self.y)

    @pytest.mark.parametrize("shrinkage", ["ledoit", 1.5, -0.1])
    def test_shrinkage(self, shrinkage):
        with pytest.raises(ValueError, match=r"shrinkage|intensity"):
            LinearDiscriminantAnalysis(shrinkage=shrinkage).fit(self.X, self.y)

    def test_one_class(self):
        with pytest.raises(ValueError, match="at least two classes, got 1 class"):
            LinearDiscriminantAnalysis().fit(self.X, np.zeros(len(self.X)))

    def test_a_class_for_every_sample(self):
        with pytest.raises(ValueError, match="fewer classes than samples, got 3 of each"):
            LinearDiscriminantAnalysis().fit(self.X[:3], [1, 2, 3])


def test_float32_stays_float32():
    X, y = three_classes()
    model = LinearDiscriminantAnalysis().fit(X.astype(np.float32), y)
    for name in ("means_", "priors_", "xbar_", "covariance_", "coef_", "intercept_", "scalings_"):
        assert getattr(model, name).dtype == np.float32, name
    for method in (model.decision_function, model.predict_proba, model.transform):
        assert method(X.astype(np.float32)).dtype == np.float32
    for shrinkage in ("auto", 0.2):
        shrunk = LinearDiscriminantAnalysis(shrinkage=shrinkage).fit(X.astype(np.float32), y)
        assert shrunk.coef_.dtype == shrunk.scalings_.dtype == np.float32
    exact = LinearDiscriminantAnalysis().fit(X, y)
    np.testing.assert_allclose(
        model.decision_function(X), exact.decision_function(X), rtol=1e-4, atol=1e-5
    )
