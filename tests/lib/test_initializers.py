"""Initialisers: variances, signals that survive depth, orthogonality, reproducibility."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.activations import relu, sigmoid, tanh
from course_lib.initializers import (
    INITIALIZERS,
    fan_in_and_out,
    glorot_normal,
    glorot_uniform,
    he_normal,
    he_uniform,
    lecun_normal,
    named_initializer,
    orthogonal,
    small_random,
    small_random_uniform,
    zeros,
)

SHAPE = (300, 500)
VARIANCE = {
    "small_random": 1e-4,
    "small_random_uniform": 1e-4,
    "lecun_normal": 1 / 300,
    "lecun_uniform": 1 / 300,
    "glorot_normal": 2 / 800,
    "glorot_uniform": 2 / 800,
    "he_normal": 2 / 300,
    "he_uniform": 2 / 300,
}


@pytest.mark.parametrize("name", VARIANCE)
def test_moments(name):
    w = INITIALIZERS[name](SHAPE, seed=1)
    assert w.shape == SHAPE
    n, v = w.size, VARIANCE[name]
    # Four standard errors of the mean and of the variance.
    assert abs(w.mean()) < 4 * np.sqrt(v / n)
    kurtosis = 9 / 5 if name.endswith("uniform") else 3
    assert abs(w.var() / v - 1) < 4 * np.sqrt((kurtosis - 1) / n)
    if name.endswith("uniform"):
        bound = np.sqrt(3 * v)
        assert 0.999 * bound < np.abs(w).max() <= bound
    else:
        beyond_two = (np.abs(w) > 2 * np.sqrt(v)).mean()
        assert beyond_two == pytest.approx(0.0455, abs=0.003)


@pytest.mark.parametrize("name", INITIALIZERS)
def test_seed_generator_and_dtype(name):
    initializer = named_initializer(name)
    first, again = initializer((6, 4), 3), initializer((6, 4), 3)
    assert_array_equal(first, again)
    single = initializer((6, 4), 3, dtype=np.float32)
    assert single.dtype == np.float32
    assert_array_equal(single, first.astype(np.float32))
    rng = np.random.default_rng(3)
    assert_array_equal(initializer((6, 4), rng), first)
    if name != "zeros":
        assert (initializer((6, 4), rng) != first).all()


def test_zeros_leave_units_equal():
    assert_array_equal(zeros((3,)), np.zeros(3))
    assert_array_equal(zeros((3, 2), np.random.default_rng(0)), np.zeros((3, 2)))


def test_scale_and_slope():
    assert small_random(SHAPE, 1, scale=0.5).std() == pytest.approx(0.5, rel=0.01)
    assert small_random_uniform(SHAPE, 1, scale=0.5).std() == pytest.approx(0.5, rel=0.01)
    for initializer in (he_normal, he_uniform):
        ratio = initializer(SHAPE, 1, slope=1.0) / initializer(SHAPE, 1)
        assert_allclose(ratio, 1 / np.sqrt(2))


def test_fans():
    assert fan_in_and_out((784, 100)) == (784, 100)
    assert fan_in_and_out((32, 16, 3, 3)) == (16 * 9, 32 * 9)
    assert fan_in_and_out([8, 4, 5]) == (20, 40)


@pytest.mark.parametrize("shape", [(5, 5), (7, 3), (3, 7), (8, 2, 3, 3), (40, 2, 3, 3)])
def test_orthogonal(shape):
    w = orthogonal(shape, 4, gain=2.0)
    assert w.shape == shape
    flat = w.reshape(shape[0], -1)
    gram = flat @ flat.T if flat.shape[0] <= flat.shape[1] else flat.T @ flat
    assert_allclose(gram, 4.0 * np.eye(len(gram)), atol=1e-13)


def test_orthogonal_matrices_are_uniform():
    # Without the signs of R, the first entry of Q would never be positive.
    corner = [orthogonal((3, 3), seed)[0, 0] for seed in range(400)]
    assert abs(np.mean(corner)) < 4 * np.sqrt(1 / 3 / 400)
    assert np.var(corner) == pytest.approx(1 / 3, rel=0.2)


class TestSignalsThroughDepth:
    """What the variances are for."""

    @staticmethod
    def signal(initializer, activation, layers, width=100, n=200, **settings):
        rng = np.random.default_rng(0)
        h = rng.standard_normal((n, width))
        start = (h * h).mean()
        for _ in range(layers):
            h = activation(h @ initializer((width, width), rng, **settings))
        return h.std(), (h * h).mean() / start

    def test_ten_tanh_layers(self):
        assert self.signal(small_random, tanh, 10)[0] < 1e-9
        assert self.signal(glorot_normal, tanh, 10)[0] > 0.15

    def test_twenty_rectified_layers(self):
        assert 0.3 < self.signal(he_normal, relu, 20)[1] < 3.0
        assert self.signal(lecun_normal, relu, 20)[1] < 3e-6
        assert self.signal(glorot_normal, relu, 20)[1] < 3e-6

    def test_orthogonal_linear_layers_keep_every_length(self):
        assert self.signal(orthogonal, lambda z: z, 50)[1] == pytest.approx(1.0, rel=1e-12)

    def test_no_initialiser_rescues_a_deep_sigmoid_network(self):
        rng = np.random.default_rng(0)
        h, gain = rng.standard_normal((200, 100)), 1.0
        for _ in range(10):
            w = glorot_normal((100, 100), rng)
            h = sigmoid(h @ w)
            slopes = sigmoid.derivative(activation=h)
            gain *= np.sqrt((slopes**2).mean() * 100 * w.var())
        assert gain < 1e-5

    def test_glorot_is_a_compromise(self):
        w = glorot_uniform((300, 500), 0)
        assert 300 * w.var() == pytest.approx(0.75, rel=0.02)
        assert 500 * w.var() == pytest.approx(1.25, rel=0.02)


def test_a_fixed_small_scale_is_not_he():
    # 0.01 randn is He's only for a fan-in of 20 000.
    assert small_random((1000, 100), 2).std() == pytest.approx(0.01, rel=0.01)
    assert he_normal((1000, 100), 2).std() == pytest.approx(0.044721, rel=0.01)
    assert_allclose(he_normal((20_000, 3), 2), small_random((20_000, 3), 2))
    assert he_normal((2, 10_000), 2).std() == pytest.approx(1.0, rel=0.02)


class TestBadInput:
    @pytest.mark.parametrize("name", [n for n in INITIALIZERS if "small" not in n and n != "zeros"])
    def test_biases_have_no_fans(self, name):
        with pytest.raises(ValueError, match=r"at least two entries.*got \(3,\): biases start at"):
            INITIALIZERS[name]((3,), 0)

    @pytest.mark.parametrize("name", INITIALIZERS)
    def test_shapes(self, name):
        with pytest.raises(
            TypeError, match=r"shape must be a tuple such as \(n_in, n_out\), got 3"
        ):
            INITIALIZERS[name](3, 0)
        with pytest.raises(ValueError, match=r"shape\[1\] must be at least 1, got 0"):
            INITIALIZERS[name]((3, 0), 0)
        with pytest.raises(TypeError, match=r"shape\[0\] must be a whole number"):
            INITIALIZERS[name]((3.0, 2), 0)

    def test_settings(self):
        with pytest.raises(ValueError, match="scale must be"):
            small_random((2, 2), 0, scale=0.0)
        with pytest.raises(ValueError, match="slope must be"):
            he_normal((2, 2), 0, slope=np.inf)
        with pytest.raises(ValueError, match="gain must be"):
            orthogonal((2, 2), 0, gain=np.nan)

    def test_names(self):
        assert named_initializer(he_normal) is he_normal
        with pytest.raises(ValueError, match="unknown initializer 'xavier': choose one of 'zeros'"):
            named_initializer("xavier")
