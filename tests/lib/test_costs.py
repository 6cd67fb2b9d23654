"""Costs: numbers known by hand, derivatives by differences, extreme inputs, and bad ones."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from course_lib import costs
from course_lib.costs import (
    MARGIN_COSTS,
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
    RelaxedZeroOneLoss,
    SigmoidFocalLoss,
    SigmoidHalfSquaredError,
    SoftmaxCrossEntropy,
    SoftmaxKLDivergence,
    SquaredError,
    SquaredHingeLoss,
    ZeroOneLoss,
    ZeroOneMarginLoss,
    cross_entropy,
    entropy,
    kl_divergence,
)

N, K = 7, 4
RNG = np.random.default_rng(20240607)
NUMBERS = RNG.normal(size=N), RNG.normal(size=N)
OUTPUTS = RNG.normal(size=(N, 3)), RNG.normal(size=(N, 3))
LABELS = np.array([0.0, 1.0, 1.0, 0.0, 1.0, 0.0, 1.0])
SOFT = np.array([0.0, 0.25, 1.0, 0.5, 0.9, 0.0, 0.7])
SIGNS = 2.0 * LABELS - 1.0
SCORES = 2.0 * RNG.normal(size=N)
PROBABILITIES = RNG.uniform(0.05, 0.95, size=N)
CLASSES = np.array([0, 3, 1, 1, 2, 0, 3])
CLASS_SCORES = 2.0 * RNG.normal(size=(N, K))
ROWS = RNG.dirichlet(np.ones(K), size=N)
TARGET_ROWS = RNG.dirichlet(np.ones(K), size=N)
ONE_HOT = np.eye(K)[CLASSES]

SMOOTH = [
    (HalfSquaredError(), *NUMBERS),
    (HalfSquaredError(), *OUTPUTS),
    (SquaredError(), *NUMBERS),
    (AbsoluteError(), *NUMBERS),
    (HuberLoss(0.7), *NUMBERS),
    (HuberLoss(), *OUTPUTS),
    (ZeroOneLoss(), *NUMBERS),
    (RelaxedZeroOneLoss(0.5), *NUMBERS),
    (BinaryCrossEntropy(), PROBABILITIES, LABELS),
    (BinaryCrossEntropy(), PROBABILITIES, SOFT),
    (FocalLoss(), PROBABILITIES, LABELS),
    (FocalLoss(0.0, None), PROBABILITIES, LABELS),
    (FocalLoss(0.5, 0.8), PROBABILITIES, LABELS),
    (CategoricalCrossEntropy(), ROWS, CLASSES),
    (CategoricalCrossEntropy(), ROWS, TARGET_ROWS),
    (KLDivergence(), ROWS, TARGET_ROWS),
    (LogisticLoss(), SCORES, LABELS),
    (LogisticLoss(), SCORES, SOFT),
    (LogisticLoss(), np.c_[SCORES, -SCORES], np.c_[LABELS, SOFT]),
    (HingeLoss(), np.c_[SCORES, -SCORES], np.c_[SIGNS, -SIGNS]),
    (SigmoidHalfSquaredError(), SCORES, LABELS),
    (SigmoidFocalLoss(), SCORES, LABELS),
    (SigmoidFocalLoss(), np.c_[SCORES, -SCORES], np.c_[LABELS, LABELS]),
    (SigmoidFocalLoss(0.0, None), SCORES, LABELS),
    (SigmoidFocalLoss(1.5, 0.6), SCORES, LABELS),
    (SoftmaxCrossEntropy(), CLASS_SCORES, CLASSES),
    (SoftmaxCrossEntropy(), CLASS_SCORES, TARGET_ROWS),
    (SoftmaxKLDivergence(), CLASS_SCORES, TARGET_ROWS),
    (SoftmaxKLDivergence(), CLASS_SCORES, CLASSES),
    *[(cost, SCORES, SIGNS) for cost in MARGIN_COSTS.values()],
]
ON_SCORES = [case for case in SMOOTH if case[1] is SCORES or case[1] is CLASS_SCORES]


def names(cases: list) -> list[str]:
    return [f"{cost!r}-{np.ndim(target)}" for cost, _, target in cases]


def differences(function, x: np.ndarray, h: float = 1e-6) -> np.ndarray:
    """Return the derivative of a scalar function of ``x``, entry by entry."""
    result = np.empty_like(x)
    for i in np.ndindex(x.shape):
        above, below = x.copy(), x.copy()
        above[i] += h
        below[i] -= h
        result[i] = (function(above) - function(below)) / (above[i] - below[i])
    return result


class TestDerivatives:
    @pytest.mark.parametrize(("cost", "prediction", "target"), SMOOTH, ids=names(SMOOTH))
    def test_gradient_is_the_derivative_of_the_value(self, cost, prediction, target):
        weight = np.linspace(0.2, 2.0, N)
        measured = differences(lambda p: cost.value(p, target), prediction)
        assert_allclose(cost.gradient(prediction, target), measured, rtol=1e-7, atol=1e-8)
        measured = differences(lambda p: cost.value(p, target, weight), prediction)
        assert_allclose(cost.gradient(prediction, target, weight), measured, rtol=1e-7, atol=1e-8)

    @pytest.mark.parametrize(("cost", "prediction", "target"), SMOOTH, ids=names(SMOOTH))
    def test_second_derivative_is_the_derivative_of_the_first(self, cost, prediction, target):
        if type(cost) is FocalLoss:
            with pytest.raises(NotImplementedError, match="FocalLoss has no second derivative"):
                cost.second_derivative(prediction, target)
            return
        curvature = cost.second_derivative(prediction, target)
        h = 1e-6
        if curvature.ndim == 3:
            for k in range(K):
                step = np.zeros(K)
                step[k] = h
                above = cost.derivative(prediction + step, target)
                below = cost.derivative(prediction - step, target)
                assert_allclose(curvature[:, k, :], (above - below) / (2 * h), atol=1e-8)
            return
        above = cost.derivative(prediction + h, target)
        below = cost.derivative(prediction - h, target)
        assert_allclose(curvature, (above - below) / (2 * h), rtol=1e-7, atol=1e-8)

    @pytest.mark.parametrize(("cost", "prediction", "target"), SMOOTH, ids=names(SMOOTH))
    def test_the_pair_is_both(self, cost, prediction, target):
        value, slope = cost.pointwise_and_derivative(prediction, target)
        assert_allclose(value, cost.pointwise(prediction, target), rtol=1e-15)
        assert_allclose(slope, cost.derivative(prediction, target), rtol=1e-15)
        assert slope.shape == prediction.shape

    @pytest.mark.parametrize(("cost", "prediction", "target"), SMOOTH, ids=names(SMOOTH))
    def test_single_precision_stays(self, cost, prediction, target):
        single = prediction.astype(np.float32)
        assert cost.gradient(single, target).dtype == np.float32
        weighted = cost.gradient(single, target, np.ones(N))
        assert weighted.dtype == np.float32
        assert_allclose(weighted, cost.gradient(prediction, target), rtol=3e-5, atol=1e-6)
        assert cost.value(single, target) == pytest.approx(
            cost.value(prediction, target), rel=1e-5, abs=1e-6
        )

    @pytest.mark.parametrize(("cost", "prediction", "target"), SMOOTH, ids=names(SMOOTH))
    def test_only_a_constant_second_derivative_is_called_quadratic(self, cost, prediction, target):
        assert cost.is_quadratic == isinstance(cost, HalfSquaredError | SquaredError)

    def test_every_cost_of_the_package_is_tested(self):
        tested = {type(cost) for cost, _, _ in SMOOTH}
        public = {
            thing
            for name in costs.__all__
            if isinstance(thing := getattr(costs, name), type) and issubclass(thing, Cost)
        }
        assert public - tested == {Cost, costs.MarginCost}

    def test_a_cost_without_second_derivative_says_so(self):
        class Cubic(Cost):
            def pointwise(self, prediction, target):
                return np.abs(prediction - target) ** 3

            def derivative(self, prediction, target):
                return 3.0 * (prediction - target) * np.abs(prediction - target)

        with pytest.raises(NotImplementedError, match="Cubic has no second derivative"):
            Cubic().second_derivative(*NUMBERS)
        pair = Cubic().pointwise_and_derivative(*NUMBERS)
        assert_allclose(pair[0].mean(), Cubic().value(*NUMBERS))


class TestValues:
    def test_mean_over_samples_and_sum_over_outputs(self):
        prediction, target = np.array([[1.0, 2.0], [3.0, 5.0]]), np.zeros((2, 2))
        assert SquaredError().value(prediction, target) == (1 + 4 + 9 + 25) / 2
        assert HalfSquaredError().value(prediction, target) == (1 + 4 + 9 + 25) / 4

    def test_sample_weight_is_repetition(self):
        weight = np.array([1, 0, 2, 3, 1, 0, 1])
        rows = np.repeat(np.arange(N), weight)
        for cost, prediction, target in SMOOTH:
            value = cost.value(prediction, target, weight)
            assert value == pytest.approx(cost.value(prediction[rows], target[rows]), rel=1e-13)
            gradient = cost.gradient(prediction, target, weight)
            repeated = cost.gradient(prediction[rows], target[rows])
            summed = np.zeros_like(gradient)
            np.add.at(summed, rows, repeated)
            assert_allclose(gradient, summed, rtol=1e-12, atol=1e-16)

    def test_weight_zero_leaves_out_an_infinite_cost(self):
        cost = ExponentialLoss()
        assert cost.value([0.0, -1e4], [1, 1], [1, 0]) == 1.0
        assert_array_equal(cost.gradient([0.0, -1e4], [1, 1], [1, 0]), [-1.0, 0.0])

    def test_huber(self):
        cost = HuberLoss(delta=2.0)
        residual = np.array([-5.0, -2.0, 0.5, 2.0, 3.0])
        assert_allclose(cost.pointwise(residual, 0.0), [8.0, 2.0, 0.125, 2.0, 4.0])
        assert_array_equal(cost.derivative(residual, 0.0), [-2.0, -2.0, 0.5, 2.0, 2.0])
        assert_array_equal(cost.second_derivative(residual, 0.0), [0, 1, 1, 1, 0])
        assert repr(cost) == "HuberLoss(delta=2)"
        assert HuberLoss().delta == 1.0

    def test_zero_one_and_its_relaxation(self):
        prediction, target = np.array([1.0, 2.0, 3.0]), np.array([1.0, 2.4, 2.0])
        assert_array_equal(ZeroOneLoss().pointwise(prediction, target), [0, 1, 1])
        relaxed = RelaxedZeroOneLoss(threshold=1.0)
        assert_array_equal(relaxed.pointwise(prediction, target), [0, 0, 1])
        assert_array_equal(relaxed.derivative(prediction, target), np.zeros(3))
        assert_array_equal(ZeroOneLoss().second_derivative(prediction, target), np.zeros(3))
        assert repr(relaxed) == "RelaxedZeroOneLoss(threshold=1)"

    def test_at_the_threshold_the_relaxed_cost_jumps(self):
        below = np.nextafter(0.5, 0)
        assert_array_equal(RelaxedZeroOneLoss(0.5).pointwise(np.array([below, 0.5]), 0), [0, 1])

    def test_logistic_is_cross_entropy_of_the_sigmoid(self):
        p = 1.0 / (1.0 + np.exp(-SCORES))
        for labels in (LABELS, SOFT):
            on_score = LogisticLoss().pointwise(SCORES, labels)
            assert_allclose(on_score, BinaryCrossEntropy().pointwise(p, labels), rtol=1e-13)
        on_margin = LogisticMarginLoss().pointwise(SCORES, SIGNS)
        assert_allclose(on_margin, LogisticLoss().pointwise(SCORES, LABELS), rtol=1e-14)

    def test_softmax_costs_are_the_costs_of_the_softmax(self):
        p = np.exp(CLASS_SCORES) / np.exp(CLASS_SCORES).sum(axis=1, keepdims=True)
        for target in (CLASSES, ONE_HOT, TARGET_ROWS):
            on_scores = SoftmaxCrossEntropy().pointwise(CLASS_SCORES, target)
            assert_allclose(on_scores, CategoricalCrossEntropy().pointwise(p, target), rtol=1e-13)
            on_scores = SoftmaxKLDivergence().pointwise(CLASS_SCORES, target)
            assert_allclose(on_scores, KLDivergence().pointwise(p, target), rtol=1e-12)

    def test_class_numbers_and_one_hot_rows_agree(self):
        for cost, prediction in (
            (SoftmaxCrossEntropy(), CLASS_SCORES),
            (CategoricalCrossEntropy(), ROWS),
            (KLDivergence(), ROWS),
        ):
            by_number, by_row = (cost.value(prediction, t) for t in (CLASSES, ONE_HOT))
            assert by_number == pytest.approx(by_row, rel=1e-15)
            for method in (cost.derivative, cost.second_derivative):
                assert_allclose(method(prediction, CLASSES), method(prediction, ONE_HOT))

    def test_two_classes_of_softmax_are_one_sigmoid(self):
        scores = RNG.normal(scale=5.0, size=(50, 2))
        labels = RNG.integers(2, size=50)
        on_two = SoftmaxCrossEntropy().pointwise(scores, labels)
        on_one = LogisticLoss().pointwise(scores[:, 1] - scores[:, 0], labels)
        assert_allclose(on_two, on_one, atol=2e-15, rtol=1e-12)

    def test_focal_without_focus_is_cross_entropy(self):
        plain = SigmoidFocalLoss(gamma=0.0, alpha=None)
        assert_allclose(
            plain.pointwise(SCORES, LABELS), LogisticLoss().pointwise(SCORES, LABELS), rtol=1e-14
        )
        halved = SigmoidFocalLoss(gamma=0.0, alpha=0.5).pointwise(SCORES, LABELS)
        assert_allclose(2 * halved, LogisticLoss().pointwise(SCORES, LABELS), rtol=1e-14)

    def test_focal_by_hand(self):
        # 0.25 * 0.1^2 * -log(0.9), and 0.75 * 0.9^2 * -log(0.1).
        right, wrong = FocalLoss().pointwise(np.array([0.9, 0.9]), np.array([1.0, 0.0]))
        assert right == pytest.approx(0.25 * 0.01 * 0.10536051565782628)
        assert wrong == pytest.approx(0.75 * 0.81 * 2.302585092994046)
        p = 1.0 / (1.0 + np.exp(-SCORES))
        assert_allclose(
            SigmoidFocalLoss().pointwise(SCORES, LABELS), FocalLoss().pointwise(p, LABELS)
        )
        assert repr(SigmoidFocalLoss()) == "SigmoidFocalLoss(gamma=2, alpha=0.25)"

    def test_focal_at_certainty(self):
        sure, labels = np.array([1.0, 0.0, 0.0]), np.array([1.0, 0.0, 1.0])
        for gamma in (0.0, 0.5, 1.0, 2.0):
            cost = FocalLoss(gamma, None)
            assert_array_equal(cost.pointwise(sure, labels), [0.0, 0.0, np.inf])
            expected = [-1.0, 1.0, -np.inf] if gamma == 0 else [0.0, 0.0, -np.inf]
            assert_array_equal(cost.derivative(sure, labels), expected)

    def test_cross_entropy_at_certainty(self):
        sure, labels = np.array([1.0, 0.0, 0.0, 1.0]), np.array([1.0, 0.0, 1.0, 0.0])
        cost = BinaryCrossEntropy()
        assert_array_equal(cost.pointwise(sure, labels), [0.0, 0.0, np.inf, np.inf])
        assert_array_equal(cost.derivative(sure, labels), [-1.0, 1.0, -np.inf, np.inf])
        assert_array_equal(cost.second_derivative(sure, labels), [1.0, 1.0, np.inf, np.inf])
        rows = np.array([[1.0, 0.0], [1.0, 0.0]])
        cost = CategoricalCrossEntropy()
        assert_array_equal(cost.pointwise(rows, np.array([0, 1])), [0.0, np.inf])
        assert_array_equal(cost.derivative(rows, np.array([0, 1])), [[-1, 0], [0, -np.inf]])

    def test_tiny_probabilities_are_not_rounded_away(self):
        assert BinaryCrossEntropy().value([1e-20], [0]) == pytest.approx(1e-20, rel=1e-12)
        # p^2 * -log(1 - p) is p^3, and its slope 3 p^2.
        assert FocalLoss(2.0, None).value([1e-12], [0]) == pytest.approx(1e-36, rel=1e-11)
        slope = FocalLoss(2.0, None).derivative(np.array([1e-12]), np.array([0.0]))
        assert_allclose(slope, 3e-24, rtol=1e-11)

    @pytest.mark.parametrize("p", [5e-324, 1e-310])
    def test_subnormal_probabilities_raise_no_warning(self, p):
        # 1 / p is infinite here, though p is not zero.
        assert BinaryCrossEntropy().derivative(np.array([p]), np.array([1.0])) == -np.inf
        assert FocalLoss().derivative(np.array([p]), np.array([1.0])) == -np.inf
        row = np.array([[p, 1.0]])
        assert_array_equal(CategoricalCrossEntropy().derivative(row, np.array([0])), [[-np.inf, 0]])
        # As likely as predicted, as little as that is.
        assert_array_equal(KLDivergence().derivative(row, row), [[-1.0, -1.0]])


MARGINS = np.array([-2.0, 0.0, 0.5, 1.0, 3.0])
VALUE_AND_SLOPE = {
    "zero-one": ([1, 1, 0, 0, 0], [0, 0, 0, 0, 0]),
    "perceptron": ([2, 0, 0, 0, 0], [-1, -1, 0, 0, 0]),
    "hinge": ([3, 1, 0.5, 0, 0], [-1, -1, -1, 0, 0]),
    "squared hinge": ([9, 1, 0.25, 0, 0], [-6, -2, -1, 0, 0]),
    "exponential": (
        np.exp([2, 0, -0.5, -1, -3]),
        -np.exp([2, 0, -0.5, -1, -3]),
    ),
    "logistic": (
        np.log1p(np.exp([2, 0, -0.5, -1, -3])),
        -1 / (1 + np.exp([-2, 0, 0.5, 1, 3])),
    ),
}


class TestMargins:
    @pytest.mark.parametrize("name", MARGIN_COSTS)
    def test_values_and_subgradients(self, name):
        value, slope = VALUE_AND_SLOPE[name]
        assert_allclose(MARGIN_COSTS[name].of_margin(MARGINS), value, rtol=1e-14)
        assert_allclose(MARGIN_COSTS[name].slope(MARGINS), slope, rtol=1e-14)

    @pytest.mark.parametrize("name", MARGIN_COSTS)
    def test_only_the_margin_matters(self, name):
        cost = MARGIN_COSTS[name]
        assert_array_equal(cost.pointwise(SCORES, SIGNS), cost.pointwise(-SCORES, -SIGNS))
        assert_array_equal(cost.derivative(SCORES, SIGNS), -cost.derivative(-SCORES, -SIGNS))

    def test_curvature_at_the_margin_one(self):
        assert_array_equal(SquaredHingeLoss().curvature(MARGINS), [2, 2, 2, 0, 0])

    def test_the_surrogates_lie_above_the_zero_one_loss(self):
        m = np.linspace(-3, 3, 601)
        for name in ("hinge", "squared hinge", "exponential"):
            assert (MARGIN_COSTS[name].of_margin(m) >= ZeroOneMarginLoss().of_margin(m)).all()
        in_bits = LogisticMarginLoss().of_margin(m) / np.log(2)
        assert (in_bits >= ZeroOneMarginLoss().of_margin(m)).all()

    def test_a_perceptron_that_starts_from_zero_learns(self):
        assert_array_equal(PerceptronLoss().derivative(np.zeros(2), np.array([1.0, -1.0])), [-1, 1])

    def test_scores_beyond_one_are_normal(self):
        assert HingeLoss().value([7.8, -7.7], [1, -1]) == 0.0


class TestExtremes:
    """At scores of ten thousand: no warning (they are errors here), no NaN, the right numbers."""

    BIG = np.array([1e4, -1e4, 1e4, -1e4, 0.0])
    OF = np.array([1.0, 1.0, 0.0, 0.0, 1.0])

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_binary(self, dtype):
        z, y = self.BIG.astype(dtype), self.OF.astype(dtype)
        assert_allclose(LogisticLoss().pointwise(z, y), [0, 1e4, 1e4, 0, np.log(2)], rtol=1e-7)
        assert_allclose(LogisticLoss().derivative(z, y), [0, -1, 1, 0, -0.5])
        assert_allclose(LogisticLoss().second_derivative(z, y), [0, 0, 0, 0, 0.25])
        focal = SigmoidFocalLoss(2.0, None)
        assert_allclose(focal.pointwise(z, y), [0, 1e4, 1e4, 0, np.log(2) / 4], rtol=1e-6)
        at_half = -0.25 * (np.log(2) + 0.5)
        assert_allclose(focal.derivative(z, y), [0, -1, 1, 0, at_half], rtol=1e-6)
        assert np.isfinite(focal.second_derivative(z, y)).all()
        squared = SigmoidHalfSquaredError()
        assert_allclose(squared.pointwise(z, y), [0, 0.5, 0.5, 0, 0.125])
        assert_allclose(squared.derivative(z, y), [0, 0, 0, 0, -0.125])

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    def test_margins(self, dtype):
        m = np.array([1e4, -1e4], dtype)
        expected = {
            "zero-one": ([0, 1], [0, 0]),
            "perceptron": ([0, 1e4], [0, -1]),
            "hinge": ([0, 10001], [0, -1]),
            "squared hinge": ([0, 10001.0**2], [0, -20002]),
            "logistic": ([0, 1e4], [0, -1]),
            "exponential": ([0, np.inf], [0, -np.inf]),
        }
        for name, (value, slope) in expected.items():
            assert_allclose(MARGIN_COSTS[name].of_margin(m), value, rtol=1e-7)
            assert_allclose(MARGIN_COSTS[name].slope(m), slope, rtol=1e-7)
            assert not np.isnan(MARGIN_COSTS[name].curvature(m)).any()

    @pytest.mark.parametrize("dtype", [np.float64, np.float32])
    @pytest.mark.parametrize("cost", [SoftmaxCrossEntropy(), SoftmaxKLDivergence()])
    def test_classes(self, cost, dtype):
        z = np.array([[1e4, 0, -1e4], [-1e4, 0, 1e4], [1e4, 1e4, 1e4]], dtype)
        for target in (np.zeros(3, int), np.eye(3, dtype=dtype)[[0, 0, 0]]):
            assert_allclose(cost.pointwise(z, target), [0, 2e4, np.log(3)], rtol=1e-6)
            expected = [[0, 0, 0], [-1, 0, 1], [-2 / 3, 1 / 3, 1 / 3]]
            assert_allclose(cost.derivative(z, target), expected, rtol=1e-6)

    @pytest.mark.parametrize(("cost", "prediction", "target"), ON_SCORES, ids=names(ON_SCORES))
    def test_everything_on_scores(self, cost, prediction, target):
        extreme = np.where(prediction > 0, 1e4, -1e4)
        assert not np.isnan(cost.value(extreme, target))
        assert not np.isnan(cost.gradient(extreme, target)).any()

    def test_a_confident_right_answer_keeps_its_digits(self):
        # Written as sigmoid(z) - y, the derivative would be exactly 0 from 37 on.
        z = np.array([40.0, -40.0, 700.0])
        y = np.array([1.0, 0.0, 1.0])
        tail = np.exp([-40.0, -40.0, -700.0])
        assert_allclose(LogisticLoss().derivative(z, y), tail * [-1, 1, -1], rtol=1e-14)
        assert_allclose(LogisticLoss().pointwise(z, y), tail, rtol=1e-14)
        assert_allclose(LogisticLoss().second_derivative(z, y), tail, rtol=1e-14)
        assert_allclose(
            LogisticMarginLoss().slope(np.array([40.0, 700.0])), -tail[[0, 2]], rtol=1e-14
        )


class TestWorkedNumbers:
    """Numbers of the source documents, and of what is claimed about them."""

    def test_quadratic_cost_at_two_activations(self):
        # A sigmoid at activations 0.88 and 0.98: for target 0 the worse one learns more slowly.
        a = np.array([0.88, 0.98])
        z = np.log(a / (1 - a))
        cost = SigmoidHalfSquaredError()
        assert_allclose(cost.derivative(z, 1.0), [-0.012672, -0.000392], rtol=1e-12)
        assert_allclose(cost.derivative(z, 0.0), [0.092928, 0.019208], rtol=1e-12)
        assert_allclose(LogisticLoss().derivative(z, 0.0), a, rtol=1e-12)
        ratio = LogisticLoss().derivative(z, 0.0) / cost.derivative(z, 0.0)
        assert ratio[1] == pytest.approx(51.02, abs=0.005)

    def test_learning_is_fastest_at_two_thirds(self):
        a = np.linspace(0.5, 0.9, 4001)
        slope = SigmoidHalfSquaredError().derivative(np.log(a / (1 - a)), 0.0)
        assert a[slope.argmax()] == pytest.approx(2 / 3, abs=1e-4)
        assert slope.max() == pytest.approx(4 / 27, rel=1e-7)

    def test_squared_error_through_a_sigmoid_is_not_convex(self):
        z = np.linspace(-8, 8, 3201)
        squared = 2 * SigmoidHalfSquaredError().second_derivative(z, 1.0)
        assert squared.min() == pytest.approx(-0.1202, abs=1e-4)
        assert LogisticLoss().second_derivative(z, 1.0).min() > 0

    def test_four_classes(self):
        predict, label = [[0.1, 0.1, 0.7, 0.1]], [[0, 0, 1, 0]]
        nats = CategoricalCrossEntropy().value(predict, label)
        assert nats == pytest.approx(0.356675, abs=5e-7)
        assert np.exp(-nats) == pytest.approx(0.7)
        assert nats / np.log(2) == pytest.approx(0.514573, abs=5e-7)
        gradient = SoftmaxCrossEntropy().gradient(np.log(predict), [2])
        assert_allclose(gradient, [[0.1, 0.1, -0.3, 0.1]], rtol=1e-12)

    def test_entropy_is_not_zero_and_divergence_not_symmetric(self):
        p, uniform = [0.1, 0.1, 0.7, 0.1], [0.25] * 4
        assert entropy(p) == pytest.approx(0.940448, abs=5e-7)
        assert cross_entropy(p, p) == pytest.approx(entropy(p))
        assert cross_entropy(p, uniform) == pytest.approx(1.386294, abs=5e-7)
        assert cross_entropy(uniform, p) == pytest.approx(1.816108, abs=5e-7)
        assert kl_divergence(p, uniform) == pytest.approx(cross_entropy(p, uniform) - entropy(p))
        assert kl_divergence(p, p) == 0.0
        assert kl_divergence([0.5, 0.5], [1.0, 0.0]) == np.inf
        assert_allclose(entropy(np.eye(3)), np.zeros(3))

    def test_outliers(self):
        data = np.array([1.0, 2.0, 3.0, 4.0, 100.0])
        grid = np.arange(0.0, 101.0)
        best = {
            cost: grid[np.argmin([cost.value(np.full(5, c), data) for c in grid])]
            for cost in (SquaredError(), HalfSquaredError(), AbsoluteError())
        }
        assert list(best.values()) == [22.0, 22.0, 3.0]
        squares = SquaredError().pointwise(3.0, data)
        assert squares[-1] / squares.sum() == pytest.approx(0.9994, abs=5e-5)

    def test_squared_absolute_and_zero_one_want_mean_median_and_mode(self):
        data = np.array([1.0, 1.0, 1.0, 5.0, 6.0, 7.0, 8.0])
        grid = np.unique(np.r_[data, data.mean(), np.linspace(0, 9, 91)])
        wanted = [
            grid[np.argmin([cost.value(np.full(7, c), data) for c in grid])]
            for cost in (SquaredError(), AbsoluteError(), ZeroOneLoss())
        ]
        assert wanted == [pytest.approx(4.1429, abs=5e-5), 5.0, 1.0]
        assert ZeroOneLoss().pointwise(100.0, 0.0) == 1.0
        assert AbsoluteError().pointwise(100.0, 0.0) == 100.0

    def test_naive_cross_entropy_fails_where_the_stable_one_does_not(self):
        # AL = [.8, 1] with Y = [1, 1] and [1, 0]: the listing gives nan and inf.
        assert BinaryCrossEntropy().value([0.8], [1]) == pytest.approx(0.223144, abs=5e-7)
        assert BinaryCrossEntropy().value([0.8, 1.0], [1, 1]) == pytest.approx(
            0.223144 / 2, abs=1e-6
        )
        assert BinaryCrossEntropy().value([1.0], [0]) == np.inf
        assert LogisticLoss().value([1000.0], [0]) == 1000.0

    def test_a_surrogate_and_the_metric_can_disagree(self):
        label = np.ones(10)
        careful, bold = np.full(10, 0.51), np.r_[np.full(9, 0.999), 0.3675]
        losses = [BinaryCrossEntropy().value(p, label) for p in (careful, bold)]
        assert losses == [pytest.approx(0.673, abs=5e-4), pytest.approx(0.101, abs=5e-4)]
        wrong = [ZeroOneLoss().value(np.round(p), label) for p in (careful, bold)]
        assert wrong == [0.0, 0.1]

    def test_both_scores_are_proper(self):
        q = np.linspace(0.01, 0.99, 99)
        for cost in (SquaredError(), BinaryCrossEntropy()):
            expected = 0.3 * cost.pointwise(q, 1.0) + 0.7 * cost.pointwise(q, 0.0)
            assert q[expected.argmin()] == pytest.approx(0.3)

    def test_adaboost_weight(self):
        # Share .2 of the weight is wrong: the best step is half the log-odds.
        steps = np.linspace(0.0, 2.0, 20001)
        cost = ExponentialLoss()
        total = 0.8 * cost.of_margin(steps) + 0.2 * cost.of_margin(-steps)
        assert steps[total.argmin()] == pytest.approx(0.5 * np.log(4), abs=1e-4)


class TestBadInput:
    @pytest.mark.parametrize(
        ("cost", "prediction", "target", "message"),
        [
            (LogisticLoss(), [1.0, 2.0], [-1, 1], r"got -1: labels -1 and \+1 become 0 and 1"),
            (LogisticLoss(), [1.0, 2.0], [1, 2], "got 2: more than two classes need SoftmaxCross"),
            (LogisticLoss(), [1.0, 2.0, 3.0], [0, 1, 2], "got 2: more than two classes need"),
            (LogisticLoss(), [1.0, 2.0], [0.5, 2], "numbers between, got 2$"),
            (LogisticLoss(), [1.0, 2.0], [-3, 1], "numbers between, got -3$"),
            (LogisticLoss(), [1.0], [1.5], "labels 0 and 1, or numbers between, got 1.5$"),
            (LogisticLoss(), [1.0], [-0.5], "numbers between, got -0.5$"),
            (SigmoidFocalLoss(), [1.0], [0.5], "labels 0 and 1, got 0.5$"),
            (HingeLoss(), [1.0, 2.0], [0, 1], r"got 0: labels 0 and 1 become -1 and \+1 by 2 \* y"),
            (HingeLoss(), [1.0, 2.0], [3, 1], r"-1 and \+1, which HingeLoss\(\).*got 3: recode"),
            (BinaryCrossEntropy(), [2.3], [1], "from 0 to 1, got 2.3: scores .* LogisticLoss"),
            (FocalLoss(), [-0.1], [1], "got -0.1: scores .* belong to SigmoidFocalLoss"),
            (CategoricalCrossEntropy(), [[2.0, -1.0]], [0], "got 2: scores .* SoftmaxCrossEntropy"),
            (CategoricalCrossEntropy(), [[0.7, 0.7]], [0], "sum to 1, got a sum of 1.4"),
            (SoftmaxCrossEntropy(), [[1.0, 2.0]], [2], "below 2, the number of columns.*got 2"),
            (SoftmaxCrossEntropy(), [[1.0, 2.0]], [-1], "class numbers 0, 1, 2.*got -1"),
            (SoftmaxCrossEntropy(), [[1.0, 2.0]], [0.5], "got 0.5: numpy.unique"),
            (SoftmaxCrossEntropy(), [[1.0, 2.0]], [-0.5], "got -0.5: numpy.unique"),
            (SoftmaxCrossEntropy(), [[1.0, 2.0]], [0, 1], "same number of samples"),
            (SoftmaxCrossEntropy(), [[1.0, 2.0]], [[1.0, 1.0]], "sum to 1, got a sum of 2"),
            (SoftmaxCrossEntropy(), [[1.0, 2.0]], [[0.0, 0.0, 1.0]], "must have the same shape"),
            (SoftmaxCrossEntropy(), [1.0, 2.0], [0, 1], r"2 dimension\(s\), got shape \(2,\)"),
            (SquaredError(), [[1.0], [2.0]], [1.0, 2.0], r"pair each prediction.*\.ravel\(\)"),
            (SquaredError(), [1.0, 2.0], [1.0], r"got \(2,\) and \(1,\)$"),
            (SquaredError(), [[1.0, 2.0]], [1.0], r"got \(1, 2\) and \(1,\)$"),
            (SquaredError(), [[1.0, 2.0]], [1.0, 2.0], r"got \(1, 2\) and \(2,\)$"),
            (SquaredError(), [1.0, np.nan], [1.0, 1.0], "prediction must hold finite numbers"),
            (SquaredError(), [], [], "at least one sample, got none"),
        ],
    )
    def test_says_what_is_wrong(self, cost, prediction, target, message):
        for method in (cost.value, cost.gradient):
            with pytest.raises(ValueError, match=message):
                method(prediction, target)

    @pytest.mark.parametrize(
        ("weight", "message"),
        [([1.0], "shape"), ([1.0, -1.0], "must not be negative, got -1"), ([0, 0], "left out")],
    )
    def test_sample_weight(self, weight, message):
        with pytest.raises(ValueError, match=message):
            SquaredError().value([1.0, 2.0], [1.0, 2.0], weight)

    def test_settings(self):
        for bad in (
            lambda: HuberLoss(0.0),
            lambda: RelaxedZeroOneLoss(-1.0),
            lambda: FocalLoss(gamma=-1.0),
            lambda: FocalLoss(alpha=1.5),
        ):
            with pytest.raises(ValueError, match="must be a finite number"):
                bad()

    def test_the_name_of_the_argument_can_be_the_callers(self):
        for cost in (LogisticLoss(), HingeLoss(), SoftmaxCrossEntropy(), SquaredError()):
            with pytest.raises(ValueError, match=r"^y must hold"):
                cost.check_target([np.nan], "y")

    def test_distributions(self):
        with pytest.raises(ValueError, match=r"^q must hold distributions.*sum of 0.5"):
            kl_divergence([0.5, 0.5], [0.25, 0.25])
        with pytest.raises(ValueError, match=r"^p must hold probabilities, from 0 to 1, got -0.5"):
            entropy([1.5, -0.5][::-1])
