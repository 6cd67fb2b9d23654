r"""The half-plane of Gaussians: plain and natural gradient in three systems of coordinates.

Chapter: *Natural gradient*. Every Gaussian is a point :math:`(m, \sigma)` above the axis
:math:`\sigma = 0`. Observations from :math:`\mathcal{N}(0, 1)` are to be fitted by maximum
likelihood, from a start with a wrong mean. The reader chooses how wide the start is, the step size,
and whether the scale is written as :math:`\sigma`, :math:`\log\sigma` or :math:`\sigma^2`. Short
natural steps do not notice the last choice; long ones do, and the plain gradient always does.
"""

from __future__ import annotations

import warnings
from functools import lru_cache
from typing import NamedTuple

import numpy as np

from course_lib.descent import DivergenceWarning, descend
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import decimal, scientific
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Scene, Text
from course_lib.information_geometry import (
    Family,
    NaturalGradient,
    NegativeLogLikelihood,
    kl_between,
)
from course_lib.likelihoods import Gaussian
from course_lib.optimizers import GradientDescent, Optimizer
from course_lib.validation import FloatArray

STEPS_SHOWN = 10
STEPS_ALLOWED = 3
TARGET_KL = 1e-3
TARGET_SIGMA = 0.25
START_MEAN = 2.0
TRUTH = Gaussian(0.0, 1.0)
#: Two observations whose mean and variance are those of the truth.
OBSERVATIONS = (-1.0, 1.0)
SIGMAS = (0.25, 0.5, 1.0, 2.0, 4.0)
STEP_SIZES = (0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 0.9, 1.0, 1.2, 1.5)
#: The scale as a coordinate: its name on the page, and in `COORDINATES`.
SCALES = (
    ("σ", "parameters"),
    ("log σ", "mean and log scale"),
    ("σ²", "mean and variance"),
)
#: Below this a divergence is noise of rounding, and drawn no lower.
FLOOR = 1e-7

_PLAIN = {"tone": "series-2", "dash": "dashed"}
_NATURAL = {"tone": "series-1", "dash": "solid"}


class Walk(NamedTuple):
    """One run: its points as means and standard deviations, its divergences, its ending."""

    mean: FloatArray
    sigma: FloatArray
    divergence: FloatArray
    left_the_family: bool


def half_plane_explorable() -> Explorable:
    """Return the explorable of plain and natural gradient on the Gaussians."""
    return Explorable(
        "half-plane",
        "Plain and natural gradient on the half-plane of Gaussians",
        [
            Slider("sigma", "Standard deviation of the start σ₀", SIGMAS, lambda s: f"{s:g}"),
            Slider("step", "Step size α", STEP_SIZES, lambda s: decimal(s, 2)),
            Slider("scale", "Coordinate for the scale", (0, 1, 2), lambda c: SCALES[int(c)][0]),
        ],
        draw,
        start={"sigma": 1.0, "step": 0.05, "scale": 1},
        target=f"a natural walk from σ₀ = {TARGET_SIGMA:g} with a divergence below "
        f"{scientific(TARGET_KL, 0)} nats within {STEPS_ALLOWED} steps",
        lead="A start with a small σ₀ is sure of itself, and wrong. First watch what a short step "
        "does in the three coordinates, then make it longer.",
    )


@lru_cache(maxsize=2 * len(SIGMAS) * len(STEP_SIZES) * len(SCALES))
def walk(natural: bool, sigma: float, step: float, scale: int) -> Walk:
    """Return ten steps of the plain or the natural gradient, where they stay in the family."""
    family = Family(TRUTH, SCALES[int(scale)][1])
    objective = NegativeLogLikelihood(family, OBSERVATIONS)
    method: Optimizer = NaturalGradient(step, damping=0.0) if natural else GradientDescent(step)
    start = family.coordinates_of(Gaussian(START_MEAN, sigma))
    with warnings.catch_warnings():
        # A step to a negative variance ends the run; the page says so.
        warnings.simplefilter("ignore", DivergenceWarning)
        trace = descend(objective, start, method, max_iterations=STEPS_SHOWN)
    members = [family.distribution(theta) for theta in trace.theta]
    parameters = np.array([member.parameters for member in members])
    divergence = np.array([kl_between(TRUTH, member) for member in members])
    return Walk(parameters[:, 0], parameters[:, 1], divergence, trace.diverged)


