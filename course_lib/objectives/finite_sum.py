r"""A function made into a mean over samples, so that batches of it are noisy.

Chapter: *Variants of gradient descent*.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.objectives.base import Batch, Objective
from course_lib.validation import FloatArray, check_array, check_batch


class FiniteSum(Objective):
    r"""Any objective as a mean of tilted copies of itself.

    .. math:: f(\theta) = \frac1n \sum_{i=1}^n \bigl( f(\theta) + c_i^\top \theta \bigr),
              \qquad \sum_i c_i = 0 .

    The gradient of sample :math:`i` is the true one plus :math:`c_i`: noise of the same known
    covariance everywhere, on a landscape of one's choice.

    Parameters
    ----------
    objective
        :math:`f`.
    slopes
        The :math:`c_i`, shape (n_samples, n_parameters). Their mean is taken off.
    """

    def __init__(self, objective: Objective, slopes: ArrayLike) -> None:
        self.objective = objective
        self.n_parameters = objective.n_parameters
        slopes = check_array("slopes", slopes, shape=(None, self.n_parameters))
        if len(slopes) == 0:
            raise ValueError("slopes must hold at least one sample, got none")
        self.slopes = slopes - slopes.mean(axis=0)
        self.n_samples = len(slopes)
        self.is_quadratic = objective.is_quadratic

    def _tilt(self, batch: Batch | None) -> FloatArray | float:
        if batch is None:
            return np.zeros(self.n_parameters)
        return self.slopes[check_batch("batch", batch, self.n_samples)].mean(axis=0)

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        return self.objective.value(theta) + float(self._tilt(batch) @ theta)

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        tilt = self._tilt(batch)
        # The tilt's share of the value first: a caller may hand in theta itself as ``out``.
        share = float(tilt @ theta)
        value, _ = self.objective.value_and_gradient(theta, None, out)
        out += tilt
        return value + share

    def hessian(self, theta: ArrayLike) -> FloatArray:
        return self.objective.hessian(theta)

    def __repr__(self) -> str:
        return f"FiniteSum({self.objective!r}, {self.n_samples} samples)"
