r"""Margin costs: how far a score stands on the right side of the boundary.

The label is :math:`t = \pm 1`, the prediction a score :math:`s \in \mathbb R` (not a probability,
and not confined to (−1, 1)). All of these depend on the margin :math:`m = t s` alone, which is
positive where the sign of the score is right, so that one axis shows them all:

    for name, cost in MARGIN_COSTS.items():
        axes.plot(m, cost.of_margin(m), label=name)

============================ ========================= ===================== ======================
cost                         of the margin m           slope                 at its kink
============================ ========================= ===================== ======================
`ZeroOneMarginLoss`          1 if m ≤ 0 else 0         0                     0
`PerceptronLoss`             max(0, −m)                −1 if m ≤ 0 else 0    −1: zero is wrong
`HingeLoss`                  max(0, 1 − m)             −1 if m < 1 else 0    0
`SquaredHingeLoss`           max(0, 1 − m)²            −2 max(0, 1 − m)      (differentiable)
`LogisticMarginLoss`         log(1 + e⁻ᵐ)              −σ(−m)
`ExponentialLoss`            e⁻ᵐ                       −e⁻ᵐ
============================ ========================= ===================== ======================
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from course_lib.activations import sigmoid, softplus
from course_lib.costs.base import Cost
from course_lib.validation import FloatArray, check_array


class MarginCost(Cost):
    """A cost of the margin, the product of the score with its label -1 or +1."""

    @abstractmethod
    def of_margin(self, margin: FloatArray) -> FloatArray:
        """Return the cost of every margin."""

    @abstractmethod
    def slope(self, margin: FloatArray) -> FloatArray:
        """Return the derivative of `of_margin`, at a kink the subgradient stated."""

    @abstractmethod
    def curvature(self, margin: FloatArray) -> FloatArray:
        """Return the second derivative of `of_margin`, where it has one."""

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return self.of_margin(target * prediction)

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return target * self.slope(target * prediction)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return self.curvature(target * prediction)  # The label's square is 1.

    def check_target(self, target: ArrayLike, name: str = "target") -> FloatArray:
        labels = check_array(name, target, ndim=(1, 2))
        wrong = labels[np.abs(labels) != 1.0]
        if wrong.size:
            advice = "recode them"
            if np.isin(labels, (0.0, 1.0)).all():
                advice = (
                    "labels 0 and 1 become -1 and +1 by 2 * y - 1; LogisticLoss takes them as is"
                )
            raise ValueError(
                f"{name} must hold the labels -1 and +1, which {self!r} multiplies with the score, "
                f"got {wrong.flat[0]:g}: {advice}"
            )
        return labels


class ZeroOneMarginLoss(MarginCost):
    """1 where the sign of the score is wrong. Flat: descent cannot minimize it."""

    def of_margin(self, margin: FloatArray) -> FloatArray:
        return np.less_equal(margin, 0.0).astype(np.asarray(margin).dtype)

    def slope(self, margin: FloatArray) -> FloatArray:
        return np.zeros_like(margin)

    def curvature(self, margin: FloatArray) -> FloatArray:
        return np.zeros_like(margin)


class PerceptronLoss(MarginCost):
    """The perceptron's: a wrong score costs its distance from the boundary [1]_.

    A score of exactly 0 counts as wrong, with slope -1. Otherwise a perceptron that starts from
    zero weights would never learn anything.

    References
    ----------
    .. [1] F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
       organization in the brain", Psychological Review 65 (1958), pp. 386-408.
    """

    def of_margin(self, margin: FloatArray) -> FloatArray:
        return np.maximum(-margin, 0.0)

    def slope(self, margin: FloatArray) -> FloatArray:
        return -np.less_equal(margin, 0.0).astype(np.asarray(margin).dtype)

    def curvature(self, margin: FloatArray) -> FloatArray:
        return np.zeros_like(margin)


class HingeLoss(MarginCost):
    """The support vector machine's: right is not enough, the margin should reach 1 [1]_.

    At a margin of exactly 1 the subgradient is 0: such a sample is content.

    References
    ----------
    .. [1] C. Cortes and V. Vapnik, "Support-vector networks", Machine Learning 20 (1995),
       pp. 273-297.
    """

    def of_margin(self, margin: FloatArray) -> FloatArray:
        return np.maximum(1.0 - margin, 0.0)

    def slope(self, margin: FloatArray) -> FloatArray:
        return -np.less(margin, 1.0).astype(np.asarray(margin).dtype)

    def curvature(self, margin: FloatArray) -> FloatArray:
        return np.zeros_like(margin)


class SquaredHingeLoss(MarginCost):
    """The hinge made smooth by squaring; its curvature, 2 or 0, takes the 0 at the margin 1."""

    def of_margin(self, margin: FloatArray) -> FloatArray:
        return np.maximum(1.0 - margin, 0.0) ** 2

    def slope(self, margin: FloatArray) -> FloatArray:
        return -2.0 * np.maximum(1.0 - margin, 0.0)

    def curvature(self, margin: FloatArray) -> FloatArray:
        return 2.0 * np.less(margin, 1.0).astype(np.asarray(margin).dtype)


class LogisticMarginLoss(MarginCost):
    """`LogisticLoss` for labels -1 and +1."""

    def of_margin(self, margin: FloatArray) -> FloatArray:
        return softplus(-margin)

    def slope(self, margin: FloatArray) -> FloatArray:
        return -sigmoid(-margin)

    def curvature(self, margin: FloatArray) -> FloatArray:
        return sigmoid.derivative(pre_activation=margin)


class ExponentialLoss(MarginCost):
    r"""AdaBoost's, :math:`e^{-m}` [1]_: a bad mistake outweighs everything else.

    Beyond a margin of about -709 (-88 in ``float32``) cost and slope are infinite.

    References
    ----------
    .. [1] J. Friedman, T. Hastie and R. Tibshirani, "Additive logistic regression: a statistical
       view of boosting", Annals of Statistics 28 (2000), pp. 337-407.
    """

    def of_margin(self, margin: FloatArray) -> FloatArray:
        with np.errstate(over="ignore"):
            return np.exp(-margin)

    def slope(self, margin: FloatArray) -> FloatArray:
        return -self.of_margin(margin)

    def curvature(self, margin: FloatArray) -> FloatArray:
        return self.of_margin(margin)


MARGIN_COSTS: dict[str, MarginCost] = {
    "zero-one": ZeroOneMarginLoss(),
    "perceptron": PerceptronLoss(),
    "hinge": HingeLoss(),
    "squared hinge": SquaredHingeLoss(),
    "logistic": LogisticMarginLoss(),
    "exponential": ExponentialLoss(),
}
