"""The flat parameter vector and the names of its parts.

Chapter: *Gradient descent*. An optimizer sees one contiguous vector ``theta``; a model sees a
weight matrix here and a bias there. A `ParameterLayout` is the map between the two. It copies
nothing: the named parts are views, so that moving ``theta`` moves the model.
"""

from __future__ import annotations

from collections.abc import Mapping
from math import prod

import numpy as np
from numpy.typing import ArrayLike, DTypeLike

from course_lib.validation import FloatArray, check_array, check_integer


class ParameterLayout:
    """Names and shapes of the parts of one flat vector, in order.

    Parameters
    ----------
    shapes
        The shape of every named part, in the order in which they lie in the vector.

    Attributes
    ----------
    shapes : dict of str to tuple of int
    slices : dict of str to slice
        Where each part lies in the flat vector.
    size : int
        The length of the flat vector.

    Examples
    --------
    >>> layout = ParameterLayout({"weights": (2, 3), "bias": (3,)})
    >>> theta = layout.zeros()
    >>> layout.views(theta)["bias"][:] = 1.0
    >>> theta
    array([0., 0., 0., 0., 0., 0., 1., 1., 1.])
    """

    def __init__(self, shapes: Mapping[str, tuple[int, ...]]) -> None:
        if not shapes:
            raise ValueError("shapes must name at least one part, got an empty mapping")
        self.shapes: dict[str, tuple[int, ...]] = {}
        for name, shape in shapes.items():
            if not isinstance(shape, (tuple, list)):
                raise TypeError(
                    f"shapes[{name!r}] must be a tuple such as (3,), or () for a number; got "
                    f"{shape!r}"
                )
            self.shapes[name] = tuple(
                check_integer(f"shapes[{name!r}]", n, at_least=1) for n in shape
            )
        self.slices: dict[str, slice] = {}
        start = 0
        for name, shape in self.shapes.items():
            self.slices[name] = slice(start, start + prod(shape))
            start += prod(shape)
        self.size = start

    def zeros(self, dtype: DTypeLike = np.float64) -> FloatArray:
        """Return a flat vector of zeros."""
        return np.zeros(self.size, dtype=dtype)

    def views(self, theta: FloatArray) -> dict[str, FloatArray]:
        """Return the named parts of ``theta``, as views of its memory.

        Raises
        ------
        ValueError
            If ``theta`` is not a contiguous vector of `size` entries. (Views of anything else
            would silently be copies.)
        """
        if not isinstance(theta, np.ndarray) or theta.shape != (self.size,):
            shape = getattr(theta, "shape", None)
            raise ValueError(
                f"theta must be an array of shape ({self.size},) holding {self._listing()}, got "
                + (f"shape {shape}" if shape is not None else f"a {type(theta).__name__}")
            )
        if not theta.flags.c_contiguous:
            raise ValueError(
                "theta must be contiguous, got a strided view: take numpy.ascontiguousarray(theta)"
            )
        return {name: theta[self.slices[name]].reshape(s) for name, s in self.shapes.items()}

    def flatten(self, parts: Mapping[str, ArrayLike]) -> FloatArray:
        """Return a new flat vector with the values of all named ``parts``.

        Raises
        ------
        ValueError
            If a part is missing, unknown or of the wrong shape.
        """
        if set(parts) != set(self.shapes):
            raise ValueError(
                f"parts must be named {', '.join(self.shapes)}, got {', '.join(parts) or 'none'}"
            )
        return np.concatenate(
            [
                check_array(f"parts[{name!r}]", parts[name], shape=shape).ravel()
                for name, shape in self.shapes.items()
            ]
        )

    def _listing(self) -> str:
        return ", ".join(f"{name} {shape}" for name, shape in self.shapes.items())

    def __repr__(self) -> str:
        return f"ParameterLayout({self.shapes})"
