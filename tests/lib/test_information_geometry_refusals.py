"""Information geometry: what it refuses, word for word."""

from __future__ import annotations

import re
from functools import partial

import numpy as np
import pytest

from course_lib.costs import HingeLoss, LogisticLoss
from course_lib.information_geometry import (
    KFAC,
    Family,
    NaturalGradient,
    NegativeLogLikelihood,
    Poisson,
    dense_pairs,
    empirical_fisher,
    fisher_exact,
    fisher_information,
    fisher_monte_carlo,
    fisher_vector_product,
    gaussian_curvature,
    kl_between,
    kl_between_gaussians,
    model_labels,
    natural_direction,
    solve_by_products,
)
from course_lib.likelihoods import Bernoulli, Binomial
from course_lib.line_search import StepContext
from course_lib.linear_models import LinearModel
from course_lib.networks import Dense, LayerNorm, Network
from course_lib.objectives import EmpiricalRisk, Quadratic

RNG = np.random.default_rng(7)
X = RNG.standard_normal((12, 3))
BITS = np.arange(12) % 2
CLASSES = np.arange(12) % 3
LOGISTIC = EmpiricalRisk(LinearModel(3), LogisticLoss(), X, BITS)
NORMED = Network(3, [Dense(3), LayerNorm(), Dense(3)])
COINS = NegativeLogLikelihood(Family(Bernoulli(0.5)), BITS)
BOWL = Quadratic(np.eye(2))
FLAT = np.eye(2)
ONE, TWO = np.ones(1), np.ones(2)

