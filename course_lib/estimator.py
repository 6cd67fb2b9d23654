"""What the scikit-learn estimators of this library share.

An estimator here is a thin coat over a module of floor 2: it checks what comes in through
scikit-learn's own validation (so that data frames, feature names, pipelines and cloning work as
everywhere), keeps ``float32`` as ``float32``, and leaves the mathematics to the module.

This module imports scikit-learn. Nothing below floor 3 may import it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from numbers import Real
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import BaseEstimator
from sklearn.utils.multiclass import check_classification_targets
from sklearn.utils.validation import check_is_fitted, validate_data

from course_lib.validation import FloatArray, check_array, check_choice

FLOATS = (np.float64, np.float32)


def training_data(estimator: BaseEstimator, X: ArrayLike, **rules: Any) -> FloatArray:
    """Return ``X`` checked for a `fit` without targets.

    It becomes a finite array of shape (n_samples, n_features) of ``float64`` or, if it came so, of
    ``float32``. The estimator remembers the number and the names of the features.

    Parameters
    ----------
    estimator, X
        Who asks, and what for.
    **rules
        Further arguments of ``sklearn.utils.validation.validate_data``.
    """
    return validate_data(estimator, X, dtype=FLOATS, **rules)


def training_pairs(
    estimator: BaseEstimator, X: ArrayLike, y: ArrayLike, **rules: Any
) -> tuple[FloatArray, NDArray[Any]]:
    """Return ``X``, as `training_data` does, and the targets ``y`` that belong to its rows.

    Parameters
    ----------
    estimator, X, y
        Who asks, and what for.
    **rules
        Further arguments of ``sklearn.utils.validation.validate_data``; ``y_numeric=True`` for a
        regressor, ``multi_output=True`` where ``y`` may have columns.
    """
    return validate_data(estimator, X, y, dtype=FLOATS, **rules)


def new_data(estimator: BaseEstimator, X: ArrayLike, **rules: Any) -> FloatArray:
    """Return ``X`` checked for `predict` or `transform`: the estimator is fitted, the features fit.

    Parameters
    ----------
    estimator, X, **rules
        As in `training_data`.
    """
    check_is_fitted(estimator)
    return validate_data(estimator, X, dtype=FLOATS, reset=False, **rules)


def encode_classes(y: ArrayLike) -> tuple[NDArray[Any], NDArray[np.intp]]:
    """Return the sorted class labels of ``y`` and every sample's index into them.

    Raises
    ------
    ValueError
        If ``y`` holds real numbers that are no labels, or a single class.
    """
    # Whole numbers, booleans and words are labels; only what else comes has to be looked at.
    if np.asarray(y).dtype.kind not in "biuU":
        check_classification_targets(y)
    classes, codes = _sorted_values(np.asarray(y))
    if len(classes) < 2:
        raise ValueError(
            f"y must hold at least two classes, got 1 class ({classes[0]!r}): with one class there "
            "is nothing to tell apart"
        )
    return classes, codes


def _sorted_values(y: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.intp]]:
    if y.dtype.kind == "i" and y.size:
        low, high = int(y.min()), int(y.max())
        if high - low < y.size:
            # Whole numbers close together are counted, which takes no comparisons.
            numbers = y.astype(np.int64, copy=False) - low
            occurs = np.bincount(numbers) > 0
            classes = (np.flatnonzero(occurs) + low).astype(y.dtype)
            return classes, (np.cumsum(occurs) - 1)[numbers]
    return np.unique(y, return_inverse=True)


def sample_weights(
    weights: ArrayLike | float | None,
    X: FloatArray,
    *,
    class_weight: dict[Any, float] | str | None = None,
    y: NDArray[Any] | None = None,
) -> FloatArray | None:
    """Return one weight a sample, or None where all count the same.

    Parameters
    ----------
    weights
        The ``sample_weight`` of `fit`: None, one number for all, or shape (n_samples,).
    X
        The samples, for their number and their dtype.
    class_weight
        Weights by label, or ``"balanced"`` for ``n_samples / (n_classes * class size)``, which
        gives every class the same total. They multiply the sample weights.
    y
        The labels; needed with ``class_weight``.

    Raises
    ------
    ValueError
        If a weight is negative, or all are zero.
    """
    if weights is None and class_weight is None:
        return None
    if weights is None or isinstance(weights, Real):
        checked = np.full(len(X), 1.0 if weights is None else weights, dtype=X.dtype)
    else:
        checked = check_array("sample_weight", weights, shape=(len(X),)).astype(X.dtype)
    if checked.min() < 0 or not checked.any():
        raise ValueError(
            "sample_weight must hold no negative number and not be zero for all samples, got "
            f"values from {checked.min():g} to {checked.max():g}"
        )
    if class_weight is not None:
        classes, codes = np.unique(y, return_inverse=True)
        checked *= _class_factors(class_weight, classes, codes, checked).astype(X.dtype)[codes]
    return checked


def _class_factors(
    class_weight: dict[Any, float] | str,
    classes: NDArray[Any],
    codes: NDArray[np.intp],
    weights: FloatArray,
) -> FloatArray:
    if isinstance(class_weight, dict):
        unknown = [label for label in class_weight if label not in classes]
        if unknown:
            raise ValueError(
                f"class_weight must have labels found in y as its keys, got {unknown}; y holds the "
                f"classes {classes.tolist()}"
            )
        return np.array([class_weight.get(label, 1.0) for label in classes.tolist()])
    check_choice("class_weight", class_weight, ["balanced"])
    totals = np.bincount(codes, weights)
    # A class whose samples all weigh nothing stays at nothing.
    totals[totals == 0] = np.inf
    return weights.sum() / (len(classes) * totals)


class LinearScores:
    """`decision_function` and `predict` of a classifier with ``coef_`` and ``intercept_``.

    With two classes there is one row of coefficients and one score a sample, positive for
    ``classes_[1]``; with more there is one of each for every class, and the highest score wins.
    """

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return the scores, shape (n_samples,) for two classes, else (n_samples, n_classes)."""
        data = new_data(self, X)
        scores = data @ self.coef_.T + self.intercept_
        return scores.ravel() if scores.shape[1] == 1 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the predicted label of every row of ``X``, shape (n_samples,)."""
        scores = self.decision_function(X)
        codes = (scores > 0).astype(np.intp) if scores.ndim == 1 else scores.argmax(axis=1)
        return self.classes_[codes]


class SoftmaxProbabilities:
    """`predict_proba` and `predict_log_proba` of a classifier whose scores are log-odds.

    One score :math:`z` a sample is the log-odds of the second class against the first: it stands
    for the scores :math:`(0, z)`, and the softmax of the two is the sigmoid.
    """

    def predict_log_proba(self, X: ArrayLike) -> FloatArray:
        """Return the logarithm of the class probabilities, shape (n_samples, n_classes)."""
        scores = self.decision_function(X)
        if scores.ndim == 1:
            scores = np.column_stack([np.zeros_like(scores), scores])
        # Subtracting the largest score changes nothing but keeps exp from overflowing.
        shifted = scores - scores.max(axis=1, keepdims=True)
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))

    def predict_proba(self, X: ArrayLike) -> FloatArray:
        """Return the class probabilities, shape (n_samples, n_classes)."""
        return np.exp(self.predict_log_proba(X))


def random_generator(random_state: int | np.random.Generator | None) -> np.random.Generator:
    """Return a generator made from the ``random_state`` of an estimator.

    Parameters
    ----------
    random_state
        A seed; a generator, which is used as it is; or None for a fresh one every time. The older
        ``numpy.random.RandomState`` is taken too, since scikit-learn's tools may pass it.
    """
    if isinstance(random_state, np.random.RandomState):
        return np.random.default_rng(random_state.randint(2**31))
    return np.random.default_rng(random_state)


@contextmanager
def progress_bar(show: bool, total: int) -> Iterator[Callable[..., None]]:
    """Yield a function that moves a progress bar by one and writes values beside it.

    Parameters
    ----------
    show
        Whether there is a bar at all; without one the function does nothing.
    total
        The number of steps at most.

    Raises
    ------
    ImportError
        If a bar is wanted and tqdm is not installed.
    """
    if not show:
        yield lambda **values: None
        return
    try:
        from tqdm.auto import tqdm
    except ImportError:
        raise ImportError(
            "progress=True needs tqdm: install it, or give callbacks= of your own"
        ) from None
    with tqdm(total=total) as bar:

        def advance(**values: str) -> None:
            bar.set_postfix(values, refresh=False)
            bar.update()

        yield advance
