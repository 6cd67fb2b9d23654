r"""Which way to look: two Gaussian classes, projected onto a line that turns.

Chapter: *LDA and PCA*. Two classes of the same shape differ in mean. Along a direction :math:`w`
their variance within, :math:`w^\top \Sigma w`, and between, :math:`\frac14 (w^\top \delta)^2`,
add up to the variance that PCA maximizes; their ratio is what LDA maximizes. The three panels show
the classes, what is left of them on the line, and the two criteria over all directions.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course_lib.discriminants import gaussian_error, rayleigh_quotient
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import decimal
from course_lib.explorables.scene import Axis, Line, Panel, Points, Scene, Text
from course_lib.validation import FloatArray

#: Standard deviation of a class along its long axis, and the distance of the means.
LONG, DISTANCE = 2.0, 3.0
#: Degrees between the long axis and the line through the means.
OFFSETS = (0, 15, 30, 45, 60, 75, 90)
#: Long over short standard deviation.
RATIOS = (1, 2, 4, 6)
#: Degrees between the long axis and the projection.
ANGLES = tuple(range(0, 180, 10))
TARGET_ERROR = 0.05
TARGET_OFFSET = 30

#: The long axis is turned on the page, so that no answer is a coordinate axis.
_TILT = np.radians(20)
_TURN = np.array([[np.cos(_TILT), -np.sin(_TILT)], [np.sin(_TILT), np.cos(_TILT)]])
_ALL_ANGLES = np.linspace(0, 180, 91)
_FIRST = {"tone": "series-1"}
_SECOND = {"tone": "series-2", "dash": "dashed"}
_PCA_LOOK = {"tone": "series-3", "dash": "dotted"}
_LDA_LOOK = {"tone": "series-4", "dash": "dash-dot"}


class World(NamedTuple):
    """Two classes, in coordinates along their long and short axes.

    Attributes
    ----------
    within : ndarray of shape (2, 2)
        The covariance of each class.
    jump : ndarray of shape (2,)
        From the first mean to the second; their middle is the origin.
    pca, lda : float
        Degrees from the long axis to the widest direction and to the one with the largest ratio.
    """

    within: FloatArray
    jump: FloatArray
    pca: float
    lda: float

    @property
    def total(self) -> FloatArray:
        """The covariance of both classes together, equally many of each."""
        return self.within + np.outer(self.jump, self.jump) / 4

    def ratio(self, directions: FloatArray) -> float | FloatArray:
        """Return Fisher's ratio along one direction or several, as columns."""
        # Not as a quotient of forms: across the means rounding would make it negative.
        return (self.jump @ directions / 2) ** 2 / rayleigh_quotient(directions, self.within)


@lru_cache(maxsize=len(OFFSETS) * len(RATIOS))
def world(offset: float, ratio: float) -> World:
    """Return the classes whose means lie ``offset`` degrees off the long axis."""
    within = np.diag([LONG**2, (LONG / ratio) ** 2])
    jump = DISTANCE * unit(offset)
    direction = np.linalg.solve(within, jump)
    lda = np.degrees(np.arctan2(direction[1], direction[0]))
    covariance = within + np.outer(jump, jump) / 4
    # The principal axis of a 2 x 2 matrix.
    height, width = 2 * covariance[0, 1], covariance[0, 0] - covariance[1, 1]
    pca = float(np.degrees(np.arctan2(height, width)) / 2 % 180)
    return World(within, jump, pca, float(lda))


def unit(angle: float) -> FloatArray:
    """Return the direction at ``angle`` degrees."""
    return np.array([np.cos(np.radians(angle)), np.sin(np.radians(angle))])


def projection_explorable() -> Explorable:
    """Return the explorable of two classes and a projection."""
    return Explorable(
        "projection",
        "Which way to look",
        [
            Slider("offset", "Means off the long axis, in degrees", OFFSETS),
            Slider("ratio", "Long over short spread of a class", RATIOS),
            Slider("angle", "Direction of the projection, degrees off the long axis", ANGLES),
        ],
        draw,
        start={"offset": 30, "ratio": 2, "angle": 50},
        target=f"an error below {100 * TARGET_ERROR:.0f} % with the means {TARGET_OFFSET}° off the "
        "long axis",
        lead="Turn the line. Find the widest shadow first, then the one with the fewest errors.",
    )


def draw(offset: float, ratio: float, angle: float) -> Scene:
    """Draw one state.

    Parameters
    ----------
    offset
        Degrees between the long axis of the classes and the line through their means.
    ratio
        Long over short standard deviation of each class.
    angle
        Degrees between the long axis and the direction of the projection.
    """
    classes, w = world(offset, ratio), unit(angle)
    criterion, best = classes.ratio(w), classes.ratio(unit(classes.lda))
    variance = rayleigh_quotient(w, classes.total)
    widest = np.linalg.eigvalsh(classes.total)[-1]
    error, least = gaussian_error(4 * criterion), gaussian_error(4 * best)
    return Scene(
        [
            [_classes_panel(offset, ratio, angle, classes)],
            [
                _shadow_panel(classes, w, error),
                _criteria_panel(angle, classes, variance / widest, criterion / best),
            ],
        ],
        readout=_story(variance / widest, criterion / best, error, least)
        + f" The error is {_percent(error)}; no direction has less than {_percent(least)}.",
        reached=offset == TARGET_OFFSET and error < TARGET_ERROR,
        facts={
            "Variance along the line": decimal(variance, 2),
            "… of the largest": _percent(variance / widest),
            "Fisher's ratio R": decimal(criterion, 2),
            "… of the largest R": _percent(criterion / best),
            "Error": _percent(error),
        },
    )


