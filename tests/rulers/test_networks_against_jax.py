"""Layers and networks against JAX's gradients, in double precision, to 1e-10."""

from __future__ import annotations

from functools import cache

import jax
import jax.numpy as jnp
import numpy as np
import pytest

from course_lib.activations import ACTIVATIONS
from course_lib.costs import HalfSquaredError, SoftmaxCrossEntropy
from course_lib.networks import BatchNorm, Dense, LayerNorm, Network, Nonlinearity, Residual
from course_lib.objectives import EmpiricalRisk
from course_lib.penalties import L2

jax.config.update("jax_enable_x64", True)

JAX = {
    "identity": lambda z: z,
    "sigmoid": jax.nn.sigmoid,
    "tanh": jnp.tanh,
    "relu": jax.nn.relu,
    "leaky_relu": jax.nn.leaky_relu,
    "elu": jax.nn.elu,
    "selu": jax.nn.selu,
    "softplus": jax.nn.softplus,
    "gelu": lambda z: jax.nn.gelu(z, approximate=False),
    "gelu_tanh": lambda z: jax.nn.gelu(z, approximate=True),
    "swish": jax.nn.silu,
    "mish": jax.nn.mish,
    "softmax": jax.nn.softmax,
}
NAMES = {activation: name for name, activation in ACTIVATIONS.items()}


def forward(layers, parts, prefix, x):
    """The training pass of layers without dropout, in JAX's operations."""
    for k, layer in enumerate(layers, 1):
        own = f"{prefix}{k}."
        if isinstance(layer, Residual):
            x = x + forward(layer.layers, parts, own, x)
        elif isinstance(layer, Dense):
            x = JAX[NAMES[layer.activation]](x @ parts[own + "weights"] + parts[own + "bias"])
        elif isinstance(layer, Nonlinearity):
            x = JAX[NAMES[layer.activation]](x)
        else:
            mean, variance = (f(x, axis=layer.axis, keepdims=True) for f in (jnp.mean, jnp.var))
            x = (x - mean) / jnp.sqrt(variance + layer.epsilon)
            x = x * parts[own + "gain"] + parts[own + "bias"]
    return x


def parts_of(network, theta):
    """The layout's views of ``theta``, traced by JAX."""
    return {
        name: theta[where].reshape(network.layout.shapes[name])
        for name, where in network.layout.slices.items()
    }


RECIPES = {
    **{name: [Dense(6, name), Dense(5), Nonlinearity(name), Dense(3)] for name in JAX},
    "layer norm": [Dense(6), LayerNorm(), Nonlinearity("gelu"), Dense(3)],
    "batch norm": [Dense(6), BatchNorm(), Nonlinearity("elu"), Dense(3)],
    "residual": [Dense(5, "tanh"), Residual([LayerNorm(), Dense(5, "swish")]), Dense(3)],
}


def test_no_differentiable_activation_is_forgotten():
    assert set(ACTIVATIONS) - set(JAX) == {"step"}


@cache
def by_jax(recipe):
    """A network, and JAX's value and gradients of its weighed outputs, compiled once."""
    network = Network(4, RECIPES[recipe])

    def weighed(theta, X, upstream):
        return jnp.sum(forward(network.layers, parts_of(network, theta), "", X) * upstream)

    return network, jax.jit(jax.value_and_grad(weighed, argnums=(0, 1)))


@pytest.mark.parametrize("scale", [1e-8, 1.0, 30.0, 1e4])
@pytest.mark.parametrize("recipe", RECIPES)
def test_gradient_with_respect_to_the_parameters_and_the_inputs(recipe, scale):
    rng = np.random.default_rng(6)
    network, value_and_gradients = by_jax(recipe)
    theta = network.initial_parameters(2) + 0.3 * rng.standard_normal(network.layout.size)
    X, upstream = scale * rng.standard_normal((7, 4)), rng.standard_normal((7, 3))
    # A feature of equal values: there normalization divides by epsilon alone.
    X[:, 1] = X[0, 1]
    expected, (of_theta, of_inputs) = value_and_gradients(theta, X, upstream)
    output, saved = network.forward(theta, X)
    gradient = np.empty_like(theta)
    network.backward(theta, saved, upstream, gradient)
    inputs = network.input_gradient(theta, saved, upstream)
    assert np.sum(output * upstream) == pytest.approx(float(expected), rel=1e-10, abs=1e-10)
    for mine, reference in ((gradient, of_theta), (inputs, of_inputs)):
        unit = max(1.0, float(jnp.abs(reference).max()))
        np.testing.assert_allclose(mine, reference, rtol=1e-10, atol=1e-10 * unit)


@pytest.mark.parametrize("logits", [1.0, 1e4])
def test_risk_of_a_classifier(logits):
    rng = np.random.default_rng(1)
    network = Network(4, [Dense(6, "mish"), Dense(3)])
    theta = rng.standard_normal(network.layout.size)
    theta[network.layout.slices["2.weights"]] *= logits
    X, y = rng.standard_normal((9, 4)), np.arange(9) % 3
    weight, weights = rng.uniform(size=9), network.weights
    risk = EmpiricalRisk(
        network, SoftmaxCrossEntropy(), X, y, penalty=L2(0.2), sample_weight=weight
    )

    def loss(theta):
        scores = forward(network.layers, parts_of(network, theta), "", X)
        surprise = -jax.nn.log_softmax(scores)[jnp.arange(9), y]
        return jnp.average(surprise, weights=weight) + 0.1 * jnp.sum(theta[weights] ** 2)

    expected, reference = jax.jit(jax.value_and_grad(loss))(theta)
    value, gradient = risk.value_and_gradient(theta)
    assert value == pytest.approx(float(expected), rel=1e-10)
    unit = float(jnp.abs(reference).max())
    np.testing.assert_allclose(gradient, reference, rtol=1e-10, atol=1e-10 * unit)


def test_risk_of_a_regressor():
    rng = np.random.default_rng(2)
    network = Network(4, RECIPES["residual"])
    theta = network.initial_parameters(0)
    X, Y = rng.standard_normal((9, 4)), rng.standard_normal((9, 3))
    risk = EmpiricalRisk(network, HalfSquaredError(), X, Y)

    def loss(theta):
        outputs = forward(network.layers, parts_of(network, theta), "", X)
        return 0.5 * jnp.mean(jnp.sum((outputs - Y) ** 2, axis=1))

    expected, reference = jax.jit(jax.value_and_grad(loss))(theta)
    value, gradient = risk.value_and_gradient(theta)
    assert value == pytest.approx(float(expected), rel=1e-12)
    np.testing.assert_allclose(gradient, reference, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("recipe", ["tanh", "gelu", "mish", "layer norm"])
def test_products_with_the_hessian(recipe):
    rng = np.random.default_rng(3)
    network = Network(4, RECIPES[recipe])
    theta = network.initial_parameters(0)
    X, y = rng.standard_normal((9, 4)), np.arange(9) % 3
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
    v = rng.standard_normal(len(theta))

    def loss(theta):
        scores = forward(network.layers, parts_of(network, theta), "", X)
        return -jnp.mean(jax.nn.log_softmax(scores)[jnp.arange(9), y])

    expected = jax.jit(lambda t: jax.jvp(jax.grad(loss), (t,), (v,))[1])(theta)
    found = risk.hessian_vector_product(theta, v)
    unit = float(jnp.abs(expected).max())
    np.testing.assert_allclose(found, expected, rtol=1e-7, atol=1e-8 * unit)
