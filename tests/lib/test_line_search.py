"""Line searches: what they promise along one direction, and what they say when they cannot."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from course_lib.costs import HalfSquaredError
from course_lib.line_search import (
    BacktrackingLineSearch,
    ExactLineSearch,
    LineSearchFailure,
    StepContext,
    WolfeLineSearch,
    as_step_rule,
    step_length,
)
from course_lib.linear_models import LinearModel
from course_lib.objectives import (
    FUNCTIONS,
    EmpiricalRisk,
    FunctionObjective,
    Quadratic,
    double_well,
    named_function,
    quartic,
    rosenbrock,
    saturated_neuron,
    sphere,
)
from course_lib.schedules import Constant, InverseTime
from tests.lib.strategies import bowls, seeds

SEARCHES = [ExactLineSearch(), BacktrackingLineSearch(), WolfeLineSearch()]


def _search(search, objective, theta, direction=None, batch=None):
    theta = np.asarray(theta, dtype=float)
    value, gradient = objective.value_and_gradient(theta, batch)
    direction = -gradient if direction is None else np.asarray(direction, dtype=float)
    return search.search(theta, direction, gradient, StepContext(objective, value, batch))


@st.composite
def downhill(draw):
    """A test function, a point and a direction that leads down."""
    objective = named_function(draw(st.sampled_from(sorted(FUNCTIONS))))
    rng = np.random.default_rng(draw(seeds))
    theta = rng.uniform(-2, 2, objective.n_parameters)
    gradient = objective.gradient(theta)
    direction = rng.standard_normal(objective.n_parameters)
    if abs(direction @ gradient) < 0.1 * np.linalg.norm(direction) * np.linalg.norm(gradient):
        direction = -gradient
    if direction @ gradient > 0:
        direction = -direction
    return objective, theta, direction * 10.0 ** draw(st.integers(-2, 2))


# Exact.


@given(bowls(), seeds)
def test_exact_step_is_the_lowest_point_of_the_line(bowl, seed):
    objective, theta = bowl.objective, bowl.start
    direction = np.random.default_rng(seed).standard_normal(len(theta))
    slope = objective.gradient(theta) @ direction
    direction *= -np.sign(slope)
    alpha = _search(ExactLineSearch(), objective, theta, direction)
    left_over = objective.gradient(theta + alpha * direction) @ direction
    assert abs(left_over) < 1e-9 * abs(slope) + 1e-12 * bowl.curvatures[-1]


@given(bowls(), st.floats(0.05, 1.95))
def test_any_fraction_of_the_exact_step_leads_down_on_a_quadratic(bowl, fraction):
    """The gap left is (1 - fraction)² of what one full step removes, plus what it leaves."""
    objective, theta = bowl.objective, bowl.start
    direction = -objective.gradient(theta)
    full = _search(ExactLineSearch(), objective, theta)
    part = _search(ExactLineSearch(fraction), objective, theta)
    assert part == pytest.approx(fraction * full, rel=1e-12)
    start, reached, lowest = (
        objective.value(theta + a * direction) - objective.minimum for a in (0.0, part, full)
    )
    assert reached == pytest.approx(lowest + (1 - fraction) ** 2 * (start - lowest), rel=1e-8)


@given(downhill())
def test_exact_search_ends_lower_at_a_level_place(problem):
    objective, theta, direction = problem
    try:
        alpha = _search(ExactLineSearch(), objective, theta, direction)
    except LineSearchFailure:
        # Only a function without a minimum along the line may have none.
        assert objective.name in ("saturated neuron", "Beale")
        return
    assert alpha > 0
    assert objective.value(theta + alpha * direction) < objective.value(theta)

    def slope(a):
        return objective.gradient(theta + a * direction) @ direction

    # Down before it and up after it: Brent's method stops within about 1e-8 of the minimum.
    assert slope(alpha * (1 - 1e-6)) < 1e-9 * abs(slope(0.0))
    assert slope(alpha * (1 + 1e-6)) > -1e-9 * abs(slope(0.0))


def test_exact_search_agrees_with_the_formula_where_both_apply(rng):
    bowl = Quadratic.with_spectrum([1.0, 30.0], seed=3)
    same = FunctionObjective(bowl.value, bowl.gradient, n_parameters=2)
    for _ in range(5):
        theta = rng.standard_normal(2)
        exact = _search(ExactLineSearch(), bowl, theta)
        assert _search(ExactLineSearch(), same, theta) == pytest.approx(exact, rel=1e-6)


@pytest.mark.parametrize("length", [1e-9, 1e-3, 1.0, 1e3, 1e9])
def test_exact_search_does_not_depend_on_the_length_of_the_direction(length):
    alpha = _search(ExactLineSearch(), quartic(), [1.0], [-length])
    assert alpha * length == pytest.approx(1.0, rel=1e-3)


def test_fraction_holds_off_quadratics_too():
    full = _search(ExactLineSearch(), quartic(), [1.0], [-0.1])
    assert _search(ExactLineSearch(0.5), quartic(), [1.0], [-0.1]) == pytest.approx(full / 2)


def test_exact_search_where_the_first_steps_lead_up():
    """A narrow valley just ahead, and a deeper one behind: the search never looks back."""
    for first, behind in [(1.0, False), (1.0, True)]:
        narrow = FunctionObjective(
            lambda t, behind=behind: (
                1e4 * (t[0] - 1e-3) ** 2 - (5.0 if behind and t[0] < -0.5 else 0.0)
            ),
            lambda t: 2e4 * (t - 1e-3),
            n_parameters=1,
        )
        assert _search(ExactLineSearch(), narrow, [0.0], [first]) == pytest.approx(1e-3, rel=1e-6)


def test_exact_search_meets_symmetric_trials():
    """Two trial steps of equal height on both sides of the minimum."""
    bowl = FunctionObjective(lambda t: (t[0] - 1.5) ** 2, lambda t: 2 * (t - 1.5), n_parameters=1)
    assert _search(ExactLineSearch(), bowl, [0.0], [1.0]) == pytest.approx(1.5, rel=1e-7)


def test_exact_search_keeps_the_best_point_it_saw():
    """Brent's method misses a narrow shaft that a trial step had hit."""
    shaft = FunctionObjective(
        lambda t: (t[0] - 1.5) ** 2 - (3.0 if abs(t[0] - 1.0) < 1e-3 else 0.0),
        lambda t: 2 * (t - 1.5),
        n_parameters=1,
    )
    assert _search(ExactLineSearch(), shaft, [0.0], [1.0]) == 1.0


