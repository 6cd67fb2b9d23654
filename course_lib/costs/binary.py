r"""Costs of yes-or-no predictions, with labels 0 and 1.

Each exists twice: on a probability :math:`p`, and on the score :math:`z` (the logit) with
:math:`p = \sigma(z)`. On the probability the formulas are those of the books, and a probability
that was rounded to 0 or 1 can cost infinity. On the score nothing overflows or is rounded away:
train with these.

========================= =========================== ==============================================
on the probability        on the score                derivative with respect to the score
========================= =========================== ==============================================
`BinaryCrossEntropy`      `LogisticLoss`              σ(z) − y
`HalfSquaredError`        `SigmoidHalfSquaredError`   (σ(z) − y) σ′(z)
`FocalLoss`               `SigmoidFocalLoss`          −t α qᵞ (γ p ℓ + q); see there
========================= =========================== ==============================================
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.activations import sigmoid, softplus
from course_lib.costs.base import Cost
from course_lib.costs.divergences import (
    check_probabilities,
    over,
    times_log,
    zero_wins,
)
from course_lib.validation import FloatArray, check_array, check_real


class _BinaryCost(Cost):
    """A cost whose targets are 0 and 1, or probabilities of 1 where `takes_soft_labels`."""

    takes_soft_labels = True

    def check_target(self, target: ArrayLike, name: str = "target") -> FloatArray:
        labels = check_array(name, target, ndim=(1, 2))
        inside = (labels >= 0.0) & (labels <= 1.0)
        if not self.takes_soft_labels:
            inside &= (labels == 0.0) | (labels == 1.0)
        wrong = labels[~inside]
        if wrong.size:
            advice = ""
            if np.isin(labels, (-1.0, 1.0)).all():
                advice = (
                    ": labels -1 and +1 become 0 and 1 by (y + 1) / 2; LogisticMarginLoss takes "
                    "them as they are"
                )
            elif (labels == np.floor(labels)).all() and labels.min() >= 0:
                advice = ": more than two classes need SoftmaxCrossEntropy, one score a class"
            kind = "labels 0 and 1" + (", or numbers between" if self.takes_soft_labels else "")
            raise ValueError(f"{name} must hold {kind}, got {wrong.flat[0]:g}{advice}")
        return labels


class BinaryCrossEntropy(_BinaryCost):
    r"""Log loss of a label on its predicted probability.

    .. math:: \ell(p, y) = -y \log p - (1 - y) \log(1 - p)

    A probability of 0 for what happened costs infinity.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        with np.errstate(divide="ignore"):
            log_of_zero = np.log1p(-prediction)
        return -times_log(target, prediction) - zero_wins(1.0 - target, log_of_zero)

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return over(1.0 - target, 1.0 - prediction) - over(target, prediction)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return over(1.0 - target, (1.0 - prediction) ** 2) + over(target, prediction**2)

    def check_prediction(self, prediction: ArrayLike) -> FloatArray:
        return check_probabilities(
            "prediction", prediction, ": scores (logits) belong to LogisticLoss"
        )


class LogisticLoss(_BinaryCost):
    r"""Log loss of a label :math:`y \in \{0, 1\}` on the logit: `BinaryCrossEntropy` of σ(z).

    .. math:: \ell(z, y) = \log(1 + e^{z}) - z y = \max(z, 0) - z y + \log(1 + e^{-|z|})

    The right-hand form never takes the exponential of a positive number. The derivative is
    :math:`\sigma(z) - y`, here :math:`(1 - y)\, \sigma(z) - y\, \sigma(-z)`, in which no digits
    cancel.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return self._cost(prediction, target, _tail(prediction))

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return _residual(prediction, target, _tail(prediction))

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return sigmoid.derivative(pre_activation=prediction)

    def pointwise_and_derivative(
        self, prediction: FloatArray, target: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        tail = _tail(prediction)
        return self._cost(prediction, target, tail), _residual(prediction, target, tail)

    @staticmethod
    def _cost(score: FloatArray, target: FloatArray, tail: FloatArray) -> FloatArray:
        return np.maximum(score, 0.0) - score * target + np.log1p(tail)


class SigmoidHalfSquaredError(_BinaryCost):
    r"""The squared error of a sigmoid's output: what a neuron should not be trained with.

    .. math:: \ell(z, y) = \tfrac12 (\sigma(z) - y)^2, \qquad
              \ell'(z) = (\sigma(z) - y)\, \sigma'(z)

    The factor :math:`\sigma' \le \tfrac14` vanishes where the neuron is saturated, also where it is
    saturated and wrong; and the second derivative,
    :math:`\sigma'^2 + (\sigma - y)\, \sigma' (1 - 2 \sigma)`, can be negative: the cost is not
    convex in :math:`z`.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return 0.5 * _residual(prediction, target, _tail(prediction)) ** 2

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        residual = _residual(prediction, target, _tail(prediction))
        return residual * sigmoid.derivative(pre_activation=prediction)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        slope = sigmoid.derivative(pre_activation=prediction)
        bend = 1.0 - 2.0 * sigmoid(prediction)
        return slope * (slope + _residual(prediction, target, _tail(prediction)) * bend)


