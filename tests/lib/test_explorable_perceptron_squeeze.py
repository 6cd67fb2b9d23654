"""The explorable of the perceptron's two bounds shows what an independent perceptron does."""

import numpy as np
import pytest

from course_lib.explorables import perceptron_squeeze as squeeze
from course_lib.explorables import perceptron_squeeze_explorable


def textbook_perceptron(X, signs, cap):
    """Rosenblatt's rule, written out once more."""
    w, history = np.zeros(2), [np.zeros(2)]
    clean = False
    while not clean and len(history) <= cap:
        clean = True
        for x, sign in zip(X, signs, strict=True):
            if (w @ x > 0) != (sign > 0) and len(history) <= cap:
                w, clean = w + sign * x, False
                history.append(w)
    return np.array(history)


@pytest.mark.parametrize("gap", squeeze.GAPS)
def test_weights_are_those_of_a_perceptron(gap):
    expected = textbook_perceptron(squeeze.points(gap), squeeze.SIGNS, squeeze.MOST_MISTAKES)
    np.testing.assert_allclose(squeeze.run(gap).weights, expected)


@pytest.mark.parametrize("gap", squeeze.GAPS)
def test_length_stays_between_the_bounds(gap):
    run = squeeze.run(gap)
    m = np.arange(len(run.weights))
    length = np.linalg.norm(run.weights, axis=1)
    assert (length >= m * gap - 1e-9).all()
    assert (length <= run.radius * np.sqrt(m) + 1e-9).all()
    assert run.is_over
    assert len(run.wrong) <= run.bound


def test_gap_is_the_distance_of_the_nearest_point():
    for gap in squeeze.GAPS:
        assert (squeeze.SIGNS * (squeeze.points(gap) @ squeeze.NORMAL)).min() == pytest.approx(gap)


def test_wider_gaps_cost_fewer_mistakes():
    counts = [len(squeeze.run(gap).wrong) for gap in squeeze.GAPS]
    assert counts == sorted(counts, reverse=True)
    assert counts[0] > 5 * counts[-1]


def test_target_can_be_met_and_is_not_met_at_the_start():
    explorable = perceptron_squeeze_explorable()
    reached = [p for p in explorable.positions() if squeeze.draw(**p).reached]
    assert not squeeze.draw(**explorable.start).reached
    assert {position["gap"] for position in reached} == {0.65, 0.9}
    assert all(position["mistakes"] > 0 for position in reached)


def test_every_state_says_what_it_shows():
    for scene in perceptron_squeeze_explorable().scenes():
        wrong = scene.facts["Points on the wrong side"]
        assert scene.reached <= (wrong == "0")
        assert (
            "none will follow" in scene.readout or wrong in scene.readout or "Zero" in scene.readout
        )
    assert len(perceptron_squeeze_explorable().static_html()) < 400_000
