"""The linear unit: checks of claims about least squares and the salary data."""

from __future__ import annotations

from itertools import chain, repeat

import numpy as np

from course_lib.costs import HalfSquaredError, LogisticLoss, SquaredError
from course_lib.datasets import salaries
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.preprocessing import standardize
from course_lib.stopping import GradientNorm
from course_lib.trace import Trace
from course_lib.validation import FloatArray


def descent_solves_least_squares() -> Evidence:
    """Compare 500 iterations with the solution by orthogonal factorization."""
    data = salaries()
    scaled = standardize(data.X).data
    risk = EmpiricalRisk(LinearModel(1), HalfSquaredError(), scaled, data.y)
    solution = np.linalg.lstsq(risk.model.design_matrix(scaled), data.y, rcond=None)[0]
    trace = descend(risk, [0.0, 0.0], GradientDescent(0.5), max_iterations=500)
    agreement = 1e-9
    agrees = np.allclose(trace.final, solution, rtol=agreement)
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        iterations=trace.n_iterations,
        agreement=agreement,
        weight=trace.final[0],
        bias=trace.final[1],
    )


def least_squares_is_not_a_general_optimizer() -> Evidence:
    """Fit labels by least squares and ask what the logistic cost says of the answer."""
    from scipy.optimize import minimize

    hours = np.array([[0.5], [1.0], [1.5], [2.0], [2.5], [3.0], [3.5], [4.0], [4.5], [9.0]])
    passed = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 1.0, 1.0, 1.0])
    X = standardize(hours).data
    cost = EmpiricalRisk(LinearModel(1), LogisticLoss(), X, passed)
    lines = np.linalg.lstsq(cost.model.design_matrix(X), passed, rcond=None)[0]
    trace = descend(
        cost, [0.0, 0.0], GradientDescent(2.0), max_iterations=2000, stop=GradientNorm(1e-8)
    )
    reference = minimize(cost.value, np.zeros(2), jac=cost.gradient, tol=1e-9)
    assert np.isclose(trace.value[-1], reference.fun)
    return Evidence(
        supports=np.isclose(cost.value(lines), trace.value[-1], rtol=1e-3),
        contradicts=cost.value(lines) > 1.1 * trace.value[-1],
        least_squares=cost.value(lines),
        descent=trace.value[-1],
    )


def identity_activation_predicts_real_values() -> Evidence:
    """Train the printed unit and ask it for the four salaries that the listing prints."""
    theta = _printed_training(epochs=10).final
    asked = np.array([[3.4], [15.0], [1.5], [6.3]])
    answers = LinearModel(1).predict(theta, asked)
    as_printed = np.allclose(answers, [3907.30, 16946.44, 1771.58, 7167.09], atol=0.005)
    steps = np.unique(np.heaviside(answers, 0.0))
    return Evidence(
        supports=as_printed,
        contradicts=not as_printed,
        first=answers[0],
        second=answers[1],
        third=answers[2],
        fourth=answers[3],
        step_outputs=len(steps),
    )


def minimum_is_unique_only_with_full_rank() -> Evidence:
    """Descend from two starts, on the salary data and with the same feature given twice."""
    data = salaries()
    risk = salary_risk()
    curvatures = np.linalg.eigvalsh(risk.hessian([0.0, 0.0]))
    scaled = standardize(data.X).data
    once = EmpiricalRisk(LinearModel(1), HalfSquaredError(), scaled, data.y)
    twice = EmpiricalRisk(
        LinearModel(2), HalfSquaredError(), np.hstack([scaled, 2.0 * scaled]), data.y
    )
    rank = np.linalg.matrix_rank(twice.model.design_matrix(twice.X))
    ends = [descend(once, start, GradientDescent(0.3), max_iterations=200).final
            for start in ([0.0, 0.0], [5e3, 5e3])]  # fmt: skip
    apart = [descend(twice, start, GradientDescent(0.3), max_iterations=200)
             for start in ([0.0, 0.0, 0.0], [5e3, 0.0, 0.0])]  # fmt: skip
    assert np.isclose(apart[0].value[-1], apart[1].value[-1])
    distance = np.linalg.norm(apart[0].final - apart[1].final)
    return Evidence(
        supports=curvatures[0] > 0 and np.allclose(*ends),
        contradicts=rank == 2 and distance > 1.0,
        lowest=curvatures[0],
        highest=curvatures[1],
        rank=int(rank),
        distance=distance,
    )


def ten_epochs_are_not_enough() -> Evidence:
    """Repeat the printed training, let it go on, and compare with least squares."""
    data = salaries()
    design = LinearModel(1).design_matrix(data.X)
    solution = np.linalg.lstsq(design, data.y, rcond=None)[0]

    def mean_squared_error(theta: FloatArray) -> float:
        return SquaredError().value(design @ theta, data.y)

    ten = _printed_training(epochs=10).final
    limit = _limit_of_printed_training(0.01)
    longer = _printed_training(epochs=1000).final
    before_limit = np.linalg.norm(longer - limit) / np.linalg.norm(ten - limit)
    # An epoch is an affine map; the eigenvalues of its matrix say how the rest shrinks.
    shrink = np.abs(np.linalg.eigvals(_epoch_map(0.01)[0])).max() ** (1000 - 10)
    assert before_limit < 2 * shrink + 1e-9
    slow_limit = _limit_of_printed_training(0.001)
    least = mean_squared_error(solution)
    return Evidence(
        supports=mean_squared_error(ten) < 0.1 * mean_squared_error(np.zeros(2)),
        contradicts=mean_squared_error(ten) > 1.5 * least
        and mean_squared_error(limit) > 1.01 * least,
        weight=ten[0],
        bias=ten[1],
        error=mean_squared_error(ten),
        best_weight=solution[0],
        best_bias=solution[1],
        best_error=least,
        limit_weight=limit[0],
        limit_bias=limit[1],
        limit_error=mean_squared_error(limit),
        slow_weight=slow_limit[0],
        slow_bias=slow_limit[1],
    )


def salary_risk() -> EmpiricalRisk:
    """Return the mean halved squared error of the linear unit on the five salaries."""
    data = salaries()
    return EmpiricalRisk(LinearModel(1), HalfSquaredError(), data.X, data.y)


def _printed_training(epochs: int) -> Trace:
    """Train as the listing does: one sample a step, in the order given, step size 0.01."""
    risk = salary_risk()
    epoch = [np.array([i]) for i in range(risk.n_samples)]
    steps = epochs * risk.n_samples
    return descend(
        risk,
        [0.0, 0.0],
        GradientDescent(0.01),
        max_iterations=steps,
        # One batch more than steps: the run looks at the next batch before it meets its cap.
        batches=chain(chain.from_iterable(repeat(epoch, epochs)), epoch[:1]),
        keep_points=False,
    )


def _epoch_map(step_size: float) -> tuple[FloatArray, FloatArray]:
    """Return A and b such that an epoch of the printed training turns theta into A theta + b."""
    data = salaries()
    A, b = np.eye(2), np.zeros(2)
    for row, target in zip(LinearModel(1).design_matrix(data.X), data.y, strict=True):
        keep = np.eye(2) - step_size * np.outer(row, row)
        A, b = keep @ A, keep @ b + step_size * target * row
    return A, b


def _limit_of_printed_training(step_size: float) -> FloatArray:
    """Return where the epochs end up: the fixed point of their affine map."""
    A, b = _epoch_map(step_size)
    return np.linalg.solve(np.eye(2) - A, b)
