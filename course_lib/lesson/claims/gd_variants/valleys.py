"""Valleys: checks of claims about noise and local minima."""

from __future__ import annotations

from course_lib.lesson.claims.evidence import Evidence
from course_lib.lesson.claims.gd_variants.problems import (
    BAD,
    GOOD,
    WALKERS,
    share_beyond_the_ridge,
)


def noise_is_no_cure_for_local_minima() -> Evidence:
    """Start in the worse valley with little noise, and anywhere with much."""
    stay = 100.0 - share_beyond_the_ridge(BAD, 1.0)
    from_bad = 100.0 - share_beyond_the_ridge(BAD, 8.0)
    from_good = share_beyond_the_ridge(GOOD, 8.0)
    bad = 0.5 * (from_bad + from_good)
    return Evidence(
        supports=stay < 5 or bad < 5,
        contradicts=stay == 100.0 and bad > 20,
        walkers=WALKERS,
        little=1,
        much=8,
        stay=stay,
        bad=bad,
    )


def mini_batches_stay_in_their_valley() -> Evidence:
    """Start in the worse valley with batches of four sizes."""
    stay = {size: 100.0 - share_beyond_the_ridge(BAD, 5.0, size) for size in (1, 4, 10, 50)}
    return Evidence(
        supports=min(stay[10], stay[50]) < 50,
        contradicts=stay[10] == stay[50] == 100.0 and stay[1] < stay[10],
        walkers=WALKERS,
        noise=5,
        one=stay[1],
        four=stay[4],
        ten=stay[10],
        fifty=stay[50],
    )


def noise_jumps_both_ways() -> Evidence:
    """Count who has left either valley, for three strengths of noise."""
    left = {
        noise: (share_beyond_the_ridge(BAD, noise), share_beyond_the_ridge(GOOD, noise))
        for noise in (1.0, 5.0, 8.0)
    }
    return Evidence(
        supports=left[5.0][0] > 40 and left[5.0][1] < 20,
        contradicts=left[1.0] == (0.0, 0.0) and left[8.0][1] > 20,
        little=1,
        some=5,
        much=8,
        little_bad=left[1.0][0],
        little_good=left[1.0][1],
        some_bad=left[5.0][0],
        some_good=left[5.0][1],
        much_bad=left[8.0][0],
        much_good=left[8.0][1],
    )
