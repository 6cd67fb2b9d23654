"""Schedules: their values, their long run, and what they say of bad settings."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from itertools import pairwise
from math import cos, inf, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.schedules import (
    Constant,
    Cosine,
    CosineRestarts,
    Exponential,
    InverseTime,
    Joined,
    OneCycle,
    Piecewise,
    Polynomial,
    PowerLaw,
    Scaled,
    StepDecay,
    WarmUp,
    as_schedule,
    long_run,
    scheduled_value,
)

# The schedule, and its values at some iterations, worked out by hand.
VALUES = [
    (Constant(0.3), {0: 0.3, 1000: 0.3}),
    (InverseTime(0.6, decay=0.5), {0: 0.6, 1: 0.4, 2: 0.3, 18: 0.06}),
    (PowerLaw(0.6, 0.5), {0: 0.6, 3: 0.3, 8: 0.2}),
    (PowerLaw(0.6, 0.5, decay=3.0), {0: 0.6, 1: 0.3, 5: 0.15}),
    (PowerLaw(0.6, 2.0), {0: 0.6, 1: 0.15}),
    (Exponential(0.8, 0.5), {0: 0.8, 1: 0.4, 3: 0.1}),
    (StepDecay(0.8, 0.5, every=3), {0: 0.8, 2: 0.8, 3: 0.4, 5: 0.4, 6: 0.2}),
    (Polynomial(1.0, 0.2, 4), {0: 1.0, 1: 0.8, 3: 0.4, 4: 0.2, 99: 0.2}),
    (Polynomial(1.0, 0.2, 4, power=2.0), {0: 1.0, 2: 0.4, 4: 0.2, 5: 0.2}),
    (Polynomial(0.0, 1.0, 4), {0: 0.0, 1: 0.25, 4: 1.0}),
    (Cosine(1.0, 4), {0: 1.0, 1: 0.5 + 0.5 * cos(pi / 4), 2: 0.5, 4: 0.0, 5: 0.0}),
    (Cosine(1.0, 3, final=0.2), {0: 1.0, 1: 0.8, 2: 0.4, 3: 0.2, 9: 0.2}),
    (CosineRestarts(1.0, 4), {0: 1.0, 2: 0.5, 4: 1.0, 6: 0.5, 400: 1.0, 402: 0.5}),
    (CosineRestarts(1.0, 3, final=0.2), {0: 1.0, 1: 0.8, 2: 0.4, 3: 1.0, 5: 0.4}),
    (
        CosineRestarts(1.0, 2, growth=3),
        {0: 1.0, 1: 0.5, 2: 1.0, 5: 0.5, 8: 1.0, 17: 0.5, 26: 1.0, 53: 0.5, 80: 1.0},
    ),
    (
        OneCycle(1.0, 10, rise=0.4, start_divisor=10.0, final_divisor=100.0),
        {0: 0.1, 2: 0.55, 4: 1.0, 7: 0.5005, 10: 0.001, 11: 0.001},
    ),
    (
        OneCycle(1.0, 10, 0.4, 10.0, 100.0, shape="linear"),
        {0: 0.1, 1: 0.325, 4: 1.0, 7: 0.5005, 10: 0.001, 99: 0.001},
    ),
    (OneCycle(1.0, 10, 0.3, 0.5, 0.5, shape="linear"), {0: 2.0, 3: 1.0, 10: 4.0}),
    (OneCycle(25.0, 10), {0: 1.0, 3: 25.0, 10: 1e-4}),
    (WarmUp(4, Constant(1.0)), {0: 0.2, 1: 0.4, 3: 0.8, 4: 1.0, 9: 1.0}),
    (WarmUp(4, Constant(2.0), start=0.0), {0: 0.0, 1: 0.5, 3: 1.5, 4: 2.0}),
    (WarmUp(4, Exponential(1.0, 0.5), start=0.5), {0: 0.5, 2: 0.75, 4: 1.0, 5: 0.5, 6: 0.25}),
    (WarmUp(1, Constant(1.0)), {0: 0.5, 1: 1.0}),
    (Piecewise([0.3, 0.2, 0.1], [2, 5]), {0: 0.3, 1: 0.3, 2: 0.2, 4: 0.2, 5: 0.1, 50: 0.1}),
    (Piecewise([0.3, 0.2], [1]), {0: 0.3, 1: 0.2}),
    (Piecewise([0.3], []), {0: 0.3, 7: 0.3}),
    (
        Joined([Constant(0.5), Exponential(0.4, 0.5), InverseTime(0.3, 1.0)], [2, 4]),
        {0: 0.5, 1: 0.5, 2: 0.4, 3: 0.2, 4: 0.3, 5: 0.15},
    ),
    (0.5 * Exponential(0.8, 0.5), {0: 0.4, 1: 0.2}),
    (Exponential(0.8, 0.5) * 2, {0: 1.6, 1: 0.8}),
    (Scaled(lambda k: k + 1.0, 3.0), {0: 3.0, 2: 9.0}),
    # A quarter of the way tells a cosine from a line, which half of it does not.
    (
        OneCycle(1.0, 8, 0.5, 10.0, 100.0),
        {1: 0.1 + 0.45 * (1 - cos(pi / 4)), 5: 0.001 + 0.4995 * (1 + cos(pi / 4))},
    ),
    (Joined([Exponential(0.4, 0.5), Constant(0.1)], [3]), {0: 0.4, 1: 0.2, 2: 0.1, 3: 0.1}),
    # At the edge of what is allowed.
    (Polynomial(1.0, 0.0, 1, power=0.5), {0: 1.0, 1: 0.0}),
    (Polynomial(1.0, 0.0, 4, power=0.5), {3: 0.5}),
    (Cosine(1.0, 1), {0: 1.0, 1: 0.0}),
    (CosineRestarts(1.0, 1), {0: 1.0, 1: 1.0}),
    (StepDecay(0.8, 0.5, every=1), {0: 0.8, 1: 0.4}),
    (OneCycle(1.0, 2, 0.5, 0.25, 0.5, shape="linear"), {0: 4.0, 1: 1.0, 2: 8.0}),
    (Scaled(Constant(4.0), 0.25), {0: 1.0}),
    (Piecewise([0.3, 0.0, 0.1], [1, 2]), {0: 0.3, 1: 0.0, 2: 0.1}),
]


@pytest.mark.parametrize(("schedule", "values"), VALUES, ids=lambda value: repr(value)[:40])
def test_has_the_values_of_its_formula(schedule, values):
    for k, expected in values.items():
        assert schedule(k) == pytest.approx(expected, rel=1e-12, abs=1e-15)
    np.testing.assert_array_equal(schedule.values(6), [schedule(k) for k in range(6)])
    assert schedule.values(0).shape == (0,)


@pytest.mark.parametrize(("schedule", "values"), VALUES, ids=lambda value: repr(value)[:40])
def test_another_one_with_the_same_settings_is_the_same_schedule(schedule, values):
    # Made here, its settings are checked once more.
    assert [replace(schedule)(k) for k in values] == [schedule(k) for k in values]


DIVERGES, HOLDS, FINITE = (True, False), (True, True), (False, True)
LONG_RUNS = {
    "constant": (Constant(0.1), DIVERGES),
    "inverse time": (InverseTime(0.1, 0.5), HOLDS),
    "inverse time, no decay": (InverseTime(0.1, 0.0), DIVERGES),
    "power 0": (PowerLaw(0.1, 0.0), DIVERGES),
    "power ½": (PowerLaw(0.1, 0.5), DIVERGES),
    "power just above ½": (PowerLaw(0.1, 0.51), HOLDS),
    "power 1": (PowerLaw(0.1, 1.0), HOLDS),
    "power above 1": (PowerLaw(0.1, 1.01), FINITE),
    "power without decay": (PowerLaw(0.1, 0.75, decay=0.0), DIVERGES),
    "exponential": (Exponential(0.1, 0.9), FINITE),
    "exponential, no decay": (Exponential(0.1, 1.0), DIVERGES),
    "step": (StepDecay(0.1, 0.5, 10), FINITE),
    "step, no decay": (StepDecay(0.1, 1.0, 10), DIVERGES),
    "polynomial to 0": (Polynomial(0.1, 0.0, 10), FINITE),
    "polynomial to more": (Polynomial(0.1, 0.01, 10), DIVERGES),
    "cosine to 0": (Cosine(0.1, 10), FINITE),
    "cosine to more": (Cosine(0.1, 10, final=0.01), DIVERGES),
    "restarts": (CosineRestarts(0.1, 10), DIVERGES),
    "growing restarts": (CosineRestarts(0.1, 10, growth=2), DIVERGES),
    "one cycle": (OneCycle(0.1, 10), DIVERGES),
    "piecewise to 0": (Piecewise([0.1, 0.0], [5]), FINITE),
    "piecewise through 0": (Piecewise([0.1, 0.0, 0.2], [5, 9]), DIVERGES),
    "piecewise to more": (Piecewise([0.0, 0.1], [5]), DIVERGES),
    "warm-up": (WarmUp(5, InverseTime(0.1, 1.0)), HOLDS),
    "joined": (
        Joined([Constant(0.1), Exponential(0.1, 0.9), InverseTime(0.1, 1.0)], [5, 9]),
        HOLDS,
    ),
    "scaled": (3 * PowerLaw(0.1, 0.75), HOLDS),
}


@pytest.mark.parametrize("name", LONG_RUNS)
def test_knows_its_long_run(name):
    schedule, (sum_diverges, squares_converge) = LONG_RUNS[name]
    verdict = long_run(schedule)
    assert (verdict.sum_diverges, verdict.squares_converge) == (sum_diverges, squares_converge)
    assert verdict.robbins_monro is (sum_diverges and squares_converge)
    assert len(verdict.reason) > 10


@pytest.mark.parametrize("name", LONG_RUNS)
def test_the_verdict_agrees_with_the_sums_over_doubled_stretches(name):
    schedule, (sum_diverges, squares_converge) = LONG_RUNS[name]
    # By Cauchy's condensation: a sum converges where the share of every doubling shrinks by a
    # factor, and diverges where it does not. Slow powers need long stretches to show it.
    steps = schedule.values(2**15)
    for power, converges in ((1, not sum_diverges), (2, squares_converge)):
        stretches = [np.sum(steps[2**j : 2 ** (j + 1)] ** power) for j in (12, 13, 14)]
        ratio = max(b / a if a else 0.0 for a, b in pairwise(stretches))
        # 2^(-0.01), the ratio of k^(-1.01), is the closest call above.
        assert ratio < 1 - 5e-3 if converges else ratio > 1 - 1e-3


def test_says_why():
    assert Exponential(0.1, 0.99).long_run().reason.endswith("all together they reach 10")
    assert StepDecay(0.1, 0.5, 7).long_run().reason.endswith("all together they reach 1.4")
    assert "stay at 0.1" in Constant(0.1).long_run().reason
    assert Cosine(0.1, 9).long_run().reason == "from some iteration on every step is zero"
    assert "1 / k^0.75, its square like 1 / k^1.5" in PowerLaw(0.1, 0.75).long_run().reason
    assert "starts again at 0.1" in CosineRestarts(0.1, 9).long_run().reason


def test_the_sum_it_names_is_the_sum():
    for schedule, total in ((Exponential(0.1, 0.9), 1.0), (StepDecay(0.1, 0.5, 7), 1.4)):
        assert schedule.values(2000).sum() == pytest.approx(total)


def test_does_not_guess_the_long_run_of_a_function():
    for schedule in (lambda k: 0.1, WarmUp(3, lambda k: 0.1), 2 * WarmUp(3, lambda k: 0.1)):
        with pytest.raises(TypeError, match="no finite number of its values decides the limit"):
            long_run(schedule)


@given(st.integers(1, 50), st.integers(1, 4), st.integers(0, 5000))
def test_restarts_begin_where_the_lengths_say(period, growth, k):
    schedule = CosineRestarts(1.0, period, growth)
    start, length = 0, period
    while start + length <= k:
        start, length = start + length, length * growth
    assert schedule(start) == 1.0
    assert schedule(k) == pytest.approx(Cosine(1.0, length)(k - start), abs=1e-15)


@given(st.integers(2, 300), st.floats(0.01, 0.99), st.sampled_from(["cosine", "linear"]))
def test_one_cycle_goes_up_once_and_down_once(steps, rise, shape):
    values = OneCycle(1.0, steps, rise, shape=shape).values(steps + 5)
    top = int(values.argmax())
    assert abs(top - rise * steps) <= 1
    assert (np.diff(values[: top + 1]) >= -1e-15).all()
    assert (np.diff(values[top:]) <= 1e-15).all()
    assert values[0] == pytest.approx(1 / 25)
    np.testing.assert_allclose(values[steps:], 1 / 25e4, rtol=1e-9)
    assert values.max() <= 1.0


@given(st.integers(1, 100), st.floats(0.0, 1.0))
def test_a_warm_up_meets_its_schedule(steps, start):
    schedule = WarmUp(steps, Exponential(0.1, 0.9), start=start)
    assert schedule(0) == pytest.approx(0.1 * start)
    assert schedule(steps) == 0.1
    assert (np.diff(schedule.values(steps + 1)) >= -1e-15).all()


def test_a_step_takes_its_schedule_as_a_function_of_the_iteration():
    assert as_schedule("step_size", 0.1) == Constant(0.1)
    assert as_schedule("step_size", np.float32(0.5)) == Constant(0.5)
    halving = Exponential(0.1, 0.5)
    assert as_schedule("step_size", halving) is halving
    assert scheduled_value("step_size", lambda k: np.float32(k), 2) == 2.0
    assert type(scheduled_value("step_size", lambda k: np.float32(k), 2)) is float
    assert scheduled_value("step_size", lambda k: 0, 2) == 0.0


@pytest.mark.parametrize("value", [-0.1, inf, float("nan")])
def test_says_what_is_wrong_with_a_value(value):
    with pytest.raises(ValueError, match="step_size must be a finite number >= 0"):
        scheduled_value("step_size", lambda k: value, 0)
    with pytest.raises(ValueError, match="step_size must be a finite number > 0"):
        as_schedule("step_size", value)
    with pytest.raises(ValueError, match="step_size must be a finite number > 0"):
        as_schedule("step_size", 0)


BAD = [
    (partial(Constant, 0.0), ValueError, "initial must be a finite number > 0"),
    (partial(Constant, "0.1"), TypeError, "initial"),
    (partial(InverseTime, 0.0, 0.1), ValueError, "initial"),
    (partial(InverseTime, 0.1, -0.1), ValueError, "decay"),
    (partial(PowerLaw, 0.0, 1.0), ValueError, "initial"),
    (partial(PowerLaw, 0.1, -1.0), ValueError, "exponent"),
    (partial(PowerLaw, 0.1, 1.0, -1.0), ValueError, "decay"),
    (partial(Exponential, 0.0, 0.5), ValueError, "initial"),
    (partial(Exponential, 0.1, 0.0), ValueError, "factor"),
    (partial(Exponential, 0.1, 1.1), ValueError, "factor"),
    (partial(StepDecay, 0.0, 0.5, 3), ValueError, "initial"),
    (partial(StepDecay, 0.1, 0.0, 3), ValueError, "factor"),
    (partial(StepDecay, 0.1, 1.1, 3), ValueError, "factor"),
    (partial(StepDecay, 0.1, 0.5, 0), ValueError, "every must be at least 1"),
    (partial(StepDecay, 0.1, 0.5, 2.5), TypeError, "every must be a whole number"),
    (partial(Polynomial, -0.1, 0.1, 3), ValueError, "initial"),
    (partial(Polynomial, 0.1, -0.1, 3), ValueError, "final"),
    (partial(Polynomial, 0.1, 0.1, 0), ValueError, "steps"),
    (partial(Polynomial, 0.1, 0.1, 3, 0.0), ValueError, "power"),
    (partial(Cosine, -0.1, 3), ValueError, "initial"),
    (partial(Cosine, 0.1, 0), ValueError, "steps"),
    (partial(Cosine, 0.1, 3, -0.1), ValueError, "final"),
    (partial(CosineRestarts, 0.0, 3), ValueError, "initial"),
    (partial(CosineRestarts, 0.1, 0), ValueError, "period"),
    (partial(CosineRestarts, 0.1, 3, 0), ValueError, "growth"),
    (partial(CosineRestarts, 0.1, 3, 1.5), TypeError, "growth must be a whole number"),
    (partial(CosineRestarts, 0.1, 3, 1, -0.1), ValueError, "final"),
    (partial(OneCycle, 0.0, 10), ValueError, "peak"),
    (partial(OneCycle, 0.1, 1), ValueError, "steps must be at least 2"),
    (partial(OneCycle, 0.1, 10, 0.0), ValueError, "rise"),
    (partial(OneCycle, 0.1, 10, 1.0), ValueError, "rise"),
    (partial(OneCycle, 0.1, 10, 0.3, 0.0), ValueError, "start_divisor"),
    (partial(OneCycle, 0.1, 10, 0.3, 25.0, 0.0), ValueError, "final_divisor"),
    (partial(OneCycle, 0.1, 10, shape="square"), ValueError, "unknown shape 'square'"),
    (partial(WarmUp, 0, Constant(0.1)), ValueError, "steps"),
    (partial(WarmUp, 3, 0.1), TypeError, r"then must be a function .* is Constant\(0\.1\)"),
    (partial(WarmUp, 3, Constant(0.1), 1.1), ValueError, "start"),
    (partial(WarmUp, 3, Constant(0.1), -0.1), ValueError, "start"),
    (partial(Piecewise, [0.1, -0.1], [3]), ValueError, r"step_sizes\[1\]"),
    (partial(Piecewise, [0.1, 0.2], []), ValueError, "step_sizes must be one more than boundaries"),
    (partial(Piecewise, [0.1], [3]), ValueError, "got 1 and 1"),
    (partial(Piecewise, [0.1, 0.2], [0]), ValueError, r"boundaries\[0\] must be at least 1"),
    (
        partial(Piecewise, [0.1, 0.2, 0.3], [3, 3]),
        ValueError,
        r"boundaries\[1\] must be at least 4",
    ),
    (
        partial(Piecewise, [0.1, 0.2, 0.3, 0.4], [3, 5, 4]),
        ValueError,
        r"boundaries\[2\] must be at least 6",
    ),
    (partial(Joined, [0.1], []), TypeError, r"schedules\[0\] must be a function"),
    (partial(Joined, [Constant(0.1)], [3]), ValueError, "schedules must be one more"),
    (partial(Scaled, 0.1, 2.0), TypeError, "schedule must be a function"),
    (partial(Scaled, Constant(0.1), 0.0), ValueError, "factor"),
    (partial(Constant(0.1).values, -1), ValueError, "n must be at least 0"),
]


@pytest.mark.parametrize(("make", "error", "message"), BAD)
def test_says_what_is_wrong_with_a_setting(make, error, message):
    # A whole word: "steps must be …" and not "n_steps must be …".
    with pytest.raises(error, match=rf"(^|\s){message}($|[\s,:])"):
        make()
