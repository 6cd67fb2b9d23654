r"""The objective of learning from data: the mean cost of a model's predictions.

Chapters: *Gradient descent*, *Cost functions*, *Regularization*.

.. math:: J(\theta) = \frac1n \sum_{i=1}^n \ell\bigl(\hat y(x_i; \theta), y_i\bigr)
                    + \Omega(\theta)
"""

from __future__ import annotations

from typing import Any, Protocol

import numpy as np
from numpy.typing import ArrayLike

from course_lib.costs.base import Cost, check_sample_weight, weigh
from course_lib.objectives.base import Batch, Objective
from course_lib.parameters import ParameterLayout
from course_lib.penalties import Penalty, penalised_entries
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
    r"""The mean cost of a model on a data set, or on a batch of it.

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
    penalty
        Added to the mean cost. Without a mask of its own it spares biases and gains: the parts of
        ``theta`` whose name ends in "bias" or "gain".
    sample_weight
        Shape (n_samples,), not negative. The mean is then
        :math:`\sum_i w_i \ell_i / \sum_i w_i`; on a batch the weights keep the scale they
        have on all samples, so that the batch gradient remains an unbiased estimate.

    Raises
    ------
    ValueError
        If the data hold NaN or infinity, are empty, do not fit together, or the targets are not
        ones that the cost is for.
    """

    def __init__(
        self,
        model: Model,
        cost: Cost,
        X: ArrayLike,
        y: ArrayLike,
        *,
        penalty: Penalty | None = None,
        sample_weight: ArrayLike | None = None,
    ) -> None:
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
        self.y = cost.check_target(self.y, "y")
        if self.y.dtype.kind == "f":
            self.y = self.y.astype(self.X.dtype, copy=False)
        self.n_samples = len(self.X)
        layout = model.layout
        self.n_parameters = layout.size
        self.penalty = penalty
        if penalty is not None and penalty.mask is None:
            self.penalty = penalty.with_mask(penalised_entries(layout.slices, layout.size))
        self.sample_weight = None
        if sample_weight is not None:
            weight = check_sample_weight(sample_weight, self.n_samples)
            self.sample_weight = weight / weight.mean()
        self.is_one_function = not getattr(model, "differs_in_training", False)
        self.is_quadratic = (
            cost.is_quadratic
            and getattr(model, "is_linear", False)
            and (penalty is None or penalty.is_quadratic)
        )

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        X, y, weight = self._rows(batch)
        prediction = self.model.predict(theta, X)
        self.cost.check_shapes(prediction, y)
        costs = self.cost.pointwise(prediction, y)
        return self._mean(costs, weight) + self._penalty_value(theta)

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        X, y, weight = self._rows(batch)
        prediction, saved = self.model.forward(theta, X)
        self.cost.check_shapes(prediction, y)
        costs, slopes = self.cost.pointwise_and_derivative(prediction, y)
        if weight is not None:
            slopes = weigh(slopes, weight)
        self.model.backward(theta, saved, slopes / len(y), out)
        if self.penalty is not None:
            out += self.penalty.gradient(theta)
        return self._mean(costs, weight) + self._penalty_value(theta)

    def hessian(self, theta: ArrayLike, batch: Batch | None = None) -> FloatArray:
        r"""Return the Hessian where the model is linear in ``theta``.

        .. math:: H = \frac1n A^\top \operatorname{diag}(\ell'') A + \nabla^2 \Omega

        with :math:`A` the design matrix.
        """
        if not getattr(self.model, "is_linear", False):
            return super().hessian(theta, batch)
        point = self._point(theta)
        X, _, _ = rows = self._rows(batch)
        design = self.model.design_matrix(X)
        hessian = (design.T * self._curvature(point, rows)) @ design / len(X)
        if self.penalty is not None:
            hessian += np.diag(self.penalty.hessian_diagonal(point))
        return hessian

    def hessian_vector_product(
        self, theta: ArrayLike, vector: ArrayLike, batch: Batch | None = None
    ) -> FloatArray:
        r"""Return the Hessian times ``vector``, without forming the matrix.

        Where the model is linear in ``theta``, exactly. Elsewhere as the change of the gradient
        along the vector [1]_,

        .. math:: H v \approx \frac{g(\theta + h v) - g(\theta - h v)}{2h},

        computed in double precision and right to some nine digits, if no kink is as near as
        :math:`h v`.

        References
        ----------
        .. [1] J. Nocedal and S. J. Wright, *Numerical Optimization*, 2nd ed., Springer, 2006, §8.1.
        """
        point, direction = self._point(theta), self._point(vector, "vector")
        if not getattr(self.model, "is_linear", False):
            return self._change_of_gradient(point, direction, batch)
        X, _, _ = rows = self._rows(batch)
        # A linear model predicts A @ theta, and carries back A.T @ upstream.
        change, saved = self.model.forward(direction, X)
        change *= self._curvature(point, rows)
        product = np.empty_like(direction)
        self.model.backward(point, saved, change / len(X), product)
        if self.penalty is not None:
            product += self.penalty.hessian_diagonal(point) * direction
        return product

    def _curvature(
        self, theta: FloatArray, rows: tuple[FloatArray, FloatArray, FloatArray | None]
    ) -> FloatArray:
        """Return the second derivatives of the costs, weighed."""
        X, y, weight = rows
        curvature = self.cost.second_derivative(self.model.predict(theta, X), y)
        return curvature if weight is None else weigh(curvature, weight)

    def _change_of_gradient(
        self, theta: FloatArray, direction: FloatArray, batch: Batch | None
    ) -> FloatArray:
        if not self.is_one_function:
            raise NotImplementedError(
                f"{self!r} has no Hessian: its gradient, that of the training pass, is that of no "
                "value. Leave out Dropout and BatchNorm"
            )
        length = float(np.linalg.norm(direction))
        if length == 0.0:
            return np.zeros_like(direction)
        point, v = theta.astype(np.float64), direction.astype(np.float64)
        step = np.cbrt(np.finfo(np.float64).eps) * max(1.0, float(np.linalg.norm(point))) / length
        change = self.gradient(point + step * v, batch) - self.gradient(point - step * v, batch)
        return (change / (2.0 * step)).astype(direction.dtype)

    def _mean(self, costs: FloatArray, weight: FloatArray | None) -> float:
        if weight is not None:
            costs = weigh(costs, weight)
        return float(costs.sum() / len(costs))

    def _penalty_value(self, theta: FloatArray) -> float:
        return 0.0 if self.penalty is None else self.penalty.value(theta)

    def _rows(self, batch: Batch | None) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        """Return the samples of the batch, their targets and their weights."""
        if batch is None:
            return self.X, self.y, self.sample_weight
        indices = check_batch("batch", batch, self.n_samples)
        weight = None if self.sample_weight is None else self.sample_weight[indices]
        return np.take(self.X, indices, axis=0), np.take(self.y, indices, axis=0), weight

    def __repr__(self) -> str:
        return (
            f"EmpiricalRisk({self.model!r}, {self.cost!r}, {self.n_samples} samples, "
            f"{self.n_parameters} parameters)"
        )
