"""What a cost is for, and what it must be: checks."""

from __future__ import annotations

import numpy as np

from course_lib.costs import (
    AbsoluteError,
    BinaryCrossEntropy,
    HalfSquaredError,
    HingeLoss,
    HuberLoss,
    LogisticMarginLoss,
    SquaredError,
)
from course_lib.datasets import salaries
from course_lib.descent import descend
from course_lib.gradient_check import check_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.likelihoods import Gaussian, as_cost
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, FunctionObjective, sphere
from course_lib.optimizers import GradientDescent
from course_lib.penalties import L2
from course_lib.stopping import GradientNorm

OBSERVATIONS = np.array([0.1, -0.05, 0.15, 0.0, -0.1])


def negative_costs_descend_as_well() -> Evidence:
    """Minimize a negative log-density, which falls far below zero."""
    at_mean = -Gaussian(0.0, 0.1).log_likelihood([0.0])
    assert np.isclose(at_mean, as_cost(Gaussian(0.0, 0.1), [0.0]).value)

    # The parameters are the mean and the logarithm of the standard deviation.
    def value(theta: np.ndarray) -> float:
        return -Gaussian(theta[0], np.exp(theta[1])).log_likelihood(OBSERVATIONS) / 5.0

    def gradient(theta: np.ndarray) -> np.ndarray:
        score = Gaussian(theta[0], np.exp(theta[1])).score(OBSERVATIONS).mean(axis=0)
        return -score * np.array([1.0, np.exp(theta[1])])

    objective = FunctionObjective(value, gradient, n_parameters=2)
    check_gradient(objective, np.array([0.1, -1.0]))
    run = descend(
        objective,
        [0.0, 0.0],
        GradientDescent(0.01),
        stop=GradientNorm(1e-6),
        max_iterations=20_000,
    )
    fitted = Gaussian(0.0, 1.0).fit(OBSERVATIONS)
    lowest = -fitted.log_likelihood(OBSERVATIONS) / 5.0
    residuals = np.linspace(-5, 5, 101)
    usual = [SquaredError(), AbsoluteError(), HuberLoss()]
    return Evidence(
        supports=all((cost.pointwise(residuals, 0.0) >= 0).all() for cost in usual),
        contradicts=run.converged and np.isclose(run.value[-1], lowest) and lowest < 0,
        at_mean=at_mean,
        start=run.value[0],
        end=run.value[-1],
    )


def values_may_converge_to_the_wrong_place() -> Evidence:
    """Let the objective fall for ever without approaching its minimum."""
    parabola = sphere(1)
    points = 1.0 + 0.5 ** np.arange(1, 31)
    values = np.array([parabola.value([x]) for x in points])
    limit = np.array([1.0])
    sound = descend(parabola, [1.5], GradientDescent(0.25), max_iterations=60)
    return Evidence(
        supports=bool((np.diff(sound.value[:40]) < 0).all()) and sound.value[-1] < 1e-12,
        contradicts=bool((np.diff(values) < 0).all())
        and np.isclose(values[-1], 1.0)
        and abs(parabola.gradient(limit)[0]) > 1.0,
        last=values[-1],
        slope=parabola.gradient(limit)[0],
        sound=sound.value[-1],
    )


def kinks_do_not_prevent_training() -> Evidence:
    """Train the hinge loss by subgradients with decreasing steps, on tumours."""
    X, signs = tumours()
    risks = {
        name: EmpiricalRisk(LinearModel(X.shape[1]), cost, X, signs)
        for name, cost in {"hinge": HingeLoss(), "logistic": LogisticMarginLoss()}.items()
    }
    steps = GradientDescent(lambda k: 0.5 / np.sqrt(1.0 + k))
    runs = {
        name: descend(risk, np.zeros(X.shape[1] + 1), steps, max_iterations=300)
        for name, risk in risks.items()
    }
    hinge = HingeLoss()
    left, right = hinge.slope(np.array([1.0 - 1e-9, 1.0 + 1e-9]))
    return Evidence(
        supports=runs["logistic"].value[-1] < 0.2 * runs["logistic"].value[0],
        contradicts=left != right and runs["hinge"].value[-1] < 0.1 * runs["hinge"].value[0],
        left=left,
        right=right,
        start=runs["hinge"].value[0],
        end=runs["hinge"].value[-1],
    )


