r"""Normalising layers: batch normalisation and layer normalisation.

Chapters: *Vanishing and exploding gradients*, *Regularization*. Both subtract a mean, divide by a
standard deviation, and let the network choose the mean :math:`b` and scale :math:`g` anew,

.. math:: \hat x = \frac{x - \mu}{s}, \quad s = \sqrt{\sigma^2 + \epsilon}, \qquad y = g \hat x + b.

They differ in what :math:`\mu` and :math:`\sigma^2` are taken over: the samples of a batch, for
every feature; or the features, for every sample.

**The way back.** Let :math:`\delta` be the gradient with respect to :math:`\hat x`, which is
:math:`g` times the one with respect to :math:`y`, and let :math:`\langle\cdot\rangle` be the same
mean as in :math:`\mu`. Then :math:`x` acts on :math:`\hat x` in three ways,

.. math::
    d\hat x = \frac{dx - d\mu}{s} - \hat x\, \frac{ds}{s}, \qquad
    d\mu = \langle dx \rangle, \qquad
    \frac{ds}{s} = \frac{\langle (x - \mu)\, dx \rangle}{s^2}
                 = \frac{\langle \hat x\, dx \rangle}{s},

and collecting what multiplies each entry of :math:`dx` in :math:`\sum \delta\, d\hat x` leaves

.. math:: \nabla_x = \frac1s \bigl(\delta - \langle \delta \rangle
                     - \hat x\, \langle \delta \hat x \rangle\bigr).

Descent cannot push what is normalised away: the gradient loses its mean and its part along
:math:`\hat x` (all of it but for the :math:`\epsilon`).

References
----------
.. [1] S. Ioffe and C. Szegedy, "Batch normalization: accelerating deep network training by reducing
   internal covariate shift", ICML 2015, pp. 448-456.
.. [2] J. L. Ba, J. R. Kiros and G. E. Hinton, "Layer normalization", arXiv:1607.06450, 2016.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from course_lib.networks.layers import Layer, Parts, sum_over_samples
from course_lib.validation import FloatArray, check_real


class Normalization(Layer):
    """What both have: a gain and a bias a feature, and the way back.

    Parameters
    ----------
    epsilon
        Added to the variance.
    """

    axis: int

    def __init__(self, *, epsilon: float = 1e-5) -> None:
        self.epsilon = check_real("epsilon", epsilon, above=0)

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {"gain": (self.n_inputs,), "bias": (self.n_inputs,)}

    def initial(self, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, FloatArray]:
        return {"gain": np.ones(self.n_inputs, dtype), "bias": np.zeros(self.n_inputs, dtype)}

    def _statistics(self, x: FloatArray, training: bool) -> tuple[FloatArray, FloatArray]:
        """Return the mean and the variance to normalise by."""
        return x.mean(axis=self.axis, keepdims=True), x.var(axis=self.axis, keepdims=True)

    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        mean, variance = self._statistics(x, training)
        inverse_s = 1.0 / np.sqrt(variance + self.epsilon)
        normalized = x - mean
        normalized *= inverse_s
        y = parts["gain"] * normalized
        y += parts["bias"]
        return y, (normalized, inverse_s, training)

    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        normalized, inverse_s, training = saved
        sum_over_samples(upstream, out=gradients["bias"])
        sum_over_samples(upstream * normalized, out=gradients["gain"])
        delta = np.multiply(upstream, parts["gain"], out=upstream)
        if self._mean_depends_on_inputs(training):
            along = (delta * normalized).mean(axis=self.axis, keepdims=True)
            delta -= delta.mean(axis=self.axis, keepdims=True)
            delta -= normalized * along
        delta *= inverse_s
        return delta

    def _mean_depends_on_inputs(self, training: bool) -> bool:
        return True


class LayerNorm(Normalization):
    r"""Normalise every sample over its features [2]_. Training or not makes no difference.

    Parameters
    ----------
    epsilon
        Added to the variance, so that a sample whose features are all equal has one.
    """

    axis = -1

    def __repr__(self) -> str:
        return "LayerNorm()"


class BatchNorm(Normalization):
    r"""Normalise every feature over the samples of the batch [1]_.

    In training a sample's output depends on who else is in the batch. Outside of it the running
    averages that training left are used: they belong to the state of the network, not to its
    parameters, for descent does not move them.

    Parameters
    ----------
    momentum
        The share of the newest batch in the running averages. (PyTorch's convention; in Keras the
        number called momentum is one minus this.)
    epsilon
        Added to the variance, so that a constant feature has one.

    Notes
    -----
    As in PyTorch the batch is normalised by its variance with denominator n, and the running
    average is of the unbiased variance with denominator n - 1. A batch of one sample has no
    variance, and is an error in training.
    """

    axis = 0
    differs_in_training = True

    def __init__(self, *, momentum: float = 0.1, epsilon: float = 1e-5) -> None:
        super().__init__(epsilon=epsilon)
        self.momentum = check_real("momentum", momentum, above=0, at_most=1)

    def _prepare(self, rng: np.random.Generator | None) -> None:
        self.state = {
            "running_mean": np.zeros(self.n_inputs),
            "running_variance": np.ones(self.n_inputs),
        }

    def _statistics(self, x: FloatArray, training: bool) -> tuple[FloatArray, FloatArray]:
        mean, variance = self.state["running_mean"], self.state["running_variance"]
        if not training:
            return mean.astype(x.dtype), variance.astype(x.dtype)
        n = len(x)
        if n < 2:
            raise ValueError(
                "batch normalisation needs at least 2 samples in a training batch, got 1 sample: "
                "take larger batches, or drop the last one of an epoch"
            )
        of_batch = super()._statistics(x, training)
        for running, new, correction in zip(
            (mean, variance), of_batch, (1.0, n / (n - 1.0)), strict=True
        ):
            running += self.momentum * (correction * new[0] - running)
        return of_batch

    def _mean_depends_on_inputs(self, training: bool) -> bool:
        return training

    def __repr__(self) -> str:
        return f"BatchNorm(momentum={self.momentum:g})"
