r"""What a wide random layer does to the size of a signal, to its gradient, and to angles.

Chapter: *Vanishing and exploding gradients*. Let the weights of a layer of :math:`n` inputs be
independent with mean 0 and variance :math:`\sigma_w^2 / n`, and its inputs have the mean square
:math:`q`. Given the inputs, every pre-activation is a sum of many independent terms: nearly normal,
with variance :math:`\sigma_w^2 q`. So two expectations under a normal distribution say what the
layer does [1]_, [2]_:

.. math::
    q \leftarrow \mathbb{E}\,\phi(s z)^2, \qquad
    \mathbb{E}\,\delta_{l-1}^2 = \sigma_w^2\; \mathbb{E}\,\phi'(s z)^2\;\; \mathbb{E}\,\delta_l^2,
    \qquad s^2 = \sigma_w^2 q, \quad z \sim \mathcal{N}(0, 1).

References
----------
.. [1] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015,
   pp. 1026-1034.
.. [2] S. S. Schoenholz, J. Gilmer, S. Ganguli and J. Sohl-Dickstein, "Deep information
   propagation", ICLR 2017.
.. [3] Y. Cho and L. K. Saul, "Kernel methods for deep learning", NeurIPS 2009.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from course_lib.activations import Activation, Elementwise, named_activation
from course_lib.validation import FloatArray, check_real

#: Midpoints of small cells: a kink at zero lies between two of them, where it does no harm.
_CELL = 1e-3
_GRID = np.arange(-12_000, 12_000) * _CELL + _CELL / 2
_WEIGHT = np.exp(-(_GRID**2) / 2) / np.sqrt(2 * np.pi) * _CELL


@dataclass(frozen=True)
class GaussianMoments:
    r"""What an activation makes of a normal pre-activation.

    Attributes
    ----------
    mean : float
        :math:`\mathbb{E}\,\phi(s z)`.
    second_moment : float
        :math:`\mathbb{E}\,\phi(s z)^2`.
    squared_slope : float
        :math:`\mathbb{E}\,\phi'(s z)^2`.
    """

    mean: float
    second_moment: float
    squared_slope: float


def gaussian_moments(activation: str | Activation, scale: float = 1.0) -> GaussianMoments:
    r"""Return the moments of an activation whose input is normal with mean 0.

    Parameters
    ----------
    activation
        A name or an elementwise `Activation`.
    scale
        The standard deviation :math:`s` of the input.

    Examples
    --------
    >>> moments = gaussian_moments("relu")
    >>> round(moments.mean, 4), round(moments.second_moment, 4), round(moments.squared_slope, 4)
    (0.3989, 0.5, 0.5)
    """
    phi = named_activation(activation)
    if not isinstance(phi, Elementwise):
        raise TypeError(f"activation must act on each number by itself, got {phi!r}")
    z = check_real("scale", scale, above=0) * _GRID
    value, slope = phi(z), phi.derivative(pre_activation=z)
    return GaussianMoments(
        mean=float(_WEIGHT @ value),
        second_moment=float(_WEIGHT @ value**2),
        squared_slope=float(_WEIGHT @ slope.astype(float) ** 2),
    )


def relu_cosine(cosine: ArrayLike) -> FloatArray:
    r"""Return the cosine between two signals after a wide random ReLU layer [3]_.

    .. math:: c \leftarrow \frac{\sqrt{1 - c^2} + (\pi - \arccos c)\, c}{\pi}

    Parameters
    ----------
    cosine
        The cosine :math:`c` before it. The variance of the weights makes no difference.

    Examples
    --------
    >>> float(relu_cosine(-1.0)), round(float(relu_cosine(0.0)), 4), float(relu_cosine(1.0))
    (0.0, 0.3183, 1.0)
    """
    c = np.asarray(cosine, dtype=float)
    if (np.abs(c) > 1).any():
        raise ValueError(f"cosine must lie between -1 and 1, got {c[np.abs(c) > 1].flat[0]:g}")
    return (np.sqrt(1 - c * c) + (np.pi - np.arccos(c)) * c) / np.pi
