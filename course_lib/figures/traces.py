"""Drawings of a trace: the path it took, and what was left at every iteration.

Every function draws into given axes and returns them, so that drawings combine.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import cycle

import numpy as np
from matplotlib.axes import Axes
from matplotlib.patheffects import Normal, withStroke
from numpy.typing import ArrayLike

from course_lib.figures.style import INK, LINE_STYLES, MUTED, SERIES
from course_lib.objectives import Objective
from course_lib.trace import Trace
from course_lib.validation import check_real


def plot_contours(
    ax: Axes,
    objective: Objective,
    xlim: tuple[float, float],
    ylim: tuple[float, float],
    *,
    levels: ArrayLike | int = 10,
    resolution: int = 161,
) -> Axes:
    """Draw lines of equal value of an objective of two parameters.

    Parameters
    ----------
    ax
        Where to draw.
    objective
        Of exactly two parameters.
    xlim, ylim
        The part of the plane to show.
    levels
        The values to draw, or how many to choose, equally spaced in the logarithm of the height
        above the lowest point seen.
    resolution
        Grid points along each axis.
    """
    if objective.n_parameters != 2:
        raise ValueError(
            "objective must have 2 parameters to be drawn as contours, got "
            f"{objective.n_parameters}"
        )
    x, y = np.linspace(*xlim, resolution), np.linspace(*ylim, resolution)
    height = np.array([[objective.value(np.array([a, b])) for a in x] for b in y])
    if np.ndim(levels) == 0:
        lowest, highest = height.min(), height.max()
        levels = lowest + (highest - lowest) * np.geomspace(1e-4, 0.9, int(levels))
    ax.contour(x, y, height, levels=np.sort(levels), colors=MUTED, linewidths=0.7, alpha=0.7)
    ax.set_xlim(xlim)
    ax.set_ylim(ylim)
    return ax


def plot_path(ax: Axes, trace: Trace, *, color: str = SERIES[0], label: str | None = None) -> Axes:
    """Draw the points of a run in two parameters, with its start ringed."""
    x, y = trace.theta.T
    ax.plot(x, y, "-o", color=color, markersize=3, linewidth=1.2, label=label)
    ax.plot(x[0], y[0], "o", markersize=9, markerfacecolor="none", markeredgecolor=INK)
    return ax


def plot_values(
    ax: Axes, traces: Trace | Mapping[str, Trace], *, optimum: float = 0.0, label: str = "gap"
) -> Axes:
    """Draw the gap between objective and minimum against the iteration, on a logarithmic axis.

    Parameters
    ----------
    ax
        Where to draw.
    traces
        One run, or several by name; the names are written beside the curves.
    optimum
        The minimum of the objective. Gaps of zero or less, which only rounding makes, are left out.
    label
        What the vertical axis calls the gap.
    """
    named = {"": traces} if isinstance(traces, Trace) else traces
    optimum = check_real("optimum", optimum)
    for (name, trace), color, style in zip(
        named.items(), cycle(SERIES), cycle(LINE_STYLES), strict=False
    ):
        gap = trace.value - optimum
        ax.plot(np.where(gap > 0, gap, np.nan), color=color, linestyle=style, label=name)
    ax.set_yscale("log")
    ax.set_xlabel("iteration")
    ax.set_ylabel(label)
    ax.grid(True)
    if len(named) > 1:
        legend = ax.legend()
        for text in legend.get_texts():
            text.set_path_effects([withStroke(linewidth=3, foreground="white"), Normal()])
    return ax
