"""One coordinate under gradients that are given: what an optimizer makes of them."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from course_lib.optimizers import Optimizer
from course_lib.validation import FloatArray


def steps_under(
    optimizer: Optimizer, gradients: Iterable[float], theta: float = 0.0
) -> tuple[FloatArray, FloatArray]:
    """Return the steps under the gradients, and the points that they lead to."""
    point = np.array([float(theta)])
    state, steps, points = optimizer.init(point), [], []
    for gradient in gradients:
        step = optimizer.update(np.array([float(gradient)]), state, point)
        steps.append(float(step[0]))
        point += step
        points.append(float(point[0]))
    return np.array(steps), np.array(points)
