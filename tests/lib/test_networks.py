"""Networks over one flat vector: gradients, modes, state, and the faults of other libraries."""

import pickle

import numpy as np
import pytest

from course_lib.activations import ACTIVATIONS
from course_lib.costs import CategoricalCrossEntropy, HalfSquaredError, SoftmaxCrossEntropy
from course_lib.descent import descend
from course_lib.gradient_check import GradientMismatch, check_gradient
from course_lib.networks import (
    BatchNorm,
    Dense,
    Dropout,
    LayerNorm,
    Network,
    Nonlinearity,
    Residual,
    default_initializer,
    layer_reports,
)
from course_lib.objectives import EmpiricalRisk
from course_lib.objectives.base import FunctionObjective
from course_lib.optimizers import Adam
from course_lib.penalties import L1, L2


def data(n=12, n_features=4, seed=0):
    rng = np.random.default_rng(seed)
    return rng.standard_normal((n, n_features)), np.arange(n) % 3


def in_training(network, X, upstream, seed):
    """The training pass as an objective: a linear cost of the outputs, the same masks each time."""

    def forward(theta):
        network.restore_state(state)
        for layer in network.layers:
            if isinstance(layer, Dropout):
                layer.rng = np.random.default_rng(seed)
        return network.forward(theta, X)

    def gradient(theta):
        out = np.empty_like(theta)
        network.backward(theta, forward(theta)[1], upstream, out)
        return out

    state = network.copy_of_state()
    return FunctionObjective(
        lambda theta: float((forward(theta)[0] * upstream).sum()),
        gradient,
        n_parameters=network.layout.size,
    )


SMOOTH = [
    name
    for name in ACTIVATIONS
    if name not in {"step", "relu", "leaky_relu", "selu"}  # Kinks are met by chance.
]


@pytest.mark.parametrize("name", SMOOTH)
def test_gradient_is_the_derivative_of_the_value(name):
    X, y = data()
    network = Network(4, [Dense(5, name), Dense(4), Nonlinearity(name), Dense(3)])
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
    check_gradient(risk, network.initial_parameters(1), tolerance=1e-7)


@pytest.mark.parametrize(
    "layers",
    [
        [BatchNorm(), Dense(3)],
        [LayerNorm(), Dense(3)],
        [Dropout(0.4), Dense(3)],
        [Dense(5, "tanh"), Residual([Dense(6, "gelu"), Dense(5)]), Dense(3)],
        [Dense(5), BatchNorm(), Nonlinearity("tanh"), Dropout(0.3), LayerNorm(), Dense(3)],
    ],
)
def test_gradient_of_the_training_pass(layers):
    X, _ = data()
    rng = np.random.default_rng(2)
    network = Network(4, layers, seed=0)
    objective = in_training(network, X, rng.standard_normal((12, 3)), seed=9)
    theta = network.initial_parameters(1) + 0.3 * rng.standard_normal(network.layout.size)
    check_gradient(objective, theta, tolerance=1e-7)


def test_gradient_outside_of_training_takes_the_running_averages_as_given():
    X, _ = data()
    network = Network(4, [BatchNorm(), Dense(3, "tanh"), BatchNorm()])
    theta = network.initial_parameters(0)
    network.forward(theta, X)
    upstream = np.random.default_rng(1).standard_normal((12, 3))

    def gradient(theta):
        out = np.empty_like(theta)
        network.backward(theta, network.forward(theta, X, training=False)[1], upstream, out)
        return out

    objective = FunctionObjective(
        lambda theta: float((network.predict(theta, X) * upstream).sum()),
        gradient,
        n_parameters=network.layout.size,
    )
    check_gradient(objective, theta, tolerance=1e-7)


@pytest.mark.parametrize("name", ["relu", "leaky_relu", "selu"])
def test_gradient_away_from_the_kinks(name):
    X, y = data()
    network = Network(4, [Dense(5, name), Dense(3)])
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
    check_gradient(risk, network.initial_parameters(3), tolerance=1e-7)


@pytest.mark.parametrize("penalty", [L1(0.3), L2(0.3)])
def test_penalty_is_in_the_gradient_and_spares_biases(penalty):
    """In peers it was missing from the gradient, or multiplied the gradient instead of theta."""
    X, y = data()
    network = Network(4, [Dense(5, "tanh"), Dense(3)])
    theta = network.initial_parameters(1) + 0.1
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y, penalty=penalty)
    check_gradient(risk, theta, tolerance=1e-7)
    plain = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
    difference = risk.gradient(theta) - plain.gradient(theta)
    weights = network.weights
    np.testing.assert_allclose(difference[weights], penalty.gradient(theta[weights]), atol=1e-15)
    assert not difference[weights.stop :].any()


