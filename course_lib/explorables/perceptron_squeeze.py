r"""The perceptron between two bounds: mistake after mistake, and how wide the gap is.

Chapter: *Linear learners*. With every mistake the weights gain at least :math:`\gamma` along a
hidden line's normal :math:`u`, and their squared length gains at most :math:`R^2`:

.. math:: m \gamma \le u^\top w \le \|w\| \le R \sqrt m .

A straight line that starts below a square root crosses it at :math:`m = (R / \gamma)^2`, and there
the mistakes must have ended.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import decimal
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Scene, Text
from course_lib.linear_learners import Perceptron
from course_lib.validation import FloatArray

#: Distances of the nearest points from the hidden line.
GAPS = (0.1, 0.2, 0.3, 0.45, 0.65, 0.9)
MOST_MISTAKES = 30
TARGET_BOUND = 15

#: The normal of the hidden line, and the line itself; both pass through the origin.
NORMAL = np.array([np.cos(np.radians(62)), np.sin(np.radians(62))])
_ALONG = np.array([NORMAL[1], -NORMAL[0]])
# Where the points are along the line, and how far beyond the gap they are, in order of use.
_PLACES = np.array([1.8, -0.2, 0.1, -1.3, -0.3, 2.1, 1.9, 0.5, -1.8, -1.6, -1.4, 0.9])
_EXTRA = np.array([0.0, 0.4, 0.0, 0.2, 0.0, 0.0, 0.5, 0.4, 0.0, 0.9, 1.0, 0.0])
SIGNS = np.tile([1, -1], 6)

_NEXT = {"tone": "accent", "shape": "ring", "size": 17}
_HIDDEN = {"tone": "muted", "dash": "dashed", "width": 1.5}
_LOWER = {"tone": "series-1", "dash": "dashed"}
_UPPER = {"tone": "series-2", "dash": "dotted", "width": 3}


def perceptron_squeeze_explorable() -> Explorable:
    """Return the explorable of the perceptron's two bounds."""
    return Explorable(
        "perceptron-squeeze",
        "A perceptron, mistake by mistake",
        [
            Slider("gap", "Gap γ beside the hidden line", GAPS, lambda gap: decimal(gap, 2)),
            Slider("mistakes", "Mistakes made so far, m", tuple(range(MOST_MISTAKES + 1))),
        ],
        draw,
        start={"gap": 0.2, "mistakes": 0},
        target=f"a gap for which the bound promises at most {TARGET_BOUND} mistakes, and a "
        "perceptron that has made its last one",
        lead="The perceptron is never shown the hidden line. Let it make mistakes, and see how the "
        "gap decides how many there can be.",
    )


def points(gap: float) -> FloatArray:
    """Return twelve points, in two classes on the two sides of the hidden line."""
    away = SIGNS * (gap + _EXTRA)
    return np.outer(_PLACES, _ALONG) + np.outer(away, NORMAL)


class Run(NamedTuple):
    """The weights after each mistake, the sample of each, and the two constants of the bound."""

    weights: FloatArray
    wrong: tuple[int, ...]
    radius: float
    bound: float

    @property
    def is_over(self) -> bool:
        """Whether the last mistake drawn is the last there is."""
        return len(self.wrong) < MOST_MISTAKES


@lru_cache(maxsize=len(GAPS))
def run(gap: float) -> Run:
    """Show the points to a perceptron in turn, until it knows them or the sliders end."""
    X = points(gap)
    unit = Perceptron(fit_intercept=False, shuffle=False)
    weights, wrong = [np.zeros(2)], []
    since = 0
    while since < len(X) and len(wrong) < MOST_MISTAKES:
        for i in range(len(X)):
            unit.partial_fit(X[[i]], SIGNS[[i]], classes=[-1, 1])
            since = 0 if unit.mistakes_[-1].any() else since + 1
            if since == 0 and len(wrong) < MOST_MISTAKES:
                weights.append(unit.coef_[0].copy())
                wrong.append(i)
    radius = float(np.linalg.norm(X, axis=1).max())
    return Run(np.array(weights), tuple(wrong), radius, (radius / gap) ** 2)


def draw(gap: float, mistakes: int) -> Scene:
    """Draw one state.

    Parameters
    ----------
    gap
        The distance of the nearest points from the hidden line.
    mistakes
        How many mistakes the perceptron may have made; fewer, if it made its last before.
    """
    whole = run(gap)
    made = min(mistakes, len(whole.wrong))
    w = whole.weights[made]
    n_wrong = int(np.count_nonzero((points(gap) @ w > 0) != (SIGNS > 0)))
    over = whole.is_over and made == len(whole.wrong)
    cosine = np.clip(w @ NORMAL / np.linalg.norm(w), -1, 1) if made else 1.0
    angle = float(np.degrees(np.arccos(cosine)))
    return Scene(
        [[_plane(gap, whole, made, n_wrong, over)], [_squeeze(gap, whole, made)]],
        readout=_story(whole, made, n_wrong, over),
        reached=over and whole.bound <= TARGET_BOUND,
        facts={
            "Mistakes so far": str(made),
            "Points on the wrong side": str(n_wrong),
            "Angle to the hidden normal": f"{decimal(angle, 0)}°" if made else "none yet",
            "Bound (R/γ)²": decimal(whole.bound, 1),
        },
    )


