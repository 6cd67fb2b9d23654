r"""Fisher's discriminant: the direction in which classes are far apart for their width.

Chapter: *LDA and PCA*. Along a direction :math:`w` the classes differ by :math:`w^\top S_B w` and
spread by :math:`w^\top S_W w`. Fisher's criterion is their ratio,

.. math:: R(w) = \frac{w^\top S_B w}{w^\top S_W w},

and it is largest where :math:`S_B w = R S_W w`. Two classes need no eigenvectors: with
:math:`S_B = (m_1 - m_0)(m_1 - m_0)^\top` the left side always points along :math:`m_1 - m_0`, so

.. math:: w \propto S_W^{-1} (m_1 - m_0), \qquad R = (m_1 - m_0)^\top S_W^{-1} (m_1 - m_0).

R. A. Fisher, "The use of multiple measurements in taxonomic problems", Annals of Eugenics 7 (1936),
pp. 179-188; C. R. Rao, "The utilization of multiple measurements in problems of biological
classification", Journal of the Royal Statistical Society B 10 (1948), pp. 159-203.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.discriminants.scatter import scatter_matrices
from course_lib.validation import FloatArray, check_array, check_integer


@dataclass(frozen=True)
class FisherDirection:
    """The best direction for telling two classes apart.

    Attributes
    ----------
    direction : ndarray of shape (n_features,)
        :math:`w`, of unit length, pointing from the first class to the second.
    criterion : float
        :math:`R(w)`.
    threshold : float
        Half-way between the projected class means.
    classes : ndarray of shape (2,)
        The two labels, sorted.
    """

    direction: FloatArray
    criterion: float
    threshold: float
    classes: NDArray[Any]

    def project(self, X: ArrayLike) -> FloatArray:
        """Return the coordinate of every row of ``X`` along the direction."""
        return check_array("X", X, shape=(None, len(self.direction))) @ self.direction

    def classify(self, X: ArrayLike) -> NDArray[Any]:
        """Return the class on whose side of the threshold each row falls: on it, the first."""
        return self.classes[(self.project(X) > self.threshold).astype(np.intp)]


def fisher_direction(X: ArrayLike, y: ArrayLike) -> FisherDirection:
    r"""Return Fisher's direction for two classes.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    y
        Labels of two kinds, shape (n_samples,).

    Raises
    ------
    ValueError
        If there are not two classes.
    numpy.linalg.LinAlgError
        If the within-class scatter is singular.

    Examples
    --------
    >>> X = [[0.0, 0.0], [2.0, 1.0], [0.0, 1.0], [3.0, 0.0], [5.0, 1.0], [3.0, 1.0]]
    >>> fisher_direction(X, ["red", "red", "red", "blue", "blue", "blue"]).classify([[4.0, 0.5]])
    array(['blue'], dtype='<U4')
    """
    scatter = scatter_matrices(X, y)
    if len(scatter.classes) != 2:
        raise ValueError(
            f"y must hold two classes, got {len(scatter.classes)}: for more take "
            "discriminant_directions or LinearDiscriminantAnalysis"
        )
    first, second = scatter.class_means
    _require_full_rank(scatter.within)
    w = np.linalg.solve(scatter.within, second - first)
    criterion = float(w @ (second - first))
    w /= np.linalg.norm(w) or 1.0
    return FisherDirection(w, criterion, float(w @ (first + second)) / 2, scatter.classes)


class DiscriminantDirections(NamedTuple):
    r"""Directions in order of Fisher's criterion.

    Attributes
    ----------
    directions : ndarray of shape (n_features, n_components)
        One a column, scaled so that :math:`W^\top S_W W = I`. They are not orthogonal in general.
    criteria : ndarray of shape (n_components,)
        :math:`R` along each, falling.
    """

    directions: FloatArray
    criteria: FloatArray


def discriminant_directions(
    within: ArrayLike, between: ArrayLike, n_components: int | None = None
) -> DiscriminantDirections:
    r"""Return the solutions of :math:`S_B w = R S_W w`, the largest :math:`R` first.

    With :math:`S_W = L L^\top` and :math:`w = L^{-\top} v` this is the ordinary symmetric problem
    :math:`L^{-1} S_B L^{-\top} v = R v`: in coordinates where every class is as wide in all
    directions, the best direction is the one in which the means spread most.

    Parameters
    ----------
    within, between
        :math:`S_W` and :math:`S_B`, shape (n_features, n_features).
    n_components
        How many to return; all if not given. No more than ``n_classes - 1`` have :math:`R > 0`,
        because the class means' weighted deviations from the overall mean add up to zero.

    Raises
    ------
    numpy.linalg.LinAlgError
        If the within-class scatter is singular.
    """
    S_W = check_array("within", within, ndim=2)
    S_B = check_array("between", between, shape=S_W.shape)
    wanted = len(S_W)
    if n_components is not None:
        wanted = check_integer("n_components", n_components, at_least=1)
        if wanted > len(S_W):
            raise ValueError(
                f"n_components must be at most the number of features, {len(S_W)}, got {wanted}"
            )
    _require_full_rank(S_W)
    L = np.linalg.cholesky(S_W)
    whitened = np.linalg.solve(L, np.linalg.solve(L, S_B).T)
    criteria, vectors = np.linalg.eigh((whitened + whitened.T) / 2)
    directions = np.linalg.solve(L.T, vectors[:, ::-1][:, :wanted])
    return DiscriminantDirections(with_fixed_signs(directions), criteria[::-1][:wanted])


def with_fixed_signs(columns: FloatArray) -> FloatArray:
    """Return ``columns`` with the largest entry of each positive.

    An eigenvector is known up to its sign. Fixing it makes results repeatable.
    """
    if columns.size == 0:
        return columns
    largest = np.argmax(np.abs(columns), axis=0)
    return columns * np.sign(columns[largest, np.arange(columns.shape[1])])


def _require_full_rank(within: FloatArray) -> None:
    width = np.sqrt(np.diag(within))
    width[width == 0] = 1.0
    # In units of each feature's own width: small units are no lack of rank.
    rank = int(np.linalg.matrix_rank(within / width / width[:, None], hermitian=True))
    if rank < len(within):
        raise np.linalg.LinAlgError(
            f"the within-class scatter is singular (rank {rank} of {len(within)}): there are fewer "
            "than n_features + n_classes samples, or features repeat each other. Drop or combine "
            "features (PCA first), add a multiple of the identity (shrink_to_identity), or use "
            "LinearDiscriminantAnalysis, which can do both"
        )
