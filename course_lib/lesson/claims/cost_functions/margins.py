"""Costs of a margin: checks."""

from __future__ import annotations

import numpy as np

from course_lib.costs import ExponentialLoss
from course_lib.lesson.claims.cost_functions.purpose import tumours
from course_lib.lesson.claims.evidence import Evidence


def boosting_minimizes_the_exponential_loss() -> Evidence:
    """Find the best weight of a weak learner, and the weights of the samples it leaves."""
    cost, error = ExponentialLoss(), 0.2
    right = np.ones(100)
    right[:20] = -1.0  # The margins of a learner that is wrong on a fifth.
    alphas = np.linspace(0.0, 2.0, 20_001)
    means = cost.of_margin(np.outer(alphas, right)).mean(axis=1)
    best = alphas[np.argmin(means)]
    formula = 0.5 * np.log((1.0 - error) / error)
    slopes = -cost.slope(best * right)
    weights = slopes / slopes.sum()
    balanced = weights[:20].sum()
    agrees = np.isclose(best, formula, atol=1e-4) and np.isclose(balanced, 0.5, atol=1e-3)
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        best=best,
        formula=formula,
        balanced=balanced,
    )


def scores_are_not_confined() -> Evidence:
    """Look at the scores of a trained support vector machine."""
    from sklearn.svm import LinearSVC

    X, signs = tumours()
    svm = LinearSVC(loss="hinge", C=1.0, max_iter=200_000, random_state=0).fit(X, signs)
    scores = svm.decision_function(X)
    outside = np.mean(np.abs(scores) >= 1.0)
    return Evidence(
        supports=outside == 0.0,
        contradicts=outside > 0.5 and np.mean(np.sign(scores) == signs) > 0.9,
        outside=100 * outside,
        right=100 * np.mean(np.sign(scores) == signs),
    )
