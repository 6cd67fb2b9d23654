r"""Linear discriminant analysis, as a scikit-learn estimator.

Chapter: *LDA and PCA*. Give every class a Gaussian density with its own mean :math:`m_c` and one
covariance :math:`\Sigma` for all. The logarithm of prior times density is then, up to a term that
all classes share, linear in :math:`x`:

.. math:: z_c(x) = (x - \bar x)^\top a_c - \tfrac12 (m_c - \bar x)^\top a_c + \log \pi_c,
    \qquad \Sigma a_c = m_c - \bar x.

One solve per class is the whole fit. The same :math:`a_c` give the discriminant directions: with
:math:`M` holding the rows :math:`\sqrt{\pi_c} (m_c - \bar x)^\top`, the small matrix
:math:`M \Sigma^{-1} M^\top` of shape (n_classes, n_classes) has the nonzero eigenvalues of
:math:`\Sigma^{-1} M^\top M`, and these are Fisher's criteria.
"""

from __future__ import annotations

import warnings
from contextlib import suppress

import numpy as np
from numpy.typing import ArrayLike, DTypeLike, NDArray
from scipy.linalg import LinAlgError
from sklearn.base import (
    BaseEstimator,
    ClassifierMixin,
    ClassNamePrefixFeaturesOutMixin,
    TransformerMixin,
)
from sklearn.utils import Tags

from course_lib.discriminants.fisher import with_fixed_signs
from course_lib.discriminants.scatter import (
    class_deviations,
    class_standard_deviations,
    residual_scatter,
)
from course_lib.discriminants.shrinkage import pooled_ledoit_wolf, shrink_to_identity
from course_lib.discriminants.within import solve_shrunk, solve_within
from course_lib.estimator import (
    LinearScores,
    SoftmaxProbabilities,
    encode_classes,
    new_data,
    training_pairs,
)
from course_lib.validation import FloatArray, check_array, check_choice, check_integer, check_real


class DiscardedDirectionsWarning(UserWarning):
    """Class means differ along directions in which no class varies, and these were ignored."""


