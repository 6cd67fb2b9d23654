"""The tape against finite differences, and the layers against the tape, to 1e-12."""

import numpy as np
import pytest

from course_lib import tape
from course_lib.activations import ACTIVATIONS
from course_lib.costs import HuberLoss, LogisticLoss, SoftmaxCrossEntropy
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
from course_lib.tape import Variable, value_and_gradients

OPERATIONS = {
    "add a row": (lambda a, b: a + b, (3, 4), (4,)),
    "add a column": (lambda a, b: a + b, (3, 4), (3, 1)),
    "add a cell": (lambda a, b: a + b, (3, 4), (1, 1)),
    "add a number": (lambda a, b: a + b, (3, 4), ()),
    "row from matrix": (lambda a, b: b - a, (3, 4), (4,)),
    "outer": (lambda a, b: a * b, (3, 1), (1, 4)),
    "new axes": (lambda a, b: a * b, (4,), (2, 3, 4)),
    "divide": (lambda a, b: a / (b * b + 1.0), (3, 4), (4,)),
    "matrix product": (lambda a, b: a @ b, (3, 4), (4, 2)),
    "matrix times vector": (lambda a, b: a @ b, (3, 4), (4,)),
    "vector times matrix": (lambda a, b: a @ b, (3,), (3, 4)),
    "inner product": (lambda a, b: a @ b, (3,), (3,)),
    "maximum": (lambda a, b: tape.maximum(a, b), (3, 4), (4,)),
    "same twice": (lambda a, b: a * a + a / (1.0 + a * a) - b, (3,), (3,)),
    "sum of sums": (lambda a, b: a.sum(axis=0) * b.sum(axis=1, keepdims=True), (3, 4), (2, 5)),
    "sum of axes": (lambda a, b: a.sum(axis=(0, 2)) * b, (3, 4, 2), (4,)),
    "means": (lambda a, b: a.mean(axis=-1) - b.mean(), (3, 4), (2, 5)),
    "max": (lambda a, b: a.max(axis=1) * b.max() * b.max(axis=0, keepdims=True), (3, 4), (5, 3)),
    "reshape": (lambda a, b: a.reshape(2, 6).T @ b, (3, 4), (2, 3)),
    "index": (lambda a, b: a[1] * b[np.array([0, 2, 2, 0])], (3, 4), (3,)),
    "slices": (lambda a, b: a[:, 1:3] * b[::2, None], (3, 4), (5,)),
    "logsumexp": (
        lambda a, b: tape.logsumexp(a) - tape.logsumexp(b, axis=0, keepdims=True),
        (3, 4),
        (5, 1),
    ),
    "constants": (lambda a, b: (2.0 - a) * 3 / 4 + 1 / (b * b + 2) - [1.0, 2.0], (3, 2), (2,)),
    "constant products": (lambda a, b: np.eye(3) @ a @ np.ones((4, 2)) + b, (3, 4), (2,)),
    "powers": (lambda a, b: (a**2 + 1.0) ** 0.5 - (b * b + 1.0) ** -1.5 - (-a), (3,), (3,)),
    "array on the left": (lambda a, b: np.ones(3) - a + np.arange(3) * b, (3,), (3,)),
    "functions": (
        lambda a, b: tape.exp(a) + tape.log(b * b + 1) + tape.tanh(a) * tape.sigmoid(b),
        (3,),
        (3,),
    ),
    "rectifiers": (
        lambda a, b: tape.relu(a) * tape.absolute(b) + tape.softplus(a) + tape.erf(b),
        (3, 2),
        (3, 2),
    ),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_gradients_of_operations(name):
    operation, *shapes = OPERATIONS[name]
    rng = np.random.default_rng(0)
    arguments = [rng.standard_normal(shape) for shape in shapes]
    shape = operation(*map(Variable, arguments)).shape
    weights = rng.standard_normal(shape)

    def scalar(a, b):
        return (operation(a, b) * weights).sum()

    value, gradients = value_and_gradients(scalar, *arguments)
    assert value == pytest.approx(float(scalar(*map(Variable, arguments)).value))
    for k, gradient in enumerate(gradients):
        assert gradient.shape == shapes[k]
        measured = np.empty(shapes[k])
        for index in np.ndindex(shapes[k]):
            ends = []
            for h in (1e-5, -1e-5):
                moved = [np.array(argument) for argument in arguments]
                moved[k][index] += h
                ends.append(float(scalar(*map(Variable, moved)).value))
            measured[index] = (ends[0] - ends[1]) / 2e-5
        np.testing.assert_allclose(gradient, measured, rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("cost", [LogisticLoss(), HuberLoss()])
def test_any_cost_is_an_operation(cost):
    rng = np.random.default_rng(0)
    z, y = rng.standard_normal((5, 2)), rng.integers(0, 2, (5, 2)).astype(float)
    value, (gradient,) = value_and_gradients(lambda v: tape.mean_cost(cost, v, y) * 3.0, z)
    assert value == pytest.approx(3.0 * cost.value(z, y), rel=1e-14)
    np.testing.assert_allclose(gradient, 3.0 * cost.gradient(z, y), rtol=1e-14)


def test_ties_share_the_gradient():
    _, (a, b) = value_and_gradients(lambda a, b: tape.maximum(a, b).sum(), [1.0, 2.0], [1.0, 0.0])
    np.testing.assert_array_equal(a, [0.5, 1.0])
    np.testing.assert_array_equal(b, [0.5, 0.0])
    _, (gradient,) = value_and_gradients(lambda a: a.max(), [3.0, 1.0, 3.0])
    np.testing.assert_array_equal(gradient, [0.5, 0.0, 0.5])


def test_repeated_indices_add_up():
    _, (gradient,) = value_and_gradients(lambda a: a[[0, 0, 0, 2]].sum(), np.zeros(3))
    np.testing.assert_array_equal(gradient, [3.0, 0.0, 1.0])


def test_extreme_scores():
    scores = np.array([[1e4, -1e4, 0.0], [-1e4, -1e4, -1e4]])
    value, (gradient,) = value_and_gradients(lambda a: tape.logsumexp(a).sum(), scores)
    assert value == pytest.approx(1e4 - 1e4 + np.log(3))
    np.testing.assert_allclose(gradient, [[1, 0, 0], [1 / 3] * 3])
    _, (gradient,) = value_and_gradients(
        lambda a: (tape.sigmoid(a) + tape.softplus(a)).sum(), scores
    )
    assert np.isfinite(gradient).all()


def test_long_programs_need_no_recursion():
    x = Variable(1.0)
    y = x
    for _ in range(20_000):
        y = y * 1.0 + 0.0
    y.backward()
    assert x.gradient == 1.0


def test_shared_results_are_visited_once():
    x = Variable(1.0)
    y = x
    for _ in range(60):  # 2^60 paths.
        y = y + y
    y.backward()
    assert x.gradient == 2.0**60


def test_backward_starts_afresh():
    x = Variable([1.0, 2.0])
    loss = (x * x).sum()
    loss.backward()
    loss.backward()
    np.testing.assert_array_equal(x.gradient, [2.0, 4.0])
    x.sum().backward()
    np.testing.assert_array_equal(x.gradient, [1.0, 1.0])


def test_an_unused_argument_has_gradient_zero():
    value, gradients = value_and_gradients(lambda a, b: a.sum(), np.ones(2), np.ones(3))
    assert value == 2.0
    np.testing.assert_array_equal(gradients[1], np.zeros(3))


def test_single_precision_stays():
    a = np.linspace(-1, 1, 6, dtype=np.float32).reshape(2, 3)

    def loss(v):
        hidden = tape.relu(v @ np.ones((3, 4), np.float32) + 0.5) * 2 - tape.maximum(v.max(), 0.1)
        rest = tape.erf(v).mean() + tape.softplus(v).sum() / 3 + (1.0 - v[0]).max()
        return tape.logsumexp(tape.tanh(hidden)).mean() + rest + (v**2).mean(axis=0).sum()

    y = loss(variable := Variable(a))
    y.backward()
    assert y.value.dtype == variable.gradient.dtype == np.float32


def test_bad_input_is_named():
    with pytest.raises(ValueError, match=r"one number, got shape \(2,\)"):
        Variable([1.0, 2.0]).backward()
    with pytest.raises(ValueError, match="vectors and matrices"):
        Variable(np.ones((2, 2, 2))) @ np.ones(2)
    assert Variable([1, 2]).value.dtype == np.float64
    assert repr(Variable([1.0])) == "Variable(array([1.]))"


# The activations and the layers, written on the tape.

ROOT_HALF, CUBE = np.sqrt(0.5), 0.044715
SELU = ACTIVATIONS["selu"]
ON_TAPE = {
    "identity": lambda z: z,
    "sigmoid": tape.sigmoid,
    "tanh": tape.tanh,
    "relu": tape.relu,
    "leaky_relu": lambda z: tape.maximum(z, 0.01 * z),
    "elu": lambda z: tape.relu(z) + tape.exp(-tape.relu(-z)) - 1.0,
    "selu": lambda z: SELU.scale * (tape.relu(z) + SELU.alpha * (tape.exp(-tape.relu(-z)) - 1.0)),
    "softplus": tape.softplus,
    "gelu": lambda z: z * (tape.erf(z * ROOT_HALF) + 1.0) * 0.5,
    "gelu_tanh": lambda z: z * tape.sigmoid(np.sqrt(8 / np.pi) * (z + CUBE * z**3)),
    "swish": lambda z: z * tape.sigmoid(z),
    "mish": lambda z: z * tape.tanh(tape.softplus(z)),
    "softmax": lambda z: tape.exp(z - tape.logsumexp(z, keepdims=True)),
}


def on_tape(layers, names, parts, prefix, x, masks):
    for k, layer in enumerate(layers, 1):
        own = f"{prefix}{k}."
        if isinstance(layer, Residual):
            x = x + on_tape(layer.layers, names, parts, own, x, masks)
        elif isinstance(layer, Dense):
            x = x @ parts[own + "weights"]
            if layer.bias:
                x = x + parts[own + "bias"]
            x = ON_TAPE[names[layer.activation]](x)
        elif isinstance(layer, Nonlinearity):
            x = ON_TAPE[names[layer.activation]](x)
        elif isinstance(layer, Dropout):
            x = x * masks.pop(0)
        else:
            centred = x - x.mean(axis=layer.axis, keepdims=True)
            variance = (centred**2).mean(axis=layer.axis, keepdims=True)
            x = centred * (variance + layer.epsilon) ** -0.5
            x = x * parts[own + "gain"] + parts[own + "bias"]
    return x


RECIPES = {name: [Dense(6, name), Dense(5, name), Dense(3)] for name in ON_TAPE} | {
    "everything": [
        Dense(6, bias=False),
        BatchNorm(),
        Nonlinearity("relu"),
        Residual([LayerNorm(), Dense(8, "swish"), Dense(6)]),
        Dropout(0.3),
        Dense(3, "mish"),
    ]
}


def test_every_differentiable_activation_is_on_the_tape():
    assert set(ACTIVATIONS) - set(ON_TAPE) == {"step"}


@pytest.mark.parametrize("recipe", RECIPES)
def test_layers_agree_with_the_tape(recipe):
    names = {activation: name for name, activation in ACTIVATIONS.items()}
    rng = np.random.default_rng(4)
    network = Network(4, RECIPES[recipe], seed=0)
    theta = network.initial_parameters(1) + 0.1 * rng.standard_normal(network.layout.size)
    X, y = rng.standard_normal((11, 4)), np.arange(11) % 3
    cost = SoftmaxCrossEntropy()
    output, saved = network.forward(theta, X)
    gradient = np.empty_like(theta)
    network.backward(theta, saved, cost.gradient(output, y), gradient)

    views = network.layout.views(theta)
    masks = [
        s for s, layer in zip(saved, network.layers, strict=True) if isinstance(layer, Dropout)
    ]

    def loss(*arrays):
        parts = dict(zip(views, arrays, strict=True))
        scores = on_tape(network.layers, names, parts, "", Variable(X), masks)
        return (tape.logsumexp(scores) - scores[np.arange(11), y]).mean()

    value, gradients = value_and_gradients(loss, *views.values())
    derived = np.concatenate([g.ravel() for g in gradients])
    assert value == pytest.approx(cost.value(output, y), rel=1e-12)
    np.testing.assert_allclose(gradient, derived, rtol=1e-12, atol=1e-13)


def test_tape_of_a_risk_on_the_flat_vector():
    """Slices of one variable are the views of the layout: the tape can differentiate theta."""
    network = Network(3, [Dense(4, "tanh"), Dense(2)])
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((6, 3)), np.arange(6) % 2
    theta = network.initial_parameters(0)

    def loss(t):
        part = {
            name: t[where].reshape(*network.layout.shapes[name])
            for name, where in network.layout.slices.items()
        }
        hidden = tape.tanh(X @ part["1.weights"] + part["1.bias"])
        scores = hidden @ part["2.weights"] + part["2.bias"]
        return tape.mean_cost(SoftmaxCrossEntropy(), scores, y)

    value, (gradient,) = value_and_gradients(loss, theta)
    risk = EmpiricalRisk(network, SoftmaxCrossEntropy(), X, y)
    assert value == pytest.approx(risk.value(theta), rel=1e-14)
    np.testing.assert_allclose(gradient, risk.gradient(theta), rtol=1e-12, atol=1e-15)
