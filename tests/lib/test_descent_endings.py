"""How a run ends, and what its trace then holds."""

from __future__ import annotations

import re
import warnings

import numpy as np
import pytest

from course_lib.descent import DEFAULT_CAP, DivergenceWarning, descend
from course_lib.line_search import BacktrackingLineSearch, ExactLineSearch
from course_lib.objectives import (
    FunctionObjective,
    Quadratic,
    rosenbrock,
    saturated_neuron,
)
from course_lib.optimizers import ConjugateGradient, GradientDescent, Newton, Optimizer
from course_lib.stopping import (
    GradientNorm,
    IterationCap,
    ObjectiveBelow,
    ObjectiveChange,
    StepNorm,
)
from tests.lib.runs import BOWL, START, is_sound, lengths

# Endings. For each: the lengths of theta, value, gradient_norm, step_size and seconds.


def test_ends_at_the_cap():
    trace = descend(BOWL, START, GradientDescent(0.1), max_iterations=7)
    assert lengths(trace) == (8, 8, 8, 7, 8)
    assert trace.n_iterations == 7
    assert trace.stopped_by.rule == "iteration cap"
    assert str(trace.stopped_by) == "iteration cap: the cap of 7 iterations was reached"
    assert not trace.converged
    assert not trace.diverged
    assert is_sound(trace)
    for point, value, norm in zip(trace.theta, trace.value, trace.gradient_norm, strict=True):
        assert value == BOWL.value_and_gradient(point)[0]
        assert norm == pytest.approx(np.linalg.norm(BOWL.gradient(point)), rel=1e-15)


def test_a_cap_of_zero_looks_and_does_not_move():
    trace = descend(BOWL, START, GradientDescent(0.1), max_iterations=0)
    assert lengths(trace) == (1, 1, 1, 0, 1)
    assert trace.theta.tolist() == [START]


def test_without_a_cap_a_run_ends_after_a_thousand():
    trace = descend(BOWL, START, GradientDescent(1e-6))
    assert trace.n_iterations == DEFAULT_CAP == 1000


@pytest.mark.parametrize(
    ("rule", "name", "message", "converged"),
    [
        (GradientNorm(1e-3), "gradient norm", r"the gradient norm .* is below 0.001", True),
        (ObjectiveChange(1e-6), "objective change", r"changed by .*, less than 1e-06", True),
        (ObjectiveChange(1e-6, relative=True), "objective change", "the objective changed", True),
        (StepNorm(1e-3), "step norm", r"the last step went .*, less than 0.001", True),
        (ObjectiveBelow(1e-3), "objective below target", r"reached the target 0.001", True),
        (IterationCap(5), "iteration cap", "the cap of 5 iterations was reached", False),
    ],
)
def test_ends_by_the_rule_that_fires_first(rule, name, message, converged):
    trace = descend(BOWL, START, GradientDescent(0.1), stop=[GradientNorm(1e-300), rule])
    assert trace.stopped_by.rule == name
    assert re.search(message, trace.stopped_by.message)
    assert trace.converged is converged
    assert 0 < trace.n_iterations < DEFAULT_CAP
    k = trace.n_iterations
    assert lengths(trace) == (k + 1, k + 1, k + 1, k, k + 1)
    assert is_sound(trace)
    # One step earlier the rule was silent.
    shorter = descend(BOWL, START, GradientDescent(0.1), stop=rule, max_iterations=k - 1)
    assert shorter.n_iterations == k - 1
    assert shorter.stopped_by.rule == "iteration cap"


def test_rules_are_asked_in_order_and_the_cap_last():
    first = GradientNorm(1e9)
    second = ObjectiveBelow(1e9)
    for rules, name in [([first, second], first.name), ((second, first), second.name)]:
        trace = descend(BOWL, START, GradientDescent(0.1), stop=rules, max_iterations=0)
        assert trace.stopped_by.rule == name
        assert trace.n_iterations == 0


def test_ends_when_a_callback_says_so():
    seen = []

    def count(progress):
        seen.append(progress.iteration)

    def enough(progress):
        return progress.iteration == 3

    trace = descend(BOWL, START, GradientDescent(0.1), callbacks=[enough, count])
    assert trace.stopped_by.rule == "callback"
    assert not trace.converged
    assert lengths(trace) == (4, 4, 4, 3, 4)
    # The others were asked, too, in the iteration that ended the run.
    assert seen == [0, 1, 2, 3]


def test_a_single_callback_needs_no_list():
    trace = descend(BOWL, START, GradientDescent(0.1), callbacks=lambda p: p.iteration == 2)
    assert trace.n_iterations == 2


