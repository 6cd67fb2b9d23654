"""How LDA finds its directions: checks of claims about the algorithm."""

from __future__ import annotations

import numpy as np
from scipy.linalg import subspace_angles
from sklearn.datasets import load_iris
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis as TheirLDA

from course_lib.datasets import gaussian_classes
from course_lib.discriminants import (
    LinearDiscriminantAnalysis,
    discriminant_directions,
    fisher_direction,
    rayleigh_quotient,
    scatter_matrices,
)
from course_lib.lesson.claims.evidence import Evidence


def summing_covariances_weights_classes_differently() -> Evidence:
    """Compare Fisher's direction with that of the summed covariances, for two pairs of sizes."""
    means = [[0.0, 0.0], [1.0, 1.0]]
    covariances = [np.diag([4.0, 0.3]), np.diag([0.5, 2.0])]
    angles = []
    for small in (500, 20):
        X, y, *_ = gaussian_classes(means, covariances, [small, 500], seed=0)
        first, second = X[y == 0], X[y == 1]
        summed = np.cov(first.T) + np.cov(second.T)
        wrong = np.linalg.solve(summed, second.mean(axis=0) - first.mean(axis=0))
        right = fisher_direction(X, y).direction
        angles.append(float(np.degrees(subspace_angles(right[:, None], wrong[:, None])[0])))
    return Evidence(
        supports=angles[0] < 1e-5,
        contradicts=angles[1] > 10,
        equal_sizes=angles[0],
        unequal_sizes=angles[1],
    )


def no_direction_beats_the_eigenvector() -> Evidence:
    """Compare the largest eigenvalue with the closed form and with many random directions."""
    iris = load_iris()
    X, y = iris.data[50:], iris.target[50:]
    scatter = scatter_matrices(X, y)
    jump = scatter.class_means[1] - scatter.class_means[0]
    between = np.outer(jump, jump)
    eigenvalue = float(np.linalg.eigvals(np.linalg.solve(scatter.within, between)).real.max())
    closed_form = fisher_direction(X, y).criterion
    tries = 20_000
    directions = np.random.default_rng(0).standard_normal((4, tries))
    ratios = rayleigh_quotient(directions, between, scatter.within)
    agree = np.isclose(eigenvalue, closed_form, rtol=1e-9)
    return Evidence(
        supports=agree and 0.8 * eigenvalue < ratios.max() <= eigenvalue * (1 + 1e-12),
        contradicts=not agree or ratios.max() > eigenvalue * (1 + 1e-12),
        eigenvalue=eigenvalue,
        closed_form=closed_form,
        tries=tries,
        best_random=ratios.max(),
    )


def the_recipe_finds_the_subspace_of_scikit_learn() -> Evidence:
    """Follow the recipe on iris, and see where it ends with fewer samples than features."""
    iris = load_iris()
    scatter = scatter_matrices(iris.data, iris.target)
    W = discriminant_directions(scatter.within, scatter.between, 2).directions
    theirs = TheirLDA(solver="svd").fit(iris.data, iris.target).scalings_[:, :2]
    cosine = float(np.cos(subspace_angles(W, theirs)).min())
    ours = LinearDiscriminantAnalysis().fit(iris.data, iris.target).scalings_
    assert np.cos(subspace_angles(ours, theirs)).min() > 1 - 1e-9
    unit = W / np.linalg.norm(W, axis=0)
    angle = float(np.degrees(np.arccos(abs(unit[:, 0] @ unit[:, 1]))))
    few = np.random.default_rng(0).standard_normal((8, 10))
    rank = int(np.linalg.matrix_rank(scatter_matrices(few, np.arange(8) % 2).within))
    assert rank == 6
    assert angle < 85
    return Evidence(
        supports=cosine > 1 - 1e-9,
        contradicts=cosine < 1 - 1e-6,
        cosine=cosine,
        angle=angle,
        rank=rank,
    )
