"""Moments of activations and the map of angles, against closed forms and samples."""

from math import erf, exp, pi, sqrt

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from course_lib.activations import ACTIVATIONS, Elementwise, LeakyReLU
from course_lib.costs import SoftmaxCrossEntropy
from course_lib.networks import (
    Dense,
    Network,
    gaussian_moments,
    layer_reports,
    relu_cosine,
)

SMOOTH = [name for name, phi in ACTIVATIONS.items() if isinstance(phi, Elementwise)]


@pytest.mark.parametrize("scale", [0.5, 1.0, 2.0])
@pytest.mark.parametrize("name", [name for name in SMOOTH if name != "step"])
def test_moments_agree_with_adaptive_quadrature(name, scale):
    phi = ACTIVATIONS[name]

    def expectation(function):
        pieces = [(-12, 0), (0, 12)]  # Kinks lie at zero.
        return sum(quad(lambda x: function(scale * x) * norm.pdf(x), *ab)[0] for ab in pieces)

    found = gaussian_moments(name, scale)
    assert found.mean == pytest.approx(expectation(lambda z: float(phi(z))), abs=1e-6)
    assert found.second_moment == pytest.approx(expectation(lambda z: float(phi(z)) ** 2), rel=1e-5)
    assert found.squared_slope == pytest.approx(
        expectation(lambda z: float(phi.derivative(pre_activation=z)) ** 2), rel=1e-5
    )


def test_moments_agree_with_closed_forms():
    assert gaussian_moments("relu").mean == pytest.approx(1 / sqrt(2 * pi), abs=1e-7)
    leaky = gaussian_moments(LeakyReLU(0.2))
    assert leaky.second_moment == pytest.approx((1 + 0.2**2) / 2, abs=1e-7)
    assert leaky.squared_slope == pytest.approx((1 + 0.2**2) / 2, abs=1e-12)
    elu_mean = 1 / sqrt(2 * pi) + exp(0.5) * 0.5 * (1 + erf(-1 / sqrt(2))) - 0.5
    assert gaussian_moments("elu").mean == pytest.approx(elu_mean, abs=1e-7)
    selu = gaussian_moments("selu")
    assert (selu.mean, selu.second_moment) == pytest.approx((0, 1), abs=1e-6)


def test_moments_refuse_what_has_none():
    with pytest.raises(TypeError, match=r"activation must act on each number by itself, got Softm"):
        gaussian_moments("softmax")
    with pytest.raises(ValueError, match=r"scale must be .*got 0"):
        gaussian_moments("relu", 0.0)


@pytest.mark.parametrize("cosine", [-1.0, -0.6, 0.0, 0.3, 0.9, 1.0])
def test_angle_is_that_of_a_wide_random_layer(cosine):
    rng = np.random.default_rng(0)
    first, other = rng.standard_normal((2, 1_000_000))
    second = cosine * first + np.sqrt(1 - cosine**2) * other
    a, b = np.maximum(first, 0), np.maximum(second, 0)
    measured = a @ b / np.linalg.norm(a) / np.linalg.norm(b)
    assert relu_cosine(cosine) == pytest.approx(measured, abs=3e-3)


def test_angle_beyond_a_cosine_is_refused():
    with pytest.raises(ValueError, match=r"cosine must lie between -1 and 1, got 1\.5"):
        relu_cosine([0.0, 1.5])


def test_reports_measure_how_alike_samples_are():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((7, 5)), np.arange(7) % 3
    X[3] = 0.0  # A sample without direction counts as unlike all others.
    network = Network(5, [Dense(5, bias=False), Dense(3)])
    theta = network.initial_parameters(0)
    network.layout.views(theta)["1.weights"][...] = np.eye(5)
    first, last = layer_reports(network, theta, X, y, SoftmaxCrossEntropy())
    lengths = np.linalg.norm(X, axis=1)
    cosines = [
        0.0 if i == 3 or j == 3 else X[i] @ X[j] / lengths[i] / lengths[j]
        for i in range(7)
        for j in range(7)
        if i != j
    ]
    assert first.similarity == pytest.approx(np.mean(cosines), abs=1e-12)
    assert -1 <= last.similarity <= 1
    (alone,) = layer_reports(
        Network(5, [Dense(3)]), np.zeros(18), X[:1], y[:1], SoftmaxCrossEntropy()
    )
    assert np.isnan(alone.similarity)
