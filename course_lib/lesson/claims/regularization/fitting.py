"""Fitting too much and too little: checks of claims on what training can reach."""

from __future__ import annotations

import numpy as np
from sklearn.datasets import load_breast_cancer, load_diabetes

from course_lib.costs import HalfSquaredError, LogisticLoss
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.networks import BatchNorm, Dense, Network, Nonlinearity
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.preprocessing import standardize
from course_lib.spectral_filters import LeastSquaresAxes, early_stopping_shares, ridge_shares
from course_lib.validation import FloatArray


def descent_fits_even_coin_tosses() -> Evidence:
    """Train the same model on tumours and on coin tosses, and ask it about new samples."""
    tumours = load_breast_cancer()
    order = np.random.default_rng(0).permutation(569)
    X = standardize(tumours.data).data[order]
    y = tumours.target[order].astype(float)
    real = _accuracies(X[:400], y[:400], X[400:], y[400:], 0.5)
    rng = np.random.default_rng(1)
    noise, coins = rng.standard_normal((4100, 200)), rng.integers(0, 2, 4100).astype(float)
    tossed = _accuracies(noise[:100], coins[:100], noise[100:], coins[100:], 0.05)
    return Evidence(
        supports=real[1] > 90,
        contradicts=tossed[0] == 100 and abs(tossed[1] - 50) < 3,
        real=real[1],
        train=tossed[0],
        test=tossed[1],
    )


def rich_models_underfit_too() -> Evidence:
    """Fit polynomials of three degrees, and the richest of them briefly and under a penalty."""
    rng = np.random.default_rng(0)
    x, x_held = np.linspace(-1, 1, 22), np.linspace(-0.95, 0.95, 400)
    y = np.sin(3 * x) + 0.3 * rng.standard_normal(22)
    y_held = np.sin(3 * x_held) + 0.3 * rng.standard_normal(400)

    def errors(degree: int, shares=np.ones_like) -> tuple[float, float]:
        seen, held = (np.polynomial.legendre.legvander(points, degree) for points in (x, x_held))
        problem = LeastSquaresAxes.of(seen, y)
        w = problem.weights(shares(problem.curvatures))
        return float(np.mean((seen @ w - y) ** 2)), float(np.mean((held @ w - y_held) ** 2))

    one, three, many = (errors(degree) for degree in (1, 3, 18))
    step = 0.5
    short = errors(18, lambda curvatures: early_stopping_shares(curvatures, step, 3))
    heavy = errors(18, lambda curvatures: ridge_shares(curvatures, 10.0))
    return Evidence(
        supports=one[0] > three[0] > many[0] and one[1] > three[1] < 0.5 * many[1],
        contradicts=min(short[0], heavy[0]) > 1.5 * three[0]
        and min(short[1], heavy[1]) > 1.5 * three[1],
        one_seen=one[0],
        one_held=one[1],
        three_seen=three[0],
        three_held=three[1],
        many_seen=many[0],
        many_held=many[1],
        short_seen=short[0],
        short_held=short[1],
        heavy_seen=heavy[0],
        heavy_held=heavy[1],
    )


def stopping_early_beats_the_end() -> Evidence:
    """Follow the error on other patients along a descent, and compare it with its formula."""
    X, y, X_held, y_held = _eighty_patients()
    problem = LeastSquaresAxes.of(X, y)
    step = 1.0 / problem.curvatures[-1]
    risk = EmpiricalRisk(LinearModel(64, intercept=False), HalfSquaredError(), X, y)
    run = descend(risk, np.zeros(64), GradientDescent(step), max_iterations=3000)
    held = np.mean((X_held @ run.theta.T - y_held[:, None]) ** 2, axis=0)
    formula = problem.weights(
        [early_stopping_shares(problem.curvatures, step, k) for k in (1, 10, 100, 1000)]
    )
    agreement = 1e-9
    agrees = np.allclose(run.theta[[1, 10, 100, 1000]], formula, rtol=agreement, atol=1e-8)
    best = int(np.argmin(held))
    improves = 0 < best < 3000 and held[best] < 0.9 * held[-1] and held[best] < held[0]
    return Evidence(
        supports=agrees and improves,
        contradicts=not (agrees and improves),
        best=best,
        best_error=held[best],
        end=3000,
        end_error=held[-1],
        agreement=f"{agreement:.0e}".replace("e-09", "e−9"),
    )


def penalties_help_and_normalization_fits_noise() -> Evidence:
    """Measure what ridge gains on patients, and let a normalized layer fit random labels."""
    X, y, X_held, y_held = _eighty_patients()
    problem = LeastSquaresAxes.of(X, y)
    plain, ridge = (
        np.mean((X_held @ problem.weights(shares) - y_held) ** 2)
        for shares in (np.ones(64), ridge_shares(problem.curvatures, 1.0))
    )
    rng = np.random.default_rng(0)
    noise, coins = rng.standard_normal((50, 20)), rng.choice([-1.0, 1.0], 50)
    layers = [Dense(200, bias=False), BatchNorm(), Nonlinearity("relu")]
    network = Network(20, layers, seed=0)
    units, _ = network.forward(network.initial_parameters(seed=0), noise, training=True)
    weights = np.linalg.lstsq(units, coins, rcond=None)[0]
    bound = 1e-20
    return Evidence(
        supports=ridge < 0.8 * plain,
        contradicts=np.mean((units @ weights - coins) ** 2) < bound,
        plain=plain,
        ridge=ridge,
        bound=bound,
    )


def _accuracies(
    X: FloatArray, y: FloatArray, X_new: FloatArray, y_new: FloatArray, step: float
) -> tuple[float, float]:
    """Return the percentages right on the samples seen and on new ones, after 1000 steps."""
    risk = EmpiricalRisk(LinearModel(X.shape[1]), LogisticLoss(), X, y)
    start = np.zeros(risk.n_parameters)
    theta = descend(risk, start, GradientDescent(step), max_iterations=1000).final
    return tuple(
        100.0 * float(np.mean((risk.model.predict(theta, points) > 0) == (labels > 0)))
        for points, labels in ((X, y), (X_new, y_new))
    )


def _eighty_patients() -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Return 80 patients and the other 362: ten features, squares and products, centred."""
    patients = load_diabetes()
    features = standardize(patients.data).data
    first, second = np.triu_indices(10)
    # The square of the two-valued sex says nothing new.
    new = (first != second) | (first != patients.feature_names.index("sex"))
    first, second = first[new], second[new]
    features = np.hstack([features, features[:, first] * features[:, second]])
    features = standardize(features).data
    order = np.random.default_rng(0).permutation(442)
    seen, held = order[:80], order[80:]
    mean, level = features[seen].mean(axis=0), patients.target[seen].mean()
    return (
        features[seen] - mean,
        patients.target[seen] - level,
        features[held] - mean,
        patients.target[held] - level,
    )
