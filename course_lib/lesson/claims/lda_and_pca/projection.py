"""What LDA projects onto: checks of claims about its idea."""

from __future__ import annotations

import numpy as np
from scipy.linalg import subspace_angles
from sklearn.datasets import load_iris

from course_lib.datasets import gaussian_classes
from course_lib.discriminants import (
    best_cut,
    discriminant_directions,
    fisher_direction,
    rayleigh_quotient,
    scatter_matrices,
)
from course_lib.lesson.claims.evidence import Evidence
from course_lib.validation import FloatArray


def two_classes_have_one_direction_three_have_two() -> Evidence:
    """Count the directions along which two and three species of iris differ in mean."""
    iris = load_iris()
    criteria = {}
    for n_classes in (2, 3):
        rows = iris.target < n_classes
        scatter = scatter_matrices(iris.data[rows], iris.target[rows])
        criteria[n_classes] = discriminant_directions(scatter.within, scatter.between).criteria
    assert np.allclose(criteria[3][:2], [32.191929, 0.285391], atol=5e-7)
    directions = {n: int(np.sum(values > 1e-9)) for n, values in criteria.items()}
    return Evidence(
        supports=directions[2] == 1,
        contradicts=directions[3] > 1,
        two_classes=directions[2],
        three_classes=directions[3],
        first=criteria[3][0],
        second=criteria[3][1],
    )


def farthest_narrowest_and_ratio_differ() -> Evidence:
    """Compare three directions, on slanted classes and on classes whose means differ crosswise."""
    covariance = np.array([[2.0, 1.2], [1.2, 1.0]])
    narrow_axis = np.linalg.eigh(covariance)[1][:, 0]
    slanted = gaussian_classes([[0, 0], [0.4, 0.7]], covariance, 2000, seed=0)
    far, narrow, fisher = _three_directions(slanted.X, slanted.y)
    scatter = scatter_matrices(slanted.X, slanted.y)
    share = [
        rayleigh_quotient(w, scatter.between, scatter.within)
        / rayleigh_quotient(fisher, scatter.between, scatter.within)
        for w in (far, narrow)
    ]
    accuracy = [best_cut(slanted.X @ w, slanted.y).accuracy for w in (far, narrow, fisher)]
    crosswise = gaussian_classes([[0, 0], 2 * narrow_axis], covariance, 20_000, seed=0)
    directions = _three_directions(crosswise.X, crosswise.y)
    agreement = max(_degrees(w, directions[2]) for w in directions[:2])
    return Evidence(
        supports=agreement < 2,
        contradicts=max(share) < 0.9 and max(accuracy[:2]) < accuracy[2] - 0.01,
        far_share=share[0],
        narrow_share=share[1],
        far_accuracy=accuracy[0],
        narrow_accuracy=accuracy[1],
        fisher_accuracy=accuracy[2],
        agreement=agreement,
    )


def _three_directions(X: FloatArray, y: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
    scatter = scatter_matrices(X, y)
    jump = scatter.class_means[1] - scatter.class_means[0]
    return jump, np.linalg.eigh(scatter.within)[1][:, 0], fisher_direction(X, y).direction


def _degrees(v: FloatArray, w: FloatArray) -> float:
    return float(np.degrees(subspace_angles(v[:, None], w[:, None])[0]))
