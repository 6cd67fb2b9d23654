"""Noise, and what it leaves: checks of claims about variance, level and step."""

from __future__ import annotations

from itertools import combinations, product

import numpy as np

from course_lib.batching import MiniBatches
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.gd_variants.problems import plane
from course_lib.noise_ball import SampledLeastSquares
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.rates import largest_stable_step
from course_lib.schedules import InverseTime
from course_lib.validation import FloatArray


def variance_of_batches_follows_both_formulas() -> Evidence:
    """Look at every batch there is."""
    n, size = 8, 3
    wishes = _single_gradients(plane(n)[0], np.zeros(3))
    single = wishes.var(axis=0).sum()
    sets = [wishes[list(batch)].mean(axis=0) for batch in combinations(range(n), size)]
    draws = [wishes[list(batch)].mean(axis=0) for batch in product(range(n), repeat=size)]
    without, with_ = (np.var(means, axis=0).sum() / single for means in (sets, draws))
    formulas = (n - size) / (n - 1) / size, 1 / size
    agrees = np.allclose((without, with_), formulas) and max(without, with_) < 1 and size < n
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        n=n,
        size=size,
        batches=len(sets),
        tuples=len(draws),
        without=without,
        with_=with_,
        without_formula=formulas[0],
        with_formula=formulas[1],
    )


def single_samples_often_point_uphill() -> Evidence:
    """Compare each sample's gradient with the mean of all."""
    n, bound = 500, 1e-12
    risk, sampled = plane(n)
    uphill = []
    for theta in (np.zeros(3), sampled.minimizer + 0.001):
        each, exact = _single_gradients(risk, theta), risk.gradient(theta)
        assert np.abs(each.mean(axis=0) - exact).max() < bound
        uphill.append(100.0 * np.mean(each @ exact < 0))
    return Evidence(
        supports=uphill[1] > 40,
        contradicts=uphill[1] == 0,
        n=n,
        bound=bound,
        far=uphill[0],
        near=uphill[1],
    )


def no_batch_size_is_special() -> Evidence:
    """Measure the variance of batches within and beyond the range."""
    risk, _ = plane(1000)
    each = _single_gradients(risk, np.zeros(3))
    rng = np.random.default_rng(0)
    scaled = {}
    for size in (2, 10, 100, 500):
        means = np.array([each[rng.integers(1000, size=size)].mean(axis=0) for _ in range(1500)])
        scaled[size] = size * means.var(axis=0).sum() / each.var(axis=0).sum()
    return Evidence(
        supports=all(abs(scaled[size] - 1) < 0.1 for size in (2, 10, 100)),
        contradicts=abs(scaled[500] - 1) < 0.1,
        two=scaled[2],
        ten=scaled[10],
        hundred=scaled[100],
        more=scaled[500],
    )


def mini_batches_fluctuate_less_not_never() -> Evidence:
    """Compute the long run exactly for three batch sizes, and run one of them."""
    risk, sampled = plane(1000)
    alpha = 0.05
    exact = {size: np.trace(sampled.stationary_covariance(alpha, size)) for size in (1, 10, 100)}
    batches = MiniBatches(1000, 10, seed=0, epochs=60, replace=True)
    run = descend(risk, sampled.minimizer, GradientDescent(alpha), batches=batches)
    measured = np.mean(run.errors(sampled.minimizer)[500:] ** 2)
    assert np.isclose(measured, exact[10], rtol=0.1)
    return Evidence(
        supports=exact[10] == 0,
        contradicts=all(5 < exact[size] / exact[10 * size] < 20 for size in (1, 10)),
        alpha=alpha,
        one=exact[1],
        ten=exact[10],
        hundred=exact[100],
        run=measured,
    )


def constant_steps_hover_and_decaying_ones_arrive() -> Evidence:
    """Follow the estimate of a mean, in the mean over all runs."""
    mean = SampledLeastSquares(np.ones((4, 1)), [-2.0, 0.0, 1.0, 3.0])
    # One parameter of curvature 1: the squared error is twice the gap.
    constant = {step: 2 * mean.stationary_gap(step) for step in (0.1, 0.05)}
    rule = InverseTime(2 / 50, 1 / 50)
    errors = 2 * mean.expected_gaps([rule(k) for k in range(10_000)], [5.0])
    ratio = constant[0.1] / constant[0.05]
    return Evidence(
        supports=1.8 < ratio < 2.2,
        contradicts=8 < errors[1000] / errors[10_000] < 12,
        long=constant[0.1],
        half=constant[0.05],
        early=errors[1000],
        late=errors[10_000],
    )


def the_step_size_decides() -> Evidence:
    """Compute the expected gap after a fixed number of steps for five step sizes."""
    _, sampled = plane(1000)
    steps = 1000
    gaps = [
        sampled.expected_gaps([alpha] * steps, np.zeros(3))[-1]
        for alpha in (1e-4, 1e-3, 1e-2, 1e-1, 1.0)
    ]
    sensitive = max(gaps[:4]) > 100 * min(gaps) and gaps[4] > 1e10
    return Evidence(
        supports=sensitive,
        contradicts=not sensitive,
        steps=steps,
        a=gaps[0],
        b=gaps[1],
        c=gaps[2],
        d=gaps[3],
        limit=sampled.largest_step(1),
        full_limit=largest_stable_step(np.linalg.eigvalsh(sampled.hessian)[-1]),
    )


def _single_gradients(risk: EmpiricalRisk, theta: FloatArray) -> FloatArray:
    return np.array([risk.gradient(theta, np.array([i])) for i in range(risk.n_samples)])
