"""How fast? Checks of claims about steps and looks."""

from __future__ import annotations

import numpy as np

from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.gd_variants.problems import plane
from course_lib.optimizers import GradientDescent


def noise_slows_and_cheapness_speeds() -> Evidence:
    """Compare exact and single-sample gradients, by steps and by sample gradients."""
    n, steps, alpha = 1000, 10, 0.1
    risk, sampled = plane(n)
    start = np.zeros(3)
    exact = descend(risk, start, GradientDescent(0.5), max_iterations=steps)
    batch = exact.value - risk.value(sampled.minimizer)
    single = sampled.expected_gaps([alpha] * steps + [0.01] * (n - steps), start)
    return Evidence(
        supports=single[steps] < batch[steps],
        contradicts=batch[steps] < 1e-3 * single[steps] and single[n] < 0.1 * batch[1],
        n=n,
        steps=steps,
        batch_steps=batch[steps],
        single_steps=single[steps],
        batch_look=batch[1],
        single_look=single[n],
    )


def fast_at_first_and_slow_at_last() -> Evidence:
    """Follow both for several passes over the data."""
    n, passes = 2000, 8
    risk, sampled = plane(n)
    start = np.zeros(3)
    exact = descend(risk, start, GradientDescent(0.7), max_iterations=passes)
    batch = exact.value - risk.value(sampled.minimizer)
    single = sampled.expected_gaps([0.01] * n, start)
    last = sampled.stationary_gap(0.01)
    return Evidence(
        supports=single[n] < 0.1 * batch[1],
        contradicts=batch[passes] < 1e-3 * last,
        n=n,
        passes=passes,
        single_first=single[n],
        batch_first=batch[1],
        single_last=last,
        batch_last=batch[passes],
    )
