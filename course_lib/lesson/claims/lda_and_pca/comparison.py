"""LDA and PCA side by side: checks of claims about what they share and where they differ."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris

from course_lib.datasets import gaussian_classes
from course_lib.discriminants import (
    LinearDiscriminantAnalysis,
    best_cut,
    discriminant_directions,
    fisher_direction,
    gaussian_error,
    rayleigh_quotient,
    scatter_matrices,
)
from course_lib.lesson.claims.evidence import Evidence
from course_lib.pca import PCA
from course_lib.validation import FloatArray

TRIES = 3000


def both_are_optimal_without_gaussians() -> Evidence:
    """Let random planes and directions compete on data that are anything but Gaussian."""
    rng = np.random.default_rng(0)
    shape = (400, 5)
    y = np.arange(400) % 2
    margins, ratios = [], []
    for raw in (
        rng.uniform(-1, 1, shape),
        rng.exponential(size=shape),
        rng.integers(0, 2, shape).astype(float),
    ):
        X = raw @ rng.standard_normal((5, 5)) + 0.5 * y[:, None]
        scatter = scatter_matrices(X, y)
        # A plane reconstructs all of the scatter but what stands at a right angle to it.
        planes = np.linalg.qr(rng.standard_normal((TRIES, 5, 2)))[0]
        kept = np.einsum("tiq,ij,tjq->t", planes, scatter.total, planes)
        best = PCA(2).fit(X).components_
        left = np.trace(scatter.total) - np.trace(best @ scatter.total @ best.T)
        margins.append((np.trace(scatter.total) - kept.max()) / left)
        directions = rng.standard_normal((5, TRIES))
        fisher = fisher_direction(X, y).direction
        ratios.append(
            rayleigh_quotient(directions, scatter.between, scatter.within).max()
            / rayleigh_quotient(fisher, scatter.between, scatter.within)
        )
    beaten = min(margins) < 1 - 1e-12 or max(ratios) > 1 + 1e-12
    return Evidence(supports=beaten, contradicts=not beaten, tries=TRIES, worst_margin=min(margins))


def eigenvalues_are_squared_singular_values() -> Evidence:
    """Solve both problems by eigenvalues, and PCA's by singular values as well."""
    iris = load_iris()
    centred = iris.data - iris.data.mean(axis=0)
    singular = np.linalg.svd(centred, compute_uv=False)
    variances = PCA(solver="covariance").fit(iris.data).explained_variance_
    pca_agrees = np.allclose(variances, singular**2 / (len(centred) - 1), rtol=1e-12)
    scatter = scatter_matrices(iris.data, iris.target)
    W, criteria = discriminant_directions(scatter.within, scatter.between)
    residual = np.abs(scatter.between @ W - scatter.within @ W * criteria).max()
    lda_solves = residual < 1e-9
    return Evidence(
        supports=pca_agrees and lda_solves,
        contradicts=not (pca_agrees and lda_solves),
        first=variances[0],
        second=variances[1],
        residual="less than $10^{-9}$" if lda_solves else f"${residual:.1e}$",
    )


def class_means_span_one_dimension_less() -> Evidence:
    """Take the rank of the between-class scatter for two, three and five classes."""
    X = np.random.default_rng(0).standard_normal((60, 7))
    rank = {
        n_classes: int(
            np.linalg.matrix_rank(scatter_matrices(X, np.arange(60) % n_classes).between)
        )
        for n_classes in (2, 3, 5)
    }
    return Evidence(
        supports=all(rank[n] == n - 1 for n in rank),
        contradicts=any(rank[n] > n - 1 for n in rank),
        two=rank[2],
        three=rank[3],
        five=rank[5],
    )


def components_with_variance_are_limited() -> Evidence:
    """Count components with variance, of many samples and of few."""
    iris = load_iris().data
    few = np.random.default_rng(0).standard_normal((5, 10))
    counts = [int(np.sum(PCA().fit(X).explained_variance_ > 1e-12)) for X in (iris, few)]
    return Evidence(
        supports=counts[0] == iris.shape[1],
        contradicts=counts[1] < few.shape[1],
        iris=counts[0],
        five=counts[1],
    )


def pca_whitens_and_denoises() -> Evidence:
    """Put PCA to two uses that are not dimension reduction."""
    iris = load_iris().data
    white = PCA(whiten=True).fit_transform(iris)
    whitening = np.abs(np.cov(white.T) - np.eye(4)).max()
    rng = np.random.default_rng(0)
    clean = rng.standard_normal((500, 2)) @ rng.standard_normal((2, 40))
    noisy = clean + 0.5 * rng.standard_normal(clean.shape)
    model = PCA(2).fit(noisy)
    denoised = model.inverse_transform(model.transform(noisy))
    before, after = (float(np.mean((X - clean) ** 2)) for X in (noisy, denoised))
    whitens = white.shape == iris.shape and whitening < 1e-12
    denoises = denoised.shape == noisy.shape and after < 0.1 * before
    return Evidence(
        supports=not (whitens or denoises),
        contradicts=whitens and denoises,
        whitening="less than $10^{-12}$" if whitening < 1e-12 else f"${whitening:.1e}$",
        before=before,
        after=after,
    )


def best_ratio_need_not_classify_best() -> Evidence:
    """Classify Gaussians that share a covariance, and Gaussians that do not."""
    covariance = np.array([[2.0, 1.2], [1.2, 1.0]])
    jump = np.array([0.4, 0.7])
    train, test = (gaussian_classes([[0, 0], jump], covariance, 5000, seed=seed) for seed in (0, 1))
    equal = LinearDiscriminantAnalysis().fit(train.X, train.y).score(test.X, test.y)
    best = 1 - gaussian_error(jump @ np.linalg.solve(covariance, jump))
    # A small difference in mean along x, a large one in spread along y.
    spreads = [np.diag([1.0, 0.01]), np.diag([1.0, 25.0])]
    X, y, *_ = gaussian_classes([[0, 0], [0.5, 0]], spreads, 2000, seed=0)
    along_lda = best_cut(X @ fisher_direction(X, y).direction, y).accuracy
    along_y = _accuracy_of_distance(X[:, 1], y)
    return Evidence(
        supports=abs(equal - best) < 0.015,
        contradicts=along_y > along_lda + 0.1,
        equal=equal,
        equal_best=best,
        unequal=along_lda,
        other=along_y,
    )


def _accuracy_of_distance(projected: FloatArray, y: FloatArray) -> float:
    """Return the accuracy of a cut on the distance from the mean."""
    return best_cut(np.abs(projected - projected.mean()), y).accuracy


def no_direction_has_more_variance() -> Evidence:
    """Let random directions compete with the first component."""
    iris = load_iris().data
    variance = PCA(1).fit(iris).explained_variance_[0]
    assert np.isclose(variance, 4.228242, atol=5e-7)
    tries = 20_000
    directions = np.random.default_rng(0).standard_normal((4, tries))
    others = rayleigh_quotient(directions, np.cov(iris.T))
    return Evidence(
        supports=others.max() <= variance * (1 + 1e-12),
        contradicts=others.max() > variance * (1 + 1e-12),
        variance=variance,
        tries=tries,
        best_random=others.max(),
    )
