"""Softmax and cross-entropy: checks."""

from __future__ import annotations

import numpy as np

from course_lib.activations import sigmoid, softmax
from course_lib.costs import (
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    LogisticLoss,
    SoftmaxCrossEntropy,
    SquaredError,
    best_prediction,
    cross_entropy,
    entropy,
    kl_divergence,
)
from course_lib.gradient_check import finite_difference_gradient
from course_lib.lesson.claims.evidence import Evidence
from course_lib.objectives import FunctionObjective

PREDICT = np.array([0.1, 0.1, 0.7, 0.1])


def softmax_with_likelihood_has_the_residual_as_its_slope() -> Evidence:
    """Differentiate the four-class example, and a sigmoid, by their scores."""
    scores, label = np.log(PREDICT), np.array([2])
    cost = SoftmaxCrossEntropy()
    slopes = cost.gradient(scores[None], label)[0]
    objective = FunctionObjective(
        lambda z: cost.value(z[None], label), lambda z: np.zeros(4), n_parameters=4
    )
    measured = finite_difference_gradient(objective, scores)
    binary = LogisticLoss().derivative(np.array([0.4]), np.array([1.0]))[0]
    agrees = np.allclose(slopes, PREDICT - [0, 0, 1, 0]) and np.allclose(slopes, measured)
    agrees &= np.isclose(binary, sigmoid(np.array([0.4]))[0] - 1.0)
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        right=slopes[2],
        other=slopes[0],
    )


def two_classes_are_a_sigmoid() -> Evidence:
    """Compare softmax of two scores with the sigmoid of their difference."""
    z = np.random.default_rng(0).uniform(-20, 20, (1000, 2))
    labels = np.arange(1000) % 2
    two = SoftmaxCrossEntropy().pointwise(z, labels)
    # Class 0 is the one whose sigmoid is taken.
    one = LogisticLoss().pointwise(z[:, 0] - z[:, 1], 1.0 - labels)
    difference = np.abs(two - one).max()
    agrees = difference < 1e-12
    agrees &= np.allclose(softmax(z)[:, 0], sigmoid(z[:, 0] - z[:, 1]), atol=1e-15)
    return Evidence(supports=agrees, contradicts=not agrees, cases=len(z))


def losses_of_logits_do_not_overflow() -> Evidence:
    """Compute both losses on scores, and by way of rounded probabilities."""
    z = np.array([-5.0, 0.3, 8.0])
    y = np.array([1.0, 0.0, 0.0])
    same = np.allclose(
        LogisticLoss().pointwise(z, y), BinaryCrossEntropy().pointwise(sigmoid(z), y)
    )
    rows = np.array([[1.0, 2.0, -1.0]])
    same &= np.isclose(
        SoftmaxCrossEntropy().value(rows, [0]), CategoricalCrossEntropy().value(softmax(rows), [0])
    )
    far = np.array([1000.0])
    naive = BinaryCrossEntropy().pointwise(sigmoid(far), np.zeros(1))[0]
    stable = LogisticLoss().pointwise(far, np.zeros(1))[0]
    wide = np.array([[1000.0, 0.0]])
    naive_rows = CategoricalCrossEntropy().value(softmax(wide), [1])
    stable_rows = SoftmaxCrossEntropy().value(wide, [1])
    agrees = same and stable == stable_rows == 1000.0 and np.isinf(naive) and np.isinf(naive_rows)
    # On probabilities, taken for logits by mistake, the loss cannot fall to zero.
    mistaken = SoftmaxCrossEntropy().value([[1.0, 0.0]], [0])
    return Evidence(
        supports=agrees,
        contradicts=not agrees,
        stable=stable,
        mistaken=mistaken,
    )


def cross_entropy_contains_an_entropy() -> Evidence:
    """Compare cross-entropy and divergence of a distribution with itself and with another."""
    uniform = np.full(4, 0.25)
    one_hot = np.array([0.0, 0.0, 1.0, 0.0])
    itself = float(cross_entropy(PREDICT, PREDICT))
    forward, backward = (
        float(cross_entropy(PREDICT, uniform)),
        float(cross_entropy(uniform, PREDICT)),
    )
    parts = float(entropy(PREDICT) + kl_divergence(PREDICT, uniform))
    sure = np.isclose(cross_entropy(one_hot, PREDICT), kl_divergence(one_hot, PREDICT))
    return Evidence(
        supports=bool(sure),
        contradicts=itself > 0.5 and np.isclose(parts, forward)
        and np.isclose(kl_divergence(PREDICT, PREDICT), 0.0),
        itself=itself,
        forward=forward,
        backward=backward,
        divergence=float(kl_divergence(PREDICT, uniform)),
    )  # fmt: skip


def squared_error_is_proper_for_probabilities_too() -> Evidence:
    """Ask both costs for the best report of a known probability."""
    reports = np.linspace(0.0, 1.0, 1001)
    best = {
        cost: best_prediction(cost, reports, 0.3) for cost in (SquaredError(), BinaryCrossEntropy())
    }
    squared, log = best.values()
    return Evidence(
        supports=np.isclose(log, 0.3),
        contradicts=np.isclose(squared, 0.3),
        squared=squared,
        log=log,
    )
