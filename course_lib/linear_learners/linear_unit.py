r"""The linear unit and its delta rule.

Chapter: *Linear learners*. Take the threshold of the perceptron away, and the same step

.. math:: w \leftarrow w + \eta\, (y - \hat y)\, x, \qquad b \leftarrow b + \eta\, (y - \hat y),
          \qquad \hat y = x^\top w + b,

is against the gradient of :math:`\tfrac12 (\hat y - y)^2`. It ends near the least squares fit, and
the smaller :math:`\eta`, the nearer.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, RegressorMixin

from course_lib.costs import HalfSquaredError
from course_lib.descent import Callback
from course_lib.estimator import new_data, random_generator, sample_weights, training_pairs
from course_lib.linear_learners.by_sample import SampleLearner, sampled_curvature, step_sizes
from course_lib.linear_learners.fitting import cap_of, reporting, run_epochs, warn_not_converged
from course_lib.linear_learners.passes import SQUARED
from course_lib.linear_models import LinearModel
from course_lib.objectives.empirical_risk import EmpiricalRisk
from course_lib.schedules import Schedule
from course_lib.validation import FloatArray


class LinearPrediction(RegressorMixin):
    """`predict` of a regressor with ``coef_`` and ``intercept_``."""

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the predictions for the rows of ``X``, shape (n_samples,)."""
        return new_data(self, X) @ self.coef_ + self.intercept_


@dataclass(eq=False, repr=False)
class LinearUnit(LinearPrediction, BaseEstimator):
    r"""A linear unit that learns from one sample after the other by the delta rule [1]_.

    Parameters
    ----------
    step_size : float or schedule, optional
        :math:`\eta`, or a function of the number of samples seen. If not given: one over the
        largest squared length of a sample :math:`(x, 1)`, with which no step overshoots.
    fit_intercept : bool, default=True
    max_iter : int, default=1000
        Epochs at most.
    tol : float, optional
        The fit ends when ten epochs together did not lower the mean half squared error by this
        share of what it was at the start. None takes all epochs.
    shuffle : bool, default=True
        Whether each epoch takes the samples in a new random order.
    random_state : int or numpy.random.Generator, optional
    callbacks : sequence of callable, optional
        Each is given a `course_lib.stopping.Progress` before every epoch; something true ends the
        fit.
    progress : bool, default=False
        Whether to show a progress bar; needs tqdm.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    loss_curve_ : ndarray of shape (n_epochs + 1,)
        The mean half squared error at the start and after every epoch.
    n_iter_ : int
        Epochs.
    n_features_in_ : int

    Warns
    -----
    course_lib.descent.DivergenceWarning
        If the steps were too long. The point before is kept.
    sklearn.exceptions.ConvergenceWarning
        If the cap came before ``tol``.

    References
    ----------
    .. [1] B. Widrow and M. E. Hoff, "Adaptive switching circuits", IRE WESCON Convention Record,
       part 4, 1960, pp. 96-104.

    Examples
    --------
    >>> from course_lib.datasets import salaries
    >>> X, y, *_ = salaries()
    >>> unit = LinearUnit(0.01, max_iter=10, tol=None, shuffle=False).fit(X, y)
    >>> unit.coef_.round(4), round(unit.intercept_, 4)
    (array([1124.0635]), 85.4853)
    """

    step_size: float | Schedule | None = None
    _: KW_ONLY
    fit_intercept: bool = True
    max_iter: int = 1000
    tol: float | None = 1e-4
    shuffle: bool = True
    random_state: int | np.random.Generator | None = None
    callbacks: Sequence[Callback] | None = None
    progress: bool = False

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Learn, epoch after epoch, from zero weights.

        Parameters
        ----------
        X, y
            Shapes (n_samples, n_features) and (n_samples,).
        sample_weight
            Shape (n_samples,): what the steps of each sample are multiplied with.
        """
        data, y = training_pairs(self, X, y, y_numeric=True)
        weight = sample_weights(sample_weight, data)
        if weight is not None:
            weight /= weight.mean()
        self._start(data, weight)
        risk = self._risk(data, y, weight)
        samples = self.learner_.samples(data)
        cap = cap_of(self)
        theta = self.learner_.theta[0]
        with reporting(self, cap) as callbacks:
            run = run_epochs(
                lambda: self._epoch(samples, y, weight),
                lambda: risk.value(theta),
                theta,
                max_iter=cap,
                tol=self.tol,
                callbacks=callbacks,
            )
        self.loss_curve_ = run.loss
        if run.capped and self.tol is not None:
            warn_not_converged(self, "epochs")
        return self._finish(data.dtype)

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> Self:
        """Learn from the samples once, going on from where the last call ended.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`. The step size that is not given is that for the first samples seen.
        """
        is_first = not hasattr(self, "learner_")
        data, y = training_pairs(self, X, y, y_numeric=True, reset=is_first)
        weight = sample_weights(sample_weight, data)
        if is_first:
            self._start(data, weight)
        risk = self._risk(data, y, weight)
        if is_first:
            self.loss_curve_ = np.array([risk.value(self.learner_.theta[0])])
        self._epoch(self.learner_.samples(data), y, weight)
        self.loss_curve_ = np.append(self.loss_curve_, risk.value(self.learner_.theta[0]))
        return self._finish(data.dtype)

    def _start(self, data: FloatArray, weight: FloatArray | None) -> None:
        self.rng_ = random_generator(self.random_state)
        size = 1.0 / sampled_curvature(data, weight) if self.step_size is None else self.step_size
        self.learner_ = SampleLearner(
            1,
            data.shape[1],
            data.dtype,
            SQUARED,
            partial(step_sizes, size),
            intercept=self.fit_intercept,
        )

    def _epoch(self, samples: FloatArray, y: FloatArray, weight: FloatArray | None) -> None:
        order = self.rng_.permutation(len(y)) if self.shuffle else np.arange(len(y))
        targets = y.astype(self.learner_.dtype, copy=False)[None]
        self.learner_.epoch(samples, targets, weight, order)

    @staticmethod
    def _risk(data: FloatArray, y: FloatArray, weight: FloatArray | None) -> EmpiricalRisk:
        return EmpiricalRisk(
            LinearModel(data.shape[1]), HalfSquaredError(), data, y, sample_weight=weight
        )

    def _finish(self, dtype: np.dtype) -> Self:
        self.coef_ = self.learner_.theta[0, :-1].astype(dtype)
        self.intercept_ = float(self.learner_.theta[0, -1])
        return self

    @property
    def n_iter_(self) -> int:
        """Return the number of epochs."""
        return len(self.loss_curve_) - 1
