r"""Batch size against step size: one look at each patient, spent in different ways.

Chapter: *Variants of gradient descent*. The disease of 442 patients is predicted from two of their
numbers, by two weights, so that the path can be drawn. Every state spends the same budget of sample
gradients. The thin line is one run, the thick one the mean over all runs that might have happened.
"""

from __future__ import annotations

import warnings
from functools import cache, lru_cache

import numpy as np

from course_lib.batching import FullBatch, MiniBatches
from course_lib.costs import HalfSquaredError
from course_lib.descent import DivergenceWarning, descend
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import compact, decimal
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Scene, Text
from course_lib.linear_models import LinearModel
from course_lib.noise_ball import SampledLeastSquares
from course_lib.objectives import EmpiricalRisk
from course_lib.optimizers import GradientDescent
from course_lib.schedules import Constant, InverseTime, Schedule
from course_lib.validation import FloatArray

EPOCHS = 1
BATCH_SIZES = (1, 4, 16, 64, 442)
STEPS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0, 1.3)
CONSTANT, DECAYING = 0, 1
TARGET_GAP = 14.0
START = np.array([80.0, -40.0])
#: A decaying step size is half as large after a tenth of an epoch.
HALVED_AFTER = 0.1

_GAPS = (3.0, 3e4)
_RUN_LOOK = {"tone": "series-1", "width": 1.3}
_LEVEL_LOOK = {"tone": "series-3", "dash": "dashed", "width": 2.0}


def batch_size_explorable() -> Explorable:
    """Return the explorable of batch size and step size."""
    return Explorable(
        "batch-size",
        "Batch size and step size",
        [
            Slider("batch", "Batch size |B|", BATCH_SIZES),
            Slider("step", "Step size α", STEPS, lambda s: f"{s:g}"),
            Slider("decay", "The step size", (DECAYING, CONSTANT), _manner),
        ],
        draw,
        start={"batch": 1, "step": 0.1, "decay": CONSTANT},
        target=f"a mean gap below {TARGET_GAP:g} after 442 sample gradients",
        lead="Every state pays for 442 sample gradients. What differs is how often it moves.",
    )


@lru_cache(maxsize=1)
def problem() -> tuple[EmpiricalRisk, SampledLeastSquares]:
    """Return the patients' risk in two weights, and its expectations."""
    from sklearn.datasets import load_diabetes

    data = load_diabetes()
    columns = [data.feature_names.index(name) for name in ("bmi", "bp")]
    X = data.data[:, columns]
    X = X / X.std(axis=0)
    y = data.target - data.target.mean()
    risk = EmpiricalRisk(LinearModel(2, intercept=False), HalfSquaredError(), X, y)
    return risk, SampledLeastSquares(X, y)


def _manner(decay: int) -> str:
    return "decays" if decay == DECAYING else "stays"


def steps_of(batch: int) -> int:
    """Return how many steps the budget pays for."""
    return EPOCHS * problem()[0].n_samples // batch


def schedule(batch: int, step: float, decay: int) -> Schedule:
    """Return the step sizes of a state."""
    if decay == CONSTANT:
        return Constant(step)
    return InverseTime(step, batch / (HALVED_AFTER * problem()[0].n_samples))


@cache
def expected(batch: int, step: float, decay: int) -> FloatArray:
    """Return the mean gap over all runs, at every step."""
    rule = schedule(batch, step, decay)
    exact = batch == problem()[0].n_samples
    sizes = [rule(k) for k in range(steps_of(batch))]
    # All patients at once leave nothing to chance: batches drawn with replacement of endless size.
    return problem()[1].expected_gaps(sizes, START, 10**12 if exact else batch)


@cache
def path(batch: int, step: float, decay: int) -> FloatArray:
    """Return the points of one run, as far as it stays finite."""
    risk, _ = problem()
    batches = (
        FullBatch(risk.n_samples, epochs=EPOCHS)
        if batch == risk.n_samples
        else MiniBatches(risk.n_samples, batch, seed=0, epochs=EPOCHS + 1, replace=True)
    )
    with warnings.catch_warnings():
        # Some states diverge; the panels say so.
        warnings.simplefilter("ignore", DivergenceWarning)
        trace = descend(
            risk,
            START,
            GradientDescent(schedule(batch, step, decay)),
            batches=batches,
            max_iterations=steps_of(batch),
        )
    return trace.theta


