"""Noise, copies and committees: checks of claims on augmentation, dropout and ensembles."""

from __future__ import annotations

from itertools import product

import numpy as np
from sklearn.datasets import load_diabetes, load_digits

from course_lib.augmentation import mixup, shifted_copies
from course_lib.costs import HalfSquaredError, SoftmaxCrossEntropy
from course_lib.descent import descend
from course_lib.lesson.claims.evidence import Evidence
from course_lib.linear_models import LinearModel
from course_lib.networks import Dense, Dropout, Network
from course_lib.objectives import EmpiricalRisk, double_well
from course_lib.optimizers import GradientDescent
from course_lib.penalties import L2
from course_lib.preprocessing import standardize


def mixup_blends_samples_and_labels_alike() -> Evidence:
    """Recover the shares from blends, and compare the costs of blended labels."""
    draws, concentration = 200_000, 0.2
    first_half = (np.arange(draws) < draws // 2).astype(float)
    X, y = mixup(first_half[:, None], first_half, concentration, np.random.default_rng(0))
    share = y[(y > 0) & (y < 1)]
    variance = 1.0 / (4.0 * (2.0 * concentration + 1.0))
    rng = np.random.default_rng(1)
    scores, labels, agreement = rng.standard_normal((50, 3)), rng.integers(0, 3, (2, 50)), 1e-12
    cost, sure = SoftmaxCrossEntropy(), np.eye(3)[labels]
    blend = 0.3 * sure[0] + 0.7 * sure[1]
    costs = [cost.pointwise(scores, one) for one in sure]
    linear = np.allclose(
        cost.pointwise(scores, blend), 0.3 * costs[0] + 0.7 * costs[1], atol=agreement
    )
    as_defined = np.allclose(X[:, 0], y) and np.isclose(share.var(), variance, rtol=0.03)
    return Evidence(
        supports=as_defined and linear,
        contradicts=not (as_defined and linear),
        variance=variance,
        drawn=share.var(),
        draws=len(y),
        agreement=agreement,
    )


def penalties_make_no_samples() -> Evidence:
    """Count samples with a penalty and with shifts, and average a risk over all noise patterns."""
    data = load_diabetes()
    X, y = standardize(data.data).data, (data.target - data.target.mean()) / data.target.std()
    model = LinearModel(10, intercept=False)
    bare = EmpiricalRisk(model, HalfSquaredError(), X, y)
    penalized = EmpiricalRisk(model, HalfSquaredError(), X, y, penalty=L2(0.1))
    digits = load_digits()
    copies, _ = shifted_copies(digits.images[:100], digits.target[:100])

    w, size = np.linalg.lstsq(X, y, rcond=None)[0], 0.3
    signs = np.array(list(product([-1.0, 1.0], repeat=10)))
    residual, noise = X @ w - y, size * signs @ w
    noisy = np.mean((residual[:, None] + noise) ** 2)
    grows = noisy - np.mean(residual**2)
    formula = size**2 * (w @ w)
    assert np.isclose(grows, formula)
    return Evidence(
        supports=penalized.n_samples > bare.n_samples or len(penalized.X) > len(bare.X),
        contradicts=np.array_equal(penalized.X, bare.X) and len(copies) > 100,
        rows=len(penalized.X),
        copies=len(copies),
        patterns=len(signs),
        grows=grows,
        formula=formula,
    )


def subnetworks_share_their_weights() -> Evidence:
    """Train one sub-network for a step and look at another; drop units and look at the inputs."""
    rng = np.random.default_rng(0)
    draws = 20_000
    layers = [Dense(8, "tanh"), Dropout(0.5)]
    hidden = Network(10, layers, seed=0)
    theta = hidden.initial_parameters(seed=1)
    x = rng.standard_normal((1, 10))
    masked, _ = hidden.forward(theta, np.repeat(x, draws, axis=0), training=True)
    whole = hidden.predict(theta, x)[0]
    bias = 100 * np.abs(masked.mean(axis=0) / whole - 1).max()

    # A sub-network is the whole with the outgoing weights of the silenced units masked.
    first, second = np.array([1, 1, 1, 1, 0, 0, 0, 0]), np.array([0, 0, 1, 1, 1, 1, 0, 0])
    W, v = hidden.layout.views(theta)["1.weights"], 0.3 * rng.standard_normal(8)
    W = W if W.shape == (8, 10) else W.T
    z = W @ x[0]
    before = [2 * (v * mask) @ np.tanh(z) for mask in (first, second)]
    slope = before[0] - (before[0] + 1.0)  # half squared error against a target one above
    v_step = v - 0.1 * slope * 2 * first * np.tanh(z)
    W_step = W - 0.1 * slope * 2 * np.outer(first * v * (1 - np.tanh(z) ** 2), x[0])
    moved = abs(2 * (v_step * second) @ np.tanh(W_step @ x[0]) - before[1])
    reach = W.T @ (first * v * (1 - np.tanh(z) ** 2))
    return Evidence(
        supports=moved == 0 and np.count_nonzero(reach) < 10,
        contradicts=moved > 1e-3 and bias < 5,
        draws=draws,
        bias=bias,
        moved=moved,
        inputs=int(np.count_nonzero(reach)),
    )


def ensembles_move_nobody() -> Evidence:
    """Descend from both sides of a hill, average the ends, and average predictors."""
    hill = double_well(tilt=0.0)
    ends = [
        descend(hill, [start], GradientDescent(0.05), max_iterations=500).final
        for start in (-0.3, 0.4)
    ]
    at_minima = max(hill.value(end) for end in ends)
    at_mean = hill.value(np.mean(ends, axis=0))
    rng = np.random.default_rng(0)
    predictors = rng.standard_normal((10, 200_000))
    variance = 100 * predictors.mean(axis=0).var() / predictors.var()
    return Evidence(
        supports=ends[0][0] > 0 or at_mean < at_minima,
        contradicts=at_mean > at_minima + 0.5 and abs(variance - 10) < 0.5,
        left=ends[0][0],
        right=ends[1][0],
        at_minima=at_minima,
        at_mean=at_mean,
        variance=variance,
    )
