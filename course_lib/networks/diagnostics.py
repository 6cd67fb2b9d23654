r"""Diagnostics: what arrives at each layer, on the way forward and on the way back.

Chapter: *Vanishing and exploding gradients*. On the way back the gradient is multiplied by a
Jacobian a layer. If these shrink it, or stretch it, by a factor :math:`\rho` on average, then
:math:`d` layers do so by :math:`\rho^d`: the table of gradient norms shows a straight line on a
logarithmic axis, and its slope is :math:`\log \rho`. A unit whose activation has the slope zero
on every sample receives no gradient at all, and stays as it is: it is dead.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike

from course_lib.activations import Elementwise
from course_lib.costs.base import Cost
from course_lib.networks.layers import Layer
from course_lib.networks.network import Network
from course_lib.validation import FloatArray


@dataclass(frozen=True)
class LayerReport:
    """What one layer did on a batch.

    Norms are root mean squares over samples and units, so that layers of different width compare.

    Attributes
    ----------
    name : str
        Number and kind of the layer.
    activation_mean, activation_std, activation_norm : float
        Of the layer's outputs; the norm is their root mean square.
    gradient_norm : float
        Of the cost of one sample with respect to the layer's outputs.
    parameter_gradient_norm : float
        The Euclidean norm of the gradient of the mean cost with respect to the layer's parameters;
        0 where it has none.
    dead_units : float
        The share of the units whose activation has a zero slope on every sample; NaN for layers
        without an elementwise activation.
    similarity : float
        The mean cosine between the outputs of two different samples. Near 1 the layer says of every
        sample the same thing, whatever the norms are.
    """

    name: str
    activation_mean: float
    activation_std: float
    activation_norm: float
    gradient_norm: float
    parameter_gradient_norm: float
    dead_units: float
    similarity: float


def layer_reports(
    network: Network,
    theta: FloatArray,
    X: ArrayLike,
    y: ArrayLike,
    cost: Cost,
    *,
    training: bool = False,
) -> list[LayerReport]:
    """Return a report on each layer, from the first to the last.

    Parameters
    ----------
    network, theta
        The network, and where it stands.
    X, y
        A batch of samples, and its targets.
    cost
        Of the network's outputs.
    training
        Whether to pass as in training: dropping units, normalising by the batch (which brings the
        running averages up to date).
    """
    x = network._inputs(theta, X)
    gradient = np.empty_like(theta)
    parts, gradient_parts = network.views(theta), network.views(gradient)
    outputs, saved = [], []
    for layer, own in zip(network.layers, parts, strict=True):
        x, kept = layer.forward(own, x, training)
        outputs.append(x)
        saved.append(kept)
    upstream = np.array(cost.gradient(x, y), dtype=theta.dtype)
    upstreams: list[FloatArray] = []
    for k in range(len(network.layers) - 1, -1, -1):
        upstreams.insert(0, upstream.copy())
        upstream = network.layers[k].backward(parts[k], saved[k], upstream, gradient_parts[k])
    named = network.layout.views(gradient)
    return [
        LayerReport(
            name=f"{k} {type(layer).__name__}",
            activation_mean=float(output.mean()),
            activation_std=float(output.std()),
            activation_norm=_root_mean_square(output),
            # The mean cost divides each sample's gradient by their number.
            gradient_norm=len(output) * _root_mean_square(back),
            parameter_gradient_norm=float(
                np.sqrt(sum((g**2).sum() for name, g in named.items() if name.startswith(f"{k}.")))
            ),
            dead_units=_share_of_dead_units(layer, output, kept),
            similarity=_mean_cosine(output),
        )
        for k, (layer, output, back, kept) in enumerate(
            zip(network.layers, outputs, upstreams, saved, strict=True), 1
        )
    ]


def _root_mean_square(values: FloatArray) -> float:
    return float(np.sqrt(np.mean(np.square(values))))


def _mean_cosine(rows: FloatArray) -> float:
    n = len(rows)
    if n < 2:
        return float("nan")
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    directions = np.divide(rows, lengths, out=np.zeros_like(rows), where=lengths > 0)
    # The squared length of the sum of n unit vectors is n plus the cosines of all pairs.
    own = (directions**2).sum()
    return float(((directions.sum(axis=0) ** 2).sum() - own) / (n * (n - 1)))


def _share_of_dead_units(layer: Layer, output: FloatArray, saved: Any) -> float:
    activation = getattr(layer, "activation", None)
    if not isinstance(activation, Elementwise):
        return float("nan")
    kept = saved[1] if isinstance(saved, tuple) else saved
    if kept is None:  # A linear layer: its slope is 1.
        return 0.0
    # What the way back would do to a gradient of ones is the slope.
    slope = activation.backward(np.ones_like(output), kept)
    return float((slope == 0).all(axis=0).mean())
