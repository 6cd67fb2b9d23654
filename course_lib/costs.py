"""Costs: how wrong a prediction is, and in which direction to change it.

Chapter: *Cost functions*. A cost compares one prediction with one target; its value on a batch is
the mean over samples (summed over outputs where a sample has several). Every class states its
pointwise formula and the first two derivatives with respect to the prediction, and inherits the
rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_array


class Cost(ABC):
    """The mean over samples of a pointwise cost.

    ``prediction`` and ``target`` have shape (n_samples,) or (n_samples, n_outputs).
    """

    #: Whether the second derivative does not depend on the prediction.
    is_quadratic = False

    @abstractmethod
    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Return the cost of every prediction, in the shape of ``prediction``."""

    @abstractmethod
    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Return the derivative of `pointwise` with respect to the prediction."""

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Return the second derivative of `pointwise` with respect to the prediction."""
        raise NotImplementedError(f"{type(self).__name__} has no second derivative")

    def value(self, prediction: FloatArray, target: FloatArray) -> float:
        """Return the mean cost over the samples."""
        self.check_shapes(prediction, target)
        return float(self.pointwise(prediction, target).sum() / len(target))

    def gradient(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Return the gradient of `value` with respect to the predictions."""
        self.check_shapes(prediction, target)
        return self.derivative(prediction, target) / len(target)

    def check_target(self, target: ArrayLike, name: str = "target") -> FloatArray:
        """Return the targets as an array, or say why the cost is not for them."""
        return check_array(name, target, ndim=(1, 2))

    def check_shapes(self, prediction: FloatArray, target: FloatArray) -> None:
        """Raise where predictions and targets do not belong together."""
        if np.shape(prediction) != np.shape(target) or np.size(target) == 0:
            raise ValueError(
                "prediction and target must have the same shape and at least one sample, got "
                f"{np.shape(prediction)} and {np.shape(target)}: numpy would pair each prediction "
                "with every target of a column, which .ravel() makes a vector"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


class HalfSquaredError(Cost):
    r""":math:`\ell(\hat y, y) = \tfrac12 (\hat y - y)^2`: its derivative is the residual itself."""

    is_quadratic = True

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return 0.5 * (prediction - target) ** 2

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return prediction - target

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.ones_like(prediction)


class SquaredError(Cost):
    r""":math:`\ell(\hat y, y) = (\hat y - y)^2`; its mean is the mean squared error."""

    is_quadratic = True

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return (prediction - target) ** 2

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return 2.0 * (prediction - target)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.full_like(prediction, 2.0)


class LogisticLoss(Cost):
    r"""Log loss of a label :math:`y \in \{0, 1\}` on the logit :math:`z`.

    .. math:: \ell(z, y) = \log(1 + e^{z}) - z y = \max(z, 0) - z y + \log(1 + e^{-|z|})

    The right-hand form never takes the exponential of a positive number. The derivative is
    :math:`\sigma(z) - y`, here :math:`(1 - y)\, \sigma(z) - y\, \sigma(-z)`, in which no digits
    cancel.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        tail = np.exp(-np.abs(prediction))
        return np.maximum(prediction, 0.0) - prediction * target + np.log1p(tail)

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return (1.0 - target) * _sigmoid(prediction) - target * _sigmoid(-prediction)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return _sigmoid(prediction) * _sigmoid(-prediction)

    def check_target(self, target: ArrayLike, name: str = "target") -> FloatArray:
        labels = super().check_target(target, name)
        wrong = labels[(labels < 0.0) | (labels > 1.0)]
        if wrong.size:
            raise ValueError(
                f"{name} must hold labels 0 and 1, or numbers between, got {wrong[0]:g}: labels -1 "
                "and +1 become 0 and 1 by (y + 1) / 2"
            )
        return labels


def _sigmoid(z: FloatArray) -> FloatArray:
    tail = np.exp(-np.abs(z))
    return np.where(z >= 0.0, 1.0, tail) / (1.0 + tail)
