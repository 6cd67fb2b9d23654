r"""Linear regression by descent: plain, ridge, lasso and elastic net.

Chapters: *Linear learners*, *Regularization*. All four minimize

.. math:: J(w, b) = \frac{1}{2n} \sum_i (x_i^\top w + b - y_i)^2
          + \lambda \Bigl(\rho \sum_j |w_j| + \frac{1 - \rho}{2} \sum_j w_j^2\Bigr),

and the bias is not penalised. With :math:`\rho = 0` (ridge, or :math:`\lambda = 0`) there is a
gradient everywhere and any optimizer will do; the kink of :math:`\rho > 0` is for
`course_lib.linear_learners.proximal`.

=============== ====================== =========================================================
here            λ is                   scikit-learn's for the same fit
=============== ====================== =========================================================
`Ridge`         ``alpha``              ``Ridge(alpha=alpha * n_samples)``, which adds up the costs
`Lasso`         ``alpha``              ``Lasso(alpha=alpha)``
`ElasticNet`    ``alpha``              ``ElasticNet(alpha=alpha, l1_ratio=l1_ratio)``
=============== ====================== =========================================================
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike
from sklearn.base import BaseEstimator

from course_lib.costs import HalfSquaredError
from course_lib.descent import Callback
from course_lib.estimator import random_generator, sample_weights, training_pairs
from course_lib.linear_learners.fitting import (
    as_optimizer,
    cap_of,
    centre,
    make_penalty,
    reporting,
    run_full_batch,
    run_optimizer,
    safe_step,
    warn_not_converged,
)
from course_lib.linear_learners.linear_unit import LinearPrediction
from course_lib.linear_models import LinearModel
from course_lib.objectives.empirical_risk import EmpiricalRisk
from course_lib.optimizers import ConjugateGradient, Optimizer
from course_lib.trace import Trace
from course_lib.validation import FloatArray


class _Descent(LinearPrediction, BaseEstimator):
    """The fit that all four share; a subclass has ``alpha`` and ``l1_ratio`` as needed."""

    alpha: float = 0.0
    l1_ratio: float = 0.0
    _own_solvers: ClassVar[tuple[str, ...]] = ("auto", "fista", "ista", "lbfgs")

    def fit(self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None = None) -> Self:
        """Descend from zero weights.

        Parameters
        ----------
        X, y
            Shapes (n_samples, n_features) and (n_samples,).
        sample_weight
            Shape (n_samples,). The mean of the costs is then the weighted mean.
        """
        data, y = training_pairs(self, X, y, y_numeric=True)
        weight = sample_weights(sample_weight, data)
        own = [name for name in self._own_solvers if name != "lbfgs" or not self._has_kink]
        optimizer = as_optimizer(self.solver, own)
        if optimizer is None:
            weights, bias = self._fit_centred(data, y, weight)
        else:
            weights, bias = self._fit_as_it_comes(data, y, weight, optimizer)
        self.coef_ = weights.astype(data.dtype)
        self.intercept_ = float(bias)
        self.loss_curve_ = self.trace_.value
        self.n_iter_ = self.trace_.n_iterations
        if self.trace_.stopped_by.rule == "iteration cap":
            warn_not_converged(self, "iterations")
        return self

    @property
    def _has_kink(self) -> bool:
        return bool(self.alpha and self.l1_ratio)

    def _fit_centred(
        self, data: FloatArray, y: FloatArray, weight: FloatArray | None
    ) -> tuple[FloatArray, FloatArray | float]:
        X = centre(data, weight, self.fit_intercept)
        target = centre(y, weight, self.fit_intercept)
        penalty = make_penalty(self.alpha, self.l1_ratio)
        # The bias is the mean of the targets: there is nothing left for it to learn.
        model = LinearModel(data.shape[1], intercept=False)
        solver = self.solver
        if solver == "auto":
            solver = "fista" if self._has_kink else "cg"
        is_proximal = solver in ("fista", "ista")
        risk = EmpiricalRisk(
            model,
            HalfSquaredError(),
            X.data,
            target.data,
            penalty=None if is_proximal else penalty,
            sample_weight=weight,
        )
        settings = {"tolerance": self._tolerance(risk), "max_iter": cap_of(self)}
        with reporting(self, cap_of(self)) as callbacks:
            if solver == "cg":
                self.trace_ = self._run_optimizer(risk, ConjugateGradient(), None, callbacks)
            else:
                step = safe_step(X.data, weight, 1.0) if is_proximal else 1.0
                self.trace_ = run_full_batch(
                    risk, solver, penalty, step, None, callbacks=callbacks, **settings
                )
        weights = self.trace_.final
        return weights, X.intercept(weights, target.mean)

    def _fit_as_it_comes(
        self, data: FloatArray, y: FloatArray, weight: FloatArray | None, optimizer: Optimizer
    ) -> tuple[FloatArray, FloatArray | float]:
        risk = EmpiricalRisk(
            LinearModel(data.shape[1], intercept=self.fit_intercept),
            HalfSquaredError(),
            data,
            y,
            penalty=make_penalty(self.alpha, self.l1_ratio),
            sample_weight=weight,
        )
        with reporting(self, cap_of(self)) as callbacks:
            self.trace_ = self._run_optimizer(risk, optimizer, self.batch_size, callbacks)
        theta = self.trace_.final
        return theta[: data.shape[1]], theta[-1] if self.fit_intercept else 0.0

    def _run_optimizer(
        self,
        risk: EmpiricalRisk,
        optimizer: Optimizer,
        batch_size: int | None,
        callbacks: Sequence[Callback],
    ) -> Trace:
        return run_optimizer(
            risk,
            optimizer,
            tolerance=self._tolerance(risk),
            max_iter=cap_of(self),
            batch_size=batch_size,
            rng=random_generator(self.random_state),
            callbacks=callbacks,
        )

    def _tolerance(self, risk: EmpiricalRisk) -> float:
        # Relative to the start: the targets may have any unit.
        start = np.linalg.norm(risk.gradient(np.zeros(risk.n_parameters, risk.X.dtype)))
        return max(self.tol * float(start), np.finfo(np.float64).tiny)


@dataclass(eq=False, repr=False)
class LinearRegression(_Descent):
    r"""Least squares by descent.

    Parameters
    ----------
    solver : str or Optimizer, default="auto"
        ``"auto"``: conjugate gradients on the centred data, at most one step a feature but for
        rounding. ``"fista"``, ``"ista"``: gradient steps of one over the largest curvature, with
        and without momentum. ``"lbfgs"``: scipy's. Or any optimizer of `course_lib.optimizers`, or
        its name: it descends on the data as they come.
    batch_size : int, optional
        For an optimizer: samples to a step, in a new random order each epoch; all of them if not
        given.
    fit_intercept : bool, default=True
    max_iter : int, default=10000
        Iterations at most; with batches, the number of epochs.
    tol : float, default=1e-8
        The fit ends when the norm of the gradient falls below this share of what it is at the
        start, where all weights are zero. Batches run to their end.
    random_state : int or numpy.random.Generator, optional
        Draws the batches.
    callbacks : sequence of callable, optional
        Each is given a `course_lib.stopping.Progress` before every step; something true ends the
        fit.
    progress : bool, default=False
        Whether to show a progress bar; needs tqdm.

    Attributes
    ----------
    coef_ : ndarray of shape (n_features,)
    intercept_ : float
    trace_ : Trace
        The whole history. Without an optimizer: of the weights alone, on centred data.
    loss_curve_ : ndarray
        The objective along it; with batches, on each.
    n_iter_ : int
        Steps taken.
    n_features_in_ : int

    Warns
    -----
    sklearn.exceptions.ConvergenceWarning
        If the cap came before ``tol``.

    Notes
    -----
    Among many least squares fits, as with more features than samples, this finds the one with the
    smallest weights: no step leaves the space of the rows.
    """

    solver: str | Optimizer = "auto"
    _: KW_ONLY
    batch_size: int | None = None
    fit_intercept: bool = True
    max_iter: int = 10000
    tol: float = 1e-8
    random_state: int | np.random.Generator | None = None
    callbacks: Sequence[Callback] | None = None
    progress: bool = False


@dataclass(eq=False, repr=False)
class Ridge(_Descent):
    r"""Least squares with an L2 penalty [1]_: every weight a little smaller.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength :math:`\lambda` of :math:`\frac\lambda2 \|w\|^2`.
    solver, batch_size, fit_intercept, max_iter, tol, random_state, callbacks, progress
        As for `LinearRegression`.

    Attributes
    ----------
    coef_, intercept_, trace_, loss_curve_, n_iter_, n_features_in_
        As for `LinearRegression`.

    References
    ----------
    .. [1] A. E. Hoerl and R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal
       problems", Technometrics 12 (1970), pp. 55-67.
    """

    alpha: float = 1.0
    _: KW_ONLY
    solver: str | Optimizer = "auto"
    batch_size: int | None = None
    fit_intercept: bool = True
    max_iter: int = 10000
    tol: float = 1e-8
    random_state: int | np.random.Generator | None = None
    callbacks: Sequence[Callback] | None = None
    progress: bool = False


@dataclass(eq=False, repr=False)
class Lasso(_Descent):
    r"""Least squares with an L1 penalty [1]_: some weights exactly zero.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength :math:`\lambda` of :math:`\lambda \sum |w_j|`.
    solver : str or Optimizer, default="auto"
        ``"auto"`` and ``"fista"``: accelerated proximal gradient; ``"ista"``: without momentum. An
        optimizer takes *subgradient* steps on the data as they come, and leaves no exact zeros.
    batch_size, fit_intercept, max_iter, tol, random_state, callbacks, progress
        As for `LinearRegression`, with the gradient mapping of `proximal_descent` as gradient.

    Attributes
    ----------
    coef_, intercept_, trace_, loss_curve_, n_iter_, n_features_in_
        As for `LinearRegression`.

    References
    ----------
    .. [1] R. Tibshirani, "Regression shrinkage and selection via the lasso", Journal of the Royal
       Statistical Society B 58 (1996), pp. 267-288.
    """

    alpha: float = 1.0
    _: KW_ONLY
    solver: str | Optimizer = "auto"
    batch_size: int | None = None
    fit_intercept: bool = True
    max_iter: int = 10000
    tol: float = 1e-6
    random_state: int | np.random.Generator | None = None
    callbacks: Sequence[Callback] | None = None
    progress: bool = False

    l1_ratio: ClassVar[float] = 1.0


@dataclass(eq=False, repr=False)
class ElasticNet(_Descent):
    r"""Least squares with both penalties [1]_: zeros, but correlated features stay together.

    Parameters
    ----------
    alpha : float, default=1.0
        The strength :math:`\lambda` of both together.
    l1_ratio : float, default=0.5
        The share :math:`\rho` of L1, from 0 (ridge) to 1 (lasso).
    solver, batch_size, fit_intercept, max_iter, tol, random_state, callbacks, progress
        As for `Lasso`.

    Attributes
    ----------
    coef_, intercept_, trace_, loss_curve_, n_iter_, n_features_in_
        As for `LinearRegression`.

    References
    ----------
    .. [1] H. Zou and T. Hastie, "Regularization and variable selection via the elastic net",
       Journal of the Royal Statistical Society B 67 (2005), pp. 301-320.
    """

    alpha: float = 1.0
    l1_ratio: float = 0.5
    _: KW_ONLY
    solver: str | Optimizer = "auto"
    batch_size: int | None = None
    fit_intercept: bool = True
    max_iter: int = 10000
    tol: float = 1e-6
    random_state: int | np.random.Generator | None = None
    callbacks: Sequence[Callback] | None = None
    progress: bool = False
