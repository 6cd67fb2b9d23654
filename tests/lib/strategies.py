"""Random problems for the property tests."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from hypothesis import strategies as st

from course_lib.costs import HalfSquaredError, LogisticLoss, SquaredError
from course_lib.linear_models import LinearModel
from course_lib.objectives import FUNCTIONS, EmpiricalRisk, Objective, Quadratic

seeds = st.integers(0, 2**32 - 1)


@dataclass
class Bowl:
    """A strictly convex quadratic, and a start whose error has a share along every axis."""

    objective: Quadratic
    start: np.ndarray
    axes: np.ndarray
    curvatures: np.ndarray

    def __repr__(self) -> str:
        return f"Bowl(curvatures={self.curvatures}, start={self.start})"


@st.composite
def bowls(draw, max_n: int = 6, max_condition: float = 100.0, min_n: int = 1) -> Bowl:
    """Random spectrum, scale, rotation, minimizer, dimension and start."""
    n = draw(st.integers(min_n, max_n))
    rng = np.random.default_rng(draw(seeds))
    condition = draw(st.floats(1.0, max_condition))
    scale = 10.0 ** draw(st.integers(-3, 3))
    curvatures = np.sort(condition ** rng.uniform(0, 1, n))
    curvatures[0] = 1.0
    if n > 1:
        curvatures[-1] = condition
    curvatures *= scale
    axes, _ = np.linalg.qr(rng.standard_normal((n, n)))
    hessian = (axes * curvatures) @ axes.T
    minimizer = rng.uniform(-3, 3, n)
    shares = rng.choice([-1.0, 1.0], n) * rng.uniform(0.5, 2.0, n)
    objective = Quadratic((hessian + hessian.T) / 2, minimizer, minimum=rng.uniform(-1, 1))
    return Bowl(objective, minimizer + axes @ shares, axes, curvatures)


@st.composite
def risks(draw) -> EmpiricalRisk:
    """A linear model, any cost, random data."""
    rng = np.random.default_rng(draw(seeds))
    n_samples, n_features = draw(st.integers(1, 12)), draw(st.integers(1, 5))
    cost = draw(st.sampled_from([HalfSquaredError(), SquaredError(), LogisticLoss()]))
    model = LinearModel(n_features, intercept=draw(st.booleans()))
    X = rng.standard_normal((n_samples, n_features)) * 10.0 ** draw(st.integers(-1, 1))
    if isinstance(cost, LogisticLoss):
        y = rng.integers(0, 2, n_samples)
    else:
        y = rng.standard_normal(n_samples)
    return EmpiricalRisk(model, cost, X, y)


@st.composite
def objectives(draw) -> Objective:
    """Any objective of the library."""
    kind = draw(st.sampled_from(["quadratic", "risk", *FUNCTIONS]))
    if kind == "quadratic":
        return draw(bowls()).objective
    return draw(risks()) if kind == "risk" else FUNCTIONS[kind]()
