r"""Data augmentation: samples made from samples, by what is known not to change their meaning.

Chapter: *Regularization*. A digit that stands one pixel farther left is the same digit. `shift`
makes it, and `shifted_copies` all of them up to a distance. `mixup` [1]_ needs no knowledge of
images: for every sample it draws :math:`\lambda \sim \mathrm{Beta}(a, a)` and blends it with
another,

.. math:: \tilde x = \lambda x_i + (1 - \lambda) x_j, \qquad
          \tilde y = \lambda y_i + (1 - \lambda) y_j .

References
----------
.. [1] H. Zhang, M. Cissé, Y. N. Dauphin and D. Lopez-Paz, "mixup: beyond empirical risk
   minimization", ICLR 2018.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.validation import FloatArray, check_array, check_integer, check_real


def shift(images: ArrayLike, down: int, right: int) -> FloatArray:
    """Return ``images`` moved by whole pixels; zeros come in where the edge was.

    Parameters
    ----------
    images
        Shape (n_images, height, width).
    down, right
        How far; negative for up and left.

    Examples
    --------
    >>> shift([[[1.0, 2.0], [3.0, 4.0]]], down=0, right=1)[0]
    array([[0., 1.],
           [0., 3.]])
    """
    images = check_array("images", images, ndim=3)
    _, height, width = images.shape
    # Farther than the whole image is as far as the whole image.
    down = int(np.clip(check_integer("down", down), -height, height))
    right = int(np.clip(check_integer("right", right), -width, width))
    rows = slice(max(-down, 0), height - max(down, 0))
    columns = slice(max(-right, 0), width - max(right, 0))
    moved = np.zeros_like(images)
    top, left = max(down, 0), max(right, 0)
    kept = images[:, rows, columns]
    moved[:, top : top + kept.shape[1], left : left + kept.shape[2]] = kept
    return moved


def shifted_copies(
    images: ArrayLike, labels: ArrayLike, distance: int = 1
) -> tuple[FloatArray, NDArray]:
    """Return the images in every position up to ``distance`` pixels away, and their labels.

    Parameters
    ----------
    images, labels
        Shapes (n_images, height, width) and (n_images,).
    distance
        Along each axis; 1 makes nine copies of an image, the first of them unmoved.

    Returns
    -------
    images, labels
        Shapes (n_copies * n_images, height, width) and (n_copies * n_images,).
    """
    distance = check_integer("distance", distance, at_least=0)
    images, labels = check_array("images", images, ndim=3), np.asarray(labels)
    if len(labels) != len(images):
        raise ValueError(
            f"images and labels must be as many, got {len(images)} images and {len(labels)} labels"
        )
    reach = range(-distance, distance + 1)
    moves = sorted(((d, r) for d in reach for r in reach), key=lambda m: abs(m[0]) + abs(m[1]))
    return np.concatenate([shift(images, *move) for move in moves]), np.tile(labels, len(moves))


def mixup(
    X: ArrayLike, y: ArrayLike, concentration: float, rng: np.random.Generator
) -> tuple[FloatArray, FloatArray]:
    """Return as many blends of two samples as there are samples.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    y
        Targets that can be blended: numbers, shape (n_samples,), or one-hot rows, shape
        (n_samples, n_classes).
    concentration
        The parameter of the Beta distribution: near 0 hardly any blending, 1 any share alike.
    rng
        Draws the shares and the partners.
    """
    X, y = check_array("X", X, ndim=2), check_array("y", y, ndim=(1, 2))
    if len(X) != len(y):
        raise ValueError(f"X and y must be as many, got {len(X)} rows and {len(y)} targets")
    concentration = check_real("concentration", concentration, above=0)
    share = rng.beta(concentration, concentration, len(X))
    partner = rng.permutation(len(X))
    y_share = share if y.ndim == 1 else share[:, None]
    blend = share[:, None] * X + (1.0 - share[:, None]) * X[partner]
    return blend, y_share * y + (1.0 - y_share) * y[partner]
