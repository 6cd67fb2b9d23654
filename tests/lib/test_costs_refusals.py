"""Costs: what they refuse word for word, and what they keep (precision, rows, edges)."""

from __future__ import annotations

import re

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from course_lib.costs import (
    AbsoluteError,
    BinaryCrossEntropy,
    CategoricalCrossEntropy,
    FocalLoss,
    HingeLoss,
    HuberLoss,
    KLDivergence,
    LogisticLoss,
    RelaxedZeroOneLoss,
    SigmoidFocalLoss,
    SoftmaxCrossEntropy,
    SquaredError,
    SquaredHingeLoss,
    ZeroOneLoss,
    ZeroOneMarginLoss,
    best_prediction,
    cross_entropy,
    entropy,
    expected_cost,
    implied_probability,
    kl_divergence,
)
from course_lib.costs.divergences import check_probabilities

CUBE = np.zeros((2, 2, 2))
NOTHING = float("nan")

ONE_OR_TWO = "{name} must have 1 or 2 dimension(s), got shape (2, 2, 2)"
WORD_FOR_WORD = [
    # The argument that is wrong is named, and by its own name.
    *[
        (cost.value, ([NOTHING], target), "prediction must hold finite numbers")
        for cost, target in [
            (SquaredError(), [0.0]),
            (BinaryCrossEntropy(), [1.0]),
            (FocalLoss(), [1.0]),
            (SigmoidFocalLoss(), [1.0]),
            (LogisticLoss(), [1.0]),
        ]
    ],
    *[
        (cost.value, ([[NOTHING, 0.0]], [0]), "prediction must hold finite numbers")
        for cost in (CategoricalCrossEntropy(), KLDivergence(), SoftmaxCrossEntropy())
    ],
    *[
        (cost.value, (prediction, [NOTHING]), "target must hold finite numbers")
        for cost, prediction in [
            (SquaredError(), [0.0]),
            (AbsoluteError(), [0.0]),
            (LogisticLoss(), [0.0]),
            (HingeLoss(), [0.0]),
            (SoftmaxCrossEntropy(), [[0.0, 1.0]]),
        ]
    ],
    *[
        (cost.value, (CUBE, CUBE), ONE_OR_TWO.format(name="prediction"))
        for cost in (SquaredError(), LogisticLoss(), SigmoidFocalLoss(), BinaryCrossEntropy())
    ],
    *[
        (cost.check_target, (CUBE,), ONE_OR_TWO.format(name="target"))
        for cost in (SquaredError(), LogisticLoss(), HingeLoss(), SoftmaxCrossEntropy())
    ],
    (entropy, (CUBE,), ONE_OR_TWO.format(name="p")),
    (entropy, ([0.5, NOTHING],), "p must hold finite numbers"),
    (entropy, ([0.5, 0.25],), "p must hold distributions, which sum to 1, got a sum of 0.75$"),
    (entropy, ([1.5, -0.5],), "p must hold probabilities, from 0 to 1, got 1.5$"),
    (check_probabilities, ("q", [1.5]), "q must hold probabilities, from 0 to 1, got 1.5$"),
    (cross_entropy, ([0.5, 0.25], [0.5, 0.5]), "p must hold distributions"),
    (cross_entropy, ([0.5, 0.5], [0.5, 0.25]), "q must hold distributions"),
    (kl_divergence, ([0.5, 0.25], [0.5, 0.5]), "p must hold distributions"),
    (kl_divergence, ([0.5, 0.5], [0.5, 0.25]), "q must hold distributions"),
    (
        expected_cost,
        (SquaredError(), [[0.5]], 0.5),
        "prediction must have 1 dimension(s), got shape (1, 1): flatten it with .ravel()$",
    ),
    (
        expected_cost,
        (SquaredError(), [0.5], -0.1),
        "probability must be a finite number >= 0 and <= 1, got -0.1$",
    ),
    (
        best_prediction,
        (SquaredError(), [], 0.5),
        "candidates must hold at least one prediction, got none$",
    ),
    (BinaryCrossEntropy().value, ([2.0], [1.0]), "prediction must hold probabilities"),
    (FocalLoss().value, ([2.0], [1.0]), "prediction must hold probabilities"),
    (CategoricalCrossEntropy().value, ([[2.0, 0.0]], [1]), "prediction must hold probabilities"),
    (
        SoftmaxCrossEntropy().value,
        ([[1.0, 2.0]], [[1.0, 1.0]]),
        "target must hold distributions, which sum to 1, got a sum of 2: one row a sample, or the "
        "class numbers, shape (n_samples,)$",
    ),
    (
        SoftmaxCrossEntropy().value,
        ([[1.0, 2.0]], [0, 1]),
        "prediction and target must have the same number of samples, got shapes (1, 2) and (2,)$",
    ),
    (
        LogisticLoss().value,
        ([1.0, 2.0], [-1, 1]),
        "target must hold labels 0 and 1, or numbers between, got -1: labels -1 and +1 become 0 "
        "and 1 by (y + 1) / 2; LogisticMarginLoss takes them as they are$",
    ),
    (
        HingeLoss().value,
        ([1.0, 2.0], [0, 1]),
        "target must hold the labels -1 and +1, which HingeLoss() multiplies with the score, got "
        "0: labels 0 and 1 become -1 and +1 by 2 * y - 1; LogisticLoss takes them as is$",
    ),
    (
        SquaredError().value,
        ([[1.0], [2.0]], [1.0, 2.0]),
        "prediction and target must have the same shape, got (2, 1) and (2,): numpy would pair "
        "each prediction with every target; use .ravel() on the column$",
    ),
    (SquaredError().value, ([], []), "prediction must hold at least one sample, got none$"),
    (SquaredError().value, ([1.0], [1.0], [NOTHING]), "sample_weight must hold finite numbers"),
    (
        SquaredError().value,
        ([1.0], [1.0], [0.0]),
        "sample_weight must have a positive entry: all samples are left out$",
    ),
    (HuberLoss, (0.0,), "delta must be a finite number > 0, got 0.0$"),
    (RelaxedZeroOneLoss, (0.0,), "threshold must be a finite number > 0, got 0.0$"),
    (FocalLoss, (-1.0,), "gamma must be a finite number >= 0, got -1.0$"),
    (FocalLoss, (2.0, -0.5), "alpha must be a finite number >= 0 and <= 1, got -0.5$"),
    (FocalLoss, (2.0, 1.5), "alpha must be a finite number >= 0 and <= 1, got 1.5$"),
]