@pytest.mark.parametrize("answer", [None, False, 0])
def test_callbacks_that_do_not_say_yes_do_not_end_the_run(answer):
    trace = descend(
        BOWL, START, GradientDescent(0.1), callbacks=lambda progress: answer, max_iterations=4
    )
    assert trace.n_iterations == 4


def test_callback_that_raises_is_heard():
    def broken(progress):
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        descend(BOWL, START, GradientDescent(0.1), callbacks=broken)
    # And numpy's warnings are as they were.
    with pytest.warns(RuntimeWarning, match="overflow"):
        np.float64(1e308) * 10


def test_ends_where_a_line_search_finds_nothing():
    wrong = FunctionObjective(lambda t: t @ t, lambda t: -2 * t, n_parameters=2)
    trace = descend(wrong, [1.0, 1.0], GradientDescent(BacktrackingLineSearch()))
    assert trace.stopped_by.rule == "line search"
    assert "the gradient is wrong" in trace.stopped_by.message
    assert not trace.converged
    assert lengths(trace) == (1, 1, 1, 0, 1)
    assert is_sound(trace)


@pytest.mark.parametrize(
    "optimizer",
    [GradientDescent(ExactLineSearch()), ConjugateGradient(), Newton(ExactLineSearch())],
)
def test_a_line_search_at_the_exact_minimum_has_converged(optimizer):
    trace = descend(BOWL, [0.0, 0.0], optimizer)
    assert trace.stopped_by.rule == "line search"
    assert "the gradient is zero" in trace.stopped_by.message
    assert trace.converged
    assert trace.n_iterations == 0


# Divergence.


@pytest.mark.parametrize("keep_points", [True, False])
def test_divergence_is_reported_and_the_trace_stays_sound(keep_points):
    with pytest.warns(DivergenceWarning, match=r"diverged with step size 0.25: the objective went"):
        trace = descend(
            BOWL, START, GradientDescent(0.25), max_iterations=10_000, keep_points=keep_points
        )
    assert trace.diverged
    assert trace.stopped_by.rule == "divergence"
    k = trace.n_iterations
    assert 0 < k < 10_000
    assert lengths(trace) == (k + 1 if keep_points else 2, k + 1, k + 1, k, k + 1)
    assert is_sound(trace)
    assert trace.value[-1] == BOWL.value(trace.final)
    # The limit is 1e30 times the start; one more step of factor (1 - 2.5)² = 2.25 would pass it.
    assert 1e30 / 2.25 <= trace.value[-1] / trace.value[0] < 1e30
    expected = f"from 17.5 to {trace.value[-1]:.3g} in {k} iteration(s), and the next step left it"
    assert expected in trace.stopped_by.message


@pytest.mark.parametrize("keep_points", [True, False])
def test_divergence_in_the_first_step(keep_points):
    with pytest.warns(
        DivergenceWarning, match=r"in 0 iteration\(s\), and the next step left it at"
    ):
        trace = descend(BOWL, START, GradientDescent(1e40), keep_points=keep_points)
    assert lengths(trace) == (1 if keep_points else 2, 1, 1, 0, 1)
    assert trace.theta[-1].tolist() == START
    assert is_sound(trace)


def test_the_warning_points_at_the_caller():
    with pytest.warns(DivergenceWarning) as caught:
        descend(BOWL, START, GradientDescent(1.0), max_iterations=500)
    assert caught[0].filename == __file__


def test_a_small_start_may_grow_to_one():
    """The limit is 1e30 times the larger of 1 and the start."""
    tiny = FunctionObjective(lambda t: t[0], lambda t: -np.ones(1), n_parameters=1)
    with pytest.warns(DivergenceWarning):
        trace = descend(tiny, [1e-20], GradientDescent(0.9e30), max_iterations=3)
    assert trace.n_iterations == 1
    assert trace.value[-1] == pytest.approx(0.9e30)


@pytest.mark.parametrize("poison", [np.nan, np.inf, -np.inf])
def test_value_that_stops_being_finite(poison):
    objective = FunctionObjective(
        lambda t: t[0] if t[0] > -0.35 else poison, lambda t: np.ones(1), n_parameters=1
    )
    with pytest.warns(DivergenceWarning, match=f"left it at {poison:.3g}"):
        trace = descend(objective, [0.0], GradientDescent(0.1))
    assert trace.n_iterations == 3
    assert is_sound(trace)


def test_gradient_that_stops_being_finite():
    objective = FunctionObjective(
        lambda t: t[0], lambda t: np.ones(1) if t[0] > -0.35 else [np.nan], n_parameters=1
    )
    with pytest.warns(DivergenceWarning, match=r"left it at -0.4 with a gradient norm of nan"):
        trace = descend(objective, [0.0], GradientDescent(0.1))
    assert trace.n_iterations == 3
    assert is_sound(trace)


