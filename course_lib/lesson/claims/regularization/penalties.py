"""Penalties: checks of claims about L1 and L2."""

from __future__ import annotations

import numpy as np
from scipy.optimize import minimize
from sklearn.datasets import load_diabetes

from course_lib.costs import HalfSquaredError
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_learners import Ridge, proximal_descent
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.penalties import L1, L2
from course_lib.preprocessing import standardize
from course_lib.spectral_filters import LeastSquaresAxes, ridge_shares
from course_lib.validation import FloatArray

STRENGTHS = np.geomspace(1e-3, 1e2, 26)


def penalty_is_a_ball_of_unknown_radius() -> Evidence:
    """Solve least squares within the ball that ridge ended on, and change the targets' unit."""
    X, y = _patients()
    ridge = _ridge(X, y, 0.1)
    radius = float(np.linalg.norm(ridge))
    constraint = {
        "type": "ineq",
        "fun": lambda w: 1.0 - w @ w,
        "jac": lambda w: -2.0 * w,
    }
    # In units of the radius, and of the risk at zero: the solver likes numbers near one.
    scale = float(y @ y) / len(y)
    ball = minimize(
        lambda w: np.mean((radius * X @ w - y) ** 2) / scale,
        np.zeros(10),
        jac=lambda w: 2 * radius * X.T @ (radius * X @ w - y) / len(y) / scale,
        constraints=[constraint],
        options={"ftol": 1e-15, "maxiter": 500},
    )
    agreement = 1e-4
    same = np.linalg.norm(radius * ball.x - ridge) < agreement * radius
    other = float(np.linalg.norm(_ridge(X, 10 * y, 0.1)))
    lengths = [np.linalg.norm(_ridge(X, y, strength)) for strength in STRENGTHS]
    risk = EmpiricalRisk(
        LinearModel(10, intercept=False), HalfSquaredError(), X, y, penalty=L2(0.1)
    )
    nothing_forbidden = np.isfinite(risk.value(1e6 * np.ones(10)))
    falls = int(np.sum(np.diff(lengths) < 0))
    return Evidence(
        supports=same and falls == len(STRENGTHS) - 1,
        contradicts=nothing_forbidden and not np.isclose(other, radius, rtol=0.5),
        radius=radius,
        other=other,
        agreement=agreement,
        steps=falls,
    )


def zeros_belong_to_the_minimizer() -> Evidence:
    """Count exact zeros after three methods on the same twenty features."""
    rng = np.random.default_rng(0)
    X = rng.standard_normal((100, 20))
    truth = np.zeros(20)
    truth[:3] = 3.0, -2.0, 1.5
    y = X @ truth + 0.5 * rng.standard_normal(100)
    model, cost, start = LinearModel(20, intercept=False), HalfSquaredError(), np.zeros(20)
    risk = EmpiricalRisk(model, cost, X, y)
    step = 1.0 / np.linalg.eigvalsh(risk.hessian(start))[-1]
    ends = {
        "proximal": proximal_descent(
            risk, start, L1(0.3), step, accelerate=False, max_iterations=3000
        )
    }
    for name, penalty in (("subgradient", L1(0.3)), ("ridge", L2(0.3))):
        penalized = EmpiricalRisk(model, cost, X, y, penalty=penalty)
        ends[name] = descend(penalized, start, GradientDescent(step), max_iterations=3000)
    zeros = {name: int(np.count_nonzero(run.final == 0)) for name, run in ends.items()}
    return Evidence(
        supports=zeros["proximal"] > 10 and zeros["ridge"] == 0,
        contradicts=zeros["subgradient"] == 0,
        **zeros,
    )


def ridge_shrinks_every_axis() -> Evidence:
    """Compare the shares of each axis with the normal equations, over a range of strengths."""
    X, y = _patients()
    problem = LeastSquaresAxes.of(X, y)
    agreement, agrees, lengths, zeros = 1e-9, True, [], 0
    for strength in STRENGTHS:
        w = problem.weights(ridge_shares(problem.curvatures, strength))
        exact = _ridge(X, y, strength)
        fitted = Ridge(strength, tol=1e-12).fit(X, y).coef_
        agrees &= bool(np.linalg.norm(w - exact) < agreement * np.linalg.norm(exact))
        agrees &= bool(np.linalg.norm(fitted - exact) < 1e-6 * np.linalg.norm(exact))
        lengths.append(float(np.linalg.norm(w)))
        zeros += int(np.count_nonzero(w == 0))
    holds = agrees and zeros == 0 and lengths == sorted(lengths, reverse=True)
    return Evidence(
        supports=holds,
        contradicts=not holds,
        agreement=agreement,
        longest=lengths[0],
        shortest=lengths[-1],
        zeros=zeros,
    )


def printed_penalty_gradient_is_wrong() -> Evidence:
    """Evaluate the printed formulas where they can be evaluated, against central differences."""
    rng = np.random.default_rng(3)
    left, right = (3, 4), (5, 3)  # W of 3 units on 4 inputs; five samples, transposed
    try:
        np.zeros(left) @ np.zeros(right)
        fits = True
    except ValueError:
        fits = False
    m, strength = 4, 0.7
    A, W, target = (rng.standard_normal((m, m)) for _ in range(3))
    b = rng.standard_normal((m, 1))

    def loss(weights: FloatArray) -> float:
        residual = weights @ A + b - target
        return float((residual**2).sum() + strength * (weights**2).sum()) / (2 * m)

    delta = W @ A + b - target
    printed = (W @ delta.T + strength / m * W) @ A.T / m
    right_one = delta @ A.T / m + strength / m * W
    numeric, h = np.empty_like(W), 1e-5
    for index in np.ndindex(*W.shape):
        move = np.zeros_like(W)
        move[index] = h
        numeric[index] = (loss(W + move) - loss(W - move)) / (2 * h)
    size = np.linalg.norm(numeric)
    wrong, corrected = (np.linalg.norm(g - numeric) / size for g in (printed, right_one))
    return Evidence(
        supports=fits or wrong < 0.01,
        contradicts=wrong > 0.1 and corrected < 1e-8,
        left="3 × 4",
        right="5 × 3",
        printed=100 * wrong,
        agreement="eight digits",
    )


def free_bias_follows_the_targets() -> Evidence:
    """Raise all targets by 100 and see how far the predictions rise."""
    X, y = _patients()
    free = Ridge(1.0, tol=1e-13)
    rise = free.fit(X, y + 100.0).predict(X) - free.fit(X, y).predict(X)
    with_ones = np.hstack([X, np.ones((len(X), 1))])
    held = with_ones @ (_ridge(with_ones, y + 100.0, 1.0) - _ridge(with_ones, y, 1.0))
    bound = 1e-8
    follows = bool(np.abs(rise - 100.0).max() < bound)
    short = float(np.abs(held - 100.0).max())
    return Evidence(
        supports=follows and short > 1, contradicts=not follows, free=bound, penalized=short
    )


def _patients() -> tuple[FloatArray, FloatArray]:
    data = load_diabetes()
    return standardize(data.data).data, data.target - data.target.mean()


def _ridge(X: FloatArray, y: FloatArray, strength: float) -> FloatArray:
    """Return the solution of the normal equations of ridge."""
    return np.linalg.solve(X.T @ X / len(X) + strength * np.eye(X.shape[1]), X.T @ y / len(X))
