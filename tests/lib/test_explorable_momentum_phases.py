"""The explorable of momentum shows what roots and runs computed another way say."""

import numpy as np
import pytest

from course_lib.explorables import momentum_phases as phases
from course_lib.explorables import momentum_phases_explorable


def larger_root(step, momentum, curvature):
    return np.abs(np.roots([1, -(1 + momentum - step * curvature), momentum])).max()


@pytest.mark.parametrize(("step", "momentum"), [(0.2, 0.0), (1.0, 0.5), (3.4, 0.7), (3.8, 0.2)])
def test_slowest_factor_is_the_larger_root(step, momentum):
    expected = max(larger_root(step, momentum, c) for c in phases.CURVATURES)
    shown = phases.draw(step, momentum).facts["Slowest factor"]
    assert float(shown) == pytest.approx(expected, abs=6e-4)


def test_run_is_the_recurrence():
    step, momentum = 1.6, 0.8
    before = now = np.ones(len(phases.CURVATURES))
    values = [0.5 * phases.CURVATURES @ now**2]
    for _ in range(phases.ITERATIONS):
        before, now = now, now - step * phases.CURVATURES * now + momentum * (now - before)
        values.append(0.5 * phases.CURVATURES @ now**2)
    np.testing.assert_allclose(phases.run(step, momentum).value, values, rtol=1e-10)


def test_without_momentum_the_target_is_out_of_reach():
    assert not any(phases.draw(step, 0.0).reached for step in phases.STEPS)


def test_target_can_be_met_near_the_best_tuning_only():
    explorable = momentum_phases_explorable()
    reached = [p for p in explorable.positions() if phases.draw(**p).reached]
    assert not phases.draw(**explorable.start).reached
    assert 3 <= len(reached) <= explorable.n_states / 5
    assert all(0.6 <= p["momentum"] <= 0.85 for p in reached)


def test_words_follow_the_roots():
    for position in momentum_phases_explorable().positions():
        scene = phases.draw(**position)
        roots = [
            np.roots([1, -(1 + position["momentum"] - position["step"] * c), position["momentum"]])
            for c in phases.CURVATURES
        ]
        if "Every direction oscillates" in scene.readout:
            assert all(abs(pair.imag).max() > 0 for pair in roots)
        if scene.readout.startswith("Above"):
            assert max(abs(pair).max() for pair in roots) > 1


def test_page_stays_light():
    assert len(momentum_phases_explorable().static_html()) < 400_000