def test_step_to_infinity_on_a_plain_is_divergence():
    """The value and the gradient there are finite: 0 and 0. The point is not."""

    class Leap(Optimizer):
        def init(self, theta):
            return {}

        def update(self, gradient, state, theta, context=None):
            return np.array([-np.inf])

    with pytest.warns(DivergenceWarning, match="the run diverged: the objective"):
        trace = descend(saturated_neuron(), [1.0], Leap(), stop=GradientNorm(1e-9))
    assert trace.diverged
    assert not trace.converged
    assert trace.theta.tolist() == [[1.0]]


def test_overflow_on_the_way_is_not_news():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DivergenceWarning)
        trace = descend(rosenbrock(), [2.0, 2.0], GradientDescent(1.0))
    assert trace.diverged


def test_infinity_minus_infinity_on_the_way_is_not_news():
    def difference(t):
        return np.exp(-t[0]) - np.exp(-2 * t[0])

    objective = FunctionObjective(
        difference, lambda t: 2 * np.exp(-2 * t) - np.exp(-t), n_parameters=1
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warnings.simplefilter("ignore", DivergenceWarning)
        trace = descend(objective, [-1.0], GradientDescent(1e3))
    assert trace.diverged


@pytest.mark.parametrize("poison", [np.nan, np.inf])
def test_start_without_a_finite_value_is_refused(poison):
    no_value = FunctionObjective(lambda t: poison, lambda t: t, n_parameters=2)
    with pytest.raises(ValueError, match=rf"theta0 must be a point.*got value {poison}.*\[1. 2.\]"):
        descend(no_value, [1.0, 2.0], GradientDescent(0.1))
    no_slope = FunctionObjective(lambda t: 1.0, lambda t: poison * t, n_parameters=2)
    with pytest.raises(ValueError, match=f"got value 1.0 and gradient norm {poison}"):
        descend(no_slope, [1.0, 2.0], GradientDescent(0.1))


def test_a_run_that_rises_slowly_has_diverged():
    """The cap ends it long before the objective exceeds any limit."""
    bowl = Quadratic(np.diag([1.0, 4.0]))
    rising = descend(bowl, [1.0, 1.0], GradientDescent(0.51), max_iterations=60)
    assert rising.stopped_by.rule == "iteration cap"
    assert 1 < rising.value[-1] / rising.value[0] < 1e4
    assert rising.diverged
    assert not rising.converged
    stopped = descend(
        bowl, [1.0, 1.0], GradientDescent(0.51), callbacks=lambda progress: progress.iteration == 60
    )
    assert stopped.stopped_by.rule == "callback"
    assert stopped.diverged
    # On the way up for a while, but below its start; and too short to tell.
    falling = descend(bowl, [1.0, 1.0], GradientDescent(0.49), max_iterations=60)
    assert not falling.diverged
    short = descend(bowl, [0.0, 1.0], GradientDescent(0.51), max_iterations=10)
    assert short.value[-1] > short.value[0]
    assert short.diverged
    assert not descend(bowl, [0.0, 1.0], GradientDescent(0.51), max_iterations=9).diverged


def test_a_singular_hessian_on_the_way_keeps_the_trace():
    # A bowl beside a slope: halfway steps lead from 3 over 1.5 to 0.75, where nothing bends.
    well = FunctionObjective(
        lambda t: t[0] ** 2 if t[0] > 1 else 0.5,
        lambda t: 2 * t if t[0] > 1 else np.ones(1),
        hessian=lambda t: [[2.0 if t[0] > 1 else 0.0]],
        n_parameters=1,
    )
    trace = descend(well, [3.0], Newton(0.5))
    assert trace.stopped_by.rule == "singular matrix"
    assert trace.n_iterations == 2
    np.testing.assert_allclose(trace.theta[:, 0], [3.0, 1.5, 0.75])
    assert not trace.converged
    assert not trace.diverged


def test_many_points_of_many_parameters_raise_a_warning(monkeypatch):
    from course_lib import descent

    monkeypatch.setattr(descent, "MANY_POINTS", 5 * 8 * 100)
    bowl = Quadratic(np.eye(100))
    with pytest.warns(
        RuntimeWarning, match="6 points of 100 parameters.*keep_points=False"
    ) as seen:
        descend(bowl, np.ones(100), GradientDescent(0.1), max_iterations=20)
    assert len(seen) == 1
    descend(bowl, np.ones(100), GradientDescent(0.1), max_iterations=20, keep_points=False)
