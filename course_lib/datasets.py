"""Small data sets that belong to the course.

The large real ones come from scikit-learn's bundled collection.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_array, check_integer


class Dataset(NamedTuple):
    """A data matrix, its targets, and what their columns mean."""

    X: FloatArray
    y: FloatArray
    feature_names: tuple[str, ...]
    target_name: str


def salaries() -> Dataset:
    """Return five people: years of experience and monthly salary.

    The toy set on which one of the source documents trains a linear unit.
    """
    return Dataset(
        X=np.array([[5.0], [3.0], [8.0], [1.4], [10.1]]),
        y=np.array([5500.0, 2300.0, 7600.0, 1800.0, 11400.0]),
        feature_names=("years of experience",),
        target_name="monthly salary",
    )


def gaussian_classes(
    means: ArrayLike,
    covariances: ArrayLike,
    sizes: int | Sequence[int],
    *,
    seed: int | np.random.Generator | None = None,
) -> Dataset:
    """Draw classes of samples from Gaussians: for effects that real data would mix with others.

    Parameters
    ----------
    means
        One row a class, shape (n_classes, n_features).
    covariances
        One positive definite matrix a class, shape (n_classes, n_features, n_features), or one for
        all, shape (n_features, n_features).
    sizes
        Samples a class: one number for each, or one for all.
    seed
        For `numpy.random.default_rng`.

    Returns
    -------
    Dataset
        The classes one after the other; ``y`` counts them from 0.

    Raises
    ------
    ValueError
        If the shapes do not fit together.
    numpy.linalg.LinAlgError
        If a covariance is not positive definite.
    """
    centres = check_array("means", means, ndim=2)
    n_classes, d = centres.shape
    spreads = np.asarray(covariances, dtype=float)
    if spreads.shape not in ((d, d), (n_classes, d, d)):
        raise ValueError(
            f"covariances must have shape {(d, d)} or {(n_classes, d, d)} to match means, got "
            f"shape {spreads.shape}"
        )
    counts = [sizes] * n_classes if np.ndim(sizes) == 0 else list(sizes)
    if len(counts) != n_classes:
        raise ValueError(f"sizes must be one number or one for each of {n_classes} classes")
    counts = [check_integer("sizes", count, at_least=1) for count in counts]
    rng = np.random.default_rng(seed)
    # A Cholesky factor is unique; eigenvectors, which other samplers use, have a sign to choose.
    factors = np.broadcast_to(np.linalg.cholesky(spreads), (n_classes, d, d))
    X = np.concatenate(
        [
            centre + rng.standard_normal((count, d)) @ factor.T
            for centre, factor, count in zip(centres, factors, counts, strict=True)
        ]
    )
    names = tuple(f"x{j}" for j in range(1, d + 1))
    return Dataset(X, np.repeat(np.arange(n_classes), counts), names, "class")
