r"""Optimizers made of links: every link turns a gradient into something better.

Chapters: *Momentum and adaptive optimizers*, *Regularization*. A link has the same `init` and
`update` as an optimizer, and a `chain` feeds what one returns to the next. One link takes the step:
it multiplies by minus the step size. What the others do, and in which order, is the whole
difference between optimizers that have names of their own:

====================================  =============================================================
`SGD`                                 ``chain(clip_by_value(c), rescale(s), add_weight_decay(λ),
                                      scale_by_step_size(α), accumulate(μ))``
`Momentum`, classical form            ``chain(scale_by_step_size(α), accumulate(μ))``
`Momentum`, PyTorch's form            ``chain(accumulate(μ), scale_by_step_size(α))``
`Adam` with an L2 penalty             ``chain(add_weight_decay(λ), Adam(α))``
`AdamW`                               ``chain(direction_of(Adam()), add_weight_decay(λ),
                                      scale_by_step_size(α))``
`RMSProp` with momentum               ``chain(direction_of(RMSProp()), accumulate(μ),
                                      scale_by_step_size(α))``
====================================  =============================================================

The two conventions of momentum are one pair of links in two orders, and so are coupled and
decoupled weight decay. (The idea and several of the names are optax's.)
"""

from __future__ import annotations

from collections.abc import Callable
from copy import copy

import numpy as np
from numpy.typing import ArrayLike

from course_lib.line_search import StepContext
from course_lib.optimizers.adam import check_weight_decay
from course_lib.optimizers.base import Optimizer, State
from course_lib.optimizers.first_order import FirstOrder, Vector
from course_lib.optimizers.momentum import Momentum
from course_lib.schedules import Constant, Schedule
from course_lib.validation import check_real, check_vector


class Link(Optimizer):
    """A part of a chain that does not take the step."""


class Chain(Optimizer):
    """Links one after another; the step is what the last returns.

    Attributes
    ----------
    links : tuple of Optimizer
    """

    def __init__(self, links: tuple[Optimizer, ...]) -> None:
        for link in links:
            if not isinstance(link, Optimizer):
                raise TypeError(f"links must be optimizers or links of a chain, got {link!r}")
        # A chain within a chain is the same as its links.
        self.links = tuple(
            part for link in links for part in (link.links if isinstance(link, Chain) else (link,))
        )

    def init(self, theta: Vector) -> State:
        taking_steps = [link for link in self.links if not isinstance(link, Link)]
        if len(taking_steps) != 1:
            raise ValueError(
                f"links must hold exactly one that takes the step, got {len(taking_steps)} in "
                f"{self!r}: add scale_by_step_size(...) where there is none, and wrap all but one "
                "in direction_of(...) where there are several"
            )
        theta = check_vector("theta", theta)
        return {"links": [link.init(theta) for link in self.links]}

    def update(
        self, gradient: Vector, state: State, theta: Vector, context: StepContext | None = None
    ) -> Vector:
        for link, memory in zip(self.links, state["links"], strict=True):
            gradient = link.update(gradient, memory, theta, context)
            if not isinstance(link, Link):
                state["step_size"] = memory.get("step_size", np.nan)
        return gradient

    def __repr__(self) -> str:
        return f"chain({', '.join(map(repr, self.links))})"


def chain(*links: Optimizer) -> Chain:
    """Return the optimizer that feeds the gradient through ``links``, in order.

    Exactly one of them takes the step: an optimizer, or `scale_by_step_size`.

    Examples
    --------
    >>> from course_lib.descent import descend
    >>> from course_lib.objectives import rosenbrock
    >>> from course_lib.optimizers import Adam
    >>> from course_lib.schedules import Cosine
    >>> optimizer = chain(clip_by_norm(1.0), Adam(Cosine(0.1, steps=500)))
    >>> descend(rosenbrock(), [-1.5, 2.0], optimizer, max_iterations=500).value[-1] < 1e-3
    np.True_
    """
    return Chain(links)


class Formula(Link):
    """A link without memory: a function of the gradient and ``theta``."""

    def __init__(self, name: str, formula: Callable[[Vector, Vector, Vector], Vector]) -> None:
        self.name = name
        self.formula = formula

    def init(self, theta: Vector) -> State:
        return {"step": np.empty_like(theta)}

    def update(
        self, gradient: Vector, state: State, theta: Vector, context: StepContext | None = None
    ) -> Vector:
        return self.formula(gradient, theta, state["step"])

    def __repr__(self) -> str:
        return self.name


