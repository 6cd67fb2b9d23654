"""One step of Adam on a flat vector of parameters."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from benchmarks.peers import pytorch
from benchmarks.workload import Run, Target, Workload
from course_lib.compiled import numba_is_available
from course_lib.optimizers import Adam
from course_lib.optimizers.adam_loop import WORTH_COMPILING


class Point(NamedTuple):
    """A point and the gradient that every step is given."""

    theta: np.ndarray
    gradient: np.ndarray


def ours(data: Point) -> Run:
    theta, optimizer = data.theta.copy(), Adam()
    state = optimizer.init(theta)
    if numba_is_available():
        # A long run, in which the loop has been compiled. Early steps are array operations.
        state["k"] = -(-WORTH_COMPILING // theta.size)

    def run() -> np.ndarray:
        optimizer.advance(theta, data.gradient, state)
        return theta

    return run


def fused_adam_of_pytorch(data: Point) -> Run:
    torch = pytorch()
    theta = torch.tensor(data.theta, requires_grad=True)
    theta.grad = torch.tensor(data.gradient)
    optimizer = torch.optim.Adam([theta], fused=True)

    def run() -> np.ndarray:
        optimizer.step()
        return theta.detach().numpy()

    return run


def default_adam_of_pytorch(data: Point) -> Run:
    torch = pytorch()
    theta = torch.tensor(data.theta, requires_grad=True)
    theta.grad = torch.tensor(data.gradient)
    optimizer = torch.optim.Adam([theta])

    def run() -> np.ndarray:
        optimizer.step()
        return theta.detach().numpy()

    return run


FUSED = "PyTorch fused Adam"


def adam(size: int, dtype: type, most: float, most_without_numba: float) -> Workload:
    """A step over ``size`` parameters."""

    def point(tiny: bool) -> Point:
        rng, n = np.random.default_rng(0), 100 if tiny else size
        return Point(*rng.standard_normal((2, n)).astype(dtype))

    shown = {10**4: "10⁴", 10**6: "10⁶"}[size]
    return Workload(
        f"Adam step, {shown} parameters, {np.dtype(dtype).name}",
        point,
        {"ours": ours, FUSED: fused_adam_of_pytorch, "PyTorch default": default_adam_of_pytorch},
        (Target("ours", FUSED, most, most_without_numba),),
        compiled_loops=True,
    )


WORKLOADS = {
    f"adam-{size}-{np.dtype(dtype).name}": adam(size, dtype, *ratios)
    for size, ratios in {10**4: (0.25, 0.6), 10**6: (0.7, 2.5)}.items()
    for dtype in (np.float32, np.float64)
}
