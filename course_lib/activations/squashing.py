"""Activations that saturate on both sides: step, sigmoid, tanh, and softmax over classes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib.activations.base import Activation, Elementwise, as_floating
from course_lib.validation import FloatArray, check_integer


@dataclass(frozen=True)
class Step(Elementwise):
    """The threshold of the perceptron [1]_. Its derivative is zero, so descent cannot train it.

    References
    ----------
    .. [1] F. Rosenblatt, "The perceptron: a probabilistic model for information storage and
       organization in the brain", Psychological Review 65 (1958), pp. 386-408.
    """

    limits = (0.0, 1.0)

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.greater(z, 0.0, out=out, casting="unsafe")

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        return np.zeros_like(z)

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        return np.zeros_like(a)


@dataclass(frozen=True)
class Sigmoid(Elementwise):
    r"""The logistic function :math:`\sigma(z) = 1 / (1 + e^{-z})`: smooth and always positive."""

    limits = (0.0, 1.0)

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.negative(z, out=out)
        # Far to the left exp(-z) is too large for a float, and 1 / inf = 0 is the right answer.
        with np.errstate(over="ignore"):
            np.exp(out, out=out)
        out += 1.0
        np.reciprocal(out, out=out)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        e = np.exp(-np.abs(z))
        return e / (1.0 + e) ** 2

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        return a * (1.0 - a)


@dataclass(frozen=True)
class Tanh(Elementwise):
    r"""The sigmoid centred on zero: :math:`\tanh z = 2 \sigma(2 z) - 1`."""

    limits = (-1.0, 1.0)

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.tanh(z, out=out)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        # 1 / cosh(z)^2, without the overflow of cosh.
        e = np.exp(-2.0 * np.abs(z))
        return 4.0 * e / (1.0 + e) ** 2

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        return 1.0 - a * a


@dataclass(frozen=True)
class Softmax(Activation):
    r"""Scores to probabilities: :math:`a_i = e^{z_i} / \sum_j e^{z_j}`.

    Every output depends on every input, so there is no elementwise derivative but a matrix,

    .. math:: \frac{\partial a_i}{\partial z_j} = a_i (\delta_{ij} - a_j) .

    Parameters
    ----------
    axis
        The axis along which the classes lie.
    """

    axis: int = -1

    def __post_init__(self) -> None:
        check_integer("axis", self.axis)

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        # The largest score of each sample becomes 0: nothing overflows, and the ratio is the same.
        np.subtract(z, z.max(axis=self.axis, keepdims=True), out=out)
        np.exp(out, out=out)
        out /= out.sum(axis=self.axis, keepdims=True)

    def jacobian(self, *, activation: ArrayLike) -> FloatArray:
        """Return the derivatives where the output is ``activation``.

        Returns
        -------
        ndarray of shape (..., n_classes, n_classes)
            Entry ``[..., i, j]`` is the derivative of output i with respect to input j.
        """
        a = np.moveaxis(as_floating(activation), self.axis, -1)
        return a[..., :, None] * (np.eye(a.shape[-1], dtype=a.dtype) - a[..., None, :])

    def backward(
        self, upstream: FloatArray, saved: FloatArray, out: FloatArray | None = None
    ) -> FloatArray:
        r"""Return :math:`a \odot (\delta - a^\top \delta)`: the Jacobian times δ, never formed."""
        inner = (upstream * saved).sum(axis=self.axis, keepdims=True)
        out = np.subtract(upstream, inner, out=out)
        out *= saved
        return out


step = Step()
sigmoid = Sigmoid()
tanh = Tanh()
softmax = Softmax()


def log_softmax(z: ArrayLike, axis: int = -1) -> FloatArray:
    r"""Return :math:`\log \operatorname{softmax}(z)` without taking the logarithm of a zero."""
    scores = as_floating(z)
    shifted = scores - scores.max(axis=axis, keepdims=True)
    return shifted - np.log(np.exp(shifted).sum(axis=axis, keepdims=True))
