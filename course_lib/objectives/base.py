"""What every objective can be asked for: its value and its gradient at ``theta``."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.validation import FloatArray, check_array, check_integer

#: The samples to average over, as an array of indices.
Batch = NDArray[np.integer]


class Objective(ABC):
    """A function of one flat parameter vector, with its gradient.

    A subclass sets `n_parameters` and defines `_value` and `_value_and_gradient`; it may define
    `hessian`. The public methods check the shape of ``theta`` and leave the mathematics alone.

    Attributes
    ----------
    n_parameters : int
        The length of ``theta``.
    n_samples : int or None
        The number of samples that a batch may name, or None where there is no data.
    is_quadratic : bool
        Whether the Hessian is the same everywhere, so that the exact line search has a formula.
    is_one_function : bool
        Whether the gradient is the derivative of the value. Not so for the risk of a network that
        drops units or normalises by the batch: its gradient is that of the training pass, its value
        that of the predictions.
    """

    n_parameters: int
    n_samples: int | None = None
    is_quadratic: bool = False
    is_one_function: bool = True

    @abstractmethod
    def _value(self, theta: FloatArray, batch: Batch | None) -> float: ...

    @abstractmethod
    def _value_and_gradient(
        self, theta: FloatArray, batch: Batch | None, out: FloatArray
    ) -> float: ...

    def value(self, theta: ArrayLike, batch: Batch | None = None) -> float:
        """Return the objective at ``theta``, on the samples of ``batch`` or on all."""
        return self._value(self._point(theta), self._samples(batch))

    def value_and_gradient(
        self, theta: ArrayLike, batch: Batch | None = None, out: FloatArray | None = None
    ) -> tuple[float, FloatArray]:
        """Return the objective and its gradient at ``theta``.

        Parameters
        ----------
        theta
            Shape (n_parameters,).
        batch
            Indices of the samples to average over; None means all.
        out
            An array of shape (n_parameters,) to write the gradient into, so that a loop need not
            allocate one an iteration.
        """
        point = self._point(theta)
        if out is None:
            out = np.empty_like(point)
        elif out.shape != point.shape or out.dtype.kind != "f":
            raise ValueError(
                f"out must be a floating array of shape {point.shape}, got dtype {out.dtype} and "
                f"shape {out.shape}"
            )
        return self._value_and_gradient(point, self._samples(batch), out), out

    def gradient(
        self, theta: ArrayLike, batch: Batch | None = None, out: FloatArray | None = None
    ) -> FloatArray:
        """Return the gradient at ``theta``, shape (n_parameters,)."""
        return self.value_and_gradient(theta, batch, out)[1]

    def hessian(self, theta: ArrayLike, batch: Batch | None = None) -> FloatArray:
        """Return the matrix of second derivatives, shape (n_parameters, n_parameters)."""
        raise NotImplementedError(
            f"{type(self).__name__} does not know its Hessian: choose a method that needs only the "
            "gradient, or define hessian(theta)"
        )

    def hessian_vector_product(
        self, theta: ArrayLike, vector: ArrayLike, batch: Batch | None = None
    ) -> FloatArray:
        """Return the Hessian at ``theta`` times ``vector``, shape (n_parameters,)."""
        return self.hessian(theta, batch) @ self._point(vector, "vector")

    def _point(self, theta: ArrayLike, name: str = "theta") -> FloatArray:
        if isinstance(theta, np.ndarray) and theta.dtype.kind == "f":
            point = theta
        else:
            point = check_array(name, theta, finite=False)
        if point.shape != (self.n_parameters,):
            raise ValueError(
                f"{name} must have shape ({self.n_parameters},), got shape {point.shape}"
            )
        return point

    def _samples(self, batch: Batch | None) -> Batch | None:
        if batch is not None and self.n_samples is None:
            raise TypeError(
                f"{type(self).__name__} is not a mean over samples, so it takes no batch: leave "
                "batch=None"
            )
        return batch


class FunctionObjective(Objective):
    """An objective made from plain functions.

    Parameters
    ----------
    value, gradient, hessian
        Functions of ``theta`` that return a number, an array of shape (n_parameters,) and, where
        it is known, an array of shape (n_parameters, n_parameters).
    n_parameters
        The length of ``theta``.
    name
        How the objective calls itself.
    minimizers
        The global minimizers, one a row, where they are known.

    Examples
    --------
    >>> parabola = FunctionObjective(
    ...     lambda t: (t[0] - 2) ** 2, lambda t: 2 * (t - 2), n_parameters=1, name="parabola"
    ... )
    >>> parabola.value_and_gradient([5.0])
    (9.0, array([6.]))
    """

    def __init__(
        self,
        value: Callable[[FloatArray], float],
        gradient: Callable[[FloatArray], ArrayLike],
        *,
        n_parameters: int,
        hessian: Callable[[FloatArray], ArrayLike] | None = None,
        name: str = "function",
        minimizers: ArrayLike | None = None,
    ) -> None:
        self.n_parameters = check_integer("n_parameters", n_parameters, at_least=1)
        self.name = name
        if minimizers is not None:
            minimizers = check_array(
                "minimizers", np.atleast_2d(minimizers), shape=(None, self.n_parameters)
            )
        self.minimizers = minimizers
        for role, function in [("value", value), ("gradient", gradient), ("hessian", hessian)]:
            if not (callable(function) or (role == "hessian" and function is None)):
                raise TypeError(f"{role} must be a function of theta, got {function!r}")
        self._function = value
        self._derivative = gradient
        self._second_derivative = hessian

    def _value(self, theta: FloatArray, batch: Batch | None) -> float:
        value = self._function(theta)
        if isinstance(value, np.ndarray) and value.size == 1:
            value = value.item()
        try:
            return float(value)
        except TypeError:
            raise TypeError(f"value(theta) must return a number, got {value!r}") from None

    def _value_and_gradient(self, theta: FloatArray, batch: Batch | None, out: FloatArray) -> float:
        # The value first: a caller may hand in theta itself as ``out``.
        value = self._value(theta, batch)
        gradient = np.asarray(self._derivative(theta))
        if gradient.shape != out.shape:
            # Assignment would spread a single number over all parameters.
            raise ValueError(
                f"gradient(theta) must return shape {out.shape}, got shape {gradient.shape}"
            )
        out[...] = gradient
        return value

    def hessian(self, theta: ArrayLike, batch: Batch | None = None) -> FloatArray:
        self._samples(batch)
        if self._second_derivative is None:
            return super().hessian(theta)
        matrix = self._second_derivative(self._point(theta))
        n = self.n_parameters
        return check_array("hessian(theta)", matrix, shape=(n, n), finite=False)

    def __repr__(self) -> str:
        return f"<{self.name} of {self.n_parameters} parameter(s)>"
