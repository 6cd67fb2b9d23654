r"""One bad record: what a single typing error does to a line, loss by loss.

Chapter: *Cost functions*. A line through 442 patients is fitted with Huber's loss, whose threshold
:math:`\delta` reaches from almost the absolute to the squared error. One record is mistyped: in its
target, where the loss limits the damage, or in its input, where it cannot. In the gradient of the
slope a record counts :math:`\ell'(r)\,(x - \bar x)`: the loss bounds the first factor alone.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from course_lib.costs import HuberLoss
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import decimal
from course_lib.explorables.scene import Axis, Line, Panel, Points, Scene, Text
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk
from course_lib.quasi_newton import quasi_newton
from course_lib.stopping import GradientNorm
from course_lib.validation import FloatArray

#: The patient whose record is mistyped: the one with the largest body-mass index.
RECORD = 367
TRUE_BMI, TRUE_TARGET = 42.2, 242
BMIS = (42.2, 60, 100, 200, 422, 1000, 2000)
TARGETS = (242, 500, 1000, 2420, 24200)
#: Beyond the largest residual there is, Huber's loss is half the squared error.
THRESHOLDS = (2, 5, 10, 20, 50, 100, 300, 1000, 3000, 30000)
SQUARED = THRESHOLDS[-1]
TOLERANCE = 5.0

_FITTED = {"tone": "series-1", "width": 3.0}
_HONEST = {"tone": "ink", "dash": "dashed", "width": 1.5}
_BAD = {"tone": "series-2", "shape": "square"}


def one_bad_record_explorable() -> Explorable:
    """Return the explorable of losses and typing errors."""
    return Explorable(
        "one-bad-record",
        "One bad record among 442",
        [
            Slider("threshold", "Huber's threshold δ", THRESHOLDS, _threshold_in_words),
            Slider("target", "Disease progression of the patient, as typed", TARGETS, _grouped),
            Slider("bmi", "Body-mass index of the patient, as typed", BMIS, _plain),
        ],
        draw,
        start={"threshold": SQUARED, "target": 2420, "bmi": TRUE_BMI},
        target=f"a slope within {TOLERANCE:.0f} % of the honest one, with the progression typed as "
        f"{_grouped(TARGETS[-1])} and the body-mass index right",
        lead="Mistype the target, then the input. A loss can bound the first damage only.",
    )


@lru_cache(maxsize=1)
def patients() -> tuple[FloatArray, FloatArray]:
    """Return body-mass index and disease progression of scikit-learn's diabetes patients."""
    from sklearn.datasets import load_diabetes  # Loaded when first needed.

    data = load_diabetes(scaled=False)
    return data.data[:, 2].copy(), data.target.copy()


@lru_cache(maxsize=len(THRESHOLDS) * len(TARGETS) * len(BMIS))
def fit(threshold: float, target: float, bmi: float) -> tuple[float, float]:
    """Return slope and value at zero of the line, with the record as typed."""
    x, y = (column.copy() for column in patients())
    x[RECORD], y[RECORD] = bmi, target
    # In units in which both parameters are of size one, so that few iterations suffice.
    centre, spread, unit = x.mean(), x.std(), 77.0
    risk = EmpiricalRisk(
        LinearModel(1), HuberLoss(threshold / unit), ((x - centre) / spread)[:, None], y / unit
    )
    run = quasi_newton(risk, [0.6, 2.0], stop=GradientNorm(1e-10), max_iterations=2000)
    slope, level = unit * run.final[0] / spread, unit * run.final[1]
    return float(slope), float(level - slope * centre)


def draw(threshold: float, target: float, bmi: float) -> Scene:
    """Draw one state.

    Parameters
    ----------
    threshold
        Huber's threshold, in units of the target.
    target, bmi
        What was typed.
    """
    slope, offset = fit(threshold, target, bmi)
    honest, _ = fit(threshold, TRUE_TARGET, TRUE_BMI)
    error = 100.0 * (slope / honest - 1.0)
    residual = offset + slope * bmi - target
    pull = float(np.clip(residual, -threshold, threshold))
    return Scene(
        [
            [_data_panel(threshold, target, bmi)],
            [_target_panel(threshold, target, bmi), _input_panel(threshold, target, bmi)],
        ],
        readout=_story(threshold, target, bmi, error),
        reached=bmi == TRUE_BMI and target == TARGETS[-1] and abs(error) < TOLERANCE,
        facts={
            "Slope": decimal(slope, 2),
            "Honest slope": decimal(honest, 2),
            "Change": f"{decimal(error, 1)} %",
            "Slope of the record's loss": decimal(pull, 0),
        },
    )


