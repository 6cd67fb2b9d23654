"""The explorable of one weight and two ways: its numbers, its target, its weight on the page."""

import numpy as np
import pytest

from course_lib.explorables import two_ways, two_ways_explorable
from course_lib.explorables.rounding import decimal


def loss(w, v):
    return 0.5 * (v * np.tanh(w) - w - 2.0) ** 2


@pytest.mark.parametrize("w", [-3.0, -0.5, 0.0, 1.25, 3.0])
@pytest.mark.parametrize("v", [0.25, 1.0, 3.0])
def test_sweep_agrees_with_central_differences(w, v):
    nodes = two_ways.sweep(w, v)
    h = 1e-5
    assert nodes["ℓ"][0] == pytest.approx(loss(w, v), rel=1e-14)
    measured = (loss(w + h, v) - loss(w - h, v)) / (2 * h)
    assert nodes["w"][1] == pytest.approx(measured, rel=1e-7, abs=1e-8)
    assert sum(two_ways.shares(w, v)) == pytest.approx(nodes["w"][1], abs=1e-14)
    facts = two_ways.draw(w, v).facts
    assert facts["Loss ℓ"] == decimal(loss(w, v), 3)
    assert facts["Sum ∂ℓ/∂w"] == decimal(measured, 3)


def test_target_can_be_met_and_is_not_met_at_the_start():
    explorable = two_ways_explorable()
    assert not explorable.scene(**explorable.start).reached
    reached = [
        (position["weight"], position["strength"])
        for position in explorable.positions()
        if two_ways.is_reached(**position)
    ]
    assert reached == [(-1.0, 2.375), (0.0, 1.0), (1.0, 2.375)]
    # No state stands so close to the bounds that noise could decide it.
    for position in explorable.positions():
        nodes = two_ways.sweep(**position)
        if nodes["ℓ"][0] > two_ways.HIGH:
            assert abs(abs(nodes["w"][1]) - two_ways.FLAT) > 1e-4
        if abs(nodes["w"][1]) < two_ways.FLAT:
            assert abs(nodes["ℓ"][0] - two_ways.HIGH) > 1e-4


def test_every_state_has_its_own_words():
    explorable = two_ways_explorable()
    words = {
        (scene.readout, *(panel.description for panel in scene.panels))
        for scene in explorable.scenes()
    }
    assert len(words) == explorable.n_states <= 600


def test_page_is_small_and_asks_nobody():
    page = two_ways_explorable().static_html()
    assert len(page.encode()) < 400_000
    assert "http" not in page
    assert page == two_ways_explorable().static_html()


@pytest.mark.parametrize(
    ("weight", "strength", "says"),
    [
        (1.0, 2.375, "The two ways cancel"),
        (3.0, 2.0, "The unit is saturated"),
        (0.5, 0.5, "the one around the unit wins"),
        (0.0, 3.0, "the one through the unit wins"),
        (-3.0, 1.0, "The output s is where it should be"),
    ],
)
def test_the_readout_tells_the_cases_apart(weight, strength, says):
    assert says in two_ways.draw(weight, strength).readout
