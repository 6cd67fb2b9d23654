"""Activations that multiply the input by a gate between 0 and 1: GELU, swish, mish.

None is monotone: each has a minimum left of zero, so that two inputs share one output, and the
derivative can be had from the input only.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi, sqrt

import numpy as np

from course_lib.activations.base import Elementwise
from course_lib.activations.rectifiers import softplus
from course_lib.activations.squashing import sigmoid
from course_lib.validation import FloatArray, check_real


@dataclass(frozen=True)
class GELU(Elementwise):
    r"""The Gaussian error linear unit [1]_, :math:`z\,\Phi(z)` with the normal distribution Φ.

    References
    ----------
    .. [1] D. Hendrycks and K. Gimpel, "Gaussian error linear units (GELUs)", arXiv:1606.08415,
       2016.
    """

    saves = "pre_activation"

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.multiply(z, _normal_cdf(z), out=out)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        density = np.exp(-0.5 * z * z) / sqrt(2.0 * pi)
        return _normal_cdf(z) + z * density


@dataclass(frozen=True)
class GELUTanh(Elementwise):
    r"""The approximation of `GELU` by tanh, :math:`\tfrac12 z (1 + \tanh u) = z\,\sigma(2 u)`.

    With :math:`u = \sqrt{2/\pi}\,(z + 0.044715\,z^3)`. The form with the sigmoid keeps the digits
    that :math:`1 + \tanh u` cancels on the left.
    """

    saves = "pre_activation"

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.multiply(z, sigmoid(self._twice_u(z)), out=out)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        twice_u = self._twice_u(z)
        rate = sqrt(8.0 / pi) * (1.0 + 3.0 * 0.044715 * z * z)
        return sigmoid(twice_u) + z * rate * sigmoid.derivative(pre_activation=twice_u)

    @staticmethod
    def _twice_u(z: FloatArray) -> FloatArray:
        return sqrt(8.0 / pi) * (z + 0.044715 * z * z * z)


@dataclass(frozen=True)
class Swish(Elementwise):
    r"""The input times its own sigmoid [1]_, :math:`z\,\sigma(\beta z)`.

    Parameters
    ----------
    beta
        1 is also called SiLU; large values approach the rectifier.

    References
    ----------
    .. [1] P. Ramachandran, B. Zoph and Q. V. Le, "Searching for activation functions",
       arXiv:1710.05941, 2017.
    """

    beta: float = 1.0
    saves = "pre_activation"

    def __post_init__(self) -> None:
        check_real("beta", self.beta, above=0)

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.multiply(z, sigmoid(self.beta * z), out=out)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        scaled = self.beta * z
        return sigmoid(scaled) + scaled * sigmoid.derivative(pre_activation=scaled)


@dataclass(frozen=True)
class Mish(Elementwise):
    r"""A relative of swish [1]_, :math:`z \tanh(\log(1 + e^z))`.

    References
    ----------
    .. [1] D. Misra, "Mish: a self regularized non-monotonic activation function",
       arXiv:1908.08681, 2019.
    """

    saves = "pre_activation"

    def _write(self, z: FloatArray, out: FloatArray) -> None:
        np.multiply(z, np.tanh(softplus(z)), out=out)

    def _slope_at_input(self, z: FloatArray) -> FloatArray:
        gate = np.tanh(softplus(z))
        return gate + z * sigmoid(z) * (1.0 - gate * gate)


gelu = GELU()
gelu_tanh = GELUTanh()
swish = Swish()
mish = Mish()


def _normal_cdf(z: FloatArray) -> FloatArray:
    from scipy.special import ndtr  # Loaded when first needed: it would triple the import time.

    return ndtr(z)
