"""What every cost can be asked for: its value, its gradient, its second derivative."""

from __future__ import annotations

from abc import ABC, abstractmethod

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray, check_array, check_vector


class Cost(ABC):
    """The mean over samples of the cost of one prediction.

    The mathematics is in `pointwise`, `derivative` and `second_derivative`; they check nothing and
    broadcast, so that a whole curve is one call. `value` and `gradient` are the means over a batch;
    they check what they are given.
    """

    #: Whether the second derivative does not depend on the prediction.
    is_quadratic = False

    @abstractmethod
    def pointwise(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Return the cost of every prediction, or of every row where its entries belong together.

        ``prediction`` and ``target`` have shape (n_samples,) or (n_samples, n_outputs).
        """

    @abstractmethod
    def derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Return the derivative of `pointwise`, in the shape of ``prediction``."""

    def second_derivative(self, prediction: FloatArray, target: FloatArray) -> FloatArray:
        """Return the second derivative of `pointwise` with respect to the prediction.

        In the shape of ``prediction`` where mixed derivatives are zero, else a matrix a sample,
        shape (n_samples, n_outputs, n_outputs).
        """
        raise NotImplementedError(f"{type(self).__name__} has no second derivative")

    def pointwise_and_derivative(
        self, prediction: FloatArray, target: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        """Return both, sharing the work where they have some in common."""
        return self.pointwise(prediction, target), self.derivative(prediction, target)

    def value(
        self, prediction: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> float:
        r"""Return the mean cost over the samples, :math:`\sum_i w_i \ell_i / \sum_i w_i`.

        Parameters
        ----------
        prediction
            Shape (n_samples,) or (n_samples, n_outputs); the costs of several outputs are summed.
        target
            Shaped like ``prediction``, or (n_samples,) class numbers where the cost takes them.
        sample_weight
            Shape (n_samples,), not negative; every sample counts the same if not given.

        Raises
        ------
        ValueError
            If the shapes do not fit, or a prediction or target is not one that the cost is for.
        """
        prediction, target = self.check(prediction, target)
        costs = self.pointwise(prediction, target)
        if sample_weight is None:
            return float(costs.sum() / len(prediction))
        weight = check_sample_weight(sample_weight, len(prediction))
        return float(weigh(costs, weight).sum() / weight.sum())

    def gradient(
        self, prediction: ArrayLike, target: ArrayLike, sample_weight: ArrayLike | None = None
    ) -> FloatArray:
        """Return the gradient of `value` with respect to the predictions, in their shape."""
        prediction, target = self.check(prediction, target)
        slopes = self.derivative(prediction, target)
        if sample_weight is None:
            return slopes / len(prediction)
        weight = check_sample_weight(sample_weight, len(prediction))
        return weigh(slopes, weight / weight.sum())

    def check(self, prediction: ArrayLike, target: ArrayLike) -> tuple[FloatArray, FloatArray]:
        """Return both as arrays fit for `pointwise`, or say what is wrong with them."""
        prediction, target = self.check_prediction(prediction), self.check_target(target)
        if len(prediction) == 0:
            raise ValueError("prediction must hold at least one sample, got none")
        self.check_shapes(prediction, target)
        if target.dtype.kind == "f":  # Not class numbers: float32 stays float32.
            target = target.astype(prediction.dtype, copy=False)
        return prediction, target

    def check_prediction(self, prediction: ArrayLike) -> FloatArray:
        """Return the predictions as an array, or say why the cost is not for them."""
        return check_array("prediction", prediction, ndim=(1, 2))

    def check_target(self, target: ArrayLike, name: str = "target") -> FloatArray:
        """Return the targets as an array, or say why the cost is not for them."""
        return check_array(name, target, ndim=(1, 2))

    def check_shapes(self, prediction: FloatArray, target: FloatArray) -> None:
        """Raise where predictions and targets do not belong together."""
        if prediction.shape != target.shape:
            raise ValueError(
                f"prediction and target must have the same shape, got {prediction.shape} and "
                f"{target.shape}{_advice(prediction, target)}"
            )

    def __repr__(self) -> str:
        return f"{type(self).__name__}()"


def check_sample_weight(sample_weight: ArrayLike, n_samples: int) -> FloatArray:
    """Return the weights of the samples as an array, shape (n_samples,)."""
    weight = check_vector("sample_weight", sample_weight, n_samples)
    if (weight < 0).any():
        raise ValueError(f"sample_weight must not be negative, got {weight.min():g}")
    if not weight.any():
        raise ValueError("sample_weight must have a positive entry: all samples are left out")
    return weight


def weigh(rows: FloatArray, weight: FloatArray) -> FloatArray:
    """Return every row times its weight. Weight 0 leaves a row out, even an infinite one."""
    weight = weight.astype(rows.dtype, copy=False).reshape(-1, *[1] * (rows.ndim - 1))
    return np.multiply(rows, weight, out=np.zeros_like(rows), where=weight > 0)


def _advice(prediction: FloatArray, target: FloatArray) -> str:
    if len(prediction) == len(target) and prediction.size == target.size:
        return ": numpy would pair each prediction with every target; use .ravel() on the column"
    return ""
