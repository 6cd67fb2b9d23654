"""scikit-learn's full suite of checks; where one cannot pass, the reason."""

import pytest
from sklearn.exceptions import ConvergenceWarning
from sklearn.utils.estimator_checks import parametrize_with_checks

from course_lib.multilayer import MultilayerClassifier, MultilayerRegressor

pytestmark = pytest.mark.filterwarnings(
    f"ignore::{ConvergenceWarning.__module__}.ConvergenceWarning"
)

BALANCED = (
    "'balanced' needs all samples, and partial_fit sees some: it refuses, as SGDClassifier does"
)


def reasons(estimator):
    """Return the checks that cannot pass, with the reason. The defaults have none."""
    if estimator.dropout:
        why = "a sample of weight 2 has one dropout mask, the same sample twice has two"
        return {"check_sample_weight_equivalence_on_dense_data": why}
    if estimator.normalization == "batch":
        why = "the mean and variance of a batch count samples, not weights, as in PyTorch and Keras"
        return {"check_sample_weight_equivalence_on_dense_data": why}
    if getattr(estimator, "class_weight", None) == "balanced":
        return {
            "check_fit_score_takes_y": BALANCED,
            "check_n_features_in_after_fitting": BALANCED,
            "check_estimators_partial_fit_n_features": BALANCED,
        }
    return {}


@parametrize_with_checks(
    [
        MultilayerClassifier(),
        MultilayerRegressor(),
        MultilayerClassifier((20,), "tanh", optimizer="nesterov", step_size=0.1, l2=1e-3),
        MultilayerClassifier(normalization="layer"),
        MultilayerClassifier(normalization="batch"),
        MultilayerClassifier(dropout=0.1),
        MultilayerClassifier(class_weight="balanced"),
        MultilayerRegressor(
            (20, 10), "gelu", normalization="layer", l1=1e-4, max_gradient_norm=1.0, batch_size=32
        ),
        MultilayerRegressor(normalization="batch"),
        MultilayerRegressor(dropout=0.1),
    ],
    expected_failed_checks=reasons,
)
def test_scikit_learn_checks(estimator, check):
    check(estimator)
