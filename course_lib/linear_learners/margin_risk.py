r"""The objectives of two classes, evaluated without an array allocated.

Chapter: *Linear learners*. Each is the `EmpiricalRisk` of a `LinearModel` on a margin cost, for
labels :math:`y = \pm 1`; tests hold them together. Filling an array of some 10 000 numbers costs
less than getting it from the system, so the room is kept, and the data are not copied: neither to
fold in the labels nor to centre them,

.. math:: m_i = y_i \bigl(x_i^\top w + (b - \bar x^\top w)\bigr), \qquad
          \frac{\partial}{\partial w} = \sum_i r_i x_i - \bar x \sum_i r_i .
"""

from __future__ import annotations

from abc import abstractmethod

import numpy as np

from course_lib.objectives.base import Batch, Objective
from course_lib.penalties import Penalty
from course_lib.validation import FloatArray


class MarginRisk(Objective):
    """The mean cost of the margins on all samples, plus a penalty.

    Parameters
    ----------
    X
        Shape (n_samples, n_features).
    signs
        Labels -1 and +1, of the dtype of ``X``.
    penalty
        It must leave out the bias, the last parameter.
    weight
        Shape (n_samples,), with mean 1.
    centre
        What to take away from every row, shape (n_features,); nothing if not given.
    intercept
        Whether the bias has a gradient.
    """

    def __init__(
        self,
        X: FloatArray,
        signs: FloatArray,
        penalty: Penalty | None = None,
        *,
        weight: FloatArray | None = None,
        centre: FloatArray | None = None,
        intercept: bool = True,
    ) -> None:
        self.X, self.signs, self.penalty = X, signs, penalty
        self.n_samples, self.n_parameters = len(X), X.shape[1] + 1
        self.centre, self.intercept = centre, intercept
        self.weight = None if weight is None else weight.astype(X.dtype, copy=False)
        self.margin, self.tail, self.room = np.empty((3, len(X)), X.dtype)

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        if batch is not None:
            raise ValueError(
                "batch must be None: this objective is for all samples at once; EmpiricalRisk "
                "takes batches"
            )
        theta = theta.astype(self.X.dtype, copy=False)
        weights, bias = theta[:-1], theta[-1]
        if self.centre is not None:
            bias = bias - weights @ self.centre
        np.dot(self.X, weights, out=self.margin)
        self.margin += bias
        self.margin *= self.signs
        return self._mean_cost() + (0.0 if self.penalty is None else self.penalty.value(theta))

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        value = self._value(theta, batch)
        residual = self._slope()
        residual *= self.signs
        if self.weight is not None:
            residual *= self.weight
        residual /= len(residual)
        total = residual.sum()
        out[:-1] = residual @ self.X
        out[-1] = total if self.intercept else 0.0
        if self.centre is not None:
            out[:-1] -= total * self.centre
        if self.penalty is not None:
            out += self.penalty.gradient(theta)
        return value

    def _mean(self, costs: FloatArray) -> float:
        if self.weight is not None:
            return float(self.weight @ costs) / len(costs)
        return float(costs.sum()) / len(costs)

    @abstractmethod
    def _mean_cost(self) -> float:
        """Return the mean cost of the margins."""

    @abstractmethod
    def _slope(self) -> FloatArray:
        """Return the derivative of the cost at every margin, in one of the kept arrays."""


class LogisticRisk(MarginRisk):
    r"""The mean of :math:`\log(1 + e^{-m}) = \max(-m, 0) + \log(1 + e^{-|m|})`."""

    def _mean_cost(self) -> float:
        np.abs(self.margin, out=self.tail)
        np.negative(self.tail, out=self.tail)
        np.exp(self.tail, out=self.tail)
        mean = self._mean(np.log1p(self.tail, out=self.room))
        return mean - self._mean(np.minimum(self.margin, 0.0, out=self.room))

    def _slope(self) -> FloatArray:
        # -sigma(-m): with t = e^-|m| it is -t / (1 + t) right of zero, -1 / (1 + t) left of it.
        np.add(self.tail, 1.0, out=self.room)
        np.copyto(self.tail, 1.0, where=self.margin <= 0)
        np.negative(self.room, out=self.room)
        return np.divide(self.tail, self.room, out=self.tail)


class HingeRisk(MarginRisk):
    r"""The mean of :math:`\max(0, 1 - m)`, with the subgradient 0 at the kink."""

    def _mean_cost(self) -> float:
        np.subtract(1.0, self.margin, out=self.room)
        return self._mean(np.maximum(self.room, 0.0, out=self.room))

    def _slope(self) -> FloatArray:
        np.sign(self.room, out=self.tail)
        return np.negative(self.tail, out=self.tail)
