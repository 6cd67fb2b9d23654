r"""What the two passes cost: multiplications counted, and numbers kept, while they run.

Chapter: *Backpropagation*. A dense layer multiplies :math:`n_\text{in} n_\text{out}` times a sample
on the way forward, and twice that on the way back: once for the gradient of its weights and once
for the gradient of its inputs, which the first layer is spared. That is the rule that the backward
pass costs twice the forward pass, and where it fails: a network whose first layer is its largest
pays hardly more than once.

Here nothing is assumed. The passes run on arrays that count.

References
----------
.. [1] W. Baur and V. Strassen, "The complexity of partial derivatives", Theoretical Computer
   Science 22 (1983), pp. 317-330: a function and all its partial derivatives cost at most three
   times the multiplications and divisions of the function.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike

from course_lib.networks.network import Network
from course_lib.validation import FloatArray, check_array


class Multiplications(NamedTuple):
    """How many multiplications of two numbers the matrix products of each pass hold."""

    forward: int
    backward: int


def count_multiplications(network: Network, theta: FloatArray, X: ArrayLike) -> Multiplications:
    """Run both passes and return how many multiplications their matrix products made.

    What is done once a unit and not once a weight (activations, sums of biases) is not counted: it
    is a small share, and no multiplication where the activation is a rectifier.

    Parameters
    ----------
    network, theta
        The network, and where it stands.
    X
        Shape (n_samples, n_features).

    Examples
    --------
    >>> from course_lib.networks import Dense
    >>> network = Network(64, [Dense(100, "relu"), Dense(10)])
    >>> theta = network.initial_parameters(seed=0)
    >>> count_multiplications(network, theta, np.ones((1, 64)))
    Multiplications(forward=7400, backward=8400)
    """
    inputs = check_array("X", X, ndim=2).astype(theta.dtype)

    class Counted(np.ndarray):
        total = 0

        def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
            # The sum over samples is a product with a vector of ones: additions, in truth.
            if func is np.dot and all(np.ndim(factor) == 2 for factor in args[:2]):
                (rows, inner), columns = np.shape(args[0]), np.shape(args[1])[1]
                Counted.total += rows * inner * columns
            return super().__array_function__(func, types, args, kwargs)

    counted = np.array(theta).view(Counted)
    output, saved = network.forward(counted, inputs)
    forward = Counted.total
    network.backward(counted, saved, np.ones_like(output), np.empty_like(counted))
    return Multiplications(forward, Counted.total - forward)


def numbers_kept(saved: Any) -> int:
    """Return how many numbers a pass forward has kept for the way back.

    Parameters
    ----------
    saved
        What `Network.forward` returns beside the outputs. An array that several layers keep is
        counted once.
    """
    buffers: dict[int, int] = {}

    def collect(part: Any) -> None:
        if isinstance(part, np.ndarray):
            buffers[part.__array_interface__["data"][0]] = part.size
        elif isinstance(part, list | tuple):
            for piece in part:
                collect(piece)

    collect(saved)
    return sum(buffers.values())