class LinearDiscriminantAnalysis(
    ClassNamePrefixFeaturesOutMixin,
    LinearScores,
    SoftmaxProbabilities,
    ClassifierMixin,
    TransformerMixin,
    BaseEstimator,
):
    r"""Classify by, or project onto, the directions along which classes differ most.

    Parameters
    ----------
    n_components : int, optional
        How many directions `transform` keeps: at most ``min(n_classes - 1, n_features)``, which is
        the default. Classification always uses all of them.
    priors : array-like of shape (n_classes,), optional
        The class probabilities :math:`\pi_c`, in the order of ``classes_``; the shares of the
        classes in the training data if not given. The covariance is pooled over the samples
        whatever the priors say: they describe the world, not the spread of the samples.
    shrinkage : float or "auto", optional
        Pull the covariance this share of the way towards a multiple of the identity; ``"auto"``
        estimates the share, class by class, after Ledoit and Wolf. Where the estimate is 0 for
        every class it is as without shrinkage.
    tol : float, default=1e-4
        Without shrinkage: directions in which the samples of one class, in standard units, have a
        standard deviation of no more than this are ignored.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    means_ : ndarray of shape (n_classes, n_features)
    priors_ : ndarray of shape (n_classes,)
    xbar_ : ndarray of shape (n_features,)
        The mean of the class means, weighted by the priors. Scores and projections are computed
        from ``X - xbar_``: far from zero the digits would cancel.
    covariance_ : ndarray of shape (n_features, n_features)
        The pooled within-class covariance :math:`S_W / n`, shrunk if asked.
    coef_ : ndarray of shape (n_classes, n_features), or (1, n_features) for two classes
    intercept_ : ndarray of shape (n_classes,), or (1,)
    scalings_ : ndarray of shape (n_features, n_directions)
        The discriminant directions :math:`W`, one a column, with :math:`W^\top \Sigma W = I` and
        the largest entry of each positive. There are fewer than ``n_components`` where the class
        means lie in a smaller space, as three means on one line do.
    eigenvalues_ : ndarray of shape (n_directions,)
        Fisher's criterion along each: between-class over within-class variance.
    explained_variance_ratio_ : ndarray of shape (n_directions,)
        The share of each in the sum of all criteria.
    within_rank_ : int
        The number of directions with within-class variance.
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has names that are all strings.

    Warns
    -----
    DiscardedDirectionsWarning
        If class means differ along ignored directions. With as many features as samples that is the
        rule. Such directions separate the training data without error and promise nothing for new
        data, so they are left out; shrinkage takes them into account instead.

    See Also
    --------
    course_lib.discriminants.fisher_direction : Two classes, in four lines.
    discriminant_directions : The directions alone; ``within.py`` says how the equations are solved.

    References
    ----------
    .. [1] C. R. Rao, "The utilization of multiple measurements in problems of biological
       classification", Journal of the Royal Statistical Society B 10 (1948), pp. 159-203.
    .. [2] T. Hastie, R. Tibshirani and J. Friedman, *The Elements of Statistical Learning*, 2nd
       ed., Springer, 2009, §4.3.

    Examples
    --------
    >>> X = [[-1, -1], [-2, -1], [-3, -2], [1, 1], [2, 1], [3, 2]]
    >>> model = LinearDiscriminantAnalysis().fit(X, ["a", "a", "a", "b", "b", "b"])
    >>> model.predict([[-0.8, -1]])
    array(['a'], dtype='<U1')
    """

    def __init__(
        self,
        n_components: int | None = None,
        *,
        priors: ArrayLike | None = None,
        shrinkage: float | str | None = None,
        tol: float = 1e-4,
    ) -> None:
        self.n_components = n_components
        self.priors = priors
        self.shrinkage = shrinkage
        self.tol = tol

    def fit(self, X: ArrayLike, y: ArrayLike) -> LinearDiscriminantAnalysis:
        """Fit the class means and the covariance they share.

        Parameters
        ----------
        X
            Shape (n_samples, n_features).
        y
            Class labels, shape (n_samples,).

        Raises
        ------
        ValueError
            If there are not two classes, every sample is a class of its own, or a parameter is out
            of bounds.
        """
        data, labels = training_pairs(self, X, y, ensure_min_samples=2)
        self.classes_, codes = encode_classes(labels)
        sizes = np.bincount(codes)
        if len(sizes) == len(data):
            raise ValueError(
                f"y must hold fewer classes than samples, got {len(sizes)} of each: classes of one "
                "sample have no spread to measure their distance by"
            )
        self.priors_ = self._checked_priors(sizes / len(data), data.dtype)
        n_components = self._checked_components(data.shape[1])

        mean, deviations = class_deviations(data, codes, sizes)
        self.means_ = mean + deviations
        shift = self.priors_ @ deviations
        self.xbar_ = mean + shift
        deviations -= shift
        coefficients = self._solve(data, codes, deviations.T)
        self._set_scores(deviations, coefficients)
        self._set_directions(deviations, coefficients, n_components)
        return self

    def _solve(self, X: FloatArray, codes: NDArray[np.intp], targets: FloatArray) -> FloatArray:
        r"""Return the columns :math:`a_c` with :math:`\Sigma a_c = m_c - \bar x`."""
        tol = check_real("tol", self.tol, at_least=0)
        self.within_rank_ = X.shape[1]
        advice = 'or set shrinkage="auto"'
        if isinstance(self.shrinkage, str):
            check_choice("shrinkage", self.shrinkage, ["auto"])
            self.covariance_ = pooled_ledoit_wolf(X, self.means_, codes)
            # Samples all as far from their class mean ask for no shrinkage, whatever is singular.
            with suppress(LinAlgError):
                return self._solve_shrunk(len(X), targets)
            advice = "or set shrinkage to a number, such as 0.1"
        self.covariance_ = residual_scatter(X, self.means_, codes) / X.dtype.type(len(X))
        if self.shrinkage and not isinstance(self.shrinkage, str):
            self.covariance_ = shrink_to_identity(self.covariance_, self.shrinkage)
            return self._solve_shrunk(len(X), targets)
        solution = solve_within(X, self.means_, codes, self.covariance_, targets, tol)
        self.within_rank_ = solution.rank
        if solution.ignored > 1e-3:
            warnings.warn(
                f"classes vary along only {solution.rank} of {X.shape[1]} directions, and "
                f"{solution.ignored:.0%} of the distance between class means lies along the "
                "others, which are ignored: give more samples, reduce the features by PCA first, "
                f"{advice}",
                DiscardedDirectionsWarning,
                stacklevel=3,
            )
        return solution.coefficients

    def _solve_shrunk(self, n_samples: int, targets: FloatArray) -> FloatArray:
        variances = np.diag(self.covariance_)
        width = class_standard_deviations(variances, self.means_, n_samples)
        return solve_shrunk(self.covariance_, targets, width)

    def _set_scores(self, deviations: FloatArray, coefficients: FloatArray) -> None:
        offsets = np.log(self.priors_) - 0.5 * np.einsum("kd,dk->k", deviations, coefficients)
        if len(self.classes_) == 2:
            # What matters is which score is higher: one number, their difference.
            coefficients = coefficients[:, 1:] - coefficients[:, :1]
            offsets = offsets[1:] - offsets[:1]
        self.coef_ = np.ascontiguousarray(coefficients.T)
        self._offset_at_xbar = offsets
        self.intercept_ = offsets - self.coef_ @ self.xbar_

    def _set_directions(
        self, deviations: FloatArray, coefficients: FloatArray, n_components: int
    ) -> None:
        weights = np.sqrt(self.priors_)
        small = (weights[:, None] * deviations) @ (coefficients * weights)
        values, vectors = np.linalg.eigh((small + small.T) / 2)
        values, vectors = values[::-1], vectors[:, ::-1]
        # The deviations add up to zero, so one eigenvalue is zero; below the square root of the
        # rounding unit they are rounding errors of the largest.
        real = values > np.sqrt(np.finfo(values.dtype).eps) * max(values[0], 0)
        total = values[real].sum()
        kept = min(n_components, int(real.sum()))
        values, vectors = values[:kept], vectors[:, :kept]
        self.eigenvalues_ = values
        self.explained_variance_ratio_ = values / total
        self.scalings_ = with_fixed_signs((coefficients * weights) @ vectors / np.sqrt(values))
        self._n_features_out = kept

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return the class scores, shape (n_samples,) for two classes, else (n_samples, n_classes).

        The differences of scores are log-odds. For two classes the score is the log-odds of
        ``classes_[1]`` against ``classes_[0]``.
        """
        scores = (new_data(self, X) - self.xbar_) @ self.coef_.T + self._offset_at_xbar
        return scores.ravel() if scores.shape[1] == 1 else scores

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the coordinates along the discriminant directions.

        Returns
        -------
        ndarray of shape (n_samples, n_directions)
        """
        return (new_data(self, X) - self.xbar_) @ self.scalings_

    def _checked_priors(self, shares: FloatArray, dtype: DTypeLike) -> FloatArray:
        if self.priors is None:
            return shares.astype(dtype)
        priors = check_array("priors", self.priors, shape=shares.shape)
        if priors.min() <= 0 or abs(priors.sum() - 1.0) > 1e-5:
            raise ValueError(
                f"priors must be positive and sum to 1, got {priors.tolist()} with sum "
                f"{priors.sum():g}: divide them by their sum; leave out of y a class that cannot "
                "occur"
            )
        return (priors / priors.sum()).astype(dtype)

    def _checked_components(self, n_features: int) -> int:
        n_classes = len(self.classes_)
        largest = min(n_classes - 1, n_features)
        if self.n_components is None:
            return largest
        wanted = check_integer("n_components", self.n_components, at_least=1)
        if wanted <= largest:
            return wanted
        if wanted > n_features:
            reason = f"there are only {n_features} feature(s)"
        else:
            reason = (
                f"{n_classes} class means span at most {n_classes - 1} direction(s), because "
                "their weighted deviations from the overall mean add up to zero, and along every "
                "other direction the classes do not differ. PCA knows no such limit"
            )
        raise ValueError(f"n_components must be at most {largest}, got {wanted}: {reason}")

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags
