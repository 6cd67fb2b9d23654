"""Scatter matrices, Fisher's criterion and its solutions, shrinkage."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.descent import descend
from course_lib.discriminants import (
    RayleighQuotient,
    discriminant_directions,
    fisher_direction,
    ledoit_wolf_intensity,
    rayleigh_quotient,
    scatter_matrices,
    shrink_to_identity,
)
from course_lib.discriminants.fisher import with_fixed_signs
from course_lib.discriminants.scatter import (
    BLOCK_ROWS,
    column_means,
    mean_and_scatter,
    residual_scatter,
)
from course_lib.gradient_check import check_gradient
from course_lib.optimizers import ConjugateGradient, GradientDescent

ROOT = Path(__file__).parents[2]


def unequal_classes(seed=0, sizes=(7, 30, 90), n_features=4):
    """Classes of different sizes whose labels do not count from zero, nor in order of the rows."""
    rng = np.random.default_rng(seed)
    codes = rng.permutation(np.repeat(np.arange(len(sizes)), sizes))
    means = 3 * rng.standard_normal((len(sizes), n_features))
    mixing = rng.standard_normal((n_features, n_features))
    X = rng.standard_normal((len(codes), n_features)) @ mixing + means[codes]
    return X, np.array(["pear", "apple", "fig", "date", "lime"])[codes]


def textbook_scatter(X, y):
    """The definitions, one sample at a time."""
    d = X.shape[1]
    m = X.sum(axis=0) / len(X)
    within, between, total = np.zeros((d, d)), np.zeros((d, d)), np.zeros((d, d))
    for label in set(y.tolist()):
        rows = [x for x, other in zip(X, y, strict=True) if other == label]
        m_k = sum(rows) / len(rows)
        between += len(rows) * np.outer(m_k - m, m_k - m)
        for x in rows:
            within += np.outer(x - m_k, x - m_k)
    for x in X:
        total += np.outer(x - m, x - m)
    return within, between, total


class TestScatter:
    def test_is_what_the_definitions_say(self):
        X, y = unequal_classes()
        scatter = scatter_matrices(X, y)
        within, between, total = textbook_scatter(X, y)
        np.testing.assert_allclose(scatter.within, within, rtol=1e-12, atol=1e-10)
        np.testing.assert_allclose(scatter.between, between, rtol=1e-12, atol=1e-10)
        np.testing.assert_allclose(scatter.total, total, rtol=1e-12, atol=1e-10)
        np.testing.assert_array_equal(scatter.classes, ["apple", "fig", "pear"])
        np.testing.assert_array_equal(scatter.class_sizes, [30, 90, 7])
        np.testing.assert_allclose(scatter.mean, X.mean(axis=0), rtol=1e-13)
        for label, mean in zip(scatter.classes, scatter.class_means, strict=True):
            np.testing.assert_allclose(mean, X[y == label].mean(axis=0), rtol=1e-12)

    @settings(max_examples=50, deadline=None)
    @given(
        X=arrays(float, (12, 3), elements=st.floats(-1e3, 1e3)),
        y=st.lists(st.integers(0, 4), min_size=12, max_size=12),
    )
    def test_within_and_between_add_up_to_the_total(self, X, y):
        scatter = scatter_matrices(X, y)
        centred = X - X.mean(axis=0)
        np.testing.assert_allclose(scatter.total, centred.T @ centred, atol=1e-6)

    def test_counts_a_class_by_its_size(self):
        # A published implementation forgets the sizes: then nothing adds up to the total.
        X, y = unequal_classes()
        scatter = scatter_matrices(X, y)
        deviations = scatter.class_means - scatter.mean
        forgetful = deviations.T @ deviations * len(X) / len(scatter.classes)
        wrong = np.linalg.norm(scatter.within + forgetful - scatter.total)
        assert wrong > 0.1 * np.linalg.norm(scatter.total)

    def test_takes_labels_for_names_and_not_for_numbers(self):
        # A published implementation looks for class i where the label is i + 1.
        X, y = unequal_classes()
        codes = np.unique(y, return_inverse=True)[1]
        expected = scatter_matrices(X, y)
        for labels in (codes, codes + 1, -codes, codes * 0.5, list(y)):
            scatter = scatter_matrices(X, labels)
            np.testing.assert_allclose(scatter.within, expected.within, rtol=1e-12, atol=1e-9)
            np.testing.assert_allclose(scatter.between, expected.between, rtol=1e-12, atol=1e-9)

    def test_survives_data_far_from_zero(self):
        # The shift is exact in binary, so the true scatter does not change at all.
        X, y = unequal_classes(sizes=(700, 3000))
        X = np.round(X * 2**20) / 2**20
        near, far = scatter_matrices(X, y), scatter_matrices(X + 2.0**20, y)
        np.testing.assert_allclose(far.within, near.within, rtol=1e-9)
        np.testing.assert_allclose(far.between, near.between, rtol=1e-6)

    def test_does_not_depend_on_the_blocks(self):
        X = np.random.default_rng(0).standard_normal((2 * BLOCK_ROWS + 17, 3))
        np.testing.assert_allclose(column_means(X), X.mean(axis=0), atol=1e-15)
        np.testing.assert_allclose(residual_scatter(X, np.zeros(3)), X.T @ X, rtol=1e-12, atol=1e-9)

    @pytest.mark.parametrize("offset", [0.0, 0.9, 1e3, 2.0**20])
    def test_in_one_pass_is_the_same(self, offset):
        # Binary fractions: the shift is exact, and the true scatter does not change.
        X = np.random.default_rng(0).integers(-(2**20), 2**20, (2 * BLOCK_ROWS + 17, 3)) / 2.0**20
        X[:BLOCK_ROWS] += [0.0, 0.0, 0.5]  # The first block is no picture of the rest.
        before = X.copy()
        mean, scatter = mean_and_scatter(X + np.array([offset, 0.0, -offset]))
        expected = (len(X) - 1) * np.cov(X.T)
        np.testing.assert_allclose(scatter, expected, rtol=1e-10, atol=1e-9)
        shift = np.array([offset, 0.0, -offset])
        np.testing.assert_allclose(mean - shift, X.mean(axis=0), atol=1e-15 + 1e-15 * offset)
        mean_and_scatter(X)
        np.testing.assert_array_equal(X, before)

    def test_keeps_float32(self):
        X, y = unequal_classes()
        scatter = scatter_matrices(X.astype(np.float32), y)
        for array in (scatter.within, scatter.between, scatter.class_means, scatter.mean):
            assert array.dtype == np.float32
        np.testing.assert_allclose(scatter.total, scatter_matrices(X, y).total, rtol=1e-4, atol=0.1)

    @pytest.mark.parametrize("y", [[0, 1], [[0], [1], [1]], []])
    def test_wants_one_label_a_row(self, y):
        with pytest.raises(ValueError, match="y must name the class of every row"):
            scatter_matrices(np.zeros((3, 2)), y)


class TestRayleighQuotient:
    A = np.array([[3.0, 1.0], [1.0, 2.0]])
    B = np.array([[2.0, 0.5], [0.5, 1.0]])

    def test_of_one_direction_and_of_several(self):
        w = np.array([1.0, -2.0])
        assert rayleigh_quotient(w, self.A, self.B) == pytest.approx(7.0 / 4.0)
        assert rayleigh_quotient(w, self.A) == pytest.approx(7.0 / 5.0)
        both = rayleigh_quotient(np.column_stack([w, 10 * w]), self.A, self.B)
        np.testing.assert_allclose(both, [7.0 / 4.0, 7.0 / 4.0])

    def test_refuses_a_direction_without_denominator(self):
        with pytest.raises(ValueError, match="positive along every direction w, got 0"):
            rayleigh_quotient(np.zeros(2), self.A, self.B)

    def test_gradient_and_hessian(self):
        objective = RayleighQuotient(self.A, self.B)
        theta = np.array([0.7, -1.3])
        assert check_gradient(objective, theta).relative_error < 1e-8
        step, hessian = 1e-6, np.empty((2, 2))
        for i in range(2):
            e = step * np.eye(2)[i]
            above, below = objective.gradient(theta + e), objective.gradient(theta - e)
            hessian[i] = (above - below) / (2 * step)
        np.testing.assert_allclose(objective.hessian(theta), hessian, rtol=1e-7, atol=1e-9)

    def test_gradient_is_orthogonal_to_the_direction(self):
        theta = np.array([0.7, -1.3])
        assert abs(RayleighQuotient(self.A).gradient(theta) @ theta) < 1e-14

    def test_any_optimizer_finds_the_best_direction(self):
        rng = np.random.default_rng(0)
        y = np.repeat([0, 1, 2], [10, 20, 40])
        X = rng.standard_normal((70, 4)) + rng.standard_normal((3, 4))[y]
        scatter = scatter_matrices(X, y)
        best = discriminant_directions(scatter.within, scatter.between, 1)
        objective = RayleighQuotient(scatter.between, scatter.within)
        trace = descend(objective, np.ones(4), ConjugateGradient(), max_iterations=200)
        assert -trace.value[-1] == pytest.approx(best.criteria[0], rel=1e-10)
        w = trace.final / np.linalg.norm(trace.final)
        expected = best.directions[:, 0] / np.linalg.norm(best.directions[:, 0])
        assert abs(w @ expected) == pytest.approx(1.0, abs=1e-8)

    def test_plain_descent_finds_the_first_principal_component(self):
        S = np.diag([4.0, 1.0, 0.5])
        trace = descend(RayleighQuotient(S), np.ones(3), GradientDescent(0.2), max_iterations=300)
        assert trace.value[-1] == pytest.approx(-4.0, abs=1e-12)

    @pytest.mark.parametrize("matrix", [np.zeros((2, 3)), [[1.0, 2.0], [0.0, 1.0]]])
    def test_wants_symmetric_matrices(self, matrix):
        with pytest.raises(ValueError, match="numerator must be a symmetric matrix"):
            RayleighQuotient(matrix)

    def test_wants_matrices_of_one_size(self):
        with pytest.raises(ValueError, match="denominator must have shape"):
            RayleighQuotient(np.eye(2), np.eye(3))
        assert repr(RayleighQuotient(np.eye(2))) == "RayleighQuotient(2 parameters)"


class TestFisherDirection:
    def test_solves_the_two_class_problem(self):
        X, y = unequal_classes(sizes=(20, 50))
        scatter = scatter_matrices(X, y)
        first, second = scatter.class_means
        found = fisher_direction(X, y)
        expected = np.linalg.inv(scatter.within) @ (second - first)
        np.testing.assert_allclose(found.direction, expected / np.linalg.norm(expected), rtol=1e-10)
        jump = np.outer(second - first, second - first)
        value = rayleigh_quotient(found.direction, jump, scatter.within)
        assert found.criterion == pytest.approx(value, rel=1e-10)
        assert found.threshold == pytest.approx(found.direction @ (first + second) / 2)

    def test_points_from_the_first_class_to_the_second(self):
        X, y = unequal_classes(sizes=(20, 50))
        found = fisher_direction(X, y)
        projected = found.project(X)
        assert projected[y == "apple"].mean() < projected[y == "pear"].mean()
        assert np.mean(found.classify(X) == y) > 0.9
        assert set(found.classify(X)) == {"apple", "pear"}

    def test_equal_means_have_no_direction(self):
        found = fisher_direction([[-1.0], [1.0], [-2.0], [2.0]], [0, 0, 1, 1])
        assert found.criterion == 0.0
        assert found.direction == 0.0

    def test_half_way_goes_to_the_first_class(self):
        found = fisher_direction([[-2.0], [-1.0], [1.0], [2.0]], [0, 0, 1, 1])
        assert found.threshold == 0.0
        np.testing.assert_array_equal(found.classify([[-1e-9], [0.0], [1e-9]]), [0, 0, 1])

    def test_refuses_more_than_two_classes(self):
        with pytest.raises(ValueError, match="two classes, got 3"):
            fisher_direction(*unequal_classes())

    def test_says_why_it_cannot_invert_the_scatter(self):
        X, y = unequal_classes(sizes=(4, 4), n_features=10)
        with pytest.raises(np.linalg.LinAlgError, match=r"singular \(rank 6 of 10\).*PCA"):
            fisher_direction(X, y)

    def test_small_units_are_not_a_lack_of_rank(self):
        X, y = unequal_classes(sizes=(20, 50))
        units = np.array([1e-12, 1.0, 1e9, 1.0])
        small, plain = fisher_direction(X * units, y), fisher_direction(X, y)
        assert small.criterion == pytest.approx(plain.criterion, rel=1e-8)

    def test_refuses_a_constant_feature(self):
        X, y = unequal_classes(sizes=(20, 50))
        X[:, 1] = 2.0
        with pytest.raises(np.linalg.LinAlgError, match="rank 3 of 4"):
            fisher_direction(X, y)


class TestDiscriminantDirections:
    def test_solve_the_generalized_eigenproblem(self):
        scatter = scatter_matrices(*unequal_classes())
        W, criteria = discriminant_directions(scatter.within, scatter.between)
        np.testing.assert_allclose(
            scatter.between @ W, scatter.within @ W * criteria, atol=1e-9 * criteria[0]
        )
        np.testing.assert_allclose(W.T @ scatter.within @ W, np.eye(4), atol=1e-12)
        np.testing.assert_allclose(criteria[2:], 0.0, atol=1e-12)
        assert np.all(np.diff(criteria) <= 1e-12)
        assert np.all(W[np.abs(W).argmax(axis=0), range(4)] > 0)

    def test_are_real_numbers(self):
        # Eigenvectors of the unsymmetric inverse(S_w) S_b come out complex in a published library.
        scatter = scatter_matrices(*unequal_classes(sizes=(9, 9, 9, 9, 9), n_features=4))
        W, criteria = discriminant_directions(scatter.within, scatter.between, 2)
        assert W.dtype == criteria.dtype == np.float64
        assert W.shape == (4, 2)

    def test_for_two_classes_are_fishers(self):
        X, y = unequal_classes(sizes=(20, 50))
        scatter = scatter_matrices(X, y)
        W = discriminant_directions(scatter.within, scatter.between, 1).directions[:, 0]
        assert abs(W @ fisher_direction(X, y).direction) == pytest.approx(np.linalg.norm(W))

    def test_refuse_a_singular_scatter_and_too_many(self):
        with pytest.raises(np.linalg.LinAlgError, match="rank 1 of 2"):
            discriminant_directions(np.ones((2, 2)), np.eye(2))
        assert discriminant_directions(np.eye(2), np.eye(2), 2).directions.shape == (2, 2)
        with pytest.raises(ValueError, match="at most the number of features, 2, got 3"):
            discriminant_directions(np.eye(2), np.eye(2), 3)

    def test_signs_are_fixed_even_of_nothing(self):
        np.testing.assert_array_equal(with_fixed_signs(np.array([[1.0], [-3.0]])), [[-1.0], [3.0]])
        np.testing.assert_array_equal(with_fixed_signs(np.zeros((2, 1))), np.zeros((2, 1)))
        assert with_fixed_signs(np.zeros((3, 0))).shape == (3, 0)


class TestShrinkage:
    def test_keeps_the_total_variance(self):
        S = np.array([[4.0, 1.0], [1.0, 2.0]])
        np.testing.assert_array_equal(shrink_to_identity(S, 0.0), S)
        np.testing.assert_array_equal(shrink_to_identity(S, 1.0), 3.0 * np.eye(2))
        np.testing.assert_allclose(shrink_to_identity(S, 0.25), [[3.75, 0.75], [0.75, 2.25]])
        with pytest.raises(ValueError, match="intensity must be"):
            shrink_to_identity(S, 1.5)

    def test_the_estimated_intensity_follows_its_formula(self):
        X = np.random.default_rng(1).standard_normal((9, 4)) * [1.0, 2.0, 3.0, 4.0]
        X -= X.mean(axis=0)
        n, d = X.shape
        S = X.T @ X / n
        norm = lambda A: np.trace(A @ A.T) / d  # noqa: E731
        distance = norm(S - np.trace(S) / d * np.eye(d))
        noise = sum(norm(np.outer(x, x) - S) for x in X) / n**2
        assert 0 < noise < distance
        assert ledoit_wolf_intensity(X) == pytest.approx(noise / distance, rel=1e-12)

    def test_falls_with_the_number_of_samples(self):
        rng = np.random.default_rng(2)
        mixing = np.diag([1.0, 2.0, 5.0])
        few, many = (ledoit_wolf_intensity(rng.standard_normal((n, 3)) @ mixing) for n in (5, 5000))
        assert 0 < many < 0.01 < few <= 1

    def test_of_one_feature_or_nothing_is_zero(self):
        assert ledoit_wolf_intensity([[1.0], [-1.0], [3.0]]) == 0.0
        assert ledoit_wolf_intensity(np.zeros((3, 2))) == 0.0

    def test_is_complete_where_the_samples_say_nothing(self):
        assert ledoit_wolf_intensity(np.eye(3)[[0, 1, 2]] - 1 / 3) == 1.0


def test_the_mathematics_load_without_scikit_learn_or_scipy():
    code = (
        "import sys, course_lib.discriminants as d\n"
        "d.fisher_direction([[0., 0.], [2., 1.], [0., 1.], [3., 0.], [5., 1.], [3., 1.]],"
        " [0, 0, 0, 1, 1, 1])\n"
        "heavy = {'sklearn', 'scipy', 'matplotlib'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
        "assert d.LinearDiscriminantAnalysis\n"
        "assert 'sklearn' in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True, cwd=ROOT)


def test_unknown_names_are_errors():
    import course_lib.discriminants as package

    with pytest.raises(AttributeError, match="no attribute 'QuadraticFoo'"):
        _ = package.QuadraticFoo
