"""Logistic regression: checks of claims about its gradient, its optimum and its sign."""

from __future__ import annotations

import numpy as np

from course_lib.costs import LogisticMarginLoss
from course_lib.descent import descend
from course_lib.gradient_check import finite_difference_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, FunctionObjective
from course_lib.optimizers import GradientDescent
from course_lib.preprocessing import standardize

#: The four points of the listings, and their classes.
POINTS = np.array([[1.0, 2.0], [2.0, 3.0], [3.0, 4.0], [4.0, 5.0]])
SIGNS = np.array([-1.0, -1.0, 1.0, 1.0])
WIDEST = np.array([7.0, -5.0]) / np.sqrt(74)


def gradient_is_the_mean_of_error_times_input() -> Evidence:
    """Compare formula and central differences on the tumours."""
    from sklearn.datasets import load_breast_cancer

    tumours = load_breast_cancer()
    X = standardize(tumours.data).data
    risk = EmpiricalRisk(LinearModel(30), LogisticMarginLoss(), X, 2.0 * tumours.target - 1)
    design = np.c_[X, np.ones(len(X))]
    rng = np.random.default_rng(0)
    errors, lowest = [], []
    for theta in 0.3 * rng.standard_normal((5, 31)):
        h = 1 / (1 + np.exp(-design @ theta))
        formula = design.T @ (h - tumours.target) / len(X)
        assert np.allclose(formula, risk.gradient(theta), atol=1e-13)
        difference = finite_difference_gradient(risk, theta) - formula
        errors.append(np.linalg.norm(difference) / np.linalg.norm(formula))
        hessian = design.T @ (design * (h * (1 - h))[:, None]) / len(X)
        assert np.allclose(hessian, risk.hessian(theta), atol=1e-12)
        lowest.append(np.linalg.eigvalsh(hessian)[0])
    return Evidence(
        supports=max(errors) < 1e-7 and min(lowest) > -1e-12,
        contradicts=max(errors) > 1e-4,
        points=len(errors),
        agreement="seven digits" if max(errors) < 1e-7 else "fewer than seven digits",
        negative="none" if min(lowest) > -1e-12 else "some",
        eigenvalues=31 * len(lowest),
    )


def separable_points_have_no_optimum() -> Evidence:
    """Run on, in steps up to thirty times as long, and watch norm, loss and direction."""
    risk = EmpiricalRisk(LinearModel(2, intercept=False), LogisticMarginLoss(), POINTS, SIGNS)
    found = {}
    # The sum of the steps is what counts: 100, then 10 000.
    for label, step, iterations in [
        ("short", 0.01, 10_000),
        ("longest", 0.3, 33_334),
    ]:
        run = descend(risk, np.zeros(2), GradientDescent(step), max_iterations=iterations)
        theta = run.final
        found[f"norm_{label}"] = float(np.linalg.norm(theta))
        found[f"loss_{label}"] = float(run.value[-1])
        found[f"angle_{label}"] = float(
            np.degrees(np.arccos(theta @ WIDEST / np.linalg.norm(theta)))
        )
    # Along a ray that separates, every doubling lowers the loss.
    ray = [risk.value(scale * theta) for scale in (1, 2, 4, 8)]
    no_optimum = bool((np.diff(ray) < 0).all()) and found["norm_longest"] > 5 * found["norm_short"]
    turns = found["angle_longest"] < found["angle_short"] / 5
    return Evidence(supports=not no_optimum, contradicts=no_optimum and turns, **found)


def bias_is_missing_and_hidden_in_the_columns() -> Evidence:
    """Look for the column of ones among the features; leave one feature out."""
    ones = np.ones(4)
    combination = np.linalg.lstsq(POINTS, ones)[0]
    residual = float(np.linalg.norm(POINTS @ combination - ones))
    accuracy = {}
    for intercept in (False, True):
        model = LinearModel(1, intercept=intercept)
        risk = EmpiricalRisk(model, LogisticMarginLoss(), POINTS[:, :1], SIGNS)
        start = np.zeros(1 + intercept)
        theta = descend(risk, start, GradientDescent(0.5), max_iterations=2000).final
        accuracy[intercept] = float(
            np.mean((model.predict(theta, POINTS[:, :1]) > 0) == (SIGNS > 0))
        )
    return Evidence(
        supports=residual < 1e-12,
        contradicts=accuracy[False] < accuracy[True],
        residual=0.0 if residual < 1e-12 else residual,
        without=accuracy[False],
        with_bias=accuracy[True],
        rank=int(np.linalg.matrix_rank(np.c_[POINTS, ones])),
    )


def minimizing_the_likelihood_learns_the_opposite() -> Evidence:
    """Descend on the log-likelihood and on its negative."""
    rng = np.random.default_rng(0)
    signs = np.repeat([-1.0, 1.0], 100)
    X = rng.standard_normal((200, 2)) + signs[:, None] * 0.75
    negative = EmpiricalRisk(LinearModel(2), LogisticMarginLoss(), X, signs)
    likelihood = FunctionObjective(
        lambda theta: -negative.value(theta),
        lambda theta: -negative.gradient(theta),
        n_parameters=3,
        name="mean log-likelihood",
    )
    numbers = {}
    for label, objective, sign in [("minimized", likelihood, 1), ("maximized", negative, -1)]:
        run = descend(objective, np.zeros(3), GradientDescent(0.5), max_iterations=200)
        scores = negative.model.predict(run.final, X)
        numbers[label] = float(sign * run.value[-1])
        numbers[f"accuracy_{label}"] = float(np.mean((scores > 0) == (signs > 0)))
    worse = numbers["accuracy_minimized"] < 0.5 < numbers["accuracy_maximized"]
    return Evidence(
        supports=not worse, contradicts=worse, start=-float(negative.value(np.zeros(3))), **numbers
    )
