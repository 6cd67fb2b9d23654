"""The run loop: batches, what methods and callbacks see, counting, starts, bad arguments."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from course_lib.descent import DivergenceWarning, descend
from course_lib.line_search import BacktrackingLineSearch, ExactLineSearch
from course_lib.objectives import (
    FunctionObjective,
    Objective,
    rosenbrock,
    sphere,
)
from course_lib.optimizers import ConjugateGradient, GradientDescent, Newton, Optimizer
from course_lib.stopping import (
    GradientNorm,
    IterationCap,
)
from tests.lib.runs import BOWL, START, is_sound, lengths, small_risk

# Batches.


def test_ends_with_its_batches():
    risk = small_risk()
    batches = [np.array([i, i + 1]) for i in range(5)]
    trace = descend(risk, np.zeros(3), GradientDescent(0.1), batches=batches)
    assert trace.stopped_by.rule == "batches"
    assert not trace.converged
    # No batch was left to look at the last point with.
    assert lengths(trace) == (6, 5, 5, 5, 6)
    assert is_sound(trace)
    theta = np.zeros(3)
    for k, batch in enumerate(batches):
        assert trace.value[k] == risk.value(theta, batch)
        theta = theta - 0.1 * risk.gradient(theta, batch)
        np.testing.assert_allclose(trace.theta[k + 1], theta, rtol=1e-14)
    np.testing.assert_allclose(
        trace.values_of(risk), [risk.value(point) for point in trace.theta], rtol=1e-15
    )


def test_a_cap_or_a_rule_ends_a_run_on_batches():
    drawn = []

    def endless():
        for i in itertools.count():
            drawn.append(i)
            yield np.array([i % 10])

    trace = descend(
        small_risk(), np.zeros(3), GradientDescent(0.1), batches=endless(), max_iterations=4
    )
    assert lengths(trace) == (5, 5, 5, 4, 5)
    assert drawn == [0, 1, 2, 3, 4]
    trace = descend(
        small_risk(), np.zeros(3), GradientDescent(0.1), batches=endless(), stop=IterationCap(3)
    )
    assert trace.n_iterations == 3


def test_more_batches_than_the_usual_cap_are_all_used():
    batches = itertools.repeat(np.array([0]), 1500)
    trace = descend(
        small_risk(), np.zeros(3), GradientDescent(0.1), batches=batches, keep_points=False
    )
    assert trace.n_iterations == 1500


@pytest.mark.parametrize("batch", [[0, 3], (0, 3), np.array([0, 3], np.int8)])
def test_batches_may_be_lists(batch):
    trace = descend(small_risk(), np.zeros(3), GradientDescent(0.1), batches=[batch] * 2)
    assert trace.n_iterations == 2


@pytest.mark.parametrize(
    ("batches", "error", "message"),
    [
        ([], ValueError, "batches must hold at least one batch, got none"),
        (iter(()), ValueError, "batches must hold at least one batch, got none"),
        ([[]], ValueError, "batch must name at least one sample"),
        ([[0], []], ValueError, "batch must name at least one sample"),
        ([[10]], ValueError, "batch must hold indices from 0 to 9, got values from 10 to 10"),
        ([[-1]], ValueError, "batch must hold indices from 0 to 9"),
        (
            np.arange(10),
            TypeError,
            r"batch must be a 1-D array of whole numbers, got .* shape \(\)",
        ),
        ([3], TypeError, r"batch must be a 1-D array of whole numbers, got .* shape \(\)"),
        ([[0.5]], TypeError, "batch must be a 1-D array of whole numbers, got dtype float64"),
        ([[True] * 10], TypeError, "got dtype bool"),
        ("ab", TypeError, "batch must be a 1-D array of whole numbers, got dtype <U1"),
        (5, TypeError, "batches must be an iterable of index arrays, got 5"),
    ],
)
def test_batches_that_are_refused(batches, error, message):
    with pytest.raises(error, match=message):
        descend(small_risk(), np.zeros(3), GradientDescent(0.1), batches=batches)


def test_batches_where_there_is_no_data_are_refused():
    with pytest.raises(
        TypeError, match="Quadratic is not a mean over samples, so it takes no batch"
    ):
        descend(BOWL, START, GradientDescent(0.1), batches=[[0]])


# What callbacks and rules see.


def test_progress_tells_where_the_run_stands():
    seen = []

    def look(p):
        seen.append((p.iteration, p.value, p.gradient_norm, p.previous_value, p.step_norm))
        np.testing.assert_array_equal(p.gradient, BOWL.gradient(p.theta))

    trace = descend(BOWL, START, GradientDescent(0.1), callbacks=look, max_iterations=3)
    # The cap ends the run before its callbacks are called once more.
    assert [s[0] for s in seen] == [0, 1, 2]
    assert [s[1] for s in seen] == trace.value[:3].tolist()
    assert [s[2] for s in seen] == trace.gradient_norm[:3].tolist()
    assert [s[3] for s in seen] == [None, *trace.value[:2]]
    moved = np.linalg.norm(np.diff(trace.theta, axis=0), axis=1)
    assert seen[0][4] is None
    np.testing.assert_allclose([s[4] for s in seen[1:]], moved[:2], rtol=1e-12)


@pytest.mark.parametrize("name", ["theta", "gradient"])
def test_progress_cannot_be_used_to_change_the_run(name):
    def meddle(progress):
        getattr(progress, name)[:] = 0

    with pytest.raises(ValueError, match="read-only"):
        descend(BOWL, START, GradientDescent(0.1), callbacks=meddle)


def test_methods_reach_the_whole_objective():
    """A natural gradient needs the model and the data behind the value."""

    class Nosy(GradientDescent):
        def update(self, gradient, state, theta, context=None):
            assert context.objective.model is risk.model
            assert context.objective.n_samples == 10
            assert isinstance(context.objective, Objective)
            return super().update(gradient, state, theta, context)

    risk = small_risk()
    descend(risk, np.zeros(3), Nosy(0.1), max_iterations=1)
    with pytest.raises(AttributeError, match="'Quadratic' object has no attribute 'model'"):
        descend(BOWL, START, Nosy(0.1))


# Counting.


def test_counts_of_a_plain_run():
    trace = descend(BOWL, START, GradientDescent(0.1), max_iterations=6)
    assert trace.evaluations == {
        "value": 7,
        "gradient": 7,
        "hessian": 0,
        "hessian_product": 0,
        "sample_gradients": 0,
    }


def test_counts_of_methods_that_ask_for_more():
    newton = descend(BOWL, START, Newton(), max_iterations=3).evaluations
    assert (newton["hessian"], newton["gradient"]) == (3, 4)
    exact = descend(BOWL, START, GradientDescent(ExactLineSearch()), max_iterations=3).evaluations
    assert (exact["hessian_product"], exact["value"]) == (3, 4)
    calls = {"value": 0, "gradient": 0}

    def value(t):
        calls["value"] += 1
        return BOWL.value(t)

    def gradient(t):
        calls["gradient"] += 1
        return BOWL.gradient(t)

    counted = FunctionObjective(value, gradient, n_parameters=2)
    for optimizer in (GradientDescent(BacktrackingLineSearch()), ConjugateGradient()):
        calls.update(value=0, gradient=0)
        trace = descend(counted, START, optimizer, max_iterations=3)
        assert {name: trace.evaluations[name] for name in calls} == calls
        assert calls["value"] > 4


def test_sample_gradients_are_the_currency_between_batch_sizes():
    full = descend(small_risk(), np.zeros(3), GradientDescent(0.1), max_iterations=4)
    assert full.evaluations["sample_gradients"] == 5 * 10
    mixed = descend(
        small_risk(), np.zeros(3), GradientDescent(0.1), batches=[[0], [1, 2], [3, 4, 5]]
    )
    assert mixed.evaluations["sample_gradients"] == 6


def test_each_run_counts_for_itself():
    for _ in range(2):
        trace = descend(BOWL, START, GradientDescent(0.1), max_iterations=2)
        assert trace.evaluations["gradient"] == 3


# Starts, memory and repetition.


def test_start_is_copied():
    start = np.array(START)
    trace = descend(BOWL, start, GradientDescent(0.1), max_iterations=3)
    assert start.tolist() == START
    start[:] = 7
    assert trace.theta[0].tolist() == START


@pytest.mark.parametrize(
    "start",
    [[5, 1], (5, 1), np.array([5, 1]), np.array([5.0, 9, 1, 9])[::2], np.array([1.0, 5.0])[::-1]],
)
def test_starts_in_any_form(start):
    trace = descend(BOWL, start, GradientDescent(0.1), max_iterations=2)
    expected = descend(BOWL, START, GradientDescent(0.1), max_iterations=2)
    np.testing.assert_array_equal(trace.theta, expected.theta)
    assert trace.theta.dtype == np.float64


def test_strided_start_reaches_a_model_contiguous():
    start = np.arange(6.0)[::2]
    assert descend(small_risk(), start, GradientDescent(0.1), max_iterations=2).n_iterations == 2


def test_single_precision_runs_in_single_precision():
    trace = descend(BOWL, np.array(START, np.float32), GradientDescent(0.1), max_iterations=20)
    assert trace.theta.dtype == np.float32
    assert trace.value.dtype == np.float64
    double = descend(BOWL, START, GradientDescent(0.1), max_iterations=20)
    np.testing.assert_allclose(trace.theta, double.theta, rtol=1e-4)


@pytest.mark.parametrize("scale", [1e-25, 1e25])
def test_norms_of_single_precision_neither_vanish_nor_overflow(scale):
    """The squares of 1e-25 and 1e25 are 0 and infinity in float32."""
    plane = FunctionObjective(
        lambda t: 0.0, lambda t: np.full(2, scale, np.float32), n_parameters=2
    )
    steps = []
    trace = descend(
        plane,
        np.zeros(2, np.float32),
        GradientDescent(1.0),
        max_iterations=2,
        callbacks=lambda p: steps.append(p.step_norm),
    )
    expected = np.sqrt(2) * float(np.float32(scale))
    np.testing.assert_allclose(trace.gradient_norm, expected, rtol=1e-6)
    assert steps[1] == pytest.approx(expected, rel=1e-6)
    assert not trace.diverged


def test_points_need_not_be_kept():
    kept = descend(BOWL, START, GradientDescent(0.1), max_iterations=9)
    trace = descend(BOWL, START, GradientDescent(0.1), max_iterations=9, keep_points=False)
    assert lengths(trace) == (2, 10, 10, 9, 10)
    np.testing.assert_array_equal(trace.theta, kept.theta[[0, -1]])
    np.testing.assert_array_equal(trace.value, kept.value)
    still = descend(BOWL, START, GradientDescent(0.1), max_iterations=0, keep_points=False)
    assert still.theta.tolist() == [START, START]


@pytest.mark.parametrize(
    "optimizer",
    [
        GradientDescent(1e-3),
        GradientDescent(BacktrackingLineSearch()),
        Newton(),
        ConjugateGradient(),
    ],
    ids=repr,
)
def test_runs_repeat_bit_for_bit(optimizer):
    first, second = (
        descend(rosenbrock(4), [-1.2, 1, 0.5, 0.1], optimizer, max_iterations=30) for _ in range(2)
    )
    for name in ("theta", "value", "gradient_norm", "step_size"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    assert first.stopped_by == second.stopped_by
    assert first.evaluations == second.evaluations


def test_step_size_is_not_a_number_where_a_method_has_none():
    class Half(Optimizer):
        def init(self, theta):
            return {"step": np.empty_like(theta)}

        def update(self, gradient, state, theta, context=None):
            return np.multiply(theta, -0.5, out=state["step"])

    trace = descend(sphere(2), [1.0, 2.0], Half(), max_iterations=2)
    assert np.isnan(trace.step_size).all()
    assert trace.final.tolist() == [0.25, 0.5]
    with pytest.warns(DivergenceWarning, match="the run diverged: the objective"):
        descend(
            FunctionObjective(lambda t: 1 / t[0] ** 40, lambda t: -t, n_parameters=1), [1.0], Half()
        )


# Arguments.


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        (
            {"objective": len},
            TypeError,
            r"objective must be of the kind Objective, .*<built-in fun",
        ),
        (
            {"optimizer": 0.1},
            TypeError,
            r"optimizer must be .* GradientDescent\(step_size\); got 0.1",
        ),
        ({"optimizer": GradientDescent}, TypeError, "optimizer must be of the kind Optimizer"),
        ({"theta0": [1.0]}, ValueError, r"theta0 must have shape \(2,\), got shape \(1,\)"),
        ({"theta0": []}, ValueError, r"theta0 must have shape \(2,\), got shape \(0,\)"),
        ({"theta0": [[1.0], [2.0]]}, ValueError, r"theta0 must have 1 dim.*\.ravel\(\)"),
        ({"theta0": 1.0}, ValueError, r"theta0 must have 1 dimension\(s\), got shape \(\)"),
        (
            {"theta0": [1.0, np.nan]},
            ValueError,
            r"theta0 must hold finite numbers, got nan at .*1,",
        ),
        ({"theta0": [1.0, np.inf]}, ValueError, "theta0 must hold finite numbers, got inf"),
        ({"theta0": ["a", "b"]}, TypeError, "theta0 must hold real numbers"),
        ({"theta0": None}, TypeError, "theta0 must hold real numbers"),
        ({"max_iterations": -1}, ValueError, "max_iterations must be at least 0, got -1"),
        ({"max_iterations": 1e3}, TypeError, "max_iterations must be a whole number, got 1000.0"),
        ({"max_iterations": "10"}, TypeError, "max_iterations must be a whole number, got '10'"),
        ({"stop": 1e-6}, TypeError, "stop must be one or a list of them, got 1e-06"),
        ({"stop": [1e-6]}, TypeError, r"stop must be .* GradientNorm\(1e-6\); got 1e-06"),
        ({"stop": GradientNorm}, TypeError, "stop must be one or a list"),
        ({"stop": "gradient norm"}, TypeError, "stop must be one or a list"),
        ({"callbacks": 3}, TypeError, "callbacks must be one or a list of them, got 3"),
    ],
)
def test_arguments_that_are_refused(change, error, message):
    arguments = {"objective": BOWL, "theta0": START, "optimizer": GradientDescent(0.1)} | change
    with pytest.raises(error, match=message):
        descend(**arguments)


def test_schedule_that_turns_negative_stops_the_run():
    with pytest.raises(ValueError, match=r"step_size must be a finite number >= 0, got -0.1"):
        descend(BOWL, START, GradientDescent(lambda k: 0.1 if k < 3 else -0.1))