class FocalLoss(_BinaryCost):
    r"""Cross-entropy that cares less about what is right already [1]_.

    .. math:: \ell = -\alpha_t\, (1 - p_t)^\gamma \log p_t, \qquad
              p_t = \begin{cases} p & y = 1 \\ 1 - p & y = 0, \end{cases} \quad
              \alpha_t = \begin{cases} \alpha & y = 1 \\ 1 - \alpha & y = 0 . \end{cases}

    Parameters
    ----------
    gamma
        How fast the attention fades as :math:`p_t` grows; 0 is the weighted cross-entropy.
    alpha
        The weight of class 1, from 0 to 1; None gives both classes the weight 1.

    References
    ----------
    .. [1] T.-Y. Lin, P. Goyal, R. Girshick, K. He and P. Dollár, "Focal loss for dense object
       detection", ICCV 2017.
    """

    takes_soft_labels = False

    def __init__(self, gamma: float = 2.0, alpha: float | None = 0.25) -> None:
        self.gamma = check_real("gamma", gamma, at_least=0)
        self.alpha = None if alpha is None else check_real("alpha", alpha, at_least=0, at_most=1)

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        right, wrong = self._split(prediction, target)
        return -self._class_weight(target) * zero_wins(wrong**self.gamma, _log(right, wrong))

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        right, wrong = self._split(prediction, target)
        slope = -over(wrong**self.gamma, right)
        if self.gamma:
            with np.errstate(divide="ignore", invalid="ignore"):
                # log(p) / (1 - p) tends to -1 where the prediction is perfect.
                ratio = np.where(wrong == 0.0, -1.0, _log(right, wrong) / wrong)
            slope = slope + self.gamma * wrong**self.gamma * ratio
        return _sign(target) * self._class_weight(target) * slope

    def check_prediction(self, prediction: ArrayLike) -> FloatArray:
        return check_probabilities(
            "prediction", prediction, ": scores (logits) belong to SigmoidFocalLoss"
        )

    def _class_weight(self, target: FloatArray) -> FloatArray | float:
        return (
            1.0 if self.alpha is None else self.alpha * target + (1.0 - self.alpha) * (1 - target)
        )

    @staticmethod
    def _split(probability: FloatArray, target: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the probabilities of the class that is right and of the one that is wrong."""
        other = 1.0 - probability
        is_one = np.asarray(target) == 1.0
        return np.where(is_one, probability, other), np.where(is_one, other, probability)

    def __repr__(self) -> str:
        return f"{type(self).__name__}(gamma={self.gamma:g}, alpha={self.alpha})"


def _log(right: FloatArray, wrong: FloatArray) -> FloatArray:
    """Return the logarithm of a probability, from its complement where that has more digits."""
    with np.errstate(divide="ignore"):
        return np.where(wrong < 0.5, np.log1p(-wrong), np.log(right))


class SigmoidFocalLoss(FocalLoss):
    r"""`FocalLoss` of the probability :math:`\sigma(z)`, on the score.

    With the margin :math:`m = \pm z` of the right class, :math:`p = \sigma(m)`,
    :math:`q = \sigma(-m)` and the cross-entropy :math:`\ell_0 = \log(1 + e^{-m})`,

    .. math::
       \ell = \alpha_t\, q^\gamma \ell_0, \qquad
       \frac{d\ell}{dm} = -\alpha_t\, q^\gamma (\gamma p\, \ell_0 + q), \qquad
       \frac{d^2\ell}{dm^2} = \alpha_t\, q^\gamma p\,
           \bigl(\gamma (\gamma p - q)\, \ell_0 + (2 \gamma + 1)\, q\bigr) .

    Parameters
    ----------
    gamma, alpha
        As for `FocalLoss`.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        _, wrong, loss = self._of_margin(prediction, target)
        return self._class_weight(target) * wrong**self.gamma * loss

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        right, wrong, loss = self._of_margin(prediction, target)
        slope = -(wrong**self.gamma) * (self.gamma * right * loss + wrong)
        return _sign(target) * self._class_weight(target) * slope

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        right, wrong, loss = self._of_margin(prediction, target)
        bend = self.gamma * (self.gamma * right - wrong) * loss + (2.0 * self.gamma + 1.0) * wrong
        return self._class_weight(target) * wrong**self.gamma * right * bend

    def check_prediction(self, prediction: ArrayLike) -> FloatArray:
        return check_array("prediction", prediction, ndim=(1, 2))

    @staticmethod
    def _of_margin(
        score: FloatArray, target: FloatArray
    ) -> tuple[FloatArray, FloatArray, FloatArray]:
        margin = _sign(target) * score
        return sigmoid(margin), sigmoid(-margin), softplus(-margin)


def _sign(target: FloatArray) -> FloatArray:
    """Return labels 0 and 1 as -1 and +1."""
    return 2.0 * target - 1.0


def _tail(score: FloatArray) -> FloatArray:
    r"""Return :math:`e^{-|z|}`, the exponential that never overflows."""
    return np.exp(-np.abs(score))


def _residual(score: FloatArray, target: FloatArray, tail: FloatArray) -> FloatArray:
    """Return the sigmoid of the score minus the target, to full relative accuracy."""
    larger = 1.0 / (1.0 + tail)
    smaller = tail * larger
    is_positive = np.asarray(score) >= 0.0
    of_one = np.where(is_positive, larger, smaller)
    of_zero = np.where(is_positive, smaller, larger)
    return (1.0 - target) * of_one - target * of_zero
