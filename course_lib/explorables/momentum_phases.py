r"""Momentum on a quadratic: where it converges, how fast, and which directions hold it back.

Chapter: *Momentum and adaptive optimizers*. The two roots of
:math:`r^2 - (1 + \beta - \alpha\lambda)\, r + \beta = 0` are real or complex, and the larger one is
what an iteration multiplies the error along curvature :math:`\lambda` by. The three panels show the
plane of momentum and step size, the factor of every curvature, and the gap that a run leaves.
"""

from __future__ import annotations

import warnings
from functools import lru_cache

import numpy as np

from course_lib.descent import DivergenceWarning, descend
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import decimal, scientific
from course_lib.explorables.scene import Axis, Line, Panel, Points, Region, Scene, Text
from course_lib.momentum_rates import (
    heavy_ball_factors,
    heavy_ball_largest_stable_step,
    heavy_ball_tuning,
)
from course_lib.objectives import Quadratic
from course_lib.optimizers import GradientDescent, Momentum
from course_lib.trace import Trace
from course_lib.validation import FloatArray

ITERATIONS = 100
TARGET_GAP = 1e-10
#: Curvatures of the bowl; the largest is 1, so that step sizes are in units of 1/L.
CURVATURES = np.geomspace(0.01, 1.0, 7)
CONDITION = 100
STEPS = (*(i / 5 for i in range(1, 19)), 3.7, 3.8, 3.9)
MOMENTA = (*(i / 10 for i in range(6)), 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99)

_BOWL = Quadratic(np.diag(CURVATURES))
_HEAVY = {"tone": "ink", "width": 3}
_PLAIN = {"tone": "muted", "dash": "dashed"}
_STABLE = {"tone": "series-2", "width": 2}
_STEEP = {"tone": "series-1", "dash": "dotted", "width": 3}
_FLAT = {"tone": "series-3", "dash": "dashed", "width": 2}


def momentum_phases_explorable() -> Explorable:
    """Return the explorable of step size and momentum."""
    return Explorable(
        "momentum-phases",
        f"Step size and momentum at condition number {CONDITION}",
        [
            Slider("step", "Step size α, in units of 1/L", STEPS, lambda s: decimal(s, 1)),
            Slider("momentum", "Momentum β", MOMENTA, lambda m: decimal(m, 2)),
        ],
        draw,
        start={"step": 1.0, "momentum": 0.0},
        target=f"a gap below {scientific(TARGET_GAP, 0)} within {ITERATIONS} iterations",
        lead="Without momentum no step size reaches the target. Look for the corner where the "
        "boundaries meet.",
    )


@lru_cache(maxsize=len(STEPS) * len(MOMENTA))
def run(step: float, momentum: float) -> Trace:
    """Return the run of heavy ball from the point whose coordinates are all one."""
    method = Momentum(step, momentum)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DivergenceWarning)  # The picture says it.
        return descend(_BOWL, np.ones(len(CURVATURES)), method, max_iterations=ITERATIONS)


@lru_cache(maxsize=1)
def plain_run() -> Trace:
    """Return the run of gradient descent with its best constant step."""
    best = GradientDescent(2 / (CURVATURES[0] + CURVATURES[-1]))
    return descend(_BOWL, np.ones(len(CURVATURES)), best, max_iterations=ITERATIONS)


def iterations_to_stay(values: FloatArray) -> int | None:
    """Return from which iteration on the gap stays below the target, or None."""
    above = np.flatnonzero(~(values < TARGET_GAP))
    first = int(above[-1]) + 1 if above.size else 0
    return first if first < len(values) else None


def oscillating(step: float, momentum: float) -> FloatArray:
    """Return for every curvature whether its roots are complex."""
    return (1 + momentum - step * CURVATURES) ** 2 < 4 * momentum


def draw(step: float, momentum: float) -> Scene:
    """Draw one state.

    Parameters
    ----------
    step
        The step size in units of 1/L.
    momentum
        The share of the last step that is kept.
    """
    trace = run(step, momentum)
    factors = heavy_ball_factors(step, momentum, CURVATURES)
    rate = float(factors.max())
    needed = iterations_to_stay(trace.value)
    return Scene(
        [
            [_plane(step, momentum)],
            [_spectrum(step, momentum, rate), _gap(trace, rate, needed)],
        ],
        readout=_story(step, momentum, factors, needed),
        reached=needed is not None,
        facts={
            "Slowest factor": decimal(rate, 3),
            "√β": decimal(np.sqrt(momentum), 3),
            "Largest stable step": decimal(heavy_ball_largest_stable_step(1.0, momentum), 2),
            f"Iterations to {scientific(TARGET_GAP, 0)}": (
                str(needed) if needed is not None else "not reached"
            ),
        },
    )


