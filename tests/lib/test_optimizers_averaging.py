"""Averages of the points of a run."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from course_lib.averaging import ExponentialAverage, IterateAverage
from course_lib.descent import descend
from course_lib.objectives import sphere
from course_lib.optimizers import GradientDescent

points_of_runs = arrays(np.float64, st.tuples(st.integers(1, 30), st.just(3)),
                        elements=st.floats(-100, 100))  # fmt: skip


def averaged(average, points):
    for point in points:
        average.add(point)
    return average.value


@given(points_of_runs)
def test_the_plain_average_is_the_mean(points):
    average = IterateAverage()
    np.testing.assert_allclose(averaged(average, points), points.mean(axis=0), atol=1e-11)
    assert average.n_points == len(points)


@given(points_of_runs, st.floats(0.0, 0.99))
def test_the_exponential_averages_have_the_weights_they_say(points, decay):
    weights = decay ** np.arange(len(points))[::-1]
    unbiased = weights @ points / weights.sum()
    np.testing.assert_allclose(averaged(ExponentialAverage(decay), points), unbiased, atol=1e-10)
    weights = weights * (1 - decay)
    weights[0] /= 1 - decay
    from_first = averaged(ExponentialAverage(decay, start="first"), points)
    np.testing.assert_allclose(from_first, weights @ points, atol=1e-10)


def test_as_a_callback_it_sees_every_point_from_which_a_step_is_taken():
    everything, late = IterateAverage(), IterateAverage(first=4)
    forgetful = ExponentialAverage(0.5)
    trace = descend(
        sphere(2),
        [1.0, -2.0],
        GradientDescent(0.1),
        max_iterations=10,
        callbacks=[everything, late, forgetful],
    )
    np.testing.assert_allclose(everything.value, trace.theta[:10].mean(axis=0), rtol=1e-13)
    np.testing.assert_allclose(late.value, trace.theta[4:10].mean(axis=0), rtol=1e-13)
    assert (everything.n_points, late.n_points, forgetful.n_points) == (10, 6, 10)
    assert trace.n_iterations == 10


def test_the_value_is_a_copy_and_the_points_are_not_kept():
    average, point = IterateAverage(), np.array([1.0, 2.0])
    average.add(point)
    point[:] = 50.0
    average.value[:] = 50.0
    np.testing.assert_array_equal(average.value, [1.0, 2.0])


@pytest.mark.parametrize("make", [IterateAverage, ExponentialAverage])
def test_single_precision_stays_single(make):
    average = make()
    average.add(np.ones(3, dtype=np.float32))
    average.add(np.zeros(3, dtype=np.float32))
    assert average.value.dtype == np.float32


def test_forgets_slowly_unless_told_otherwise():
    average = ExponentialAverage()
    assert (average.decay, average.start) == (0.999, "unbiased")
    assert IterateAverage().first == 0


def test_says_what_is_wrong():
    with pytest.raises(ValueError, match="the average has no points yet"):
        _ = IterateAverage().value
    with pytest.raises(ValueError, match="first must be at least 0"):
        IterateAverage(first=-1)
    for decay in (1.0, -0.1):
        with pytest.raises(ValueError, match="decay must be a finite number >= 0 and < 1"):
            ExponentialAverage(decay)
    with pytest.raises(ValueError, match="unknown start 'zero'"):
        ExponentialAverage(start="zero")