def draw(batch: int, step: float, decay: int) -> Scene:
    """Draw one state.

    Parameters
    ----------
    batch
        Patients in a batch.
    step
        The first step size.
    decay
        0 for a step size that stays, 1 for one that decays.
    """
    risk, sampled = problem()
    exact = batch == risk.n_samples
    size = 10**12 if exact else batch
    last = schedule(batch, step, decay)(steps_of(batch) - 1)
    limit = sampled.largest_step(size)
    level = sampled.stationary_gap(last, size) if last < limit and not exact else None
    final = float(expected(batch, step, decay)[-1])
    reached = final < TARGET_GAP
    return Scene(
        [
            [_path_panel(batch, step, decay, last, level)],
            [_gap_panel(batch, step, decay, level), _choice_panel(batch, step, decay)],
        ],
        readout=_story(step, decay, limit, level, final, exact),
        reached=reached,
        facts={
            "Steps": f"{steps_of(batch):,}",
            "Last step size": compact(last),
            "Limit of a constant step": decimal(limit, 2),
            "Mean gap at the end": _in_words(final),
        },
    )


def _in_words(gap: float) -> str:
    if gap > _GAPS[1]:
        return "out of sight"
    return decimal(gap, 1) if gap < 100 else decimal(gap, 0)


def _story(
    step: float, decay: int, limit: float, level: float | None, final: float, exact: bool
) -> str:
    """Say what decides the gap at the end."""
    if step >= limit and decay == CONSTANT:
        return (
            f"The step is above the limit {decimal(limit, 2)} for this batch size: the mean gap "
            "grows without end."
        )
    if level is None:
        return (
            "All patients at once: no noise, and the whole budget is spent on one step. The gap is "
            f"{_in_words(final)}."
        )
    share = level / final
    if decay == CONSTANT and share > 0.8:
        why = "it has reached its noise ball and would stay there; only a smaller step helps"
    elif share > 0.5:
        why = "nearly all of it is noise"
    elif share < 0.2:
        why = "it is still on its way: the steps were too few or too small"
    else:
        why = "it is still partly on its way, partly noise"
    return f"The mean gap at the end is {_in_words(final)}, and {why}."


def _thinned(count: int, at_most: int) -> np.ndarray:
    """Return positions, closer together at the beginning, that stand for a long curve."""
    if count <= at_most:
        return np.arange(count)
    return np.unique(np.geomspace(1, count, at_most).astype(int) - 1)


def _path_panel(batch: int, step: float, decay: int, last: float, level: float | None) -> Panel:
    _, sampled = problem()
    points = path(batch, step, decay)
    shown = points[_thinned(len(points), 90)]
    outside = np.flatnonzero(np.abs(shown - sampled.minimizer).max(axis=1) > 120)
    shown = shown[: outside[0] + 1] if outside.size else shown
    ball_x, ball_y = np.full((2, 1), np.nan)
    if level is not None:
        # Two standard deviations around the minimizer, along the axes of the covariance.
        covariance = sampled.stationary_covariance(last, batch)
        values, axes = np.linalg.eigh(covariance)
        angle = np.linspace(0, 2 * np.pi, 33)
        circle = np.array([np.cos(angle), np.sin(angle)])
        ball_x, ball_y = sampled.minimizer[:, None] + 2 * axes @ (np.sqrt(values)[:, None] * circle)
    marks: list[Mark] = [
        _contours(sampled),
        Line(ball_x, ball_y, **_LEVEL_LOOK),
        Line(shown[:, 0], shown[:, 1], dots=True, smooth=False, **_RUN_LOOK),
        Points(*sampled.minimizer[:, None], shape="cross", size=11, tone="ink"),
        Points([START[0]], [START[1]], shape="ring", size=12, tone="ink"),
        Text(START[0], START[1], "start", offset=(-12, 5), anchor="end", tone="ink"),
    ]
    distance = float(np.linalg.norm(points[-1] - sampled.minimizer))
    if outside.size:
        course = "The run leaves the picture"
    elif distance > 20:
        course = "The run ends far from the minimum"
    else:
        course = f"The run ends {decimal(distance, 1)} from the minimum"
    width = "" if level is None else f"; the dashed ball is {2 * np.sqrt(values[-1]):.0f} in radius"
    return Panel(
        "One run on the contours",
        Axis("weight of body-mass index", (-20, 110)),
        Axis("weight of blood pressure", (-70, 80)),
        marks,
        description=f"{course}{width}.",
        height=460,
        equal=True,
        legend=[
            ("run", Line([], [], **_RUN_LOOK)),
            ("noise ball of the last step size", Line([], [], **_LEVEL_LOOK)),
        ],
    )