def steps_to_target(divergence: FloatArray) -> int | None:
    """Return the first step with a divergence below the target, or None."""
    below = np.flatnonzero(divergence < TARGET_KL)
    return int(below[0]) if below.size else None


def draw(sigma: float, step: float, scale: int) -> Scene:
    """Draw one state.

    Parameters
    ----------
    sigma
        Standard deviation of the start.
    step
        Step size of both walks.
    scale
        Position of the coordinate in ``SCALES``.
    """
    plain, natural = (walk(kind, sigma, step, scale) for kind in (False, True))
    needed = steps_to_target(natural.divergence)
    name = SCALES[int(scale)][0]
    return Scene(
        [
            [_plane_panel(name, plain, natural)],
            [_divergence_panel(plain, natural), _density_panel(sigma, plain, natural)],
        ],
        readout=f"With {name} as the coordinate, α = {decimal(step, 2)} and σ₀ = {sigma:g}: the "
        f"plain gradient {_ending(plain)}; the natural gradient {_ending(natural)}.",
        reached=sigma == TARGET_SIGMA and needed is not None and needed <= STEPS_ALLOWED,
        facts={
            "KL at the start": in_words(natural.divergence[0]),
            "Plain, first step": _after(plain, 1),
            "Natural, first step": _after(natural, 1),
            f"Natural, {STEPS_ALLOWED} steps": _after(natural, STEPS_ALLOWED),
            f"Natural, to {scientific(TARGET_KL, 0)}": (
                "not reached" if needed is None else _count(needed)
            ),
        },
    )


def in_words(divergence: float) -> str:
    """Write a divergence; what rounding decides is not worth writing."""
    if divergence < FLOOR:
        return f"below {scientific(FLOOR, 0)}"
    return decimal(divergence, 3) if 0.01 <= divergence < 1000 else scientific(divergence)


def _count(steps: int) -> str:
    return "1 step" if steps == 1 else f"{steps} steps"


def _after(run: Walk, steps: int) -> str:
    if steps < len(run.divergence):
        return in_words(run.divergence[steps])
    return "left the family"


def _ending(run: Walk) -> str:
    done = len(run.divergence) - 1
    if run.left_the_family:
        where = "at its first step" if done == 0 else f"after {_count(done)}"
        return f"leaves the family {where}, to a scale that no Gaussian has"
    needed, last = steps_to_target(run.divergence), run.divergence[-1]
    if last > run.divergence[0]:
        return f"is at {in_words(last)} nats after {done} steps, farther than it began"
    if needed is None:
        return f"is still {in_words(last)} nats away after {done} steps"
    if last >= TARGET_KL:
        return f"passes below {scientific(TARGET_KL, 0)} nats and leaves again"
    return f"is below {scientific(TARGET_KL, 0)} nats after {_count(needed)}"


def _plane_panel(name: str, plain: Walk, natural: Walk) -> Panel:
    marks: list[Mark] = [
        _contours(),
        Line(plain.mean, plain.sigma, width=1.5, dots=True, smooth=False, **_PLAIN),
        Line(natural.mean, natural.sigma, width=2, dots=True, smooth=False, **_NATURAL),
        Points([0], [1], shape="cross", size=11, tone="series-3"),
        Points(natural.mean[:1], natural.sigma[:1], shape="ring", size=12, tone="ink"),
        Text(natural.mean[0], natural.sigma[0], "start", offset=(10, -6), tone="ink"),
        Text(0, 1, "truth", anchor="end", offset=(-10, 14), tone="series-3"),
    ]
    places = [
        f"the {kind} walk ends at mean {_place(run.mean[-1])}, σ {_place(run.sigma[-1])}"
        for kind, run in (("plain", plain), ("natural", natural))
    ]
    return Panel(
        "The walks among the Gaussians",
        Axis("mean m", (-3, 5), ticks=(-2, 0, 2, 4)),
        Axis(
            "standard deviation σ",
            (0.1, 30),
            scale="log",
            ticks=(0.1, 0.25, 0.5, 1, 2, 4, 10, 30),
            tick_labels=("0.1", "0.25", "0.5", "1", "2", "4", "10", "30"),
        ),
        marks,
        description=f"Coordinates mean and {name}: {places[0]}; {places[1]}. The truth is at mean "
        "0, σ 1.",
        height=508,
        legend=[
            ("plain", Line([], [], width=1.5, dots=True, **_PLAIN)),
            ("natural", Line([], [], dots=True, **_NATURAL)),
            ("equal KL", Line([], [], tone="muted", width=1)),
        ],
    )


