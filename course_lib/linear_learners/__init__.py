r"""Linear learners, as scikit-learn estimators.

Chapter: *Linear learners*. All of them compute the score :math:`x^\top w + b` and move one flat
vector :math:`(w, b)`. They differ in the cost of a score, the penalty on the weights, and the way
down:

===================== ==================== ============= =======================================
learner               cost                 penalty       way down
===================== ==================== ============= =======================================
`Perceptron`          perceptron           none          from mistake to mistake
`LinearUnit`          half squared         none          sample by sample: the delta rule
`LinearRegression`    half squared         none          conjugate gradients, or any optimizer
`Ridge`               half squared         L2            the same
`Lasso`               half squared         L1            proximal gradient (FISTA, ISTA)
`ElasticNet`          half squared         L1 and L2     the same
`LogisticRegression`  log loss, softmax    L1, L2, both  L-BFGS, FISTA, any optimizer, samples
`LinearSVC`           hinge                L2            subgradients, Pegasos
===================== ==================== ============= =======================================

**One convention.** Costs are means over the samples, and ``alpha`` is the factor :math:`\lambda` of
the penalty :math:`\lambda (\rho \sum |w| + \frac{1 - \rho}{2} \sum w^2)`. Biases are never
penalised.
"""

from course_lib.linear_learners.linear_regression import (
    ElasticNet,
    Lasso,
    LinearRegression,
    Ridge,
)
from course_lib.linear_learners.linear_unit import LinearUnit
from course_lib.linear_learners.logistic_regression import LogisticRegression
from course_lib.linear_learners.perceptron import Perceptron, mistake_bound
from course_lib.linear_learners.proximal import proximal_descent
from course_lib.linear_learners.subgradient import HingeOverBias, subgradient_descent
from course_lib.linear_learners.support_vector import LinearSVC

__all__ = [
    "ElasticNet",
    "HingeOverBias",
    "Lasso",
    "LinearRegression",
    "LinearSVC",
    "LinearUnit",
    "LogisticRegression",
    "Perceptron",
    "Ridge",
    "mistake_bound",
    "proximal_descent",
    "subgradient_descent",
]
