"""One factor a layer: checks of claims about products of Jacobians."""

from __future__ import annotations

import numpy as np

from course_lib.activations import sigmoid
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.vanishing_and_exploding.deep_networks import (
    brought_back,
    dense,
    reports,
)


def gradient_is_a_product_of_one_factor_a_layer() -> Evidence:
    """Carry a gradient back through 50 linear layers of three gains."""
    width, layers, found = 200, 50, {}
    for gain in (0.5, 1.0, 1.5):
        stack = [dense(width, "identity", gain) for _ in range(layers + 1)]
        found[gain] = brought_back(reports(width, stack))
    measured = {gain: ratio ** (1 / layers) for gain, ratio in found.items()}
    agrees = all(abs(rate / gain - 1) < 0.02 for gain, rate in measured.items())
    steepest = sigmoid.derivative(pre_activation=np.linspace(-9, 9, 10_001)).max()
    agrees &= steepest == 0.25 and found[0.5] < 1e-12 and found[1.5] > 1e6
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        shrinks=found[0.5],
        stays=found[1.0],
        grows=found[1.5],
        bound=steepest**30,
    )


def rectifier_puts_no_cap_on_the_product() -> Evidence:
    """Carry a gradient back through 50 ReLU layers of three weight variances, and through tanh."""
    width, layers = 200, 50
    found = {
        (name, variance): brought_back(
            reports(width, [dense(width, name, np.sqrt(variance)) for _ in range(layers + 1)])
        )
        for name, variance in (("relu", 1.0), ("relu", 2.0), ("relu", 4.0), ("tanh", 4.0))
    }
    explodes = found["relu", 4.0] > 1e5
    return Evidence(
        supports=not explodes or found["relu", 4.0] < found["tanh", 4.0],
        contradicts=explodes and found["relu", 1.0] < 1e-5 < 0.1 < found["relu", 2.0] < 10,
        small=np.log2(found["relu", 1.0]),
        he=np.log2(found["relu", 2.0]),
        large=np.log2(found["relu", 4.0]),
        saturating=np.log2(found["tanh", 4.0]),
    )
