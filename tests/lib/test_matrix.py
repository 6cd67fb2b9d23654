"""The whole matrix: every optimizer on every objective and model, and it descends.

A new optimizer enters by `course_lib.optimizers.OPTIMIZERS`, a new test function by
`course_lib.objectives.FUNCTIONS`; a new cost or model is one entry in `PROBLEMS`. Tests below make
sure that none is forgotten.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import numpy as np
import pytest

from course_lib import costs
from course_lib.descent import descend
from course_lib.information_geometry import KFAC, NaturalGradient
from course_lib.line_search import BacktrackingLineSearch
from course_lib.linear_models import LinearModel
from course_lib.networks import BatchNorm, Dense, LayerNorm, Network, Nonlinearity, Residual
from course_lib.objectives import FUNCTIONS, EmpiricalRisk, Objective, Quadratic, named_function
from course_lib.optimizers import (
    OPTIMIZERS,
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    ConjugateGradient,
    FirstOrder,
    GradientDescent,
    Link,
    Momentum,
    Nadam,
    Nesterov,
    Newton,
    Optimizer,
    RMSProp,
    accelerated_momentum,
    add_weight_decay,
    chain,
    clip_by_norm,
    direction_of,
    scale_by_step_size,
)
from course_lib.optimizers.transforms import StepSizeLink
from course_lib.quasi_newton import quasi_newton
from course_lib.schedules import Cosine, OneCycle, WarmUp

ITERATIONS = 120

# The optimizer for an objective whose largest curvature is L, a given number.
OPTIMIZER_FOR: dict[str, Callable[[float], Optimizer]] = {
    "gradient_descent": lambda L: GradientDescent(0.5 / L),
    "gradient descent, line search": lambda L: GradientDescent(BacktrackingLineSearch()),
    "sgd": lambda L: SGD(0.5 / L, clip=10.0 * L, weight_decay=1e-3 * L),
    "momentum": lambda L: Momentum(0.1 / L),
    "momentum, PyTorch's form": lambda L: Momentum(0.1 / L, form="pytorch"),
    "nesterov": lambda L: Nesterov(0.1 / L),
    "nesterov, Sutskever's form": lambda L: Nesterov(0.1 / L, form="sutskever"),
    "nesterov, PyTorch's form": lambda L: Nesterov(0.1 / L, form="pytorch"),
    "nesterov, accelerated": lambda L: Nesterov(0.2 / L, accelerated_momentum),
    "adagrad": lambda L: AdaGrad(0.1),
    "adadelta": lambda L: AdaDelta(epsilon=1e-4),
    "rmsprop": lambda L: RMSProp(0.005),
    "rmsprop, centered": lambda L: RMSProp(0.005, centered=True, epsilon=1e-2),
    "adam": lambda L: Adam(OneCycle(0.05, ITERATIONS)),
    "adamw": lambda L: AdamW(0.02, weight_decay=1e-3),
    "amsgrad": lambda L: AMSGrad(0.02),
    "nadam": lambda L: Nadam(0.02),
    "newton": lambda L: Newton(BacktrackingLineSearch(), damping=L),
    "conjugate_gradient": lambda L: ConjugateGradient(),
    "natural gradient": lambda L: NaturalGradient(0.2, damping=0.1),
    "natural gradient, by products": lambda L: NaturalGradient(
        0.2, damping=0.1, solver="conjugate gradients"
    ),
    "K-FAC": lambda L: KFAC(0.05, damping=0.1),
    "chain": lambda L: chain(
        clip_by_norm(10.0),
        direction_of(Adam()),
        add_weight_decay(1e-4),
        scale_by_step_size(WarmUp(20, Cosine(0.05, ITERATIONS))),
    ),
}


class Problem(NamedTuple):
    """What to minimize, and where from."""

    objective: Objective
    start: np.ndarray


RNG = np.random.default_rng(0)
X = RNG.standard_normal((60, 4)) * [1.0, 2.0, 0.5, 1.0]
NUMBERS = X @ [1.0, -0.5, 2.0, 0.0] + 0.3 + 0.1 * RNG.standard_normal(60)
LABELS = (NUMBERS + 0.5 * RNG.standard_normal(60) > 0).astype(np.int64)
SIGNS = 2 * LABELS - 1
CLASSES = np.digitize(NUMBERS, [-1.0, 1.0])
SHARES = np.eye(3)[CLASSES] * 0.7 + 0.1

FUNCTION_STARTS = {
    "rosenbrock": [-1.2, 1.0],
    "himmelblau": [0.0, -1.0],
    "beale": [1.0, 1.5],
    "rastrigin": [1.2, -0.8],
    "double_well": [1.6],
    "saddle": [1.0, 0.1],
    "saturated_neuron": [2.0],
}


def of_function(name: str) -> Problem:
    objective = named_function(name)
    start = FUNCTION_STARTS.get(name, np.linspace(1.0, -1.5, objective.n_parameters))
    return Problem(objective, np.array(start))


def of_spectrum(*curvatures: float) -> Problem:
    objective = Quadratic.with_spectrum(curvatures, minimizer=np.ones(len(curvatures)), seed=1)
    return Problem(objective, np.linspace(2.0, -1.0, len(curvatures)))


def linear(cost: costs.Cost, y: np.ndarray) -> Problem:
    risk = EmpiricalRisk(LinearModel(4), cost, X, y)
    return Problem(risk, np.array([0.1, 0.2, -0.1, 0.3, -0.2]))


def network(cost: costs.Cost, y: np.ndarray, *layers: object) -> Problem:
    model = Network(4, layers)
    return Problem(EmpiricalRisk(model, cost, X, y), model.initial_parameters(seed=0))


PROBLEMS: dict[str, Callable[[], Problem]] = {
    **{name: (lambda name=name: of_function(name)) for name in FUNCTIONS},
    "a round bowl": lambda: of_spectrum(3.0, 3.0, 3.0),
    "a long valley": lambda: of_spectrum(0.02, 1.0, 100.0),
    "a bowl with a flat direction": lambda: of_spectrum(0.0, 1.0, 5.0),
    # Linear models, one cost after another.
    "half squared error": lambda: linear(costs.HalfSquaredError(), NUMBERS),
    "squared error": lambda: linear(costs.SquaredError(), NUMBERS),
    "absolute error": lambda: linear(costs.AbsoluteError(), NUMBERS),
    "Huber": lambda: linear(costs.HuberLoss(0.5), NUMBERS),
    "logistic": lambda: linear(costs.LogisticLoss(), LABELS),
    "sigmoid and squared error": lambda: linear(costs.SigmoidHalfSquaredError(), LABELS),
    "sigmoid and focal": lambda: linear(costs.SigmoidFocalLoss(), LABELS),
    "perceptron": lambda: linear(costs.PerceptronLoss(), SIGNS),
    "hinge": lambda: linear(costs.HingeLoss(), SIGNS),
    "squared hinge": lambda: linear(costs.SquaredHingeLoss(), SIGNS),
    "logistic of the margin": lambda: linear(costs.LogisticMarginLoss(), SIGNS),
    "exponential": lambda: linear(costs.ExponentialLoss(), SIGNS),
    # Networks.
    "softmax": lambda: network(costs.SoftmaxCrossEntropy(), CLASSES, Dense(3)),
    "softmax of shares": lambda: network(costs.SoftmaxKLDivergence(), SHARES, Dense(3)),
    "tanh network": lambda: network(
        costs.SoftmaxCrossEntropy(), CLASSES, Dense(8, "tanh"), Dense(3)
    ),
    "ReLU network": lambda: network(
        costs.HalfSquaredError(), NUMBERS[:, None], Dense(8, "relu"), Dense(1)
    ),
    "sigmoid output": lambda: network(
        costs.BinaryCrossEntropy(), LABELS[:, None], Dense(5, "tanh"), Dense(1, "sigmoid")
    ),
    "sigmoid output, focal": lambda: network(
        costs.FocalLoss(), LABELS[:, None], Dense(1, "sigmoid")
    ),
    "softmax output": lambda: network(
        costs.CategoricalCrossEntropy(), CLASSES, Dense(3, "softmax")
    ),
    "softmax output, shares": lambda: network(costs.KLDivergence(), SHARES, Dense(3, "softmax")),
    "normalised network": lambda: network(
        costs.SoftmaxCrossEntropy(),
        CLASSES,
        Dense(6),
        LayerNorm(),
        Nonlinearity("gelu"),
        Dense(3),
    ),
    "batch-normalised network": lambda: network(
        costs.SoftmaxCrossEntropy(), CLASSES, Dense(6), BatchNorm(), Nonlinearity("elu"), Dense(3)
    ),
    "residual network": lambda: network(
        costs.SoftmaxCrossEntropy(), CLASSES, Dense(6), Residual([Dense(6, "relu")]), Dense(3)
    ),
}

# Costs that only count: their gradient is zero, and nothing can descend on them.
WITHOUT_SLOPE = {"ZeroOneLoss", "RelaxedZeroOneLoss", "ZeroOneMarginLoss"}
ABSTRACT = {"Cost", "MarginCost"}
# Batch normalisation has two functions: the gradient is that of the batch's statistics, the value
# alone that of the running ones. A method that compares the two has no one function to descend.
COMPARES = {"gradient descent, line search", "newton", "conjugate_gradient"}

# What second-order methods ask of an objective: a Hessian, the likelihood of a model, its layers.
NETWORKS = [name for name in PROBLEMS if " network" in name or name.startswith("softmax")]
NETWORKS += ["sigmoid output", "sigmoid output, focal"]
DENSE = ["half squared error", "squared error", "logistic", "softmax", "tanh network"]
DENSE += ["ReLU network"]
OTHER_LIKELIHOODS = ["normalised network", "batch-normalised network", "residual network"]
DEFINED_ON = {
    Newton: set(PROBLEMS) - set(NETWORKS),
    NaturalGradient: {*DENSE, *OTHER_LIKELIHOODS},
    KFAC: set(DENSE),
}


def problem(name: str) -> Problem:
    return PROBLEMS[name]()


@cache
def curvature(name: str) -> float:
    """The largest curvature at the start, by power iteration on differences of gradients."""
    objective, start = problem(name)
    direction = np.random.default_rng(0).standard_normal(len(start))
    slope, size, h = objective.gradient(start), 1.0, 1e-5
    for _ in range(30):
        direction = direction / np.linalg.norm(direction)
        change = (objective.gradient(start + h * direction) - slope) / h
        size = np.linalg.norm(change)
        if size == 0:
            break
        direction = change
    return max(float(size), 1.0)


@cache
def reachable(name: str) -> float:
    """A value that is low for this valley."""
    objective, start = problem(name)
    return float(quasi_newton(objective, start, max_iterations=200).value.min())


@pytest.mark.parametrize(
    ("optimizer", "name"),
    [(optimizer, name) for optimizer in OPTIMIZER_FOR for name in PROBLEMS],
)
def test_descends(optimizer, name):
    objective, start = problem(name)
    rule = OPTIMIZER_FOR[optimizer](curvature(name))
    if name not in DEFINED_ON.get(type(rule), PROBLEMS):
        with pytest.raises((NotImplementedError, TypeError), match=r"Hessian|likelihood|dense"):
            descend(objective, start, rule)
        return
    if optimizer in COMPARES and not objective.is_one_function:
        with pytest.raises(TypeError, match="belong to two functions"):
            descend(objective, start, rule)
        return
    patience = 20 if isinstance(rule, NaturalGradient | KFAC) else ITERATIONS
    trace = descend(objective, start, rule, max_iterations=patience)
    assert not trace.diverged
    assert np.isfinite(trace.theta).all()
    closed = (trace.value[0] - trace.value[-1]) / (trace.value[0] - reachable(name))
    assert closed > 0.1


FIRST_ORDER = [name for name, make in OPTIMIZER_FOR.items() if isinstance(make(1.0), FirstOrder)]


@pytest.mark.parametrize("name", PROBLEMS)
@pytest.mark.parametrize("optimizer", FIRST_ORDER)
def test_descends_in_single_precision(optimizer, name):
    objective, start = problem(name)
    start = start.astype(np.float32)
    rule = OPTIMIZER_FOR[optimizer](curvature(name))
    trace = descend(objective, start, rule, max_iterations=30)
    assert trace.theta.dtype == np.float32
    assert trace.value[-1] < trace.value[0]


RISKS = [name for name in PROBLEMS if isinstance(problem(name).objective, EmpiricalRisk)]


@pytest.mark.parametrize("name", RISKS)
@pytest.mark.parametrize("optimizer", [*FIRST_ORDER, "chain"])
def test_descends_on_batches(optimizer, name):
    objective, start = problem(name)
    rng = np.random.default_rng(0)
    batches = [rng.permutation(60)[i : i + 16] for _ in range(10) for i in range(0, 60, 16)]
    rule = OPTIMIZER_FOR[optimizer](4.0 * curvature(name))
    trace = descend(objective, start, rule, batches=batches)
    assert trace.stopped_by.rule == "batches"
    assert objective.value(trace.final) < objective.value(start)


def subclasses(kind: type) -> set[type]:
    return {kind}.union(*(subclasses(child) for child in kind.__subclasses__()))


def test_no_optimizer_is_forgotten():
    assert set(OPTIMIZERS) <= set(OPTIMIZER_FOR)
    made = {type(make(1.0)) for make in OPTIMIZER_FOR.values()}
    complete = {
        kind
        for kind in subclasses(Optimizer)
        if kind.__module__.startswith("course_lib.") and not inspect.isabstract(kind)
    }
    # Links of a chain take no step of their own.
    assert {kind for kind in complete if not issubclass(kind, Link)} - {StepSizeLink} == made


def test_no_cost_is_forgotten():
    known = {
        name
        for name, value in vars(costs).items()
        if inspect.isclass(value) and issubclass(value, costs.Cost)
    }
    used = {type(problem(name).objective.cost).__name__ for name in RISKS}
    assert known - WITHOUT_SLOPE - ABSTRACT == used
