r"""Scatter: how data spread inside classes, between them, and in all.

Chapter: *LDA and PCA*. With :math:`n_c` samples and mean :math:`m_c` in class :math:`c` and overall
mean :math:`m`,

.. math::
    S_W = \sum_c \sum_{i \in c} (x_i - m_c)(x_i - m_c)^\top, \qquad
    S_B = \sum_c n_c (m_c - m)(m_c - m)^\top, \qquad S_T = S_W + S_B.

Scatter is a sum, not a mean: divided by :math:`n` it is a covariance. A class counts by its size,
in :math:`S_W` as in :math:`S_B`; leave the sizes out and the identity with the total
:math:`S_T = \sum_i (x_i - m)(x_i - m)^\top` is lost.

R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7 (1936),
pp. 179-188; C. M. Bishop, *Pattern Recognition and Machine Learning*, Springer, 2006, §4.1.4 and
§4.1.6.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.validation import FloatArray, check_array

#: Rows taken at a time. A block of a few hundred features stays in the processor's cache.
BLOCK_ROWS = 1024


@dataclass(frozen=True)
class ScatterMatrices:
    """The scatter of labelled data.

    Attributes
    ----------
    within, between : ndarray of shape (n_features, n_features)
        :math:`S_W` and :math:`S_B`.
    classes : ndarray of shape (n_classes,)
        The labels, sorted; the next two follow their order.
    class_sizes : ndarray of int, shape (n_classes,)
    class_means : ndarray of shape (n_classes, n_features)
    mean : ndarray of shape (n_features,)
        The overall mean.
    """

    within: FloatArray
    between: FloatArray
    classes: NDArray[Any]
    class_sizes: NDArray[np.integer]
    class_means: FloatArray
    mean: FloatArray

    @property
    def total(self) -> FloatArray:
        """The scatter around the overall mean, :math:`S_T = S_W + S_B`."""
        return self.within + self.between


def scatter_matrices(X: ArrayLike, y: ArrayLike) -> ScatterMatrices:
    """Return the scatter of the rows of ``X`` within and between the classes of ``y``.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    y
        Class labels of any kind, shape (n_samples,).

    Raises
    ------
    ValueError
        If the shapes do not fit together or there is no sample.

    Examples
    --------
    >>> scatter = scatter_matrices([[0.0], [2.0], [5.0]], ["a", "a", "b"])
    >>> scatter.within, scatter.between, scatter.total
    (array([[2.]]), array([[10.66666667]]), array([[12.66666667]]))
    """
    data = check_array("X", X, ndim=2)
    labels = np.asarray(y)
    if len(data) == 0 or labels.shape != (len(data),):
        raise ValueError(
            "y must name the class of every row of X, at least one, got shapes "
            f"{labels.shape} and {data.shape}"
        )
    classes, codes = np.unique(labels, return_inverse=True)
    sizes = np.bincount(codes)
    mean, deviations = class_deviations(data, codes, sizes)
    means = mean + deviations
    return ScatterMatrices(
        within=residual_scatter(data, means, codes),
        between=(deviations.T * sizes.astype(data.dtype)) @ deviations,
        classes=classes,
        class_sizes=sizes,
        class_means=means,
        mean=mean,
    )


def class_deviations(
    X: FloatArray, codes: NDArray[np.integer], sizes: NDArray[np.integer]
) -> tuple[FloatArray, FloatArray]:
    r"""Return the mean :math:`m` and, for every class, :math:`m_c - m`.

    The classes are averaged after the mean is gone: between two numbers far from zero, the
    difference would be mostly rounding.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    codes
        The class of every row, from 0 to ``n_classes - 1``.
    sizes
        The number of rows in every class.

    Returns
    -------
    mean : ndarray of shape (n_features,)
    deviations : ndarray of shape (n_classes, n_features)
    """
    rough_mean = column_means(X)
    sums = np.zeros((len(sizes), X.shape[1]), X.dtype)
    numbers = np.arange(len(sizes))
    for rows, block in residual_blocks(X, rough_mean):
        belongs = (codes[rows] == numbers[:, None]).astype(X.dtype)
        sums += belongs @ block
    correction = sums.sum(axis=0) / X.dtype.type(len(X))
    return rough_mean + correction, sums / sizes[:, None].astype(X.dtype) - correction


def column_means(X: FloatArray) -> FloatArray:
    """Return the mean of every column, shape (n_features,).

    Summed block by block: the rounding errors of a sum grow with its length.
    """
    total = np.zeros(X.shape[1], X.dtype)
    for start in range(0, len(X), BLOCK_ROWS):
        total += X[start : start + BLOCK_ROWS].sum(axis=0)
    return total / X.dtype.type(len(X))


def mean_and_scatter(X: FloatArray) -> tuple[FloatArray, FloatArray]:
    r"""Return the mean of the rows of ``X`` and their scatter around it, in one pass.

    The rows are measured from some point :math:`c`, and the scatter is moved to the mean after
    that: :math:`S = \sum_i (x_i - c)(x_i - c)^\top - n (m - c)(m - c)^\top`. Far from the mean the
    two terms would be large and nearly equal, and their difference nothing but rounding. Zero is
    near enough where it is within one standard deviation, and saves subtracting; else :math:`c` is
    the mean of the first rows.

    Returns
    -------
    mean : ndarray of shape (n_features,)
    scatter : ndarray of shape (n_features, n_features)
    """
    first = X[:BLOCK_ROWS]
    near = first.mean(axis=0)
    if np.all(np.abs(near) <= first.std(axis=0)):
        near = np.zeros_like(near)
    total = np.zeros_like(near)
    scatter = np.zeros((len(near), len(near)), X.dtype)
    product = np.empty_like(scatter)
    for _, block in residual_blocks(X, near if near.any() else None):
        total += block.sum(axis=0)
        scatter += np.matmul(block.T, block, out=product)
    offset = total / X.dtype.type(len(X))
    return near + offset, scatter - np.outer(total, offset)


def residual_scatter(
    X: FloatArray, means: FloatArray, codes: NDArray[np.integer] | None = None
) -> FloatArray:
    """Return the scatter of the rows of ``X`` around their class means, or around one mean.

    Takes memory for one block of rows, however many there are.
    """
    scatter = np.zeros((X.shape[1], X.shape[1]), X.dtype)
    product = np.empty_like(scatter)
    for _, block in residual_blocks(X, means, codes):
        scatter += np.matmul(block.T, block, out=product)
    return scatter


def residual_blocks(
    X: FloatArray, means: FloatArray | None, codes: NDArray[np.integer] | None = None
) -> Iterator[tuple[slice, FloatArray]]:
    """Yield the rows of ``X`` minus their class means, block by block.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    means
        Shape (n_classes, n_features), or (n_features,) without ``codes``; None subtracts nothing.
    codes
        The class of every row; None subtracts the same mean from all.

    Yields
    ------
    rows : slice
    block : ndarray of shape (n_rows, n_features)
        Valid until the next block, which is written over it; where nothing is subtracted, the rows
        themselves.
    """
    if means is not None:
        buffer = np.empty((min(BLOCK_ROWS, len(X)), X.shape[1]), X.dtype)
    for start in range(0, len(X), BLOCK_ROWS):
        rows = slice(start, min(start + BLOCK_ROWS, len(X)))
        if means is None:
            yield rows, X[rows]
            continue
        block = buffer[: rows.stop - start]
        if codes is None:
            np.subtract(X[rows], means, out=block)
        else:
            # "clip" only tells numpy that it may write straight into the block.
            np.take(means, codes[rows], axis=0, out=block, mode="clip")
            np.subtract(X[rows], block, out=block)
        yield rows, block


def class_standard_deviations(
    variances: FloatArray, means: FloatArray, n_samples: int
) -> FloatArray:
    """Return the square roots of within-class ``variances``, and 1 for features that do not vary.

    The deviations of a constant feature from its class means are rounding errors. Divided by their
    own size they would pass for a feature.

    Parameters
    ----------
    variances
        Shape (n_features,).
    means
        The class means, shape (n_classes, n_features): they tell how large rounding errors are.
    n_samples
        The number of samples averaged.
    """
    centre = means.mean(axis=0)
    distance = np.abs(means - centre).max(axis=0)
    rounding = np.finfo(means.dtype).eps * (10 * np.abs(centre) + np.sqrt(n_samples) * distance)
    return np.where(variances > rounding**2, np.sqrt(variances), 1).astype(means.dtype)
