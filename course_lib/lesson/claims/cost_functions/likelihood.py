"""Likelihoods: checks of claims about what is probable, and of what."""

from __future__ import annotations

import numpy as np
from scipy import integrate, optimize, stats

from course_lib.activations import softmax
from course_lib.costs import BinaryCrossEntropy, CategoricalCrossEntropy, LogisticLoss
from course_lib.gradient_check import finite_difference_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.likelihoods import Bernoulli, Binomial, Categorical, Gaussian
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, FunctionObjective

PREDICT = np.array([0.1, 0.1, 0.7, 0.1])
THREE = np.array([3.0, 9.5, 11.0])


def label_is_random_and_prediction_is_not() -> Evidence:
    """Draw labels from the predicted distribution."""
    labels = Categorical(PREDICT).sample(20_000, 0)
    frequency = np.bincount(labels, minlength=4) / len(labels)
    scores = np.array([0.3, -0.2, 1.5, 0.1])
    repeated = np.array([softmax(scores[None])[0] for _ in range(5)])
    return Evidence(
        supports=repeated.var(axis=0).max() > 0,
        contradicts=np.abs(frequency - PREDICT).max() < 0.02 and labels.var() > 0,
        third=frequency[2],
        variance=repeated.var(axis=0).max(),
    )


def likelihood_reaches_the_model_through_its_predictions() -> Evidence:
    """Differentiate the likelihood by the prediction, and on by the model's weights."""
    x, weights = np.array([1.0, -2.0]), np.array([0.3, -0.1, 0.5, 0.2, -0.4, 0.1, 0.0, 0.6])
    cost, label = CategoricalCrossEntropy(), np.array([2])

    def nll(theta: np.ndarray) -> float:
        return cost.value(softmax((theta.reshape(4, 2) @ x)[None]), label)

    p = softmax((weights.reshape(4, 2) @ x)[None])
    through = softmax.jacobian(activation=p)[0] @ cost.gradient(p, label)[0]
    chained = np.outer(through, x).ravel()
    objective = FunctionObjective(nll, lambda theta: np.zeros(8), n_parameters=8)
    measured = finite_difference_gradient(objective, weights)
    again = Categorical(p[0]).log_likelihood([2])
    return Evidence(
        supports=np.isclose(-again, nll(weights)),
        contradicts=np.allclose(chained, measured, atol=1e-7) and np.abs(measured).max() > 0.1,
        largest=np.abs(measured).max(),
    )


def likelihood_of_one_label_is_its_probability() -> Evidence:
    """Evaluate the four-class example."""
    likelihood = Categorical(PREDICT).likelihood([2])
    nats = CategoricalCrossEntropy().value(PREDICT[None], [[0.0, 0.0, 1.0, 0.0]])
    agrees = np.isclose(likelihood, 0.7) and np.isclose(nats, -np.log(0.7))
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        likelihood=likelihood,
        nats=nats,
        bits=nats / np.log(2.0),
    )


def bernoulli_formula_is_a_mass() -> Evidence:
    """Sum the formula over 0 and 1, and integrate it between."""
    p = 0.3
    total = np.exp(Bernoulli(p).log_density([0, 1])).sum()
    area = integrate.quad(lambda x: p**x * (1 - p) ** (1 - x), 0.0, 1.0)[0]
    return Evidence(
        supports=np.isclose(total, 1.0), contradicts=not np.isclose(area, 1.0), total=total,
        area=area,
    )  # fmt: skip


def draws_generalize_one_another() -> Evidence:
    """Compare probabilities with scipy's, and one family with the next."""
    n, p, k = 6, 0.3, np.arange(7)
    binomial = np.exp(Binomial(n, p).log_density(k))
    agrees = np.allclose(binomial, stats.binom.pmf(k, n, p))
    # All 64 sequences of six coins, added up by their number of ones.
    sequences = (np.arange(64)[:, None] >> np.arange(6)) & 1
    each = np.array([np.exp(Bernoulli(p).log_likelihood(row)) for row in sequences])
    summed = np.bincount(sequences.sum(axis=1), weights=each)
    agrees &= np.allclose(summed, binomial)
    one_hot = stats.multinomial.pmf(np.eye(4), 1, PREDICT)
    agrees &= np.allclose(np.exp(Categorical(PREDICT).log_density(np.arange(4))), one_hot)
    two = np.exp(Categorical([1 - p, p]).log_density([0, 1]))
    agrees &= np.allclose(two, np.exp(Bernoulli(p).log_density([0, 1])))
    pairs = np.column_stack([k, n - k])
    agrees &= np.allclose(stats.multinomial.pmf(pairs, n, [p, 1 - p]), binomial)
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        two_of_six=binomial[2],
        third=one_hot[2],
    )


