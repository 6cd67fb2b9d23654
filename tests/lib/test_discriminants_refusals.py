"""Discriminants: what they refuse word for word, edges of their input, digits that must stay."""

from __future__ import annotations

import re
import warnings
from functools import partial

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

import course_lib.discriminants as package
from course_lib.discriminants import (
    DiscardedDirectionsWarning,
    LinearDiscriminantAnalysis,
    RayleighQuotient,
    best_cut,
    discriminant_directions,
    fisher_direction,
    gaussian_error,
    lda,
    ledoit_wolf_intensity,
    rayleigh_quotient,
    scatter_matrices,
    shrink_to_identity,
)
from course_lib.discriminants.fisher import with_fixed_signs
from course_lib.discriminants.scatter import class_standard_deviations, mean_and_scatter
from course_lib.discriminants.within import _cholesky, solve_shrunk, solve_within

CUBE = np.zeros((2, 2, 2))
ROWS = np.array([[-1.0, 0.0], [-2.0, 1.0], [-1.5, 3.0], [1.0, 1.0], [2.0, 0.0], [3.0, 2.0]])
LABELS = np.array([0, 0, 0, 1, 1, 1])
THREE = np.array([0, 0, 1, 1, 2, 2])

NOT_A_MATRIX = "{name} must have 2 dimension(s), got shape (2,)"
SINGULAR = (
    "the within-class scatter is singular (rank 1 of 2): there are fewer than n_features + "
    "n_classes samples, or features repeat each other. Drop or combine features (PCA first), add "
    "a multiple of the identity (shrink_to_identity), or use LinearDiscriminantAnalysis, which can "
    "do both$"
)


def fit(X=ROWS, y=LABELS, **settings):
    return partial(LinearDiscriminantAnalysis(**settings).fit, X, y)


