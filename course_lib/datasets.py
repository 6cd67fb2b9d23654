"""Small data sets that belong to the course.

The large real ones come from scikit-learn's bundled collection.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from course_lib.validation import FloatArray


class Dataset(NamedTuple):
    """A data matrix, its targets, and what their columns mean."""

    X: FloatArray
    y: FloatArray
    feature_names: tuple[str, ...]
    target_name: str


def salaries() -> Dataset:
    """Return five people: years of experience and monthly salary.

    The toy set on which one of the source documents trains a linear unit.
    """
    return Dataset(
        X=np.array([[5.0], [3.0], [8.0], [1.4], [10.1]]),
        y=np.array([5500.0, 2300.0, 7600.0, 1800.0, 11400.0]),
        feature_names=("years of experience",),
        target_name="monthly salary",
    )
