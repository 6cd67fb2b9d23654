"""What the passes cost, layers that forget, and layers that are wrong on the way back."""

import numpy as np
import pytest
from sklearn.datasets import load_digits

from course_lib.costs import SoftmaxCrossEntropy
from course_lib.gradient_check import GradientMismatch, check_gradient
from course_lib.networks import (
    FAULTS,
    BatchNorm,
    Dense,
    Dropout,
    FaultyDense,
    LayerNorm,
    Network,
    Recomputed,
    Residual,
    count_multiplications,
    numbers_kept,
)
from course_lib.objectives import EmpiricalRisk


@pytest.fixture(scope="module")
def digits():
    X, y = load_digits(return_X_y=True)
    return X[:60] / 16, y[:60]


def risk_of(layers, digits):
    return EmpiricalRisk(Network(64, layers), SoftmaxCrossEntropy(), *digits)


# What the passes cost


@pytest.mark.parametrize("sizes", [(64, 10), (64, 100, 10), (64, 100, 50, 10), (3, 200, 200, 2)])
@pytest.mark.parametrize("n", [1, 7, 150])
def test_products_are_counted(sizes, n):
    network = Network(sizes[0], [Dense(size, "tanh") for size in sizes[1:-1]] + [Dense(sizes[-1])])
    theta = network.initial_parameters(seed=0)
    before = theta.copy()
    forward, backward = count_multiplications(network, theta, np.ones((n, sizes[0])))
    a_layer = n * np.multiply(sizes[:-1], sizes[1:])
    assert forward == a_layer.sum()
    assert backward == 2 * a_layer.sum() - a_layer[0]  # The first layer's inputs need no gradient.
    assert backward <= 2 * forward  # Baur and Strassen's three, in all.
    np.testing.assert_array_equal(theta, before)


def test_recomputing_costs_one_more_pass_forward():
    block = [Dense(16, "tanh") for _ in range(4)]
    plain = Network(16, [*block, Dense(3)])
    thrifty = Network(16, [Recomputed(block), Dense(3)])
    X = np.ones((5, 16))
    theta = plain.initial_parameters(seed=0)
    forward, backward = count_multiplications(plain, theta, X)
    assert count_multiplications(thrifty, theta, X) == (forward, backward + 4 * 5 * 16 * 16)


def test_kept_numbers_are_counted_once():
    network = Network(6, [Dense(8, "tanh"), Dense(4, "tanh"), Dense(3)])
    saved = network.forward(network.initial_parameters(seed=0), np.ones((5, 6)))[1]
    assert numbers_kept(saved) == 5 * (6 + 8 + 4)


# Layers that forget


@pytest.mark.parametrize("segment", [1, 2, 3, 6])
def test_recomputed_gradient_is_the_same_to_the_last_bit(segment, digits):
    inner = [Dense(20, "tanh"), LayerNorm(), Residual([Dense(20, "relu")])] * 2
    blocks = [Recomputed(inner[k : k + segment]) for k in range(0, 6, segment)]
    plain, thrifty = risk_of([*inner, Dense(10)], digits), risk_of([*blocks, Dense(10)], digits)
    theta = plain.model.initial_parameters(seed=1)
    # The names of the parts differ and so, weights first, does their order: go by the arrays.
    there = thrifty.model.initial_parameters(seed=1)
    assert plain.value(theta) == thrifty.value(there)
    np.testing.assert_array_equal(np.sort(plain.gradient(theta)), np.sort(thrifty.gradient(there)))
    check_gradient(thrifty, there)


def test_recomputing_needs_less_memory():
    layers = [Dense(32, "tanh")] * 16
    X = np.ones((10, 32))
    needs = {}
    for segment in (1, 2, 4, 8, 16):
        network = Network(32, [Recomputed(layers[:segment]) for _ in range(16 // segment)])
        theta = network.initial_parameters(seed=0)
        output, saved = network.forward(theta, X)
        network.backward(theta, saved, np.ones_like(output), np.empty_like(theta))
        inside = max(block.numbers_inside for block in network.layers)
        needs[segment] = numbers_kept(saved) + inside
        assert needs[segment] == 10 * 32 * (16 // segment + segment)
    assert min(needs, key=needs.get) == 4


@pytest.mark.parametrize("layer", [Dropout(0.5), BatchNorm(), Residual([Dropout(0.1)])])
def test_what_cannot_be_run_again_is_refused(layer):
    with pytest.raises(ValueError, match="must give the same outputs when run again"):
        Network(4, [Recomputed([Dense(4), layer])], seed=0)


# Layers that are wrong on the way back


@pytest.mark.parametrize("fault", FAULTS)
def test_faults_are_in_the_gradient_alone_and_are_found(fault, digits):
    layers = [Dense(12, "sigmoid"), Dense(12, "sigmoid"), Dense(10)]
    right = risk_of(layers, digits)
    layers[1] = FaultyDense(12, "sigmoid", fault)
    wrong = risk_of(layers, digits)
    theta = right.model.initial_parameters(seed=0)
    assert wrong.value(theta) == pytest.approx(right.value(theta), rel=1e-13)
    with pytest.raises(GradientMismatch):
        check_gradient(wrong, theta)
    parts = check_gradient(wrong, theta, tolerance=10).by_part(wrong.model.layout)
    found = {name for name, error in parts.items() if error > 1e-3}
    below = {"1.weights", "1.bias"}
    assert (
        found
        == {
            "untransposed": below,
            "no slope": below | {"2.weights", "2.bias"},
            "slope misfed": below | {"2.weights", "2.bias"},
            "bias averaged": {"2.bias"},
            "overwritten": {"2.weights"},
        }[fault]
    )
    # At zero weights nothing is sent down, and every mistake of a hidden layer passes.
    check_gradient(wrong, np.zeros_like(theta))


def test_faults_that_could_not_hide_are_refused():
    with pytest.raises(ValueError, match="square layers only, got 4 inputs and 3 outputs"):
        Network(4, [FaultyDense(3, "tanh", "untransposed")])
    with pytest.raises(ValueError, match="slope can be told from its output"):
        FaultyDense(3, "gelu", "no slope")
    with pytest.raises(ValueError, match="unknown fault 'typo'"):
        FaultyDense(3, "tanh", "typo")
