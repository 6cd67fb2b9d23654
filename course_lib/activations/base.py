"""What every activation can be asked for: its values, and the gradient carried back through it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Literal

import numpy as np
from numpy.typing import ArrayLike

from course_lib.validation import FloatArray


class Activation(ABC):
    """A function of the pre-activations of a layer.

    It is called like a function, ``relu(z)``. With ``out`` it writes into an array that may be
    ``z`` itself.
    """

    #: What `backward` wants to be given; the other array need not be kept between the passes.
    saves: Literal["activation", "pre_activation"] = "activation"

    def __call__(self, z: ArrayLike, out: FloatArray | None = None) -> FloatArray:
        """Return the activations of the pre-activations ``z``, in their shape and dtype."""
        z = as_floating(z)
        a = np.empty_like(z) if out is None else out
        self._write(z, a)
        return a if a.ndim else a[()]

    @abstractmethod
    def backward(
        self, upstream: FloatArray, saved: FloatArray, out: FloatArray | None = None
    ) -> FloatArray:
        """Return the gradient with respect to the pre-activation.

        Parameters
        ----------
        upstream
            The gradient with respect to the activation.
        saved
            The activation or the pre-activation, as `saves` says.
        out
            Where to write; it may be ``upstream`` itself.
        """

    @abstractmethod
    def _write(self, z: FloatArray, out: FloatArray) -> None:
        """Write the activations into ``out``, which may be ``z``."""


class Elementwise(Activation):
    """A function applied to each number by itself.

    A subclass states the slope at the input, and at the output where that determines it.
    """

    @property
    def limits(self) -> tuple[float, float]:
        """Return the smallest and the largest activation there is."""
        return -np.inf, np.inf

    def derivative(
        self,
        *,
        pre_activation: ArrayLike | None = None,
        activation: ArrayLike | None = None,
    ) -> FloatArray:
        """Return the derivative of the activation with respect to the pre-activation.

        Parameters
        ----------
        pre_activation
            What went into the function, :math:`z`. Accurate everywhere.
        activation
            What came out of it, :math:`a`. Cheaper, and less accurate where the function
            saturates: an :math:`a` that was rounded to 1 has forgotten how large :math:`z` was.

        Raises
        ------
        TypeError
            If not exactly one of them is given.
        ValueError
            If the function never has such an activation, or the activation does not determine the
            slope.
        """
        if (pre_activation is None) == (activation is None):
            raise TypeError(
                f"the derivative of {self!r} takes one of pre_activation= (what went in) and "
                "activation= (what came out), got both or neither"
            )
        if activation is None:
            z = as_floating(pre_activation)
            return self._slope_at_input(z).astype(z.dtype, copy=False)[()]
        if self.saves != "activation":
            raise ValueError(
                f"{self!r} takes one value at two points of different slope, so the activation "
                "does not determine the derivative: give pre_activation="
            )
        a = as_floating(activation)
        self._check_output(a)
        return self._slope_at_output(a).astype(a.dtype, copy=False)[()]

    def backward(
        self, upstream: FloatArray, saved: FloatArray, out: FloatArray | None = None
    ) -> FloatArray:
        r"""Return :math:`\delta \odot f'(z)`, with δ the gradient from above."""
        from_output = self.saves == "activation"
        slope = self._slope_at_output(saved) if from_output else self._slope_at_input(saved)
        return np.multiply(upstream, slope, out=out)

    @abstractmethod
    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        """Return the derivative at the pre-activation ``z``."""

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        """Return the derivative where the activation is ``a``."""
        raise NotImplementedError(f"{self!r} is differentiated at its input")

    def _check_output(self, a: FloatArray) -> None:
        low, high = self.limits
        slack = 1e-6 * max([1.0, *(abs(limit) for limit in (low, high) if np.isfinite(limit))])
        outside = (a < low - slack) | (a > high + slack)
        if outside.any():
            raise ValueError(
                f"activation must lie between {low:g} and {high:g}, as every output of {self!r} "
                f"does, got {a[outside].flat[0]:g}: is it what went in? Then give pre_activation="
            )


def as_floating(values: ArrayLike) -> FloatArray:
    """Return an array of floating (or complex) numbers, without a copy where it is one already."""
    array = np.asarray(values)
    return array if array.dtype.kind in "fc" else array.astype(np.float64)
