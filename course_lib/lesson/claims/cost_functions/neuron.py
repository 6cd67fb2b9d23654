"""One sigmoid unit: checks of claims about its slow and its quick start."""

from __future__ import annotations

import numpy as np

from course_lib.activations import sigmoid
from course_lib.costs import HalfSquaredError, LogisticLoss, SigmoidHalfSquaredError
from course_lib.descent import descend
from course_lib.gradient_check import check_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent

QUADRATIC, CROSS_ENTROPY = SigmoidHalfSquaredError(), LogisticLoss()


def logit(activation: float) -> float:
    """Return the score with this activation."""
    return float(np.log(activation / (1.0 - activation)))


def slope(cost: SigmoidHalfSquaredError | LogisticLoss, activation: float, target: float) -> float:
    """Return the size of the derivative with respect to the score."""
    return abs(float(cost.derivative(np.array([logit(activation)]), np.array([target]))[0]))


def squared_error_of_a_sigmoid_is_slow_at_the_ends() -> Evidence:
    """Compare the printed gradient with finite differences, and the sigmoid's slope with 1/4."""
    x, y = np.array([[0.7], [-1.3], [2.0]]), np.array([0.0, 1.0, 1.0])
    risk = EmpiricalRisk(LinearModel(1), QUADRATIC, x, y)
    theta = np.array([0.8, -0.4])
    error = check_gradient(risk, theta).relative_error
    a = sigmoid(risk.model.predict(theta, x))
    delta = (a - y) * a * (1.0 - a)
    printed = np.array([(delta * x[:, 0]).mean(), delta.mean()])
    agrees = np.allclose(printed, risk.gradient(theta), rtol=1e-12)
    z = np.linspace(-30, 30, 6001)
    steepest = sigmoid.derivative(pre_activation=z).max()
    flat = float(sigmoid.derivative(pre_activation=np.array([10.0]))[0])
    return Evidence(
        supports=agrees and np.isclose(steepest, 0.25) and flat < 1e-4,
        contradicts=not agrees or steepest > 0.25 + 1e-12 or error > 1e-6,
        steepest=steepest,
        flat=flat,
    )


def adjustment_suits_target_one_and_not_zero() -> Evidence:
    """Evaluate the slopes at the activations 0.88 and 0.98 for both targets."""
    near = {(a, y): slope(QUADRATIC, a, y) for a in (0.88, 0.98) for y in (0.0, 1.0)}
    sensible = near[0.88, 1.0] > near[0.98, 1.0]
    absurd = near[0.98, 0.0] < near[0.88, 0.0]
    assert all(np.isclose(v, abs(a - y) * a * (1 - a)) for (a, y), v in near.items())
    return Evidence(
        supports=sensible and absurd,
        contradicts=not (sensible and absurd),
        one_near=near[0.88, 1.0],
        one_nearer=near[0.98, 1.0],
        zero_far=near[0.88, 0.0],
        zero_farther=near[0.98, 0.0],
    )


def larger_error_is_slower_only_in_saturation() -> Evidence:
    """Follow the slope for target 0 over all activations."""
    a = np.linspace(0.001, 0.999, 9981)
    slopes = np.array([slope(QUADRATIC, value, 0.0) for value in a])
    peak = int(np.argmax(slopes))
    assert np.isclose(slopes[peak], 4.0 / 27.0)
    return Evidence(
        supports=bool((np.diff(slopes[peak:]) < 0).all()),
        contradicts=bool((np.diff(slopes[:peak]) > 0).all()) and peak > 5000,
        peak=a[peak],
        height=slopes[peak],
        early=slope(QUADRATIC, 0.2, 0.0),
        late=slope(QUADRATIC, 0.98, 0.0),
    )


def cross_entropy_cancels_the_slope_of_the_sigmoid() -> Evidence:
    """Compare the gradient with the mean of inputs times errors."""
    rng = np.random.default_rng(0)
    X, y = rng.standard_normal((20, 3)), rng.integers(0, 2, 20).astype(float)
    risk = EmpiricalRisk(LinearModel(3), CROSS_ENTROPY, X, y)
    theta = np.array([1.0, -2.0, 0.5, 0.3])
    check_gradient(risk, theta)
    error = sigmoid(risk.model.predict(theta, X)) - y
    agrees = np.allclose(risk.gradient(theta), np.append(X.T @ error, error.sum()) / 20)
    grows = np.array([slope(CROSS_ENTROPY, a, 0.0) for a in (0.1, 0.5, 0.88, 0.98)])
    agrees &= np.allclose(grows, [0.1, 0.5, 0.88, 0.98])
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        ratio=slope(CROSS_ENTROPY, 0.98, 0.0) / slope(QUADRATIC, 0.98, 0.0),
        far=grows[2],
        farther=grows[3],
    )


def costs_match_their_output_units() -> Evidence:
    """Start a sigmoid unit wrong, with both costs; differentiate a linear one."""
    one, zero = np.ones((1, 1)), np.zeros(1)
    unit = LinearModel(1, intercept=False)
    ends = {
        cost: float(
            sigmoid(
                descend(
                    EmpiricalRisk(unit, cost, one, zero), [5.0], GradientDescent(0.5),
                    max_iterations=200,
                ).final
            )[0]
        )
        for cost in (QUADRATIC, CROSS_ENTROPY)
    }  # fmt: skip
    linear = HalfSquaredError().derivative(np.array([0.98]), zero)[0]
    matched = np.isclose(linear, slope(CROSS_ENTROPY, 0.98, 0.0))
    quick = ends[CROSS_ENTROPY] < 0.05 < 0.5 < ends[QUADRATIC]
    return Evidence(
        supports=matched and quick,
        contradicts=not (matched and quick),
        quadratic=ends[QUADRATIC],
        cross_entropy=ends[CROSS_ENTROPY],
    )


def log_loss_is_convex_and_squared_error_is_not() -> Evidence:
    """Take second differences of both costs along the score."""
    z = np.linspace(-10.0, 10.0, 2001)
    bends = {}
    for cost in (QUADRATIC, CROSS_ENTROPY):
        values = cost.pointwise(z, np.zeros_like(z))
        bends[cost] = np.diff(values, 2) / (z[1] - z[0]) ** 2
        assert np.allclose(bends[cost], cost.second_derivative(z[1:-1], 0.0), atol=1e-4)
    convex, other = bends[CROSS_ENTROPY].min() > 0, bends[QUADRATIC].min() < -0.01
    return Evidence(
        supports=convex and other,
        contradicts=not (convex and other),
        lowest=bends[QUADRATIC].min(),
        twice=2 * bends[QUADRATIC].min(),
        at=float(sigmoid(z[1:-1][np.argmin(bends[QUADRATIC])])),
    )
