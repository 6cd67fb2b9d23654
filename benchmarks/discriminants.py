"""Workloads of LDA and PCA, beside scikit-learn.

Each workload is a function that prepares the data and returns what is to be timed: functions
without arguments, by contender. `TARGETS` says which ratio of ours to a peer's time is to be
reached.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from course_lib.discriminants import LinearDiscriminantAnalysis
from course_lib.pca import PCA

Contenders = dict[str, Callable[[], object]]
N_SAMPLES, N_FEATURES, N_CLASSES, N_COMPONENTS = 20_000, 200, 10, 20


@cache
def blobs(dtype: type = np.float64) -> tuple[np.ndarray, np.ndarray]:
    """Ten overlapping classes, well-conditioned."""
    rng = np.random.default_rng(0)
    y = rng.integers(0, N_CLASSES, N_SAMPLES)
    X = rng.standard_normal((N_SAMPLES, N_FEATURES))
    return (X + rng.standard_normal((N_CLASSES, N_FEATURES))[y]).astype(dtype), y


@cache
def ill_conditioned(shift: float) -> tuple[np.ndarray, np.ndarray]:
    """The same classes, mixed: the covariance has a condition number of about ten thousand."""
    X, y = blobs()
    rng = np.random.default_rng(1)
    rotation = np.linalg.qr(rng.standard_normal((N_FEATURES, N_FEATURES)))[0]
    return X * np.logspace(0, -2, N_FEATURES) @ rotation + shift, y


def discriminants() -> Contenders:
    """LDA, 20 000 samples of 200 features in 10 classes."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as Peer

    return {
        "ours, float64": lambda: LinearDiscriminantAnalysis().fit(*blobs()),
        "ours, float32": lambda: LinearDiscriminantAnalysis().fit(*blobs(np.float32)),
        "ours, shrinkage auto": lambda: LinearDiscriminantAnalysis(shrinkage="auto").fit(*blobs()),
        "scikit-learn, svd": lambda: Peer().fit(*blobs()),
        "scikit-learn, svd, float32": lambda: Peer().fit(*blobs(np.float32)),
        "scikit-learn, eigen": lambda: Peer(solver="eigen").fit(*blobs()),
        "scikit-learn, lsqr": lambda: Peer(solver="lsqr").fit(*blobs()),
        "scikit-learn, shrinkage auto": lambda: Peer(solver="lsqr", shrinkage="auto").fit(*blobs()),
    }


def discriminants_of_hard_data() -> Contenders:
    """The same on ill-conditioned data far from zero."""
    from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as Peer

    return {
        "ours": lambda: LinearDiscriminantAnalysis().fit(*ill_conditioned(1e3)),
        "scikit-learn, svd": lambda: Peer().fit(*ill_conditioned(1e3)),
    }


def principal_components() -> Contenders:
    """PCA, 20 components of 20 000 samples of 200 features."""
    from sklearn import decomposition

    peer = decomposition.PCA
    X, single = blobs()[0], blobs(np.float32)[0]
    covariance = {"svd_solver": "covariance_eigh"}
    return {
        "ours, covariance, float64": lambda: PCA(N_COMPONENTS, solver="covariance").fit(X),
        "ours, covariance, float32": lambda: PCA(N_COMPONENTS, solver="covariance").fit(single),
        "ours, covariance, far from zero": lambda: PCA(N_COMPONENTS, solver="covariance").fit(
            ill_conditioned(1e3)[0]
        ),
        "ours, svd, float64": lambda: PCA(N_COMPONENTS, solver="svd").fit(X),
        "scikit-learn, covariance_eigh": lambda: peer(N_COMPONENTS, **covariance).fit(X),
        "scikit-learn, covariance_eigh, float32": lambda: peer(N_COMPONENTS, **covariance).fit(
            single
        ),
        "scikit-learn, full": lambda: peer(N_COMPONENTS, svd_solver="full").fit(X),
    }


WORKLOADS: dict[str, Callable[[], Contenders]] = {
    "LDA 20 000 x 200, 10 classes": discriminants,
    "LDA, ill-conditioned and shifted": discriminants_of_hard_data,
    "PCA 20 000 x 200, 20 components": principal_components,
}

#: (workload, ours, peer): the largest ratio of the times that will do.
TARGETS: dict[tuple[str, str, str], float] = {
    ("LDA 20 000 x 200, 10 classes", "ours, float64", "scikit-learn, svd"): 0.15,
    ("LDA, ill-conditioned and shifted", "ours", "scikit-learn, svd"): 0.20,
    (
        "PCA 20 000 x 200, 20 components",
        "ours, covariance, float64",
        "scikit-learn, covariance_eigh",
    ): 1.1,
}
