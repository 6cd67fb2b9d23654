"""What several checks share: deep random networks, and how much of a gradient comes back."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np

from course_lib.activations import Activation
from course_lib.costs import HalfSquaredError
from course_lib.initializers import small_random
from course_lib.networks import Dense, Layer, LayerReport, Network, layer_reports


def dense(width: int, activation: str | Activation, gain: float) -> Dense:
    """Return a layer whose weights have the standard deviation ``gain / sqrt(width)``."""
    draw = partial(small_random, scale=gain / np.sqrt(width))
    return Dense(width, activation, initializer=draw)


def reports(width: int, layers: Sequence[Layer], *, samples: int = 64) -> list[LayerReport]:
    """Pass normal samples through ``layers``, and the gradient of their squares back."""
    X = np.random.default_rng(1).standard_normal((samples, width))
    network = Network(width, layers)
    theta = network.initial_parameters(seed=0)
    # Targets far away, so that the gradient from above is much the same whatever the outputs are.
    targets = 1e12 * np.random.default_rng(2).standard_normal((samples, width))
    return layer_reports(network, theta, X, targets, HalfSquaredError(), training=True)


def brought_back(found: Sequence[LayerReport]) -> float:
    """Return the gradient at the first layer's output, relative to that at the last one's."""
    return found[0].gradient_norm / found[-1].gradient_norm
