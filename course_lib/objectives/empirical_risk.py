r"""The objective of learning from data: the mean cost of a model's predictions.

Chapter: *Gradient descent*.

.. math:: J(\theta) = \frac1n \sum_{i=1}^n \ell\bigl(\hat y(x_i; \theta), y_i\bigr)
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from course_lib.costs import Cost
from course_lib.objectives.base import Batch, Objective
from course_lib.parameters import ParameterLayout
from course_lib.validation import FloatArray, check_array, check_batch


class Model(Protocol):
    """What an objective needs of a model: predictions, and how they depend on ``theta``."""

    layout: ParameterLayout

    def predict(self, theta: FloatArray, X: FloatArray) -> FloatArray:
        """Return the predictions for the rows of ``X``."""

    def forward(self, theta: FloatArray, X: FloatArray) -> tuple[FloatArray, Any]:
        """Return the predictions, and whatever `backward` will need of the way there."""

    def backward(
        self, theta: FloatArray, saved: Any, upstream: FloatArray, out: FloatArray
    ) -> None:
        """Write into ``out`` the gradient, given the one with respect to the predictions."""


class EmpiricalRisk(Objective):
    """The mean cost of a model on a data set, or on a batch of it.

    Parameters
    ----------
    model
        Turns ``theta`` and rows of ``X`` into predictions.
    cost
        Compares predictions with targets.
    X
        Shape (n_samples, n_features).
    y
        Targets, shape (n_samples,) or (n_samples, n_outputs). They take the dtype of ``X``.

    Raises
    ------
    ValueError
        If the data hold NaN or infinity, are empty, do not fit together, or the targets are not
        ones that the cost is for.
    """

    def __init__(self, model: Model, cost: Cost, X: ArrayLike, y: ArrayLike) -> None:
        self.model = model
        self.cost = cost
        self.X = check_array("X", X, ndim=2)
        self.y = check_array("y", y, ndim=(1, 2))
        if len(self.X) == 0:
            raise ValueError("X must hold at least one sample, got none: there is nothing to learn")
        if len(self.X) != len(self.y):
            raise ValueError(
                "X and y must have the same number of samples, got "
                f"{len(self.X)} rows of X and {len(self.y)} targets"
            )
        expected = getattr(model, "n_features", self.X.shape[1])
        if self.X.shape[1] != expected:
            raise ValueError(
                f"X must have the {expected} feature(s) that {model!r} expects, got shape "
                f"{self.X.shape}"
            )
        self.y = cost.check_target(self.y, "y").astype(self.X.dtype, copy=False)
        self.n_samples = len(self.X)
        self.n_parameters = model.layout.size
        self.is_quadratic = cost.is_quadratic and getattr(model, "is_linear", False)

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        X, y = self._rows(batch)
        return self.cost.value(self.model.predict(theta, X), y)

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        X, y = self._rows(batch)
        prediction, saved = self.model.forward(theta, X)
        self.model.backward(theta, saved, self.cost.gradient(prediction, y), out)
        return self.cost.value(prediction, y)

    def hessian(self, theta: ArrayLike) -> FloatArray:
        r"""Return the Hessian where the model is linear in ``theta``.

        .. math:: H = \frac1n A^\top \operatorname{diag}(\ell'') A

        with :math:`A` the design matrix.
        """
        if not getattr(self.model, "is_linear", False):
            return super().hessian(theta)
        point = self._point(theta)
        design = self.model.design_matrix(self.X)
        curvature = self.cost.second_derivative(self.model.predict(point, self.X), self.y)
        return (design.T * curvature) @ design / self.n_samples

    def _rows(self, batch: Batch | None) -> tuple[FloatArray, FloatArray]:
        if batch is None:
            return self.X, self.y
        indices = check_batch("batch", batch, self.n_samples)
        return np.take(self.X, indices, axis=0), np.take(self.y, indices, axis=0)

    def __repr__(self) -> str:
        return (
            f"EmpiricalRisk({self.model!r}, {self.cost!r}, {self.n_samples} samples, "
            f"{self.n_parameters} parameters)"
        )
