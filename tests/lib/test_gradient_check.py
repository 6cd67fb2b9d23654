"""The gradient check: it finds what is wrong, and its own limits are known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.costs import HalfSquaredError, SquaredError
from course_lib.gradient_check import (
    GradientMismatch,
    check_gradient,
    directional_quotient,
    finite_difference_gradient,
)
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, FunctionObjective, rosenbrock, sphere
from course_lib.parameters import ParameterLayout
from tests.lib.strategies import bowls, seeds


def _with_gradient(change, inner=None):
    inner = rosenbrock(4) if inner is None else inner
    return FunctionObjective(
        inner.value, lambda t: change(inner.gradient(t)), n_parameters=inner.n_parameters
    )


def _doubled(g):
    return 2 * g


def _negated(g):
    return -g


def _first_doubled(g):
    return np.concatenate([[2 * g[0]], g[1:]])


def _last_sign_wrong(g):
    return np.concatenate([g[:-1], [-g[-1]]])


def _third_forgotten(g):
    return g * (np.arange(len(g)) != 2)


def _shuffled(g):
    return g[::-1]


WRONG = {
    _doubled: None,
    _negated: None,
    _first_doubled: 0,
    _last_sign_wrong: 3,
    _third_forgotten: 2,
    _shuffled: None,
}


@pytest.mark.parametrize("change", WRONG)
def test_wrong_gradient_is_caught(change, rng):
    objective = _with_gradient(change)
    with pytest.raises(GradientMismatch, match=r"not the derivative of the value: relative error"):
        check_gradient(objective, rng.standard_normal(4))


@pytest.mark.parametrize(("change", "culprit"), [(c, i) for c, i in WRONG.items() if i is not None])
def test_worst_parameter_is_named(change, culprit, rng):
    with pytest.raises(
        GradientMismatch, match=rf"worst at parameter {culprit}: claimed .* measured"
    ):
        check_gradient(_with_gradient(change), rng.standard_normal(4))


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("where", [[0], [3], [0, 1, 2, 3]])
def test_gradient_that_is_not_finite_is_caught(poison, where, rng):
    def spoil(g):
        g = g.copy()
        g[where] = poison
        return g

    with pytest.raises(GradientMismatch), np.errstate(invalid="ignore"):
        check_gradient(_with_gradient(spoil), rng.standard_normal(4))


@pytest.mark.parametrize("value", [np.nan, np.inf])
def test_value_that_is_not_finite_is_caught(value):
    objective = FunctionObjective(lambda t: value, np.zeros_like, n_parameters=2)
    with pytest.raises(GradientMismatch), np.errstate(invalid="ignore"):
        check_gradient(objective, [1.0, 2.0])


def test_data_on_which_the_bug_cannot_show():
    """A gradient that swaps two features is right on data where the features are equal.

    The check is then passed, and nothing is proved; on random data it fails.
    """

    class Swapping(LinearModel):
        def backward(self, theta, saved, upstream, out):
            super().backward(theta, saved[:, ::-1], upstream, out)

    rng = np.random.default_rng(0)
    column = rng.standard_normal((6, 1))
    y = rng.standard_normal(6)
    theta = rng.standard_normal(3)
    lucky = EmpiricalRisk(Swapping(2), HalfSquaredError(), np.hstack([column, column]), y)
    assert check_gradient(lucky, theta).relative_error < 1e-8
    random = EmpiricalRisk(Swapping(2), HalfSquaredError(), rng.standard_normal((6, 2)), y)
    with pytest.raises(GradientMismatch):
        check_gradient(random, theta)


def test_point_at_which_the_bug_cannot_show():
    """At zero weights a forgotten penalty gradient looks right."""
    penalised = FunctionObjective(
        lambda t: np.sin(t).sum() + t @ t, lambda t: np.cos(t), n_parameters=3
    )
    check_gradient(penalised, np.zeros(3))
    with pytest.raises(GradientMismatch):
        check_gradient(penalised, [0.1, 0.2, 0.3])


@given(bowls(), seeds, st.integers(-3, 3))
def test_differences_are_exact_on_quadratics(bowl, seed, exponent):
    """The truncation error is a third derivative, so only rounding is left, at any width."""
    theta = bowl.start
    measured = finite_difference_gradient(bowl.objective, theta, step=10.0**exponent)
    exact = bowl.objective.gradient(theta)
    scale = np.abs(exact).max() + bowl.curvatures[-1]
    noise = 1e-15 * (1 + bowl.curvatures[-1]) * (1 + abs(theta).max()) ** 2 / 10.0**exponent
    np.testing.assert_allclose(measured, exact, rtol=0, atol=1e-9 * scale + 100 * noise)


def test_error_falls_with_the_square_of_the_width():
    objective = FunctionObjective(lambda t: np.exp(t[0]), lambda t: np.exp(t), n_parameters=1)
    errors = [
        abs(finite_difference_gradient(objective, [0.5], step=h)[0] - np.exp(0.5))
        for h in (1e-2, 1e-3)
    ]
    assert errors[0] / errors[1] == pytest.approx(100, rel=1e-2)
    # exp'''(x) h² / 6
    assert errors[0] == pytest.approx(np.exp(0.5) * 1e-4 / 6, rel=1e-3)


def test_chosen_width_is_close_to_the_best():
    objective = FunctionObjective(lambda t: np.exp(t[0]), lambda t: np.exp(t), n_parameters=1)
    error = abs(finite_difference_gradient(objective, [0.5])[0] - np.exp(0.5))
    assert error < 1e-9


def test_width_grows_with_the_parameter():
    widths = []

    def value(t):
        widths.append(t.copy())
        return float(t @ t)

    finite_difference_gradient(
        FunctionObjective(value, len, n_parameters=2), [1e8, 1e-8], step=1e-5
    )
    np.testing.assert_allclose(widths[0][0] - widths[1][0], 2e3, rtol=1e-6)
    np.testing.assert_allclose(widths[2][1] - widths[3][1], 2e-5, rtol=1e-6)
    assert len(widths) == 4


def test_batch_is_passed_on(rng):
    risk = EmpiricalRisk(
        LinearModel(2), SquaredError(), rng.standard_normal((5, 2)), rng.standard_normal(5)
    )
    theta, batch = rng.standard_normal(3), np.array([1, 3])
    check = check_gradient(risk, theta, batch)
    np.testing.assert_array_equal(check.claimed, risk.gradient(theta, batch))
    np.testing.assert_allclose(check.measured, check.claimed, rtol=1e-7)


def test_single_precision_point_is_checked_in_double(rng):
    theta = rng.standard_normal(4).astype(np.float32)
    check = check_gradient(rosenbrock(4), theta)
    assert check.claimed.dtype == np.float64
    assert check.relative_error < 1e-9
    assert theta.dtype == np.float32


def test_point_is_left_alone(rng):
    theta = rng.standard_normal(4)
    before = theta.copy()
    check_gradient(rosenbrock(4), theta)
    np.testing.assert_array_equal(theta, before)


def test_two_zero_gradients_agree():
    constant = FunctionObjective(lambda t: 3.0, np.zeros_like, n_parameters=2)
    assert check_gradient(constant, [1.0, 2.0]).relative_error == 0.0
    assert check_gradient(sphere(2), [0.0, 0.0]).relative_error == 0.0


def test_report_says_how_far_and_where():
    check = check_gradient(sphere(2), [1.0, 2.0])
    assert str(check).startswith("relative error ")
    assert "worst at parameter" in str(check)
    assert check.worst_index == np.argmax(np.abs(check.claimed - check.measured))


def test_tolerance_decides():
    objective = _with_gradient(lambda g: g * 1.001, sphere(2))
    assert check_gradient(objective, [1.0, 2.0], tolerance=1e-2).relative_error == pytest.approx(
        1e-3, rel=2e-3
    )
    with pytest.raises(GradientMismatch, match=r"\(tolerance 0.0001\)"):
        check_gradient(objective, [1.0, 2.0], tolerance=1e-4)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        (([1.0],), {}, ValueError, r"theta must have shape \(2,\), got shape \(1,\)"),
        (([1.0, np.nan],), {}, ValueError, "theta must hold finite numbers"),
        ((["a", "b"],), {}, TypeError, "theta must hold real numbers"),
        (([1.0, 2.0],), {"tolerance": 0}, ValueError, "tolerance must be a finite number > 0"),
        (([1.0, 2.0],), {"step": -1e-5}, ValueError, "step must be a finite number > 0"),
        (([1.0, 2.0], [0]), {}, TypeError, "takes no batch"),
    ],
)
def test_check_that_is_refused(arguments, options, error, message):
    with pytest.raises(error, match=message):
        check_gradient(sphere(2), *arguments, **options)


@pytest.mark.parametrize(
    ("scheme", "order"), [("forward", 1.0), ("central", 2.0), ("complex", 2.0)]
)
def test_directional_quotients_have_their_order(scheme, order):
    slope = np.cos(0.7) * 2.0
    errors = [
        abs(directional_quotient(lambda x: np.sin(x[0]), [0.7], [2.0], h, scheme) - slope)
        for h in (1e-2, 1e-3)
    ]
    assert np.log10(errors[0] / errors[1]) == pytest.approx(order, abs=0.02)


def test_complex_steps_lose_nothing_to_rounding():
    slope = directional_quotient(lambda x: np.sin(x[0]), [0.7], [1.0], 1e-100, "complex")
    assert slope == pytest.approx(np.cos(0.7), rel=1e-15)
    assert directional_quotient(lambda x: np.sin(x[0]), [0.7], [1.0], 1e-100, "forward") == 0.0


def test_unknown_scheme_is_named():
    with pytest.raises(ValueError, match="unknown scheme 'backward'"):
        directional_quotient(np.sum, [0.0], [1.0], 0.1, "backward")


def test_parts_are_told_apart():
    layout = ParameterLayout({"large": (1,), "small": (1,)})
    steep = FunctionObjective(
        lambda t: 1e6 * t[0] + 1e-3 * t[1] ** 2, lambda t: [1e6, 5e-3 * t[1]], n_parameters=2
    )
    check = check_gradient(steep, [0.0, 1.0], tolerance=1e-6)
    parts = check.by_part(layout)
    assert parts["large"] < 1e-6
    assert parts["small"] > 0.5
