"""Gradients against finite differences in arithmetic of eighty digits.

In double precision a difference loses half the digits, and more of them at extreme inputs: the
change of a cost of 10,000 by a step of 1e-6 leaves six. With eighty digits and steps of 1e-30 the
central difference is the derivative to far more than the digits of double precision.
"""

from __future__ import annotations

from functools import partial

import mpmath
import numpy as np
import pytest
from mpmath import mp

from course_lib import costs
from course_lib.activations import ACTIVATIONS
from course_lib.costs import Cost
from course_lib.networks import Dense, Network
from course_lib.objectives import EmpiricalRisk

EXTREME = [-1e4, -800.0, -40.0, -1.0 - 1e-9, -1e-9, 1e-9, 1.0 - 1e-9, 40.0, 800.0, 1e4]
RANDOM = list(np.random.default_rng(3).normal(scale=3.0, size=12))
SCORES = RANDOM + EXTREME
PROBABILITIES = [*np.random.default_rng(4).uniform(size=8), 1e-30, 1e-12, 0.5, 1 - 1e-12]
STEP = mpmath.mpf(10) ** -30


@pytest.fixture(autouse=True)
def _eighty_digits():
    # exp(-1e4) and 1 - exp(-1e4) are both told from what is next to them.
    with mpmath.workdps(80):
        yield


def slope(function, x, size=1.0):
    """The central difference; ``size`` keeps the step small beside a tiny ``x``."""
    x, h = mp.mpf(float(x)), STEP * mp.mpf(size)
    return (function(x + h) - function(x - h)) / (2 * h)


def log_sigmoid(z):
    return -(mp.log1p(mp.exp(-z)) if z > 0 else mp.log1p(mp.exp(z)) - z)


def sigma(z):
    return mp.exp(log_sigmoid(z))


def binary(y, p):
    return -y * mp.log(p) - (1 - y) * mp.log(1 - p)


def logistic(y, z):
    return -y * log_sigmoid(z) - (1 - y) * log_sigmoid(-z)


def focal(log_p, log_q, y, gamma, alpha):
    right, wrong = (log_p, log_q) if y == 1 else (log_q, log_p)
    return -(alpha if y == 1 else 1 - alpha) * mp.exp(gamma * wrong) * right


def huber(error, delta):
    size = abs(error)
    return error**2 / 2 if size <= delta else delta * (size - delta / 2)


# cost, its formula of a target and a prediction, predictions, targets
COSTS = [
    (costs.SquaredError(), lambda y, p: (p - y) ** 2, SCORES, [0.3]),
    (costs.HalfSquaredError(), lambda y, p: (p - y) ** 2 / 2, SCORES, [0.3]),
    (costs.AbsoluteError(), lambda y, p: abs(p - y), SCORES, [0.3]),
    (costs.HuberLoss(0.8), lambda y, p: huber(p - y, mp.mpf(0.8)), SCORES, [0.25]),
    (costs.BinaryCrossEntropy(), binary, PROBABILITIES, [0.0, 0.3, 1.0]),
    (costs.LogisticLoss(), logistic, SCORES, [0.0, 0.3, 1.0]),
    (
        costs.SigmoidHalfSquaredError(),
        lambda y, z: (sigma(z) if y < 0.5 else sigma(-z)) ** 2 / 2,
        SCORES,
        [0.0, 1.0],
    ),
    (
        costs.FocalLoss(2.0, 0.25),
        lambda y, p: focal(mp.log(p), mp.log(1 - p), y, 2, mp.mpf(0.25)),
        PROBABILITIES,
        [0.0, 1.0],
    ),
    (
        costs.SigmoidFocalLoss(1.5, 0.6),
        lambda y, z: focal(log_sigmoid(z), log_sigmoid(-z), y, mp.mpf(1.5), mp.mpf(0.6)),
        SCORES,
        [0.0, 1.0],
    ),
    (costs.PerceptronLoss(), lambda t, s: max(mp.mpf(0), -s * t), SCORES, [-1.0, 1.0]),
    (costs.HingeLoss(), lambda t, s: max(mp.mpf(0), 1 - s * t), SCORES, [-1.0, 1.0]),
    (costs.SquaredHingeLoss(), lambda t, s: max(mp.mpf(0), 1 - s * t) ** 2, SCORES, [-1.0, 1.0]),
    (costs.LogisticMarginLoss(), lambda t, s: -log_sigmoid(s * t), SCORES, [-1.0, 1.0]),
    # exp overflows by its nature: 700 is as far as doubles go.
    (costs.ExponentialLoss(), lambda t, s: mp.exp(-s * t), [*RANDOM, -700.0, 700.0], [-1.0, 1.0]),
]
OF_ROWS = {"SoftmaxCrossEntropy", "SoftmaxKLDivergence", "CategoricalCrossEntropy", "KLDivergence"}
WITHOUT_SLOPE = {"ZeroOneLoss", "RelaxedZeroOneLoss", "ZeroOneMarginLoss"}


@pytest.mark.parametrize(
    ("cost", "formula", "predictions", "targets"),
    COSTS,
    ids=lambda v: repr(v) if isinstance(v, Cost) else "",
)
def test_gradients_of_costs(cost, formula, predictions, targets):
    for target in targets:
        y = np.full(len(predictions), target)
        with np.errstate(under="ignore"):
            found = cost.derivative(np.array(predictions), y)
        known = partial(formula, mp.mpf(target))
        exact = [slope(known, p, min(1.0, abs(p))) for p in predictions]
        np.testing.assert_allclose(found, np.array(exact, float), rtol=1e-10, atol=1e-300)


