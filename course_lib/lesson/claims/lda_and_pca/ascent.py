"""PCA by climbing: the check of a claim about gradients."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_iris

from course_lib.lesson.claims.evidence import Evidence
from course_lib.oja import ascend_variance
from course_lib.pca import PCA


def ascent_needs_the_unit_sphere() -> Evidence:
    """Climb the variance of iris, on the sphere and off it."""
    X = load_iris().data
    covariance = np.cov(X.T)
    first = PCA(1).fit(X).components_[0]
    start = np.ones(4) / 2
    steps, step_size = 100, 0.1
    run = ascend_variance(covariance, start, step_size=step_size, max_iterations=steps, tol=0)
    cosine = float(abs(run.directions[:, 0] @ first))
    free = start.copy()
    for _ in range(steps):
        free += step_size * covariance @ free
    length = float(np.linalg.norm(free))
    return Evidence(
        supports=cosine > 1 - 1e-9,
        contradicts=length > 1e6,
        steps=steps,
        step_size=step_size,
        cosine=cosine,
        length=length,
    )
