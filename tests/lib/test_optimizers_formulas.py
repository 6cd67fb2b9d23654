"""Every optimizer computes its paper's formulas, written out here number by number."""

from __future__ import annotations

from math import prod, sqrt

import numpy as np
import pytest

from course_lib.line_search import StepContext
from course_lib.objectives import Quadratic
from course_lib.optimizers import (
    SGD,
    AdaDelta,
    AdaGrad,
    Adam,
    AdamW,
    AMSGrad,
    Momentum,
    Nadam,
    Nesterov,
    RMSProp,
    accelerated_momentum,
)
from course_lib.schedules import InverseTime

GRADIENTS = [3.0, -0.2, 0.0, 5.0, -5.0, 0.01, 2.0, 0.0, -1.0, 4.0, -0.3, 0.7]
RATE = InverseTime(0.1, decay=0.05)
START = 1.5


def sgd(g, t, theta, memory, mu=0.9, decay=0.1, rescale=0.5, clip=2.0):
    clipped = max(-clip, min(clip, g))
    memory["v"] = mu * memory.get("v", 0.0) - RATE(t - 1) * (rescale * clipped + decay * theta)
    return memory["v"]


def plain_sgd(g, t, theta, memory):
    return -RATE(t - 1) * g


def momentum(g, t, theta, memory, mu=0.8):
    memory["v"] = mu * memory.get("v", 0.0) - RATE(t - 1) * g
    return memory["v"]


def pytorch_momentum(g, t, theta, memory, mu=0.8):
    memory["v"] = mu * memory.get("v", 0.0) + g
    return -RATE(t - 1) * memory["v"]


def scheduled_momentum(g, t, theta, memory):
    return momentum(g, t, theta, memory, mu=(t - 1) / (t + 2))


def shifted_nesterov(g, t, theta, memory):
    def mu(k):
        return k / (k + 3)

    memory["v"] = mu(t - 1) * memory.get("v", 0.0) - RATE(t - 1) * g
    return mu(t) * memory["v"] - RATE(t - 1) * g


def pytorch_nesterov(g, t, theta, memory):
    mu = (t - 1) / (t + 2)
    memory["v"] = mu * memory.get("v", 0.0) + g
    return -RATE(t - 1) * (g + mu * memory["v"])


def adagrad(g, t, theta, memory, initial=0.0):
    memory["G"] = memory.get("G", initial) + g**2
    return -RATE(t - 1) * g / (sqrt(memory["G"]) + 1e-3)


def adagrad_inside(g, t, theta, memory):
    memory["G"] = memory.get("G", 0.5) + g**2
    return -RATE(t - 1) * g / sqrt(memory["G"] + 1e-3)


def rmsprop(g, t, theta, memory):
    memory["v"] = 0.9 * memory.get("v", 0.0) + 0.1 * g**2
    return -RATE(t - 1) * g / (sqrt(memory["v"]) + 1e-3)


def rmsprop_inside(g, t, theta, memory):
    memory["v"] = 0.9 * memory.get("v", 0.0) + 0.1 * g**2
    return -RATE(t - 1) * g / sqrt(memory["v"] + 1e-3)


def rmsprop_centered(g, t, theta, memory):
    memory["v"] = 0.9 * memory.get("v", 0.0) + 0.1 * g**2
    memory["m"] = 0.9 * memory.get("m", 0.0) + 0.1 * g
    return -RATE(t - 1) * g / (sqrt(memory["v"] - memory["m"] ** 2) + 1e-3)


def adadelta(g, t, theta, memory, rho=0.95, epsilon=1e-3):
    memory["v"] = rho * memory.get("v", 0.0) + (1 - rho) * g**2
    change = -sqrt(memory.get("u", 0.0) + epsilon) / sqrt(memory["v"] + epsilon) * g
    memory["u"] = rho * memory.get("u", 0.0) + (1 - rho) * change**2
    return RATE(t - 1) * change


def moments(g, memory, beta1=0.7, beta2=0.9):
    memory["m"] = beta1 * memory.get("m", 0.0) + (1 - beta1) * g
    memory["v"] = beta2 * memory.get("v", 0.0) + (1 - beta2) * g**2
    return memory["m"], memory["v"]


def adam(g, t, theta, memory):
    m, v = moments(g, memory)
    return -RATE(t - 1) * m / (1 - 0.7**t) / (sqrt(v / (1 - 0.9**t)) + 1e-3)


def adamw(g, t, theta, memory):
    return adam(g, t, theta, memory) - RATE(t - 1) * 0.2 * theta


def amsgrad_after(g, t, theta, memory):
    m, v = moments(g, memory)
    memory["w"] = max(memory.get("w", 0.0), v)
    return -RATE(t - 1) * m / (1 - 0.7**t) / (sqrt(memory["w"] / (1 - 0.9**t)) + 1e-3)


def amsgrad_before(g, t, theta, memory):
    m, v = moments(g, memory)
    memory["w"] = max(memory.get("w", 0.0), v / (1 - 0.9**t))
    return -RATE(t - 1) * m / (1 - 0.7**t) / (sqrt(memory["w"]) + 1e-3)