class Forgetful(Dense):
    """A dense layer whose way back forgets the slope of its activation."""

    def backward(self, parts, saved, upstream, gradients, wants_input=True):
        x, _ = saved
        linear = Dense(self.units).connect(self.n_inputs, None)
        return linear.backward(parts, (x, None), upstream, gradients, wants_input)


def test_check_fails_where_the_bug_shows_and_not_where_it_cannot():
    """With all weights zero the hidden gradient is zero whatever the slope: a check that passes."""
    X, y = data(n=13)
    network = Network(4, [Forgetful(5, "tanh"), Dense(3)])
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
    check_gradient(risk, np.zeros(network.layout.size), tolerance=1e-7)
    with pytest.raises(GradientMismatch):
        check_gradient(risk, network.initial_parameters(0), tolerance=1e-3)


def test_layout_names_the_parts_and_puts_weights_first():
    network = Network(4, [Dense(5), LayerNorm(), Residual([Dense(5, bias=False)]), Dense(2)])
    assert list(network.layout.shapes) == [
        "1.weights",
        "3.1.weights",
        "4.weights",
        "1.bias",
        "2.gain",
        "2.bias",
        "4.bias",
    ]
    assert network.weights == slice(0, 20 + 25 + 10)
    assert (network.n_features, network.n_outputs) == (4, 2)
    theta = network.initial_parameters(0)
    views = network.views(theta)
    views[2][0]["weights"][0, 0] = 7.0
    views[1]["gain"][0] = 8.0
    named = network.layout.views(theta)
    assert named["3.1.weights"][0, 0] == 7.0
    assert named["2.gain"][0] == 8.0


def test_initial_parameters_follow_the_activation_and_the_seed():
    network = Network(400, [Dense(300, "relu"), Dense(10)])
    theta = network.initial_parameters(0)
    parts = network.layout.views(theta)
    assert parts["1.weights"].std() == pytest.approx(np.sqrt(2 / 400), rel=0.02)
    assert parts["2.weights"].std() == pytest.approx(np.sqrt(2 / 310), rel=0.05)
    assert not parts["1.bias"].any()
    np.testing.assert_array_equal(theta, network.initial_parameters(0))
    np.testing.assert_array_equal(
        theta.astype(np.float32), network.initial_parameters(0, np.float32)
    )
    custom = Network(4, [Dense(3, initializer="zeros")])
    assert not custom.initial_parameters(0).any()
    assert default_initializer(ACTIVATIONS["tanh"]) is not default_initializer(ACTIVATIONS["elu"])


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_the_precision_is_that_of_theta(dtype):
    X, _ = data()
    layers = [
        Dense(5, "gelu"),
        BatchNorm(),
        Dropout(0.2),
        Residual([LayerNorm(), Dense(5, "elu")]),
        Nonlinearity("mish"),
        Dense(3, "softmax"),
    ]
    network = Network(4, layers, seed=0)
    theta = network.initial_parameters(0, dtype)
    output, saved = network.forward(theta, X)
    gradient = np.empty_like(theta)
    network.backward(theta, saved, np.ones_like(output), gradient)
    assert theta.dtype == output.dtype == gradient.dtype == dtype
    assert network.predict(theta, X.astype(np.float32)).dtype == dtype


def test_dropout_keeps_the_expectation_and_is_off_in_predict():
    network = Network(50, [Dropout(0.3), Dense(50, bias=False)], seed=0)
    theta = np.eye(50).ravel()
    X = np.ones((400, 50))
    output, _ = network.forward(theta, X)
    assert set(np.unique(output)) == {0.0, 1.0 / 0.7}
    assert (output == 0).mean() == pytest.approx(0.3, abs=0.01)
    assert output.mean() == pytest.approx(1.0, abs=0.02)
    again, _ = network.forward(theta, X)
    assert (again != output).any()
    np.testing.assert_array_equal(network.predict(theta, X), X)
    np.testing.assert_array_equal(network.forward(theta, X, training=False)[0], X)
    same = Network(50, [Dropout(0.3), Dense(50, bias=False)], seed=0)
    np.testing.assert_array_equal(same.forward(theta, X)[0], output)


def test_two_dropout_layers_draw_different_masks():
    layer = Dropout(0.5)
    network = Network(40, [layer, layer, Dense(1)], seed=0)
    _, saved = network.forward(np.ones(41), np.ones((10, 40)))
    assert (saved[0] != saved[1]).any()


