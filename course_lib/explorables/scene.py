"""What an explorable shows: panels with axes, and marks drawn in data coordinates.

A `Scene` says nothing about pixels, sliders or HTML. It is what the author's ``draw`` function
returns for one position of the sliders.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike

from course_lib.explorables.rounding import scientific
from course_lib.validation import check_choice

TONES = ("ink", "muted", "line", "accent", *(f"series-{i}" for i in range(1, 7)))
DASHES = ("solid", "dashed", "dotted", "dash-dot")
SHAPES = ("dot", "ring", "square", "diamond", "cross", "plus")
ANCHORS = ("start", "middle", "end")


@dataclass(frozen=True)
class Axis:
    """One axis of a panel; the same for every position of the sliders, so that eyes can compare.

    Parameters
    ----------
    label
        What is measured, with its unit where it has one.
    limits
        Lower and upper end; above zero if the scale is logarithmic.
    scale
        ``"linear"`` or ``"log"``.
    ticks
        Where the ticks are; chosen if not given.
    tick_labels
        What the ticks say; the numbers if not given.
    """

    label: str
    limits: tuple[float, float]
    scale: str = "linear"
    ticks: tuple[float, ...] | None = None
    tick_labels: tuple[str, ...] | None = None

    def __post_init__(self) -> None:
        check_choice("scale", self.scale, ("linear", "log"))
        low, high = (float(end) for end in self.limits)
        if not (np.isfinite([low, high]).all() and low < high):
            raise ValueError(f"limits must be two finite numbers, low < high, got {self.limits!r}")
        if self.scale == "log" and low <= 0:
            raise ValueError(f"limits of a log axis must be above zero, got {self.limits!r}")
        if self.tick_labels is not None and len(self.tick_labels) != len(self.ticks or ()):
            raise ValueError(
                f"tick_labels must be as many as ticks ({len(self.ticks or ())}), got "
                f"{len(self.tick_labels)}"
            )

    def position(self, values: ArrayLike) -> np.ndarray:
        """Return where ``values`` lie: 0 at the lower end, 1 at the upper.

        On a logarithmic axis zero and less lie infinitely far below.
        """
        numbers = np.asarray(values, dtype=float)
        low, high = self.limits
        if self.scale == "log":
            with np.errstate(divide="ignore", invalid="ignore"):
                numbers = np.where(numbers > 0, np.log(np.maximum(numbers, 0)), -np.inf)
            numbers = np.where(np.isnan(np.asarray(values, dtype=float)), np.nan, numbers)
            low, high = np.log(low), np.log(high)
        return (numbers - low) / (high - low)

    def ticks_and_labels(self) -> list[tuple[float, str]]:
        """Return the ticks with their labels."""
        if self.ticks is not None:
            ticks = tuple(self.ticks)
        elif self.scale == "log":
            ticks = _powers_of_ten(*self.limits)
        else:
            ticks = _round_steps(*self.limits)
        if self.tick_labels is not None:
            return list(zip(ticks, self.tick_labels, strict=True))
        if self.scale == "log":
            return [
                (tick, scientific(tick, 0) if not 0.01 < tick < 1000 else f"{tick:g}")
                for tick in ticks
            ]
        return [(tick, f"{tick:g}".replace("-", "−")) for tick in ticks]


@dataclass(frozen=True, kw_only=True)
class Mark:
    """Something drawn in a panel; made by its subclasses."""

    tone: str = "ink"

    def __post_init__(self) -> None:
        check_choice("tone", self.tone, TONES)


@dataclass(frozen=True)
class Line(Mark):
    """A polyline; NaN lifts the pen, so that one mark can hold all contours of a level set.

    Parameters
    ----------
    x, y
        Data coordinates, equally many.
    width
        In pixels.
    dash
        One of ``DASHES``: lines must differ by more than colour.
    dots
        Whether every vertex carries a dot (iterates).
    smooth
        Whether vertices may be left out where the line hardly bends. Set it to False for iterates,
        whose vertices mean something.
    opacity
        Between 0 and 1.
    """

    x: ArrayLike
    y: ArrayLike
    width: float = 2.0
    dash: str = "solid"
    dots: bool = False
    smooth: bool = True
    opacity: float = 1.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("dash", self.dash, DASHES)
        _check_pairs(self.x, self.y)


@dataclass(frozen=True)
class Points(Mark):
    """Markers at data coordinates.

    Parameters
    ----------
    x, y
        Data coordinates, equally many.
    shape
        One of ``SHAPES``.
    size
        Diameter in pixels.
    """

    x: ArrayLike
    y: ArrayLike
    shape: str = "dot"
    size: float = 8.0

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("shape", self.shape, SHAPES)
        _check_pairs(self.x, self.y)


@dataclass(frozen=True)
class Region(Mark):
    """A shaded rectangle; None stands for the edge of the panel."""

    x0: float | None = None
    x1: float | None = None
    y0: float | None = None
    y1: float | None = None
    opacity: float = 0.12


@dataclass(frozen=True)
class Text(Mark):
    """A short label at data coordinates, moved by ``offset`` pixels right and down."""

    x: float
    y: float
    text: str
    anchor: str = "start"
    offset: tuple[float, float] = (0.0, 0.0)
    strong: bool = False

    def __post_init__(self) -> None:
        super().__post_init__()
        check_choice("anchor", self.anchor, ANCHORS)


@dataclass(frozen=True)
class Panel:
    """One drawing with its axes.

    Parameters
    ----------
    title
        What the panel shows, in a few words.
    x, y
        The axes.
    marks
        From back to front; the same kinds in the same order for every position of the sliders. A
        mark that is not wanted in a state has no points, or an empty text.
    description
        What is seen in this state, in a sentence, for those who cannot see it.
    height
        In pixels, for a panel 340 pixels wide.
    equal
        Whether one unit is as long on both axes. The x limits are then widened or narrowed around
        their centre to fit.
    legend
        Pairs of a label and the mark whose look it explains.
    """

    title: str
    x: Axis
    y: Axis
    marks: Sequence[Mark]
    description: str
    height: int = 220
    equal: bool = False
    legend: Sequence[tuple[str, Mark]] = ()

    def __post_init__(self) -> None:
        if not self.description.strip():
            raise ValueError(f"description of panel {self.title!r} must say what is seen, got ''")


@dataclass(frozen=True)
class Scene:
    """What one position of the sliders shows.

    Parameters
    ----------
    columns
        The panels, column by column; columns stand side by side where there is room, and stack
        on a narrow screen.
    facts
        Short labels and values shown as a row of figures under the panels, in this order.
    readout
        One or two sentences that say what this state shows; announced to screen readers.
    reached
        Whether the target is met.
    """

    columns: Sequence[Sequence[Panel]]
    readout: str
    reached: bool
    facts: Mapping[str, str] = field(default_factory=dict)

    @property
    def panels(self) -> list[Panel]:
        """All panels, in reading order."""
        return [panel for column in self.columns for panel in column]


def _check_pairs(x: ArrayLike, y: ArrayLike) -> None:
    if np.shape(x) != np.shape(y) or np.ndim(x) != 1:
        raise ValueError(
            f"x and y must be 1-D and of equal length, got shapes {np.shape(x)} and {np.shape(y)}"
        )


def _round_steps(low: float, high: float, at_most: int = 6) -> tuple[float, ...]:
    """Return ticks at multiples of 1, 2 or 5 times a power of ten."""
    rough = (high - low) / at_most
    power = 10.0 ** np.floor(np.log10(rough))
    step = next(m * power for m in (1, 2, 5, 10) if m * power >= rough * (1 - 1e-9))
    first, last = int(np.ceil(low / step - 1e-9)), int(np.floor(high / step + 1e-9))
    # 3 * 0.1 is not 0.3: ten digits are.
    return tuple(float(f"{i * step:.10g}") for i in range(first, last + 1))


def _powers_of_ten(low: float, high: float, at_most: int = 6) -> tuple[float, ...]:
    first, last = int(np.ceil(np.log10(low) - 1e-9)), int(np.floor(np.log10(high) + 1e-9))
    stride = max(1, -(-(last - first) // at_most))
    return tuple(10.0**e for e in range(first, last + 1) if e % stride == 0)