def _percent(share: float) -> str:
    return f"{decimal(100 * share, 1)} %"


def _story(variance: float, criterion: float, error: float, least: float) -> str:
    wide, sharp = variance > 0.97, criterion > 0.9
    if wide and sharp:
        return "Widest and best at once: here PCA and LDA agree."
    if wide:
        return "This is about the widest shadow, PCA's choice, and not the one with least overlap."
    if sharp:
        return "This is about the best ratio, LDA's choice; the shadow is not the widest."
    if error > 0.45:
        return "The means fall on each other, and so do the classes."
    return "Neither the widest shadow nor the best ratio."


@lru_cache(maxsize=1)
def _noise() -> FloatArray:
    """Return the samples of one class in units of its axes, shape (45, 2)."""
    return np.random.default_rng(5).standard_normal((45, 2))


def _classes_panel(offset: float, ratio: float, angle: float, classes: World) -> Panel:
    spread = np.array([LONG, LONG / ratio])
    centre = classes.jump / 2
    first = (_noise() * spread - centre) @ _TURN.T
    second = (_noise()[:, ::-1] * [1, -1] * spread + centre) @ _TURN.T
    ends = 9 * np.array([-unit(angle), unit(angle)]) @ _TURN.T
    means = np.array([-centre, centre]) @ _TURN.T
    marks = [
        Points(*first.T, shape="dot", size=6, **_FIRST),
        Points(*second.T, shape="square", size=6, tone="series-2"),
        _ray(classes.pca, _PCA_LOOK),
        _ray(classes.lda, _LDA_LOOK),
        Line(ends[:, 0], ends[:, 1], tone="ink", width=3),
        Points(means[:, 0], means[:, 1], shape="cross", size=13, tone="ink"),
    ]
    shape = "round" if ratio == 1 else f"{ratio} times as long as wide"
    return Panel(
        "The classes and the line",
        Axis("x₁", (-6, 6), ticks=(-4, -2, 0, 2, 4)),
        Axis("x₂", (-6.6, 6.6), ticks=(-6, -4, -2, 0, 2, 4, 6)),
        marks,
        description=f"Two clouds, each {shape}, with means {offset}° off the long axis; the line "
        f"stands {angle}° off it.",
        height=430,
        equal=True,
        legend=[
            ("class 1", Points([], [], shape="dot", **_FIRST)),
            ("class 2", Points([], [], shape="square", tone="series-2")),
            ("line", Line([], [], tone="ink", width=3)),
            ("PCA", Line([], [], **_PCA_LOOK)),
            ("LDA", Line([], [], **_LDA_LOOK)),
        ],
    )


def _ray(angle: float, look: dict[str, str]) -> Line:
    ends = 9 * np.array([-unit(angle), unit(angle)]) @ _TURN.T
    return Line(ends[:, 0], ends[:, 1], **look)


def _shadow_panel(classes: World, w: FloatArray, error: float) -> Panel:
    middle = w @ classes.jump / 2
    deviation = np.sqrt(w @ classes.within @ w)
    at = np.linspace(-4, 4, 33)
    heights = np.exp(-(at**2) / 2) / (deviation * np.sqrt(2 * np.pi))
    highest = RATIOS[-1] / (LONG * np.sqrt(2 * np.pi))
    return Panel(
        "Their shadows on the line",
        Axis("position on the line", (-7, 7), ticks=(-6, -3, 0, 3, 6)),
        Axis("density", (0, 1.1 * highest), ticks=(0, 0.5, 1)),
        [
            Line(deviation * at - middle, heights, width=3, **_FIRST),
            Line(deviation * at + middle, heights, width=3, **_SECOND),
            Line([0, 0], [0, 1.1 * highest], tone="muted", width=1),
            Text(6.8, 1.0 * highest, f"error {_percent(error)}", anchor="end", strong=True),
        ],
        description=f"Two bells with standard deviation {decimal(deviation, 2)}, their means "
        f"{decimal(2 * abs(middle), 2)} apart; {_percent(error)} of each lies beyond the middle.",
        height=190,
        legend=[
            ("class 1", Line([], [], width=3, **_FIRST)),
            ("class 2", Line([], [], width=3, **_SECOND)),
            ("cut", Line([], [], tone="muted", width=1)),
        ],
    )


def _criteria_panel(angle: float, classes: World, variance: float, criterion: float) -> Panel:
    directions = np.array([unit(a) for a in _ALL_ANGLES]).T
    variances = rayleigh_quotient(directions, classes.total)
    ratios = classes.ratio(directions)
    largest_ratio = classes.ratio(unit(classes.lda))
    largest_variance = np.linalg.eigvalsh(classes.total)[-1]
    return Panel(
        "Two criteria over all directions",
        Axis("direction, degrees off the long axis", (0, 180), ticks=(0, 45, 90, 135, 180)),
        Axis("share of the largest", (0, 1.08), ticks=(0, 0.5, 1)),
        [
            Line(_ALL_ANGLES, variances / largest_variance, width=3, **_PCA_LOOK),
            Line(_ALL_ANGLES, ratios / largest_ratio, width=3, **_LDA_LOOK),
            Line([angle, angle], [0, 1.08], tone="ink", width=1),
            Points([angle], [variance], shape="diamond", size=11, tone="series-3"),
            Points([angle], [criterion], shape="dot", size=11, tone="series-4"),
        ],
        description=f"At {angle}° the variance is {_percent(variance)} of its largest value and "
        f"Fisher's ratio {_percent(criterion)} of its own.",
        height=240,
        legend=[
            ("variance", Line([], [], width=3, **_PCA_LOOK)),
            ("ratio R", Line([], [], width=3, **_LDA_LOOK)),
        ],
    )
