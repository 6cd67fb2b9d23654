r"""Costs of a choice among several classes.

A row of the prediction belongs to one sample and has an entry a class. The target is the number of
the class, shape (n_samples,), or a distribution over the classes, shape (n_samples, n_classes); a
one-hot row is the distribution that is sure.

Each exists twice: on probabilities, which are the output of a softmax, and on the scores that go
into it. On the scores nothing overflows or is rounded away: train with these, and do not apply a
softmax before them.

=========================== ======================== =======================================
on the probabilities        on the scores            gradient with respect to the scores
=========================== ======================== =======================================
`CategoricalCrossEntropy`   `SoftmaxCrossEntropy`    softmax(z) − y
`KLDivergence`              `SoftmaxKLDivergence`    softmax(z) − y
=========================== ======================== =======================================

The Hessian with respect to the scores is :math:`\operatorname{diag}(p) - p p^\top` for both.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.activations import softmax
from course_lib.costs.base import Cost
from course_lib.costs.divergences import (
    check_distribution,
    over,
    relative_entropy,
    times_log,
)
from course_lib.validation import FloatArray, check_array


class _CategoricalCost(Cost):
    """A cost of rows: one prediction a class, and a class or a distribution as target."""

    def check_prediction(self, prediction: ArrayLike) -> FloatArray:
        return check_array("prediction", prediction, ndim=2)

    def check_target(self, target: ArrayLike, name: str = "target") -> FloatArray:
        array = check_array(name, target, ndim=(1, 2))
        if array.ndim == 2:
            return check_distribution(
                name, array, ": one row a sample, or the class numbers, shape (n_samples,)"
            )
        wrong = array[(array < 0) | (array != np.floor(array))]
        if wrong.size:
            raise ValueError(
                f"{name} must hold class numbers 0, 1, 2, ... or a row of probabilities a sample, "
                f"got {wrong[0]:g}: numpy.unique(labels, return_inverse=True) numbers the classes"
            )
        return array.astype(np.intp)

    def check_shapes(self, prediction: FloatArray, target: FloatArray) -> None:
        if target.ndim == 2:
            super().check_shapes(prediction, target)
        elif len(prediction) != len(target):
            raise ValueError(
                "prediction and target must have the same number of samples, got shapes "
                f"{prediction.shape} and {target.shape}"
            )
        elif target.max() >= prediction.shape[1]:
            raise ValueError(
                f"target must hold class numbers below {prediction.shape[1]}, the number of "
                f"columns of the prediction, got {target.max()}"
            )


class CategoricalCrossEntropy(_CategoricalCost):
    r"""Log loss of the classes on their predicted probabilities, :math:`-\sum_k y_k \log p_k`.

    For a class number: minus the logarithm of the probability that was given to what happened. A
    probability of 0 for it costs infinity.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return -times_log(one_hot_like(prediction, target), prediction).sum(axis=-1)

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return -over(one_hot_like(prediction, target), prediction)

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return over(one_hot_like(prediction, target), prediction**2)

    def check_prediction(self, prediction: ArrayLike) -> FloatArray:
        array = super().check_prediction(prediction)
        return check_distribution(
            "prediction", array, ": scores (logits) belong to SoftmaxCrossEntropy"
        )


class KLDivergence(CategoricalCrossEntropy):
    r"""The divergence :math:`\sum_k y_k \log (y_k / p_k)` of the prediction from the target.

    It is the cross-entropy less the entropy of the target, which no prediction can change: the
    gradient is the same, and the value is 0 where the prediction is perfect [1]_.

    References
    ----------
    .. [1] S. Kullback and R. A. Leibler, "On information and sufficiency", Annals of Mathematical
       Statistics 22 (1951), pp. 79-86.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return relative_entropy(one_hot_like(prediction, target), prediction)


class SoftmaxCrossEntropy(_CategoricalCost):
    r"""Negative log-likelihood of the classes on the scores: `CategoricalCrossEntropy` of softmax.

    .. math:: \ell(z, y) = \log \sum_k e^{z_k} - \sum_k y_k z_k, \qquad
              \nabla_z \ell = \operatorname{softmax}(z) - y

    The largest score is subtracted from all before anything is exponentiated.
    """

    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return self.pointwise_and_derivative(prediction, target)[0]

    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return self.pointwise_and_derivative(prediction, target)[1]

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        return softmax.jacobian(activation=softmax(prediction))

    def pointwise_and_derivative(
        self, prediction: FloatArray, target: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        # One class a row: numpy reduces fastest along the first axis.
        scores = prediction.T.copy()
        scores -= scores.max(axis=0)
        probability = np.exp(scores)
        total = probability.sum(axis=0)
        probability /= total
        costs = np.log(total)
        if target.ndim == 2:
            costs -= (target.T * scores).sum(axis=0)
            probability -= target.T
        else:
            observed = target, np.arange(len(target))
            costs -= scores[observed]
            probability[observed] -= 1.0
        return costs, probability.T


class SoftmaxKLDivergence(SoftmaxCrossEntropy):
    """`KLDivergence` of the softmax of the scores."""

    def pointwise_and_derivative(
        self, prediction: FloatArray, target: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        costs, slopes = super().pointwise_and_derivative(prediction, target)
        if target.ndim == 2:  # A class number has no entropy.
            costs += times_log(target, target).sum(axis=1)
        return costs, slopes


def one_hot_like(prediction: FloatArray, target: FloatArray) -> FloatArray:
    """Return the target as a distribution a row, in the shape and dtype of ``prediction``."""
    if np.ndim(target) == np.ndim(prediction):
        return target
    rows = np.zeros_like(prediction)
    rows[np.arange(len(rows)), target] = 1.0
    return rows
