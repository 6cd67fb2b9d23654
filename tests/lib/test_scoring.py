"""Expected costs, the predictions they ask for, and the probabilities that these stand for."""

import numpy as np
import pytest
from scipy.optimize import minimize_scalar
from scipy.special import expit, logit

from course_lib.costs import (
    AbsoluteError,
    BinaryCrossEntropy,
    ExponentialLoss,
    FocalLoss,
    HalfSquaredError,
    HingeLoss,
    LogisticLoss,
    LogisticMarginLoss,
    PerceptronLoss,
    SigmoidFocalLoss,
    SigmoidHalfSquaredError,
    SquaredError,
    SquaredHingeLoss,
    best_prediction,
    expected_cost,
    implied_probability,
)

GRID = np.linspace(0.0, 1.0, 10_001)
PROBABILITIES = (0.05, 0.3, 0.5, 0.8)


@pytest.mark.parametrize("cost", [SquaredError(), HalfSquaredError(), BinaryCrossEntropy()])
@pytest.mark.parametrize("probability", PROBABILITIES)
def test_proper_costs_reward_honesty(cost, probability):
    assert best_prediction(cost, GRID, probability) == pytest.approx(probability, abs=1e-4)


def test_absolute_and_focal_costs_do_not():
    assert best_prediction(AbsoluteError(), GRID, 0.3) == 0.0
    assert best_prediction(AbsoluteError(), GRID, 0.7) == 1.0
    assert best_prediction(FocalLoss(2.0, None), GRID, 0.3) == pytest.approx(0.4214, abs=2e-4)


@pytest.mark.parametrize("probability", PROBABILITIES)
def test_best_scores_have_their_closed_forms(probability):
    scores = np.linspace(-4.0, 4.0, 8001)
    expected = {
        LogisticLoss(): logit(probability),
        LogisticMarginLoss(): logit(probability),
        ExponentialLoss(): logit(probability) / 2.0,
        SigmoidHalfSquaredError(): logit(probability),
        SquaredHingeLoss(): 2.0 * probability - 1.0,
        PerceptronLoss(): 0.0,
    }
    for cost, best in expected.items():
        found = best_prediction(cost, scores, probability)
        assert found == pytest.approx(best, abs=1.1e-3), cost


@pytest.mark.parametrize(
    "cost",
    [
        LogisticLoss(), LogisticMarginLoss(), ExponentialLoss(), SquaredHingeLoss(),
        SigmoidFocalLoss(2.0, None), SigmoidFocalLoss(0.5, None), SigmoidHalfSquaredError(),
    ],
)  # fmt: skip
@pytest.mark.parametrize("probability", PROBABILITIES)
def test_implied_probability_undoes_the_minimization(cost, probability):
    best = minimize_scalar(
        lambda s: expected_cost(cost, [s], probability)[0], bounds=(-8.0, 8.0), method="bounded",
        options={"xatol": 1e-10},
    ).x  # fmt: skip
    assert implied_probability(cost, [best])[0] == pytest.approx(probability, abs=1e-6)


def test_implied_probabilities_in_closed_form():
    scores = np.array([-800.0, -30.0, -1.0, 0.0, 2.0, 30.0, 800.0])
    assert np.allclose(implied_probability(LogisticLoss(), scores), expit(scores), rtol=1e-12)
    assert np.allclose(implied_probability(ExponentialLoss(), scores), expit(2.0 * scores))
    inside = np.array([0.01, 0.5, 0.9])
    assert np.allclose(implied_probability(BinaryCrossEntropy(), inside), inside)
    assert np.allclose(implied_probability(SquaredError(), inside), inside)


def test_hinge_scores_tell_the_side_alone():
    found = implied_probability(HingeLoss(), [-2.0, -0.5, 0.5, 2.0])
    assert found.tolist() == [0.0, 0.5, 0.5, 1.0]
    assert implied_probability(PerceptronLoss(), [-0.1, 0.1]).tolist() == [0.0, 1.0]


def test_what_never_happens_costs_nothing():
    assert expected_cost(BinaryCrossEntropy(), [1.0], 1.0)[0] == 0.0
    assert expected_cost(BinaryCrossEntropy(), [0.0], 0.0)[0] == 0.0


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="probability"):
        expected_cost(SquaredError(), [0.5], 1.5)
    with pytest.raises(ValueError, match="candidates"):
        best_prediction(SquaredError(), [], 0.5)
    with pytest.raises(ValueError, match="prediction"):
        implied_probability(BinaryCrossEntropy(), [1.5])
