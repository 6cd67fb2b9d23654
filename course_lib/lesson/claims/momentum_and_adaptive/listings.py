"""Listings and schedules: checks of claims about what printed code does."""

from __future__ import annotations

import numpy as np

from course_lib.batching import FullBatch, MiniBatches
from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.momentum_and_adaptive.one_coordinate import steps_under
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, Quadratic
from course_lib.optimizers import (
    SGD,
    GradientDescent,
    Link,
    Momentum,
    clip_by_norm,
    clip_by_value,
)
from course_lib.schedules import InverseTime, Piecewise
from course_lib.validation import FloatArray


def decaying_steps_average_the_noise_away() -> Evidence:
    """Follow noisy samples with steps of 1/k, and with a constant step."""
    rng = np.random.default_rng(0)
    samples = rng.standard_normal(200)
    optimizer, theta = GradientDescent(InverseTime(1.0, decay=1.0)), np.array([5.0])
    state = optimizer.init(theta)
    for sample in samples:
        theta += optimizer.update(theta - sample, state, theta)
    is_mean = abs(theta[0] - samples.mean()) < 1e-12
    constant, point, late = GradientDescent(0.1), np.zeros(1), []
    state = constant.init(point)
    for sample in rng.standard_normal(60_000):
        point += constant.update(point - sample, state, point)
        late.append(point[0])
    left, predicted = float(np.var(late[1000:])), 0.1 / (2 - 0.1)
    assert np.isclose(left, predicted, rtol=0.08)
    return Evidence(
        supports=is_mean,
        contradicts=abs(theta[0]) > np.sqrt(left),
        agreement="twelve digits" if is_mean else "fewer than twelve digits",
        left=left,
        predicted=predicted,
    )


def rescaling_and_decay_have_a_meaning() -> Evidence:
    """Let weights decay without gradient; rescale a sum."""
    optimizer = SGD(0.05, weight_decay=0.1, rescale=1 / 32)
    measured = float(steps_under(optimizer, [0.0] * 100, theta=1.0)[1][-1])
    predicted = (1 - 0.05 * 0.1) ** 100
    step = float(steps_under(optimizer, [64.0], theta=3.0)[0][0])
    means = np.isclose(measured, predicted, rtol=1e-10) and np.isclose(step, -0.05 * (2 + 0.3))
    return Evidence(
        supports=not means,
        contradicts=bool(means),
        measured=measured,
        predicted=predicted,
        mean=-step / 0.05 - 0.3,
    )


def clipping_entries_turns_the_gradient() -> Evidence:
    """Clip one gradient by its entries and by its norm."""
    gradient = np.array([1.0, 100.0])

    def clipped(link: Link) -> FloatArray:
        return link.update(gradient, link.init(gradient), gradient).copy()

    def cosine(vector: FloatArray) -> float:
        return float(vector @ gradient / np.linalg.norm(vector) / np.linalg.norm(gradient))

    entries, norm = clipped(clip_by_value(1.0)), clipped(clip_by_norm(1.0))
    bounded = SGD(1.0, weight_decay=0.01, clip=2.0)
    decay = -float(steps_under(bounded, [10.0], theta=4000.0)[0][0]) - 2.0
    return Evidence(
        supports=np.abs(entries).max() <= 1.0,
        contradicts=cosine(entries) < 0.9 < cosine(norm) and decay > 2.0,
        largest=float(np.abs(entries).max()),
        by_value=cosine(entries),
        by_norm=cosine(norm),
        decay=decay,
    )


def two_forms_of_momentum_agree_at_a_constant_step() -> Evidence:
    """Run both forms through a cut of the step size."""
    bowl = Quadratic(np.diag([1.0, 10.0]))
    cut = Piecewise([0.01, 0.001], [50])
    ways = [
        descend(bowl, [1.0, 1.0], Momentum(cut, 0.9, form=form), max_iterations=100).theta
        for form in ("classical", "pytorch")
    ]
    apart = np.abs(ways[0] - ways[1]).max(axis=1)
    agree = apart[:51].max() < 1e-14
    return Evidence(
        supports=agree and apart.max() > 0.01,
        contradicts=not agree,
        agreement="fourteen digits" if agree else "fewer than fourteen digits",
        apart=float(apart.max()),
    )


def one_update_an_epoch_is_full_batch_descent() -> Evidence:
    """Count updates, and compare the points they lead to."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((1000, 3))
    y = X @ [1.0, 2.0, 3.0] + rng.standard_normal(1000)
    risk = EmpiricalRisk(LinearModel(3), HalfSquaredError(), X, y)
    sgd, start = SGD(0.1), np.zeros(4)
    listing = descend(risk, start, sgd, batches=FullBatch(1000, epochs=10))
    descent = descend(risk, start, GradientDescent(0.1), max_iterations=10)
    batches = descend(risk, start, sgd, batches=MiniBatches(1000, 32, epochs=10, seed=0))
    same = np.allclose(listing.theta, descent.theta, atol=1e-14)
    return Evidence(
        supports=same,
        contradicts=same and batches.n_iterations > listing.n_iterations,
        full=listing.n_iterations,
        stochastic=batches.n_iterations,
    )
