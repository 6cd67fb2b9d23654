r"""Nonlinear conjugate gradients.

Chapter: *Gradient descent*, as the comparison. Each direction keeps a share of the last one,

.. math:: d_k = -g_k + \beta_k d_{k-1},

chosen so that on a quadratic the directions are conjugate, :math:`d_i^\top H d_j = 0`. No work is
done twice: with exact line searches, :math:`n` parameters take at most :math:`n` steps.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from course_lib.line_search import (
    ExactLineSearch,
    LineSearch,
    StepContext,
    WolfeLineSearch,
    check_one_function,
)
from course_lib.optimizers.base import Optimizer, State
from course_lib.validation import FloatArray, check_choice


def _fletcher_reeves(g: FloatArray, previous: FloatArray, direction: FloatArray) -> float:
    return float(g @ g / (previous @ previous))


def _polak_ribiere(g: FloatArray, previous: FloatArray, direction: FloatArray) -> float:
    # Not below zero: a negative share would undo progress, and zero is a restart.
    return max(0.0, float(g @ (g - previous) / (previous @ previous)))


def _hestenes_stiefel(g: FloatArray, previous: FloatArray, direction: FloatArray) -> float:
    change = g - previous
    scale = float(direction @ change)
    return max(0.0, float(g @ change / scale)) if scale > 0 else 0.0


#: The shares by name.
FORMULAS: dict[str, Callable[[FloatArray, FloatArray, FloatArray], float]] = {
    "fletcher-reeves": _fletcher_reeves,
    "polak-ribiere": _polak_ribiere,
    "hestenes-stiefel": _hestenes_stiefel,
}


class ConjugateGradient(Optimizer):
    r"""Step along directions that do not undo each other's work.

    Parameters
    ----------
    formula
        The share :math:`\beta_k`: ``"fletcher-reeves"`` [1]_, :math:`g_k^\top g_k / g_{k-1}^\top
        g_{k-1}`; ``"polak-ribiere"`` [2]_, :math:`g_k^\top (g_k - g_{k-1}) / g_{k-1}^\top g_{k-1}`;
        ``"hestenes-stiefel"`` [3]_, :math:`g_k^\top (g_k - g_{k-1}) / d_{k-1}^\top (g_k -
        g_{k-1})`. The last two are cut off at zero. On a quadratic with exact line searches all
        three agree.
    line_search
        How far to go. Exact on a quadratic and strong Wolfe elsewhere, if not given.

    Notes
    -----
    Restarts along :math:`-g` after ``n_parameters`` steps, and whenever the direction would not
    lead down. Neighbouring gradients must belong to one function: leave batches to other methods.

    References
    ----------
    .. [1] R. Fletcher and C. M. Reeves, "Function minimization by conjugate gradients", The
       Computer Journal 7 (1964), pp. 149-154.
    .. [2] E. Polak and G. Ribière, "Note sur la convergence de méthodes de directions conjuguées",
       Revue française d'informatique et de recherche opérationnelle 3 (1969), no. 16, pp. 35-43.
    .. [3] M. R. Hestenes and E. Stiefel, "Methods of conjugate gradients for solving linear
       systems", Journal of Research of the National Bureau of Standards 49 (1952), pp. 409-436.
    """

    def __init__(
        self, formula: str = "polak-ribiere", line_search: LineSearch | None = None
    ) -> None:
        self.formula = check_choice("formula", formula, FORMULAS)
        if line_search is not None and not isinstance(line_search, LineSearch):
            raise TypeError(
                "line_search must be a LineSearch, because conjugate directions lose their meaning "
                f"with steps decided beforehand; got {line_search!r}"
            )
        self.line_search = line_search

    def init(self, theta: FloatArray) -> State:
        return {
            "k": 0,
            "since_restart": 0,
            "direction": np.zeros_like(theta),
            "previous": np.zeros_like(theta),
            "step": np.empty_like(theta),
        }

    def update(
        self,
        gradient: FloatArray,
        state: State,
        theta: FloatArray,
        context: StepContext | None = None,
    ) -> FloatArray:
        if context is None:
            raise TypeError(
                "ConjugateGradient searches along its direction, so update() needs "
                "context=StepContext(objective, value); the run loop `descend` passes it"
            )
        check_one_function(context.objective, "ConjugateGradient")
        direction = state["direction"]
        if 0 < state["since_restart"] < len(theta):
            direction *= FORMULAS[self.formula](gradient, state["previous"], direction)
            direction -= gradient
            if gradient @ direction >= 0:
                state["since_restart"] = 0
        else:
            state["since_restart"] = 0
        if state["since_restart"] == 0:
            np.negative(gradient, out=direction)
        alpha = self._search_for(context).search(theta, direction, gradient, context)
        np.multiply(direction, alpha, out=state["step"])
        np.copyto(state["previous"], gradient)
        state["step_size"] = alpha
        state["since_restart"] += 1
        state["k"] += 1
        return state["step"]

    def _search_for(self, context: StepContext) -> LineSearch:
        if self.line_search is not None:
            return self.line_search
        return ExactLineSearch() if context.objective.is_quadratic else WolfeLineSearch()

    def __repr__(self) -> str:
        return f"ConjugateGradient({self.formula!r}, {self.line_search!r})"