def _place(value: float) -> str:
    return decimal(value, 2) if abs(value) < 1000 else scientific(value, 0)


def _contours() -> Line:
    """Return curves of equal divergence: solved for the mean at every standard deviation."""
    pieces, gap = [], np.full((1, 2), np.nan)
    for level in (0.03, 0.3, 1.0, 2.0, 8.0):
        s = np.geomspace(0.1, 30, 241)
        square = 2 * s**2 * (level + 0.5 - np.log(s)) - 1
        inside = square >= 0
        half = np.column_stack([np.sqrt(square[inside]), s[inside]])
        pieces += [half, half[::-1] * [-1, 1], half[:1], gap]
    x, y = np.vstack(pieces).T
    return Line(x, y, tone="muted", width=1, opacity=0.55)


def _divergence_panel(plain: Walk, natural: Walk) -> Panel:
    lines = [
        Line(
            np.arange(len(run.divergence)),
            np.maximum(run.divergence, FLOOR),
            dots=True,
            smooth=False,
            **look,
        )
        for run, look in ((plain, _PLAIN), (natural, _NATURAL))
    ]
    ends = [in_words(run.divergence[-1]) for run in (plain, natural)]
    return Panel(
        "Divergence from the truth",
        Axis("step k", (0, STEPS_SHOWN), ticks=tuple(range(0, STEPS_SHOWN + 1, 2))),
        Axis("KL, in nats", (1e-6, 1e4), scale="log"),
        [
            Region(x1=STEPS_ALLOWED, y1=TARGET_KL, tone="series-3", opacity=0.14),
            Text(0.1, 1e-6, "target", offset=(0, -8), tone="series-3"),
            *lines,
        ],
        description=f"The curve of the plain gradient ends at {ends[0]} nats, that of the natural "
        f"gradient at {ends[1]}.",
        height=242,
        legend=[
            ("plain", Line([], [], **_PLAIN)),
            ("natural", Line([], [], **_NATURAL)),
        ],
    )


def _density_panel(sigma: float, plain: Walk, natural: Walk) -> Panel:
    x = np.linspace(-5, 7, 97)
    curves = [(START_MEAN, sigma, {"tone": "muted", "dash": "dotted", "width": 1.5})]
    at = min(STEPS_ALLOWED, len(plain.mean) - 1), min(STEPS_ALLOWED, len(natural.mean) - 1)
    curves.append((plain.mean[at[0]], plain.sigma[at[0]], {"width": 1.5, **_PLAIN}))
    curves.append((natural.mean[at[1]], natural.sigma[at[1]], dict(_NATURAL)))
    lines = [
        Line(x, np.minimum(np.exp(Gaussian(m, s).log_density(x)), 2.0), **look)
        for m, s, look in curves
    ]
    truth = np.exp(TRUTH.log_density(x))
    return Panel(
        f"The densities after {STEPS_ALLOWED} steps",
        Axis("x", (-5, 7), ticks=(-4, -2, 0, 2, 4, 6)),
        Axis("density", (0, 1), ticks=(0, 0.5, 1)),
        [Line(x, truth, tone="series-3", width=4, opacity=0.45), *lines],
        description=f"A bell of width 1 at 0 is the truth. The start stands at {START_MEAN:g} with "
        f"width {sigma:g}, the plain gradient at {_place(curves[1][0])} with width "
        f"{_place(curves[1][1])}, the natural one at {_place(curves[2][0])} with width "
        f"{_place(curves[2][1])}.",
        height=200,
        legend=[
            ("truth", Line([], [], tone="series-3", width=4, opacity=0.45)),
            ("start", Line([], [], tone="muted", dash="dotted", width=1.5)),
            ("plain", Line([], [], **_PLAIN)),
            ("natural", Line([], [], **_NATURAL)),
        ],
    )
