r"""Penalties: a price on large weights.

Chapter: *Regularization*. A penalty :math:`\Omega` is added to the mean cost,
:math:`J(\theta) = \frac1n \sum_i \ell_i(\theta) + \Omega(\theta)`. It is a sum over the weights of

============== ======================= ==================== ========== =============================
penalty        of one weight           gradient             Hessian    proximal operator, step η
============== ======================= ==================== ========== =============================
`L2`           λ w² / 2                λ w                  λ          w / (1 + ηλ)
`L1`           λ abs(w)                λ sign(w)            0          sign(w) max(abs(w) − ηλ, 0)
`ElasticNet`   ρ L1 + (1 − ρ) L2       the same sum         the same   threshold, then shrink
============== ======================= ==================== ========== =============================

The absolute value has no derivative at 0: the subgradient taken there is 0, the smallest of
:math:`[-\lambda, \lambda]`. A gradient step on L1 never makes a weight exactly zero; the proximal
operator does,

.. math:: \operatorname{prox}_{\eta\Omega}(w)
          = \arg\min_u \; \tfrac12 \|u - w\|^2 + \eta\, \Omega(u) .

A mask says which entries of ``theta`` are penalised. A bias should not be: shifting all targets
must shift the predictions by as much, and do nothing else.

References
----------
.. [1] A. E. Hoerl and R. W. Kennard, "Ridge regression: biased estimation for nonorthogonal
   problems", Technometrics 12 (1970), pp. 55-67.
.. [2] R. Tibshirani, "Regression shrinkage and selection via the lasso", Journal of the Royal
   Statistical Society B 58 (1996), pp. 267-288.
.. [3] H. Zou and T. Hastie, "Regularization and variable selection via the elastic net", Journal of
   the Royal Statistical Society B 67 (2005), pp. 301-320.
.. [4] A. Beck and M. Teboulle, "A fast iterative shrinkage-thresholding algorithm for linear
   inverse problems", SIAM Journal on Imaging Sciences 2 (2009), pp. 183-202.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from copy import copy

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.validation import FloatArray, check_real


class Penalty(ABC):
    r"""A sum over the penalised entries of ``theta``.

    Parameters
    ----------
    strength
        The factor :math:`\lambda`, not negative.
    mask
        Shape (n_parameters,), True where an entry is penalised; every entry if not given.
    """

    #: Whether the second derivative is the same everywhere.
    is_quadratic = False

    def __init__(self, strength: float, mask: ArrayLike | None = None) -> None:
        self.strength = check_real("strength", strength, at_least=0)
        self.mask = None if mask is None else _check_mask(mask)

    def value(self, theta: FloatArray) -> float:
        """Return the penalty of ``theta``, shape (n_parameters,)."""
        return float(self._of(theta, self._strengths(theta)).sum())

    def gradient(self, theta: FloatArray) -> FloatArray:
        """Return the gradient (at a kink the subgradient), shape (n_parameters,)."""
        return self._slope(theta, self._strengths(theta))

    def hessian_diagonal(self, theta: FloatArray) -> FloatArray:
        """Return the second derivatives, shape (n_parameters,); the mixed ones are zero."""
        return np.zeros_like(theta) + self._curvature(self._strengths(theta))

    def proximal(
        self, theta: FloatArray, step_size: float, out: FloatArray | None = None
    ) -> FloatArray:
        r"""Return the point that trades nearness to ``theta`` against the penalty.

        Parameters
        ----------
        theta
            Shape (n_parameters,).
        step_size
            The :math:`\eta` of the gradient step that came before.
        out
            Where to write; it may be ``theta`` itself.
        """
        step_size = check_real("step_size", step_size, at_least=0)
        shrunk = self._shrink(theta, step_size * self._strengths(theta))
        if out is None:
            return shrunk
        np.copyto(out, shrunk)
        return out

    def with_mask(self, mask: ArrayLike | None) -> Penalty:
        """Return the same penalty on other entries of ``theta``."""
        other = copy(self)
        other.mask = None if mask is None else _check_mask(mask)
        return other

    @abstractmethod
    def _of(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        """Return the penalty of every weight."""

    @abstractmethod
    def _slope(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        """Return the derivative of `_of`."""

    @abstractmethod
    def _curvature(self, strength: float | FloatArray) -> float | FloatArray:
        """Return the second derivative of `_of`."""

    @abstractmethod
    def _shrink(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        """Return the proximal operator of `_of`."""

    def _strengths(self, theta: FloatArray) -> float | FloatArray:
        """Return what each entry of ``theta`` is penalised with: one number, or zero off mask."""
        if self.mask is None:
            return self.strength
        if self.mask.shape != theta.shape:
            raise ValueError(
                f"the mask of {self!r} must have the shape of theta, {theta.shape}, got "
                f"{self.mask.shape}"
            )
        return np.multiply(self.mask, self.strength, dtype=theta.dtype)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.strength:g})"


class L2(Penalty):
    r"""Ridge [1]_, :math:`\frac\lambda2 \sum w^2`.

    Pulls every weight towards zero in proportion to its size, and none onto it.
    """

    is_quadratic = True

    def _of(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        return 0.5 * strength * w * w

    def _slope(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        return strength * w

    def _curvature(self, strength: float | FloatArray) -> float | FloatArray:
        return strength

    def _shrink(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        return w / (1.0 + strength)


class L1(Penalty):
    r"""The lasso [2]_, :math:`\lambda \sum |w|`.

    Pulls every weight with the same force; at the minimum some are exactly zero.
    """

    def _of(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        return strength * np.abs(w)

    def _slope(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        return strength * np.sign(w)

    def _curvature(self, strength: float | FloatArray) -> float | FloatArray:
        return 0.0

    def _shrink(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        return soft_threshold(w, strength)


class ElasticNet(Penalty):
    r"""Both at once [3]_: :math:`\lambda \sum \rho |w| + \tfrac{1 - \rho}{2} w^2`.

    Parameters
    ----------
    strength, mask
        As for every `Penalty`. The strength is what scikit-learn calls ``alpha``.
    l1_ratio
        The share :math:`\rho` of L1, from 0 (ridge) to 1 (lasso).
    """

    def __init__(
        self, strength: float, l1_ratio: float = 0.5, mask: ArrayLike | None = None
    ) -> None:
        super().__init__(strength, mask)
        self.l1_ratio = check_real("l1_ratio", l1_ratio, at_least=0, at_most=1)
        self.is_quadratic = self.l1_ratio == 0

    def _of(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        return strength * (self.l1_ratio * np.abs(w) + 0.5 * (1.0 - self.l1_ratio) * w * w)

    def _slope(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        return strength * (self.l1_ratio * np.sign(w) + (1.0 - self.l1_ratio) * w)

    def _curvature(self, strength: float | FloatArray) -> float | FloatArray:
        return strength * (1.0 - self.l1_ratio)

    def _shrink(self, w: FloatArray, strength: float | FloatArray) -> FloatArray:
        kept = soft_threshold(w, strength * self.l1_ratio)
        return kept / (1.0 + strength * (1.0 - self.l1_ratio))

    def __repr__(self) -> str:
        return f"ElasticNet({self.strength:g}, l1_ratio={self.l1_ratio:g})"


def soft_threshold(w: FloatArray, threshold: float | FloatArray) -> FloatArray:
    """Return ``w`` moved towards zero by ``threshold``, and no farther than zero [4]_."""
    return np.sign(w) * np.maximum(np.abs(w) - threshold, 0.0)


def penalised_entries(slices: Mapping[str, slice], size: int) -> NDArray[np.bool_]:
    """Return the mask that leaves out biases and gains: parts whose name ends in one of these.

    Parameters
    ----------
    slices
        Where each named part lies in the flat vector: ``ParameterLayout.slices``.
    size
        The length of the flat vector.
    """
    mask = np.ones(size, dtype=bool)
    for name, part in slices.items():
        if name.endswith(("bias", "gain")):
            mask[part] = False
    return mask


def _check_mask(mask: ArrayLike) -> NDArray[np.bool_]:
    array = np.asarray(mask)
    if array.dtype != bool or array.ndim != 1:
        raise TypeError(
            "mask must be a 1-D array of booleans, True where theta is penalised, got dtype "
            f"{array.dtype} and shape {array.shape}"
        )
    return array