def test_no_cost_is_forgotten():
    named = {
        name
        for name, value in vars(costs).items()
        if isinstance(value, type) and issubclass(value, Cost)
    }
    tested = {type(case[0]).__name__ for case in COSTS} | OF_ROWS | WITHOUT_SLOPE
    assert named - {"Cost", "MarginCost"} == tested


def softmax(row):
    top = max(row)
    weights = [mp.exp(z - top) for z in row]
    return [w / mp.fsum(weights) for w in weights]


ROWS = np.vstack(
    [
        np.random.default_rng(5).normal(scale=3.0, size=(3, 4)),
        [[1e4, -1e4, 0.0, 1e4 - 3.0], [-800.0, -1e4, 40.0, 800.0], [1e-9, 0.0, -1e-9, 0.0]],
    ]
)
SHARES = np.array([0.1, 0.0, 0.6, 0.3])


@pytest.mark.parametrize(
    ("cost", "on_scores", "entropy"),
    [
        (costs.SoftmaxCrossEntropy(), True, False),
        (costs.SoftmaxKLDivergence(), True, True),
        (costs.CategoricalCrossEntropy(), False, False),
        (costs.KLDivergence(), False, True),
    ],
    ids=repr,
)
def test_gradients_of_costs_of_rows(cost, on_scores, entropy):
    rows = ROWS if on_scores else np.random.default_rng(6).dirichlet(np.ones(4), size=6)
    found = cost.derivative(rows, np.tile(SHARES, (6, 1)))

    def formula(row):
        p = softmax(row) if on_scores else row
        own = mp.fsum(mp.mpf(y) * mp.log(mp.mpf(y)) for y in SHARES if y and entropy)
        return own - mp.fsum(mp.mpf(y) * mp.log(q) for y, q in zip(SHARES, p, strict=True) if y)

    for i, row in enumerate(rows):
        for k in range(4):

            def along(x, k=k, row=row):
                return formula([x if j == k else mp.mpf(float(z)) for j, z in enumerate(row)])

            assert found[i, k] == pytest.approx(float(slope(along, row[k])), rel=1e-10, abs=1e-15)


def elu(z, scale=1, alpha=1):
    return scale * (z if z > 0 else alpha * mp.expm1(z))


SELU_SCALE, SELU_ALPHA = ACTIVATIONS["selu"].scale, ACTIVATIONS["selu"].alpha
FORMULAS = {
    "identity": lambda z: z,
    "sigmoid": sigma,
    "tanh": mp.tanh,
    "relu": lambda z: max(z, mp.mpf(0)),
    "leaky_relu": lambda z: z if z > 0 else z * mp.mpf(0.01),
    "elu": elu,
    "selu": lambda z: elu(z, mp.mpf(SELU_SCALE), mp.mpf(SELU_ALPHA)),
    "softplus": lambda z: -log_sigmoid(-z),
    "gelu": lambda z: z * mp.erfc(-z / mp.sqrt(2)) / 2,
    "gelu_tanh": lambda z: z * sigma(mp.sqrt(8 / mp.pi) * (z + mp.mpf("0.044715") * z**3)),
    "swish": lambda z: z * sigma(z),
    "mish": lambda z: z * mp.tanh(-log_sigmoid(-z)),
}


def test_no_activation_is_forgotten():
    assert set(ACTIVATIONS) - set(FORMULAS) == {"step", "softmax"}


@pytest.mark.parametrize("name", FORMULAS)
def test_derivatives_of_activations(name):
    z = np.array(SCORES)
    with np.errstate(under="ignore"):
        value, found = ACTIVATIONS[name](z), ACTIVATIONS[name].derivative(pre_activation=z)
    exact = [slope(FORMULAS[name], x, min(1.0, abs(x))) for x in SCORES]
    np.testing.assert_allclose(found, np.array(exact, float), rtol=1e-10, atol=1e-15)
    exact = [FORMULAS[name](mp.mpf(x)) for x in SCORES]
    np.testing.assert_allclose(value, np.array(exact, float), rtol=1e-10, atol=1e-15)


def exact_risk(theta, shapes, X, y, name):
    """Mean surprise of a network of dense layers, number by number."""
    rows, at = [[mp.mpf(float(v)) for v in x] for x in X], 0
    blocks = []
    for shape in shapes:
        size = int(np.prod(shape))
        blocks.append(np.array(theta[at : at + size], object).reshape(shape))
        at += size
    total = mp.mpf(0)
    for row, label in zip(rows, y, strict=True):
        W1, W2, b1, b2 = blocks
        hidden = [FORMULAS[name](z) for z in np.array(row, object) @ W1 + b1]
        total -= mp.log(softmax(list(np.array(hidden, object) @ W2 + b2))[label])
    return total / len(rows)


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("scale", [1.0, 30.0])
def test_gradients_of_networks(name, scale):
    """Every partial derivative of a whole network; at a scale of 30 it saturates."""
    rng = np.random.default_rng(8)
    network = Network(2, [Dense(3, name), Dense(2)])
    assert [key.split(".")[1] for key in network.layout.slices] == [
        *("weights", "weights", "bias", "bias")
    ]
    theta = scale * rng.standard_normal(network.layout.size)
    X, y = rng.standard_normal((3, 2)), np.array([0, 1, 1])
    found = EmpiricalRisk(network, costs.SoftmaxCrossEntropy(), X, y).gradient(theta)
    shapes = list(network.layout.shapes.values())
    exact = []
    for i in range(len(theta)):

        def along(t, i=i):
            point = [t if j == i else mp.mpf(float(v)) for j, v in enumerate(theta)]
            return exact_risk(point, shapes, X, y, name)

        exact.append(float(slope(along, theta[i])))
    unit = max(1.0, np.abs(exact).max())
    np.testing.assert_allclose(found, exact, rtol=1e-7, atol=1e-12 * unit)
