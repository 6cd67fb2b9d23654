"""Adam's step over many parameters: block by block, or in long runs as one loop with numba.

Chapter: *Momentum and adaptive optimizers*. The array operations of `course_lib.optimizers.adam`
read and write every vector several times. From a block that fits the cache they read it once from
memory; one compiled loop reads and writes each entry once. Both compute the same digits, because
they do the same operations in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from course_lib.compiled import compiled, numba_is_available
from course_lib.optimizers.base import State
from course_lib.optimizers.first_order import Vector
from course_lib.validation import FloatArray

#: Bytes of parameters to a block. Where blocks are smaller, calls cost more than the cache saves.
BLOCK_BYTES = 2**22
#: Entries to have moved (iterations times parameters) before compiling is worth the wait.
WORTH_COMPILING = 10**8


def worth_compiling(theta: Vector, state: State) -> bool:
    """Return whether the loop would win back the time that compiling it takes."""
    return state["k"] * theta.size >= WORTH_COMPILING and numba_is_available()


def worth_dividing(theta: Vector) -> bool:
    """Return whether the parameters fill more than one block."""
    return theta.nbytes > BLOCK_BYTES


def advance_in_blocks(
    optimizer: Any, theta: Vector, gradient: Vector, state: State, alpha: float
) -> None:
    """Move ``theta`` by a step of an `Adam` or `AdamW`, one block after the other."""
    check_shape(theta, gradient)
    length = BLOCK_BYTES // theta.itemsize
    for start in range(0, theta.size, length):
        block = slice(start, start + length)
        point = theta[block]
        parts = {name: state[name][block] for name in optimizer.memory}
        # One room for the steps of all blocks: it stays in the cache.
        parts["step"] = state["step"][: len(point)]
        point += optimizer._step(alpha, gradient[block], {**state, **parts}, point)


def advance_in_one_loop(
    optimizer: Any,
    theta: Vector,
    gradient: Vector,
    state: State,
    alpha: float,
    scale: float,
    epsilon: float,
) -> None:
    """Move ``theta`` by a step of an `Adam` or `AdamW`."""
    check_shape(theta, gradient)
    numbers = (optimizer.beta1, optimizer.beta2, epsilon, scale, optimizer.weight_decay, alpha)
    advance_adam(
        theta,
        gradient.astype(theta.dtype, copy=False),
        state["gradients"],
        state["squares"],
        # Numbers typed like the vectors: the loop computes in the precision of the parameters.
        *map(theta.dtype.type, numbers),
    )


def check_shape(theta: Vector, gradient: Vector) -> None:
    """Refuse parameters of another shape than the gradient's."""
    if theta.shape != gradient.shape:
        raise ValueError(f"theta must have shape {gradient.shape}, got shape {theta.shape}")


@compiled
def advance_adam(
    theta: FloatArray,
    gradient: FloatArray,
    gradients: FloatArray,
    squares: FloatArray,
    beta1: float,
    beta2: float,
    epsilon: float,
    scale: float,
    weight_decay: float,
    alpha: float,
) -> None:
    """Move every entry of ``theta`` by its step."""
    for i in range(len(theta)):
        # Names for what was computed: the processor would otherwise read it back from memory.
        g, old = gradient[i], theta[i]
        gradients[i] = m = beta1 * gradients[i] + g
        squares[i] = v = beta2 * squares[i] + g * g
        theta[i] = old + (-scale * (m / (np.sqrt(v) + epsilon)) - alpha * (weight_decay * old))