def _plane(gap: float, whole: Run, made: int, n_wrong: int, over: bool) -> Panel:
    X, w = points(gap), whole.weights[made]
    positive = SIGNS > 0
    following = X[[whole.wrong[made]]] if made < len(whole.wrong) else np.empty((0, 2))
    length = np.linalg.norm(w)
    normal = w / length if length else w
    boundary = np.outer([-9, 9], [normal[1], -normal[0]]) if made else np.empty((0, 2))
    hidden = np.outer([-9, 9], _ALONG)
    marks: list[Mark] = [
        Line(hidden[:, 0], hidden[:, 1], **_HIDDEN),
        Line(boundary[:, 0], boundary[:, 1], tone="ink"),
        Line([0, normal[0]], [0, normal[1]], tone="ink", width=4),
        Points(*X[positive].T, shape="dot", size=10, tone="series-1"),
        Points(*X[~positive].T, shape="square", size=9, tone="series-2"),
        Points(*following.T, **_NEXT),
    ]
    if over:
        what = "All twelve points are on their sides of the perceptron's line"
    elif made:
        what = f"{n_wrong} of the twelve points are on the wrong side of the perceptron's line"
    else:
        what = "Twelve points in two classes, on two sides of a hidden line; no other line yet"
    return Panel(
        "The points and the line",
        Axis("x₁", (-3, 3), ticks=(-2, 0, 2)),
        Axis("x₂", (-3, 3), ticks=(-2, 0, 2)),
        marks,
        description=f"{what}.",
        height=380,
        equal=True,
        legend=[
            ("class +1", Points([], [], shape="dot", tone="series-1")),
            ("class −1", Points([], [], shape="square", tone="series-2")),
            ("next mistake", Points([], [], **_NEXT)),
            ("perceptron's line, normal", Line([], [], tone="ink")),
            ("hidden line", Line([], [], **_HIDDEN)),
        ],
    )


def _squeeze(gap: float, whole: Run, made: int) -> Panel:
    m = np.linspace(0, MOST_MISTAKES, 121)
    lengths = np.linalg.norm(whole.weights[: made + 1], axis=1)
    crossing = whole.bound if whole.bound <= MOST_MISTAKES else None
    where = (
        f"The bounds cross at {decimal(whole.bound, 1)} mistakes"
        if crossing
        else f"The bounds cross at {decimal(whole.bound, 0)} mistakes, beyond the picture"
    )
    return Panel(
        "Length of the weights",
        Axis("mistakes m", (0, MOST_MISTAKES), ticks=(0, 5, 10, 15, 20, 25, 30)),
        Axis("length ‖w‖", (0, 14), ticks=(0, 2, 4, 6, 8, 10, 12, 14)),
        [
            Region(x0=crossing if crossing else MOST_MISTAKES, tone="series-3", opacity=0.16),
            Text(
                MOST_MISTAKES,
                0,
                "no mistake can be here" if crossing else "",
                anchor="end",
                offset=(-4, -8),
                tone="series-3",
            ),
            Line(m, gap * m, **_LOWER),
            Line(m, whole.radius * np.sqrt(m), **_UPPER),
            Line(
                np.arange(made + 1),
                lengths,
                tone="ink",
                width=1.5,
                dots=True,
                smooth=False,
            ),
        ],
        description=f"{where}. After {made} the length is {decimal(lengths[-1], 2)}, between "
        f"{decimal(gap * made, 2)} and {decimal(whole.radius * np.sqrt(made), 2)}.",
        height=300,
        legend=[
            ("length ‖w‖", Line([], [], tone="ink", width=1.5, dots=True)),
            ("at least mγ", Line([], [], **_LOWER)),
            ("at most R√m", Line([], [], **_UPPER)),
        ],
    )


def _story(whole: Run, made: int, n_wrong: int, over: bool) -> str:
    if over:
        count = f"{made} mistakes" if made != 1 else "1 mistake"
        return (
            f"{count}, and none will follow: every point is on its side. The bound had allowed "
            f"{decimal(whole.bound, 0)}."
        )
    if made == 0:
        return (
            "Zero weights: no line yet. At this gap there can be at most "
            f"{decimal(whole.bound, 0)} mistakes, and the ringed point is the first."
        )
    whom = f"{n_wrong} points are" if n_wrong != 1 else "1 point is"
    return f"After {made} of its mistakes {whom} on the wrong side; the ringed one comes next."
