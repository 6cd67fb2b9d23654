"""Adam's step as one loop: for long runs over many parameters, where numba is installed.

Chapter: *Momentum and adaptive optimizers*. The array operations of `course_lib.optimizers.adam`
read and write every vector several times. One loop reads and writes each once, and computes the
same digits, because it does the same operations in the same order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from course_lib.compiled import compiled, numba_is_available
from course_lib.optimizers.base import State
from course_lib.optimizers.first_order import Vector
from course_lib.validation import FloatArray

#: Entries to have moved (iterations times parameters) before compiling is worth the wait.
WORTH_COMPILING = 10**8


def worth_compiling(optimizer: Any, theta: Vector, state: State) -> bool:
    """Return whether the loop would win back the time that compiling it takes."""
    return (
        state["k"] * theta.size >= WORTH_COMPILING
        and np.ndim(optimizer.weight_decay) == 0
        and numba_is_available()
    )


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
    if theta.shape != gradient.shape:
        raise ValueError(f"theta must have shape {gradient.shape}, got shape {theta.shape}")
    numbers = (optimizer.beta1, optimizer.beta2, epsilon, scale, optimizer.weight_decay, alpha)
    advance_adam(
        theta,
        gradient.astype(theta.dtype, copy=False),
        state["gradients"],
        state["squares"],
        # Numbers typed like the vectors: the loop computes in the precision of the parameters.
        *map(theta.dtype.type, numbers),
    )


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
