"""A multi-layer network that classifies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray
from sklearn.base import ClassifierMixin

from course_lib.costs import SoftmaxCrossEntropy
from course_lib.costs.base import Cost
from course_lib.estimator import (
    SoftmaxProbabilities,
    encode_classes,
    sample_weights,
    training_pairs,
)
from course_lib.multilayer.base import Multilayer
from course_lib.training import History
from course_lib.validation import FloatArray, check_integer


@dataclass(eq=False, repr=False, kw_only=True)
class MultilayerClassifier(SoftmaxProbabilities, ClassifierMixin, Multilayer):
    """A multi-layer network with a softmax, trained on the cross-entropy.

    Parameters
    ----------
    class_weight : dict or "balanced", optional
        Weights by label; "balanced" gives every class the same total.
    hidden_layer_sizes, activation, normalization, dropout, ...
        The others are those of `Multilayer`.

    Attributes
    ----------
    classes_ : ndarray of shape (n_classes,)
    network_, theta_, history_, ...
        As for `Multilayer`.

    Examples
    --------
    >>> from sklearn.datasets import load_digits
    >>> X, y = load_digits(return_X_y=True)
    >>> classifier = MultilayerClassifier((50,), batch_size=32, random_state=0)
    >>> classifier.fit(X[:1500] / 16, y[:1500]).score(X[1500:] / 16, y[1500:]) > 0.9
    True
    """

    class_weight: dict[Any, float] | str | None = None

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | float | None = None
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X
            Shape (n_samples, n_features). With ``float32`` everything stays ``float32``.
        y
            Labels, shape (n_samples,).
        sample_weight
            Shape (n_samples,), not negative; all the same if not given.
        """
        goes_on = self.warm_start and hasattr(self, "network_")
        X, y = training_pairs(self, X, y, reset=not goes_on)
        classes, codes = encode_classes(y)
        weight = sample_weights(sample_weight, X, class_weight=self.class_weight, y=y)
        if goes_on:
            codes = self._codes(y)
            X = X.astype(self.theta_.dtype, copy=False)
        else:
            self.classes_ = classes
            self._start(len(classes), X.dtype)
        self.history_, self.optimizer_state_ = History(), None
        epochs = check_integer("max_iter", self.max_iter, at_least=1)
        self._train(X, codes, weight, epochs)
        self._warn_if_not_converged()
        return self

    def partial_fit(
        self,
        X: ArrayLike,
        y: ArrayLike,
        classes: ArrayLike | None = None,
        sample_weight: ArrayLike | float | None = None,
    ) -> Self:
        """Train for one more epoch, on these samples.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        classes
            All labels that will ever come. Needed in the first call.
        """
        first = not hasattr(self, "network_")
        X, y = training_pairs(self, X, y, reset=first)
        if first:
            if classes is None:
                raise ValueError(
                    "the first call of partial_fit must be told classes=, all the labels that will "
                    "ever come: these samples may not have them all"
                )
            self.classes_ = encode_classes(classes)[0]
            self._start(len(self.classes_), X.dtype)
        elif classes is not None and not np.array_equal(self.classes_, np.unique(classes)):
            raise ValueError(
                f"classes must be those of the first call, {self.classes_.tolist()}, got "
                f"{np.unique(classes).tolist()}"
            )
        if self.class_weight == "balanced":
            raise ValueError(
                "class_weight='balanced' needs to see all samples, and partial_fit does not: give "
                "the weights as a dict"
            )
        codes = self._codes(y)
        weight = sample_weights(sample_weight, X, class_weight=self._weights_of(y), y=y)
        return self._train(X.astype(self.theta_.dtype, copy=False), codes, weight, 1, one_pass=True)

    def decision_function(self, X: ArrayLike) -> FloatArray:
        """Return the scores before the softmax, shape (n_samples, n_classes).

        With two classes their difference, the log-odds of ``classes_[1]``, shape (n_samples,).
        """
        scores = self._outputs(X)
        return scores[:, 1] - scores[:, 0] if scores.shape[1] == 2 else scores

    def predict(self, X: ArrayLike) -> NDArray[Any]:
        """Return the most probable label of every row of ``X``, shape (n_samples,)."""
        codes = self._outputs(X).argmax(axis=1)
        return self.classes_[codes]

    def _codes(self, y: NDArray[Any]) -> NDArray[np.intp]:
        unknown = np.setdiff1d(y, self.classes_)
        if unknown.size:
            raise ValueError(
                f"y must hold the classes {self.classes_.tolist()}, got also {unknown.tolist()}"
            )
        return np.searchsorted(self.classes_, y)

    def _weights_of(self, y: NDArray[Any]) -> dict[Any, float] | None:
        """Return the class weights of the labels in ``y``: a batch need not hold all."""
        if self.class_weight is None:
            return None
        return {label: w for label, w in self.class_weight.items() if label in y}

    def _cost(self) -> Cost:
        return SoftmaxCrossEntropy()

    def _score(self, output: FloatArray, y: NDArray[Any], weight: FloatArray | None) -> float:
        return float(np.average(output.argmax(axis=1) == y, weights=weight))