def test_exact_search_takes_the_first_valley():
    """From the far left both valleys of a double well lie ahead; the left one is met first."""
    alpha = _search(ExactLineSearch(), double_well(0.3), [-1.5], [0.1])
    assert -1.5 + 0.1 * alpha == pytest.approx(double_well(0.3).minimizers[0, 0], rel=1e-6)


def test_exact_search_walks_around_values_that_are_not_numbers():
    hole = FunctionObjective(
        lambda t: (t[0] - 0.1) ** 2 if t[0] < 0.3 else np.nan,
        lambda t: 2 * (t - 0.1),
        n_parameters=1,
    )
    assert _search(ExactLineSearch(), hole, [0.0], [1.0]) == pytest.approx(0.1, rel=1e-6)


def test_exact_search_stops_doubling_at_values_that_are_not_numbers():
    cliff = FunctionObjective(
        lambda t: (t[0] - 0.1) ** 2 if t[0] < 0.11 else np.nan,
        lambda t: 2 * (t - 0.1),
        n_parameters=1,
    )
    alpha = _search(ExactLineSearch(), cliff, [0.0], [0.01])
    assert 0.01 * alpha == pytest.approx(0.1, rel=1e-6)


def test_exact_search_without_a_minimum_ahead_says_so():
    line = FunctionObjective(lambda t: -t[0], lambda t: -np.ones(1), n_parameters=1)
    with pytest.raises(LineSearchFailure, match=r"still falls .* it has no minimum there"):
        _search(ExactLineSearch(), line, [0.0])
    flat_quadratic = Quadratic(np.diag([1.0, 0.0]))
    with pytest.raises(LineSearchFailure, match="linear along the direction and falls for ever"):
        ExactLineSearch().search(
            np.zeros(2), np.array([0.0, 1.0]), np.array([0.0, -1.0]), StepContext(flat_quadratic, 0)
        )


def test_exact_search_on_a_batch_minimizes_that_batch(rng):
    X, y = rng.standard_normal((6, 2)), rng.standard_normal(6)
    risk = EmpiricalRisk(LinearModel(2), HalfSquaredError(), X, y)
    batch = np.array([1, 4])
    alone = EmpiricalRisk(LinearModel(2), HalfSquaredError(), X[batch], y[batch])
    on_batch = _search(ExactLineSearch(), risk, [0.1, 0.2, 0.3], batch=batch)
    assert on_batch == pytest.approx(_search(ExactLineSearch(), alone, [0.1, 0.2, 0.3]), rel=1e-6)


