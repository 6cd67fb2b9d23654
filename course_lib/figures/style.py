"""The house style of figures.

A figure is drawn once, on light paper, and the book lays the same paper under it in dark mode.
Its alt text and its caption stand in the metadata of the notebook cell that draws it, where the
book, a translation and a screen reader all find them::

    mystnb:
      figure: {name: fig-name, caption: What the figure shows.}
      image: {alt: What is seen, and what follows from it.}
"""

from __future__ import annotations

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from numpy.typing import NDArray

from course_lib.validation import check_integer, check_real

#: Series in order: contrast at least 3:1 on paper, and told apart without colour vision.
SERIES = ("#0063a3", "#c2500a", "#00795a", "#a8447f", "#8a6100", "#2f7fae")
INK = "#1c2024"
MUTED = "#5b6470"
#: Series differ by dash and marker too, so that nothing rests on colour alone.
LINE_STYLES = ("-", (0, (6, 2)), (0, (2, 1.5)), (0, (6, 2, 1.5, 2)), (0, (10, 2)), (0, (1, 1)))
MARKERS = ("o", "s", "^", "D", "v", "P")

#: Width of the text column, in inches.
WIDTH = 6.2

STYLE = {
    # Enough pixels for a screen of twice the usual density.
    "figure.dpi": 200,
    "savefig.dpi": 200,
    "figure.constrained_layout.use": True,
    "figure.facecolor": "white",
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "axes.titlesize": 10,
    "axes.labelsize": 9.5,
    "axes.labelcolor": INK,
    "axes.edgecolor": MUTED,
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.prop_cycle": plt.cycler(color=SERIES, linestyle=LINE_STYLES),
    "text.color": INK,
    "xtick.color": MUTED,
    "ytick.color": MUTED,
    "xtick.labelcolor": INK,
    "ytick.labelcolor": INK,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "legend.frameon": False,
    "legend.fontsize": 9.5,
    "grid.color": "#d9dde2",
    "grid.linewidth": 0.6,
}


def use_house_style() -> None:
    """Make the house style matplotlib's default for this session."""
    plt.rcParams.update(STYLE)


def figure(
    columns: int = 1, *, height: float = 3.4, sharex: bool = False, sharey: bool = False
) -> tuple[Figure, Axes | NDArray]:
    """Return a figure as wide as the text, and its axes.

    Parameters
    ----------
    columns
        Panels side by side.
    height
        In inches; the width is that of the text column, 6.2 inches.
    sharex, sharey
        Whether the panels have an axis in common.

    Returns
    -------
    figure : Figure
    axes : Axes, or ndarray of Axes of shape (columns,) if there are several
    """
    use_house_style()
    columns = check_integer("columns", columns, at_least=1)
    size = (WIDTH, check_real("height", height, above=0))
    return plt.subplots(1, columns, figsize=size, sharex=sharex, sharey=sharey)
