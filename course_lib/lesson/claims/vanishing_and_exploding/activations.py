"""Slopes and means: checks of claims about activations."""

from __future__ import annotations

from math import erf, exp, pi, sqrt

import numpy as np

from course_lib.activations import elu, leaky_relu, mish, relu, selu, sigmoid, swish, tanh
from course_lib.costs import HalfSquaredError
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.vanishing_and_exploding.deep_networks import (
    brought_back,
    dense,
    reports,
)
from course_lib.networks import Dense, Network, gaussian_moments
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import Adam


def leak_revives_dead_units_and_still_shrinks() -> Evidence:
    """Compare slopes left of zero, and multiply ten of them; then thirty random layers."""
    z = np.linspace(-5, -0.1, 50)
    dead = bool((relu.derivative(pre_activation=z) == 0).all())
    alive = bool((leaky_relu.derivative(pre_activation=z) > 0).all())
    path = float(np.prod(leaky_relu.derivative(pre_activation=np.full(10, -1.0))))
    stacks = {
        name: brought_back(reports(200, [dense(200, name, 1.0) for _ in range(31)]))
        for name in ("relu", "leaky_relu")
    }
    return Evidence(
        supports=dead and alive,
        contradicts=path < 1e-19 and stacks["leaky_relu"] < 2 * stacks["relu"] < 1e-3,
        slope=leaky_relu.slope,
        path=path,
        plain=stacks["relu"],
        leaky=stacks["leaky_relu"],
    )


def sigmoid_and_tanh_saturate_and_only_tanh_is_centred() -> Evidence:
    """Measure means, end slopes, and how often all weights of a unit are pushed one way."""
    z = np.linspace(-5, 5, 1001)
    same_curve = np.allclose(tanh(z), 2 * sigmoid(2 * z) - 1, atol=1e-14)
    means = {f: gaussian_moments(f).mean for f in (sigmoid, tanh)}
    flat = max(float(f.derivative(pre_activation=10.0)) for f in (sigmoid, tanh))
    inputs = np.random.default_rng(0).standard_normal((20_000, 5))
    one_way = {}
    for f in (sigmoid, tanh):
        # The gradient of a unit's weights is its own delta times its inputs.
        signs = np.sign(f(inputs)).sum(axis=1)
        one_way[f] = float((np.abs(signs) == 5).mean())
    agrees = same_curve and abs(means[sigmoid] - 0.5) < 1e-6 and abs(means[tanh]) < 1e-6
    agrees &= flat < 1e-4 and one_way[sigmoid] == 1.0 and one_way[tanh] < 0.1
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        sigmoid_mean=means[sigmoid],
        flat=flat,
        sigmoid_share=100 * one_way[sigmoid],
        tanh_share=100 * one_way[tanh],
    )


def unit_far_to_the_left_is_dead_and_a_leak_revives_it() -> Evidence:
    """Give a unit the bias -20 and ask for its gradient on a thousand samples."""
    X = np.random.default_rng(0).standard_normal((1000, 5))
    gradients, active = {}, {}
    for name in ("relu", "leaky_relu"):
        network = Network(5, [Dense(1, name)])
        theta = network.initial_parameters(seed=0)
        network.layout.views(theta)["1.bias"][:] = -20.0
        active[name] = int((network.predict(theta, X) > 0).sum())
        risk = EmpiricalRisk(network, HalfSquaredError(), X, np.zeros((1000, 1)) + 3.0)
        gradients[name] = float(np.linalg.norm(risk.gradient(theta)))
    agrees = active["relu"] == 0 == gradients["relu"] < gradients["leaky_relu"]
    return Evidence(supports=agrees, contradicts=not agrees, active=active["relu"], **gradients)


def rectifier_saturates_on_the_left() -> Evidence:
    """Take the slope on both sides."""
    right = relu.derivative(pre_activation=np.geomspace(1e-3, 1e6, 50))
    left = relu.derivative(pre_activation=-np.geomspace(1e-3, 1e6, 50))
    return Evidence(
        supports=(right == 1).all(),
        contradicts=(left == 0).all(),
        right=right.min(),
        left=left.max(),
    )


def elu_moves_the_mean_towards_zero_and_not_onto_it() -> Evidence:
    """Integrate over a standard normal input, and compare with the closed form."""
    mean = gaussian_moments(elu).mean
    normal_cdf_at_minus_one = 0.5 * (1 + erf(-1 / sqrt(2)))
    closed_form = 1 / sqrt(2 * pi) + exp(0.5) * normal_cdf_at_minus_one - 0.5
    assert np.isclose(mean, closed_form, atol=1e-6)
    rectified, scaled = gaussian_moments(relu).mean, gaussian_moments(selu)
    fixed_point = abs(scaled.mean) < 1e-4 and abs(scaled.second_moment - 1) < 1e-4
    return Evidence(
        supports=abs(mean) < 0.01,
        contradicts=0.1 < mean < rectified and fixed_point,
        mean=mean,
        rectified=rectified,
        lowest=elu.limits[0],
    )


def gated_activations_win_in_some_cases() -> Evidence:
    """Fit a smooth and a broken line with eight units of each kind, four seeds."""
    X = np.linspace(-1, 1, 64)[:, None]
    targets = {"smooth": np.sin(4 * X), "broken": np.abs(X)}
    loss = {}
    for case, y in targets.items():
        for name in ("relu", "swish", "mish"):
            ends = []
            for seed in range(4):
                network = Network(1, [Dense(8, name), Dense(1)])
                risk = EmpiricalRisk(network, HalfSquaredError(), X, y)
                theta, method = network.initial_parameters(seed=seed), Adam(0.03)
                state = method.init(theta)
                for _ in range(400):
                    theta = theta + method.update(risk.gradient(theta), state, theta)
                ends.append(risk.value(theta))
            loss[case, name] = float(np.mean(ends))
    wins = [loss[case, name] < loss[case, "relu"] for case in targets for name in ("swish", "mish")]
    z = np.linspace(-3, 0, 300_001)
    return Evidence(
        supports=any(wins),
        contradicts=not any(wins),
        swish_low=swish(z).min(),
        swish_at=z[swish(z).argmin()],
        mish_low=mish(z).min(),
        mish_at=z[mish(z).argmin()],
        smooth_relu=loss["smooth", "relu"],
        smooth_swish=loss["smooth", "swish"],
        smooth_mish=loss["smooth", "mish"],
        broken_relu=loss["broken", "relu"],
        broken_swish=loss["broken", "swish"],
        broken_mish=loss["broken", "mish"],
    )
