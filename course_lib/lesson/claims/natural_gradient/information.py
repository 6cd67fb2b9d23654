"""What does an observation tell? Checks of claims about the score and the Fisher information."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError
from course_lib.information_geometry import (
    Poisson,
    empirical_fisher,
    fisher_exact,
    fisher_information,
    fisher_monte_carlo,
)
from course_lib.lesson.claims.evidence import Evidence
from course_lib.likelihoods import Bernoulli, Gaussian
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.validation import FloatArray


def _mixture_log_likelihood(means: FloatArray) -> float:
    """Return that of an equal mixture of two Gaussians of variance one, for twelve observations."""
    x = np.array([-2.0, -2.0, 2.0, 2.0, *np.zeros(8)])
    densities = [np.exp(Gaussian(m, 1.0).log_density(x)) for m in means]
    return float(np.log(np.mean(densities, axis=0)).sum())


def zero_score_may_be_a_saddle() -> Evidence:
    """Look at a zero of the score of counts, and at one of a mixture with coinciding means."""
    counts, h = np.array([2.0, 3.0, 4.0]), 1e-3
    slopes = [Poisson(rate).score(counts).sum() for rate in (3.0 - h, 3.0, 3.0 + h)]
    poisson_curvature = (slopes[2] - slopes[0]) / (2 * h)

    f, h, e = _mixture_log_likelihood, 1e-4, np.eye(2)
    score = np.array([(f(h * v) - f(-h * v)) / (2 * h) for v in e])
    hessian = np.array(
        [
            [
                sum(s * t * f(h * (s * a + t * b)) for s in (1, -1) for t in (1, -1)) / (4 * h**2)
                for b in e
            ]
            for a in e
        ]
    )
    lower, upper = np.linalg.eigvalsh(hessian)
    return Evidence(
        supports=abs(slopes[1]) < 1e-12 and poisson_curvature < 0,
        contradicts=np.abs(score).max() < 1e-6 and lower < -1 < 1 < upper,
        poisson_score=slopes[1],
        poisson_curvature=poisson_curvature,
        mixture_score=np.abs(score).max(),
        lower=lower,
        upper=upper,
    )


def score_has_mean_zero_under_its_own_model() -> Evidence:
    """Take the expectation of scores exactly: sums for a coin, Gauss-Hermite for a Gaussian."""
    p, sigma = 0.3, 1.5
    coin = float(Bernoulli(p).score([0.0, 1.0])[:, 0] @ [1 - p, p])
    nodes, weights = np.polynomial.hermite_e.hermegauss(20)
    weights = weights / weights.sum()
    gaussian = float(weights @ Gaussian(0.0, sigma).score(sigma * nodes)[:, 0])
    wrong = float(weights @ Gaussian(0.5, sigma).score(sigma * nodes)[:, 0])
    # Uniform on (0, theta): log p = -log theta for every x, so every score is the same.
    theta, h = 2.0, 1e-5
    uniform = -(np.log(theta + h) - np.log(theta - h)) / (2 * h)
    vanishes = max(abs(coin), abs(gaussian)) < 1e-12
    assert wrong < -0.1
    assert uniform < -0.1
    return Evidence(
        supports=vanishes,
        contradicts=not vanishes,
        coin=coin,
        gaussian=gaussian,
        wrong=wrong,
        uniform=uniform,
    )


def information_bounds_the_variance_of_estimates() -> Evidence:
    """Estimate the rate of counts without bias, in three ways, and compare with the bound."""
    rate, n, repetitions = 3.0, 20, 10_000
    k = np.arange(80.0)
    probability = np.exp(Poisson(rate).log_density(k))
    variance = float(Poisson(rate).score(k)[:, 0] ** 2 @ probability)
    assert np.isclose(variance, fisher_information(Poisson(rate))[0, 0])
    bound = 1.0 / (n * variance)
    samples = Poisson(rate).sample(n * repetitions, seed=1).reshape(repetitions, n)
    spread = {
        "mean": samples.mean(axis=1).var(),
        "half": samples[:, : n // 2].mean(axis=1).var(),
        "squares": samples.var(axis=1, ddof=1).var(),
    }
    # The spread of a variance over that many repetitions, four times.
    tolerance = 4 * bound * np.sqrt(2.0 / repetitions)
    obeyed = min(spread.values()) > bound - tolerance
    assert spread["mean"] < bound + tolerance  # The mean reaches the bound.
    return Evidence(
        supports=obeyed,
        contradicts=not obeyed,
        variance=variance,
        bound=bound,
        repetitions=repetitions,
        **spread,
    )


def information_is_an_expected_hessian() -> Evidence:
    """Integrate squared score and Hessian of a Cauchy distribution, and look at one observation."""
    from scipy.integrate import quad  # Loaded when first needed: scipy is slow to import.

    def density(x: float) -> float:
        return 1.0 / (np.pi * (1 + x**2))

    def squared_score(x: float) -> float:
        return (2 * x / (1 + x**2)) ** 2

    def minus_hessian(x: float) -> float:
        return (2 - 2 * x**2) / (1 + x**2) ** 2

    squared, hessian = (
        quad(lambda x, f=function: f(x) * density(x), -np.inf, np.inf)[0]
        for function in (squared_score, minus_hessian)
    )
    return Evidence(
        supports=np.isclose(squared, hessian),
        contradicts=minus_hessian(2.0) < 0 < squared_score(2.0),
        squared=squared,
        hessian=hessian,
        one_squared=squared_score(2.0),
        one_hessian=minus_hessian(2.0),
    )


def empirical_fisher_is_right_only_for_a_right_model() -> Evidence:
    """Compare three matrices for a line fitted to data that bend, and for a right model."""
    rng = np.random.default_rng(0)
    x = rng.standard_normal(4000)
    noise = rng.standard_normal(4000)
    model = LinearModel(1, intercept=False)

    bent = EmpiricalRisk(model, HalfSquaredError(), x[:, None], 1.5 * x + x**2 - 1.0 + 0.5 * noise)
    theta = np.array([x @ bent.y / (x @ x)])
    exact = fisher_exact(bent, theta)[0, 0]
    sampled = fisher_monte_carlo(bent, theta, seed=1, n_draws=20)
    empirical = empirical_fisher(bent, theta)[0, 0]
    assert abs(sampled.matrix[0, 0] - exact) < 4 * sampled.standard_error[0, 0]

    right = EmpiricalRisk(model, HalfSquaredError(), x[:, None], 1.5 * x + noise)
    right_exact = fisher_exact(right, np.array([1.5]))[0, 0]
    right_empirical = empirical_fisher(right, np.array([1.5]))[0, 0]
    return Evidence(
        supports=abs(right_empirical / right_exact - 1) < 0.1,
        contradicts=empirical > 5 * exact,
        exact=exact,
        sampled=sampled.matrix[0, 0],
        empirical=empirical,
        right_exact=right_exact,
        right_empirical=right_empirical,
    )