WORD_FOR_WORD = [
    (partial(scatter_matrices, [1.0, 2.0], [0, 1]), NOT_A_MATRIX.format(name="X")),
    (partial(discriminant_directions, [1.0, 2.0], CUBE), NOT_A_MATRIX.format(name="within")),
    (
        partial(discriminant_directions, np.eye(2), np.eye(3)),
        "between must have shape (2, 2), got shape (3, 3)",
    ),
    (partial(shrink_to_identity, [1.0, 2.0], 0.5), NOT_A_MATRIX.format(name="covariance")),
    (partial(ledoit_wolf_intensity, [1.0, 2.0]), NOT_A_MATRIX.format(name="centred")),
    (partial(RayleighQuotient, [1.0, 2.0]), NOT_A_MATRIX.format(name="numerator")),
    (partial(RayleighQuotient, np.eye(2), [1.0, 2.0]), NOT_A_MATRIX.format(name="denominator")),
    (
        partial(RayleighQuotient, np.eye(2), np.triu(np.ones((2, 2)))),
        "denominator must be a symmetric matrix, got shape (2, 2)",
    ),
    (
        partial(RayleighQuotient, np.eye(2), np.eye(3)),
        "denominator must have shape (2, 2) as the numerator has, got shape (3, 3)$",
    ),
    (
        partial(rayleigh_quotient, CUBE, np.eye(2)),
        "w must have 1 or 2 dimension(s), got shape (2, 2, 2)",
    ),
    (
        partial(rayleigh_quotient, [1.0, 1.0], np.eye(3)),
        "numerator must have shape (2, 2), got shape (3, 3)",
    ),
    (
        partial(rayleigh_quotient, [1.0, 1.0], np.ones((2, 1))),
        "numerator must have shape (2, 2), got shape (2, 1)",
    ),
    (
        partial(rayleigh_quotient, [1.0, 1.0], np.ones((1, 2))),
        "numerator must have shape (2, 2), got shape (1, 2)",
    ),
    (
        partial(rayleigh_quotient, [1.0, 1.0], np.eye(2), np.ones((1, 2))),
        "denominator must have shape (2, 2), got shape (1, 2)",
    ),
    (
        partial(rayleigh_quotient, [0.0, 0.0], np.eye(2)),
        "the denominator must be positive along every direction w, got 0: w is zero, or the "
        "denominator matrix is not positive definite$",
    ),
    (
        partial(scatter_matrices, ROWS, [0, 1]),
        "y must name the class of every row of X, at least one, got shapes (2,) and (6, 2)$",
    ),
    (
        partial(scatter_matrices, np.zeros((0, 2)), []),
        "y must name the class of every row of X, at least one, got shapes (0,) and (0, 2)$",
    ),
    (
        partial(fisher_direction, ROWS, THREE),
        "y must hold two classes, got 3: for more take discriminant_directions or "
        "LinearDiscriminantAnalysis$",
    ),
    (
        partial(fisher_direction(ROWS, LABELS).project, ROWS[:, :1]),
        "X must have shape (any, 2), got shape (6, 1)",
    ),
    (
        partial(discriminant_directions, np.eye(2), np.eye(2), 0),
        "n_components must be at least 1, got 0$",
    ),
    (fit(n_components=0), "n_components must be at least 1, got 0$"),
    (fit(tol=-1.0), "tol must be a finite number >= 0, got -1.0$"),
    (fit(shrinkage="ledoit"), "unknown shrinkage 'ledoit': choose one of 'auto'$"),
    (
        fit(priors=[0.5, 0.25]),
        "priors must be positive and sum to 1, got [0.5, 0.25] with sum 0.75: divide them by their "
        "sum; leave out of y a class that cannot occur$",
    ),
    (
        fit(n_components=2),
        "n_components must be at most 1, got 2: 2 class means span at most 1 direction(s), because "
        "their weighted deviations from the overall mean add up to zero, and along every other "
        "direction the classes do not differ. PCA knows no such limit$",
    ),
    (
        fit(ROWS[:2], [0, 1]),
        "y must hold fewer classes than samples, got 2 of each: classes of one sample have no "
        "spread to measure their distance by$",
    ),
    (
        partial(gaussian_error, -1.0),
        "criterion must be non-negative, got -1: it is a squared distance over a variance$",
    ),
    (partial(best_cut, [[1.0]], [0]), "projected must have 1 dimension(s), got shape (1, 1)"),
    (
        partial(best_cut, [1.0, 2.0], [0, 0]),
        "y must hold a label of one of two classes for each of the 2 projected samples, got 1 "
        "classes and shape (2,)$",
    ),
    (
        fit(ROWS[:1], [0]),
        "Found array with 1 sample(s) (shape=(1, 2)) while a minimum of 2 is required",
    ),
]


@pytest.mark.parametrize(("call", "message"), WORD_FOR_WORD)
def test_says_what_is_wrong_word_for_word(call, message):
    pattern = re.escape(message.removesuffix("$")) + ("$" if message.endswith("$") else "")
    with pytest.raises(ValueError, match="^" + pattern):
        call()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (partial(discriminant_directions, np.ones((2, 2)), np.eye(2)), SINGULAR),
        (
            partial(solve_shrunk, np.zeros((2, 2)), np.ones((2, 1)), np.ones(2)),
            "the shrunk covariance is still singular to working precision: choose more shrinkage, "
            "or drop the features that are constant in every class$",
        ),
    ],
)
def test_says_why_a_matrix_cannot_be_inverted(call, message):
    pattern = re.escape(message.removesuffix("$")) + "$"
    with pytest.raises(np.linalg.LinAlgError, match="^" + pattern):
        call()


