"""Costs of numbers: checks of claims about squared, absolute and counting losses."""

from __future__ import annotations

from itertools import combinations

import numpy as np

from course_lib.costs import (
    AbsoluteError,
    HalfSquaredError,
    RelaxedZeroOneLoss,
    SquaredError,
    ZeroOneLoss,
)
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent


def squaring_amplifies_extremes() -> Evidence:
    """Find the best constant for five numbers, one of them extreme."""
    numbers = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
    candidates = np.linspace(0.0, 100.0, 10_001)
    best = {
        type(cost).__name__: candidates[
            np.argmin(cost.pointwise(candidates[:, None], numbers).sum(axis=1))
        ]
        for cost in (SquaredError(), HalfSquaredError(), AbsoluteError())
    }
    shares = SquaredError().pointwise(np.full(5, 3.0), numbers)
    share = shares[-1] / shares.sum()
    return Evidence(
        supports=abs(best["HalfSquaredError"] - 3.0) < abs(best["AbsoluteError"] - 3.0),
        contradicts=best["HalfSquaredError"] == best["SquaredError"] == 22.0
        and best["AbsoluteError"] == 3.0,
        squared=best["SquaredError"],
        halved=best["HalfSquaredError"],
        absolute=best["AbsoluteError"],
        share=100 * share,
    )


def absolute_and_counting_losses_ask_for_different_things() -> Evidence:
    """Find the best constants of seven numbers, and the price of a large error."""
    numbers = np.array([1.0, 1.0, 1.0, 5.0, 6.0, 7.0, 8.0])
    candidates = np.linspace(0.0, 9.0, 9001)
    best = {
        name: candidates[np.argmin(cost.pointwise(candidates[:, None], numbers).sum(axis=1))]
        for name, cost in {
            "mode": ZeroOneLoss(), "median": AbsoluteError(), "mean": SquaredError(),
        }.items()
    }  # fmt: skip
    assert np.isclose(best["mean"], numbers.mean(), atol=1e-3)
    far = np.array([100.0])
    counted = ZeroOneLoss().pointwise(far, np.zeros(1))[0]
    measured = AbsoluteError().pointwise(far, np.zeros(1))[0]
    return Evidence(
        supports=best["mode"] == best["median"],
        contradicts=best["mode"] == 1.0 and best["median"] == 5.0 and measured > counted,
        mode=best["mode"],
        median=best["median"],
        mean=numbers.mean(),
        counted=counted,
        measured=measured,
    )


def least_squares_uses_vertical_distances() -> Evidence:
    """Fit five points by four criteria."""
    x, y = np.arange(5.0), np.array([0.0, 2.0, 1.0, 4.0, 8.0])
    squares = np.polyfit(x, y, 1)[0]
    centred = np.column_stack([x - x.mean(), y - y.mean()])
    direction = np.linalg.svd(centred)[2][0]
    total = direction[1] / direction[0]
    # A line that minimizes a sum of distances passes through two of the points.
    lines = []
    for i, j in combinations(range(5), 2):
        slope = (y[j] - y[i]) / (x[j] - x[i])
        vertical = np.abs(y - y[i] - slope * (x - x[i])).sum()
        lines.append((slope, vertical, vertical / np.hypot(1.0, slope)))
    slopes, vertical, perpendicular = np.array(lines).T
    distances = slopes[np.argmin(perpendicular)]
    tied = slopes[np.isclose(vertical, vertical.min())]
    model, cost = LinearModel(1), SquaredError()
    risk = EmpiricalRisk(model, cost, x[:, None], y)
    gradient = risk.gradient([squares, y.mean() - squares * x.mean()])
    return Evidence(
        supports=np.isclose(distances, squares),
        contradicts=np.allclose(gradient, 0.0, atol=1e-9) and not np.isclose(distances, squares),
        squares=squares,
        total=total,
        vertical_low=tied.min(),
        vertical_high=tied.max(),
        distances=distances,
    )


def counting_losses_have_no_slope() -> Evidence:
    """Evaluate both counting losses, and try to descend on one."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((30, 2))
    y = X @ [2.0, -1.0] + 0.3 * rng.standard_normal(30)
    strict, relaxed = ZeroOneLoss(), RelaxedZeroOneLoss(0.5)
    assert strict.value([1.0, 2.0], [1.0, 3.0]) == relaxed.value([1.0, 2.0], [1.0, 2.6]) == 0.5
    risk = EmpiricalRisk(LinearModel(2), relaxed, X, y)
    points = rng.standard_normal((500, 3))
    flat = sum(not risk.gradient(point).any() for point in points)
    stuck = descend(risk, np.zeros(3), GradientDescent(1.0), max_iterations=50)
    below, at = relaxed.pointwise(np.array([0.5 - 1e-9, 0.5]), np.zeros(2))
    lower = risk.value([2.0, -1.0, 0.0])
    return Evidence(
        supports=below == 0.0 and at == 1.0 and lower < risk.value(np.zeros(3)),
        contradicts=flat == 500 and np.array_equal(stuck.final, np.zeros(3)),
        flat=flat,
        points=len(points),
        start=stuck.value[-1],
        possible=lower,
    )
