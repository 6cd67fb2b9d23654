r"""How strong a penalty and of what shape: two weights on their way to zero.

Chapter: *Regularization*. Twenty diabetes patients, two features, standardized targets. The elastic
net

.. math:: \tfrac{1}{2n} \|X w - y\|^2 + \lambda \Bigl(\rho\,\|w\|_1 + \frac{1-\rho}{2} \|w\|^2\Bigr)

has its minimum where an ellipse of the risk touches a level set of the penalty: a circle for
:math:`\rho = 0`, a diamond for :math:`\rho = 1`. At a corner one weight is exactly zero. The other
422 patients say what that is worth.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
from sklearn.datasets import load_diabetes

from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import compact, decimal
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Scene, Text
from course_lib.linear_learners import proximal_descent
from course_lib.objectives import Quadratic
from course_lib.penalties import ElasticNet
from course_lib.stopping import GradientNorm
from course_lib.validation import FloatArray

STRENGTHS = (0.01, 0.02, 0.03, 0.05, 0.07, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.7, 1.0, 1.5, 2.0, 3.0,
             5.0)  # fmt: skip
SHARES = (0.0, 0.25, 0.5, 0.75, 1.0)
TARGET_ERROR = 64.0
FEATURES = ("sex", "bmi")
#: These twenty were chosen: in them sex and body-mass index happen to go together.
N_PATIENTS, _DRAW = 20, 4

_SEX = {"tone": "series-1", "dash": "dashed"}
_BMI = {"tone": "series-2", "dash": "dotted", "width": 3}
_PENALTY = {"tone": "series-3", "width": 2.5}


def penalty_shape_explorable() -> Explorable:
    """Return the explorable of a penalty's strength and shape."""
    return Explorable(
        "penalty-shape",
        "Strength and shape of a penalty",
        [
            Slider("strength", "Strength λ", STRENGTHS, compact),
            Slider("share", "Share ρ of L1", SHARES, lambda share: decimal(share, 2)),
        ],
        draw,
        start={"strength": 0.1, "share": 0.0},
        target=f"one weight exactly zero, and a held-out error below {TARGET_ERROR:g}",
        lead="Twenty patients give two weights. The other 422 judge them.",
    )


class Problem(NamedTuple):
    """Two features of twenty patients as a quadratic, and the other patients in the same units."""

    risk: Quadratic
    held_data: FloatArray
    held_target: FloatArray
    unit: float

    def error(self, weights: FloatArray) -> float:
        """Return the held-out root mean squared error, in the units of the target."""
        residual = self.held_data @ weights - self.held_target
        return self.unit * float(np.sqrt(np.mean(residual**2)))


@lru_cache(maxsize=1)
def problem() -> Problem:
    """Return the data of the explorable."""
    patients = load_diabetes()
    columns = [patients.feature_names.index(name) for name in FEATURES]
    order = np.random.default_rng(_DRAW).permutation(len(patients.target))
    seen, held = order[:N_PATIENTS], order[N_PATIENTS:]
    X, y = patients.data[:, columns], patients.target
    X = (X - X[seen].mean(axis=0)) / X[seen].std(axis=0)
    unit = float(y[seen].std())
    y = (y - y[seen].mean()) / unit
    least = np.linalg.lstsq(X[seen], y[seen], rcond=None)[0]
    risk = Quadratic(X[seen].T @ X[seen] / N_PATIENTS, least)
    return Problem(risk, X[held], y[held], unit)


@lru_cache(maxsize=len(STRENGTHS) * len(SHARES))
def weights(strength: float, share: float) -> FloatArray:
    """Return the minimizer of risk and penalty, by proximal gradient descent."""
    risk = problem().risk
    penalty = ElasticNet(strength, l1_ratio=share)
    step = 1.0 / risk.smoothness
    stop = GradientNorm(1e-11)
    return proximal_descent(risk, np.zeros(2), penalty, step, stop=stop, max_iterations=2000).final


def draw(strength: float, share: float) -> Scene:
    """Draw one state.

    Parameters
    ----------
    strength
        The strength of the penalty.
    share
        The share of L1 in it.
    """
    w = weights(strength, share)
    error = problem().error(w)
    zeros = int(np.count_nonzero(w == 0))
    return Scene(
        [
            [_plane(strength, share, w)],
            [_weights(strength, share, w), _errors(strength, share, error)],
        ],
        readout=_story(share, w, zeros, error),
        reached=zeros == 1 and error < TARGET_ERROR,
        facts={
            "Weight of sex": _in_words(w[0]),
            "Weight of bmi": _in_words(w[1]),
            "Exact zeros": str(zeros),
            "Held-out error": decimal(error, 1),
        },
    )


def _in_words(weight: float) -> str:
    return "exactly 0" if weight == 0 else decimal(weight, 3)


def _story(share: float, w: FloatArray, zeros: int, error: float) -> str:
    if zeros == 2:
        return "The penalty is so strong that nothing is left: everybody is predicted the mean."
    judged = f"The error on the other patients is {decimal(error, 1)}."
    if zeros == 1:
        return f"The ellipse touches a corner: the weight of sex is exactly zero. {judged}"
    if share == 0:
        return f"A circle has no corner: both weights shrink, and neither is zero. {judged}"
    return f"The ellipse touches beside the corner: both weights are at work. {judged}"


