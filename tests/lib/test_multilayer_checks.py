"""scikit-learn's full suite of checks, with no expected failure."""

import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_lib.multilayer import MultilayerClassifier, MultilayerRegressor

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning"
)


@parametrize_with_checks(
    [
        MultilayerClassifier(max_iter=100),
        MultilayerRegressor(max_iter=100),
        MultilayerClassifier((20,), "tanh", optimizer="nesterov", step_size=0.1, l2=1e-3),
        MultilayerRegressor(
            (20, 10), "gelu", normalization="layer", l1=1e-4, max_gradient_norm=1.0, batch_size=32
        ),
    ]
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