def _data_panel(threshold: float, target: float, bmi: float) -> Panel:
    x, y = patients()
    others = np.arange(len(x)) != RECORD
    slope, offset = fit(threshold, target, bmi)
    honest_slope, honest_offset = fit(threshold, TRUE_TARGET, TRUE_BMI)
    ends = np.array([15.0, 110.0])
    inside_x, inside_y = bmi <= 100, target <= 500
    where = []
    if not inside_x:
        where.append(f"BMI {_plain(bmi)} →")
    if not inside_y:
        where.append(f"{_grouped(target)} ↑")
    seen = "is off the picture" if where else "is in the picture"
    angle = "coincide" if abs(slope / honest_slope - 1) < 0.02 else "differ"
    return Panel(
        "442 patients and two lines",
        Axis("body-mass index", (15, 110), ticks=(20, 40, 60, 80, 100)),
        Axis("disease progression", (0, 700), ticks=(0, 100, 200, 300, 400, 500, 600, 700)),
        [
            Points(x[others], y[others], tone="muted", size=3),
            Line(ends, honest_offset + honest_slope * ends, **_HONEST),
            Line(ends, offset + slope * ends, **_FITTED),
            Points([min(bmi, 106)], [min(target, 670)], size=11, **_BAD),
            Text(
                min(bmi, 106), min(target, 670), ", ".join(where), anchor="end",
                offset=(-10, 4), tone="series-2",
            ),
        ],
        description=f"The mistyped record {seen}; the fitted line, of slope {decimal(slope, 2)}, "
        f"and the honest one, of slope {decimal(honest_slope, 2)}, {angle}.",
        height=430,
        legend=[
            ("fitted", Line([], [], **_FITTED)),
            ("honest", Line([], [], **_HONEST)),
            ("the record", Points([], [], **_BAD)),
        ],
    )  # fmt: skip


def _target_panel(threshold: float, target: float, bmi: float) -> Panel:
    slopes = [fit(threshold, typed, bmi)[0] for typed in TARGETS]
    honest = fit(threshold, TRUE_TARGET, TRUE_BMI)[0]
    grows = abs(slopes[-1] - slopes[-2]) > 0.1 * honest
    course = "goes on changing" if grows else "has levelled off"
    return _slopes(
        "Slope, by typed progression",
        Axis("typed progression", (200, 30_000), "log", (242, 1000, 2420, 24_200),
             ("242", "1000", "2420", "24,200")),
        TARGETS, slopes, honest, target,
        f"From 242 to 24,200 the slope goes from {decimal(slopes[0], 1)} to "
        f"{decimal(slopes[-1], 1)}; at the end it {course}.",
    )  # fmt: skip


def _input_panel(threshold: float, target: float, bmi: float) -> Panel:
    slopes = [fit(threshold, target, typed)[0] for typed in BMIS]
    honest = fit(threshold, TRUE_TARGET, TRUE_BMI)[0]
    return _slopes(
        "Slope, by typed body-mass index",
        Axis("typed body-mass index", (38, 2300), "log", (42.2, 100, 422, 2000),
             ("42.2", "100", "422", "2000")),
        BMIS, slopes, honest, bmi,
        f"From 42.2 to 2000 the slope goes from {decimal(slopes[0], 1)} to "
        f"{decimal(slopes[-1], 1)}.",
    )  # fmt: skip


def _slopes(
    title: str,
    axis: Axis,
    typed: tuple[float, ...],
    slopes: list[float],
    honest: float,
    now: float,
    description: str,
) -> Panel:
    top = 60.0
    return Panel(
        title,
        axis,
        Axis("slope", (0, top), ticks=(0, 20, 40, 60)),
        [
            Line(axis.limits, [honest, honest], **_HONEST),
            Line(typed, slopes, dots=True, smooth=False, **_FITTED),
            Points([now], [min(slopes[typed.index(now)], 0.96 * top)], size=11, **_BAD),
        ],
        description=description,
        height=180,
    )


def _story(threshold: float, target: float, bmi: float, error: float) -> str:
    loss = (
        "Squared error" if threshold == SQUARED else f"Huber's loss with δ = {_grouped(threshold)}"
    )
    if bmi == TRUE_BMI and target == TRUE_TARGET:
        return f"{loss}, and nothing mistyped: this is the honest line."
    change = f"{decimal(abs(error), 1)} % {'steeper' if error > 0 else 'flatter'}"
    if bmi == TRUE_BMI:
        verdict = (
            "the loss limits how hard the record pulls"
            if abs(error) < TOLERANCE
            else "the record pulls the line up by its end"
        )
    elif bmi >= 1000:
        verdict = "so far out, its lever is longer than those of all others together"
    else:
        verdict = "the lever of the record is long, and no loss shortens it"
    return f"{loss}: the line is {change}; {verdict}."


def _threshold_in_words(threshold: float) -> str:
    return "∞ (squared error)" if threshold == SQUARED else _grouped(threshold)


def _grouped(number: float) -> str:
    return f"{number:,.0f}"


def _plain(number: float) -> str:
    return f"{number:g}"