# Backtracking.


@given(downhill(), st.floats(0.1, 0.9), st.floats(1e-4, 0.9), st.floats(0.1, 10))
def test_backtracking_takes_the_first_trial_that_is_good_enough(problem, shrink, share, initial):
    objective, theta, direction = problem
    search = BacktrackingLineSearch(initial, shrink, share, max_trials=2000)
    alpha = _search(search, objective, theta, direction)
    value, slope = objective.value(theta), objective.gradient(theta) @ direction

    def good(a):
        return objective.value(theta + a * direction) <= value + share * a * slope

    trial, trials = initial, []
    while trial > alpha * (1 + 1e-9):
        trials.append(trial)
        trial *= shrink
    assert trial == pytest.approx(alpha, rel=1e-9)
    assert good(alpha)
    assert not any(good(a) for a in trials)


def test_backtracking_steps_over_infinity():
    wall = FunctionObjective(
        lambda t: -np.log(t[0]) + t[0] if t[0] > 0 else np.inf,
        lambda t: 1 - 1 / t,
        n_parameters=1,
    )
    assert _search(BacktrackingLineSearch(100.0), wall, [2.0]) < 4.0


def test_backtracking_counts_its_trials():
    uphill = _wrong_sign(sphere(1))
    with pytest.raises(LineSearchFailure, match=r"no step from 1 down to 1\.2e-01 lowers the obj"):
        _search(BacktrackingLineSearch(max_trials=4), uphill, [1.0])


# Wolfe.


@given(downhill(), st.floats(0.1, 0.9))
def test_wolfe_step_keeps_both_conditions(problem, curvature):
    objective, theta, direction = problem
    try:
        alpha = _search(WolfeLineSearch(curvature=curvature), objective, theta, direction)
    except LineSearchFailure:
        # A line that falls for ever towards a plain has no such step.
        assert objective.name in ("saturated neuron", "Beale")
        return
    value, slope = objective.value(theta), objective.gradient(theta) @ direction
    reached, left_over = objective.value_and_gradient(theta + alpha * direction)
    assert alpha > 0
    assert reached <= value + 1e-4 * alpha * slope
    assert abs(left_over @ direction) <= curvature * abs(slope) * (1 + 1e-12)


@pytest.mark.parametrize("size", [1e-6, 1e-3, 1.0, 1e3, 1e6])
def test_wolfe_search_finds_its_way_from_a_first_trial_far_out(size):
    """A step of 1 along the gradient overshoots a thousandfold here; scipy alone gives up."""
    direction = -size * rosenbrock().gradient([2.0, 2.0])
    alpha = _search(WolfeLineSearch(), rosenbrock(), [2.0, 2.0], direction)
    reached = np.array([2.0, 2.0]) + alpha * direction
    assert rosenbrock().value(reached) < 0.1 * rosenbrock().value([2.0, 2.0])


def test_wolfe_failure_is_told_once_and_in_our_words():
    line = FunctionObjective(lambda t: -t[0], lambda t: -np.ones(1), n_parameters=1)
    # Any warning of scipy's would be an error here.
    with pytest.raises(LineSearchFailure, match="no step satisfies the Wolfe conditions"):
        _search(WolfeLineSearch(), line, [0.0])


# All.


def _wrong_sign(inner):
    return FunctionObjective(
        inner.value, lambda t: -inner.gradient(t), n_parameters=inner.n_parameters
    )


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_wrong_gradient_is_not_followed(search):
    with pytest.raises(LineSearchFailure, match="the gradient is wrong"):
        _search(search, _wrong_sign(sphere(2)), [1.0, 2.0])


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_direction_that_leads_up_is_refused(search):
    with pytest.raises(LineSearchFailure, match="does not lead down: the slope along it is 4"):
        _search(search, sphere(2), [1.0, 0.0], [2.0, 0.0])
    with pytest.raises(LineSearchFailure, match="the slope along it is 0, expected a negative"):
        _search(search, sphere(2), [1.0, 0.0], [0.0, 1.0])


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_direction_that_is_not_a_number_is_refused(search):
    with pytest.raises(LineSearchFailure, match="slope along it is nan"):
        _search(search, sphere(2), [1.0, 0.0], [np.nan, 0.0])


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_stationary_point_is_told_from_a_bad_direction(search):
    with pytest.raises(LineSearchFailure, match="the gradient is zero"):
        _search(search, sphere(2), [0.0, 0.0])


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_search_leaves_its_arguments_alone(search):
    objective = rosenbrock()
    theta = np.array([-1.2, 1.0])
    value, gradient = objective.value_and_gradient(theta)
    direction = -gradient
    kept = [a.copy() for a in (theta, direction, gradient)]
    search.search(theta, direction, gradient, StepContext(objective, value))
    for array, before in zip((theta, direction, gradient), kept, strict=True):
        np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("search", [BacktrackingLineSearch(), WolfeLineSearch()], ids=repr)