def _contours(sampled: SampledLeastSquares) -> Line:
    values, axes = np.linalg.eigh(sampled.hessian)
    angle = np.linspace(0, 2 * np.pi, 73)
    circle = np.array([np.cos(angle), np.sin(angle)]) / np.sqrt(values)[:, None]
    gap = np.full((2, 1), np.nan)
    rings = []
    for height in (30, 300, 1000, 2000):
        rings += [sampled.minimizer[:, None] + np.sqrt(2 * height) * axes @ circle, gap]
    x, y = np.hstack(rings)
    return Line(x, y, tone="muted", width=1, opacity=0.55)


def _gap_panel(batch: int, step: float, decay: int, level: float | None) -> Panel:
    _, sampled = problem()
    points, mean = path(batch, step, decay), expected(batch, step, decay)
    error = points - sampled.minimizer
    gaps = 0.5 * np.einsum("ki,ij,kj->k", error, sampled.hessian, error)
    some, means = _thinned(len(gaps), 60), _thinned(len(mean), 40)
    seen, seen_mean = np.maximum(1, some * batch), np.maximum(1, means * batch)
    floor = level if level is not None else np.nan
    final = float(mean[-1])
    if not final <= mean[0]:
        course = "The mean gap grows"
    else:
        course = f"The mean gap falls from {mean[0]:.0f} to {_in_words(final)}"
    ends = "" if level is None else f"; the last step size alone would hold {_in_words(level)}"
    return Panel(
        "What is left after so many looks",
        Axis("sample gradients", (1, 442), scale="log"),
        Axis("gap", _GAPS, scale="log"),
        [
            Region(y1=TARGET_GAP, tone="series-3", opacity=0.14),
            Text(1.1, _GAPS[0], "target", offset=(0, -6), tone="series-3"),
            Line([1, 442], [floor, floor], **_LEVEL_LOOK),
            Line(seen, _clipped(gaps[some]), smooth=False, **_RUN_LOOK),
            Line(seen_mean, _clipped(mean[means]), tone="ink", width=3),
        ],
        description=f"{course}{ends}.",
        height=236,
        legend=[
            ("one run", Line([], [], **_RUN_LOOK)),
            ("mean of all runs", Line([], [], tone="ink", width=3)),
            ("level of the last step size", Line([], [], **_LEVEL_LOOK)),
        ],
    )


def _clipped(gaps: FloatArray) -> FloatArray:
    """Keep far too large and far too small numbers just outside of the panel."""
    return np.clip(gaps, 0.5 * _GAPS[0], 3 * _GAPS[1])


def _choice_panel(batch: int, step: float, decay: int) -> Panel:
    ends = {
        manner: _clipped(np.array([expected(batch, s, manner)[-1] for s in STEPS]))
        for manner in (CONSTANT, DECAYING)
    }
    here = ends[decay][STEPS.index(step)]
    best = int(np.argmin(ends[decay]))
    return Panel(
        "Mean gap at the end, by first step",
        Axis("first step size α", (STEPS[0], STEPS[-1]), scale="log", ticks=(0.01, 0.1, 1)),
        Axis("gap", _GAPS, scale="log"),
        [
            Region(y1=TARGET_GAP, tone="series-3", opacity=0.14),
            Line(STEPS, ends[CONSTANT], tone="series-1", smooth=False),
            Line(STEPS, ends[DECAYING], tone="series-2", dash="dash-dot", smooth=False),
            Points([step], [here], shape="diamond", size=12, tone="ink"),
        ],
        description=f"For this batch size the best first step size of the {len(STEPS)} is "
        f"{STEPS[best]:g}, with {_in_words(float(ends[decay][best]))}.",
        height=206,
        legend=[
            ("stays", Line([], [], tone="series-1")),
            ("decays", Line([], [], tone="series-2", dash="dash-dot")),
            ("here", Points([], [], shape="diamond", tone="ink")),
        ],
    )