@pytest.mark.parametrize(("call", "arguments", "message"), WORD_FOR_WORD)
def test_says_what_is_wrong_word_for_word(call, arguments, message):
    pattern = re.escape(message.removesuffix("$")) + (
        "$" if message.endswith("$") else r"($|[\s,:])"
    )
    with pytest.raises(ValueError, match="^" + pattern):
        call(*arguments)


@pytest.mark.parametrize("method", ["value", "gradient"])
@pytest.mark.parametrize("weight", [[1.0], [1.0, 1.0, 1.0]])
def test_a_weight_too_few_or_too_many_is_refused(method, weight):
    with pytest.raises(ValueError, match=r"^sample_weight must have shape \(2,\)"):
        getattr(SquaredError(), method)([1.0, 2.0], [1.0, 2.0], weight)


def test_settings_at_their_limits_are_taken():
    assert (FocalLoss(0, 0).gamma, FocalLoss(0, 0).alpha, FocalLoss(0, 1).alpha) == (0, 0, 1)
    assert HuberLoss(0.25).delta == RelaxedZeroOneLoss(0.25).threshold == 0.25


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_costs_of_zero_and_one_have_the_precision_of_their_input(dtype):
    prediction, target = np.array([1, -1, 0.5], dtype), np.array([1, 1, -1], dtype)
    results = {
        "zero-one": (ZeroOneLoss().pointwise(prediction, target), [0, 1, 1]),
        "relaxed": (RelaxedZeroOneLoss(1.5).pointwise(prediction, target), [0, 1, 1]),
        "sign": (ZeroOneMarginLoss().of_margin(prediction), [0, 1, 0]),
        "bend": (SquaredHingeLoss().curvature(prediction), [0, 2, 2]),
        "huber": (HuberLoss(1.5).second_derivative(prediction, target), [1, 0, 1]),
    }
    for result, expected in results.values():
        assert result.dtype == dtype
        assert_array_equal(result, expected)


