"""Activations that let positive inputs pass: the linear unit, rectifiers, softplus."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from course_lib.activations.base import Elementwise
from course_lib.activations.squashing import sigmoid
from course_lib.validation import FloatArray, check_real


@dataclass(frozen=True)
class Identity(Elementwise):
    """The linear unit: the activation is the pre-activation."""

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.copyto(out, z)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        return np.ones_like(z)

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        return np.ones_like(a)


@dataclass(frozen=True)
class ReLU(Elementwise):
    r"""The rectifier :math:`\max(0, z)` [1]_: saturated on the left, unbounded on the right.

    References
    ----------
    .. [1] V. Nair and G. E. Hinton, "Rectified linear units improve restricted Boltzmann
       machines", ICML 2010, pp. 807-814.
    """

    limits = (0.0, np.inf)

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        # A row of zeros and not the number 0: numpy vectorises the maximum of two arrays.
        np.maximum(z, np.zeros(z.shape[-1:], z.dtype), out=out)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        return z > 0.0

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        return a > 0.0


@dataclass(frozen=True)
class LeakyReLU(Elementwise):
    r"""A rectifier that lets a little through on the left, :math:`\max(s z, z)` [1]_.

    Parameters
    ----------
    slope
        The derivative :math:`s` for negative inputs, between 0 and 1.

    References
    ----------
    .. [1] A. L. Maas, A. Y. Hannun and A. Y. Ng, "Rectifier nonlinearities improve neural network
       acoustic models", ICML 2013.
    """

    slope: float = 0.01

    def __post_init__(self) -> None:
        check_real("slope", self.slope, above=0, below=1)

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.maximum(z, self.slope * z, out=out)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        slope = np.multiply(z > 0.0, 1.0 - self.slope, dtype=z.dtype)
        slope += self.slope
        return slope

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        return self._slope_at_input(a)  # The output has the sign of the input.


@dataclass(frozen=True)
class ELU(Elementwise):
    r"""The exponential linear unit [1]_: :math:`\alpha (e^z - 1)` on the left.

    Parameters
    ----------
    alpha
        How far below zero it levels off; the slope is continuous only for 1.

    References
    ----------
    .. [1] D.-A. Clevert, T. Unterthiner and S. Hochreiter, "Fast and accurate deep network
       learning by exponential linear units (ELUs)", ICLR 2016.
    """

    alpha: float = 1.0
    #: A factor on the whole function.
    scale: ClassVar[float] = 1.0

    def __post_init__(self) -> None:
        check_real("alpha", self.alpha, above=0)

    @property
    def limits(self) -> tuple[float, float]:
        """Return the level on the left, and infinity."""
        return -self.scale * self.alpha, np.inf

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        left = self.scale * self.alpha * np.expm1(np.minimum(z, 0.0))
        np.maximum(z, 0.0, out=out)
        out *= self.scale
        out += left

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        left = self.scale * self.alpha * np.exp(np.minimum(z, 0.0))
        return np.where(z > 0.0, self.scale, left)

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        return np.where(a > 0.0, self.scale, a + self.scale * self.alpha)


@dataclass(frozen=True)
class SELU(ELU):
    """The ELU scaled so that mean 0 and variance 1 reproduce themselves [1]_.

    References
    ----------
    .. [1] G. Klambauer, T. Unterthiner, A. Mayr and S. Hochreiter, "Self-normalizing neural
       networks", NeurIPS 2017.
    """

    alpha: float = 1.6732632423543772
    scale: ClassVar[float] = 1.0507009873554805


@dataclass(frozen=True)
class Softplus(Elementwise):
    r"""The smooth rectifier :math:`\log(1 + e^z)`; its derivative is the sigmoid."""

    limits = (0.0, np.inf)

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        # log(1 + e^z) = max(z, 0) + log(1 + e^-|z|): the exponent is never positive.
        tail = np.log1p(np.exp(-np.abs(z)))
        np.maximum(z, 0.0, out=out)
        out += tail

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        return sigmoid(z)

    def _slope_at_output(self, a: FloatArray) -> FloatArray:
        return -np.expm1(-a)


identity = Identity()
relu = ReLU()
leaky_relu = LeakyReLU()
elu = ELU()
selu = SELU()
softplus = Softplus()