def _level_set(share: float, w: FloatArray) -> Line:
    """Return the level set of the penalty through ``w``."""
    angle = np.linspace(0, 2 * np.pi, 145)
    ray = np.array([np.cos(angle), np.sin(angle)])
    height = ElasticNet(1.0, l1_ratio=share).value(w)
    # Along a ray of direction u the penalty is a r + b r², with a = ρ‖u‖₁ and b = (1 − ρ) / 2.
    a, b = share * np.abs(ray).sum(axis=0), 0.5 * (1.0 - share)
    radius = 2.0 * height / np.maximum(a + np.sqrt(a * a + 4.0 * b * height), 1e-12)
    return Line(*(radius * ray), smooth=False, **_PENALTY)


def _plane(strength: float, share: float, w: FloatArray) -> Panel:
    risk = problem().risk
    best = risk.minimizer
    path = np.array([best, *(weights(value, share) for value in STRENGTHS)])
    at_corner = np.count_nonzero(w == 0) == 1
    marks: list[Mark] = [
        _ellipses(w),
        Line([-2, 2], [0, 0], tone="muted", width=0.7),
        Line([0, 0], [-2, 2], tone="muted", width=0.7),
        _level_set(share, w),
        Line(path[:, 0], path[:, 1], tone="ink", width=1, dots=True, smooth=False),
        Points([best[0]], [best[1]], shape="cross", size=11, tone="series-1"),
        Text(best[0], best[1], "least squares", offset=(10, -6), tone="series-1"),
        Points([w[0]], [w[1]], shape="ring", size=15, tone="ink"),
    ]
    shape = "circle" if share == 0 else "diamond" if share == 1 else "diamond with bulging sides"
    where = "in its corner on the bmi axis" if at_corner else "off its corners"
    if not w.any():
        where = "shrunk to the origin"
    return Panel(
        "The plane of the two weights",
        Axis("weight of sex", (-0.5, 0.7), ticks=(-0.4, -0.2, 0, 0.2, 0.4, 0.6)),
        Axis("weight of bmi", (-0.5, 0.95), ticks=(-0.4, -0.2, 0, 0.2, 0.4, 0.6, 0.8)),
        marks,
        description=f"The penalty's level set is a {shape}, and the minimum lies {where}, at "
        f"{decimal(w[0], 2)} and {decimal(w[1], 2)}.",
        height=430,
        equal=True,
        legend=[
            ("risk", Line([], [], tone="muted", width=1)),
            ("penalty", Line([], [], **_PENALTY)),
            ("all strengths", Line([], [], tone="ink", width=1, dots=True)),
            ("minimum", Points([], [], shape="ring", size=12, tone="ink")),
        ],
    )


def _ellipses(w: FloatArray) -> Line:
    """Return contours of the risk; one passes through ``w``."""
    risk = problem().risk
    curvatures, axes = np.linalg.eigh(risk.hessian(np.zeros(2)))
    circle = np.linspace(0, 2 * np.pi, 97)
    unit = axes @ (np.array([np.cos(circle), np.sin(circle)]) / np.sqrt(curvatures)[:, None])
    through = np.sqrt(2.0 * max(risk.value(w) - risk.value(risk.minimizer), 0.0))
    rings = []
    for size in (through, 0.15, 0.35, 0.6, 0.9):
        rings += [size * unit + risk.minimizer[:, None], np.full((2, 1), np.nan)]
    return Line(*np.hstack(rings), tone="muted", width=1, opacity=0.7)


def _weights(strength: float, share: float, w: FloatArray) -> Panel:
    path = np.array([weights(value, share) for value in STRENGTHS])
    return Panel(
        "Both weights at every strength",
        Axis("strength λ", (0.01, 5.0), scale="log"),
        Axis("weight", (0.0, 0.8), ticks=(0, 0.2, 0.4, 0.6, 0.8)),
        [
            Line([strength, strength], [0, 0.8], tone="ink", width=1),
            Line(STRENGTHS, path[:, 0], **_SEX),
            Line(STRENGTHS, path[:, 1], **_BMI),
            Points([strength, strength], w, shape="ring", size=10, tone="ink"),
        ],
        description=f"At strength {compact(strength)} the weight of sex is {_in_words(w[0])}, that "
        f"of bmi {_in_words(w[1])}.",
        height=190,
        legend=[("sex", Line([], [], **_SEX)), ("bmi", Line([], [], **_BMI))],
    )


def _errors(strength: float, share: float, error: float) -> Panel:
    errors = [problem().error(weights(value, share)) for value in STRENGTHS]
    least = problem().error(problem().risk.minimizer)
    side = "below" if error < least else "above"
    return Panel(
        "Error on the other 422 patients",
        Axis("strength λ", (0.01, 5.0), scale="log"),
        Axis("root mean squared error", (62, 79), ticks=(62, 66, 70, 74, 78)),
        [
            Region(y1=TARGET_ERROR, tone="series-3", opacity=0.14),
            Text(0.011, 62, "target", offset=(2, -4), tone="series-3"),
            Line([0.01, 5.0], [least, least], tone="series-1", dash="dashed", width=1.5),
            Line(STRENGTHS, errors, tone="ink"),
            Points([strength], [error], shape="ring", size=12, tone="ink"),
        ],
        description=f"The error is {decimal(error, 1)}, {side} the {decimal(least, 1)} of least "
        f"squares; the lowest of this shape is {decimal(min(errors), 1)}.",
        height=190,
        legend=[
            ("with penalty", Line([], [], tone="ink")),
            ("least squares", Line([], [], tone="series-1", dash="dashed", width=1.5)),
        ],
    )
