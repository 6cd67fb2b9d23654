"""Which way? Checks of claims about the natural step."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.information_geometry import (
    Family,
    NaturalGradient,
    NegativeLogLikelihood,
    fisher_exact,
    gaussian_curvature,
    natural_direction,
)
from course_lib.lesson.claims.evidence import Evidence
from course_lib.likelihoods import Bernoulli, Gaussian
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent, Optimizer


def _change_of_probability(coordinates: str, method: Optimizer) -> float:
    """Return what one step does to a coin thought fair that showed its head 8 times in 10."""
    family = Family(Bernoulli(0.5), coordinates)
    objective = NegativeLogLikelihood(family, [1] * 8 + [0] * 2)
    start = family.coordinates_of(family.member)
    trace = descend(objective, start, method, max_iterations=1)
    return family.distribution(trace.final).p - 0.5


def plain_step_depends_on_the_coordinates() -> Evidence:
    """Take one plain and one natural step for a coin, in two coordinates; then whiten inputs."""
    plain, natural = GradientDescent(1e-4), NaturalGradient(1e-4, damping=0.0)
    charts = ("parameters", "log odds")
    moved = {
        (name, chart): _change_of_probability(chart, method)
        for name, method in (("plain", plain), ("natural", natural))
        for chart in charts
    }
    assert min(moved.values()) > 0  # Heads were in the majority.
    assert np.isclose(moved["natural", charts[0]], moved["natural", charts[1]], rtol=1e-3)

    rng = np.random.default_rng(0)
    inputs = np.linalg.qr(rng.standard_normal((50, 3)))[0] * np.sqrt(50)
    risk = EmpiricalRisk(
        LinearModel(3, intercept=False), HalfSquaredError(), inputs, rng.standard_normal(50)
    )
    gradient = risk.gradient(np.ones(3))
    difference = natural_direction(fisher_exact(risk, np.ones(3)), gradient) - gradient
    agree = np.abs(difference).max() < 1e-12
    return Evidence(
        supports=moved["plain", charts[0]] > 10 * moved["plain", charts[1]],
        contradicts=agree,
        plain_p=moved["plain", charts[0]],
        plain_odds=moved["plain", charts[1]],
        natural_p=moved["natural", charts[0]],
        natural_odds=moved["natural", charts[1]],
        whitened=np.abs(difference).max(),
    )


def natural_direction_falls_fastest_per_divergence() -> Evidence:
    """Compare with random directions and with the plain gradient, per unit of the Fisher length."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((50, 3)) * [1.0, 2.0, 0.5]
    risk = EmpiricalRisk(LinearModel(3), HalfSquaredError(), X, X @ [1.0, -1.0, 2.0] + 0.5)
    theta = np.zeros(4)
    g, F = risk.gradient(theta), fisher_exact(risk, theta)
    directions = rng.standard_normal((20_000, 4))

    lengths = np.sqrt(np.einsum("ni,ij,nj->n", directions, F, directions))
    random = (-(directions @ g) / lengths).max()
    plain = g @ g / np.sqrt(g @ F @ g)
    step = -natural_direction(F, g)
    best = -(step @ g) / np.sqrt(step @ F @ step)
    assert np.isclose(best, np.sqrt(g @ np.linalg.solve(F, g)))
    wins = best > max(random, plain)
    return Evidence(
        supports=wins,
        contradicts=not wins,
        best=best,
        random=random,
        plain=plain,
        directions=len(directions),
    )


def gaussians_cannot_be_flattened() -> Evidence:
    """Measure the curvature of the Fisher metric at three points and in three coordinates."""
    family = Family(Gaussian(0.0, 1.0))
    points = ([0.0, 1.0], [2.0, 0.5], [-1.0, 3.0])
    found = [gaussian_curvature(family.fisher, point) for point in points]
    charts = []
    for name in ("mean and log scale", "mean and variance"):
        other = Family(Gaussian(0.0, 1.0), name)
        charts.append(gaussian_curvature(other.fisher, other.coordinates_of(other.member)))
    # The measure itself: it does find a plane flat.
    assert abs(gaussian_curvature(lambda point: np.eye(2), [0.0, 1.0])) < 1e-9
    everywhere = np.array(found + charts)
    return Evidence(
        supports=np.allclose(everywhere, 0.0, atol=1e-3),
        contradicts=np.allclose(everywhere, -0.5, atol=1e-5),
        first=found[0],
        second=found[1],
        third=found[2],
        log_scale=charts[0],
        variance=charts[1],
    )
