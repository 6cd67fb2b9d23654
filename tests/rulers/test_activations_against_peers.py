"""Activations against PyTorch's automatic differentiation and scipy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import special
from torch.nn import functional

from course_lib.activations import (
    ACTIVATIONS,
    ELU,
    LeakyReLU,
    Softmax,
    Swish,
    log_softmax,
    sigmoid,
    softmax,
    softplus,
)

RNG = np.random.default_rng(11)
Z = np.r_[RNG.normal(scale=3.0, size=100), -1e4, 1e4, -800.0, 800.0, -40.0, 40.0, 0.0, 1e-9]

PAIRS = {
    "identity": (ACTIVATIONS["identity"], lambda z: 1.0 * z),
    "sigmoid": (ACTIVATIONS["sigmoid"], torch.sigmoid),
    "tanh": (ACTIVATIONS["tanh"], torch.tanh),
    "relu": (ACTIVATIONS["relu"], functional.relu),
    "leaky_relu": (ACTIVATIONS["leaky_relu"], functional.leaky_relu),
    "leaky_relu 0.3": (LeakyReLU(0.3), lambda z: functional.leaky_relu(z, 0.3)),
    "elu": (ACTIVATIONS["elu"], functional.elu),
    "elu 0.5": (ELU(0.5), lambda z: functional.elu(z, 0.5)),
    "selu": (ACTIVATIONS["selu"], functional.selu),
    # PyTorch's softplus becomes the identity at 20, where they still differ by 2e-9.
    "softplus": (ACTIVATIONS["softplus"], lambda z: torch.logaddexp(z, torch.zeros_like(z))),
    "gelu": (ACTIVATIONS["gelu"], functional.gelu),
    "gelu_tanh": (ACTIVATIONS["gelu_tanh"], lambda z: functional.gelu(z, approximate="tanh")),
    "swish": (ACTIVATIONS["swish"], functional.silu),
    "swish 2": (Swish(2.0), lambda z: z * torch.sigmoid(2.0 * z)),
    "mish": (ACTIVATIONS["mish"], functional.mish),
}


@pytest.mark.parametrize("name", PAIRS)
def test_values_and_derivatives(name):
    ours, theirs = PAIRS[name]
    leaf = torch.tensor(Z, requires_grad=True)
    a = theirs(leaf)
    upstream = RNG.normal(size=Z.shape)
    a.backward(torch.tensor(upstream))
    expected = leaf.grad.numpy()
    assert_allclose(ours(Z), a.detach().numpy(), rtol=1e-10, atol=1e-10)
    slope = ours.derivative(pre_activation=Z)
    assert_allclose(upstream * slope, expected, rtol=1e-10, atol=1e-10)
    saved = ours(Z) if ours.saves == "activation" else Z
    assert_allclose(ours.backward(upstream, saved), expected, rtol=1e-10, atol=1e-10)
    if ours.saves == "activation":
        slope = ours.derivative(activation=ours(Z))
        assert_allclose(upstream * slope, expected, rtol=1e-10, atol=1e-10)


def test_every_differentiable_activation_is_compared():
    compared = {name.split()[0] for name in PAIRS}
    assert set(ACTIVATIONS) - compared == {"step", "softmax"}


@pytest.mark.parametrize("axis", [0, 1])
def test_softmax(axis):
    z = RNG.normal(scale=3.0, size=(8, 5))
    z[0] = [1e4, -1e4, 0.0, 1e4, 800.0]
    upstream = RNG.normal(size=z.shape)
    leaf = torch.tensor(z, requires_grad=True)
    a = torch.softmax(leaf, axis)
    a.backward(torch.tensor(upstream))
    ours = Softmax(axis)
    assert_allclose(ours(z), a.detach().numpy(), rtol=1e-12, atol=1e-15)
    assert_allclose(ours.backward(upstream, ours(z)), leaf.grad.numpy(), rtol=1e-11, atol=1e-15)
    expected = torch.log_softmax(torch.tensor(z), axis).numpy()
    assert_allclose(log_softmax(z, axis), expected, rtol=1e-12, atol=1e-14)


def test_softmax_jacobian():
    z = RNG.normal(size=6)
    theirs = torch.autograd.functional.jacobian(lambda t: torch.softmax(t, 0), torch.tensor(z))
    assert_allclose(softmax.jacobian(activation=softmax(z)), theirs.numpy(), atol=1e-15)


def test_relative_accuracy_in_the_tail():
    z = np.linspace(-700, 700, 2001)
    assert_allclose(sigmoid(z), special.expit(z), rtol=1e-13)
    assert_allclose(softplus(z), np.logaddexp(0.0, z), rtol=1e-13)
    assert_allclose(
        sigmoid.derivative(pre_activation=z), special.expit(z) * special.expit(-z), rtol=1e-13
    )
