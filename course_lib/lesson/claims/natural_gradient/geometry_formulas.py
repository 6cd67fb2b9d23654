"""Formulas in circulation: checks of what a restorer of the documents would import."""

from __future__ import annotations

import numpy as np

from course_lib.information_geometry import Family, kl_between
from course_lib.lesson.claims.evidence import Evidence
from course_lib.likelihoods import Gaussian


def divergence_has_a_positive_sign() -> Evidence:
    """Compare the circulating formula with the divergence itself."""
    family = Family(Gaussian(0.0, 1.0))
    theta, delta = np.array([0.0, 1.0]), np.array([0.01, -0.005])
    divergence = kl_between(family.member, family.distribution(theta + delta))
    half_form = 0.5 * delta @ family.fisher(theta) @ delta
    return Evidence(
        supports=np.isclose(divergence, -half_form, rtol=0.05),
        contradicts=divergence > 0 and np.isclose(divergence, half_form, rtol=0.05),
        divergence=divergence,
        printed=-half_form,
    )


def second_order_term_is_the_hessian() -> Evidence:
    """Move the mean of a Gaussian and predict the change for one observation in both ways."""
    x, h, believed = 2.0, 0.1, Gaussian(0.0, 1.0)
    change = Gaussian(h, 1.0).log_density([x])[0] - believed.log_density([x])[0]
    score = believed.score([x])[0, 0]
    slopes = [Gaussian(m, 1.0).score([x])[0, 0] for m in (-1e-3, 1e-3)]
    hessian = (slopes[1] - slopes[0]) / 2e-3
    with_hessian = h * score + 0.5 * h**2 * hessian
    printed = h * score + 0.5 * h**2 * score**2
    return Evidence(
        supports=np.isclose(change, printed),
        contradicts=np.isclose(change, with_hessian) and not np.isclose(change, printed),
        change=change,
        with_hessian=with_hessian,
        printed=printed,
    )
