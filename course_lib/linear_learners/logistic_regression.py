r"""Logistic regression, binary and multinomial.

Chapter: *Linear learners*. The scores are log-odds, and what is minimized is the mean negative
log-likelihood plus a penalty on the weights, not on the biases:

.. math:: J(W, b) = \frac1n \sum_i \Bigl(\log \sum_k e^{s_{ik}} - s_{i y_i}\Bigr)
          + \lambda \Bigl(\rho \sum |w| + \frac{1 - \rho}{2} \sum w^2\Bigr), \qquad
          s_{ik} = x_i^\top w_k + b_k .

With two classes the score of the first is taken to be zero, which leaves
:math:`\log(1 + e^{-y s})` for labels :math:`y = \pm 1`.

Where a hyperplane separates the classes and :math:`\lambda = 0` there is no minimum [1]_: the
weights grow for ever, and descent turns their direction towards the widest margin [2]_.

References
----------
.. [1] A. Albert and J. A. Anderson, "On the existence of maximum likelihood estimates in logistic
   regression models", Biometrika 71 (1984), pp. 1-10.
.. [2] D. Soudry, E. Hoffer, M. S. Nacson, S. Gunasekar and N. Srebro, "The implicit bias of
   gradient descent on separable data", Journal of Machine Learning Research 19 (2018), no. 70.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from course_lib.costs import LogisticMarginLoss, SoftmaxCrossEntropy
from course_lib.descent import Callback
from course_lib.estimator import (
    LinearScores,
    SoftmaxProbabilities,
    random_generator,
    sample_weights,
    training_pairs,
)
from course_lib.linear_learners.by_sample import (
    LogisticLearner,
    sampled_curvature,
    signs,
    step_sizes,
)
from course_lib.linear_learners.fitting import (
    LinearOutputs,
    as_optimizer,
    cap_of,
    centre,
    make_penalty,
    reporting,
    run_epochs,
    run_full_batch,
    run_optimizer,
    safe_step,
    warn_not_converged,
)
from course_lib.linear_learners.labels import (
    codes_of_known,
    first_classes,
    learns_in_passes,
    training_labels,
)
from course_lib.linear_learners.margin_risk import LogisticRisk
from course_lib.linear_models import LinearModel
from course_lib.objectives.base import Objective
from course_lib.objectives.empirical_risk import EmpiricalRisk
from course_lib.optimizers import Optimizer
from course_lib.penalties import L2, Penalty
from course_lib.schedules import Schedule
from course_lib.validation import FloatArray, check_integer, check_real

SOLVERS = ("auto", "lbfgs", "fista", "ista", "sgd")


@dataclass(eq=False, repr=False)
class LogisticRegression(LinearScores, SoftmaxProbabilities, ClassifierMixin, BaseEstimator):
    r"""Logistic regression by descent, with two classes or more.

    Parameters
    ----------
    alpha : float, default=1e-4
        The strength :math:`\lambda` of the penalty on the weights. scikit-learn's
        ``LogisticRegression`` adds up the costs: its ``C`` is ``1 / (alpha * n_samples)``.
    l1_ratio : float, default=0.0
        The share :math:`\rho` of L1 in the penalty, from 0 (L2) to 1 (L1, with exact zeros).
    solver : str or Optimizer, default="auto"
        ``"auto"``: ``"lbfgs"``, or with an L1 penalty ``"fista"``. ``"fista"``, ``"ista"``:
        proximal gradient with and without momentum. ``"sgd"``: epochs of single samples or small
        batches. Or any optimizer of `course_lib.optimizers`, or its name: it descends on the data
        as they come, on an L1 penalty along subgradients.
    step_size : float or schedule, optional
        For ``"sgd"``: the size :math:`\eta_0` of :math:`\eta_k = \eta_0 / (1 + \eta_0 \lambda k)`,
        or a function of the number of the step. Half of one over the curvature that such
        steps meet, if not given.
    batch_size : int, optional
        For ``"sgd"``: samples to a step, 1 if not given. For an optimizer: all if not given.
    fit_intercept : bool, default=True
    class_weight : dict or "balanced", optional
        What the weights of the samples of each class are multiplied with.
    max_iter : int, default=1000
        Iterations at most; epochs, where there are batches.
    tol : float, optional
        The fit ends when the norm of the gradient is below this. For ``"sgd"``: when ten epochs
        together did not lower the objective by this share of what it was at the start; None takes
        all epochs.
    random_state : int or numpy.random.Generator, optional
        Draws the order of the samples.
    callbacks : sequence of callable, optional
        Each is given a `course_lib.stopping.Progress` before every step or epoch; something true
        ends the fit.
    progress : bool, default=False
        Whether to show a progress bar; needs tqdm.

    Attributes
    ----------
    coef_ : ndarray of shape (1, n_features) for two classes, else (n_classes, n_features)
    intercept_ : ndarray of shape (1,) or (n_classes,)
    classes_ : ndarray of shape (n_classes,)
    loss_curve_ : ndarray
        The objective at the start and after every step or epoch; with an optimizer's batches, on
        each batch.
    trace_ : Trace
        The whole history, but for ``"sgd"``. Without an optimizer: on centred data.
    n_iter_ : int
        Steps, or for ``"sgd"`` epochs.
    n_features_in_ : int

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the cap came before ``tol``.
    course_lib.descent.DivergenceWarning
        If the steps were too long. The point before is kept.

    Examples
    --------
    >>> X = [[1, 2], [2, 3], [3, 4], [4, 5]]
    >>> model = LogisticRegression(alpha=0.01).fit(X, ["low", "low", "high", "high"])
    >>> model.predict([[1.5, 2.5], [9.0, 10.0]])
    array(['low', 'high'], dtype='<U4')
    """

    alpha: float = 1e-4
    _: KW_ONLY
    l1_ratio: float = 0.0
    solver: str | Optimizer = "auto"
    step_size: float | Schedule | None = None
    batch_size: int | None = None
    fit_intercept: bool = True
    class_weight: dict[Any, float] | str | None = None
    max_iter: int = 1000
    tol: float | None = 1e-4
    random_state: int | np.random.Generator | None = None
    callbacks: Sequence[Callback] | None = None
    progress: bool = False

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Descend from zero weights.

        Parameters
        ----------
        X, y
            Shapes (n_samples, n_features) and (n_samples,).
        sample_weight
            Shape (n_samples,). The mean of the costs is then the weighted mean.
        """
        optimizer = as_optimizer(self.solver, SOLVERS)
        penalty = make_penalty(self.alpha, self.l1_ratio)
        data, codes, weight = training_labels(self, X, y, sample_weight)
        if optimizer is not None:
            self._fit_as_it_comes(data, codes, weight, optimizer, penalty)
        elif self.solver == "sgd":
            self._fit_in_passes(data, codes, weight)
        else:
            self._fit_centred(data, codes, weight, penalty)
        return self

    @available_if(learns_in_passes("sgd"))
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
            As for `fit`. The step size that is not given is that for the first samples seen.
        classes
            All labels there will be, for the first call.
        """
        is_first = first_classes(self, classes)
        data, labels = training_pairs(self, X, y, reset=is_first)
        codes = codes_of_known(self, labels)
        weight = sample_weights(sample_weight, data)
        if is_first:
            self._start(data, weight)
        value = self._value_of(data, codes, weight)
        if is_first:
            self.loss_curve_ = np.array([value()])
        self._epoch(data, codes, weight)
        self.loss_curve_ = np.append(self.loss_curve_, value())
        self.n_iter_ = len(self.loss_curve_) - 1
        return self._finish(data.dtype)

    def _risk(
        self,
        data: FloatArray,
        codes: NDArray[np.intp],
        weight: FloatArray | None,
        penalty: Penalty | None,
        intercept: bool = True,
    ) -> EmpiricalRisk:
        model, n_classes = LinearModel(data.shape[1], intercept=intercept), len(self.classes_)
        if n_classes == 2:
            labels = signs(codes, 2, data.dtype)[0]
            return EmpiricalRisk(
                model, LogisticMarginLoss(), data, labels, penalty=penalty, sample_weight=weight
            )
        outputs = LinearOutputs(data.shape[1], n_classes, intercept=intercept)
        return EmpiricalRisk(
            outputs, SoftmaxCrossEntropy(), data, codes, penalty=penalty, sample_weight=weight
        )

    def _on_weights(self, penalty: Penalty | None, has_biases: bool = True) -> Penalty | None:
        """Return the penalty with the mask that leaves out the biases at the end of ``theta``."""
        n_units = 1 if len(self.classes_) == 2 else len(self.classes_)
        n_weights = n_units * self.n_features_in_
        mask = np.arange(n_weights + n_units * has_biases) < n_weights
        return None if penalty is None else penalty.with_mask(mask)

    def _fit_centred(
        self,
        data: FloatArray,
        codes: NDArray[np.intp],
        weight: FloatArray | None,
        penalty: Penalty | None,
    ) -> None:
        solver = self.solver
        has_kink = bool(self.alpha and self.l1_ratio)
        if solver == "auto":
            solver = "fista" if has_kink else "lbfgs"
        if solver == "lbfgs" and has_kink:
            raise ValueError(
                f"l1_ratio must be 0 for solver='lbfgs', which needs a gradient everywhere, got "
                f"{self.l1_ratio!r}: take solver='fista'"
            )
        is_binary, is_proximal = len(self.classes_) == 2, solver != "lbfgs"
        given = data.astype(np.float64, copy=False)
        # Two classes are centred inside the objective, which saves a copy of the data.
        copied = is_proximal or not is_binary
        X = centre(given, weight, self.fit_intercept, copy=copied)
        penalty = self._on_weights(penalty or L2(0.0), is_binary or self.fit_intercept)
        risk: Objective
        if is_binary:
            risk = LogisticRisk(
                X.data,
                signs(codes, 2, given.dtype)[0],
                None if is_proximal else penalty,
                weight=weight,
                centre=None if copied else X.mean,
                intercept=self.fit_intercept,
            )
        else:
            inside = None if is_proximal else penalty
            risk = self._risk(X.data, codes, weight, inside, self.fit_intercept)
        step, bias_step = 1.0, None
        if is_proximal:
            step = safe_step(X.data, weight, self._largest_slope_change())
            bias_step = 1.0 / self._largest_slope_change()
        with reporting(self, cap_of(self)) as callbacks:
            self.trace_ = run_full_batch(
                risk,
                solver,
                penalty,
                step,
                bias_step,
                tolerance=self._tolerance(),
                max_iter=cap_of(self),
                callbacks=callbacks,
            )
        self._finish_trace(self.trace_.final, X.mean, data.dtype)

    def _fit_as_it_comes(
        self,
        data: FloatArray,
        codes: NDArray[np.intp],
        weight: FloatArray | None,
        optimizer: Optimizer,
        penalty: Penalty | None,
    ) -> None:
        with reporting(self, cap_of(self)) as callbacks:
            self.trace_ = run_optimizer(
                self._risk(data, codes, weight, penalty, self.fit_intercept),
                optimizer,
                tolerance=self._tolerance(),
                max_iter=cap_of(self),
                batch_size=self.batch_size,
                rng=random_generator(self.random_state),
                callbacks=callbacks,
            )
        self._finish_trace(self.trace_.final, np.zeros(data.shape[1]), data.dtype)

    def _fit_in_passes(
        self, data: FloatArray, codes: NDArray[np.intp], weight: FloatArray | None
    ) -> None:
        self._start(data, weight)
        learner, cap = self.learner_, cap_of(self)
        value = self._value_of(data, codes, weight)
        with reporting(self, cap) as callbacks:
            run = run_epochs(
                lambda: self._epoch(data, codes, weight),
                value,
                learner.theta.ravel(),
                max_iter=cap,
                tol=self.tol,
                callbacks=callbacks,
                # With zero weights all classes have the same probability.
                first=math.log(len(self.classes_)),
            )
        self.loss_curve_ = run.loss
        self.n_iter_ = len(run.loss) - 1
        if run.capped and self.tol is not None:
            warn_not_converged(self, "epochs")
        self._finish(data.dtype)

    def _epoch(self, data: FloatArray, codes: NDArray[np.intp], weight: FloatArray | None) -> None:
        self.learner_.epoch(data, codes, weight, self.rng_.permutation(len(data)))

    def _value_of(
        self, data: FloatArray, codes: NDArray[np.intp], weight: FloatArray | None
    ) -> Callable[[], float]:
        """Return the function of no argument that is the objective of the learner."""
        learner, penalty = self.learner_, self._on_weights(make_penalty(self.alpha))
        if len(self.classes_) > 2:
            several = self._risk(data, codes, weight, penalty)
            return lambda: several.value(learner.flat)
        risk = LogisticRisk(data, signs(codes, 2, data.dtype)[0], penalty, weight=weight)
        return lambda: risk.value(learner.theta[0])

    def _start(self, data: FloatArray, weight: FloatArray | None) -> None:
        if self.l1_ratio:
            raise ValueError(
                f"l1_ratio must be 0 for solver='sgd', got {self.l1_ratio!r}: take solver='fista', "
                "whose steps end on exact zeros"
            )
        alpha = check_real("alpha", self.alpha, at_least=0)
        batch_size = 1 if self.batch_size is None else self.batch_size
        batch_size = check_integer("batch_size", batch_size, at_least=1)
        size = self.step_size
        if size is None:
            square = sampled_curvature(data, weight, batch_size)
            size = 0.5 / (self._largest_slope_change() * square + alpha)
        self.rng_ = random_generator(self.random_state)
        self.learner_ = LogisticLearner(
            len(self.classes_),
            data.shape[1],
            data.dtype,
            partial(step_sizes, size, decay=alpha),
            decay=alpha,
            intercept=self.fit_intercept,
            batch_size=batch_size,
        )

    def _largest_slope_change(self) -> float:
        """Return the largest second derivative of the cost with respect to the scores."""
        return 0.25 if len(self.classes_) == 2 else 0.5

    def _tolerance(self) -> float:
        return check_real("tol", self.tol, above=0)

    def _finish_trace(self, theta: FloatArray, mean: FloatArray, dtype: np.dtype) -> None:
        n_units = 1 if len(self.classes_) == 2 else len(self.classes_)
        n_weights = n_units * self.n_features_in_
        weights = theta[:n_weights].reshape(n_units, -1)
        bias = theta[n_weights:] if self.fit_intercept else np.zeros(n_units)
        self.coef_ = weights.astype(dtype)
        self.intercept_ = (bias - weights @ mean).astype(dtype)
        self.loss_curve_ = self.trace_.value
        self.n_iter_ = self.trace_.n_iterations
        if self.trace_.stopped_by.rule == "iteration cap":
            warn_not_converged(self, "iterations")

    def _finish(self, dtype: np.dtype) -> Self:
        self.coef_ = self.learner_.theta[:, :-1].astype(dtype)
        self.intercept_ = self.learner_.theta[:, -1].astype(dtype)
        return self
