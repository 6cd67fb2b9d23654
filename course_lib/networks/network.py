r"""A network of layers as a function of one flat parameter vector.

Chapter: *Backpropagation*. The network owns no parameters. It owns the map that says where in
``theta`` each layer's weights lie, and hands the layers views of it: backpropagation writes the
gradient of every layer straight to its place in one vector, which any optimizer can use.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib.initializers import Seed
from course_lib.networks.blocks import Stack
from course_lib.networks.layers import Layer, Parts
from course_lib.parameters import ParameterLayout
from course_lib.validation import FloatArray, check_array, check_integer


class Network:
    """Layers one after the other, over one flat vector.

    It is a model for `course_lib.objectives.EmpiricalRisk`.

    Parameters
    ----------
    n_features
        Columns of the data matrix.
    layers
        From the first to the last. They are copied: what a network remembers is its own.
    seed
        A whole number or a numpy Generator, where a layer is random (`Dropout`).

    Attributes
    ----------
    layout : ParameterLayout
        Where in ``theta`` the parts lie. Those of the k-th layer are ``k.weights``, ``k.bias``. All
        weights come first, so that a penalty on them is one operation on one slice.
    weights : slice
        Where in ``theta`` the weights lie, without biases and gains: what a penalty is for.
    state : dict of str to ndarray
        What the layers remember that is not part of ``theta``: running averages.
    differs_in_training : bool
        Whether some layer does in training what it does not do in predicting.
    n_features, n_outputs : int
    layers : tuple of Layer

    Examples
    --------
    >>> from course_lib.networks import Dense
    >>> network = Network(64, [Dense(100, "relu"), Dense(10)])
    >>> theta = network.initial_parameters(seed=0)
    >>> theta.shape, network.predict(theta, np.zeros((3, 64))).shape
    ((7510,), (3, 10))
    """

    def __init__(
        self, n_features: int, layers: Iterable[Layer], *, seed: Seed | None = None
    ) -> None:
        self.n_features = check_integer("n_features", n_features, at_least=1)
        rng = None if seed is None else np.random.default_rng(seed)
        self.stack = Stack(layers).connect(self.n_features, rng)
        self.layers = self.stack.layers
        self.n_outputs = self.stack.n_outputs
        self.state = self.stack.state
        self.differs_in_training = self.stack.differs_in_training
        shapes = self.stack.shapes()
        self.layout = ParameterLayout(
            {name: shapes[name] for name in sorted(shapes, key=_is_no_weight)}
        )
        self.weights = slice(
            0, sum(np.prod(shape) for name, shape in shapes.items() if not _is_no_weight(name))
        )

    def initial_parameters(self, seed: Seed, dtype: DTypeLike = np.float64) -> FloatArray:
        """Return ``theta`` before the first step, as the layers' initialisers draw it."""
        return self.layout.flatten(self.stack.initial(np.random.default_rng(seed), dtype))

    def views(self, theta: FloatArray) -> Parts:
        """Return the parts of ``theta``, or of a gradient, for `pass_forward` and `pass_backward`.

        They are views: made once, they follow ``theta`` through a whole training.
        """
        return self.stack.arrange(self.layout.views(theta))

    def predict(self, theta: FloatArray, X: FloatArray) -> FloatArray:
        """Return the outputs outside of training, shape (n_samples, n_outputs).

        No unit is dropped, and batch normalisation uses its running averages.
        """
        return self.forward(theta, X, training=False)[0]

    def forward(
        self, theta: FloatArray, X: FloatArray, *, training: bool = True
    ) -> tuple[FloatArray, Any]:
        """Return the outputs, shape (n_samples, n_outputs), and what `backward` will need.

        In training a network with `Dropout` or `BatchNorm` differs from the one that `predict`
        uses, draws random numbers and brings its state up to date; any other does not.
        """
        return self.stack.forward(self.views(theta), self._inputs(theta, X), training)

    def backward(
        self, theta: FloatArray, saved: Any, upstream: FloatArray, out: FloatArray
    ) -> None:
        """Write into ``out`` the gradient with respect to ``theta``.

        ``upstream`` is the gradient with respect to the outputs. It is not modified.
        """
        upstream = np.array(upstream, dtype=theta.dtype)
        self.stack.backward(self.views(theta), saved, upstream, self.views(out), wants_input=False)

    def input_gradient(self, theta: FloatArray, saved: Any, upstream: FloatArray) -> FloatArray:
        """Return the gradient with respect to the inputs, shape (n_samples, n_features)."""
        upstream = np.array(upstream, dtype=theta.dtype)
        gradient = self.views(np.empty_like(theta))
        return self.stack.backward(self.views(theta), saved, upstream, gradient)

    def copy_of_state(self) -> dict[str, FloatArray]:
        """Return a copy of the running averages, to come back to with `restore_state`."""
        return {name: array.copy() for name, array in self.state.items()}

    def restore_state(self, state: Mapping[str, ArrayLike]) -> None:
        """Bring the running averages back to those of ``state``."""
        if set(state) != set(self.state):
            raise ValueError(
                f"state must hold {', '.join(self.state) or 'nothing'}, got "
                f"{', '.join(state) or 'nothing'}"
            )
        for name, array in self.state.items():
            array[...] = check_array(f"state[{name!r}]", state[name], shape=array.shape)

    def _inputs(self, theta: FloatArray, X: FloatArray) -> FloatArray:
        X = np.asarray(X)
        if X.ndim != 2 or X.shape[1] != self.n_features:
            raise ValueError(
                f"X must have shape (n_samples, {self.n_features}), got shape {X.shape}"
            )
        return X.astype(theta.dtype, copy=False)  # The parameters decide the precision.

    def __repr__(self) -> str:
        return f"Network({self.n_features}, [{', '.join(map(repr, self.layers))}])"


def _is_no_weight(name: str) -> bool:
    return not name.endswith("weights")