def test_networks_made_of_the_same_layers_share_no_state():
    layers = [BatchNorm(), Dense(2)]
    first, second = Network(4, layers), Network(4, layers)
    first.forward(first.initial_parameters(0), data()[0])
    assert first.state["1.running_mean"].any()
    assert not second.state["1.running_mean"].any()


def test_state_goes_and_comes_back():
    X, _ = data()
    network = Network(4, [Residual([BatchNorm(), Dense(4)]), BatchNorm()])
    theta = network.initial_parameters(0)
    before = network.copy_of_state()
    network.forward(theta, X)
    after = network.copy_of_state()
    trained = network.predict(theta, X)
    network.restore_state(before)
    assert not network.state["1.1.running_mean"].any()
    network.restore_state(after)
    np.testing.assert_array_equal(network.predict(theta, X), trained)
    copied = pickle.loads(pickle.dumps(network))
    np.testing.assert_array_equal(copied.predict(theta, X), trained)
    copied.forward(theta, X)
    assert not np.array_equal(copied.predict(theta, X), trained)
    with pytest.raises(ValueError, match=r"state must hold 1\.1\.running_mean"):
        network.restore_state({})
    with pytest.raises(ValueError, match=r"got 1\.running_mean"):
        Network(4, [Dense(1)]).restore_state({"1.running_mean": np.zeros(4)})


def test_predict_does_not_depend_on_the_other_samples():
    X, _ = data()
    network = Network(4, [BatchNorm(), Dense(2)])
    theta = network.initial_parameters(0)
    network.forward(theta, X)
    np.testing.assert_allclose(
        network.predict(theta, X)[3:4], network.predict(theta, X[3:4]), rtol=1e-14
    )


def test_two_passes_may_be_under_way_at_once():
    X, _ = data()
    network = Network(4, [Dense(5, "relu"), Dense(3, "softmax")])
    theta = network.initial_parameters(0)
    output, saved = network.forward(theta, X)
    kept = output.copy()
    network.forward(-theta, X[:5])
    np.testing.assert_array_equal(output, kept)
    once, twice = np.empty_like(theta), np.empty_like(theta)
    network.backward(theta, saved, np.ones_like(output) * X[:, :3], once)
    network.backward(theta, saved, np.ones_like(output) * X[:, :3], twice)
    np.testing.assert_array_equal(once, twice)


def test_one_optimizer_serves_two_networks():
    """In a peer one optimizer object shared by two layers mixed up their memories."""
    X, y = data()
    optimizer = Adam(0.05)
    runs = []
    for hidden in (5, 7, 5):
        network = Network(4, [Dense(hidden, "tanh"), Dense(3)])
        risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
        theta = network.initial_parameters(0)
        runs.append(descend(risk, theta, optimizer, max_iterations=60))
    np.testing.assert_array_equal(runs[0].value, runs[2].value)
    assert all(run.value[-1] < 0.5 * run.value[0] for run in runs)


def test_gradient_with_respect_to_the_inputs():
    X, _ = data()
    network = Network(4, [Residual([Dense(6, "tanh"), Dense(4)]), Dense(2, "gelu")])
    theta = network.initial_parameters(0)
    upstream = np.random.default_rng(1).standard_normal((12, 2))
    _, saved = network.forward(theta, X)

    def value(flat):
        return float((network.predict(theta, flat.reshape(X.shape)) * upstream).sum())

    def gradient(_):
        return network.input_gradient(theta, saved, upstream).ravel()

    check_gradient(FunctionObjective(value, gradient, n_parameters=X.size), X.ravel())


