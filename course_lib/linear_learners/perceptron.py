r"""The perceptron.

Chapter: *Linear learners*. A unit that fires or does not, :math:`\hat t = [x^\top w + b > 0]`,
learns only from its mistakes:

.. math:: w \leftarrow w + \eta\, (t - \hat t)\, x, \qquad b \leftarrow b + \eta\, (t - \hat t) .

No gradient of the mistakes is taken (it is zero almost everywhere): the step is a subgradient of
:math:`\max(0, -y s)`, the distance of a wrong score from the boundary, for labels
:math:`y = \pm 1`.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.exceptions import ConvergenceWarning

from course_lib.descent import Callback
from course_lib.estimator import LinearScores, random_generator, sample_weights, training_pairs
from course_lib.linear_learners.by_sample import SampleLearner, signs, step_sizes
from course_lib.linear_learners.fitting import cap_of, reporting
from course_lib.linear_learners.labels import codes_of_known, first_classes, training_labels
from course_lib.linear_learners.passes import PERCEPTRON
from course_lib.stopping import Progress
from course_lib.validation import FloatArray, check_real, check_vector


@dataclass(eq=False, repr=False)
class Perceptron(LinearScores, ClassifierMixin, BaseEstimator):
    r"""A perceptron, or one for every class against the rest.

    Parameters
    ----------
    step_size : float, default=1.0
        :math:`\eta`. From zero weights it changes their length and nothing else.
    fit_intercept : bool, default=True
    max_iter : int, default=1000
        Epochs at most.
    shuffle : bool, default=True
        Whether each epoch takes the samples in a new random order.
    class_weight : dict or "balanced", optional
        What the steps of each class are multiplied with.
    random_state : int or numpy.random.Generator, optional
    callbacks : sequence of callable, optional
        Each is given a `course_lib.stopping.Progress` before every epoch, whose value is the number
        of mistakes in the last; something true ends the fit.
    progress : bool, default=False
        Whether to show a progress bar; needs tqdm.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) for two classes, else (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
    mistakes_ : ndarray of int, shape (n_epochs, n_units)
        The mistakes of every unit in every epoch.
    converged_ : bool
        Whether the last epoch had no mistake: then none is made on the training data.
    n_iter_ : int
        Epochs.
    n_features_in_ : int

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the cap came first. For separable data the number of mistakes is bounded, see
        `mistake_bound`; for others the perceptron never comes to rest.

    References
    ----------
    .. [1] F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
       organization in the brain", Psychological Review 65 (1958), pp. 386-408.

    Examples
    --------
    >>> X = [[1, 1], [0, 0], [1, 0], [0, 1]]
    >>> gate = Perceptron(shuffle=False).fit(X, [1, 0, 0, 0])
    >>> gate.mistakes_.ravel().tolist(), gate.predict(X).tolist()
    ([3, 3, 2, 2, 0], [1, 0, 0, 0])
    """

    step_size: float = 1.0
    _: KW_ONLY
    fit_intercept: bool = True
    max_iter: int = 1000
    shuffle: bool = True
    class_weight: dict[Any, float] | str | None = None
    random_state: int | np.random.Generator | None = None
    callbacks: Sequence[Callback] | None = None
    progress: bool = False

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn until an epoch passes without a mistake.

        Parameters
        ----------
        X, y
            Shapes (n_samples, n_features) and (n_samples,).
        sample_weight
            Shape (n_samples,): what the steps of each sample are multiplied with.
        """
        data, codes, weight = training_labels(self, X, y, sample_weight)
        self._start(data)
        cap = cap_of(self)
        mistakes = np.full(len(self.learner_.theta), np.nan)
        with reporting(self, cap) as callbacks:
            for k in range(cap):
                total = float(mistakes.sum())
                progress = Progress(k, self.learner_.theta, total, np.nan)
                if any([callback(progress) for callback in callbacks]):  # noqa: C419
                    break
                mistakes = self._epoch(data, codes, weight)
                if not mistakes.any():
                    break
        if not self.converged_ and self.n_iter_ == cap:
            warnings.warn(
                f"Perceptron stopped at max_iter={cap} epochs with {int(mistakes.sum())} mistakes "
                "in the last: allow more, or the data cannot be separated by a hyperplane, and "
                "then it never comes to rest; LogisticRegression and LinearSVC do",
                ConvergenceWarning,
                stacklevel=2,
            )
        return self._finish(data.dtype)

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> Self:
        """Learn from the samples once, going on from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes
            All labels there will be, for the first call.
        """
        is_first = first_classes(self, classes)
        data, labels = training_pairs(self, X, y, reset=is_first)
        codes = codes_of_known(self, labels)
        weight = sample_weights(sample_weight, data)
        if is_first:
            self._start(data)
        self._epoch(data, codes, weight)
        return self._finish(data.dtype)

    def _start(self, data: FloatArray) -> None:
        size = check_real("step_size", self.step_size, above=0)
        n_classes = len(self.classes_)
        self.rng_ = random_generator(self.random_state)
        self.learner_ = SampleLearner(
            n_classes if n_classes > 2 else 1,
            data.shape[1],
            data.dtype,
            PERCEPTRON,
            partial(step_sizes, size),
            intercept=self.fit_intercept,
        )
        self.mistakes_ = np.empty((0, len(self.learner_.theta)), np.intp)

    def _epoch(
        self, data: FloatArray, codes: NDArray[np.intp], weight: FloatArray | None
    ) -> NDArray[np.integer]:
        learner = self.learner_
        order = self.rng_.permutation(len(data)) if self.shuffle else np.arange(len(data))
        targets = signs(codes, len(self.classes_), learner.dtype)
        mistakes = learner.epoch(learner.samples(data), targets, weight, order)
        self.mistakes_ = np.vstack([self.mistakes_, mistakes])
        return mistakes

    def _finish(self, dtype: np.dtype) -> Self:
        self.coef_ = self.learner_.theta[:, :-1].astype(dtype)
        self.intercept_ = self.learner_.theta[:, -1].astype(dtype)
        return self

    @property
    def n_iter_(self) -> int:
        """Return the number of epochs."""
        return len(self.mistakes_)

    @property
    def converged_(self) -> bool:
        """Return whether the last epoch had no mistake."""
        return self.n_iter_ > 0 and not self.mistakes_[-1].any()


def mistake_bound(X: ArrayLike, y: ArrayLike, coef: ArrayLike, intercept: float = 0.0) -> float:
    r"""Return :math:`(R / \gamma)^2`: more mistakes no perceptron makes, in any order [1]_.

    :math:`R` is the largest length of a sample :math:`(x, 1)`, and :math:`\gamma` the distance of
    the nearest from the hyperplane ``(coef, intercept)``, whichever it is; the widest margin gives
    the best bound.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    y
        Labels -1 and +1, shape (n_samples,).
    coef, intercept
        A hyperplane that separates the samples.

    References
    ----------
    .. [1] A. B. J. Novikoff, "On convergence proofs on perceptrons", Proceedings of the Symposium
       on the Mathematical Theory of Automata 12 (1962), pp. 615-622.
    """
    samples = np.asarray(X, dtype=np.float64)
    normal = np.append(check_vector("coef", coef, samples.shape[1]), intercept)
    margins = check_vector("y", y, len(samples)) * (samples @ normal[:-1] + normal[-1])
    if margins.min() <= 0:
        wrong = int(np.count_nonzero(margins <= 0))
        raise ValueError(
            "coef and intercept must be a hyperplane that separates the samples, got one with "
            f"{wrong} of {len(samples)} on the wrong side: the bound holds for separable data only"
        )
    radius = 1.0 + np.einsum("ij,ij->i", samples, samples).max()
    return float(radius * (normal @ normal) / margins.min() ** 2)