def amsgrad_paper(g, t, theta, memory):
    m, v = moments(g, memory)
    memory["w"] = max(memory.get("w", 0.0), v)
    return -RATE(t - 1) * m / (sqrt(memory["w"]) + 1e-3)


def nadam(g, t, theta, memory, mu=lambda i: 0.7 * (1 - 0.5 * 0.96 ** (i * 0.01))):
    m, v = moments(g, memory)
    up_to = prod(mu(i) for i in range(1, t + 1))
    mean = mu(t + 1) * m / (1 - up_to * mu(t + 1)) + (1 - mu(t)) * g / (1 - up_to)
    return -RATE(t - 1) * mean / (sqrt(v / (1 - 0.9**t)) + 1e-3)


def constant_nadam(g, t, theta, memory):
    return nadam(g, t, theta, memory, mu=lambda i: 0.7)


FORMULAS = [
    (SGD(RATE, momentum=0.9, weight_decay=0.1, rescale=0.5, clip=2.0), sgd),
    (SGD(RATE), plain_sgd),
    (Momentum(RATE, 0.8), momentum),
    (Momentum(RATE, 0.8, form="pytorch"), pytorch_momentum),
    (Momentum(RATE, lambda k: k / (k + 3)), scheduled_momentum),
    (Nesterov(RATE, lambda k: k / (k + 3)), shifted_nesterov),
    (Nesterov(RATE, lambda k: k / (k + 3), form="pytorch"), pytorch_nesterov),
    (AdaGrad(RATE, epsilon=1e-3), adagrad),
    (AdaGrad(RATE, epsilon=1e-3, epsilon_inside=True, initial_sum=0.5), adagrad_inside),
    (RMSProp(RATE, epsilon=1e-3), rmsprop),
    (RMSProp(RATE, epsilon=1e-3, epsilon_inside=True), rmsprop_inside),
    (RMSProp(RATE, epsilon=1e-3, centered=True), rmsprop_centered),
    (AdaDelta(RATE, epsilon=1e-3), adadelta),
    (Adam(RATE, 0.7, 0.9, epsilon=1e-3), adam),
    (AdamW(RATE, 0.7, 0.9, epsilon=1e-3, weight_decay=0.2), adamw),
    (AMSGrad(RATE, 0.7, 0.9, epsilon=1e-3), amsgrad_after),
    (AMSGrad(RATE, 0.7, 0.9, epsilon=1e-3, correction="before"), amsgrad_before),
    (AMSGrad(RATE, 0.7, 0.9, epsilon=1e-3, correction="none"), amsgrad_paper),
    (Nadam(RATE, 0.7, 0.9, epsilon=1e-3, momentum_decay=0.01), nadam),
    (Nadam(RATE, 0.7, 0.9, epsilon=1e-3, momentum_decay=None), constant_nadam),
]


@pytest.mark.parametrize(
    ("optimizer", "formula"), FORMULAS, ids=[formula.__name__ for _, formula in FORMULAS]
)
def test_computes_its_formula(optimizer, formula):
    theta, expected, memory = np.array([START]), START, {}
    state = optimizer.init(theta)
    for t, gradient in enumerate(GRADIENTS, start=1):
        theta += optimizer.update(np.array([gradient]), state, theta)
        expected += formula(gradient, t, expected, memory)
        assert theta[0] == pytest.approx(expected, rel=1e-12)
        assert state["step_size"] == RATE(t - 1)


