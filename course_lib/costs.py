"""Costs: how wrong a prediction is, and in which direction to change it.

Chapter: *Cost functions*. A cost compares one prediction with one target; its value on a batch is
the mean over samples (summed over outputs where a sample has several). Every class states its
pointwise formula and the first two derivatives with respect to the prediction, and inherits the
rest.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np

from course_lib.validation import FloatArray


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
        return float(self.pointwise(prediction, target).sum() / len(target))

    def gradient(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Return the gradient of `value` with respect to the predictions."""
        return self.derivative(prediction, target) / len(target)

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

    .. math:: \ell(z, y) = \log(1 + e^{z}) - z y

    Taking the logit and not the probability keeps the loss finite for every finite logit: both
    terms are computed without forming :math:`e^{|z|}`.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.logaddexp(0.0, prediction) - prediction * target

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return _sigmoid(prediction) - target

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        probability = _sigmoid(prediction)
        return probability * (1.0 - probability)


def _sigmoid(z: FloatArray) -> FloatArray:
    # tanh saturates where exp(-z) would overflow.
    return 0.5 * (1.0 + np.tanh(0.5 * z))
