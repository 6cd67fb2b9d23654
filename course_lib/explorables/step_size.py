r"""Step size against conditioning: gradient descent on a bowl, seen from three sides.

Chapter: *Gradient descent*. On a quadratic with curvatures :math:`\mu` and :math:`L` the error
along an axis of curvature :math:`\lambda` is multiplied by :math:`1 - \alpha\lambda` at every step.
The three panels show the path, the gap that it leaves, and these factors.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from course_lib.descent import descend
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import decimal, scientific
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Scene, Text
from course_lib.objectives import Quadratic
from course_lib.optimizers import GradientDescent
from course_lib.rates import error_factors
from course_lib.trace import Trace
from course_lib.validation import FloatArray

ITERATIONS = 100
TARGET_GAP = 1e-6
TARGET_CONDITION = 30
#: The largest curvature; only its product with the step size matters.
SMOOTHNESS = 1.0
#: Step sizes times L: closer where a little more makes all the difference.
STEPS = (0.05, *(i / 10 for i in range(1, 17)), *(i / 20 for i in range(34, 43)))
CONDITIONS = (1, 2, 5, 10, 30, 100)

# The axes of the bowl are turned, as they are in real problems; the flat one points steeply up, so
# that the long valley fits an upright panel.
_FLAT = np.array([np.cos(np.radians(70)), np.sin(np.radians(70))])
_STEEP = np.array([-_FLAT[1], _FLAT[0]])
#: Coordinates of the start along the flat and the steep axis.
_START_FLAT, _START_STEEP = 4.0, 1.0
START = _START_FLAT * _FLAT + _START_STEEP * _STEEP

_FLAT_LOOK = {"tone": "series-1", "dash": "dashed"}
_STEEP_LOOK = {"tone": "series-2", "dash": "dotted"}


def step_size_explorable() -> Explorable:
    """Return the explorable of step size and conditioning."""
    return Explorable(
        "step-size",
        "Step size and conditioning",
        [
            Slider("condition", "Condition number κ = L/μ", CONDITIONS),
            Slider("step", "Step size α, in units of 1/L", STEPS, lambda s: decimal(s, 2)),
        ],
        draw,
        start={"condition": 10, "step": 0.5},
        target=f"a gap below {scientific(TARGET_GAP, 0)} within {ITERATIONS} iterations at "
        f"κ = {TARGET_CONDITION}",
        lead="Two directions pull at one step size. Watch which of them holds the descent back.",
    )


def bowl(condition: float) -> Quadratic:
    """Return the quadratic with largest curvature 1 and this condition number."""
    flat, steep = SMOOTHNESS / condition, SMOOTHNESS
    return Quadratic(flat * np.outer(_FLAT, _FLAT) + steep * np.outer(_STEEP, _STEEP))


@lru_cache(maxsize=len(STEPS) * len(CONDITIONS))
def run(condition: float, step: float) -> Trace:
    """Return the run of gradient descent with step size ``step / L``."""
    return descend(
        bowl(condition),
        START,
        GradientDescent(step / SMOOTHNESS),
        max_iterations=ITERATIONS,
    )


def iterations_to_target(values: FloatArray) -> int | None:
    """Return the first iteration with a gap below the target, or None."""
    below = np.flatnonzero(values < TARGET_GAP)
    return int(below[0]) if below.size else None


def draw(condition: float, step: float) -> Scene:
    """Draw one state.

    Parameters
    ----------
    condition
        The condition number.
    step
        The step size in units of 1/L.
    """
    trace = run(condition, step)
    flat, steep = error_factors(step / SMOOTHNESS, [SMOOTHNESS / condition, SMOOTHNESS])
    needed = iterations_to_target(trace.value)
    return Scene(
        [
            [_path_panel(condition, trace, flat, steep)],
            [_gap_panel(condition, trace, flat, steep), _factor_panel(condition, flat, steep)],
        ],
        readout=f"{_story(condition, flat, steep)} {_result(trace, needed, flat, steep)}",
        reached=condition == TARGET_CONDITION and needed is not None,
        facts={
            "Flat factor 1 − αμ": decimal(flat, 3),
            "Steep factor 1 − αL": decimal(steep, 3),
            f"Gap after {ITERATIONS} iterations": _gap_in_words(trace.value[-1]),
            f"Iterations to {scientific(TARGET_GAP, 0)}": (
                str(needed) if needed is not None else "not reached"
            ),
        },
    )


def _gap_in_words(gap: float) -> str:
    """Write a gap; what is left once it is tiny is decided by rounding, and not worth writing."""
    if gap < 1e-15:
        return f"below {scientific(1e-15, 0)}"
    return decimal(gap, 3) if 0.01 <= gap < 100 else scientific(gap)


def _path_panel(condition: float, trace: Trace, flat: float, steep: float) -> Panel:
    # A path that leaves the picture for good is drawn to where it leaves, and not back and forth.
    away = np.flatnonzero(np.linalg.norm(trace.theta, axis=1) > 7)
    x, y = trace.theta[: away[0] + 1 if away.size else None].T
    marks: list[Mark] = [
        _contours(condition, trace.value[0]),
        _axis_through_minimum(_FLAT, _FLAT_LOOK),
        _axis_through_minimum(_STEEP, _STEEP_LOOK),
        Line(x, y, tone="ink", width=1.5, dots=True, smooth=False),
        Points([0], [0], shape="cross", size=11, tone="series-3"),
        Points([START[0]], [START[1]], shape="ring", size=12, tone="ink"),
        Text(START[0], START[1], "start", anchor="end", offset=(-10, -3), tone="ink"),
        Text(0, 0, "minimum", offset=(12, 16), tone="series-3"),
    ]
    place = "bowl" if condition == 1 else "valley"
    if steep < -1:
        course = f"The path swings across the {place}, wider at every step, and leaves the picture"
    elif steep == -1:
        course = f"The path swings across the {place} for ever, between the same two walls"
    elif steep < 0 and condition == 1:
        course = "The path jumps from side to side on one line, less at every step"
    elif steep < 0:
        course = "The path zigzags across the valley, less at every step"
    elif condition == 1:
        course = "The path is straight"
    else:
        course = "The path drops to the valley floor and bends along it"
    left = np.linalg.norm(trace.final) / np.linalg.norm(START)
    if left < 0.01:
        end = "it ends at the minimum"
    elif left < 1:
        end = f"{100 * left:.0f} % of the distance is left at its end"
    else:
        end = "it ends farther away than it began" if steep < -1 else "it does not arrive"
    return Panel(
        "The path on the contours",
        Axis("θ₁", (-2.1, 3.1), ticks=(-2, -1, 0, 1, 2, 3)),
        Axis("θ₂", (-2.4, 5.0), ticks=(-2, -1, 0, 1, 2, 3, 4, 5)),
        marks,
        description=f"{course}; {end}.",
        height=508,
        equal=True,
        legend=[
            ("iterates", Line([], [], width=1.5, dots=True)),
            ("flat axis", Line([], [], **_FLAT_LOOK)),
            ("steep axis", Line([], [], **_STEEP_LOOK)),
        ],
    )


def _contours(condition: float, start_value: float) -> Line:
    """Return ellipses of equal value; the outermost passes through the start."""
    angle = np.linspace(0, 2 * np.pi, 97)
    unit = np.cos(angle)[:, None] * np.sqrt(condition) * _FLAT + np.sin(angle)[:, None] * _STEEP
    gap = np.full((1, 2), np.nan)
    rings = []
    for fraction in (1, 0.6, 0.3, 0.1, 0.02):
        # On the ellipse the value is L/2 times the squared half-axis along the steep direction.
        rings += [np.sqrt(2 * fraction * start_value / SMOOTHNESS) * unit, gap]
    x, y = np.vstack(rings).T
    return Line(x, y, tone="muted", width=1, opacity=0.55)


def _axis_through_minimum(direction: FloatArray, look: dict[str, str]) -> Line:
    ends = np.outer([-9, 9], direction)
    return Line(ends[:, 0], ends[:, 1], width=1.5, **look)


def _gap_panel(condition: float, trace: Trace, flat: float, steep: float) -> Panel:
    k = np.arange(ITERATIONS + 1)
    # Each direction's share of the gap shrinks by the square of its factor.
    flat_share = 0.5 * SMOOTHNESS / condition * _START_FLAT**2 * flat ** (2 * k)
    steep_share = 0.5 * SMOOTHNESS * _START_STEEP**2 * steep ** (2 * k)
    last = trace.value[-1]
    needed = iterations_to_target(trace.value)
    if last > trace.value[0]:
        course = f"The gap grows to {_gap_in_words(last)}"
    elif needed is None:
        course = f"The gap falls to {_gap_in_words(last)} and stays above the target"
    else:
        course = f"The gap falls below the target at iteration {needed}"
    holder = _holds_back(condition, flat, steep)
    return Panel(
        "What is left after k iterations",
        Axis("iteration k", (0, ITERATIONS)),
        Axis("gap f(θₖ) − f*", (1e-9, 1e3), scale="log"),
        [
            Region(y1=TARGET_GAP, tone="series-3", opacity=0.14),
            Text(2, 1e-9, "target", offset=(0, -8), tone="series-3"),
            Line(np.arange(len(trace.value)), trace.value, tone="ink", width=3),
            Line(k, flat_share, **_FLAT_LOOK),
            Line(k, steep_share, width=3, **_STEEP_LOOK),
        ],
        description=f"{course}; {holder}.",
        height=242,
        legend=[
            ("gap", Line([], [], tone="ink", width=3)),
            ("flat part", Line([], [], **_FLAT_LOOK)),
            ("steep part", Line([], [], width=3, **_STEEP_LOOK)),
        ],
    )


def _factor_panel(condition: float, flat: float, steep: float) -> Panel:
    rate = max(abs(flat), abs(steep))
    return Panel(
        "What one step multiplies the error by",
        Axis("curvature λ / L", (0, 1.08), ticks=(0, 0.2, 0.4, 0.6, 0.8, 1.0)),
        Axis("factor 1 − αλ", (-1.35, 1.35), ticks=(-1, 0, 1)),
        [
            Region(y0=1, tone="series-2", opacity=0.16),
            Region(y1=-1, tone="series-2", opacity=0.16),
            Text(0.02, -1.35, "diverges beyond −1", offset=(0, -5), tone="series-2"),
            Line([0, 1.08], [rate, rate], tone="muted", width=1),
            Line([0, 1.08], [-rate, -rate], tone="muted", width=1),
            Line([0, 1], [1, steep], tone="ink", width=1.5),
            Points([1 / condition], [flat], shape="dot", size=12, tone="series-1"),
            Points([1], [steep], shape="square", size=11, tone="series-2"),
        ],
        description=f"The line falls from 1 to {decimal(steep, 2)} at the steep curvature; at the "
        f"flat one it is {decimal(flat, 3)}.",
        height=200,
        legend=[
            ("flat (μ)", Points([], [], shape="dot", tone="series-1")),
            ("steep (L)", Points([], [], shape="square", tone="series-2")),
            ("± larger size", Line([], [], tone="muted", width=1)),
        ],
    )


def _holds_back(condition: float, flat: float, steep: float) -> str:
    if condition == 1:
        return "both directions shrink alike"
    difference = abs(flat) - abs(steep)
    if abs(difference) < 1e-9:
        return "both directions shrink alike"
    return f"the {'flat' if difference > 0 else 'steep'} direction holds it back"


def _story(condition: float, flat: float, steep: float) -> str:
    """Say what happens along the two directions, and why."""
    if steep < -1:
        return (
            f"Beyond 2/L: the steep factor {decimal(steep, 2)} has a size above 1, so every step "
            "overshoots farther than the last."
        )
    if steep == -1:
        return "At 2/L exactly: the steep error changes its sign for ever and never shrinks."
    if condition == 1:
        if abs(flat) < 1e-9:
            return "A round bowl and the step 1/L: one step hits the minimum."
        manner = "changes sides and shrinks" if flat < 0 else "shrinks"
        return f"A round bowl: every direction {manner} by the factor {decimal(flat, 2)}."
    manner = "overshoots and changes sides at every step" if steep < 0 else "never overshoots"
    if abs(steep) < 1e-9:
        manner = "is gone after one step"
    return f"The steep direction {manner}; {_holds_back(condition, flat, steep)}."


def _result(trace: Trace, needed: int | None, flat: float, steep: float) -> str:
    if max(abs(flat), abs(steep)) > 1:
        return f"After {ITERATIONS} iterations the gap is {_gap_in_words(trace.value[-1])}."
    if needed is None:
        return f"After {ITERATIONS} iterations the gap is still {_gap_in_words(trace.value[-1])}."
    count = "1 iteration" if needed == 1 else f"{needed} iterations"
    return f"The gap is below {scientific(TARGET_GAP, 0)} after {count}."