def warning_of_a_fit() -> warnings.WarningMessage:
    """Return the warning of a fit to data with a feature that is constant in every class."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        LinearDiscriminantAnalysis().fit(np.column_stack([ROWS, LABELS]), LABELS)
    (warning,) = caught
    return warning


def test_a_warning_points_to_the_line_that_fits():
    assert warning_of_a_fit().filename == __file__


def test_ignored_directions_are_reported_word_for_word():
    warning = warning_of_a_fit()
    assert warning.category is DiscardedDirectionsWarning
    assert re.fullmatch(
        r"classes vary along only 2 of 3 directions, and \d+% of the distance between class means "
        r"lies along the others, which are ignored: give more samples, reduce the features by PCA "
        r'first, or set shrinkage="auto"',
        str(warning.message),
    )


def test_no_shrinkage_where_none_is_asked_for_by_the_samples():
    # Two samples a class are as far from its mean as each other: the intensity is 0.
    X, y = (
        np.array([[0.0, 1.0, 5.0], [1.0, 2.0, 5.0], [3.0, 1.0, 6.0], [5.0, 1.0, 6.0]]),
        [0, 0, 1, 1],
    )
    message = (
        r"classes vary along only 2 of 3 directions, and \d+% of the distance between class means "
        r"lies along the others, which are ignored: give more samples, reduce the features by PCA "
        r"first, or set shrinkage to a number, such as 0\.1$"
    )
    with pytest.warns(DiscardedDirectionsWarning, match=message):
        automatic = LinearDiscriminantAnalysis(shrinkage="auto").fit(X, y)
    with pytest.warns(DiscardedDirectionsWarning):
        plain = LinearDiscriminantAnalysis().fit(X, y)
    assert automatic.within_rank_ == plain.within_rank_ == 2
    assert_array_equal(automatic.coef_, plain.coef_)
    assert_array_equal(automatic.covariance_, plain.covariance_)


def test_rounding_errors_of_a_constant_are_no_direction():
    # The mean of twenty times 1e-4 is not 1e-4: squared, what is left is 1e-40.
    y = np.repeat([0, 1], 20)
    X = np.column_stack([np.tile([-1.0, 1.0], 20) + y, 1e-4 * y])
    model = LinearDiscriminantAnalysis(shrinkage="auto").fit(X, y)
    assert model.within_rank_ == 1
    assert_allclose(model.coef_, [[1.0, 0.0]], rtol=1e-12)


def test_the_estimator_is_fetched_when_it_is_asked_for():
    for name in ("LinearDiscriminantAnalysis", "DiscardedDirectionsWarning"):
        assert getattr(package, name) is vars(lda)[name]


def test_as_many_directions_as_there_can_be_may_be_asked_for():
    assert LinearDiscriminantAnalysis(1).fit(ROWS, LABELS).transform(ROWS).shape == (6, 1)
    assert LinearDiscriminantAnalysis(2).fit(ROWS, THREE).transform(ROWS).shape == (6, 2)


@pytest.mark.parametrize("shrinkage", [0.5, "auto"])
def test_with_shrinkage_every_direction_counts(shrinkage):
    assert LinearDiscriminantAnalysis(shrinkage=shrinkage).fit(ROWS, LABELS).within_rank_ == 2


def test_priors_in_double_precision_leave_a_model_in_single():
    model = LinearDiscriminantAnalysis(priors=[0.25, 0.75]).fit(ROWS.astype(np.float32), LABELS)
    assert model.priors_.dtype == model.coef_.dtype == np.float32


def test_tells_scikit_learn_which_precisions_stay():
    tags = LinearDiscriminantAnalysis().__sklearn_tags__()
    assert tags.transformer_tags.preserves_dtype == ["float64", "float32"]


@pytest.mark.parametrize("seed", range(5))
def test_means_on_a_line_have_one_direction_whatever_the_rounding(seed):
    rng = np.random.default_rng(seed)
    y = np.arange(60) % 4
    X = rng.standard_normal((60, 3))
    for k in range(4):
        X[y == k] -= X[y == k].mean(axis=0)
    X += np.outer(y, rng.standard_normal(3))
    assert LinearDiscriminantAnalysis().fit(X, y).eigenvalues_.shape == (1,)


def test_classes_that_hardly_differ_still_have_a_direction():
    X = np.array([[-1.0], [1.0]] * 4) + 1e-5 * np.repeat([0.0, 1.0], 4)[:, None]
    model = LinearDiscriminantAnalysis().fit(X, np.repeat([0, 1], 4))
    assert model.eigenvalues_.tolist() == pytest.approx([0.25e-10], rel=1e-5)


def test_the_quotient_of_one_direction_is_a_plain_number():
    assert type(rayleigh_quotient(np.array([1.0, 2.0]), np.eye(2))) is float


def test_a_quotient_has_no_samples_to_choose_from():
    objective = RayleighQuotient(np.eye(2))
    for method in (objective.value, objective.gradient, objective.hessian):
        with pytest.raises(TypeError, match=r"^RayleighQuotient is not a mean over samples"):
            method(np.ones(2), [0])


def test_a_single_sample_has_no_scatter():
    scatter = scatter_matrices([[1.0, 2.0]], ["a"])
    assert_array_equal(scatter.total, np.zeros((2, 2)))
    assert_array_equal(scatter.mean, [1.0, 2.0])


def test_the_error_of_a_number_is_a_plain_number_and_of_nothing_nothing():
    assert type(gaussian_error(4)) is float
    assert gaussian_error([0, 4]).tolist() == pytest.approx([0.5, gaussian_error(4)])
    assert gaussian_error([]).shape == (0,)


def test_where_no_cut_beats_the_commoner_class_it_lies_at_the_largest_value():
    # Equal values cannot be told apart, and three of four are of the first class.
    assert best_cut([2.0, 2.0, 2.0, 2.0], [0, 0, 0, 1]) == (2.0, 0.75)
    assert best_cut([1.0, 2.0, 3.0, 4.0, 5.0], [0, 0, 1, 0, 0]) == (5.0, 0.8)
    # One that is as good does lie inside.
    assert best_cut([1.0, 2.0, 3.0], [0, 1, 0]) == (1.5, 2 / 3)


def test_even_a_single_number_gets_a_positive_sign():
    assert_array_equal(with_fixed_signs(np.array([[-2.0]])), [[2.0]])


def test_the_rounding_of_one_feature_does_not_enter_the_mean_of_another():
    # In single precision the first feature's mean is off by some hundredths before it is corrected.
    rng = np.random.default_rng(3)
    X = rng.uniform([1e6, 0.0], [1e6 + 1, 1.0], size=(3000, 2)).astype(np.float32)
    scatter = scatter_matrices(X, np.arange(3000) % 2)
    assert_allclose(scatter.mean[1], X[:, 1].mean(dtype=float), rtol=1e-5)
    assert_allclose(scatter.class_means[0, 1], X[::2, 1].mean(dtype=float), rtol=1e-5)


def test_mean_and_scatter_keep_single_precision():
    mean, scatter = mean_and_scatter(ROWS.astype(np.float32))
    assert mean.dtype == scatter.dtype == np.float32


def test_a_wide_feature_does_not_spoil_a_narrow_one_far_from_zero():
    # Exact in binary: the shift by 2^20 does not change the scatter. Measured from zero, that of
    # the narrow feature would be a difference of numbers 10^12 times as large.
    rng = np.random.default_rng(6)
    narrow, wide = rng.integers(-(2**20), 2**20, (2, 500)) / 2.0**20
    X = np.column_stack([narrow, 2.0**30 * wide])
    near, far = (mean_and_scatter(X + np.array([shift, 0.0]))[1] for shift in (0.0, 2.0**20))
    assert far[0, 0] == pytest.approx(near[0, 0], rel=1e-9)


class TestWidthOfAClass:
    """What counts as rounding, and is then no width at all, is decided feature by feature."""

    def width(self, variances, means, n_samples=100):
        return class_standard_deviations(np.array(variances), np.array(means), n_samples)

    def test_is_the_root_of_the_variance_and_one_for_a_constant_feature(self):
        means = [[0.0, 1.0, 1e6], [1.0, 1.0, 1e6]]
        assert_array_equal(self.width([4.0, 0.0, 1e-22], means), [2.0, 1.0, 1.0])

    def test_does_not_depend_on_how_far_another_feature_lies(self):
        assert_allclose(self.width([1e-16, 1.0], [[0.0, 1e8], [0.0, 1e8]]), [1e-8, 1.0])
        assert_allclose(self.width([1e-16, 1.0], [[0.0, -1e8], [0.0, 1e8]]), [1e-8, 1.0])

    def test_of_equal_means_does_not_depend_on_the_number_of_samples(self):
        assert_allclose(self.width([1e-12], [[1e8], [1e8]], 10_000), [1e-6])

    def test_rounding_grows_with_the_distance_of_the_means(self):
        # The distance is as large as the centre, 1e8, and counts a hundredfold: 110 * 1e8 * eps.
        assert_array_equal(self.width([5e-12], [[0.0], [2e8]], 10_000), [1.0])
        assert_allclose(self.width([7e-12], [[0.0], [2e8]], 10_000), [np.sqrt(7e-12)])


class TestIntensity:
    def test_of_two_features_follows_its_formula(self):
        X = np.array([[3.0, 1.0], [-1.0, 2.0], [-2.0, -3.0]])
        S = X.T @ X / 3
        distance = np.sum((S - np.trace(S) / 2 * np.eye(2)) ** 2) / 2
        noise = sum(np.sum((np.outer(x, x) - S) ** 2) for x in X) / 2 / 9
        assert ledoit_wolf_intensity(X) == pytest.approx(min(1.0, noise / distance), rel=1e-12)

    def test_is_zero_where_the_covariance_is_a_multiple_of_the_identity_already(self):
        assert ledoit_wolf_intensity([[1.0, 0.0], [-1.0, 0.0], [0.0, 1.0], [0.0, -1.0]]) == 0.0

    def test_is_zero_where_the_samples_agree(self):
        assert ledoit_wolf_intensity([[1.0, 2.0], [-1.0, -2.0]]) == 0.0


class TestSolving:
    @pytest.mark.parametrize("distance", [1e-3, 0.5, 40.0])
    def test_the_ignored_share_is_that_of_the_length(self, distance):
        # No variance along the second feature: of the targets (3, 4), four fifths are ignored.
        X = np.array([[-1.0, 0.0], [1.0, 0.0]] * 2)
        means, codes = np.zeros((2, 2)), np.array([0, 0, 1, 1])
        targets = distance * np.array([[3.0], [4.0]])
        found = solve_within(X, means, codes, np.diag([1.0, 0.0]), targets, 1e-4)
        assert found.rank == 1
        assert found.ignored == pytest.approx(0.8)
        assert_allclose(found.coefficients, distance * np.array([[3.0], [0.0]]))

    @pytest.mark.parametrize("smallest", [1e-1, 1e-4, 1e-8])
    @pytest.mark.parametrize("n_features", [2, 40])
    def test_the_smallest_eigenvalue_is_known_about(self, smallest, n_features):
        correlation = np.full((n_features, n_features), 1.0 - smallest)
        np.fill_diagonal(correlation, 1.0)
        assert 0.2 < _cholesky(correlation)[1] / smallest < 5

    def test_a_matrix_without_factor_has_none(self):
        assert _cholesky(np.array([[1.0, 2.0], [2.0, 1.0]]))[1] == 0.0

    def test_refinement_takes_every_block_of_rows(self):
        rng = np.random.default_rng(4)
        X = rng.standard_normal((3000, 2))
        X[:, 1] = X[:, 0] + 0.03 * X[:, 1]
        codes = np.arange(3000) % 2
        means = np.array([X[codes == k].mean(axis=0) for k in range(2)])
        R = X - means[codes]
        covariance, targets = R.T @ R / 3000, np.array([[1.0], [2.0]])
        found = solve_within(X, means, codes, covariance, targets, 1e-4)
        assert_allclose(found.coefficients, np.linalg.solve(covariance, targets), rtol=1e-9)
