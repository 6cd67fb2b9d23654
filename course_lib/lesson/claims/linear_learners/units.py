"""Perceptron and linear unit: checks of claims about their rules."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError, PerceptronLoss
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_learners import LinearUnit, Perceptron
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk

GATE = np.array([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0], [0.0, 1.0]])
AND = np.array([1, 0, 0, 0])


def the_rules_agree_and_their_gradients_do_not() -> Evidence:
    """Compare one step of both, then their costs' slopes, on the AND gate."""
    # From zero weights both predict 0 for the first sample, whose target is 1.
    sample, target = GATE[:1], AND[:1]
    unit = LinearUnit(1.0).partial_fit(sample, target.astype(float))
    perceptron = Perceptron(1.0).partial_fit(sample, target, classes=[0, 1])
    same_step = np.append(unit.coef_ - perceptron.coef_[0], unit.intercept_ - perceptron.intercept_)

    rng = np.random.default_rng(0)
    places = rng.standard_normal((50, 3))
    h = 1e-6
    slopes = [
        (_squared_error_through_threshold(w + h * e) - _squared_error_through_threshold(w - h * e))
        / (2 * h)
        for w in places
        for e in np.eye(3)
    ]
    # The rule is the subgradient of the perceptron's own cost instead.
    signs = 2.0 * AND - 1.0
    risk = EmpiricalRisk(LinearModel(2), PerceptronLoss(), GATE, signs)
    wrong = signs * (places @ np.c_[GATE, np.ones(4)].T) < 0
    moves = [-(signs * w)[:, None] * np.c_[GATE, np.ones(4)] for w in wrong.astype(float)]
    is_subgradient = all(
        np.allclose(risk.gradient(place), move.mean(axis=0))
        for place, move in zip(places, moves, strict=True)
    )
    # That of the linear unit is the gradient of its squared error.
    squared = EmpiricalRisk(LinearModel(2), HalfSquaredError(), GATE, AND.astype(float))
    before = rng.standard_normal(3)
    residual = GATE[1] @ before[:2] + before[2] - AND[1]
    is_gradient = np.allclose(squared.gradient(before, batch=[1]), residual * np.append(GATE[1], 1))
    learned = Perceptron(shuffle=False).fit(GATE, AND)
    return Evidence(
        supports=float(np.abs(same_step).max()) < 1e-12 and is_gradient,
        contradicts=not np.any(slopes) and is_subgradient and learned.converged_,
        difference=float(np.abs(same_step).max()),
        slope=float(np.abs(slopes).max()),
        places=len(places),
        mistakes=", ".join(str(count) for count in learned.mistakes_.ravel()),
    )


def _squared_error_through_threshold(theta: np.ndarray) -> float:
    fires = GATE @ theta[:2] + theta[2] > 0
    return 0.5 * float(np.mean((fires - AND) ** 2))
