r"""Initialisers: the weights before the first step.

Chapters: *Backpropagation*, *Vanishing and exploding gradients*. All zeros keep the units of a
layer equal for ever; random numbers of one fixed size shrink or blow up the signal from layer to
layer. The remedy is a variance that depends on the fan-in and the fan-out, the numbers of inputs
and outputs of a unit, and on the activation that follows:

==================== ======================================================== =====================
initialiser          variance of a weight                                     for
==================== ======================================================== =====================
``small_random``     :math:`\text{scale}^2`, whatever the layer               shallow networks
``lecun_normal``     :math:`1 / n_\text{in}`                                  SELU; forward pass
``glorot_normal``    :math:`2 / (n_\text{in} + n_\text{out})`                 tanh, linear units
``he_normal``        :math:`2 / ((1 + s^2)\, n_\text{in})`, s the left slope  ReLU and leaky ReLU
==================== ======================================================== =====================

Each has a ``_uniform`` twin of the same variance :math:`v`, on :math:`[-\sqrt{3v}, \sqrt{3v}]`.
`orthogonal` keeps lengths exactly instead of on average. Biases start at `zeros`.

Weights have shape (n_in, n_out), as in ``X @ W``; filters have shape (n_out, n_in, height, width).
The numbers are drawn in double precision and then rounded to ``dtype``: a run in ``float32`` starts
from the same point.

References
----------
.. [1] Y. LeCun, L. Bottou, G. B. Orr and K.-R. Müller, "Efficient BackProp", in Neural Networks:
   Tricks of the Trade, Springer, 1998.
.. [2] X. Glorot and Y. Bengio, "Understanding the difficulty of training deep feedforward neural
   networks", AISTATS 2010, pp. 249-256.
.. [3] K. He, X. Zhang, S. Ren and J. Sun, "Delving deep into rectifiers", ICCV 2015,
   pp. 1026-1034.
.. [4] A. M. Saxe, J. L. McClelland and S. Ganguli, "Exact solutions to the nonlinear dynamics of
   learning in deep linear neural networks", ICLR 2014.
"""

from __future__ import annotations

from collections.abc import Callable
from math import prod, sqrt

import numpy as np
from numpy.typing import DTypeLike

from course_lib.validation import FloatArray, check_choice, check_integer, check_real

Shape = tuple[int, ...]
Seed = int | np.random.Generator


def fan_in_and_out(shape: Shape) -> tuple[int, int]:
    """Return how many inputs a unit of the layer has, and how many outputs an input feeds.

    Parameters
    ----------
    shape
        (n_in, n_out) of a dense layer, or (n_out, n_in, ...) of filters: then both counts are
        multiplied by the size of a filter.
    """
    shape = _check_shape(shape)
    if len(shape) < 2:
        raise ValueError(
            f"shape must have at least two entries to have a fan-in and a fan-out, got {shape}: "
            "biases start at zeros(shape)"
        )
    if len(shape) == 2:
        return shape
    size = prod(shape[2:])
    return shape[1] * size, shape[0] * size


def zeros(shape: Shape, seed: Seed | None = None, *, dtype: DTypeLike = np.float64) -> FloatArray:
    """Return zeros: right for biases. ``seed`` is not used; all initialisers take one."""
    return np.zeros(_check_shape(shape), dtype)


def small_random(
    shape: Shape, seed: Seed, *, scale: float = 0.01, dtype: DTypeLike = np.float64
) -> FloatArray:
    """Return normal numbers of standard deviation ``scale``, whatever the fan-in."""
    return _normal(shape, seed, check_real("scale", scale, above=0) ** 2, dtype)


def small_random_uniform(
    shape: Shape, seed: Seed, *, scale: float = 0.01, dtype: DTypeLike = np.float64
) -> FloatArray:
    """Return uniform numbers of standard deviation ``scale``, whatever the fan-in."""
    return _uniform(shape, seed, check_real("scale", scale, above=0) ** 2, dtype)


def lecun_normal(shape: Shape, seed: Seed, *, dtype: DTypeLike = np.float64) -> FloatArray:
    """Return normal weights that keep the variance of the signal of linear units [1]_."""
    return _normal(shape, seed, _lecun_variance(shape), dtype)


def lecun_uniform(shape: Shape, seed: Seed, *, dtype: DTypeLike = np.float64) -> FloatArray:
    """Return uniform weights of the variance of `lecun_normal`."""
    return _uniform(shape, seed, _lecun_variance(shape), dtype)


