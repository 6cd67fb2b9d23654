"""Costs of a prediction that is a number: squared, absolute, Huber, right or wrong."""

from __future__ import annotations

import numpy as np

from course_lib.costs.base import Cost
from course_lib.validation import FloatArray, check_real


class HalfSquaredError(Cost):
    r""":math:`\ell(\hat y, y) = \tfrac12 (\hat y - y)^2`: its derivative is the residual itself.

    Its mean is the "quadratic cost". The one half only cancels the 2 of the derivative; it does not
    move the minimum. A. M. Legendre, Nouvelles méthodes pour la détermination des orbites des
    comètes, Paris, 1805.
    """

    is_quadratic = True

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return 0.5 * (prediction - target) ** 2

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return prediction - target

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.ones_like(prediction)


class SquaredError(Cost):
    r""":math:`\ell(\hat y, y) = (\hat y - y)^2`; its mean is the mean squared error.

    The best constant prediction is the mean. On probabilities it is the Brier score.
    """

    is_quadratic = True

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return (prediction - target) ** 2

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return 2.0 * (prediction - target)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.full_like(prediction, 2.0)


class AbsoluteError(Cost):
    r""":math:`\ell(\hat y, y) = |\hat y - y|`; its mean is the mean absolute error.

    The best constant prediction is the median: an outlier pulls no harder than its neighbours. The
    derivative is the sign of the residual, and at the kink the subgradient 0.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.abs(prediction - target)

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.sign(prediction - target)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.zeros_like(prediction)


class HuberLoss(Cost):
    r"""Squared for small residuals, absolute for large ones [1]_.

    .. math:: \ell(r) = \begin{cases} \tfrac12 r^2 & |r| \le \delta \\
              \delta\,(|r| - \tfrac12 \delta) & \text{otherwise,} \end{cases}
              \qquad \ell'(r) = \max(-\delta, \min(r, \delta)) .

    The second derivative, 1 inside and 0 outside, takes the 1 at :math:`|r| = \delta`.

    Parameters
    ----------
    delta
        Where the one becomes the other.

    References
    ----------
    .. [1] P. J. Huber, "Robust estimation of a location parameter", Annals of Mathematical
       Statistics 35 (1964), pp. 73-101.
    """

    def __init__(self, delta: float = 1.0) -> None:
        self.delta = check_real("delta", delta, above=0)

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        size = np.abs(prediction - target)
        inside = np.minimum(size, self.delta)
        return inside * (size - 0.5 * inside)

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.clip(prediction - target, -self.delta, self.delta)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        residual = np.asarray(prediction - target)
        return (np.abs(residual) <= self.delta).astype(residual.dtype)

    def __repr__(self) -> str:
        return f"HuberLoss(delta={self.delta:g})"


class _Counting(Cost):
    """A cost of 0 or 1: flat wherever it has a derivative, and a cliff elsewhere."""

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.zeros_like(prediction)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.zeros_like(prediction)


class ZeroOneLoss(_Counting):
    r""":math:`\ell(\hat y, y) = [\hat y \ne y]`; its mean is the share of wrong labels.

    What classification is judged by, and what descent cannot minimize: the derivative is 0 at every
    point where there is one, and is taken to be 0 at the jump.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return np.not_equal(prediction, target).astype(np.result_type(prediction, target))


class RelaxedZeroOneLoss(_Counting):
    r""":math:`\ell(\hat y, y) = [\,|\hat y - y| \ge T\,]`: a miss by less than T is forgiven.

    Its derivative is 0 as well.

    Parameters
    ----------
    threshold
        :math:`T`, in the units of the target.
    """

    def __init__(self, threshold: float) -> None:
        self.threshold = check_real("threshold", threshold, above=0)

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        residual = np.asarray(prediction - target)
        return (np.abs(residual) >= self.threshold).astype(residual.dtype)

    def __repr__(self) -> str:
        return f"RelaxedZeroOneLoss(threshold={self.threshold:g})"
