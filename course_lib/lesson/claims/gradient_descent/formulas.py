"""Formulas in circulation: checks of what a restorer of the documents would import."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError
from course_lib.datasets import salaries
from course_lib.descent import descend
from course_lib.gradient_check import check_gradient, finite_difference_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.gradient_descent.linear_unit import salary_risk
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.preprocessing import standardize
from course_lib.rates import largest_stable_step


def partial_derivative_is_not_the_cost() -> Evidence:
    """Compare the circulating right-hand side with the derivative it is said to equal."""
    risk = salary_risk()
    here = np.array([1000.0, 0.0])
    check_gradient(risk, here)
    measured = finite_difference_gradient(risk, here)
    printed = risk.value(here)
    uphill = here - 1e-4 * printed
    right = descend(risk, here, GradientDescent(1e-2), max_iterations=1)
    return Evidence(
        supports=np.isclose(printed, measured).any(),
        contradicts=risk.value(uphill) > risk.value(here) > right.value[-1],
        printed=printed,
        weight_slope=measured[0],
        bias_slope=measured[1],
    )


def updates_need_a_step_size_and_the_input() -> Evidence:
    """Run the two circulating updates on the salary data."""
    risk = salary_risk()
    without_step = descend(risk, [0.0, 0.0], GradientDescent(1.0), max_iterations=5)
    limit = largest_stable_step(np.linalg.eigvalsh(risk.hessian([0.0, 0.0]))[-1])
    with_step = descend(risk, [0.0, 0.0], GradientDescent(0.5 * limit), max_iterations=5)

    # With a centred feature the input has a sign, and leaving it out loses that sign.
    data = salaries()
    scaled = EmpiricalRisk(
        LinearModel(1, intercept=False), HalfSquaredError(), standardize(data.X).data, data.y
    )
    least = int(np.argmin(scaled.X[:, 0]))
    sample, theta = np.array([least]), np.zeros(1)
    residual = scaled.y[least] - scaled.model.predict(theta, scaled.X[sample])[0]
    without_input = scaled.value(theta + 0.1 * residual, sample)
    with_input = scaled.value(
        descend(scaled, theta, GradientDescent(0.1), max_iterations=1, batches=[sample] * 2).final,
        sample,
    )
    before = scaled.value(theta, sample)
    return Evidence(
        supports=without_step.value[-1] < without_step.value[0] or without_input < before,
        contradicts=without_step.value[-1] > without_step.value[0] > with_step.value[-1]
        and without_input > before > with_input,
        growth=without_step.value[-1] / without_step.value[0],
        input=scaled.X[least, 0],
        without_input=without_input / before,
        with_input=with_input / before,
    )


def sum_over_samples_has_as_many_terms_as_the_divisor() -> Evidence:
    """Average over the indices 0 to m where there are m samples."""
    risk = salary_risk()
    m = risk.n_samples
    try:
        risk.value([0.0, 0.0], np.arange(0, m + 1))
        counts_one_too_many = False
    except ValueError:
        counts_one_too_many = True
    mean_of_ones = len(range(0, m + 1)) / m
    trace = descend(
        risk, [0.0, 0.0], GradientDescent(1e-3), max_iterations=1,
        batches=[np.arange(m)] * 2,
    )  # fmt: skip
    full = descend(risk, [0.0, 0.0], GradientDescent(1e-3), max_iterations=1)
    assert np.array_equal(trace.final, full.final)
    assert full.value[-1] < full.value[0]
    return Evidence(
        supports=mean_of_ones == 1.0,
        contradicts=counts_one_too_many and mean_of_ones > 1.0,
        samples=m,
        terms=m + 1,
        mean_of_ones=mean_of_ones,
    )
