"""Costs against PyTorch's and JAX's automatic differentiation, optax and scikit-learn."""

from __future__ import annotations

from collections.abc import Callable

import jax
import jax.numpy as jnp
import numpy as np
import optax
import pytest
import torch
from numpy.testing import assert_allclose
from scipy import special, stats
from sklearn import metrics
from torch.nn import functional

from course_lib.costs import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    Cost,
    ExponentialLoss,
    FocalLoss,
    HalfSquaredError,
    HingeLoss,
    HuberLoss,
    KLDivergence,
    LogisticLoss,
    LogisticMarginLoss,
    PerceptronLoss,
    SigmoidFocalLoss,
    SigmoidHalfSquaredError,
    SoftmaxCrossEntropy,
    SoftmaxKLDivergence,
    SquaredError,
    SquaredHingeLoss,
    ZeroOneLoss,
    cross_entropy,
    entropy,
    kl_divergence,
)

jax.config.update("jax_enable_x64", True)

N, K = 40, 5
RNG = np.random.default_rng(7)
NUMBERS = RNG.normal(size=N), RNG.normal(size=N)
LABELS = RNG.integers(2, size=N).astype(float)
SIGNS = 2.0 * LABELS - 1.0
SOFT = RNG.uniform(size=N)
SCORES = np.r_[
    RNG.normal(scale=3.0, size=N - 8), [-1e4, 1e4, -800.0, 800.0, -40.0, 40.0, 1e-9, 0.0]
]
MILD = RNG.normal(scale=3.0, size=N)
PROBABILITIES = RNG.uniform(0.001, 0.999, size=N)
CLASSES = RNG.integers(K, size=N)
TARGET_ROWS = RNG.dirichlet(np.ones(K), size=N)
ROWS = RNG.dirichlet(np.ones(K), size=N)
CLASS_SCORES = RNG.normal(scale=3.0, size=(N, K))
CLASS_SCORES[0] = [1e4, -1e4, 0.0, 1e4, -800.0]
CLASS_SCORES[1] = [-1e4, -1e4, -1e4, 800.0, 40.0]


def torch_focal(
    p_of_one: torch.Tensor, y: torch.Tensor, gamma: float, alpha: float
) -> torch.Tensor:
    right = torch.where(y == 1, p_of_one, 1 - p_of_one)
    weight = alpha * y + (1 - alpha) * (1 - y)
    return (-weight * (1 - right) ** gamma * right.log()).mean()


# cost, prediction, target, and PyTorch's mean of the same
TORCH: list[tuple[Cost, np.ndarray, np.ndarray, Callable]] = [
    (SquaredError(), *NUMBERS, functional.mse_loss),
    (HalfSquaredError(), *NUMBERS, lambda p, t: functional.mse_loss(p, t) / 2),
    (AbsoluteError(), *NUMBERS, functional.l1_loss),
    (HuberLoss(0.8), *NUMBERS, lambda p, t: functional.huber_loss(p, t, delta=0.8)),
    (BinaryCrossEntropy(), PROBABILITIES, LABELS, functional.binary_cross_entropy),
    (BinaryCrossEntropy(), PROBABILITIES, SOFT, functional.binary_cross_entropy),
    (LogisticLoss(), SCORES, LABELS, functional.binary_cross_entropy_with_logits),
    (LogisticLoss(), SCORES, SOFT, functional.binary_cross_entropy_with_logits),
    (
        SigmoidHalfSquaredError(),
        SCORES,
        LABELS,
        lambda p, t: functional.mse_loss(torch.sigmoid(p), t) / 2,
    ),
    (FocalLoss(), PROBABILITIES, LABELS, lambda p, t: torch_focal(p, t, 2.0, 0.25)),
    (FocalLoss(0.5, 0.7), PROBABILITIES, LABELS, lambda p, t: torch_focal(p, t, 0.5, 0.7)),
    (
        SigmoidFocalLoss(1.5, 0.6),
        MILD,
        LABELS,
        lambda p, t: torch_focal(torch.sigmoid(p), t, 1.5, 0.6),
    ),
    (SoftmaxCrossEntropy(), CLASS_SCORES, CLASSES, functional.cross_entropy),
    (SoftmaxCrossEntropy(), CLASS_SCORES, TARGET_ROWS, functional.cross_entropy),
    (CategoricalCrossEntropy(), ROWS, CLASSES, lambda p, t: functional.nll_loss(p.log(), t)),
    (
        CategoricalCrossEntropy(),
        ROWS,
        TARGET_ROWS,
        lambda p, t: -(t * p.log()).sum(1).mean(),
    ),
    (
        KLDivergence(),
        ROWS,
        TARGET_ROWS,
        lambda p, t: functional.kl_div(p.log(), t, reduction="batchmean"),
    ),
    (
        SoftmaxKLDivergence(),
        CLASS_SCORES,
        TARGET_ROWS,
        lambda p, t: functional.kl_div(functional.log_softmax(p, 1), t, reduction="batchmean"),
    ),
    (HingeLoss(), SCORES, SIGNS, lambda p, t: functional.relu(1 - p * t).mean()),
    (SquaredHingeLoss(), SCORES, SIGNS, lambda p, t: (functional.relu(1 - p * t) ** 2).mean()),
    # PyTorch's soft margin overflows at large scores, so that one is asked at mild ones.
    (LogisticMarginLoss(), MILD, SIGNS, functional.soft_margin_loss),
    (
        LogisticMarginLoss(),
        SCORES,
        SIGNS,
        lambda p, t: functional.binary_cross_entropy_with_logits(p, (t + 1) / 2),
    ),
    (ExponentialLoss(), MILD, SIGNS, lambda p, t: torch.exp(-p * t).mean()),
]


