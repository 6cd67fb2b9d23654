"""Layers and networks against PyTorch's autograd, in double precision, to 1e-10."""

import numpy as np
import pytest
import torch
from torch.nn import functional

from course_lib.activations import ACTIVATIONS
from course_lib.costs import HalfSquaredError, SoftmaxCrossEntropy
from course_lib.networks import (
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Network,
    Nonlinearity,
    Residual,
)
from course_lib.objectives import EmpiricalRisk

TORCH = {
    "identity": lambda z: z,
    "step": None,
    "sigmoid": torch.sigmoid,
    "tanh": torch.tanh,
    "relu": torch.relu,
    "leaky_relu": functional.leaky_relu,
    "elu": functional.elu,
    "selu": torch.selu,
    # PyTorch's softplus becomes the identity above 20, which costs nine of the sixteen digits.
    "softplus": lambda z: torch.logaddexp(z, torch.zeros_like(z)),
    "gelu": functional.gelu,
    "gelu_tanh": lambda z: functional.gelu(z, approximate="tanh"),
    "swish": functional.silu,
    "mish": functional.mish,
    "softmax": lambda z: torch.softmax(z, dim=-1),
}
SMOOTH_ENOUGH = sorted(name for name, function in TORCH.items() if function is not None)


def in_torch(layers, parts, prefix, x, masks, training=True):
    """The same layers in PyTorch's operations; ``masks`` are those our dropout drew."""
    for k, layer in enumerate(layers, 1):
        own = f"{prefix}{k}."
        if isinstance(layer, Residual):
            x = x + in_torch(layer.layers, parts, own, x, masks, training)
        elif isinstance(layer, Dense):
            x = functional.linear(x, parts[own + "weights"].T, parts.get(own + "bias"))
            x = TORCH[name_of(layer.activation)](x)
        elif isinstance(layer, Nonlinearity):
            x = TORCH[name_of(layer.activation)](x)
        elif isinstance(layer, LayerNorm):
            gain, bias = parts[own + "gain"], parts[own + "bias"]
            x = functional.layer_norm(x, x.shape[-1:], gain, bias, layer.epsilon)
        elif isinstance(layer, BatchNorm):
            mean, variance = (torch.tensor(layer.state[n]) for n in sorted(layer.state))
            gain, bias = parts[own + "gain"], parts[own + "bias"]
            x = functional.batch_norm(
                x, mean, variance, gain, bias, training, layer.momentum, layer.epsilon
            )
        elif training:
            x = x * torch.tensor(masks.pop(0))
    return x


def name_of(activation):
    return next(name for name, known in ACTIVATIONS.items() if known == activation)


def torch_gradients(network, theta, X, upstream, masks=(), training=True):
    parts = {
        name: torch.tensor(view, requires_grad=True)
        for name, view in network.layout.views(theta).items()
    }
    inputs = torch.tensor(X, requires_grad=True)
    output = in_torch(network.layers, parts, "", inputs, list(masks), training)
    output.backward(torch.tensor(upstream))
    flat = network.layout.flatten({name: part.grad.numpy() for name, part in parts.items()})
    return output.detach().numpy(), flat, inputs.grad.numpy()


def masks_in(saved, layers):
    found = []
    for kept, layer in zip(saved, layers, strict=True):
        if isinstance(layer, Residual):
            found += masks_in(kept, layer.layers)
        elif isinstance(layer, Dropout):
            found.append(kept)
    return found


def assert_same(network, X, rng, training=True, scale=1.0):
    theta = scale * rng.standard_normal(network.layout.size)
    upstream = rng.standard_normal((len(X), network.n_outputs))
    untouched = X.copy(), upstream.copy(), theta.copy()
    before = network.copy_of_state()
    output, saved = network.forward(theta, X, training=training)
    after = network.copy_of_state()
    network.restore_state(before)  # PyTorch starts from the same running averages.
    masks = masks_in(saved, network.layers)
    theirs = torch_gradients(network, theta, X, upstream, masks, training)
    ours = np.full_like(theta, np.nan)
    network.backward(theta, saved, upstream, ours)
    inputs = network.input_gradient(theta, saved, upstream)
    for mine, reference in zip((output, ours, inputs), theirs, strict=True):
        unit = max(1.0, np.abs(reference).max())
        np.testing.assert_allclose(mine, reference, rtol=1e-10, atol=1e-10 * unit)
    for array, original in zip((X, upstream, theta), untouched, strict=True):
        np.testing.assert_array_equal(array, original)
    network.restore_state(after)


