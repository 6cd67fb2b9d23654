"""How far apart? Checks of claims about the divergence of distributions."""

from __future__ import annotations

import numpy as np

from course_lib.information_geometry import Family, kl_between
from course_lib.lesson.claims.evidence import Evidence
from course_lib.likelihoods import Bernoulli, Gaussian


def divergence_is_a_distance_only_between_neighbours() -> Evidence:
    """Go from one coin to another, back, and round by a third; then to a close neighbour."""
    fair, other, between = Bernoulli(0.5), Bernoulli(0.1), Bernoulli(0.3)
    there, back = kl_between(fair, other), kl_between(other, fair)
    detour = kl_between(fair, between) + kl_between(between, other)
    close = Bernoulli(0.301)
    ways = kl_between(between, close), kl_between(close, between)
    asymmetry = abs(ways[0] / ways[1] - 1)
    return Evidence(
        supports=asymmetry < 1e-2 < abs(there / back - 1),
        contradicts=there != back and detour < there,
        there=there,
        back=back,
        detour=detour,
        asymmetry=100 * asymmetry,
    )


def divergence_is_half_the_fisher_form_to_second_order() -> Evidence:
    """Shrink a step from the standard Gaussian and compare the divergence with the form."""
    family = Family(Gaussian(0.0, 1.0))
    theta, direction = np.array([0.0, 1.0]), np.array([1.0, -0.5])
    ratios = []
    for size in (0.1, 0.01, 0.001):
        delta = size * direction
        divergence = kl_between(family.member, family.distribution(theta + delta))
        ratios.append(divergence / (0.5 * delta @ family.fisher(theta) @ delta))
    errors = abs(np.array(ratios) - 1)
    # An error of third order in the divergence is one of first order in the ratio.
    agrees = errors[-1] < 1e-2 and np.allclose(errors[:-1] / errors[1:], 10, rtol=0.15)
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        far=ratios[0],
        nearer=ratios[1],
        near=ratios[2],
    )