@pytest.mark.parametrize(("cost", "prediction", "target", "theirs"), TORCH)
def test_pytorch_autograd(cost, prediction, target, theirs):
    leaf = torch.tensor(prediction, requires_grad=True)
    value = theirs(leaf, torch.tensor(target))
    value.backward()
    claimed = cost.gradient(prediction, target)
    assert_allclose(claimed, leaf.grad.numpy(), atol=1e-10, rtol=1e-10)
    assert cost.value(prediction, target) == pytest.approx(value.item(), rel=1e-12)


def jax_logistic(z, y):
    return jnp.logaddexp(0.0, z) - z * y


# cost, prediction, target, and the pointwise formula for JAX to differentiate twice
JAX: list[tuple[Cost, np.ndarray, np.ndarray, Callable]] = [
    (LogisticLoss(), MILD, SOFT, jax_logistic),
    (
        BinaryCrossEntropy(),
        PROBABILITIES,
        SOFT,
        lambda p, y: -y * jnp.log(p) - (1 - y) * jnp.log(1 - p),
    ),
    (
        SigmoidHalfSquaredError(),
        MILD,
        LABELS,
        lambda z, y: 0.5 * (jax.nn.sigmoid(z) - y) ** 2,
    ),
    (
        SigmoidFocalLoss(1.5, 0.6),
        MILD,
        LABELS,
        lambda z, y: optax.sigmoid_focal_loss(z, y, alpha=0.6, gamma=1.5),
    ),
    (HuberLoss(0.8), *NUMBERS, lambda p, y: optax.huber_loss(p, y, delta=0.8)),
    (SquaredHingeLoss(), MILD, SIGNS, lambda s, t: jnp.maximum(0.0, 1 - s * t) ** 2),
    (LogisticMarginLoss(), MILD, SIGNS, lambda s, t: jnp.logaddexp(0.0, -s * t)),
    (ExponentialLoss(), MILD, SIGNS, lambda s, t: jnp.exp(-s * t)),
]