def glorot_normal(shape: Shape, seed: Seed, *, dtype: DTypeLike = np.float64) -> FloatArray:
    """Return the normal weights of Glorot and Bengio [2]_, also called Xavier's.

    A compromise: the fan-in alone would keep the signal's variance on the way forward, the fan-out
    alone the gradient's on the way back.
    """
    return _normal(shape, seed, _glorot_variance(shape), dtype)


def glorot_uniform(shape: Shape, seed: Seed, *, dtype: DTypeLike = np.float64) -> FloatArray:
    """Return uniform weights of the variance of `glorot_normal`."""
    return _uniform(shape, seed, _glorot_variance(shape), dtype)


def he_normal(
    shape: Shape, seed: Seed, *, slope: float = 0.0, dtype: DTypeLike = np.float64
) -> FloatArray:
    """Return the normal weights of He et al. [3]_.

    The 2 in their variance makes up for the half of the units that a rectifier switches off.

    Parameters
    ----------
    shape, seed, dtype
        As everywhere in this module.
    slope
        The left slope of a leaky rectifier.
    """
    return _normal(shape, seed, _he_variance(shape, slope), dtype)


def he_uniform(
    shape: Shape, seed: Seed, *, slope: float = 0.0, dtype: DTypeLike = np.float64
) -> FloatArray:
    """Return uniform weights of the variance of `he_normal`."""
    return _uniform(shape, seed, _he_variance(shape, slope), dtype)


def orthogonal(
    shape: Shape, seed: Seed, *, gain: float = 1.0, dtype: DTypeLike = np.float64
) -> FloatArray:
    """Return a matrix with orthonormal rows or columns [4]_, whichever are fewer, times ``gain``.

    Uniformly distributed: the QR factorization of a Gaussian matrix, with the signs of R's diagonal
    moved into Q. Filters are flattened to (n_out, n_in * height * width) first.
    """
    shape, gain = _check_shape(shape), check_real("gain", gain)
    fan_in_and_out(shape)
    rows, columns = shape[0], prod(shape[1:])
    rng = np.random.default_rng(seed)
    q, r = np.linalg.qr(rng.standard_normal((max(rows, columns), min(rows, columns))))
    q *= np.where(np.diag(r) < 0.0, -gain, gain)
    return (q if rows >= columns else q.T).reshape(shape).astype(dtype)


INITIALIZERS: dict[str, Callable[..., FloatArray]] = {
    "zeros": zeros,
    "small_random": small_random,
    "small_random_uniform": small_random_uniform,
    "lecun_normal": lecun_normal,
    "lecun_uniform": lecun_uniform,
    "glorot_normal": glorot_normal,
    "glorot_uniform": glorot_uniform,
    "he_normal": he_normal,
    "he_uniform": he_uniform,
    "orthogonal": orthogonal,
}


def named_initializer(
    initializer: str | Callable[..., FloatArray],
) -> Callable[..., FloatArray]:
    """Return the initialiser of that name, or the function given."""
    if callable(initializer):
        return initializer
    return INITIALIZERS[check_choice("initializer", initializer, INITIALIZERS)]


def _lecun_variance(shape: Shape) -> float:
    fan_in, _ = fan_in_and_out(shape)
    return 1.0 / fan_in


def _glorot_variance(shape: Shape) -> float:
    return 2.0 / sum(fan_in_and_out(shape))


def _he_variance(shape: Shape, slope: float) -> float:
    fan_in, _ = fan_in_and_out(shape)
    return 2.0 / ((1.0 + check_real("slope", slope) ** 2) * fan_in)


def _normal(shape: Shape, seed: Seed, variance: float, dtype: DTypeLike) -> FloatArray:
    rng = np.random.default_rng(seed)
    return (sqrt(variance) * rng.standard_normal(_check_shape(shape))).astype(dtype)


def _uniform(shape: Shape, seed: Seed, variance: float, dtype: DTypeLike) -> FloatArray:
    rng, bound = np.random.default_rng(seed), sqrt(3.0 * variance)
    return rng.uniform(-bound, bound, _check_shape(shape)).astype(dtype)


def _check_shape(shape: Shape) -> Shape:
    if not isinstance(shape, tuple | list):
        raise TypeError(f"shape must be a tuple such as (n_in, n_out), got {shape!r}")
    return tuple(check_integer(f"shape[{i}]", n, at_least=1) for i, n in enumerate(shape))
