r"""Shrinkage: a covariance estimated from few samples, pulled towards a simple one.

Chapter: *LDA and PCA*. With fewer samples than features a sample covariance has directions of
variance zero, and not many more samples leave it with far too small ones. Shrinkage mixes it with a
multiple of the identity,

.. math:: \Sigma_s = (1 - s)\, \Sigma + s\, \mu I, \qquad \mu = \operatorname{tr} \Sigma / d,

J. H. Friedman, "Regularized discriminant analysis", Journal of the American Statistical Association
84 (1989), pp. 165-175. The best :math:`s` for the squared error can be estimated from the data:
O. Ledoit and M. Wolf, "A well-conditioned estimator for large-dimensional covariance matrices",
Journal of Multivariate Analysis 88 (2004), pp. 365-411.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.discriminants.scatter import class_standard_deviations
from course_lib.validation import FloatArray, check_array, check_real


def shrink_to_identity(covariance: ArrayLike, intensity: float) -> FloatArray:
    r"""Return :math:`(1 - s)\, \Sigma + s\, (\operatorname{tr} \Sigma / d)\, I`.

    Parameters
    ----------
    covariance
        :math:`\Sigma`, shape (n_features, n_features).
    intensity
        :math:`s`, from 0 (the matrix as it is) to 1 (a sphere of the same total variance).
    """
    s = check_real("intensity", intensity, at_least=0, at_most=1)
    matrix = check_array("covariance", covariance, ndim=2)
    shrunk = (1.0 - s) * matrix
    shrunk[np.diag_indices_from(shrunk)] += s * np.trace(matrix) / len(matrix)
    return shrunk


def ledoit_wolf_intensity(centred: ArrayLike) -> float:
    r"""Return the shrinkage intensity that Ledoit and Wolf estimate from the data.

    With rows :math:`x_i`, covariance :math:`\Sigma = \frac1n \sum_i x_i x_i^\top` and the norm
    :math:`\|A\|^2 = \operatorname{tr}(A A^\top) / d`,

    .. math:: s = \frac{\min(b^2, \delta^2)}{\delta^2}, \qquad
        \delta^2 = \|\Sigma - \mu I\|^2, \qquad
        b^2 = \frac{1}{n^2} \sum_i \|x_i x_i^\top - \Sigma\|^2:

    the more the single samples' :math:`x_i x_i^\top` scatter around their mean, the less the mean
    is to be trusted.

    Parameters
    ----------
    centred
        Rows of mean zero, shape (n_samples, n_features).

    Returns
    -------
    float
        Between 0 and 1; 0 where there is one feature, or nothing varies.
    """
    X = check_array("centred", centred, ndim=2)
    n, d = X.shape
    covariance = X.T @ X / n
    mu = np.trace(covariance) / d
    size = float(np.sum(covariance**2))
    delta = (size - d * mu**2) / d
    # The squared norm of x x^T is the fourth power of the length of x.
    beta = (np.sum(np.sum(X**2, axis=1) ** 2) / n - size) / (n * d)
    # One feature is a multiple of the identity already; rounding must not decide otherwise.
    if d == 1 or not beta > 0 or not delta > 0:
        return 0.0
    return float(min(beta, delta) / delta)


def pooled_ledoit_wolf(X: FloatArray, means: FloatArray, codes: NDArray[np.integer]) -> FloatArray:
    """Return the within-class covariance with every class shrunk as Ledoit and Wolf advise.

    A class is shrunk in units of its own standard deviations, so that the intensity does not depend
    on the units of the features; its covariance counts by the class's size. (Both as scikit-learn's
    ``LinearDiscriminantAnalysis(shrinkage="auto")`` does.)

    Parameters
    ----------
    X, means, codes
        The samples, the class means and every sample's class, from 0 to ``n_classes - 1``.
    """
    n, d = X.shape
    pooled = np.zeros((d, d), X.dtype)
    for number, mean in enumerate(means):
        rows = X[codes == number] - mean
        width = class_standard_deviations(np.mean(rows**2, axis=0), means, n)
        rows /= width
        shrunk = shrink_to_identity(rows.T @ rows / len(rows), ledoit_wolf_intensity(rows))
        pooled += len(rows) / n * (width[:, None] * shrunk * width)
    return pooled
