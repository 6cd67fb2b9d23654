"""Class labels of the linear classifiers, in `fit` and in `partial_fit`."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.estimator import encode_classes, sample_weights, training_pairs
from course_lib.validation import FloatArray


def training_labels(
    learner: Any, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | None
) -> tuple[FloatArray, NDArray[np.intp], FloatArray | None]:
    """Return the data, the class number of every sample and its weight; remember the classes.

    Samples of weight 0 are left out. The weights have mean 1: the mean of the costs is a weighted
    one.
    """
    data, labels = training_pairs(learner, X, y)
    learner.classes_, codes = encode_classes(labels)
    weight = sample_weights(sample_weight, data, class_weight=learner.class_weight, y=labels)
    if weight is not None and not weight.all():
        present = weight > 0
        data, labels, weight = data[present], labels[present], weight[present]
        learner.classes_, codes = encode_classes(labels)
    return data, codes, None if weight is None else weight / weight.mean()


def first_classes(learner: Any, classes: ArrayLike | None) -> bool:
    """Return whether this is the first `partial_fit`, and then remember all ``classes``.

    Raises
    ------
    ValueError
        If the first call does not say what classes there will be, or a later one says otherwise.
    """
    known = getattr(learner, "classes_", None)
    if classes is None:
        if known is None:
            raise ValueError(
                "classes must be given in the first call of partial_fit: all labels there will be, "
                "for the first samples may not show them"
            )
        return False
    given, _ = encode_classes(classes)
    if known is None:
        learner.classes_ = given
        return True
    if not np.array_equal(known, given):
        raise ValueError(
            f"classes must be the same in every call of partial_fit, got {given.tolist()} after "
            f"{known.tolist()}"
        )
    return False


def codes_of_known(learner: Any, labels: NDArray[Any]) -> NDArray[np.intp]:
    """Return the class number of every label, which must be one of ``classes_``."""
    unknown = np.setdiff1d(labels, learner.classes_)
    if unknown.size:
        raise ValueError(
            f"y must hold the classes that the first call of partial_fit named, "
            f"{learner.classes_.tolist()}, got {unknown.tolist()}"
        )
    return np.searchsorted(learner.classes_, labels)


def learns_in_passes(solver: str) -> Callable[[Any], bool]:
    """Return the test whether a learner has a `partial_fit`: with that solver it has."""

    def test(learner: Any) -> bool:
        if learner.solver != solver:
            raise AttributeError(
                f"partial_fit needs solver={solver!r}, got solver={learner.solver!r}, which needs "
                "all samples at once"
            )
        return True

    return test
