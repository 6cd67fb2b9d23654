r"""The linear support vector machine.

Chapter: *Linear learners*. It minimizes the mean hinge cost and a penalty on the weights, not on
the bias: see `course_lib.linear_learners.subgradient`. Inside, labels are :math:`\pm 1`; scores are
real numbers, not confined to :math:`(-1, 1)`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from functools import partial
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator, ClassifierMixin
from sklearn.utils.metaestimators import available_if

from course_lib.costs import HingeLoss
from course_lib.descent import Callback
from course_lib.estimator import LinearScores, random_generator, sample_weights, training_pairs
from course_lib.linear_learners.by_sample import SampleLearner, signs, step_sizes
from course_lib.linear_learners.fitting import (
    as_optimizer,
    cap_of,
    reporting,
    run_epochs,
    run_optimizer,
    warn_not_converged,
)
from course_lib.linear_learners.labels import (
    codes_of_known,
    first_classes,
    learns_in_passes,
    training_labels,
)
from course_lib.linear_learners.margin_risk import HingeRisk
from course_lib.linear_learners.passes import HINGE
from course_lib.linear_learners.subgradient import HingeOverBias, subgradient_descent
from course_lib.linear_models import LinearModel
from course_lib.objectives.empirical_risk import EmpiricalRisk
from course_lib.optimizers import Optimizer
from course_lib.penalties import L2
from course_lib.schedules import Schedule
from course_lib.validation import FloatArray, check_real


@dataclass(eq=False, repr=False)
class LinearSVC(LinearScores, ClassifierMixin, BaseEstimator):
    r"""A linear support vector machine, or one for every class against the rest.

    Parameters
    ----------
    alpha : float, default=0.01
        The strength :math:`\lambda` of the penalty. In the notation with slacks,
        ``C = 1 / (alpha * n_samples)``. The smaller it is, the slower every subgradient method.
    solver : str or Optimizer, default="subgradient"
        ``"subgradient"``: full-batch subgradient descent, which knows how far from the minimum it
        is. ``"pegasos"``: sample by sample. Or any optimizer of `course_lib.optimizers`, or its
        name, which is given subgradients; a constant step then does not converge.
    average : bool, default=True
        For ``"pegasos"``: whether the machine is the mean of all points on the way, later ones
        counting more, with the best bias for it, or the last point.
    step_size : float or schedule, optional
        For ``"pegasos"``: the size :math:`\eta_0` of :math:`\eta_k = \eta_0 / (1 + \eta_0 \lambda
        k)`, or a function of the number of the step. If not given, :math:`\eta_0 = 1 / (\lambda +
        M)` with the mean squared length :math:`M` of the samples :math:`(x, 1)`: a step of
        :math:`1 / M` moves the score of such a sample by 1. Pegasos itself has :math:`M = 0`.
    batch_size : int, optional
        For an optimizer: samples to a step; all if not given.
    fit_intercept : bool, default=True
    class_weight : dict or "balanced", optional
        What the weights of the samples of each class are multiplied with.
    max_iter : int, default=10000
        Steps at most; epochs, where there are batches or single samples.
    tol : float, default=1e-3
        ``"subgradient"`` ends when the objective is within this share of its minimum, which is
        certain, ``"pegasos"`` when ten epochs together did not lower the objective by this share
        of what it was at the start (None takes all), an optimizer when the norm of the subgradient
        is below.
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
        The objective at the start and after every step or epoch, the best so far for
        ``"subgradient"``; the sum over the machines, where there is one for every class.
    bound_curve_ : ndarray, shaped like ``loss_curve_``
        For ``"subgradient"``: what the minimum is not below.
    n_iter_ : int
        Steps, or epochs for ``"pegasos"``; of the machine that took the most.
    n_features_in_ : int

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the cap came before ``tol``.

    Notes
    -----
    ``"pegasos"`` needs features of about the same size, with mean near zero: standardize them.
    ``"subgradient"`` suffers less, and says how far from the minimum it is.

    References
    ----------
    .. [1] C. Cortes and V. Vapnik, "Support-vector networks", Machine Learning 20 (1995),
       pp. 273-297.

    Examples
    --------
    >>> X = [[1, 2], [2, 3], [3, 4], [4, 5]]
    >>> machine = LinearSVC(alpha=0.1).fit(X, [0, 0, 1, 1])
    >>> machine.coef_.round(1), machine.intercept_.round(1)
    (array([[1., 1.]]), array([-6.]))
    """

    alpha: float = 0.01
    _: KW_ONLY
    solver: str | Optimizer = "subgradient"
    average: bool = True
    step_size: float | Schedule | None = None
    batch_size: int | None = None
    fit_intercept: bool = True
    class_weight: dict[Any, float] | str | None = None
    max_iter: int = 10000
    tol: float | None = 1e-3
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
        check_real("alpha", self.alpha, above=0)
        optimizer = as_optimizer(self.solver, ["subgradient", "pegasos"])
        data, codes, weight = training_labels(self, X, y, sample_weight)
        targets = signs(codes, len(self.classes_), data.dtype)
        if optimizer is not None:
            self._fit_as_it_comes(data, targets, weight, optimizer)
        elif self.solver == "pegasos":
            self._fit_in_passes(data, targets, weight)
        else:
            self._fit_by_subgradients(data, targets, weight)
        return self

    @available_if(learns_in_passes("pegasos"))
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
        check_real("alpha", self.alpha, above=0)
        is_first = first_classes(self, classes)
        data, labels = training_pairs(self, X, y, reset=is_first)
        codes = codes_of_known(self, labels)
        weight = sample_weights(sample_weight, data)
        if is_first:
            self._start(data, weight)
        targets = signs(codes, len(self.classes_), data.dtype)
        value = self._value(data, targets, weight)
        if is_first:
            self.loss_curve_ = np.array([value()])
        self._epoch(data, targets, weight)
        self.loss_curve_ = np.append(self.loss_curve_, value())
        self.n_iter_ = len(self.loss_curve_) - 1
        return self._finish(self.learner_.mean, data.dtype)

    def _fit_by_subgradients(
        self, data: FloatArray, targets: FloatArray, weight: FloatArray | None
    ) -> None:
        X, cap = data.astype(np.float64, copy=False), cap_of(self)
        tol = check_real("tol", self.tol, above=0)
        with reporting(self, cap) as callbacks:
            runs = [
                subgradient_descent(
                    HingeOverBias(X, target, self.alpha, weight, self.fit_intercept),
                    max_iter=cap,
                    tol=tol,
                    callbacks=callbacks,
                )
                for target in targets.astype(np.float64)
            ]
        self.loss_curve_ = _added_up([run.value for run in runs])
        self.bound_curve_ = _added_up([run.bound for run in runs])
        self.n_iter_ = len(self.loss_curve_) - 1
        if any(run.capped for run in runs):
            warn_not_converged(self, "iterations")
        self._finish(np.array([np.append(run.weights, run.bias) for run in runs]), data.dtype)

    def _fit_as_it_comes(
        self,
        data: FloatArray,
        targets: FloatArray,
        weight: FloatArray | None,
        optimizer: Optimizer,
    ) -> None:
        rng = random_generator(self.random_state)
        with reporting(self, cap_of(self)) as callbacks:
            traces = [
                run_optimizer(
                    EmpiricalRisk(
                        LinearModel(data.shape[1], intercept=self.fit_intercept),
                        HingeLoss(),
                        data,
                        target,
                        penalty=L2(self.alpha),
                        sample_weight=weight,
                    ),
                    optimizer,
                    tolerance=check_real("tol", self.tol, above=0),
                    max_iter=cap_of(self),
                    batch_size=self.batch_size,
                    rng=rng,
                    callbacks=callbacks,
                    keep_points=False,
                )
                for target in targets
            ]
        self.loss_curve_ = _added_up([trace.value for trace in traces])
        self.n_iter_ = max(trace.n_iterations for trace in traces)
        if any(trace.stopped_by.rule == "iteration cap" for trace in traces):
            warn_not_converged(self, "iterations")
        theta = np.zeros((len(traces), data.shape[1] + 1))
        for row, trace in zip(theta, traces, strict=True):
            row[: len(trace.final)] = trace.final
        self._finish(theta, data.dtype)

    def _fit_in_passes(
        self, data: FloatArray, targets: FloatArray, weight: FloatArray | None
    ) -> None:
        self._start(data, weight)
        learner, cap = self.learner_, cap_of(self)
        with reporting(self, cap) as callbacks:
            run = run_epochs(
                lambda: self._epoch(data, targets, weight),
                self._value(data, targets, weight),
                learner.mean.ravel(),
                max_iter=cap,
                tol=self.tol,
                callbacks=callbacks,
                # With zero weights every sample misses its margin by 1.
                first=float(len(learner.theta)),
            )
        self.loss_curve_ = run.loss
        self.n_iter_ = len(run.loss) - 1
        if run.capped and self.tol is not None:
            warn_not_converged(self, "epochs")
        theta = learner.mean.copy()
        if self.average and self.fit_intercept:
            for row, target in zip(theta, targets, strict=True):
                row[-1] = HingeOverBias(data, target, self.alpha, weight).at(row[:-1]).bias
        self._finish(theta, data.dtype)

    def _start(self, data: FloatArray, weight: FloatArray | None) -> None:
        size = self.step_size
        if size is None:
            squares = np.einsum("ij,ij->i", data, data, dtype=np.float64) + 1.0
            typical = float((squares if weight is None else weight * squares).mean())
            size = 1.0 / (self.alpha + typical)
        n_classes = len(self.classes_)
        self.rng_ = random_generator(self.random_state)
        self.learner_ = SampleLearner(
            n_classes if n_classes > 2 else 1,
            data.shape[1],
            data.dtype,
            HINGE,
            partial(step_sizes, size, decay=self.alpha),
            decay=self.alpha,
            intercept=self.fit_intercept,
            averaging=bool(self.average),
        )

    def _epoch(self, data: FloatArray, targets: FloatArray, weight: FloatArray | None) -> None:
        learner = self.learner_
        targets = targets.astype(learner.dtype, copy=False)
        learner.epoch(learner.samples(data), targets, weight, self.rng_.permutation(len(data)))

    def _value(self, data: FloatArray, targets: FloatArray, weight: FloatArray | None) -> Any:
        """Return the function of no argument that adds up the objectives of all machines."""
        mask = np.arange(data.shape[1] + 1) < data.shape[1]
        risks = [HingeRisk(data, target, L2(self.alpha, mask), weight=weight) for target in targets]
        machines = self.learner_.mean
        return lambda: sum(risk.value(row) for risk, row in zip(risks, machines, strict=True))

    def _finish(self, theta: FloatArray, dtype: np.dtype) -> Self:
        self.coef_ = theta[:, :-1].astype(dtype)
        self.intercept_ = theta[:, -1].astype(dtype)
        return self


def _added_up(curves: list[FloatArray]) -> FloatArray:
    """Return the sum of curves; one that ended stays at its end."""
    longest = max(map(len, curves))
    return np.sum([np.pad(curve, (0, longest - len(curve)), "edge") for curve in curves], axis=0)
