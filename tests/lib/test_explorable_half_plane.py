"""The explorable of plain and natural gradient on the Gaussians: its numbers and its target."""

from __future__ import annotations

import warnings

import numpy as np
import pytest

from course_lib.explorables import half_plane, half_plane_explorable
from course_lib.explorables.half_plane import SCALES, SIGMAS, STEP_SIZES, walk

PAGE_BUDGET = 160_000


def steps_by_hand(natural, sigma, alpha, scale, count):
    """The walk with gradients and information written out for each scale."""
    m, s = 2.0, sigma
    points = [(m, s)]
    for _ in range(count):
        slope_m, slope_s = m / s**2, 1 / s - (1 + m**2) / s**3
        # d sigma / d coordinate: of sigma itself, of log sigma, of sigma squared.
        factor = (1.0, s, 0.5 / s)[scale]
        slope, information = slope_s * factor, 2 / s**2 * factor**2
        if natural:
            slope_m, slope = slope_m * s**2, slope / information
        coordinate = (s, np.log(s), s**2)[scale] - alpha * slope
        m -= alpha * slope_m
        if scale != 1 and coordinate <= 0:
            return np.array(points), True
        back = (float, np.exp, np.sqrt)[scale]
        s = back(coordinate)
        points.append((m, s))
    return np.array(points), False


@pytest.mark.parametrize("natural", [False, True])
@pytest.mark.parametrize("scale", range(len(SCALES)))
def test_walks_agree_with_the_formulas(natural, scale):
    for sigma in SIGMAS:
        for alpha in STEP_SIZES:
            points, left = steps_by_hand(natural, sigma, alpha, scale, 10)
            found = walk(natural, sigma, alpha, scale)
            assert found.left_the_family == left
            np.testing.assert_allclose(found.mean, points[:, 0], rtol=1e-7, atol=1e-9)
            np.testing.assert_allclose(found.sigma, points[:, 1], rtol=1e-7)
            m, s = points.T
            divergence = np.log(s) + (1 + m**2) / (2 * s**2) - 0.5
            np.testing.assert_allclose(found.divergence, divergence, rtol=1e-6, atol=1e-9)


def test_target_needs_the_right_coordinate_and_step():
    reached = [p for p in half_plane_explorable().positions() if half_plane.draw(**p).reached]
    assert reached == [
        {"sigma": 0.25, "step": 0.9, "scale": 2},
        {"sigma": 0.25, "step": 1.0, "scale": 2},
    ]
    # No state stands so close to the target that noise could decide it.
    seen = np.concatenate(
        [walk(True, 0.25, step, scale).divergence[:4] for step in STEP_SIZES for scale in (0, 1, 2)]
    )
    assert np.abs(np.log(np.maximum(seen, 1e-12) / half_plane.TARGET_KL)).min() > 0.1


def test_start_does_not_meet_the_target():
    explorable = half_plane_explorable()
    assert not explorable.scene(**explorable.start).reached


def test_short_natural_steps_do_not_notice_the_coordinate_and_plain_ones_do():
    ends = np.array([[walk(kind, 1.0, 0.05, c).sigma[-1] for c in (0, 1, 2)] for kind in (1, 0)])
    spread = np.ptp(ends, axis=1)
    assert 5 * spread[0] < spread[1]


def test_every_state_has_its_own_words_and_the_page_is_small():
    explorable = half_plane_explorable()
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        scenes = list(explorable.scenes())
    words = {
        (scene.readout, *(panel.description for panel in scene.panels), *scene.facts.values())
        for scene in scenes
    }
    assert len(words) == explorable.n_states == 150
    assert not any("nan" in word for state in words for word in state)
    assert len(explorable.static_html().encode()) < PAGE_BUDGET


@pytest.mark.parametrize(
    ("sigma", "step", "scale", "words"),
    [
        (0.25, 1.0, 2, "the natural gradient is below 10⁻³ nats after 2 steps"),
        (4.0, 1.5, 2, "the natural gradient leaves the family at its first step"),
        (0.25, 1.5, 2, "the natural gradient leaves the family after 1 step,"),
        (2.0, 0.1, 0, "the natural gradient is still 0.302 nats away"),
        (0.25, 1.5, 1, "nats after 10 steps, farther than it began"),
    ],
)
def test_the_readout_says_how_it_ends(sigma, step, scale, words):
    assert words in half_plane.draw(sigma, step, scale).readout