def clip_by_norm(max_norm: float, *, epsilon: float = 0.0) -> Link:
    r"""Shorten the gradient to ``max_norm`` where it is longer; keep its direction [1]_.

    .. math:: g \min\left(1, \frac{c}{\|g\| + \epsilon}\right)

    Parameters
    ----------
    max_norm
        The bound :math:`c` on the Euclidean norm of the whole gradient.
    epsilon
        0 in the paper and in optax; PyTorch's ``clip_grad_norm_`` adds 1e-6.

    References
    ----------
    .. [1] R. Pascanu, T. Mikolov and Y. Bengio, "On the difficulty of training recurrent neural
       networks", ICML, 2013, pp. 1310-1318, algorithm 1.
    """
    bound = check_real("max_norm", max_norm, above=0)
    epsilon = check_real("epsilon", epsilon, at_least=0)

    def shorten(gradient: Vector, theta: Vector, out: Vector) -> Vector:
        with np.errstate(over="ignore"):
            norm = float(np.linalg.norm(gradient))
        if norm == np.inf:  # The squares overflowed, in single precision.
            norm = float(np.linalg.norm(gradient.astype(np.float64)))
        return np.multiply(gradient, bound / max(norm + epsilon, bound), out=out)

    return Formula(f"clip_by_norm({bound:g})", shorten)


def clip_by_value(bound: float) -> Link:
    r"""Bring every entry of the gradient into :math:`[-c, c]`; this turns its direction."""
    bound = check_real("bound", bound, above=0)
    return Formula(
        f"clip_by_value({bound:g})",
        lambda gradient, theta, out: np.clip(gradient, -bound, bound, out=out),
    )


def rescale(factor: float) -> Link:
    """Multiply the gradient by ``factor``: 1 / batch size makes a mean of a sum."""
    factor = check_real("factor", factor, above=0)
    return Formula(
        f"rescale({factor:g})",
        lambda gradient, theta, out: np.multiply(gradient, factor, out=out),
    )


def add_weight_decay(weight_decay: ArrayLike) -> Link:
    r"""Add :math:`\lambda \theta`, the gradient of :math:`\tfrac\lambda2 \|\theta\|^2`.

    Parameters
    ----------
    weight_decay
        :math:`\lambda \ge 0`, or one for each parameter, shape (n_parameters,).

    Notes
    -----
    Before a link that divides by the gradients' size the decay is *coupled*: it is divided, too.
    After it, the decay is *decoupled*.
    """
    decay = check_weight_decay(weight_decay)

    def add(gradient: Vector, theta: Vector, out: Vector) -> Vector:
        np.multiply(theta, decay, out=out)
        return np.add(out, gradient, out=out)

    return Formula(f"add_weight_decay({weight_decay!r})", add)


class StepSizeLink(FirstOrder):
    """Take the step: multiply by minus the step size."""

    def _step(self, alpha: float, gradient: Vector, state: State, theta: Vector) -> Vector:
        return np.multiply(gradient, -alpha, out=state["step"])

    def __repr__(self) -> str:
        return f"scale_by_step_size({self.step_size!r})"


def scale_by_step_size(step_size: float | Schedule) -> Optimizer:
    r"""Take the step: multiply by :math:`-\alpha_k`, a number or a schedule."""
    return StepSizeLink(step_size)


class Direction(Link):
    """An optimizer's direction, without its step size."""

    def __init__(self, optimizer: FirstOrder) -> None:
        if not isinstance(optimizer, FirstOrder):
            raise TypeError(
                f"optimizer must be one with a step size to leave out, got {optimizer!r}"
            )
        self.optimizer = copy(optimizer)
        self.optimizer.step_size = Constant(1.0)

    def init(self, theta: Vector) -> State:
        return {"inner": self.optimizer.init(theta), "direction": np.empty_like(theta)}

    def update(
        self, gradient: Vector, state: State, theta: Vector, context: StepContext | None = None
    ) -> Vector:
        step = self.optimizer.update(gradient, state["inner"], theta, context)
        return np.negative(step, out=state["direction"])

    def __repr__(self) -> str:
        return f"direction_of({self.optimizer!r})"


def direction_of(optimizer: FirstOrder) -> Link:
    r"""Return the link that yields the direction :math:`d_k` of ``optimizer``.

    It is minus its step for the step size 1. (optax's ``scale_by_adam`` is
    ``direction_of(Adam())``.)
    """
    return Direction(optimizer)


def accumulate(momentum: float | Schedule) -> Link:
    r"""Add up what comes in, :math:`v \leftarrow \mu v + g`: momentum as a link.

    (It is optax's ``trace``.)

    Parameters
    ----------
    momentum
        :math:`\mu` from 0 to below 1, or a schedule of it.
    """
    return Direction(Momentum(1.0, momentum, form="pytorch"))