FAMILIES = "Bernoulli, Binomial, Categorical, Gaussian, Poisson"
OF_ONE_FAMILY = f"p and q must be of one family, one of {FAMILIES}; got "
WORD_FOR_WORD = [
    (
        partial(gaussian_curvature, lambda t: FLAT, ONE),
        ValueError,
        "theta must have shape (2,), got shape (1,)",
    ),
    (
        partial(gaussian_curvature, lambda t: FLAT, TWO, step=0.0),
        ValueError,
        "step must be a finite number > 0, got 0.0",
    ),
    (
        partial(kl_between_gaussians, [[0.0]], FLAT, TWO, FLAT),
        ValueError,
        "mean_p must have 1 dimension(s), got shape (1, 1): flatten it with .ravel()",
    ),
    (
        partial(kl_between_gaussians, TWO, FLAT, ONE, FLAT),
        ValueError,
        "mean_q must have shape (2,), got shape (1,)",
    ),
    (
        partial(kl_between_gaussians, TWO, np.ones((1, 1)), TWO, FLAT),
        ValueError,
        "covariance_p must have shape (2, 2), got shape (1, 1)",
    ),
    (
        partial(kl_between_gaussians, TWO, FLAT, TWO, np.eye(3)),
        ValueError,
        "covariance_q must have shape (2, 2), got shape (3, 3)",
    ),
    (
        partial(kl_between_gaussians, TWO, np.stack([FLAT, FLAT]), TWO, FLAT),
        ValueError,
        "covariance_p must have shape (2, 2), got shape (2, 2, 2)",
    ),
    (
        partial(kl_between_gaussians, TWO, FLAT, TWO, np.stack([FLAT, FLAT])),
        ValueError,
        "covariance_q must have shape (2, 2), got shape (2, 2, 2)",
    ),
    (
        partial(kl_between, Bernoulli(0.5), Poisson(1.0)),
        TypeError,
        OF_ONE_FAMILY + "Bernoulli(p=0.5) and Poisson(rate=1.0)",
    ),
    (
        partial(kl_between, Binomial(3, 0.5), Binomial(4, 0.5)),
        TypeError,
        OF_ONE_FAMILY + "Binomial(n_trials=3, p=0.5) and Binomial(n_trials=4, p=0.5)",
    ),
    (
        partial(fisher_information, Bernoulli(0.0)),
        ValueError,
        "the Fisher information of Bernoulli(p=0.0) is infinite: no outcome may have probability "
        "zero",
    ),
    (
        partial(fisher_information, 0.5),
        TypeError,
        f"no Fisher information is known for 0.5, only for: {FAMILIES}",
    ),
    (partial(Poisson, 0.0), ValueError, "rate must be a finite number > 0, got 0.0"),
    (
        partial(Poisson(1.0).with_parameters, TWO),
        ValueError,
        "parameters must have shape (1,), got shape (2,)",
    ),
    (partial(Poisson(1.0).sample, 0, 0), ValueError, "n_samples must be at least 1, got 0"),
    (
        partial(Poisson(1.0).score, [[1.0]]),
        ValueError,
        "observations must have 1 dimension(s), got shape (1, 1): flatten it with .ravel()",
    ),
    (
        partial(Poisson(1.0).fit, []),
        ValueError,
        "observations must be whole numbers 0, 1, 2, ..., got none",
    ),
    (
        partial(Family(Bernoulli(0.5)).fisher, TWO),
        ValueError,
        "theta must have shape (1,), got shape (2,)",
    ),
    (
        partial(Family, Bernoulli(0.5), "polar"),
        ValueError,
        "unknown coordinates 'polar': choose one of 'parameters', 'log odds', 'log', 'mean and log "
        "scale', 'mean and variance', 'natural'",
    ),
    (
        partial(COINS.value, [0.5], [12]),
        ValueError,
        "batch must hold indices from 0 to 11, got values from 12 to 12",
    ),
    (
        partial(model_labels, LogisticLoss(), X[:, 0], -1),
        ValueError,
        "seed must be at least 0, got -1",
    ),
    (
        partial(model_labels, HingeLoss(), X[:, 0], 0),
        TypeError,
        "the cost must be the negative log-likelihood of outputs, one of HalfSquaredError, "
        "SquaredError, LogisticLoss, SoftmaxCrossEntropy, got HingeLoss(): without a distribution "
        "of labels there is no Fisher information",
    ),
    (
        partial(fisher_exact, BOWL, TWO),
        TypeError,
        "the objective must be the negative log-likelihood of a model, an EmpiricalRisk or a "
        f"NegativeLogLikelihood, got {BOWL!r}: it has no Fisher information",
    ),
    (
        partial(fisher_exact, LOGISTIC, TWO),
        ValueError,
        "theta must have shape (4,), got shape (2,)",
    ),
    (
        partial(fisher_vector_product, LOGISTIC, np.ones(4), TWO),
        ValueError,
        "vector must have shape (4,), got shape (2,)",
    ),
    (
        partial(fisher_vector_product, COINS, [0.5], TWO),
        ValueError,
        "vector must have shape (1,), got shape (2,)",
    ),
    (
        partial(fisher_monte_carlo, LOGISTIC, np.ones(4), 0, n_draws=1),
        ValueError,
        "n_draws must be at least 2, got 1",
    ),
    (
        partial(dense_pairs, NORMED, NORMED.initial_parameters(seed=0), X, X),
        TypeError,
        "the layers must be dense, with activations or dropout between them, or the model a "
        f"LinearModel; got {NORMED!r}",
    ),
    (
        partial(solve_by_products, lambda v: v, [[1.0]]),
        ValueError,
        "b must have 1 dimension(s), got shape (1, 1): flatten it with .ravel()",
    ),
    (
        partial(solve_by_products, lambda v: v, TWO, tol=-1.0),
        ValueError,
        "tol must be a finite number >= 0, got -1.0",
    ),
    (
        partial(solve_by_products, lambda v: v, TWO, max_iterations=0),
        ValueError,
        "max_iterations must be at least 1, got 0",
    ),
    (
        partial(solve_by_products, lambda v: -v, [1.0, 0.0]),
        ValueError,
        "the matrix is not positive definite: v @ A @ v = -1 for a direction of the search. Add "
        "damping",
    ),
    (
        partial(natural_direction, np.zeros((2, 2)), TWO),
        np.linalg.LinAlgError,
        "the Fisher matrix is singular: some direction in the parameters does not move the "
        "predictions at all. Set damping above 0",
    ),
    (
        partial(NaturalGradient, solver="conjugate gradients", fisher=empirical_fisher),
        ValueError,
        'fisher is for solver="direct": conjugate gradients multiply with the exact Fisher matrix '
        "and form none",
    ),
    (
        partial(NaturalGradient, solver="qr"),
        ValueError,
        "unknown solver 'qr': choose one of 'direct', 'conjugate gradients'",
    ),
    (
        partial(NaturalGradient, damping=-1.0),
        ValueError,
        "damping must be a finite number >= 0, got -1.0",
    ),
    (
        partial(NaturalGradient, max_divergence=0.0),
        ValueError,
        "max_divergence must be a finite number > 0, got 0.0",
    ),
    (
        partial(NaturalGradient, tol=-1.0),
        ValueError,
        "tol must be a finite number >= 0, got -1.0",
    ),
    (
        partial(NaturalGradient, max_iterations=0),
        ValueError,
        "max_iterations must be at least 1, got 0",
    ),
    (
        partial(NaturalGradient().update, TWO, {}, TWO),
        TypeError,
        "NaturalGradient needs the Fisher matrix of the model, so update() needs "
        "context=StepContext(objective, value); the run loop `descend` passes it",
    ),
    (partial(KFAC, damping=0.0), ValueError, "damping must be a finite number > 0, got 0.0"),
    (partial(KFAC, decay=-0.1), ValueError, "decay must be a finite number >= 0 and < 1, got -0.1"),
    (partial(KFAC, decay=1.0), ValueError, "decay must be a finite number >= 0 and < 1, got 1.0"),
    (
        partial(KFAC().update, TWO, {}, TWO),
        TypeError,
        "KFAC needs the layers of the model, so update() needs context=StepContext(objective, "
        "value); the run loop `descend` passes it",
    ),
    (
        partial(KFAC().update, TWO, {}, TWO, StepContext(BOWL, 1.0)),
        TypeError,
        f"KFAC needs an EmpiricalRisk of a dense network, got {BOWL!r}",
    ),
]


@pytest.mark.parametrize(("call", "error", "message"), WORD_FOR_WORD)
def test_says_what_is_wrong_word_for_word(call, error, message):
    with pytest.raises(error, match=f"^{re.escape(message)}$"):
        call()