def _plane(step: float, momentum: float) -> Panel:
    beta = np.linspace(0, 1, 61)
    root = np.sqrt(beta)
    # Beyond the picture there is nothing to see.
    flat = CONDITION * (1 - root) ** 2
    tuning = heavy_ball_tuning(1 / CONDITION, 1.0)
    return Panel(
        "The plane of both",
        Axis("momentum β", (0, 1), ticks=(0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        Axis("step size α, in 1/L", (0, 4), ticks=(0, 1, 2, 3, 4)),
        [
            Line(beta, 2 * (1 + beta), **_STABLE),
            Line(beta, (1 + root) ** 2, **_STEEP),
            Line(np.where(flat <= 4.2, beta, np.nan), np.where(flat <= 4.2, flat, np.nan), **_FLAT),
            Text(0.03, 3.6, "diverges", tone="series-2"),
            Points([tuning.momentum], [tuning.step_size], shape="cross", size=11, tone="series-3"),
            Points([momentum], [step], shape="dot", size=13, tone="ink"),
        ],
        description=f"The point is at momentum {decimal(momentum, 2)} and step size "
        f"{decimal(step, 1)}, {_region(step, momentum)}.",
        height=420,
        legend=[
            ("you are here", Points([], [], shape="dot", tone="ink")),
            ("best tuning", Points([], [], shape="cross", tone="series-3")),
            ("stable below", Line([], [], **_STABLE)),
            ("steep direction oscillates below", Line([], [], **_STEEP)),
            ("flat direction oscillates right of", Line([], [], **_FLAT)),
        ],
    )


def _region(step: float, momentum: float) -> str:
    swing = oscillating(step, momentum)
    if step >= 2 * (1 + momentum):
        return "above the boundary of stability"
    if swing.all():
        return "where every direction oscillates"
    if swing.any():
        return "where some directions oscillate and others do not"
    return "where no direction oscillates"


def _spectrum(step: float, momentum: float, rate: float) -> Panel:
    grid = np.geomspace(0.01, 1, 81)
    return Panel(
        "What one iteration multiplies the error by",
        Axis("curvature λ / L", (0.01, 1), scale="log", ticks=(0.01, 0.1, 1)),
        Axis("size of the factor", (0, 1.4), ticks=(0, 0.5, 1)),
        [
            Region(y0=1, tone="series-2", opacity=0.16),
            Line(grid, np.abs(1 - step * grid), **_PLAIN),
            Line(grid, heavy_ball_factors(step, momentum, grid), **_HEAVY),
            Points(
                CURVATURES, heavy_ball_factors(step, momentum, CURVATURES), shape="ring", size=9
            ),
        ],
        description=f"The largest factor is {decimal(rate, 3)}; without momentum it would be "
        f"{decimal(float(np.abs(1 - step * CURVATURES).max()), 3)} at this step size.",
        height=190,
        legend=[
            ("with momentum", Line([], [], **_HEAVY)),
            ("without, same step", Line([], [], **_PLAIN)),
        ],
    )


def _gap(trace: Trace, rate: float, needed: int | None) -> Panel:
    k = np.arange(len(trace.value))
    if needed is not None:
        course = f"The gap stays below the target from iteration {needed} on"
    elif rate > 1:
        course = "The gap grows"
    elif rate == 1:
        course = "The gap does not vanish"
    else:
        course = f"The gap is {scientific(trace.value[-1])} at the end, above the target"
    return Panel(
        "What is left after k iterations",
        Axis("iteration k", (0, ITERATIONS)),
        Axis("gap f(θₖ) − f*", (1e-14, 1e3), scale="log"),
        [
            Region(y1=TARGET_GAP, tone="series-3", opacity=0.14),
            Text(2, 1e-14, "target", offset=(0, -8), tone="series-3"),
            Line(np.arange(ITERATIONS + 1), plain_run().value, **_PLAIN),
            Line(k, trace.value, **_HEAVY),
        ],
        description=f"{course}.",
        height=210,
        legend=[
            ("with momentum", Line([], [], **_HEAVY)),
            ("gradient descent at its best step", Line([], [], **_PLAIN)),
        ],
    )


def _story(step: float, momentum: float, factors: FloatArray, needed: int | None) -> str:
    swing = oscillating(step, momentum)
    rate = float(factors.max())
    root = decimal(np.sqrt(momentum), 3)
    if step > 2 * (1 + momentum):
        return "Above 2(1 + β)/L: the steep direction grows with every iteration."
    if step == 2 * (1 + momentum):
        return "At 2(1 + β)/L exactly: the steep direction neither grows nor vanishes."
    if swing.all():
        how = (
            f"Every direction oscillates, and all shrink by √β = {root}, whatever their curvature."
        )
    elif momentum == 0:
        how = "No momentum: every direction has a factor of its own."
    elif not swing.any():
        how = "No direction oscillates: each still has a factor of its own."
    else:
        slowest = "flat" if factors.argmax() == 0 else "steep"
        how = (
            f"{int(swing.sum())} of {len(CURVATURES)} directions oscillate and shrink by "
            f"√β = {root}; the {slowest} one is slower."
        )
    end = (
        f"The target is met from iteration {needed} on."
        if needed is not None
        else f"At a factor of {decimal(rate, 3)} the target is not met in {ITERATIONS} iterations."
    )
    return f"{how} {end}"
