r"""A model seen layer by layer: what the Fisher matrix is made of.

Chapter: *Natural gradient*. For a dense layer :math:`z = W^\top a + b` the gradient of one sample
is an outer product, :math:`\nabla_W = a\, \delta^\top` and :math:`\nabla_b = \delta`, of the
layer's input and of the gradient at its output. The pairs :math:`(a, \delta)` hold the gradients
of every single sample in little memory.

Three maps, with :math:`J_i` the Jacobian of the outputs for sample :math:`i`:

========================== ==================================================== ==================
`per_sample_gradients`     :math:`u_i \mapsto J_i^\top u_i`, one a row          backward, in pairs
`output_jacobians`         :math:`J_i` itself                                   the same, an output
                                                                                at a time
`tangent`                  :math:`v \mapsto J_i v`                              forward
========================== ==================================================== ==================

The linear unit and networks of dense layers take these shortcuts (a linear softmax model is a
network of one such layer); any other model is asked sample by sample, and its tangent is a finite
difference.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np

from course_lib.linear_models import LinearModel
from course_lib.networks import Dense, Dropout, Network, Nonlinearity
from course_lib.objectives.empirical_risk import Model
from course_lib.validation import FloatArray

#: Layers without parameters whose Jacobian is symmetric: forward and backward are the same map.
SYMMETRIC = (Nonlinearity, Dropout)


class DensePair(NamedTuple):
    """The inputs of a dense layer and the gradients at its outputs, one sample a row.

    Attributes
    ----------
    weights, bias : str
        The names of the layer's parameters in the model's layout; ``bias`` is None without one.
    inputs : ndarray of shape (n_samples, n_inputs)
    gradients : ndarray of shape (n_samples, n_outputs)
        Before the activation, of single samples: not divided by their number.
    """

    weights: str
    bias: str | None
    inputs: FloatArray
    gradients: FloatArray


def forward_pass(model: Model, theta: FloatArray, X: FloatArray) -> tuple[FloatArray, Any]:
    """Return the outputs and what the way back needs; in a network as outside of training."""
    if isinstance(model, Network):
        return model.forward(theta, X, training=False)
    return model.forward(theta, X)


def is_layerwise(model: Model) -> bool:
    """Return whether `dense_pairs` holds all there is to know of the model's gradients."""
    if isinstance(model, Network):
        return all(isinstance(layer, (Dense, *SYMMETRIC)) for layer in model.layers)
    return isinstance(model, LinearModel)


def dense_pairs(
    model: Model, theta: FloatArray, X: FloatArray, upstream: FloatArray
) -> list[DensePair]:
    """Return the pairs of every dense layer, for single samples.

    Parameters
    ----------
    model
        A linear model, or a network of dense layers and what has no parameters.
    theta, X
        Where, and on which samples.
    upstream
        The gradient of each sample's cost with respect to its outputs, shaped like the outputs.
    """
    if not is_layerwise(model):
        raise TypeError(
            "the layers must be dense, with activations or dropout between them, or the model a "
            f"LinearModel; got {model!r}"
        )
    delta = upstream.reshape(len(X), -1).astype(theta.dtype)
    if not isinstance(model, Network):
        bias = "bias" if model.intercept else None
        return [DensePair("weights", bias, X.astype(theta.dtype, copy=False), delta)]
    parts = model.views(theta)
    _, saved = forward_pass(model, theta, X)
    pairs = []
    for k in range(len(model.layers) - 1, -1, -1):
        layer = model.layers[k]
        if not isinstance(layer, Dense):
            delta = layer.backward(parts[k], saved[k], delta, {})
            continue
        inputs, kept = saved[k]
        if not layer.is_linear:
            delta = layer.activation.backward(delta, kept)
        bias = f"{k + 1}.bias" if layer.bias else None
        pairs.append(DensePair(f"{k + 1}.weights", bias, inputs, delta))
        delta = delta @ parts[k]["weights"].T
    return pairs[::-1]


def per_sample_gradients(
    model: Model, theta: FloatArray, X: FloatArray, upstream: FloatArray
) -> FloatArray:
    r"""Return :math:`J_i^\top u_i` for every sample, shape (n_samples, n_parameters).

    Parameters
    ----------
    model, theta, X
        What, where, and on which samples.
    upstream
        :math:`u_i`, shaped like the outputs.
    """
    gradients = np.empty((len(X), model.layout.size), theta.dtype)
    if is_layerwise(model):
        slices = model.layout.slices
        for pair in dense_pairs(model, theta, X, upstream):
            outer = pair.inputs[:, :, None] * pair.gradients[:, None, :]
            gradients[:, slices[pair.weights]] = outer.reshape(len(X), -1)
            if pair.bias is not None:
                gradients[:, slices[pair.bias]] = pair.gradients
        return gradients
    for i in range(len(X)):
        _, saved = forward_pass(model, theta, X[i : i + 1])
        model.backward(theta, saved, upstream[i : i + 1], gradients[i])
    return gradients


def output_jacobians(model: Model, theta: FloatArray, X: FloatArray) -> FloatArray:
    """Return the Jacobian of the outputs of every sample, (n_samples, n_outputs, n_parameters)."""
    outputs, _ = forward_pass(model, theta, X)
    n_outputs = 1 if outputs.ndim == 1 else outputs.shape[1]
    jacobians = np.empty((len(X), n_outputs, model.layout.size), theta.dtype)
    for a in range(n_outputs):
        unit = np.zeros((len(X), n_outputs), theta.dtype)
        unit[:, a] = 1.0
        jacobians[:, a] = per_sample_gradients(model, theta, X, unit.reshape(outputs.shape))
    return jacobians


def tangent(model: Model, theta: FloatArray, X: FloatArray, vector: FloatArray) -> FloatArray:
    r"""Return :math:`J_i v`: how the outputs move when ``theta`` moves along ``vector``.

    Shaped like the outputs. Where the model takes no shortcut, central differences, good to about
    ten digits in double precision.
    """
    if getattr(model, "is_linear", False):
        return model.predict(vector, X)
    if is_layerwise(model):
        return _network_tangent(model, theta, X, vector)
    length = np.linalg.norm(vector)
    if length == 0.0:
        return np.zeros_like(forward_pass(model, theta, X)[0])
    h = np.cbrt(np.finfo(theta.dtype).eps) * max(1.0, float(np.linalg.norm(theta))) / length
    above, below = (forward_pass(model, theta + s * h * vector, X)[0].copy() for s in (1, -1))
    return (above - below) / (2.0 * h)


def _network_tangent(
    network: Network, theta: FloatArray, X: FloatArray, vector: FloatArray
) -> FloatArray:
    parts, moves = network.views(theta), network.views(vector)
    _, saved = forward_pass(network, theta, X)
    moved: FloatArray | None = None  # The inputs of the network do not move.
    for layer, part, move, kept in zip(network.layers, parts, moves, saved, strict=True):
        if not isinstance(layer, Dense):
            moved = None if moved is None else layer.backward(part, kept, moved, {})
            continue
        inputs, activation = kept
        change = inputs @ move["weights"]
        if layer.bias:
            change += move["bias"]
        if moved is not None:
            change += moved @ part["weights"]
        moved = change if layer.is_linear else layer.activation.backward(change, activation)
    return moved
