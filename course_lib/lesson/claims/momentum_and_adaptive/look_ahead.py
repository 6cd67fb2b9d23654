"""Nesterov's momentum: a check of what it looks ahead with."""

from __future__ import annotations

from itertools import pairwise
from math import sqrt

import numpy as np

from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.objectives import Quadratic
from course_lib.optimizers import GradientDescent, Nesterov

ITERATIONS = 200


def the_look_ahead_is_in_the_parameters() -> Evidence:
    """Shift the loss; compare with plain descent and with the bound of 1983."""
    weights = [1.0]
    for _ in range(ITERATIONS):
        weights.append((1 + sqrt(1 + 4 * weights[-1] ** 2)) / 2)
    momenta = [0.0, *((before - 1) / after for before, after in pairwise(weights))]
    bowl, start = Quadratic(np.diag([1.0, 100.0])), np.array([1.0, 1.0])
    method = Nesterov(1 / 100, lambda k: momenta[k], form="sutskever")
    fast = descend(bowl, start, method, max_iterations=ITERATIONS)
    slow = descend(bowl, start, GradientDescent(1 / 100), max_iterations=ITERATIONS)
    lowered = Quadratic(np.diag([1.0, 100.0]), minimum=-7.0)
    same = descend(lowered, start, method, max_iterations=ITERATIONS)
    shifted = float(np.abs(same.theta - fast.theta).max())
    k = np.arange(ITERATIONS + 1)
    within = bool((fast.value <= 2 * 100 * (start @ start) / (k + 1) ** 2).all())
    return Evidence(
        supports=shifted > 0,
        contradicts=shifted == 0 and within and fast.value[-1] < slow.value[-1] / 100,
        shifted=shifted,
        descent=slow.value[-1],
        nesterov=fast.value[-1],
    )