def test_a_network_without_hidden_layer_is_the_linear_model():
    X, _ = data()
    target = X @ np.array([1.0, -2.0, 0.5, 3.0]) + 4.0
    network = Network(4, [Dense(1)])
    risk = EmpiricalRisk(network, HalfSquaredError(), X, target[:, None])
    run = descend(risk, np.zeros(5), Adam(0.3), max_iterations=2000)
    np.testing.assert_allclose(run.final, [1.0, -2.0, 0.5, 3.0, 4.0], atol=1e-4)


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: Network(4, []), ValueError, "at least one layer"),
        (lambda: Network(4, ["relu"]), TypeError, "Dense"),
        (lambda: Network(4, [Dropout(0.5), Dense(1)]), ValueError, "seed"),
        (lambda: Network(4, [Residual([Dense(3)])]), ValueError, "4 inputs and 3 outputs"),
        (lambda: Network(0, [Dense(3)]), ValueError, "n_features"),
        (lambda: Dense(0), ValueError, "n_outputs"),
        (lambda: Dense(3, "rellu"), ValueError, "unknown activation"),
        (lambda: Dense(3, initializer="hee"), ValueError, "unknown initializer"),
        (lambda: Dropout(1.0), ValueError, "rate"),
        (lambda: BatchNorm(momentum=0), ValueError, "momentum"),
        (lambda: LayerNorm(epsilon=0), ValueError, "epsilon"),
        (
            lambda: Network(4, [Dense(1)]).predict(np.zeros(5), np.zeros((3, 5))),
            ValueError,
            r"\(n_samples, 4\), got shape \(3, 5\)",
        ),
        (
            lambda: Network(4, [Dense(1)]).predict(np.zeros(6), np.zeros((3, 4))),
            ValueError,
            r"shape \(5,\)",
        ),
        (
            lambda: Network(4, [BatchNorm()]).forward(np.ones(8), np.zeros((1, 4))),
            ValueError,
            "at least 2 samples",
        ),
    ],
)
def test_bad_input_is_named(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_repr_reads_like_the_recipe():
    layers = [Dense(5, "tanh", bias=False), BatchNorm(), Dropout(0.5), Nonlinearity("relu")]
    network = Network(4, [*layers, Residual([LayerNorm(), Dense(5)])], seed=0)
    assert repr(network) == (
        "Network(4, [Dense(5, Tanh(), bias=False), BatchNorm(momentum=0.1), Dropout(0.5), "
        "Nonlinearity(ReLU()), Residual([LayerNorm(), Dense(5)])])"
    )


def test_reports_show_vanishing_and_exploding_gradients():
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((200, 100)), np.arange(200) % 3
    slopes = []
    for variance in (1.0, 2.0, 4.0):  # Times 1 / n_in: half of He's, He's, twice He's.

        def initializer(shape, seed, *, dtype, v=variance):
            return np.random.default_rng(seed).normal(0, np.sqrt(v / shape[0]), shape).astype(dtype)

        layers = [Dense(100, "relu", initializer=initializer) for _ in range(12)]
        network = Network(100, [*layers, Dense(3)])
        reports = layer_reports(network, network.initial_parameters(1), X, y, SoftmaxCrossEntropy())
        norms = np.log2([report.gradient_norm for report in reports[:12]])
        slopes.append(-np.polyfit(np.arange(12), norms, 1)[0])
    np.testing.assert_allclose(slopes, [-0.5, 0.0, 0.5], atol=0.1)


def test_reports_agree_with_the_gradient():
    X, y = data()
    network = Network(4, [Dense(5, "gelu"), LayerNorm(), Residual([Dense(5, "relu")]), Dense(3)])
    theta = network.initial_parameters(0)
    reports = layer_reports(network, theta, X, y, SoftmaxCrossEntropy())
    assert [report.name for report in reports] == [
        "1 Dense",
        "2 LayerNorm",
        "3 Residual",
        "4 Dense",
    ]
    gradient = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y).gradient(theta)
    total = np.sqrt(sum(report.parameter_gradient_norm**2 for report in reports))
    assert total == pytest.approx(np.linalg.norm(gradient), rel=1e-12)
    output = network.predict(theta, X)
    slopes = len(X) * SoftmaxCrossEntropy().gradient(output, y)
    assert reports[-1].gradient_norm == pytest.approx(np.sqrt((slopes**2).mean()))
    assert reports[-1].activation_mean == pytest.approx(output.mean())
    assert reports[-1].activation_std == pytest.approx(output.std())
    assert reports[-1].activation_norm == pytest.approx(np.sqrt((output**2).mean()))


def test_reports_count_dead_units():
    X, y = data()
    layers = [Dense(4, "relu"), Dense(3), Nonlinearity("relu"), Dropout(0.2), Dense(3, "softmax")]
    network = Network(4, layers, seed=0)
    theta = network.initial_parameters(0)
    network.layout.views(theta)["1.bias"][:] = [-100.0, 0.0, 0.0, -100.0]
    reports = layer_reports(network, theta, X, y, CategoricalCrossEntropy(), training=True)
    assert [report.dead_units for report in reports[:2]] == [0.5, 0.0]
    assert 0.0 <= reports[2].dead_units <= 1.0
    assert np.isnan([report.dead_units for report in reports[3:]]).all()
    assert reports[2].parameter_gradient_norm == 0.0
