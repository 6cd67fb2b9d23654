r"""Layers: the steps of a network, each with its way forward and its way back.

Chapters: *Backpropagation*, *Regularization*. Forward, a layer turns its inputs into its outputs
and saves what the way back will need. Backward, it is given the gradient :math:`\delta` with
respect to its outputs, writes the gradient with respect to its parameters, and returns the one with
respect to its inputs. With :math:`X` one sample a row:

================ ============================== =======================================
layer            forward                        backward
================ ============================== =======================================
`Dense`          :math:`Z = X W + b`            :math:`\nabla_W = X^\top \delta,\;
                                                \nabla_b = 1^\top \delta,\;
                                                \nabla_X = \delta\, W^\top`
`Nonlinearity`   :math:`A = f(Z)`               :math:`\delta \odot f'(Z)`
`Dropout`        :math:`X \odot M / (1 - p)`    :math:`\delta \odot M / (1 - p)`
================ ============================== =======================================

These are Rumelhart, Hinton and Williams's equations [1]_, for a batch. The normalising layers and
the residual block have modules of their own.

References
----------
.. [1] D. E. Rumelhart, G. E. Hinton and R. J. Williams, "Learning representations by
   back-propagating errors", Nature 323 (1986), pp. 533-536.
.. [2] N. Srivastava, G. Hinton, A. Krizhevsky, I. Sutskever and R. Salakhutdinov, "Dropout: a
   simple way to prevent neural networks from overfitting", Journal of Machine Learning Research 15
   (2014), pp. 1929-1958.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from copy import copy
from functools import lru_cache
from typing import Any, Self

import numpy as np
from numpy.typing import DTypeLike

from course_lib.activations import (
    ELU,
    GELU,
    Activation,
    GELUTanh,
    Identity,
    LeakyReLU,
    Mish,
    ReLU,
    Swish,
    named_activation,
)
from course_lib.initializers import glorot_uniform, he_normal, named_initializer
from course_lib.validation import FloatArray, check_integer, check_real

#: The arrays of a layer's parameters, or of their gradients: views of a flat vector, by name.
Parts = Any


class Layer(ABC):
    """One step of a network.

    A layer as it is written down, ``Dense(100)``, is a recipe. The network connects it: the copy
    that it keeps knows its numbers of inputs and outputs. A layer never writes into its inputs.

    Attributes
    ----------
    n_inputs, n_outputs : int
        Known once the layer is connected.
    state : dict of str to ndarray
        What the layer remembers between batches that is not learned by descent.
    differs_in_training : bool
        Whether the layer does in training what it does not do in predicting.
    """

    n_inputs: int
    n_outputs: int
    state: dict[str, FloatArray]
    differs_in_training: bool = False

    def connect(self, n_inputs: int, rng: np.random.Generator | None) -> Self:
        """Return a copy of this layer for that many inputs.

        ``rng`` is where a layer that draws random numbers takes them from.
        """
        layer = copy(self)
        layer.n_inputs = layer.n_outputs = n_inputs
        layer.state = {}
        layer._prepare(rng)
        return layer

    def _prepare(self, rng: np.random.Generator | None) -> None:  # noqa: B027
        """Set `n_outputs` where it is not `n_inputs`, and `state` where there is one."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        """Return the shapes of the parameters, by name."""
        return {}

    def initial(self, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, FloatArray]:
        """Return the parameters before the first step, by name."""
        return {}

    def arrange(self, views: Mapping[str, FloatArray]) -> Parts:
        """Return the views of the parameters in the form in which the passes take them."""
        return dict(views)

    @abstractmethod
    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        """Return the outputs, shape (n_samples, n_outputs), and what `backward` will need.

        Parameters
        ----------
        parts
            The parameters, from `arrange`.
        x
            Inputs, shape (n_samples, n_inputs).
        training
            Whether to behave as in training: dropping units, normalising by the batch.
        """

    @abstractmethod
    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        """Write the gradient of the parameters, and return that of the inputs.

        Parameters
        ----------
        parts, saved
            As `forward` had and returned them.
        upstream
            The gradient with respect to the outputs. It may be overwritten.
        gradients
            Where to write, arranged like ``parts``.
        wants_input
            Whether the gradient of the inputs is needed. The first layer of a network is spared it.
        """


class Dense(Layer):
    r"""Every output depends on every input: :math:`A = f(X W + b)`.

    Parameters
    ----------
    n_outputs
        How many units.
    activation
        What they do to their weighted sum: a name or an `Activation`. It overwrites the sum, where
        it can; `Nonlinearity` is the same as a layer by itself.
    bias
        Whether there is a :math:`b`. Before a normalising layer it would be of no effect.
    initializer
        Of the weights. If not given, He's for the relatives of the rectifier and Glorot's for the
        others. Biases start at zero.
    """

    def __init__(
        self,
        n_outputs: int,
        activation: str | Activation = "identity",
        *,
        bias: bool = True,
        initializer: str | Callable[..., FloatArray] | None = None,
    ) -> None:
        self.units = check_integer("n_outputs", n_outputs, at_least=1)
        self.activation = named_activation(activation)
        self.is_linear = isinstance(self.activation, Identity)
        self.bias = bool(bias)
        self.initializer = (
            default_initializer(self.activation)
            if initializer is None
            else named_initializer(initializer)
        )

    def _prepare(self, rng: np.random.Generator | None) -> None:
        self.n_outputs = self.units

    def shapes(self) -> dict[str, tuple[int, ...]]:
        weights = {"weights": (self.n_inputs, self.n_outputs)}
        return weights | ({"bias": (self.n_outputs,)} if self.bias else {})

    def initial(self, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, FloatArray]:
        weights = self.initializer((self.n_inputs, self.n_outputs), rng, dtype=dtype)
        return {"weights": weights} | (
            {"bias": np.zeros(self.n_outputs, dtype)} if self.bias else {}
        )

    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        if self.is_linear and self.n_outputs < len(x):
            # The same product, laid out output by output in memory: a softmax over few classes
            # then adds long rows instead of many short ones.
            z = np.dot(parts["weights"].T, x.T).T
        else:
            z = np.dot(x, parts["weights"])
        if self.bias:
            z += parts["bias"]
        if self.is_linear:
            return z, (x, None)
        if self.activation.saves == "activation":
            a = self.activation(z, out=z)
            return a, (x, a)
        return self.activation(z), (x, z)

    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        x, kept = saved
        delta = upstream
        if not self.is_linear:
            delta = self.activation.backward(upstream, kept, out=upstream)
        np.dot(x.T, delta, out=gradients["weights"])
        if self.bias:
            sum_over_samples(delta, out=gradients["bias"])
        return np.dot(delta, parts["weights"].T) if wants_input else None

    def __repr__(self) -> str:
        settings = "" if self.is_linear else f", {self.activation!r}"
        return f"Dense({self.units}{settings}{'' if self.bias else ', bias=False'})"


class Nonlinearity(Layer):
    """An activation as a layer of its own, for where something stands between it and the sum.

    Parameters
    ----------
    activation
        A name or an `Activation`.
    """

    def __init__(self, activation: str | Activation) -> None:
        self.activation = named_activation(activation)

    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        a = self.activation(x)
        return a, (a if self.activation.saves == "activation" else x)

    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        return self.activation.backward(upstream, saved, out=upstream)

    def __repr__(self) -> str:
        return f"Nonlinearity({self.activation!r})"


class Dropout(Layer):
    r"""In training, silence every input with probability :math:`p` [2]_.

    The inputs that are kept are divided by :math:`1 - p` ("inverted" dropout): the expectation of
    the output is the input, so that outside of training there is nothing to be done. The mask
    :math:`M` is drawn anew for every sample.

    Parameters
    ----------
    rate
        The probability :math:`p`, from 0 to below 1.
    """

    def __init__(self, rate: float) -> None:
        self.rate = check_real("rate", rate, at_least=0, below=1)
        self.differs_in_training = self.rate > 0

    def _prepare(self, rng: np.random.Generator | None) -> None:
        if rng is None:
            raise ValueError("Dropout draws random masks: give the network a seed")
        (self.rng,) = rng.spawn(1)

    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        if not training or self.rate == 0:
            return x, None
        # Always drawn in single precision: a run in double precision drops the same units.
        kept = self.rng.random(x.shape, dtype=np.float32) >= self.rate
        mask = np.multiply(kept, 1.0 / (1.0 - self.rate), dtype=x.dtype)
        return x * mask, mask

    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        return upstream if saved is None else np.multiply(upstream, saved, out=upstream)

    def __repr__(self) -> str:
        return f"Dropout({self.rate:g})"


def default_initializer(activation: Activation) -> Callable[..., FloatArray]:
    """Return the initialiser that keeps the size of a signal which passes that activation."""
    half_silent = isinstance(activation, ReLU | LeakyReLU | ELU | GELU | GELUTanh | Swish | Mish)
    return he_normal if half_silent else glorot_uniform


def sum_over_samples(rows: FloatArray, out: FloatArray | None = None) -> FloatArray:
    """Return the sum of the rows, as the product with a row of ones: the fastest way there is."""
    return np.dot(_ones(len(rows), rows.dtype), rows, out=out)


@lru_cache(maxsize=64)
def _ones(n: int, dtype: np.dtype) -> FloatArray:
    ones = np.ones(n, dtype)
    ones.flags.writeable = False
    return ones