def test_of_two_precisions_the_zero_one_loss_has_the_higher_one():
    single, double = np.ones(2, np.float32), np.ones(2)
    assert ZeroOneLoss().pointwise(single, double).dtype == np.float64
    assert ZeroOneLoss().pointwise(double, single).dtype == np.float64


def test_weighted_rows_keep_their_precision():
    single = np.ones((2, 3), np.float32)
    gradient = SquaredError().gradient(single, 0 * single, np.array([0.25, 0.75]))
    assert gradient.dtype == np.float32
    assert_allclose(gradient, [[0.5] * 3, [1.5] * 3])


def test_every_row_has_an_entropy_of_its_own():
    p, q = np.array([[0.5, 0.5], [1.0, 0.0]]), np.array([[0.5, 0.5], [0.5, 0.5]])
    assert_allclose(entropy(p), [np.log(2), 0.0])
    assert_allclose(cross_entropy(p, q), [np.log(2), np.log(2)])
    assert_allclose(kl_divergence(p, q), [0.0, np.log(2)])
    assert entropy(p[0]).shape == ()


def test_every_row_of_scores_is_shifted_by_its_own_largest():
    # Shifted by the largest of all, the second row would be exp(-1e4) = 0, and its cost infinite.
    scores = np.array([[1e4, 1e4], [0.0, np.log(3.0)]])
    cost = SoftmaxCrossEntropy()
    assert_allclose(cost.pointwise(scores, np.array([0, 0])), [np.log(2), np.log(4)])
    assert_allclose(cost.derivative(scores, np.array([0, 0])), [[-0.5, 0.5], [-0.75, 0.75]])


def test_a_cost_of_one_distribution_is_a_number():
    # Unchecked and broadcast, as a curve over one sample needs it.
    p, y = np.array([0.25, 0.75]), np.array([1.0, 0.0])
    assert CategoricalCrossEntropy().pointwise(p, y) == pytest.approx(np.log(4))
    assert KLDivergence().pointwise(p, y) == pytest.approx(np.log(4))


def test_a_batch_is_not_copied_where_it_has_the_right_precision():
    prediction, target = np.ones(3), np.zeros(3)
    kept = SquaredError().check(prediction, target)
    assert kept[0] is prediction
    assert kept[1] is target


def test_focal_loss_keeps_its_digits_at_both_ends():
    # A right answer that is nearly sure, and one that is nearly ruled out.
    cost = FocalLoss(0.0, None)
    nearly = cost.pointwise(np.array([1e-20, 1e-20]), np.array([0.0, 1.0]))
    assert_allclose(nearly, [1e-20, 20 * np.log(10)], rtol=1e-14)


def test_a_flat_cost_tells_no_probability():
    assert np.isnan(implied_probability(ZeroOneMarginLoss(), [0.5, -2.0])).all()


@pytest.mark.parametrize("probability", [0.0, 0.5, 1.0])
def test_expected_costs_are_floating_numbers(probability):
    found = expected_cost(SquaredError(), np.array([0.5, 2.0], np.float32), probability)
    assert found.dtype == np.float32
    assert_allclose(found, [0.25, 4.0 * (1 - probability) + probability])