def absolute_error_needs_decreasing_steps() -> Evidence:
    """Descend on the squared and on the absolute error of one number."""
    one, zero = np.ones((1, 1)), np.zeros(1)
    model = LinearModel(1, intercept=False)
    squared = EmpiricalRisk(model, SquaredError(), one, zero)
    absolute = EmpiricalRisk(model, AbsoluteError(), one, zero)
    constant = GradientDescent(0.1)
    decreasing = GradientDescent(lambda k: 0.1 / np.sqrt(1.0 + k))
    smooth = descend(squared, [1.05], constant, max_iterations=500).final[0]
    stuck = descend(absolute, [1.05], constant, max_iterations=500).theta[-20:, 0]
    freed = descend(absolute, [1.05], decreasing, max_iterations=2000).final[0]
    return Evidence(
        supports=abs(smooth) < 1e-9,
        contradicts=np.allclose(np.abs(stuck), 0.05) and abs(freed) < 1e-2,
        stuck=np.abs(stuck).max(),
        freed=abs(freed),
    )


def small_training_cost_may_be_fragile() -> Evidence:
    """Fit ten noisy points of a line by a line and by a polynomial of degree nine."""
    rng = np.random.default_rng(0)
    x, new = np.linspace(-1.0, 1.0, 10), np.linspace(-1.0, 1.0, 201)
    y = 2.0 * x + 0.2 * rng.standard_normal(10)
    train, test, sensitivity = {}, {}, {}
    for degree in (1, 9):
        # Row i: what the prediction at new[i] adds up of the ten targets.
        hat = np.polynomial.legendre.legvander(new, degree) @ np.linalg.pinv(
            np.polynomial.legendre.legvander(x, degree)
        )
        back = np.polynomial.legendre.legvander(x, degree) @ np.linalg.pinv(
            np.polynomial.legendre.legvander(x, degree)
        )
        train[degree] = SquaredError().value(back @ y, y)
        test[degree] = SquaredError().value(hat @ y, 2.0 * new)
        # The root of the mean square over noise of size one, the largest over x.
        sensitivity[degree] = np.linalg.norm(hat, axis=1).max()
    return Evidence(
        supports=train[9] < train[1] and sensitivity[9] <= sensitivity[1],
        contradicts=train[9] < train[1] and sensitivity[9] > 2 * sensitivity[1]
        and test[9] > test[1],
        train_line=train[1],
        test_line=test[1],
        test_nine=test[9],
        fragile_line=sensitivity[1],
        fragile_nine=sensitivity[9],
    )  # fmt: skip


def cost_and_accuracy_may_rank_differently() -> Evidence:
    """Compare forecasts that are hesitant and right with others that are sure and once wrong."""
    cost, ones = BinaryCrossEntropy(), np.ones(10)
    forecasts = {
        "hesitant": np.full(10, 0.51),
        "sure": np.append(np.full(9, 0.99), 0.4),
        "sure and right": np.full(10, 0.99),
    }
    loss = {name: cost.value(p, ones) for name, p in forecasts.items()}
    accuracy = {name: np.mean(p > 0.5) for name, p in forecasts.items()}
    return Evidence(
        supports=loss["sure and right"] < loss["sure"]
        and accuracy["sure and right"] > accuracy["sure"],
        contradicts=loss["sure"] < loss["hesitant"] and accuracy["sure"] < accuracy["hesitant"],
        hesitant_loss=loss["hesitant"],
        hesitant_accuracy=100 * accuracy["hesitant"],
        sure_loss=loss["sure"],
        sure_accuracy=100 * accuracy["sure"],
    )


def structural_risk_is_risk_plus_penalty() -> Evidence:
    """Add a penalty to a mean cost and differentiate the sum."""
    data = salaries()
    model, cost, penalty = LinearModel(1), HalfSquaredError(), L2(3.0)
    plain = EmpiricalRisk(model, cost, data.X, data.y)
    penalized = EmpiricalRisk(model, cost, data.X, data.y, penalty=penalty)
    theta = np.array([900.0, 50.0])
    difference = penalized.value(theta) - plain.value(theta)
    added = penalized.gradient(theta) - plain.gradient(theta)
    check_gradient(penalized, theta)
    agrees = np.isclose(difference, 1.5 * 900.0**2) and np.allclose(added, [2700.0, 0.0])
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        risk=plain.value(theta),
        penalty=difference,
        structural=penalized.value(theta),
    )


def tumours() -> tuple[np.ndarray, np.ndarray]:
    """Return scikit-learn's breast cancer data, rescaled, with labels -1 and +1."""
    from sklearn.datasets import load_breast_cancer

    from course_lib.preprocessing import standardize

    data = load_breast_cancer()
    return standardize(data.data).data, 2.0 * data.target - 1.0