def recipes():
    for name in SMOOTH_ENOUGH:
        yield f"dense {name}", [Dense(5, name)]
        yield f"layer {name}", [Dense(5), Nonlinearity(name), Dense(3)]
        yield f"deep {name}", [Dense(6, name), Dense(5, name, bias=False), Dense(3)]
    yield "batch norm", [BatchNorm()]
    yield "layer norm", [LayerNorm()]
    yield "dropout", [Dropout(0.4), Dense(5, "relu"), Dropout(0.5)]
    yield "residual", [Residual([Dense(7, "tanh"), Dense(4)])]
    yield "first layer residual", [Residual([Dense(4, "gelu")]), Dense(2)]
    yield (
        "everything",
        [
            Dense(6, bias=False),
            BatchNorm(momentum=0.3),
            Nonlinearity("relu"),
            Residual([LayerNorm(), Dense(8, "swish"), Dropout(0.25), Dense(6)]),
            Residual([Residual([BatchNorm(), Dense(6, "mish")]), Dense(6, "elu")]),
            Nonlinearity("leaky_relu"),
            Dense(3, "softmax"),
        ],
    )


@pytest.mark.parametrize(("name", "layers"), list(recipes()))
@pytest.mark.parametrize("n_samples", [2, 9])
@pytest.mark.parametrize("training", [True, False])
def test_gradients_agree_at_random_inputs(name, layers, n_samples, training):
    rng = np.random.default_rng([n_samples, training])
    network = Network(4, layers, seed=5)
    X = rng.standard_normal((n_samples, 4))
    assert_same(network, X, rng, training)
    assert_same(network, X, rng, training)  # And once more, from other running averages.


@pytest.mark.parametrize("name", SMOOTH_ENOUGH)
@pytest.mark.parametrize("scale", [1e-8, 30.0, 1e4])
def test_gradients_agree_at_extreme_inputs(name, scale):
    rng = np.random.default_rng(3)
    network = Network(4, [Dense(6, name), Dense(5, name), Dense(3)])
    assert_same(network, scale * rng.standard_normal((7, 4)), rng)


@pytest.mark.parametrize("layer", [BatchNorm(), LayerNorm()])
@pytest.mark.parametrize("offset", [0.0, 1e3])
def test_normalization_of_shifted_and_constant_features(layer, offset):
    rng = np.random.default_rng(3)
    X = rng.standard_normal((8, 4)) + offset
    X[:, 1] = X[0] = offset
    assert_same(Network(4, [layer]), X, rng)


def test_running_averages_are_those_of_pytorch():
    rng = np.random.default_rng(0)
    network = Network(4, [BatchNorm(momentum=0.2)])
    theta = network.initial_parameters(0)
    reference = torch.nn.BatchNorm1d(4, momentum=0.2, dtype=torch.float64)
    for n_samples in (5, 2, 17):
        X = rng.normal(3.0, 2.0, (n_samples, 4))
        network.forward(theta, X)
        reference(torch.tensor(X))
    np.testing.assert_allclose(network.state["1.running_mean"], reference.running_mean, rtol=1e-13)
    np.testing.assert_allclose(
        network.state["1.running_variance"], reference.running_var, rtol=1e-13
    )
    reference.eval()
    np.testing.assert_allclose(
        network.predict(theta, X), reference(torch.tensor(X)).detach(), rtol=1e-12
    )


@pytest.mark.parametrize("logits", [1.0, 1e4])
def test_risk_of_a_classifier_agrees(logits):
    rng = np.random.default_rng(1)
    network = Network(4, [Dense(6, "relu"), Dense(3)])
    theta = logits * rng.standard_normal(network.layout.size)
    X, y = rng.standard_normal((9, 4)), np.arange(9) % 3
    value, gradient = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y).value_and_gradient(theta)
    parts = {
        name: torch.tensor(view, requires_grad=True)
        for name, view in network.layout.views(theta).items()
    }
    loss = functional.cross_entropy(
        in_torch(network.layers, parts, "", torch.tensor(X), []), torch.tensor(y)
    )
    loss.backward()
    flat = network.layout.flatten({name: part.grad.numpy() for name, part in parts.items()})
    assert value == pytest.approx(loss.item(), rel=1e-10)
    np.testing.assert_allclose(gradient, flat, rtol=1e-10, atol=1e-10 * np.abs(flat).max())


def test_risk_of_a_regressor_agrees():
    rng = np.random.default_rng(2)
    network = Network(4, [Dense(6, "tanh"), Residual([Dense(6, "gelu")]), Dense(2)])
    theta = rng.standard_normal(network.layout.size)
    X, y = rng.standard_normal((9, 4)), rng.standard_normal((9, 2))
    gradient = EmpiricalRisk(network, HalfSquaredError(), X, y).gradient(theta)
    upstream = (network.predict(theta, X) - y) / len(y)
    _, flat, _ = torch_gradients(network, theta, X, upstream)
    np.testing.assert_allclose(gradient, flat, rtol=1e-10, atol=1e-12)
