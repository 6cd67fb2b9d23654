"""LDA and PCA: 20 000 samples of 200 features, 10 classes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property, partial
from typing import Any

import numpy as np

from benchmarks.workload import Run, Target, Workload
from course_lib.discriminants import LinearDiscriminantAnalysis
from course_lib.pca import PCA

N_CLASSES, N_COMPONENTS = 10, 20


@dataclass(frozen=True, eq=False)
class Samples:
    """Samples of ten overlapping classes."""

    X: np.ndarray
    y: np.ndarray

    @cached_property
    def reference(self) -> np.ndarray:
        """The class scores of some samples, with 64 bits of mantissa where the machine has them."""
        X, y = self.X.astype(np.longdouble), self.y
        means = np.array([X[y == k].mean(axis=0) for k in range(N_CLASSES)])
        overall = X.mean(axis=0)
        # Features in rows: without BLAS, products of rows with rows are the fast ones.
        within = np.ascontiguousarray((X - means[y]).T)
        directions = _solve(within @ within.T / len(X), (means - overall).T)
        scores = (X[:200] - overall) @ directions
        scores -= ((means - overall) * directions.T).sum(axis=1) / 2
        scores += np.log(np.bincount(y) / np.longdouble(len(y)))
        return scores - scores.mean(axis=1, keepdims=True)


def blobs(tiny: bool) -> Samples:
    """Well-conditioned data."""
    rng, n, d = np.random.default_rng(0), 300 if tiny else 20_000, 30 if tiny else 200
    y = rng.integers(0, N_CLASSES, n)
    return Samples(rng.standard_normal((n, d)) + rng.standard_normal((N_CLASSES, d))[y], y)


def far_and_ill_conditioned(tiny: bool) -> Samples:
    """The same, mixed and moved: a covariance of condition 10 000, a mean of 1000."""
    plain = blobs(tiny)
    X, y = plain.X, plain.y
    d = X.shape[1]
    rotation = np.linalg.qr(np.random.default_rng(1).standard_normal((d, d)))[0]
    return Samples(X * np.logspace(0, -2, d) @ rotation + 1e3, y)


def fitting(model: Callable[[], Any], data: Samples, dtype: type = np.float64) -> Run:
    X = data.X.astype(dtype, copy=False)
    return lambda: model().fit(X, data.y)


def discriminant(data: Samples, dtype: type = np.float64, **settings: Any) -> Run:
    return fitting(lambda: LinearDiscriminantAnalysis(**settings), data, dtype)


def discriminant_of_scikit_learn(data: Samples, dtype: type = np.float64, **settings: Any) -> Run:
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as Peer

    return fitting(lambda: Peer(**settings), data, dtype)


def components(data: Samples, dtype: type = np.float64, **settings: Any) -> Run:
    return fitting(lambda: PCA(N_COMPONENTS, **settings), data, dtype)


def components_of_scikit_learn(data: Samples, dtype: type = np.float64, **settings: Any) -> Run:
    from sklearn import decomposition

    return fitting(lambda: decomposition.PCA(N_COMPONENTS, **settings), data, dtype)


def error_of_scores(data: Samples, model: Any) -> float:
    """Return the largest relative error of the class scores of some samples.

    What all classes have in common is taken away, for it decides nothing.
    """
    reference = data.reference
    found = model.decision_function(data.X[:200])
    found = found - found.mean(axis=1, keepdims=True)
    return float(np.abs(found - reference).max() / np.abs(reference).max())


def _solve(A: np.ndarray, B: np.ndarray) -> np.ndarray:
    """Solve by elimination, in the precision of the arguments; ``A`` is positive definite."""
    A, B = A.copy(), B.copy()
    for k in range(len(A)):
        factor = A[k + 1 :, k] / A[k, k]
        A[k + 1 :, k:] -= np.outer(factor, A[k, k:])
        B[k + 1 :] -= np.outer(factor, B[k])
    for k in reversed(range(len(A))):
        B[k] = (B[k] - A[k, k + 1 :] @ B[k + 1 :]) / A[k, k]
    return B


SVD, COVARIANCE = "scikit-learn, svd (its default)", "scikit-learn, covariance_eigh (its choice)"
ERROR = ("largest relative error of the scores", error_of_scores)

WORKLOADS = {
    "lda": Workload(
        "LDA, 20 000 × 200, 10 classes",
        blobs,
        {
            "ours, float64": discriminant,
            "ours, float32": partial(discriminant, dtype=np.float32),
            SVD: discriminant_of_scikit_learn,
            "scikit-learn, eigen": partial(discriminant_of_scikit_learn, solver="eigen"),
        },
        (Target("ours, float64", SVD, 0.15),),
        reached=ERROR,
    ),
    "lda-hard": Workload(
        "LDA, the same mixed to a condition of 1e4 and moved by 1e3",
        far_and_ill_conditioned,
        {
            "ours, float64": discriminant,
            SVD: discriminant_of_scikit_learn,
            "scikit-learn, eigen": partial(discriminant_of_scikit_learn, solver="eigen"),
        },
        (Target("ours, float64", SVD, 0.15),),
        reached=ERROR,
        no_less_accurate=("ours, float64", SVD),
    ),
    "pca": Workload(
        "PCA, 20 000 × 200, 20 components",
        blobs,
        {
            "ours, float64": partial(components, solver="covariance"),
            "ours, float32": partial(components, solver="covariance", dtype=np.float32),
            COVARIANCE: partial(components_of_scikit_learn, svd_solver="covariance_eigh"),
            "scikit-learn, covariance_eigh, float32": partial(
                components_of_scikit_learn, svd_solver="covariance_eigh", dtype=np.float32
            ),
        },
        (Target("ours, float64", COVARIANCE, 1.1),),
        reached=(
            "explained share of the variance",
            lambda data, model: float(model.explained_variance_ratio_.sum()),
        ),
    ),
}
