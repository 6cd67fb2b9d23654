"""Formulas in circulation: checks of what a restorer of the documents would import."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError, HingeLoss, SigmoidHalfSquaredError, SquaredError
from course_lib.datasets import salaries
from course_lib.gradient_check import check_gradient, finite_difference_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.likelihoods import Gaussian
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, FunctionObjective


def residual_has_the_other_sign() -> Evidence:
    """Step against the circulating gradient, and against the right one."""
    x, y = np.ones((1, 1)), np.zeros(1)
    risk = EmpiricalRisk(LinearModel(1, intercept=False), SigmoidHalfSquaredError(), x, y)
    theta = np.array([1.0])
    check_gradient(risk, theta)
    a = 1.0 / (1.0 + np.exp(-1.0))
    printed = (0.0 - a) * a * (1.0 - a)
    before = risk.value(theta)
    after_printed = risk.value(theta - 0.5 * printed)
    after_right = risk.value(theta - 0.5 * risk.gradient(theta))
    return Evidence(
        supports=np.isclose(printed, risk.gradient(theta)[0]),
        contradicts=after_printed > before > after_right,
        printed=printed,
        right=risk.gradient(theta)[0],
        before=before,
        after_printed=after_printed,
        after_right=after_right,
    )


def hinge_without_its_one_prefers_mistakes() -> Evidence:
    """Cost four scores by the circulating formula and by the hinge."""
    scores = np.array([2.0, 0.5, -0.5, -2.0])
    printed = np.maximum(0.0, scores)  # The label is +1.
    right = HingeLoss().of_margin(scores)
    return Evidence(
        supports=printed[0] < printed[-1],
        contradicts=printed[0] > printed[-1] and right[0] < right[-1],
        printed_right=printed[0],
        printed_wrong=printed[-1],
        hinge_right=right[0],
        hinge_wrong=right[-1],
    )


def derivative_of_the_log_likelihood_is_zero_at_the_mean() -> Evidence:
    """Differentiate a Gaussian log-likelihood in its mean."""
    x, sigma, mean = np.array([3.0, 9.5, 11.0]), 2.0, 5.0
    likelihood = FunctionObjective(
        lambda m: Gaussian(m[0], sigma).log_likelihood(x), lambda m: np.zeros(1), n_parameters=1
    )
    measured = finite_difference_gradient(likelihood, np.array([mean]))[0]
    printed = len(x) / sigma**2 * (mean - x.sum())
    right = (x.sum() - len(x) * mean) / sigma**2
    assert np.isclose(Gaussian(mean, sigma).score(x)[:, 0].sum(), right)
    return Evidence(
        supports=np.isclose(printed, measured),
        contradicts=np.isclose(right, measured) and not np.isclose(printed, measured),
        measured=measured,
        printed=printed,
        zero_printed=x.sum(),
        zero_right=x.mean(),
    )


def half_and_bias_are_missing() -> Evidence:
    """Compare the circulating cost with the one that the text describes."""
    data = salaries()
    theta = np.array([1000.0, 200.0])  # Slope, bias.
    right = EmpiricalRisk(LinearModel(1), HalfSquaredError(), data.X, data.y)
    printed = EmpiricalRisk(LinearModel(1, intercept=False), SquaredError(), data.X, data.y)
    without_half = EmpiricalRisk(LinearModel(1), SquaredError(), data.X, data.y)
    assert np.isclose(without_half.value(theta), 2.0 * right.value(theta))
    assert np.allclose(without_half.gradient(theta), 2.0 * right.gradient(theta))
    shifted = theta + np.array([0.0, 100.0])
    blind = printed.value(theta[:1])  # The bias does not enter.
    return Evidence(
        supports=np.isclose(blind, right.value(theta)),
        contradicts=not np.isclose(blind, right.value(theta))
        and not np.isclose(right.value(theta), right.value(shifted)),
        printed=blind,
        right=right.value(theta),
        shifted=right.value(shifted),
    )