@pytest.mark.parametrize(("cost", "prediction", "target", "formula"), JAX)
def test_jax_first_and_second_derivatives(cost, prediction, target, formula):
    slope = jax.vmap(jax.grad(formula))(prediction, target)
    curvature = jax.vmap(jax.grad(jax.grad(formula)))(prediction, target)
    assert_allclose(cost.pointwise(prediction, target), formula(prediction, target), rtol=1e-12)
    assert_allclose(cost.derivative(prediction, target), slope, rtol=1e-10, atol=1e-13)
    assert_allclose(cost.second_derivative(prediction, target), curvature, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("target", [CLASSES, TARGET_ROWS], ids=["numbers", "rows"])
def test_jax_hessian_of_the_softmax(target):
    scores = RNG.normal(size=(N, K))
    rows = np.eye(K)[target] if target.ndim == 1 else target

    def formula(z, y):
        return jax.nn.logsumexp(z) - y @ z

    assert_allclose(
        SoftmaxCrossEntropy().second_derivative(scores, target),
        jax.vmap(jax.hessian(formula))(scores, rows),
        rtol=1e-10,
        atol=1e-14,
    )


def test_optax():
    one_hot = np.eye(K)[CLASSES]
    pairs = [
        (LogisticLoss().pointwise(SCORES, SOFT), optax.sigmoid_binary_cross_entropy(SCORES, SOFT)),
        (
            SoftmaxCrossEntropy().pointwise(CLASS_SCORES, CLASSES),
            optax.softmax_cross_entropy_with_integer_labels(CLASS_SCORES, CLASSES),
        ),
        (
            SoftmaxCrossEntropy().pointwise(CLASS_SCORES, TARGET_ROWS),
            optax.softmax_cross_entropy(CLASS_SCORES, TARGET_ROWS),
        ),
        (
            SoftmaxCrossEntropy().pointwise(CLASS_SCORES, one_hot),
            optax.softmax_cross_entropy(CLASS_SCORES, one_hot),
        ),
        (HingeLoss().pointwise(SCORES, SIGNS), optax.hinge_loss(SCORES, SIGNS)),
        (PerceptronLoss().pointwise(SCORES, SIGNS), optax.losses.perceptron_loss(SCORES, SIGNS)),
        (
            KLDivergence().pointwise(ROWS, TARGET_ROWS),
            optax.kl_divergence(np.log(ROWS), TARGET_ROWS),
        ),
        (HalfSquaredError().pointwise(*NUMBERS), optax.l2_loss(*NUMBERS)),
        (SquaredError().pointwise(*NUMBERS), optax.squared_error(*NUMBERS)),
    ]
    for ours, theirs in pairs:
        assert_allclose(ours, theirs, rtol=1e-12, atol=1e-14)


def test_scikit_learn_with_sample_weights():
    weight = RNG.uniform(size=N)
    guess = np.round(PROBABILITIES)
    pairs = [
        (
            SquaredError().value(*NUMBERS, weight),
            metrics.mean_squared_error(*NUMBERS, sample_weight=weight),
        ),
        (
            AbsoluteError().value(*NUMBERS, weight),
            metrics.mean_absolute_error(*NUMBERS, sample_weight=weight),
        ),
        (
            BinaryCrossEntropy().value(PROBABILITIES, LABELS, weight),
            metrics.log_loss(LABELS, PROBABILITIES, sample_weight=weight),
        ),
        (
            CategoricalCrossEntropy().value(ROWS, CLASSES, weight),
            metrics.log_loss(CLASSES, ROWS, sample_weight=weight),
        ),
        (
            SquaredError().value(PROBABILITIES, LABELS, weight),
            metrics.brier_score_loss(LABELS, PROBABILITIES, sample_weight=weight),
        ),
        (
            HingeLoss().value(MILD, SIGNS, weight),
            metrics.hinge_loss(SIGNS, MILD, sample_weight=weight),
        ),
        (
            ZeroOneLoss().value(guess, LABELS, weight),
            metrics.zero_one_loss(LABELS, guess, sample_weight=weight),
        ),
    ]
    for ours, theirs in pairs:
        assert ours == pytest.approx(theirs, rel=1e-12)


def test_scipy():
    assert_allclose(entropy(ROWS), stats.entropy(ROWS, axis=1), rtol=1e-12)
    assert_allclose(
        kl_divergence(ROWS, TARGET_ROWS), stats.entropy(ROWS, TARGET_ROWS, axis=1), rtol=1e-11
    )
    assert_allclose(
        cross_entropy(ROWS, TARGET_ROWS), -special.xlogy(ROWS, TARGET_ROWS).sum(axis=1), rtol=1e-13
    )
    huber = HuberLoss(0.8).pointwise(*NUMBERS)
    assert_allclose(huber, special.huber(0.8, NUMBERS[0] - NUMBERS[1]), rtol=1e-14)
