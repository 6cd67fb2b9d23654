"""Likelihoods against scipy's distributions and PyTorch's automatic differentiation."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import special, stats

from course_lib.likelihoods import (
    Bernoulli,
    Binomial,
    Categorical,
    Gaussian,
    log_binomial_coefficient,
)

X_CONTINUOUS = np.random.default_rng(0).normal(3.0, 2.0, size=50)
PROBABILITIES = np.array([0.15, 0.05, 0.5, 0.3])


def test_log_densities():
    k = np.arange(12)
    assert_allclose(Bernoulli(0.3).log_density([0, 1]), stats.bernoulli(0.3).logpmf([0, 1]))
    assert_allclose(Binomial(11, 0.3).log_density(k), stats.binom(11, 0.3).logpmf(k), rtol=1e-12)
    expected = stats.multinomial(1, PROBABILITIES).logpmf(np.eye(4))
    assert_allclose(Categorical(PROBABILITIES).log_density(range(4)), expected, rtol=1e-12)
    theirs = stats.norm(3.0, 2.0).logpdf(X_CONTINUOUS)
    assert_allclose(Gaussian(3.0, 2.0).log_density(X_CONTINUOUS), theirs, rtol=1e-13)
    n, ks = 60, np.arange(61.0)
    assert_allclose(log_binomial_coefficient(n, ks), np.log(special.comb(n, ks)), rtol=1e-11)


def test_gaussian_estimate():
    ours = Gaussian(0.0, 1.0).fit(X_CONTINUOUS)
    assert_allclose(ours.parameters, stats.norm.fit(X_CONTINUOUS), rtol=1e-14)


D = torch.distributions


@pytest.mark.parametrize(
    ("ours", "theirs", "x"),
    [
        (Bernoulli(0.3), lambda t: D.Bernoulli(t[0]), [0, 1, 1]),
        (Binomial(7, 0.3), lambda t: D.Binomial(7, t[0]), [0, 3, 7]),
        (
            Categorical(PROBABILITIES),
            lambda t: D.Categorical(torch.cat([t, 1 - t.sum(0, keepdim=True)])),
            [0, 1, 2, 3],
        ),
        (Gaussian(3.0, 2.0), lambda t: D.Normal(t[0], t[1]), X_CONTINUOUS),
    ],
    ids=lambda thing: type(thing).__name__,
)
def test_scores_by_autograd(ours, theirs, x):
    for i, observation in enumerate(x):
        theta = torch.tensor(ours.parameters, requires_grad=True)
        value = theirs(theta).log_prob(torch.tensor(observation, dtype=torch.float64))
        value.backward()
        assert ours.log_density(x)[i] == pytest.approx(value.item(), rel=1e-10)
        assert_allclose(ours.score(x)[i], theta.grad.numpy(), rtol=1e-10, atol=1e-12)
