r"""A tape: reverse-mode automatic differentiation of array programs, small enough to be read.

Chapter: *Backpropagation*. Every operation on a `Variable` returns a new one, which remembers what
it was made of and, for each of these parents, the *pull-back*: the linear map that takes the
gradient with respect to the result to the gradient with respect to the parent. Followed from the
last result to the first, with the contributions of all uses of a variable added up, that is the
chain rule, and exact to rounding. It costs a small multiple of computing the value, however many
variables there are.

With :math:`g` the gradient with respect to the result :math:`y`:

======================= ===================================== ==============================
operation               pull-back to a                        pull-back to b
======================= ===================================== ==============================
``a + b``, ``a - b``    g                                     g, −g
``a * b``               g b                                   g a
``a / b``               g / b                                 −g y / b
``a ** p``              g p aᵖ⁻¹
``a @ b``               g bᵀ                                  aᵀ g
``a[index]``            zeros, plus g at the index
``a.sum()``             g, repeated
``a.max()``             g where a is largest, shared equally
``a.reshape()``, ``.T`` g, shaped back
``exp``, ``log``        g y, g / a
``tanh``, ``sigmoid``   g (1 − y²), g y (1 − y)
``relu``, ``absolute``  g where a > 0, g sign(a)
``softplus``, ``erf``   g σ(a), g 2 exp(−a²) / √π
``maximum(a, b)``       g where a > b, half of it on ties     g where b > a, likewise
``logsumexp(a)``        g softmax(a)
``mean_cost(c, a, t)``  g times the mean cost's derivative
======================= ===================================== ==============================

Where numpy broadcasts an operand, one entry was used many times: its gradient is the sum.

>>> w = Variable([1.0, 2.0])
>>> loss = ((w * [3.0, 4.0]).sum() - 1.0) ** 2
>>> loss.backward()
>>> w.gradient
array([60., 80.])

References
----------
.. [1] S. Linnainmaa, "Taylor expansion of the accumulated rounding error", BIT 16 (1976),
   pp. 146-160.
.. [2] A. Griewank and A. Walther, Evaluating Derivatives, 2nd ed., SIAM, 2008, chapter 3.
.. [3] A. Karpathy, micrograd, 2020: the same on single numbers, which is where the form comes from.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import count
from math import pi, sqrt
from operator import attrgetter
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from course_lib.activations import sigmoid as logistic
from course_lib.activations import softplus as smooth_rectifier
from course_lib.costs.base import Cost
from course_lib.networks.layers import sum_over_samples

Array = NDArray[Any]
PullBack = Callable[[Array], Array]
Operand = Any  # A Variable, or a constant: an array, a list, a number.

_counter = count()
_number = attrgetter("number")


class Variable:
    """An array that remembers where it came from.

    Parameters
    ----------
    value
        Floating-point numbers; ``float32`` stays ``float32``, whole numbers become ``float64``.

    Attributes
    ----------
    value : ndarray
    gradient : ndarray or None
        The gradient of the number whose `backward` was called last, in the shape of ``value``.
    """

    __slots__ = ("gradient", "number", "pull_backs", "value")
    __array_ufunc__ = None  # An array on the left leaves the operation to this class.

    def __init__(self, value: ArrayLike) -> None:
        array = np.asarray(value)
        self.value = array if array.dtype.kind == "f" else array.astype(np.float64)
        self.gradient: Array | None = None
        self.number = next(_counter)
        self.pull_backs: Sequence[tuple[Variable, PullBack]] = ()

    def backward(self) -> None:
        """Set the gradient of every variable that this number was computed from."""
        if self.value.size != 1:
            raise ValueError(
                f"backward() starts from one number, got shape {self.value.shape}: take a sum or "
                "a mean first"
            )
        order = self._results_before_parents()
        self.gradient = np.ones_like(self.value)
        for variable in order:
            for parent, pull_back in variable.pull_backs:
                share = pull_back(variable.gradient)
                if share.shape != parent.value.shape:
                    share = _sum_to_shape(share, parent.value.shape)
                # Never in place: the two parents of a sum are handed the same array.
                parent.gradient = share if parent.gradient is None else parent.gradient + share

    def _results_before_parents(self) -> list[Variable]:
        # All that this number was computed from, found without recursion (a long program would
        # exceed Python's limit). Nothing is made before its parents, so the order of making,
        # reversed, visits every result before them: it is a topological order.
        found, stack = {self}, [self]
        while stack:
            variable = stack.pop()
            variable.gradient = None
            for parent, _ in variable.pull_backs:
                if parent not in found:
                    found.add(parent)
                    stack.append(parent)
        return sorted(found, key=_number, reverse=True)

    def __add__(self, other: Operand) -> Variable:
        return _result(self.value + _value(other), (self, _same), (other, _same))

    def __sub__(self, other: Operand) -> Variable:
        return _result(self.value - _value(other), (self, _same), (other, np.negative))

    def __rsub__(self, other: Operand) -> Variable:
        return _result(_value(other) - self.value, (self, np.negative))

    def __mul__(self, other: Operand) -> Variable:
        a, b = self.value, _value(other)
        return _result(a * b, (self, lambda g: g * b), (other, lambda g: g * a))

    def __truediv__(self, other: Operand) -> Variable:
        b = _value(other)
        y = self.value / b
        return _result(y, (self, lambda g: g / b), (other, lambda g: -g * y / b))

    def __rtruediv__(self, other: Operand) -> Variable:
        y = _value(other) / self.value
        return _result(y, (self, lambda g: -g * y / self.value))

    def __pow__(self, power: float) -> Variable:
        a = self.value
        return _result(a**power, (self, lambda g: g * (power * a ** (power - 1))))

    def __neg__(self) -> Variable:
        return _result(-self.value, (self, np.negative))

    def __matmul__(self, other: Operand) -> Variable:
        return _product(self, other)

    def __rmatmul__(self, other: Operand) -> Variable:
        return _product(other, self)

    __radd__ = __add__
    __rmul__ = __mul__

    def __getitem__(self, index: Any) -> Variable:
        def pull_back(g: Array) -> Array:
            back = np.zeros_like(self.value)
            np.add.at(
                back, index, g
            )  # Adds as often as an entry was taken; back[index] += would not.
            return back

        return _result(self.value[index], (self, pull_back))

    def sum(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Variable:
        """Return the sum over ``axis``, or of all entries."""
        total = self.value.sum(axis=axis, keepdims=True)
        y = total if keepdims else np.squeeze(total, axis)
        return _result(y, (self, lambda g: np.full(self.shape, g.reshape(total.shape))))

    def mean(self, axis: int | tuple[int, ...] | None = None, keepdims: bool = False) -> Variable:
        """Return the mean over ``axis``, or of all entries."""
        total = self.sum(axis, keepdims)
        return total * (total.value.size / self.value.size)

    def max(self, axis: int | None = None, keepdims: bool = False) -> Variable:
        """Return the largest entry along ``axis``, or of all."""
        largest = self.value.max(axis=axis, keepdims=True)
        is_largest = self.value == largest
        share = is_largest / is_largest.sum(axis=axis, keepdims=True, dtype=self.value.dtype)
        y = largest if keepdims else self.value.max(axis=axis)
        return _result(y, (self, lambda g: g.reshape(largest.shape) * share))

    def reshape(self, *shape: int) -> Variable:
        """Return the same entries in another shape."""
        return _result(self.value.reshape(*shape), (self, lambda g: g.reshape(self.value.shape)))

    @property
    def T(self) -> Variable:  # noqa: N802
        """Return the transpose."""
        return _result(self.value.T, (self, np.transpose))

    @property
    def shape(self) -> tuple[int, ...]:
        """Return the shape of the value."""
        return self.value.shape

    def __repr__(self) -> str:
        return f"Variable({self.value!r})"


def exp(a: Variable) -> Variable:
    r"""Return :math:`e^a`."""
    y = np.exp(a.value)
    return _result(y, (a, lambda g: g * y))


def log(a: Variable) -> Variable:
    """Return the natural logarithm."""
    return _result(np.log(a.value), (a, lambda g: g / a.value))


def tanh(a: Variable) -> Variable:
    """Return the hyperbolic tangent."""
    y = np.tanh(a.value)
    return _result(y, (a, lambda g: g * (1.0 - y * y)))


def sigmoid(a: Variable) -> Variable:
    """Return the logistic function."""
    y = logistic(a.value)
    return _result(y, (a, lambda g: g * y * (1.0 - y)))


def softplus(a: Variable) -> Variable:
    r"""Return :math:`\log(1 + e^a)`."""
    return _result(smooth_rectifier(a.value), (a, lambda g: g * logistic(a.value)))


def relu(a: Variable) -> Variable:
    """Return the positive part."""
    # A row of zeros and not the number 0: numpy vectorises the maximum of two arrays.
    y = np.maximum(a.value, np.zeros(a.shape[-1:], a.value.dtype))
    return _result(y, (a, lambda g: g * (y > 0)))


def absolute(a: Variable) -> Variable:
    """Return the absolute value."""
    return _result(np.abs(a.value), (a, lambda g: g * np.sign(a.value)))


def erf(a: Variable) -> Variable:
    """Return the error function."""
    from scipy.special import erf as error_function  # Loaded when first needed.

    density = 2.0 / sqrt(pi)
    return _result(
        error_function(a.value), (a, lambda g: g * (density * np.exp(-a.value * a.value)))
    )


def maximum(a: Operand, b: Operand) -> Variable:
    """Return the larger of two, entry by entry."""
    x, y = _value(a), _value(b)
    return _result(
        np.maximum(x, y),
        (a, lambda g: g * (0.5 * (x > y) + 0.5 * (x >= y)).astype(g.dtype)),
        (b, lambda g: g * (0.5 * (y > x) + 0.5 * (y >= x)).astype(g.dtype)),
    )


def logsumexp(a: Variable, axis: int = -1, keepdims: bool = False) -> Variable:
    r"""Return :math:`\log \sum_k e^{a_k}` along ``axis``, of numbers however large."""
    largest = a.value.max(axis=axis, keepdims=True)
    weights = np.exp(a.value - largest)
    total = weights.sum(axis=axis, keepdims=True)
    weights /= total
    y = largest + np.log(total)
    return _result(
        y if keepdims else np.squeeze(y, axis), (a, lambda g: g.reshape(total.shape) * weights)
    )


def mean_cost(cost: Cost, prediction: Variable, target: Array) -> Variable:
    """Return the mean of a cost of `course_lib.costs`, as one operation."""
    costs, slopes = cost.pointwise_and_derivative(prediction.value, target)
    n = len(slopes)
    return _result(costs.sum() / n, (prediction, lambda g: slopes * (g / n)))


def value_and_gradients(
    function: Callable[..., Variable], *arguments: ArrayLike
) -> tuple[float, list[Array]]:
    """Return the value of ``function`` at the arguments, and its gradient in each of them.

    Examples
    --------
    >>> value_and_gradients(lambda a, b: (a * b).sum(), [1.0, 2.0], 3.0)
    (9.0, [array([3., 3.]), array(3.)])
    """
    variables = [Variable(argument) for argument in arguments]
    y = function(*variables)
    y.backward()
    gradients = [
        np.zeros_like(v.value) if v.gradient is None else np.asarray(v.gradient) for v in variables
    ]
    return float(y.value), gradients


def _result(value: Array, *pull_backs: tuple[Operand, PullBack]) -> Variable:
    y = Variable(value)
    # Nothing is pulled back to a constant.
    y.pull_backs = [edge for edge in pull_backs if isinstance(edge[0], Variable)]
    return y


def _value(operand: Operand) -> Any:
    if isinstance(operand, Variable):
        return operand.value
    return operand if isinstance(operand, int | float) else np.asarray(operand)


def _same(g: Array) -> Array:
    return g


def _product(left: Operand, right: Operand) -> Variable:
    a, b = _value(left), _value(right)
    if not (np.ndim(a) in (1, 2) and np.ndim(b) in (1, 2)):
        raise ValueError(
            f"a @ b is for vectors and matrices, got shapes {np.shape(a)} and {np.shape(b)}"
        )
    # A vector is a row on the left and a column on the right.
    rows = a if a.ndim == 2 else a[None, :]
    columns = b if b.ndim == 2 else b[:, None]
    shape = len(rows), columns.shape[1]
    return _result(
        a @ b,
        (left, lambda g: (g.reshape(shape) @ columns.T).reshape(a.shape)),
        (right, lambda g: (rows.T @ g.reshape(shape)).reshape(b.shape)),
    )


def _sum_to_shape(gradient: Array, shape: tuple[int, ...]) -> Array:
    """Return the gradient of an operand of that shape, undoing numpy's broadcasting."""
    if gradient.ndim == 2 and shape == gradient.shape[1:]:
        return sum_over_samples(gradient)
    new_axes = gradient.ndim - len(shape)
    stretched = tuple(
        axis
        for axis in range(gradient.ndim)
        if axis < new_axes or (shape[axis - new_axes] == 1 and gradient.shape[axis] != 1)
    )
    return gradient.sum(axis=stretched).reshape(shape)
