"""Test functions: small objectives whose difficulty is known.

Chapters: *Gradient descent*, *Non-convex landscapes*. Each factory returns an objective with its
gradient, its Hessian and, where they are known, its global minimizers.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_lib.objectives.base import FunctionObjective, Objective
from course_lib.validation import FloatArray, check_choice, check_integer, check_real


def sphere(n: int = 3) -> FunctionObjective:
    r""":math:`\sum_i x_i^2`, as round as a bowl can be."""
    n = check_integer("n", n, at_least=1)
    return FunctionObjective(
        lambda x: x @ x,
        lambda x: 2.0 * x,
        hessian=lambda x: 2.0 * np.eye(n),
        n_parameters=n,
        name="sphere",
        minimizers=np.zeros((1, n)),
    )


def rosenbrock(n: int = 2) -> FunctionObjective:
    r"""A curved valley: :math:`\sum_i 100 (x_{i+1} - x_i^2)^2 + (1 - x_i)^2`.

    The valley is easy to find and hard to follow; its floor leads to the minimum at (1, ..., 1)
    [1]_.

    References
    ----------
    .. [1] H. H. Rosenbrock, "An automatic method for finding the greatest or least value of a
       function", The Computer Journal 3 (1960), pp. 175-184.
    """
    n = check_integer("n", n, at_least=2)

    def value(x: FloatArray) -> float:
        return (100.0 * (x[1:] - x[:-1] ** 2) ** 2 + (1.0 - x[:-1]) ** 2).sum()

    def gradient(x: FloatArray) -> FloatArray:
        off_valley = x[1:] - x[:-1] ** 2
        g = np.zeros_like(x)
        g[:-1] = -400.0 * x[:-1] * off_valley - 2.0 * (1.0 - x[:-1])
        g[1:] += 200.0 * off_valley
        return g

    def hessian(x: FloatArray) -> FloatArray:
        diagonal = np.zeros_like(x)
        diagonal[:-1] = 1200.0 * x[:-1] ** 2 - 400.0 * x[1:] + 2.0
        diagonal[1:] += 200.0
        beside = -400.0 * x[:-1]
        return np.diag(diagonal) + np.diag(beside, 1) + np.diag(beside, -1)

    return FunctionObjective(
        value,
        gradient,
        hessian=hessian,
        n_parameters=n,
        name="Rosenbrock",
        minimizers=np.ones((1, n)),
    )


def himmelblau() -> FunctionObjective:
    r"""Four equal valleys: :math:`(x^2 + y - 11)^2 + (x + y^2 - 7)^2`."""

    def value(p: FloatArray) -> float:
        x, y = p
        return (x**2 + y - 11.0) ** 2 + (x + y**2 - 7.0) ** 2

    def gradient(p: FloatArray) -> FloatArray:
        x, y = p
        a, b = x**2 + y - 11.0, x + y**2 - 7.0
        return np.array([4.0 * x * a + 2.0 * b, 2.0 * a + 4.0 * y * b])

    def hessian(p: FloatArray) -> FloatArray:
        x, y = p
        mixed = 4.0 * (x + y)
        return np.array(
            [[12.0 * x**2 + 4.0 * y - 42.0, mixed], [mixed, 4.0 * x + 12.0 * y**2 - 26.0]]
        )

    # The first minimizer is exact; the others are roots of cubics, here to double precision.
    minimizers = [
        [3.0, 2.0],
        [-2.805118086952745, 3.131312518250573],
        [-3.779310253377747, -3.283185991286170],
        [3.584428340330492, -1.848126526964404],
    ]
    return FunctionObjective(
        value, gradient, hessian=hessian, n_parameters=2, name="Himmelblau", minimizers=minimizers
    )


def beale() -> FunctionObjective:
    r"""Beale's function: flat plains and sharp ridges around a minimum at (3, 1/2).

    .. math:: \sum_{i=1}^{3} (c_i - x + x y^i)^2, \qquad c = (1.5,\; 2.25,\; 2.625)
    """
    constants, powers = np.array([1.5, 2.25, 2.625]), np.arange(1, 4)

    def residuals(p: FloatArray) -> tuple[FloatArray, FloatArray]:
        x, y = p
        residual = constants - x + x * y**powers
        return residual, np.array([y**powers - 1.0, x * powers * y ** (powers - 1)])

    def value(p: FloatArray) -> float:
        residual, _ = residuals(p)
        return residual @ residual

    def gradient(p: FloatArray) -> FloatArray:
        residual, jacobian = residuals(p)
        return 2.0 * jacobian @ residual

    def hessian(p: FloatArray) -> FloatArray:
        x, y = p
        residual, jacobian = residuals(p)
        mixed = residual @ (powers * y ** (powers - 1))
        # y**(i - 2) has no meaning at i = 1, where the factor (i - 1) is zero anyway.
        twice = residual[1:] @ (x * powers[1:] * (powers[1:] - 1) * y ** (powers[1:] - 2))
        return 2.0 * (jacobian @ jacobian.T + np.array([[0.0, mixed], [mixed, twice]]))

    return FunctionObjective(
        value, gradient, hessian=hessian, n_parameters=2, name="Beale", minimizers=[[3.0, 0.5]]
    )


def rastrigin(n: int = 2) -> FunctionObjective:
    r"""A bowl covered with dents: :math:`\sum_i x_i^2 + 10 (1 - \cos 2 \pi x_i)`."""
    n = check_integer("n", n, at_least=1)
    turn = 2.0 * np.pi
    return FunctionObjective(
        lambda x: (x**2 + 10.0 * (1.0 - np.cos(turn * x))).sum(),
        lambda x: 2.0 * x + 10.0 * turn * np.sin(turn * x),
        hessian=lambda x: np.diag(2.0 + 10.0 * turn**2 * np.cos(turn * x)),
        n_parameters=n,
        name="Rastrigin",
        minimizers=np.zeros((1, n)),
    )


def double_well(tilt: float = 0.3) -> FunctionObjective:
    r"""Two valleys, one deeper: :math:`(x^2 - 1)^2 + c\,x` with tilt :math:`c`.

    A positive tilt makes the left valley the global minimum; with ``tilt`` above
    :math:`8 / (3 \sqrt 3)` the right valley is gone.
    """
    tilt = check_real("tilt", tilt)
    stationary = np.roots([4.0, 0.0, -4.0, tilt])
    real = stationary.real[np.abs(stationary.imag) < 1e-9]
    heights = (real**2 - 1.0) ** 2 + tilt * real
    return FunctionObjective(
        lambda x: (x[0] ** 2 - 1.0) ** 2 + tilt * x[0],
        lambda x: 4.0 * x * (x**2 - 1.0) + tilt,
        hessian=lambda x: np.array([[12.0 * x[0] ** 2 - 4.0]]),
        n_parameters=1,
        name="tilted double well",
        minimizers=real[np.isclose(heights, heights.min())].reshape(-1, 1),
    )


def saddle() -> FunctionObjective:
    r"""A pass between two valleys: :math:`x^2 / 2 + y^4 / 4 - y^2 / 2`.

    The origin is a stationary point with curvatures +1 and -1; the minima are at
    :math:`(0, \pm 1)`.
    """
    return FunctionObjective(
        lambda p: 0.5 * p[0] ** 2 + 0.25 * p[1] ** 4 - 0.5 * p[1] ** 2,
        lambda p: np.array([p[0], p[1] ** 3 - p[1]]),
        hessian=lambda p: np.diag([1.0, 3.0 * p[1] ** 2 - 1.0]),
        n_parameters=2,
        name="saddle",
        minimizers=[[0.0, -1.0], [0.0, 1.0]],
    )


def quartic(n: int = 1) -> FunctionObjective:
    r"""A minimum without curvature: :math:`\sum_i x_i^4`."""
    n = check_integer("n", n, at_least=1)
    return FunctionObjective(
        lambda x: (x**4).sum(),
        lambda x: 4.0 * x**3,
        hessian=lambda x: np.diag(12.0 * x**2),
        n_parameters=n,
        name="quartic",
        minimizers=np.zeros((1, n)),
    )


def saturated_neuron() -> FunctionObjective:
    r"""Squared error of one sigmoid neuron with target 0: :math:`\tfrac12 \sigma(z)^2`.

    It has no minimizer, and for large :math:`z`, where the error is largest, it has next to no
    slope.
    """

    def sigmoid(z: FloatArray) -> FloatArray:
        return 0.5 * (1.0 + np.tanh(0.5 * z))

    def hessian(z: FloatArray) -> FloatArray:
        a = sigmoid(z)
        return np.diag(a**2 * (1.0 - a) * (2.0 - 3.0 * a))

    return FunctionObjective(
        lambda z: 0.5 * sigmoid(z[0]) ** 2,
        lambda z: sigmoid(z) ** 2 * (1.0 - sigmoid(z)),
        hessian=hessian,
        n_parameters=1,
        name="saturated neuron",
    )


#: The test functions by name.
FUNCTIONS: dict[str, Callable[[], Objective]] = {
    "sphere": sphere,
    "rosenbrock": rosenbrock,
    "himmelblau": himmelblau,
    "beale": beale,
    "rastrigin": rastrigin,
    "double_well": double_well,
    "saddle": saddle,
    "quartic": quartic,
    "saturated_neuron": saturated_neuron,
}


def named_function(name: str) -> Objective:
    """Return the test function called ``name`` with its default arguments."""
    return FUNCTIONS[check_choice("test function", name, FUNCTIONS)]()
