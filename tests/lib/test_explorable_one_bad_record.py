"""The explorable of the mistyped record: its target, and its numbers against other solvers."""

import numpy as np
import pytest
from scipy.optimize import linprog

from course_lib.explorables import one_bad_record as explorable
from course_lib.explorables import one_bad_record_explorable


@pytest.fixture(scope="module")
def states():
    return {
        (threshold, target, bmi): explorable.draw(threshold, target, bmi)
        for threshold in explorable.THRESHOLDS
        for target in explorable.TARGETS
        for bmi in (explorable.TRUE_BMI, 422)
    }


def typed(target, bmi):
    x, y = (column.copy() for column in explorable.patients())
    x[explorable.RECORD], y[explorable.RECORD] = bmi, target
    return x, y


def test_the_record_is_the_one_it_is_said_to_be():
    x, y = explorable.patients()
    assert len(x) == 442
    assert np.argmax(x) == explorable.RECORD
    assert (x[explorable.RECORD], y[explorable.RECORD]) == (42.2, 242)


def test_squared_error_agrees_with_least_squares():
    for target in explorable.TARGETS:
        for bmi in explorable.BMIS:
            slope, offset = explorable.fit(explorable.SQUARED, target, bmi)
            expected = np.polyfit(*typed(target, bmi), 1)
            assert np.allclose([slope, offset], expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize(("target", "bmi"), [(242, 42.2), (24200, 42.2), (242, 422), (242, 1000)])
def test_small_threshold_approaches_least_absolute_deviations(target, bmi):
    x, y = typed(target, bmi)
    n = len(x)
    # Minimize the sum of u + v with slope * x + offset + u - v = y and u, v >= 0.
    solved = linprog(
        np.append(np.zeros(2), np.ones(2 * n)),
        A_eq=np.hstack([x[:, None], np.ones((n, 1)), np.eye(n), -np.eye(n)]),
        b_eq=y,
        bounds=[(None, None)] * 2 + [(0, None)] * (2 * n),
    )
    assert explorable.fit(2, target, bmi)[0] == pytest.approx(solved.x[0], abs=0.2)


def test_fits_balance_the_pulls():
    for threshold in explorable.THRESHOLDS:
        for target, bmi in [(242, 42.2), (24200, 42.2), (2420, 422), (242, 2000)]:
            slope, offset = explorable.fit(threshold, target, bmi)
            x, y = typed(target, bmi)
            pull = np.clip(slope * x + offset - y, -threshold, threshold) / threshold
            assert abs(pull.mean()) < 1e-7
            assert abs((pull * (x - x.mean())).mean()) < 1e-6 * x.std()


def test_target_is_not_met_at_the_start_and_can_be_met(states):
    page = one_bad_record_explorable()
    assert not explorable.draw(**page.start).reached
    met = [state for state, scene in states.items() if scene.reached]
    assert met
    for threshold, target, bmi in met:
        assert (target, bmi) == (24200, 42.2)
        honest = explorable.fit(threshold, 242, 42.2)[0]
        assert abs(explorable.fit(threshold, target, bmi)[0] / honest - 1) < 0.05
    assert {threshold for threshold, _, _ in met} == {2, 5, 10, 20, 50, 100}


def test_numbers_shown_are_those_of_the_fit(states):
    for (threshold, target, bmi), scene in states.items():
        slope, offset = explorable.fit(threshold, target, bmi)
        shown = {key: value.replace("−", "-") for key, value in scene.facts.items()}
        assert float(shown["Slope"]) == pytest.approx(slope, abs=0.0051)
        pull = np.clip(offset + slope * bmi - target, -threshold, threshold)
        assert float(shown["Slope of the record's loss"]) == pytest.approx(pull, abs=0.51)


def test_no_loss_saves_the_slope_from_a_long_lever():
    honest = explorable.fit(50, 242, 42.2)[0]
    for threshold in explorable.THRESHOLDS:
        assert explorable.fit(threshold, 242, 422)[0] < 0.75 * honest
        assert explorable.fit(threshold, 242, 1000)[0] < 0.02 * honest


def test_every_state_is_told_and_the_page_is_light(states):
    assert len({scene.readout for scene in states.values()}) > 40
    assert all(panel.description for scene in states.values() for panel in scene.panels)
    assert len(one_bad_record_explorable().static_html()) < 150_000
