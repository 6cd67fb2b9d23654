r"""The objective of binary logistic regression, evaluated without a temporary array.

Chapter: *Linear learners*. It is the `EmpiricalRisk` of a `LinearModel` and the log loss. Fold the
label :math:`y = \pm 1` into the row, :math:`z = y\,(x, 1)`, and the margins of all samples are one
product with :math:`\theta`:

.. math:: J(\theta) = \frac1n \sum_i \log\bigl(1 + e^{-z_i^\top \theta}\bigr) + \Omega(\theta),
          \qquad
          \nabla J = -\frac1n \sum_i \sigma(-z_i^\top \theta)\, z_i + \nabla \Omega .

An array of some 10 000 numbers costs more to allocate than to fill, so the room is kept.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from course_lib.objectives.base import Batch, Objective
from course_lib.penalties import Penalty
from course_lib.validation import FloatArray


def fold(X: FloatArray, codes: NDArray[np.intp], intercept: bool) -> FloatArray:
    """Return the rows :math:`z`, shape (n_samples, n_features + 1).

    The last column is zero without an intercept.
    """
    signs = np.where(codes == 1, 1.0, -1.0).astype(X.dtype)
    rows = np.empty((len(X), X.shape[1] + 1), X.dtype)
    np.multiply(X, signs[:, None], out=rows[:, :-1])
    rows[:, -1] = signs if intercept else 0.0
    return rows


class FoldedLogisticRisk(Objective):
    """Mean log loss of folded rows, plus a penalty.

    Parameters
    ----------
    rows
        What `fold` made, shape (n_samples, n_parameters).
    penalty
        With a mask that leaves out the bias.
    weight
        Shape (n_samples,), with mean 1.
    """

    def __init__(
        self, rows: FloatArray, penalty: Penalty | None = None, weight: FloatArray | None = None
    ) -> None:
        self.rows = rows
        self.n_samples, self.n_parameters = rows.shape
        self.penalty = penalty
        self.share = (np.ones(len(rows)) if weight is None else weight) / len(rows)
        self.share = self.share.astype(rows.dtype)
        self._margin, self._tail, self._room = np.empty((3, len(rows)), rows.dtype)

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        self._samples_all(batch)
        margin, tail, room = self._margin, self._tail, self._room
        np.dot(self.rows, theta.astype(margin.dtype, copy=False), out=margin)
        np.abs(margin, out=tail)
        np.negative(tail, out=tail)
        np.exp(tail, out=tail)
        # log(1 + e^-m) = max(-m, 0) + log(1 + e^-|m|)
        value = self.share @ np.log1p(tail, out=room)
        value -= self.share @ np.minimum(margin, 0.0, out=room)
        return float(value) + (0.0 if self.penalty is None else self.penalty.value(theta))

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        value = self._value(theta, batch)
        margin, tail, room = self._margin, self._tail, self._room
        # sigma(-m) = e^-|m| / (1 + e^-|m|) right of zero, and 1 / (1 + e^-|m|) left of it.
        np.add(tail, 1.0, out=room)
        np.copyto(tail, 1.0, where=margin <= 0)
        tail /= room
        tail *= self.share
        np.negative(tail @ self.rows, out=out)
        if self.penalty is not None:
            out += self.penalty.gradient(theta)
        return value

    @staticmethod
    def _samples_all(batch: Batch | None) -> None:
        if batch is not None:
            raise ValueError(
                "batch must be None: this objective is for all samples at once; EmpiricalRisk "
                "takes batches"
            )