def test_step_too_short_to_be_seen_is_refused(search):
    """Far out on a saturated neuron a step of 1e-17 does not change the value."""
    with pytest.raises(LineSearchFailure, match="rounding hides the decrease"):
        _search(search, saturated_neuron(), [34.0])


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (lambda: ExactLineSearch(0), ValueError, "fraction must be .* > 0 and < 2, got 0"),
        (lambda: ExactLineSearch(2.0), ValueError, "fraction must be .* got 2.0"),
        (lambda: ExactLineSearch("half"), TypeError, "fraction must be a real number"),
        (lambda: BacktrackingLineSearch(-1), ValueError, "initial must be .* > 0, got -1"),
        (lambda: BacktrackingLineSearch(shrink=1), ValueError, "shrink must be .* < 1, got 1"),
        (lambda: BacktrackingLineSearch(shrink=0), ValueError, "shrink must be .* > 0"),
        (
            lambda: BacktrackingLineSearch(sufficient_decrease=0),
            ValueError,
            "sufficient_decrease must be",
        ),
        (
            lambda: BacktrackingLineSearch(sufficient_decrease=1),
            ValueError,
            "sufficient_decrease must be",
        ),
        (lambda: BacktrackingLineSearch(max_trials=0), ValueError, "max_trials must be at least 1"),
        (lambda: BacktrackingLineSearch(max_trials=2.5), TypeError, "max_trials must be a whole"),
        (lambda: WolfeLineSearch(1e-4, 1e-5), ValueError, "curvature must be .* > 0.0001"),
        (lambda: WolfeLineSearch(1e-4, 1.0), ValueError, "curvature must be .* < 1, got 1.0"),
        (lambda: WolfeLineSearch(0.0), ValueError, "sufficient_decrease must be .* > 0"),
    ],
)
def test_search_that_is_refused(make, error, message):
    with pytest.raises(error, match=message):
        make()


# Step rules.


def test_step_sizes_become_rules():
    assert as_step_rule(0.1) == Constant(0.1)
    assert as_step_rule(1) == Constant(1.0)
    schedule, search = InverseTime(0.1, 0.1), ExactLineSearch()
    assert as_step_rule(schedule) is schedule
    assert as_step_rule(search) is search


@pytest.mark.parametrize(
    ("step_size", "error", "message"),
    [
        (0, ValueError, "step_size must be a finite number > 0, got 0"),
        (-0.1, ValueError, "step_size must be a finite number > 0, got -0.1"),
        (np.nan, ValueError, "step_size must be a finite number > 0, got nan"),
        ("0.1", TypeError, "step_size must be a real number, got '0.1'"),
        ([0.1], TypeError, "step_size must be a real number"),
        (None, TypeError, "step_size must be a real number, got None"),
        (ExactLineSearch, TypeError, "got the class ExactLineSearch: ExactLineSearch()"),
        (Constant, TypeError, "got the class Constant"),
    ],
)
def test_step_size_that_is_refused(step_size, error, message):
    with pytest.raises(error, match=message):
        as_step_rule(step_size)


def _length(rule, context=None):
    g = np.ones(2)
    return step_length(rule, 3, np.ones(2), -g, g, context)


def test_schedule_is_asked_for_its_iteration():
    assert _length(lambda k: k / 10) == 0.3
    assert _length(lambda k: 0) == 0.0


@pytest.mark.parametrize("size", [-0.1, np.nan, np.inf])
def test_schedule_that_goes_wrong_is_stopped(size):
    with pytest.raises(ValueError, match=f"step_size must be a finite number >= 0, got {size}"):
        _length(lambda k: size)


def test_schedule_that_returns_nothing_is_stopped():
    with pytest.raises(TypeError, match="NoneType"):
        _length(lambda k: None)


@pytest.mark.parametrize("search", SEARCHES, ids=repr)
def test_search_without_context_says_what_is_missing(search):
    with pytest.raises(
        TypeError, match=r"update\(\) needs context=StepContext\(objective, value\)"
    ):
        _length(search)
