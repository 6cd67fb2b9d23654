r"""Principal component analysis, as scikit-learn estimators.

Chapter: *LDA and PCA*. The directions of largest variance are the eigenvectors of the covariance

.. math:: S = \frac{1}{n - 1} \sum_i (x_i - \bar x)(x_i - \bar x)^\top,

and the variance along each is its eigenvalue. The same directions are the right singular vectors of
the centred data, whose singular values are :math:`\sqrt{(n - 1) \lambda}`. `PCA` solves either
problem, `GradientPCA` climbs to the solution by the rules of `course_lib.oja`.

K. Pearson, "On lines and planes of closest fit to systems of points in space", Philosophical
Magazine 2 (1901), pp. 559-572; H. Hotelling, "Analysis of a complex of statistical variables into
principal components", Journal of Educational Psychology 24 (1933), pp. 417-441.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from numbers import Integral

import numpy as np
from numpy.typing import ArrayLike
from scipy.linalg import eigh
from sklearn.base import BaseEstimator, ClassNamePrefixFeaturesOutMixin, TransformerMixin
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils import Tags
from sklearn.utils.validation import check_is_fitted

from course_lib.discriminants.fisher import with_fixed_signs
from course_lib.discriminants.scatter import column_means, mean_and_scatter
from course_lib.estimator import new_data, progress_bar, random_generator, training_data
from course_lib.oja import ascend_variance, captured_variance, oja_pass
from course_lib.validation import FloatArray, check_array, check_choice, check_integer, check_real

Watch = Callable[[int, float], bool]


class _Projection(ClassNamePrefixFeaturesOutMixin, TransformerMixin, BaseEstimator):
    """Coordinates along ``components_`` from ``mean_``, and back."""

    def transform(self, X: ArrayLike) -> FloatArray:
        """Return the coordinates along the components, shape (n_samples, n_components)."""
        scores = (new_data(self, X) - self.mean_) @ self.components_.T
        if self.whiten:
            scores *= self._reciprocal_deviations()
        return scores

    def inverse_transform(self, X: ArrayLike) -> FloatArray:
        """Return the points of the original space that have the coordinates ``X``.

        After `transform` these are the closest points to the samples in the plane of the
        components.
        """
        check_is_fitted(self)
        scores = check_array("X", X, shape=(None, len(self.components_)))
        if self.whiten:
            scores = scores * np.sqrt(self.explained_variance_)
        return scores @ self.components_ + self.mean_

    def _reciprocal_deviations(self) -> FloatArray:
        variance = self.explained_variance_
        # Along a component without variance all samples lie at zero, whatever it is divided by.
        spread = np.sqrt(variance)
        spread[variance <= np.finfo(variance.dtype).eps * variance[0]] = np.inf
        return 1.0 / spread

    @property
    def _n_features_out(self) -> int:
        return len(self.components_)

    def __sklearn_tags__(self) -> Tags:
        tags = super().__sklearn_tags__()
        tags.transformer_tags.preserves_dtype = ["float64", "float32"]
        return tags


class PCA(_Projection):
    r"""Project onto the directions of largest variance.

    Parameters
    ----------
    n_components : int or float, optional
        How many directions to keep; a number between 0 and 1 keeps as many as hold more than this
        share of the variance; all ``min(n_samples, n_features)`` if not given. (At most
        ``n_samples - 1`` of them have any variance: one degree of freedom went into the mean.)
    whiten : bool, default=False
        Whether `transform` divides each coordinate by its standard deviation.
    solver : {"auto", "covariance", "svd"}
        ``"covariance"`` forms :math:`S` and takes its eigenvectors: one pass of the data and little
        memory, but variances below the rounding unit times the largest are lost. ``"svd"`` works on
        the centred data and resolves variances down to the *square* of that. ``"auto"`` takes the
        covariance where there are at least ten times as many samples as features.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        The directions, orthonormal rows, the largest entry of each positive.
    explained_variance_ : ndarray of shape (n_components,)
        The variance along each, divided by ``n_samples - 1``.
    explained_variance_ratio_ : ndarray of shape (n_components,)
        Its share in the total variance.
    singular_values_ : ndarray of shape (n_components,)
        The singular values of the centred data.
    noise_variance_ : float
        The mean variance along the directions left out, up to ``min(n_samples, n_features)``.
    mean_ : ndarray of shape (n_features,)
    n_components_, n_samples_, n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has names that are all strings.

    Examples
    --------
    >>> model = PCA(1).fit([[0.0, 0.0], [1.0, 1.0], [2.0, 2.0]])
    >>> model.explained_variance_ratio_, model.transform([[3.0, 3.0]])
    (array([1.]), array([[2.82842712]]))
    """

    def __init__(
        self,
        n_components: int | float | None = None,
        *,
        whiten: bool = False,
        solver: str = "auto",
    ) -> None:
        self.n_components = n_components
        self.whiten = whiten
        self.solver = solver

    def fit(self, X: ArrayLike, y: None = None) -> PCA:
        """Find the directions.

        Parameters
        ----------
        X
            Shape (n_samples, n_features).
        y
            Ignored: PCA does not look at labels.
        """
        data = training_data(self, X, ensure_min_samples=2)
        n_samples, n_features = data.shape
        solver = check_choice("solver", self.solver, ["auto", "covariance", "svd"])
        if solver == "auto":
            solver = "covariance" if n_samples >= 10 * n_features else "svd"
        wanted, share = self._checked_components(min(n_samples, n_features))

        if solver == "covariance":
            self.mean_, scatter = mean_and_scatter(data)
            covariance = scatter / data.dtype.type(n_samples - 1)
            total = np.trace(covariance)
            first = n_features - wanted
            variances, vectors = eigh(covariance, subset_by_index=[first, n_features - 1])
            variances, vectors = variances[::-1].clip(min=0), vectors[:, ::-1]
        else:
            self.mean_ = column_means(data)
            # The triangle of a QR factorization has the singular values and right vectors of the
            # data and is smaller.
            triangle = np.linalg.qr(data - self.mean_, mode="r")
            singular_values, rows = np.linalg.svd(triangle, full_matrices=False)[1:]
            variances, vectors = singular_values**2 / data.dtype.type(n_samples - 1), rows.T
            total = variances.sum()
        # Data without any variance have no shares to speak of.
        ratios = variances / total if total > 0 else np.zeros_like(variances)
        if share is not None:
            wanted = int(np.searchsorted(np.cumsum(ratios), share, side="right")) + 1

        self.n_samples_ = n_samples
        self.n_components_ = min(wanted, len(variances))
        self.components_ = np.ascontiguousarray(with_fixed_signs(vectors[:, :wanted]).T)
        self.explained_variance_ = variances[:wanted].copy()
        self.explained_variance_ratio_ = ratios[:wanted].copy()
        self.singular_values_ = np.sqrt(self.explained_variance_ * data.dtype.type(n_samples - 1))
        left_out = min(n_samples, n_features) - self.n_components_
        rest = float(total - self.explained_variance_.sum())
        self.noise_variance_ = max(rest, 0.0) / left_out if left_out else 0.0
        return self

    def _checked_components(self, largest: int) -> tuple[int, float | None]:
        """Return how many components to compute, and the share of variance they must hold."""
        if self.n_components is None:
            return largest, None
        if not isinstance(self.n_components, Integral):
            return largest, check_real("n_components", self.n_components, above=0, below=1)
        wanted = check_integer("n_components", self.n_components, at_least=1)
        if wanted > largest:
            raise ValueError(
                f"n_components must be at most min(n_samples, n_features) = {largest}, got {wanted}"
            )
        return wanted, None


class GradientPCA(_Projection):
    r"""Climb to the directions of largest variance, and keep the history.

    Parameters
    ----------
    n_components : int, default=1
        How many directions to look for.
    rule : {"gradient", "oja"}
        ``"gradient"`` takes steps on the covariance of all samples, ``"oja"`` one step a sample, in
        random order.
    step_size : float, optional
        :math:`\eta`. For the gradient: the limit of long steps (the power method) if not given. For
        Oja's rule: the size in the first pass, one over the largest squared length of a sample if
        not given; in pass :math:`p = 0, 1, \dots` it is :math:`\eta / (1 + p)`.
    max_iter : int, optional
        Steps on the covariance at most, 1000 if not given; or passes over the samples, 20 if not
        given. Oja's rule makes them all: with falling steps, standing still proves nothing.
    tol : float, default=1e-6
        Gradient: stop when :math:`S W` leaves the space of :math:`W` by no more than this share of
        its size.
    whiten : bool, default=False
        Whether `transform` divides each coordinate by its standard deviation.
    random_state : int or numpy.random.Generator, optional
        Draws the start and the order of the samples.
    callbacks : sequence of callables
        Each is called after every step or pass with their number and the share of the variance
        captured; one that returns True ends the run.
    progress : bool, default=False
        Whether to show a progress bar; needs tqdm.

    Attributes
    ----------
    components_ : ndarray of shape (n_components, n_features)
        Orthonormal rows in order of variance, the largest entry of each positive.
    explained_variance_, explained_variance_ratio_ : ndarray of shape (n_components,)
    mean_ : ndarray of shape (n_features,)
    history_ : ndarray of shape (n_iterations + 1,)
        The share of the total variance captured, at the start and after every step or pass.
    n_iter_ : int
    n_features_in_ : int
    feature_names_in_ : ndarray of shape (n_features,)
        Only where ``X`` has names that are all strings.

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the gradient did not reach ``tol``.
    """

    def __init__(
        self,
        n_components: int = 1,
        *,
        rule: str = "gradient",
        step_size: float | None = None,
        max_iter: int | None = None,
        tol: float = 1e-6,
        whiten: bool = False,
        random_state: int | np.random.Generator | None = None,
        callbacks: Sequence[Callable[[int, float], bool | None]] = (),
        progress: bool = False,
    ) -> None:
        self.n_components = n_components
        self.rule = rule
        self.step_size = step_size
        self.max_iter = max_iter
        self.tol = tol
        self.whiten = whiten
        self.random_state = random_state
        self.callbacks = callbacks
        self.progress = progress

    def fit(self, X: ArrayLike, y: None = None) -> GradientPCA:
        """Climb from a random start.

        Parameters
        ----------
        X
            Shape (n_samples, n_features).
        y
            Ignored.
        """
        data = training_data(self, X, ensure_min_samples=2)
        q = check_integer("n_components", self.n_components, at_least=1)
        if q > min(data.shape):
            raise ValueError(
                "n_components must be at most min(n_samples, n_features) = "
                f"{min(data.shape)}, got {q}"
            )
        climb = {"gradient": self._climb_gradient, "oja": self._climb_oja}
        rule = climb[check_choice("rule", self.rule, climb)]
        iterations = {"gradient": 1000, "oja": 20}[self.rule]
        if self.max_iter is not None:
            iterations = check_integer("max_iter", self.max_iter, at_least=1)
        rng = random_generator(self.random_state)
        self.mean_, scatter = mean_and_scatter(data)
        covariance = scatter / data.dtype.type(len(data) - 1)
        start = np.linalg.qr(rng.standard_normal((data.shape[1], q)).astype(data.dtype))[0]
        with progress_bar(self.progress, iterations) as advance:

            def watch(step: int, share: float) -> bool:
                advance(captured=f"{share:.4g}")
                answers = [callback(step, share) for callback in self.callbacks]
                return any(answers)

            W, history = rule(data, covariance, start, iterations, rng, watch)
        # Any basis of the right subspace captures the same variance; these are the axes in it.
        variances, rotation = np.linalg.eigh(W.T @ covariance @ W)
        total = np.trace(covariance)
        self.components_ = np.ascontiguousarray(with_fixed_signs(W @ rotation[:, ::-1]).T)
        self.explained_variance_ = variances[::-1].clip(min=0)
        self.explained_variance_ratio_ = self.explained_variance_ / (total if total > 0 else 1)
        self.history_ = history
        self.n_iter_ = len(history) - 1
        return self

    def _climb_gradient(
        self,
        X: FloatArray,
        covariance: FloatArray,
        W: FloatArray,
        iterations: int,
        rng: np.random.Generator,
        watch: Watch,
    ) -> tuple[FloatArray, FloatArray]:
        ascent = ascend_variance(
            covariance,
            W,
            step_size=self.step_size,
            max_iterations=iterations,
            tol=self.tol,
            watch=watch,
        )
        if not ascent.converged and len(ascent.captured) > iterations:
            warnings.warn(
                f"the ascent did not reach tol={self.tol:g} in max_iter={iterations} steps: allow "
                "more, or longer ones",
                ConvergenceWarning,
                stacklevel=3,
            )
        return ascent.directions, ascent.captured

    def _climb_oja(
        self,
        X: FloatArray,
        covariance: FloatArray,
        W: FloatArray,
        passes: int,
        rng: np.random.Generator,
        watch: Watch,
    ) -> tuple[FloatArray, FloatArray]:
        centred = np.subtract(X, self.mean_, order="C")
        if self.step_size is None:
            eta = 1.0 / max(np.einsum("ij,ij->i", centred, centred).max(), np.finfo(X.dtype).tiny)
        else:
            eta = check_real("step_size", self.step_size, above=0)
        captured = [captured_variance(covariance, W)]
        for p in range(passes):
            steps = np.full(len(X), eta / (1 + p), X.dtype)
            oja_pass(centred, rng.permutation(len(X)), steps, W)
            W = np.linalg.qr(W)[0]
            captured.append(captured_variance(covariance, W))
            if watch(1 + p, captured[-1]):
                break
        return W, np.array(captured)
