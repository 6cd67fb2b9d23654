"""Support vector machines: checks of claims about their objective and its solvers."""

from __future__ import annotations

import warnings

import numpy as np

from course_lib.costs import HingeLoss
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.linear_learners.logistic import POINTS, SIGNS
from course_lib.linear_learners import LinearSVC, LogisticRegression
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.penalties import L2
from course_lib.preprocessing import standardize
from course_lib.validation import FloatArray


def _irises() -> tuple[FloatArray, FloatArray]:
    from sklearn.datasets import load_iris

    X, species = load_iris(return_X_y=True)
    kept = species > 0
    return standardize(X[kept]).data, np.where(species[kept] == 1, -1.0, 1.0)


def _sum_of_hinges(X: FloatArray, y: FloatArray, w: FloatArray, b: float) -> float:
    return float(np.maximum(0, 1 - y * (X @ w + b)).sum())


def subgradients_reach_the_dual_solver() -> Evidence:
    """Compare with LIBSVM's objective, and with plain descent at a constant step."""
    from sklearn.svm import SVC

    X, y = _irises()
    alpha = 0.01
    peer = SVC(kernel="linear", C=1 / (alpha * len(y)), tol=1e-8).fit(X, y)
    risk = EmpiricalRisk(LinearModel(4), HingeLoss(), X, y, penalty=L2(alpha, np.arange(5) < 4))
    best = risk.value(np.append(peer.coef_[0], peer.intercept_))
    ours = LinearSVC(alpha, tol=1e-5, max_iter=100_000).fit(X, y)
    gap = risk.value(np.append(ours.coef_[0], ours.intercept_)) / best - 1
    plain = descend(risk, np.zeros(5), GradientDescent(4.0), max_iterations=2000)
    excess = plain.value[-200:].mean() / best - 1
    return Evidence(
        supports=abs(gap) < 1e-4,
        contradicts=bool(excess > 1e-3),
        share="one part in ten thousand"
        if abs(gap) < 1e-4
        else "more than one part in ten thousand",
        excess=100 * excess,
    )


def the_printed_machine_is_a_logistic_regression() -> Evidence:
    """Do what the printed program does, and compare with both models."""
    design, labels = np.c_[POINTS, np.ones(4)], (SIGNS + 1) / 2
    theta = np.zeros(3)
    for _ in range(10_000):
        h = 1 / (1 + np.exp(-design @ theta))
        theta -= 0.01 * design.T @ (h - labels) / 4
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # The cap is meant.
        model = LogisticRegression(0.0, solver=GradientDescent(0.01), max_iter=10_000, tol=1e-12)
        model.fit(POINTS, labels)
    logistic = np.append(model.coef_[0], model.intercept_)
    machine = LinearSVC(0.1).fit(POINTS, labels)
    margin = np.append(machine.coef_[0], machine.intercept_)
    same = float(np.abs(theta - logistic).max())
    apart = float(np.abs(theta - margin).max())
    return Evidence(
        supports=apart < 0.1,
        contradicts=same < 1e-10 and apart > 0.1,
        agreement="all ten digits compared" if same < 1e-10 else "fewer than ten digits",
        w1=theta[0],
        w2=theta[1],
        b=theta[2],
        m1=margin[0],
        m2=margin[1],
        mb=margin[2],
    )


def margin_program_and_hinge_objective_have_one_minimum() -> Evidence:
    """Perturb the solution of the quadratic program; minimize the hinge objective."""
    from sklearn.svm import SVC

    X, y = _irises()
    C = 0.7
    peer = SVC(kernel="linear", C=C, tol=1e-9).fit(X, y)
    penalty = 1 / (2 * C)

    def objective(w: FloatArray, b: float) -> float:
        return _sum_of_hinges(X, y, w, b) + penalty * float(w @ w)

    best = objective(peer.coef_[0], peer.intercept_[0])
    rng = np.random.default_rng(0)
    moves = rng.standard_normal((3000, 5)) * 10.0 ** rng.uniform(-4, 0, (3000, 1))
    others = [objective(peer.coef_[0] + move[:4], peer.intercept_[0] + move[4]) for move in moves]
    ours = LinearSVC(2 * penalty / len(y), tol=1e-5, max_iter=100_000).fit(X, y)
    above = objective(ours.coef_[0], float(ours.intercept_[0])) / best - 1
    is_minimum = min(others) >= best * (1 - 1e-9) and abs(above) < 1e-4
    return Evidence(
        supports=is_minimum,
        contradicts=not is_minimum,
        objective=best,
        tried=len(moves),
        above=100 * abs(above),
    )


def without_the_positive_part_the_bias_runs_away() -> Evidence:
    """Move the bias alone on a sample with unequal classes."""
    X, y = _irises()
    X, y = X[:80], y[:80]

    def printed(b: float) -> float:
        return float((1 - y * (X @ np.zeros(4) + b)).sum())

    bias = -1000.0
    return Evidence(
        supports=printed(bias) >= printed(0),
        contradicts=printed(bias) < printed(0) and _sum_of_hinges(X, y, np.zeros(4), bias) > 0,
        at_zero=printed(0),
        far=printed(bias),
        bias=bias,
    )
