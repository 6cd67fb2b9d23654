r"""Layers made of layers: a stack, and the residual block.

Chapters: *Backpropagation*, *Vanishing and exploding gradients*. Backpropagation through a stack is
the chain rule, read from the last factor to the first. The gradient of a residual block
:math:`y = x + F(x)` with respect to its input is :math:`\delta + F'^\top \delta`: the 1 in
:math:`1 + F'` is the way on which it cannot vanish.

References
----------
.. [1] K. He, X. Zhang, S. Ren and J. Sun, "Deep residual learning for image recognition", CVPR
   2016, pp. 770-778.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
from numpy.typing import DTypeLike

from course_lib.networks.layers import Layer, Parts
from course_lib.validation import FloatArray


class Stack(Layer):
    """One layer after the other.

    The parameters of the k-th layer (from 1) are named with its number: ``1.weights``.

    Parameters
    ----------
    layers
        At least one.
    """

    def __init__(self, layers: Iterable[Layer]) -> None:
        self.layers = tuple(layers)
        for layer in self.layers:
            if not isinstance(layer, Layer):
                raise TypeError(f"layers must be layers such as Dense(100, 'relu'), got {layer!r}")
        if not self.layers:
            raise ValueError("layers must hold at least one layer, got none")

    def _prepare(self, rng: np.random.Generator | None) -> None:
        connected = []
        for layer in self.layers:
            connected.append(layer.connect(self.n_outputs, rng))
            self.n_outputs = connected[-1].n_outputs
        self.layers = tuple(connected)
        self.differs_in_training = any(layer.differs_in_training for layer in connected)
        # The same arrays under longer names: a layer brings its own up to date in place.
        self.state = {
            f"{k}.{name}": array
            for k, layer in enumerate(self.layers, 1)
            for name, array in layer.state.items()
        }

    def shapes(self) -> dict[str, tuple[int, ...]]:
        return {
            f"{k}.{name}": shape
            for k, layer in enumerate(self.layers, 1)
            for name, shape in layer.shapes().items()
        }

    def initial(self, rng: np.random.Generator, dtype: DTypeLike) -> dict[str, FloatArray]:
        return {
            f"{k}.{name}": array
            for k, layer in enumerate(self.layers, 1)
            for name, array in layer.initial(rng, dtype).items()
        }

    def arrange(self, views: Mapping[str, FloatArray]) -> Parts:
        return [
            layer.arrange({name: views[f"{k}.{name}"] for name in layer.shapes()})
            for k, layer in enumerate(self.layers, 1)
        ]

    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        saved = []
        for layer, own in zip(self.layers, parts, strict=True):
            x, kept = layer.forward(own, x, training)
            saved.append(kept)
        return x, saved

    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        for k in range(len(self.layers) - 1, -1, -1):
            upstream = self.layers[k].backward(
                parts[k], saved[k], upstream, gradients[k], wants_input or k > 0
            )
        return upstream

    def __repr__(self) -> str:
        return f"{type(self).__name__}([{', '.join(map(repr, self.layers))}])"


class Residual(Stack):
    """A stack and a way around it: the outputs are the inputs plus those of the stack [1]_.

    Parameters
    ----------
    layers
        The last must have as many outputs as the first has inputs.
    """

    def _prepare(self, rng: np.random.Generator | None) -> None:
        super()._prepare(rng)
        if self.n_outputs != self.n_inputs:
            raise ValueError(
                "the layers of a residual block must have as many outputs as inputs, for the two "
                f"are added, got {self.n_inputs} inputs and {self.n_outputs} outputs"
            )

    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        y, saved = super().forward(parts, x, training)
        return x + y, saved

    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        around = upstream.copy() if wants_input else None
        through = super().backward(parts, saved, upstream, gradients, wants_input)
        return None if around is None else np.add(around, through, out=around)
