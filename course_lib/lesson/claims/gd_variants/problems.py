"""The small problems on which claims of this chapter are put to the test."""

from __future__ import annotations

from functools import cache

import numpy as np

from course_lib.batching import MiniBatches
from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.linear_models import LinearModel
from course_lib.noise_ball import SampledLeastSquares
from course_lib.objectives import EmpiricalRisk, FiniteSum, FunctionObjective
from course_lib.optimizers import GradientDescent

#: Independent walks, each in a double well of its own.
WALKERS = 200
#: The bottoms of the better and of the worse valley.
GOOD, BAD = -1.04, 0.96


@cache
def plane(n: int, noise: float = 0.5) -> tuple[EmpiricalRisk, SampledLeastSquares]:
    """Return least squares with three features and no bias, and its expectations."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((n, 3))
    y = X @ np.array([1.0, -2.0, 0.5]) + noise * rng.standard_normal(n)
    risk = EmpiricalRisk(LinearModel(3, intercept=False), HalfSquaredError(), X, y)
    return risk, SampledLeastSquares(X, y)


@cache
def share_beyond_the_ridge(start: float, noise: float, batch_size: int = 1) -> float:
    """Return the percentage of walkers that end in the valley they did not start in."""
    wells = FunctionObjective(
        lambda x: np.sum((x**2 - 1.0) ** 2 + 0.3 * x),
        lambda x: 4.0 * x * (x**2 - 1.0) + 0.3,
        n_parameters=WALKERS,
        name="double wells",
    )
    slopes = np.random.default_rng(0).standard_normal((100, WALKERS))
    slopes -= slopes.mean(axis=0)
    slopes *= noise / slopes.std(axis=0)
    run = descend(
        FiniteSum(wells, slopes),
        np.full(WALKERS, start),
        GradientDescent(0.02),
        batches=MiniBatches(100, batch_size, seed=1, epochs=None, replace=True),
        max_iterations=1000,
        keep_points=False,
    )
    return 100.0 * float(np.mean(np.sign(run.final) != np.sign(start)))
