"""Multi-layer networks as scikit-learn estimators.

Chapters: *Backpropagation*, *Regularization*, *Tuning hyperparameters*. The network is in
`course_lib.networks`, the loop in `course_lib.training`; here they take scikit-learn's shape, so
that pipelines, grid searches and cross-validation accept them.

This package imports scikit-learn.
"""

from course_lib.multilayer.base import Multilayer
from course_lib.multilayer.classifier import MultilayerClassifier
from course_lib.multilayer.regressor import MultilayerRegressor

__all__ = ["Multilayer", "MultilayerClassifier", "MultilayerRegressor"]
