"""Figures in the house style, and the drawings of a trace that every chapter shares.

Loads matplotlib.
"""

from course_lib.figures.style import (
    INK,
    LINE_STYLES,
    MARKERS,
    MUTED,
    SERIES,
    figure,
    use_house_style,
)
from course_lib.figures.traces import plot_contours, plot_path, plot_values

__all__ = [
    "INK",
    "LINE_STYLES",
    "MARKERS",
    "MUTED",
    "SERIES",
    "figure",
    "plot_contours",
    "plot_path",
    "plot_values",
    "use_house_style",
]
