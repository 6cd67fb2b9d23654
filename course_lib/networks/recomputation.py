r"""Memory against recomputation: layers that forget on the way forward.

Chapter: *Backpropagation*. The way back needs what every layer had on the way forward, so the
memory of a training grows with the depth :math:`D`. A block of layers can keep its input alone and
run forward a second time when the way back arrives. With blocks of :math:`s` layers there are
:math:`D / s` inputs to keep and one block's insides at a time: :math:`D / s + s` layers' worth of
numbers, which is least at :math:`s = \sqrt D`. The price is one more forward pass [1]_. Blocks
inside of blocks need memory that grows with the logarithm of the depth [2]_.

References
----------
.. [1] T. Chen, B. Xu, C. Zhang and C. Guestrin, "Training deep nets with sublinear memory cost",
   arXiv:1604.06174, 2016.
.. [2] A. Griewank, "Achieving logarithmic growth of temporal and spatial complexity in reverse
   automatic differentiation", Optimization Methods and Software 1 (1992), pp. 35-54.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from course_lib.networks.blocks import Stack
from course_lib.networks.layers import Dropout, Layer, Parts
from course_lib.networks.price import numbers_kept
from course_lib.validation import FloatArray


class Recomputed(Stack):
    """A stack that keeps its input alone, and runs forward again when the way back arrives.

    The gradient is the same to the last bit. Frameworks call this checkpointing.

    Parameters
    ----------
    layers
        Of which none may be random (`Dropout`) or keep averages (`BatchNorm`): the second run
        would not be the first.

    Attributes
    ----------
    numbers_inside : int
        How many numbers the last way back needed for itself, besides what was kept for it.

    Examples
    --------
    >>> from course_lib.networks import Dense, Network
    >>> block = Recomputed([Dense(8, "tanh"), Dense(8, "tanh")])
    >>> network = Network(4, [block, Dense(1)])
    >>> output, saved = network.forward(network.initial_parameters(seed=0), np.ones((5, 4)))
    >>> numbers_kept(saved)  # 5 × 4 inputs of the block and 5 × 8 of the last layer
    60
    """

    numbers_inside = 0

    def _prepare(self, rng: np.random.Generator | None) -> None:
        super()._prepare(rng)
        if self.state or any(isinstance(layer, Dropout) for layer in _all_layers(self)):
            raise ValueError(
                "the layers of a recomputed block must give the same outputs when run again, got "
                f"{', '.join(map(repr, self.layers))}: leave Dropout and BatchNorm outside"
            )

    def forward(self, parts: Parts, x: FloatArray, training: bool) -> tuple[FloatArray, Any]:
        y, _ = super().forward(parts, x, training)
        return y, (x, training)

    def backward(
        self,
        parts: Parts,
        saved: Any,
        upstream: FloatArray,
        gradients: Parts,
        wants_input: bool = True,
    ) -> FloatArray | None:
        x, training = saved
        _, inside = super().forward(parts, x, training)
        self.numbers_inside = numbers_kept([x, inside]) - x.size
        return super().backward(parts, inside, upstream, gradients, wants_input)


def _all_layers(stack: Stack) -> list[Layer]:
    return [
        inner
        for layer in stack.layers
        for inner in ([layer, *_all_layers(layer)] if isinstance(layer, Stack) else [layer])
    ]