def likelihoods_multiply_and_their_logarithms_add() -> Evidence:
    """Compare minus the log-likelihood with the cross-entropy, and multiply 2000 halves."""
    labels = np.array([2, 2, 0, 3, 2])
    distribution = Categorical(PREDICT)
    nll = -distribution.log_likelihood(labels) / len(labels)
    entropy = CategoricalCrossEntropy().value(np.tile(PREDICT, (5, 1)), labels)
    product = distribution.likelihood(labels)
    tosses = np.zeros(2000, dtype=int)
    underflown, added = Bernoulli(0.5).likelihood(tosses), Bernoulli(0.5).log_likelihood(tosses)
    agrees = np.isclose(nll, entropy) and np.isclose(np.log(product), -5 * nll)
    agrees &= underflown == 0.0 and np.isclose(added, -2000 * np.log(2.0))
    grid = np.linspace(0.01, 0.99, 99)
    tails = [Bernoulli(p).likelihood([1, 1, 0]) for p in grid]
    agrees &= np.argmax(tails) == np.argmin(
        [BinaryCrossEntropy().value(np.full(3, p), [1.0, 1.0, 0.0]) for p in grid]
    )
    return Evidence(
        supports=agrees, contradicts=not agrees, product=underflown, added=added, nll=nll
    )


def densities_are_not_probabilities() -> Evidence:
    """Maximize a probability and a density, and average the estimated variances."""
    tosses = np.array([1, 1, 0, 1])
    grid = np.linspace(0.001, 0.999, 999)
    best = grid[np.argmax([Bernoulli(p).likelihood(tosses) for p in grid])]
    fitted = Gaussian(0.0, 1.0).fit(THREE)
    numerical = optimize.minimize(
        lambda t: -Gaussian(t[0], np.exp(t[1])).log_likelihood(THREE), [5.0, 1.0], tol=1e-10
    ).x
    assert np.allclose([fitted.mean, fitted.standard_deviation],
                       [numerical[0], np.exp(numerical[1])], rtol=1e-4)  # fmt: skip
    draws = Gaussian(0.0, 3.0).sample(5 * 40_000, 0).reshape(40_000, 5)
    average = draws.var(axis=1).mean()
    density = Gaussian(0.0, 0.1).likelihood([0.0])
    return Evidence(
        supports=np.isclose(best, 0.75),
        contradicts=density > 1.0 and abs(average - 0.8 * 9.0) < 0.1,
        density=density,
        mean=fitted.mean,
        deviation=fitted.standard_deviation,
        average=average,
    )


def labels_given_inputs_are_bernoulli() -> Evidence:
    """Maximize a likelihood, its logarithm, and minimize the mean log loss."""
    rng = np.random.default_rng(1)
    x = rng.standard_normal(30)
    y = (rng.random(30) < 1.0 / (1.0 + np.exp(-1.5 * x))).astype(float)
    risk = EmpiricalRisk(LinearModel(1, intercept=False), LogisticLoss(), x[:, None], y)
    grid = np.linspace(0.0, 4.0, 4001)
    loss = np.array([risk.value([theta]) for theta in grid])
    p = 1.0 / (1.0 + np.exp(-np.outer(grid, x)))
    likelihood = np.prod(np.where(y == 1.0, p, 1.0 - p), axis=1)
    best = int(np.argmin(loss))
    same = best == np.argmax(likelihood) == np.argmax(np.log(likelihood))
    assert np.isclose(-np.log(likelihood[best]) / 30.0, loss[best])
    return Evidence(
        supports=same,
        contradicts=not np.isclose(loss[best], -likelihood[best])
        and not np.isclose(loss[best], np.log(likelihood[best])),
        theta=grid[best],
        loss=loss[best],
        log_likelihood=np.log(likelihood[best]),
        likelihood=likelihood[best],
    )
