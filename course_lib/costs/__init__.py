r"""Costs: how wrong a prediction is, and in which direction to change it.

Chapter: *Cost functions*. A cost compares one prediction with one target,
:math:`\ell(\hat y, y)`; its value on a batch is the mean over samples (summed over outputs where a
sample has several). Every class states its pointwise formula and the derivatives with respect to
the prediction, and inherits the rest.

================ ================================================================================
prediction       costs
================ ================================================================================
a number         `HalfSquaredError`, `SquaredError`, `AbsoluteError`, `HuberLoss`,
                 `RelaxedZeroOneLoss`; a label: `ZeroOneLoss`
a probability    `BinaryCrossEntropy`, `FocalLoss`; one a class: `CategoricalCrossEntropy`,
                 `KLDivergence`
a score (logit)  labels 0 and 1: `LogisticLoss`, `SigmoidHalfSquaredError`, `SigmoidFocalLoss`;
                 labels -1 and +1: `ZeroOneMarginLoss`, `PerceptronLoss`, `HingeLoss`,
                 `SquaredHingeLoss`, `LogisticMarginLoss`, `ExponentialLoss`;
                 classes: `SoftmaxCrossEntropy`, `SoftmaxKLDivergence`
================ ================================================================================

What a cost asks for where the truth is known: `expected_cost`, `best_prediction`, and the other way
round, from a score to the probability it stands for, `implied_probability`.

>>> LogisticLoss().value([2.0, -1.0], [1, 0])
0.2200948492805977
"""

from course_lib.costs.base import Cost
from course_lib.costs.binary import (
    BinaryCrossEntropy,
    FocalLoss,
    LogisticLoss,
    SigmoidFocalLoss,
    SigmoidHalfSquaredError,
)
from course_lib.costs.categorical import (
    CategoricalCrossEntropy,
    KLDivergence,
    SoftmaxCrossEntropy,
    SoftmaxKLDivergence,
)
from course_lib.costs.divergences import cross_entropy, entropy, kl_divergence
from course_lib.costs.margins import (
    MARGIN_COSTS,
    ExponentialLoss,
    HingeLoss,
    LogisticMarginLoss,
    MarginCost,
    PerceptronLoss,
    SquaredHingeLoss,
    ZeroOneMarginLoss,
)
from course_lib.costs.regression import (
    AbsoluteError,
    HalfSquaredError,
    HuberLoss,
    RelaxedZeroOneLoss,
    SquaredError,
    ZeroOneLoss,
)
from course_lib.costs.scoring import best_prediction, expected_cost, implied_probability

__all__ = [
    "MARGIN_COSTS",
    "AbsoluteError",
    "BinaryCrossEntropy",
    "CategoricalCrossEntropy",
    "Cost",
    "ExponentialLoss",
    "FocalLoss",
    "HalfSquaredError",
    "HingeLoss",
    "HuberLoss",
    "KLDivergence",
    "LogisticLoss",
    "LogisticMarginLoss",
    "MarginCost",
    "PerceptronLoss",
    "RelaxedZeroOneLoss",
    "SigmoidFocalLoss",
    "SigmoidHalfSquaredError",
    "SoftmaxCrossEntropy",
    "SoftmaxKLDivergence",
    "SquaredError",
    "SquaredHingeLoss",
    "ZeroOneLoss",
    "ZeroOneMarginLoss",
    "best_prediction",
    "cross_entropy",
    "entropy",
    "expected_cost",
    "implied_probability",
    "kl_divergence",
]
