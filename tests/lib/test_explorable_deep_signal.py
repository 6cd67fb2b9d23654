"""The explorable of depth shows what a forward and a backward pass written out here say."""

import numpy as np
import pytest

from course_lib.explorables import deep_signal, deep_signal_explorable


def drawn(activation, gain, structure="plain"):
    return deep_signal.draw(
        activation=deep_signal.ACTIVATIONS.index(activation),
        gain=gain,
        structure=deep_signal.STRUCTURES.index(structure),
    )


@pytest.mark.parametrize(("activation", "gain"), [("tanh", 1.2), ("relu", 2**0.5)])
def test_numbers_are_those_of_passes_written_out(activation, gain):
    X, y = deep_signal.digits()
    n, depth = deep_signal.WIDTH, deep_signal.DEPTH
    rng = np.random.default_rng(0)
    a = X @ (rng.standard_normal((64, n)) / 8)
    weights, outputs, slopes = [], [], []
    for _ in range(depth):
        weights.append(rng.standard_normal((n, n)) * gain / np.sqrt(n))
        z = a @ weights[-1]
        a = np.tanh(z) if activation == "tanh" else np.maximum(z, 0)
        outputs.append(a)
        slopes.append(1 - a**2 if activation == "tanh" else z > 0)
    bound = np.sqrt(6 / (n + 10))
    readout = rng.uniform(-bound, bound, (n, 10))
    p = np.exp(a @ readout)
    p /= p.sum(axis=1, keepdims=True)
    p[np.arange(len(y)), y] -= 1
    back = [p @ readout.T]
    for W, slope in zip(weights[:0:-1], slopes[:0:-1], strict=True):
        back.insert(0, (back[0] * slope) @ W.T)

    found = deep_signal.reports(activation, gain, "plain")
    for name, arrays in (("activation_norm", outputs), ("gradient_norm", back)):
        sizes = [np.sqrt((array**2).mean()) for array in arrays]
        np.testing.assert_allclose([getattr(r, name) for r in found], sizes, rtol=1e-8)
    unit = outputs[-1] / np.linalg.norm(outputs[-1], axis=1, keepdims=True)
    cosines = (unit @ unit.T)[~np.eye(len(unit), dtype=bool)]
    assert found[-1].similarity == pytest.approx(cosines.mean(), abs=1e-10)


def test_start_misses_the_target_and_it_can_be_reached():
    explorable = deep_signal_explorable()
    assert explorable.n_states <= 600
    assert not deep_signal.draw(**explorable.start).reached
    reached = [p for p in explorable.positions() if deep_signal.draw(**p).reached]
    assert 3 <= len(reached) <= explorable.n_states / 4
    assert drawn("tanh", 1.1).reached


def test_he_repairs_the_gradient_of_relu_and_not_the_angles():
    scene = drawn("relu", deep_signal.GAINS[8])
    ratio = float(scene.facts["Gradient, first / last layer"])
    assert 0.5 <= ratio <= 2
    assert float(scene.facts["Mean cosine in the last layer"]) > 0.95
    assert not scene.reached


@pytest.mark.parametrize("structure", ["layer norm", "batch norm"])
def test_normalisation_divides_the_scale_out(structure):
    from course_lib.costs import SoftmaxCrossEntropy
    from course_lib.networks import Dense, Network, layer_reports

    X, y = deep_signal.digits()
    norms = []
    for gain in (1.0, 4.0):
        hidden = deep_signal.hidden_layers("relu", gain, structure) * 3
        network = Network(64, [Dense(deep_signal.WIDTH), *hidden, Dense(10)])
        theta = network.initial_parameters(seed=0)
        found = layer_reports(network, theta, X, y, SoftmaxCrossEntropy(), training=True)
        norms.append([report.activation_norm for report in found[3::3]])
    np.testing.assert_allclose(norms[0], norms[1], rtol=1e-3)


def test_words_follow_the_numbers():
    for position in deep_signal_explorable().positions():
        scene = deep_signal.draw(**position)
        found = deep_signal.reports(
            deep_signal.ACTIVATIONS[position["activation"]],
            position["gain"],
            deep_signal.STRUCTURES[position["structure"]],
        )
        ratio = found[0].gradient_norm / found[-1].gradient_norm
        assert ("vanishes" in scene.readout) == (ratio < 0.5)
        assert ("explodes" in scene.readout) == (ratio > 2)
        assert ("nearly one" in scene.readout) == (found[-1].similarity >= 0.9)


def test_page_stays_light():
    assert len(deep_signal_explorable().static_html()) < 400_000
