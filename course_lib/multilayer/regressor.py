"""A multi-layer network that predicts numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

from numpy.typing import ArrayLike, NDArray
from sklearn.base import MultiOutputMixin, RegressorMixin

from course_lib.costs import HalfSquaredError
from course_lib.costs.base import Cost
from course_lib.estimator import sample_weights, training_pairs
from course_lib.multilayer.base import Multilayer
from course_lib.training import History
from course_lib.validation import FloatArray, check_integer


@dataclass(eq=False, repr=False, kw_only=True)
class MultilayerRegressor(RegressorMixin, MultiOutputMixin, Multilayer):
    """A multi-layer network with linear outputs, trained on the squared error.

    Parameters
    ----------
    cost : Cost, optional
        What to minimise instead of half the squared error.
    hidden_layer_sizes, activation, normalization, dropout, ...
        The others are those of `Multilayer`.

    Attributes
    ----------
    n_outputs_ : int
    network_, theta_, history_, ...
        As for `Multilayer`.

    Examples
    --------
    >>> import numpy as np
    >>> X = np.linspace(-1, 1, 200)[:, None]
    >>> y = np.sin(3 * X[:, 0])
    >>> regressor = MultilayerRegressor(
    ...     (20,), "tanh", step_size=0.01, batch_size=20, random_state=0
    ... )
    >>> regressor.fit(X, y).score(X, y) > 0.99
    True
    """

    cost: Cost | None = None

    def fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | float | None = None
    ) -> Self:
        """Train the network.

        Parameters
        ----------
        X
            Shape (n_samples, n_features). With ``float32`` everything stays ``float32``.
        y
            Shape (n_samples,) or (n_samples, n_outputs).
        sample_weight
            Shape (n_samples,), not negative; all the same if not given.
        """
        goes_on = self.warm_start and hasattr(self, "network_")
        X, y, weight = self._pairs(X, y, sample_weight, first=not goes_on)
        self.history_, self.optimizer_state_ = History(), None
        epochs = check_integer("max_iter", self.max_iter, at_least=1)
        self._train(X, y, weight, epochs)
        self._warn_if_not_converged()
        return self

    def partial_fit(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | float | None = None
    ) -> Self:
        """Train for one more epoch, on these samples.

        Parameters
        ----------
        X, y, sample_weight
            As for `fit`.
        """
        first = not hasattr(self, "network_")
        return self._train(*self._pairs(X, y, sample_weight, first=first), 1, one_pass=True)

    def predict(self, X: ArrayLike) -> FloatArray:
        """Return the predictions, shaped like the ``y`` of `fit`."""
        output = self._outputs(X)
        return output[:, 0] if self._y_is_vector else output

    def _pairs(
        self, X: ArrayLike, y: ArrayLike, sample_weight: ArrayLike | float | None, *, first: bool
    ) -> tuple[FloatArray, FloatArray, FloatArray | None]:
        X, y = training_pairs(self, X, y, reset=first, multi_output=True, y_numeric=True)
        weight = sample_weights(sample_weight, X)
        columns = y.reshape(len(y), -1)
        if first:
            self._y_is_vector = y.ndim == 1
            self.n_outputs_ = columns.shape[1]
            self._start(self.n_outputs_, X.dtype)
        elif columns.shape[1] != self.n_outputs_:
            raise ValueError(
                f"y must have the {self.n_outputs_} output(s) of the first call, got "
                f"{columns.shape[1]}"
            )
        dtype = self.theta_.dtype
        return X.astype(dtype, copy=False), columns.astype(dtype, copy=False), weight

    def _cost(self) -> Cost:
        return HalfSquaredError() if self.cost is None else self.cost

    def _score(self, output: FloatArray, y: NDArray[Any], weight: FloatArray | None) -> float:
        from sklearn.metrics import r2_score

        return float(r2_score(y, output, sample_weight=weight))
