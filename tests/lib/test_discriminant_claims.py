"""The numbers behind the ledger's claims on LDA and PCA (C180 to C194)."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.linalg import subspace_angles
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis

from course_lib.discriminants import (
    LinearDiscriminantAnalysis,
    discriminant_directions,
    fisher_direction,
    rayleigh_quotient,
    scatter_matrices,
)
from course_lib.pca import PCA

IRIS = load_iris()


def gaussian_pair(seed, covariances, distance, n=2000):
    rng = np.random.default_rng(seed)
    means = np.array([np.zeros(len(distance)), distance])
    X = np.concatenate(
        [rng.multivariate_normal(m, S, n) for m, S in zip(means, covariances, strict=True)]
    )
    return X, np.repeat([0, 1], n)


def best_threshold_accuracy(projected, y):
    """The accuracy of the best cut of a line, on either side."""
    order = np.argsort(projected)
    ones_left = np.cumsum(y[order])
    zeros_left = np.arange(1, len(y) + 1) - ones_left
    correct = zeros_left + (y.sum() - ones_left)
    return max(correct.max(), len(y) - correct.min()) / len(y)


def test_c180_three_classes_have_two_directions():
    model = LinearDiscriminantAnalysis().fit(IRIS.data, IRIS.target)
    np.testing.assert_allclose(model.eigenvalues_, [32.191929, 0.285391], atol=5e-7)
    scatter = scatter_matrices(IRIS.data, IRIS.target)
    criteria = discriminant_directions(scatter.within, scatter.between).criteria
    np.testing.assert_allclose(criteria, [32.191929, 0.285391, 0.0, 0.0], atol=5e-7)


def test_c181_far_means_narrow_classes_and_the_ratio_are_three_directions():
    S = np.array([[2.0, 1.2], [1.2, 1.0]])
    X, y = gaussian_pair(0, [S, S], [0.4, 0.7])
    scatter = scatter_matrices(X, y)
    jump = scatter.class_means[1] - scatter.class_means[0]
    between = np.outer(jump, jump)
    directions = {
        "means farthest apart": jump,
        "classes narrowest": np.linalg.eigh(scatter.within)[1][:, 0],
        "Fisher": fisher_direction(X, y).direction,
    }
    pooled = scatter.within / len(y)
    ratio = {name: rayleigh_quotient(w, between, pooled) for name, w in directions.items()}
    accuracy = {name: best_threshold_accuracy(X @ w, y) for name, w in directions.items()}
    for name in ("means farthest apart", "classes narrowest"):
        assert ratio[name] < 0.9 * ratio["Fisher"]
        assert accuracy[name] < accuracy["Fisher"] - 0.01
    # Neither extreme is attained by Fisher's direction.
    w = directions["Fisher"]
    assert abs(w @ jump) < np.linalg.norm(jump) * 0.99
    assert w @ scatter.within @ w > 1.01 * np.linalg.eigvalsh(scatter.within)[0]


def test_c182_adding_covariances_is_not_adding_scatter():
    rng = np.random.default_rng(0)
    small = rng.multivariate_normal([0, 0], [[4.0, 0.0], [0.0, 0.3]], 20)
    large = rng.multivariate_normal([1.0, 1.0], [[0.5, 0.0], [0.0, 2.0]], 500)
    X, y = np.concatenate([small, large]), np.repeat([0, 1], [20, 500])
    right = fisher_direction(X, y).direction
    summed = np.cov(small.T) + np.cov(large.T)
    wrong = np.linalg.solve(summed, large.mean(axis=0) - small.mean(axis=0))
    assert np.degrees(subspace_angles(right[:, None], wrong[:, None])[0]) > 20


def test_c183_no_direction_beats_fishers():
    X, y = IRIS.data[50:], IRIS.target[50:]
    scatter = scatter_matrices(X, y)
    jump = scatter.class_means[1] - scatter.class_means[0]
    found = fisher_direction(X, y)
    expected = jump @ np.linalg.inv(scatter.within) @ jump
    assert found.criterion == pytest.approx(expected, rel=1e-12)
    directions = np.random.default_rng(0).standard_normal((4, 20_000))
    ratios = rayleigh_quotient(directions, np.outer(jump, jump), scatter.within)
    assert ratios.max() <= found.criterion * (1 + 1e-12)
    assert ratios.max() > 0.8 * found.criterion


def test_c184_needs_more_samples_than_features_and_is_not_orthogonal():
    rng = np.random.default_rng(0)
    scatter = scatter_matrices(rng.standard_normal((8, 10)), np.arange(8) % 2)
    assert np.linalg.matrix_rank(scatter.within) == 6
    W = LinearDiscriminantAnalysis().fit(IRIS.data, IRIS.target).scalings_
    W = W / np.linalg.norm(W, axis=0)
    assert abs(W[:, 0] @ W[:, 1]) > 0.1


@pytest.mark.parametrize("draw", ["uniform", "exponential", "binary"])
def test_c185_pca_needs_no_gaussian(draw):
    rng = np.random.default_rng(0)
    shape = (400, 5)
    raw = {
        "uniform": rng.uniform(-1, 1, shape),
        "exponential": rng.exponential(size=shape),
        "binary": rng.integers(0, 2, shape).astype(float),
    }[draw]
    X = raw @ rng.standard_normal((5, 5))
    centred = X - X.mean(axis=0)
    model = PCA(2).fit(X)

    def error(plane):
        return np.sum((centred - centred @ plane @ plane.T) ** 2)

    best = error(model.components_.T)
    planes = (np.linalg.qr(rng.standard_normal((5, 2)))[0] for _ in range(3000))
    assert min(error(plane) for plane in planes) >= best * (1 - 1e-12)


def test_c186_eigenvalues_are_squared_singular_values():
    centred = IRIS.data - IRIS.data.mean(axis=0)
    eigenvalues = PCA(solver="covariance").fit(IRIS.data).explained_variance_
    singular = np.linalg.svd(centred, compute_uv=False)
    np.testing.assert_allclose(eigenvalues, singular**2 / 149, rtol=1e-12)


@pytest.mark.parametrize("n_classes", [2, 3, 5])
def test_c187_class_means_span_one_dimension_less_than_there_are(n_classes):
    rng = np.random.default_rng(0)
    scatter = scatter_matrices(rng.standard_normal((60, 7)), np.arange(60) % n_classes)
    assert np.linalg.matrix_rank(scatter.between) == n_classes - 1


def test_c188_pca_has_a_limit_too():
    variances = PCA().fit(np.random.default_rng(0).standard_normal((5, 10))).explained_variance_
    assert np.count_nonzero(variances > 1e-12) == 4


def test_c189_pca_whitens_and_denoises():
    white = PCA(whiten=True).fit_transform(IRIS.data)
    np.testing.assert_allclose(np.cov(white.T), np.eye(4), atol=1e-13)
    rng = np.random.default_rng(0)
    clean = rng.standard_normal((500, 2)) @ rng.standard_normal((2, 40))
    noisy = clean + 0.5 * rng.standard_normal(clean.shape)
    model = PCA(2).fit(noisy)
    before = np.mean((noisy - clean) ** 2)
    after = np.mean((model.inverse_transform(model.transform(noisy)) - clean) ** 2)
    assert before == pytest.approx(0.25, abs=0.005)
    assert after < 0.07 * before


def test_c190_the_best_ratio_is_not_the_best_classifier():
    # The classes differ a little in mean along x, and very much in spread along y.
    X, y = gaussian_pair(0, [np.diag([1.0, 0.01]), np.diag([1.0, 25.0])], [0.5, 0.0])
    w = fisher_direction(X, y).direction
    along_lda = best_threshold_accuracy(X @ w, y)
    along_y = best_threshold_accuracy(np.abs(X[:, 1]), y)
    assert along_lda == pytest.approx(0.60, abs=0.02)
    assert along_y > 0.95


def test_c191_no_direction_has_more_variance():
    variance = PCA(1).fit(IRIS.data).explained_variance_[0]
    assert variance == pytest.approx(4.228242, abs=5e-7)
    directions = np.random.default_rng(0).standard_normal((4, 20_000))
    others = rayleigh_quotient(directions, np.cov(IRIS.data.T))
    assert others.max() <= variance * (1 + 1e-12)
    assert others.max() > 0.99 * variance


@pytest.mark.parametrize("draw", ["uniform", "laplace", "exponential"])
def test_c192_lda_needs_no_gaussian_either(draw):
    rng = np.random.default_rng(0)
    spread = {"uniform": 12**-0.5, "laplace": 2**0.5, "exponential": 1.0}[draw]
    jump = 2.0 * spread * np.array([0.8, 0.6])
    noise = {
        "uniform": lambda size: rng.uniform(size=size),
        "laplace": lambda size: rng.laplace(size=size),
        "exponential": lambda size: rng.exponential(size=size),
    }[draw]
    y = np.repeat([0, 1], 4000)
    X = noise((8000, 2)) + y[:, None] * jump
    model = LinearDiscriminantAnalysis().fit(X, y)
    assert model.score(X, y) > 0.8
    # Both features are equally wide and independent: the direction is the one between the means.
    assert np.degrees(subspace_angles(model.scalings_, jump[:, None])[0]) < 2


def test_c193_differences_of_variance_alone_are_invisible():
    X, y = gaussian_pair(0, [np.eye(3), 16.0 * np.eye(3)], [0.0, 0.0, 0.0])
    assert LinearDiscriminantAnalysis().fit(X, y).score(X, y) == pytest.approx(0.5, abs=0.03)
    assert QuadraticDiscriminantAnalysis().fit(X, y).score(X, y) > 0.9


def test_c194_with_about_as_many_features_as_samples_it_learns_noise():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((60, 50)), np.arange(60) % 2
    new, labels = rng.standard_normal((4000, 50)), np.arange(4000) % 2
    plain = LinearDiscriminantAnalysis().fit(X, y)
    assert plain.score(X, y) > 0.9
    assert plain.score(new, labels) == pytest.approx(0.5, abs=0.03)
    # Shrinkage makes a real but faint difference visible that plain LDA buries.
    X, new = X + 0.25 * y[:, None], new + 0.25 * labels[:, None]
    plain = LinearDiscriminantAnalysis().fit(X, y).score(new, labels)
    shrunk = LinearDiscriminantAnalysis(shrinkage="auto").fit(X, y).score(new, labels)
    assert shrunk > plain + 0.05