@pytest.mark.parametrize(
    ("optimizer", "settings"),
    [
        (SGD(), {"momentum": 0.0, "weight_decay": 0.0, "rescale": 1.0, "clip": None}),
        (Momentum(), {"momentum": 0.9, "form": "classical"}),
        (Nesterov(), {"momentum": 0.9, "form": "shifted"}),
        (AdaGrad(), {"epsilon": 1e-10, "epsilon_inside": False, "initial_sum": 0.0}),
        (RMSProp(), {"decay": 0.9, "epsilon": 1e-8, "epsilon_inside": False, "centered": False}),
        (AdaDelta(), {"decay": 0.95, "epsilon": 1e-6}),
        (Adam(), {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.0}),
        (AdamW(), {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "weight_decay": 0.01}),
        (AMSGrad(), {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "correction": "after"}),
        (Nadam(), {"beta1": 0.9, "beta2": 0.999, "epsilon": 1e-8, "momentum_decay": 0.004}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_has_the_defaults_that_its_docstring_names(optimizer, settings):
    default_rates = {
        "RMSProp": 0.001, "Adam": 0.001, "AdamW": 0.001, "AMSGrad": 0.001, "Nadam": 0.002,
        "AdaDelta": 1.0,
    }  # fmt: skip
    assert optimizer.step_size(0) == default_rates.get(type(optimizer).__name__, 0.01)
    for name, value in settings.items():
        assert getattr(optimizer, name) == value


def test_the_accelerated_momentum_starts_from_rest():
    assert [accelerated_momentum(k) for k in range(5)] == [0.0, 0.0, 0.25, 0.4, 0.5]


def bowl():
    return Quadratic.with_spectrum([1.0, 3.0, 10.0], minimizer=[1.0, -2.0, 0.5], seed=3)


def walk(optimizer, n=60):
    """The points, and Sutskever's points where the optimizer knows them."""
    objective, theta = bowl(), np.array([2.0, 2.0, 2.0])
    state, points, positions = optimizer.init(theta), [], []
    for _ in range(n):
        gradient = objective.gradient(theta)
        context = StepContext(objective, objective.value(theta))
        theta += optimizer.update(gradient, state, theta, context)
        points.append(theta.copy())
        if optimizer.form == "shifted":
            positions.append(optimizer.position(theta, state))
    return np.array(points), np.array(positions)


def test_sutskevers_form_follows_the_paper_to_the_letter():
    objective, theta, velocity = bowl(), np.array([2.0, 2.0, 2.0]), np.zeros(3)
    points, _ = walk(Nesterov(0.05, 0.9, form="sutskever"))
    for point in points:
        velocity = 0.9 * velocity - 0.05 * objective.gradient(theta + 0.9 * velocity)
        theta = theta + velocity
        np.testing.assert_allclose(point, theta, rtol=1e-12)


def test_the_shifted_form_hides_sutskevers_points_even_while_everything_changes():
    rate, momentum = InverseTime(0.08, decay=0.1), lambda k: 0.95 * (k + 1) / (k + 5)
    _, positions = walk(Nesterov(rate, momentum))
    points, _ = walk(Nesterov(rate, momentum, form="sutskever"))
    np.testing.assert_allclose(positions, points, rtol=1e-10, atol=1e-12)


def test_pytorchs_nesterov_is_the_shifted_form_while_nothing_changes():
    shifted, _ = walk(Nesterov(0.05, 0.9))
    pytorch, _ = walk(Nesterov(0.05, 0.9, form="pytorch"))
    np.testing.assert_allclose(shifted, pytorch, rtol=1e-10, atol=1e-12)
    changing = InverseTime(0.08, decay=0.1)
    shifted, _ = walk(Nesterov(changing, 0.9))
    pytorch, _ = walk(Nesterov(changing, 0.9, form="pytorch"))
    assert np.abs(shifted - pytorch).max() > 1e-2


def test_sutskevers_form_asks_for_the_objective():
    optimizer = Nesterov(form="sutskever")
    state = optimizer.init(np.zeros(2))
    with pytest.raises(TypeError, match="context=StepContext"):
        optimizer.update(np.zeros(2), state, np.zeros(2))


def test_adam_without_memory_of_the_mean_is_rmsprop_up_to_the_bias():
    adam, rms = Adam(0.1, beta1=0.0, beta2=0.9, epsilon=1e-12), RMSProp(0.1, epsilon=1e-12)
    theta = np.array([1.0])
    states = adam.init(theta), rms.init(theta)
    for t, g in enumerate(GRADIENTS[:2], start=1):
        corrected = adam.update(np.array([g]), states[0], theta)
        plain = rms.update(np.array([g]), states[1], theta)
        np.testing.assert_allclose(corrected, plain * sqrt(1 - 0.9**t), rtol=1e-9)


def test_adam_shows_its_means():
    optimizer, memory = Adam(0.1, 0.7, 0.9), {}
    state = optimizer.init(np.zeros(1))
    for t, gradient in enumerate(GRADIENTS, start=1):
        optimizer.update(np.array([gradient]), state, np.zeros(1))
        m, v = moments(gradient, memory)
        mean, square = optimizer.means(state)
        assert mean[0] == pytest.approx(m / (1 - 0.7**t), rel=1e-12)
        assert square[0] == pytest.approx(v / (1 - 0.9**t), rel=1e-12)


def test_centered_rmsprop_survives_a_variance_that_rounds_below_zero():
    optimizer = RMSProp(0.1, 0.9, centered=True, epsilon=1e-3)
    state = optimizer.init(np.zeros(50))
    gradient = np.linspace(0.1, 7.0, 50)
    for _ in range(2000):
        step = optimizer.update(gradient, state, np.zeros(50))
    # The variance is gone, and epsilon alone is left to divide by.
    assert np.isfinite(step).all()
    np.testing.assert_allclose(step, -0.1 * gradient / 1e-3, rtol=1e-3)


def test_adams_longest_step_is_the_bound_of_cauchy_and_schwarz():
    beta1, beta2, n = 0.9, 0.999, 400
    bound = (1 - beta1) / sqrt((1 - beta2) * (1 - beta1**2 / beta2))
    assert bound == pytest.approx(7.27, abs=0.01)
    # Long silence, so that the bias is gone, and then the gradients for which equality holds.
    gradients = [0.0] * 20_000 + [(beta1 / beta2) ** i for i in reversed(range(n))]
    optimizer, theta = Adam(1.0, beta1, beta2, epsilon=1e-12), np.zeros(1)
    state = optimizer.init(theta)
    longest = max(
        abs(optimizer.update(np.array([gradient]), state, theta)[0]) for gradient in gradients
    )
    assert longest == pytest.approx(bound, rel=1e-6)
