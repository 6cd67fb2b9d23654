"""Adaptive step sizes: checks of claims about AdaGrad, RMSProp and AdaDelta."""

from __future__ import annotations

import numpy as np

from course_lib.batching import SingleRandom
from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.momentum_and_adaptive.one_coordinate import steps_under
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, Quadratic
from course_lib.optimizers import AdaDelta, AdaGrad, Adam, GradientDescent, RMSProp
from course_lib.schedules import InverseTime


def adagrad_divides_by_the_whole_history() -> Evidence:
    """Feed constant gradients of three sizes."""
    runs = [-steps_under(AdaGrad(0.1), [size] * 100)[0] for size in (0.01, 1.0, 100.0)]
    first, hundredth = (np.array([run[k] for run in runs]) for k in (0, 99))
    by_root = np.allclose(first, 0.1) and np.allclose(hundredth, 0.1 / np.sqrt(100))
    return Evidence(
        supports=np.allclose(hundredth, first),
        contradicts=by_root,
        first=first[0],
        hundredth=hundredth[0],
    )


def adagrad_spares_rare_features() -> Evidence:
    """Let one feature occur always and the other in one sample of a hundred."""
    rng = np.random.default_rng(0)
    gradients = np.column_stack([np.ones(10_000), rng.permutation(10_000) < 100])
    optimizer, theta = AdaGrad(0.1), np.zeros(2)
    state = optimizer.init(theta)
    for gradient in gradients:
        optimizer.update(gradient, state, theta)
    frequent, rare = 0.1 / np.sqrt(state["squares"])
    return Evidence(supports=rare > frequent, contradicts=rare <= frequent, ratio=rare / frequent)


def rmsprop_forgets() -> Evidence:
    """Hold the gradient constant; let it fall by a factor of a hundred."""
    rules = {"rmsprop": RMSProp(0.1), "adagrad": AdaGrad(0.1)}
    fall = [100.0] * 500 + [1.0] * 100
    found = {}
    for name, rule in rules.items():
        found[f"steady_{name}"] = -float(steps_under(rule, [1.0] * 1000)[0][-1])
        found[f"fallen_{name}"] = -float(steps_under(rule, fall)[0][-1])
    better = (
        found["steady_rmsprop"] > 10 * found["steady_adagrad"]
        and found["fallen_rmsprop"] > 100 * found["fallen_adagrad"]
    )
    return Evidence(supports=better, contradicts=not better, **found)


def adadelta_speeds_up() -> Evidence:
    """Hold the gradient constant and watch step and distance grow together."""
    steps, points = steps_under(AdaDelta(), [1.0] * 2000)
    first, hundredth, last = -steps[[0, 99, 1999]]
    return Evidence(
        supports=last < first,
        contradicts=first < hundredth < last,
        first=first,
        hundredth=hundredth,
        last=last,
        distance=abs(points[-1]),
    )


def rmsprop_is_adadelta_with_a_frozen_numerator() -> Evidence:
    """Hold AdaDelta's record of steps fixed, then let it go."""
    gradients = np.random.default_rng(0).standard_normal(50)
    plain = steps_under(RMSProp(0.3, 0.9, epsilon=1e-6, epsilon_inside=True), gradients)[0]
    frozen, theta = AdaDelta(decay=0.9, epsilon=1e-6), np.zeros(1)
    state, steps = frozen.init(theta), []
    for gradient in gradients:
        state["squared_steps"].fill(0.3**2 - 1e-6)
        steps.append(float(frozen.update(np.array([gradient]), state, theta)[0]))
    equal = np.isclose(steps, plain, rtol=1e-10)
    free = steps_under(AdaDelta(decay=0.9, epsilon=1e-6), gradients)[0]
    apart = float(np.max(np.abs(free - plain) / np.abs(plain)))
    return Evidence(
        supports=bool(equal.all()),
        contradicts=apart > 0.5,
        agreement=f"{np.count_nonzero(equal)}",
        apart=apart,
    )


def a_step_size_is_still_to_be_tuned() -> Evidence:
    """Run Adam with five step sizes."""
    bowl = Quadratic.with_spectrum([1.0, 10.0, 100.0], seed=0)
    rates = (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    final = [
        descend(bowl, [1.0, 1.0, 1.0], Adam(rate), max_iterations=500).value[-1] for rate in rates
    ]
    # The one thing that is chosen: in what units the gradient comes does not matter.
    gradients = np.random.default_rng(0).standard_normal(50)
    units = [steps_under(Adam(0.1, epsilon=1e-12), scale * gradients)[0] for scale in (1, 1000)]
    decades = np.log10(max(final) / min(final))
    return Evidence(
        supports=np.allclose(*units),
        contradicts=decades > 20,
        decades=20 if decades > 20 else int(decades),
        best=rates[int(np.argmin(final))],
    )


def rescaling_leaves_the_noise() -> Evidence:
    """Fit least squares from single samples."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((500, 5))
    y = X @ rng.standard_normal(5) + rng.standard_normal(500)
    risk = EmpiricalRisk(LinearModel(5, intercept=False), HalfSquaredError(), X, y)
    lowest = risk.value(np.linalg.lstsq(X, y)[0])
    methods = {
        "sgd": GradientDescent(0.05),
        "adam": Adam(0.05),
        "decayed": GradientDescent(InverseTime(0.1, decay=0.05)),
    }
    excess = {}
    for name, method in methods.items():
        trace = descend(risk, np.zeros(5), method, batches=SingleRandom(500, epochs=16, seed=1))
        late = trace.theta[-3000::30]
        excess[name] = float(np.mean([risk.value(theta) for theta in late])) - lowest
    leaves = excess["adam"] > 0.2 * excess["sgd"] and excess["decayed"] < 0.1 * excess["adam"]
    return Evidence(supports=not leaves, contradicts=leaves, **excess)
