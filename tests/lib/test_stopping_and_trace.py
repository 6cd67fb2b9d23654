"""Stopping rules and the trace, each by itself."""

from __future__ import annotations

import numpy as np
import pytest

from course_lib.descent import DivergenceWarning, descend
from course_lib.line_search import LineSearchFailure
from course_lib.objectives import (
    sphere,
)
from course_lib.optimizers import GradientDescent
from course_lib.stopping import (
    GradientNorm,
    IterationCap,
    ObjectiveBelow,
    ObjectiveChange,
    Progress,
    StepNorm,
    StoppingRule,
)
from tests.lib.runs import BOWL, START

# Stopping rules by themselves.


def _progress(**change):
    fields = {"iteration": 3, "theta": np.zeros(1), "value": 2.0, "gradient_norm": 0.5}
    return Progress(**(fields | {"previous_value": 2.1, "step_norm": 0.25} | change))


@pytest.mark.parametrize(
    ("rule", "fires"),
    [
        (GradientNorm(0.5), False),  # below, not at
        (GradientNorm(0.6), True),
        (ObjectiveChange(0.09), False),
        (ObjectiveChange(0.11), True),
        (ObjectiveChange(0.045, relative=True), False),  # 0.1 / 2.1 = 0.0476
        (ObjectiveChange(0.05, relative=True), True),
        (StepNorm(0.25), False),
        (StepNorm(0.26), True),
        (ObjectiveBelow(2.0), True),  # reached is enough
        (ObjectiveBelow(1.9), False),
        (IterationCap(3), True),
        (IterationCap(4), False),
        (IterationCap(2), True),
    ],
)
def test_where_rules_draw_the_line(rule, fires):
    assert (rule.check(_progress()) is not None) == fires
    assert isinstance(rule, StoppingRule)
    assert rule.name


def test_a_rise_of_the_objective_is_a_change_too():
    assert ObjectiveChange(0.05).check(_progress(previous_value=1.0)) is None


def test_small_objectives_are_compared_absolutely():
    progress = _progress(value=1e-8, previous_value=1.1e-8)
    assert ObjectiveChange(1e-6, relative=True).check(progress)


@pytest.mark.parametrize("rule", [ObjectiveChange(1e9), StepNorm(1e9)])
def test_rules_about_the_last_step_are_silent_before_the_first(rule):
    assert rule.check(_progress(previous_value=None, step_norm=None)) is None


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: GradientNorm(0), ValueError, "tolerance must be a finite number > 0, got 0"),
        (lambda: GradientNorm(-1e-6), ValueError, "tolerance must be .* got -1e-06"),
        (lambda: GradientNorm("small"), TypeError, "tolerance must be a real number, got 'small'"),
        (lambda: ObjectiveChange(0), ValueError, "tolerance must be"),
        (lambda: ObjectiveChange(np.nan), ValueError, "tolerance must be .* got nan"),
        (lambda: StepNorm(0), ValueError, "tolerance must be"),
        (lambda: ObjectiveBelow(np.inf), ValueError, "target must be a finite number, got inf"),
        (lambda: ObjectiveBelow(None), TypeError, "target must be a real number, got None"),
        (lambda: IterationCap(-1), ValueError, "limit must be at least 0, got -1"),
        (lambda: IterationCap(2.5), TypeError, "limit must be a whole number, got 2.5"),
    ],
)
def test_rule_that_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_failure_of_a_line_search_is_an_arithmetic_error():
    assert issubclass(LineSearchFailure, ArithmeticError)
    assert issubclass(DivergenceWarning, RuntimeWarning)


# The trace by itself.


def test_trace_measures_errors_rate_and_path():
    trace = descend(sphere(2), [3.0, 4.0], GradientDescent(0.25), max_iterations=4)
    np.testing.assert_allclose(trace.errors([0, 0]), 5 * 0.5 ** np.arange(5), rtol=1e-15)
    assert trace.rate([0, 0], last=1) == pytest.approx(0.5, rel=1e-14)
    assert trace.rate([0, 0], last=4) == pytest.approx(0.5, rel=1e-14)
    assert trace.path_length == pytest.approx(5 - 5 / 16, rel=1e-14)
    np.testing.assert_array_equal(trace.values_of(sphere(2)), trace.value)


def test_rate_is_the_geometric_mean_over_the_last_iterations():
    objective = sphere(1)
    trace = descend(
        objective, [1.0], GradientDescent(lambda k: [0.4, 0.25, 0.1][k]), max_iterations=3
    )
    assert trace.rate([0.0], last=1) == pytest.approx(0.8)
    assert trace.rate([0.0], last=2) == pytest.approx(np.sqrt(0.8 * 0.5))
    assert trace.rate([0.0], last=3) == pytest.approx(np.cbrt(0.8 * 0.5 * 0.2))


def test_rate_of_a_run_that_arrives_is_zero():
    trace = descend(sphere(1), [1.0], GradientDescent(0.5), max_iterations=1)
    assert trace.rate([0.0], last=1) == 0.0


@pytest.mark.parametrize(
    ("options", "arguments", "error", "message"),
    [
        (
            {},
            ([0.0], 5),
            ValueError,
            r"last must be at most the 4 iteration\(s\) of the run, got 5",
        ),
        ({}, ([0.0], 0), ValueError, "last must be at least 1, got 0"),
        ({}, ([0.0], 1.0), TypeError, "last must be a whole number"),
        ({}, ([0.0, 0.0], 1), ValueError, r"minimizer must have shape \(1,\), got shape \(2,\)"),
        ({}, (["a"], 1), TypeError, "minimizer must hold real numbers"),
        ({"keep_points": False}, ([0.0], 1), ValueError, "which had keep_points=False"),
    ],
)
def test_rate_that_is_refused(options, arguments, error, message):
    trace = descend(sphere(1), [1.0], GradientDescent(0.25), max_iterations=4, **options)
    with pytest.raises(error, match=message):
        trace.rate(*arguments)


def test_rate_after_the_minimizer_was_reached_is_refused():
    trace = descend(sphere(1), [1.0], GradientDescent(0.5), max_iterations=4)
    with pytest.raises(
        ValueError, match="minimizer was reached 2 or more iterations before the end"
    ):
        trace.rate([0.0], last=2)


def test_trace_is_frozen_and_says_what_happened():
    trace = descend(BOWL, START, GradientDescent(0.1), stop=GradientNorm(1e-3))
    assert repr(trace) == (
        f"Trace({trace.n_iterations} iterations, value 17.5 -> {trace.value[-1]:.6g}, stopped by "
        "gradient norm)"
    )
    with pytest.raises(AttributeError):
        trace.converged = False
    assert trace == trace
    assert trace != descend(BOWL, START, GradientDescent(0.1), stop=GradientNorm(1e-3))
    assert hash(trace)
