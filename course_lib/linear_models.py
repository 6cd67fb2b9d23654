r"""Models that are linear in their parameters.

Chapter: *Gradient descent*. The linear unit predicts :math:`\hat y = x^\top w + b`. Its parameters
lie in one flat vector ``theta``: first the weights, then the bias.
"""

from __future__ import annotations

import numpy as np

from course_lib.parameters import ParameterLayout
from course_lib.validation import FloatArray, check_integer


class LinearModel:
    r"""The linear unit :math:`\hat y = X w + b`.

    Parameters
    ----------
    n_features
        Columns of the data matrix.
    intercept
        Whether there is a bias :math:`b`.

    Attributes
    ----------
    layout : ParameterLayout
        ``weights`` of shape (n_features,) and, with an intercept, ``bias`` of shape ().

    References
    ----------
    .. [1] B. Widrow and M. E. Hoff, "Adaptive switching circuits", IRE WESCON Convention Record,
       part 4, 1960, pp. 96-104.
    """

    #: Whether the prediction is linear in ``theta``, so that `EmpiricalRisk` knows the Hessian.
    is_linear = True

    def __init__(self, n_features: int, *, intercept: bool = True) -> None:
        self.n_features = check_integer("n_features", n_features, at_least=1)
        self.intercept = bool(intercept)
        shapes: dict[str, tuple[int, ...]] = {"weights": (self.n_features,)}
        if self.intercept:
            shapes["bias"] = ()
        self.layout = ParameterLayout(shapes)

    def predict(self, theta: FloatArray, X: FloatArray) -> FloatArray:
        """Return the predictions, shape (n_samples,), for the rows of ``X``."""
        parts = self.layout.views(theta)
        if np.ndim(X) != 2 or np.shape(X)[1] != self.n_features:
            raise ValueError(
                f"X must have shape (any, {self.n_features}), a row a sample, got {np.shape(X)}"
            )
        prediction = X @ parts["weights"]
        if self.intercept:
            prediction += parts["bias"]
        return prediction

    def forward(self, theta: FloatArray, X: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Return the predictions and the inputs, which is all that `backward` needs."""
        return self.predict(theta, X), X

    def backward(
        self, theta: FloatArray, saved: FloatArray, upstream: FloatArray, out: FloatArray
    ) -> None:
        """Write into ``out`` the gradient with respect to ``theta``.

        ``upstream`` is the gradient with respect to the predictions. The prediction of row
        :math:`x` has the derivatives :math:`x` and 1, so the parts are ``X.T @ upstream`` and its
        sum: every residual is weighted by the *input* that produced it.
        """
        parts = self.layout.views(out)
        np.matmul(upstream, saved, out=parts["weights"])
        if self.intercept:
            parts["bias"][...] = upstream.sum()

    def design_matrix(self, X: FloatArray) -> FloatArray:
        """Return the matrix whose product with ``theta`` is the prediction."""
        return np.column_stack([X, np.ones(len(X), X.dtype)]) if self.intercept else X

    def __repr__(self) -> str:
        return f"LinearModel(n_features={self.n_features}, intercept={self.intercept})"
