r"""What a cost asks for: the best prediction under a known probability, and its inverse.

If the answer is *yes* with probability :math:`\pi`, a prediction :math:`s` costs on average

.. math:: \bar\ell(s, \pi) = \pi\, \ell(s, \text{yes}) + (1 - \pi)\, \ell(s, \text{no}) .

A cost of probabilities is *proper* if no report beats the honest one, :math:`s = \pi` [1]_. For
costs of scores the derivative says which probability a score stands for:

.. math:: \pi\, \ell'(s, \text{yes}) + (1 - \pi)\, \ell'(s, \text{no}) = 0
          \quad\Longrightarrow\quad
          \pi = \frac{\ell'(s, \text{no})}{\ell'(s, \text{no}) - \ell'(s, \text{yes})} .

References
----------
.. [1] T. Gneiting and A. E. Raftery, "Strictly proper scoring rules, prediction, and estimation",
   Journal of the American Statistical Association 102 (2007), pp. 359-378.
.. [2] M. D. Reid and R. C. Williamson, "Composite binary losses", Journal of Machine Learning
   Research 11 (2010), pp. 2387-2422.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from course_lib.costs.base import Cost
from course_lib.costs.margins import MarginCost
from course_lib.validation import FloatArray, check_array, check_real, check_vector


def expected_cost(cost: Cost, prediction: ArrayLike, probability: float) -> FloatArray:
    """Return what each prediction costs on average if the answer is yes with ``probability``.

    Parameters
    ----------
    cost
        Of two classes; margin costs call them -1 and +1, all others 0 and 1.
    prediction
        Shape (n_predictions,).
    probability
        From 0 to 1.

    Examples
    --------
    >>> from course_lib.costs import SquaredError
    >>> expected_cost(SquaredError(), [0.0, 0.3, 1.0], 0.3).round(2).tolist()
    [0.3, 0.21, 0.7]
    """
    candidates = check_vector("prediction", cost.check_prediction(prediction))
    pi = check_real("probability", probability, at_least=0, at_most=1)
    no, yes = _labels(cost)
    if pi in (0.0, 1.0):  # What never happens costs nothing, even where it would cost infinity.
        return cost.pointwise(candidates, np.full_like(candidates, yes if pi else no))
    return pi * cost.pointwise(candidates, np.full_like(candidates, yes)) + (
        1.0 - pi
    ) * cost.pointwise(candidates, np.full_like(candidates, no))


def best_prediction(cost: Cost, candidates: ArrayLike, probability: float) -> float:
    """Return the candidate with the lowest expected cost, the first if several share it.

    Examples
    --------
    >>> from course_lib.costs import AbsoluteError, SquaredError
    >>> grid = np.linspace(0, 1, 101)
    >>> best_prediction(SquaredError(), grid, 0.3), best_prediction(AbsoluteError(), grid, 0.3)
    (0.3, 0.0)
    """
    averages = expected_cost(cost, candidates, probability)
    if averages.size == 0:
        raise ValueError("candidates must hold at least one prediction, got none")
    return float(np.asarray(candidates, dtype=float)[np.argmin(averages)])


def implied_probability(cost: Cost, prediction: ArrayLike) -> FloatArray:
    """Return the probability of *yes* under which each prediction would be the best.

    Of a cost that is proper, that is the prediction itself. NaN where the cost is flat for both
    answers, so that the prediction tells nothing.

    Parameters
    ----------
    cost
        Of two classes; margin costs call them -1 and +1, all others 0 and 1.
    prediction
        Scores or probabilities, any shape with one or two dimensions.

    Examples
    --------
    >>> from course_lib.costs import ExponentialLoss, HingeLoss
    >>> implied_probability(ExponentialLoss(), [0.0, 0.5]).round(4).tolist()
    [0.5, 0.7311]
    >>> implied_probability(HingeLoss(), [-0.9, 0.0, 0.9]).tolist()
    [0.5, 0.5, 0.5]
    """
    scores = check_array("prediction", cost.check_prediction(prediction), ndim=(1, 2))
    no, yes = _labels(cost)
    up = cost.derivative(scores, np.full_like(scores, no))
    down = -cost.derivative(scores, np.full_like(scores, yes))
    with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
        # One of the two may be infinite: the quotient of the smaller by the larger is safe.
        ratio = np.minimum(up, down) / np.maximum(up, down)
        smaller = ratio / (1.0 + ratio)
    return np.where(up <= down, smaller, 1.0 - smaller)


def _labels(cost: Cost) -> tuple[float, float]:
    """Return what the cost calls *no* and *yes*."""
    return (-1.0, 1.0) if isinstance(cost, MarginCost) else (0.0, 1.0)
