import io

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest

from course_lib.descent import descend
from course_lib.figures import (
    INK,
    LINE_STYLES,
    MARKERS,
    MUTED,
    SERIES,
    figure,
    plot_contours,
    plot_path,
    plot_values,
)
from course_lib.objectives import Quadratic, sphere
from course_lib.optimizers import GradientDescent

PAPER = "#ffffff"


@pytest.fixture(autouse=True)
def _figures():
    mpl.use("Agg")
    with mpl.rc_context():
        yield
        plt.close("all")


@pytest.fixture
def bowl():
    return Quadratic.with_spectrum([1.0, 10.0])


@pytest.fixture
def trace(bowl):
    return descend(bowl, [4.0, 1.0], GradientDescent(0.15), max_iterations=20)


def luminance(color):
    channels = np.array(mpl.colors.to_rgb(color))
    linear = np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(first, second):
    light, dark = sorted([luminance(first), luminance(second)], reverse=True)
    return (light + 0.05) / (dark + 0.05)


def as_deuteranope(color):
    """Return what is left of a colour without green cones (Viénot, Brettel and Mollon 1999)."""
    rgb = np.array(mpl.colors.to_rgb(color)) ** 2.2
    matrix = [[0.29275, 0.70725, 0.0], [0.29275, 0.70725, 0.0], [-0.02234, 0.02234, 1.0]]
    return (np.array(matrix) @ rgb).clip(0, 1) ** (1 / 2.2)


def test_colours_stand_out_from_paper():
    assert all(contrast(color, PAPER) >= 3 for color in SERIES)
    assert all(contrast(color, PAPER) >= 4.5 for color in (INK, MUTED))


def test_the_first_colours_differ_without_colour_vision():
    seen = [as_deuteranope(color) for color in SERIES[:3]]
    for i, first in enumerate(seen):
        for second in seen[i + 1 :]:
            assert np.linalg.norm(first - second) > 0.15


def test_series_differ_by_more_than_colour():
    assert len(set(map(str, LINE_STYLES))) == len(SERIES)
    assert len(set(MARKERS)) == len(SERIES)


def test_figures_are_sharp_and_as_wide_as_the_text():
    fig, ax = figure()
    assert fig.dpi >= 150
    assert fig.get_size_inches()[0] == pytest.approx(6.2)
    assert ax.get_xlabel() == ""
    _, axes = figure(columns=3, height=2, sharey=True)
    assert axes.shape == (3,)
    with pytest.raises(ValueError, match="columns must be at least 1"):
        figure(columns=0)
    with pytest.raises(ValueError, match="height must be a finite number > 0"):
        figure(height=-1)


def test_figures_are_drawn_the_same_twice(bowl, trace):
    pictures = []
    for _ in range(2):
        fig, ax = figure(height=2)
        plot_contours(ax, bowl, (-1, 5), (-2, 2), levels=4, resolution=31)
        plot_path(ax, trace)
        buffer = io.BytesIO()
        fig.savefig(buffer, dpi=50, metadata={"Software": None})
        pictures.append(buffer.getvalue())
    assert pictures[0] == pictures[1]


def test_drawings_return_their_axes(bowl, trace):
    _, ax = figure()
    assert plot_contours(ax, bowl, (-1, 5), (-2, 2), resolution=11) is ax
    assert plot_path(ax, trace) is ax
    assert plot_values(ax, trace) is ax


def test_contours_need_two_parameters():
    _, ax = figure()
    with pytest.raises(ValueError, match=r"objective must have 2 parameters .* got 3"):
        plot_contours(ax, sphere(3), (-1, 1), (-1, 1))


def test_contours_take_levels(bowl):
    _, ax = figure()
    plot_contours(ax, bowl, (-1, 5), (-2, 2), levels=[3.0, 1.0], resolution=21)
    assert list(ax.collections[0].levels) == [1.0, 3.0]


def test_paths_pass_through_every_point(trace):
    _, ax = figure()
    plot_path(ax, trace, label="run")
    np.testing.assert_array_equal(np.column_stack(ax.lines[0].get_data()), trace.theta)


def test_gaps_of_zero_are_left_out(trace):
    _, ax = figure()
    plot_values(ax, trace, optimum=float(trace.value[-1]))
    gap = ax.lines[0].get_ydata()
    assert np.isnan(gap[-1])
    assert (gap[:-1] > 0).all()
    assert ax.get_yscale() == "log"


def test_named_runs_get_a_legend(trace):
    _, ax = figure()
    plot_values(ax, {"one": trace, "other": trace})
    assert [text.get_text() for text in ax.get_legend().get_texts()] == ["one", "other"]
    styles = {(line.get_color(), line.get_linestyle()) for line in ax.lines}
    assert len(styles) == 2
