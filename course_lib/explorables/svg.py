"""Panels as SVG: data coordinates become whole numbers, and what may change is marked as such.

A drawing is a list of tokens. Most are plain markup; a `Slot` is a piece of text or the value of an
attribute that may differ between positions of the sliders. Joined, the tokens are the drawing;
compared over all positions, only the slots may differ, and the static page stores just those.

Coordinates are tenths of a pixel in a panel 340 pixels wide: whole numbers are short, and a tenth
of a pixel is below what a screen shows.
"""

from __future__ import annotations

from html import escape
from typing import NamedTuple

import numpy as np

from course_lib.explorables.rounding import steady_integers
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Text

UNITS = 10
WIDTH = 340
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 30, 42
#: Deviation in tenths of a pixel up to which a smooth line may lose vertices.
TOLERANCE = 2.5
#: Dots nearer than this to the one before cannot be told from it (their radius is 24).
HIDDEN = 18


class Slot(NamedTuple):
    """The value of an attribute, or the text, of the latest element marked ``data-k``."""

    attribute: str
    value: str


Token = str | Slot
TEXT = "text"


def render_panel(panel: Panel, prefix: str) -> list[Token]:
    """Return the tokens of one panel's ``svg`` element.

    Parameters
    ----------
    panel
        What to draw.
    prefix
        Begins the identifiers of the panel's markers; unique on the page.
    """
    frame = _Frame(panel)
    tokens: list[Token] = [
        f'<svg viewBox="0 0 {WIDTH * UNITS} {panel.height * UNITS}" role="img" data-k aria-label="',
        Slot("aria-label", f"{panel.title}. {panel.description}"),
        '">',
        frame.markup(),
        _dot_markers(panel, prefix),
        f'<svg x="{LEFT * UNITS}" y="{TOP * UNITS}" width="{frame.width}" height="{frame.height}">',
    ]
    for mark in panel.marks:
        tokens += _RENDERERS[type(mark)](mark, frame, prefix)
    return [*tokens, "</svg></svg>"]


class _Frame:
    """The axes of a panel and the map from data to the plot area."""

    def __init__(self, panel: Panel) -> None:
        self.width = (WIDTH - LEFT - RIGHT) * UNITS
        self.height = (panel.height - TOP - BOTTOM) * UNITS
        self.x, self.y = panel.x, panel.y
        if panel.equal:
            (x_low, x_high), (y_low, y_high) = panel.x.limits, panel.y.limits
            half = (y_high - y_low) * self.width / self.height / 2
            middle = (x_low + x_high) / 2
            self.x = Axis(panel.x.label, (middle - half, middle + half), "linear", panel.x.ticks)

    def pixels(self, x: np.ndarray, y: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return positions in the plot area, unrounded; far away is cut to not too far away."""
        far = 1e7
        across = np.clip(self.x.position(x) * self.width, -far, far)
        down = np.clip((1 - self.y.position(y)) * self.height, -far, far)
        return across, down

    def markup(self) -> str:
        left, top = LEFT * UNITS, TOP * UNITS
        right, bottom = left + self.width, top + self.height
        grid, labels = [], []
        for tick, label in self.x.ticks_and_labels():
            at = left + int(steady_integers(self.x.position(tick) * self.width))
            if left <= at <= right:
                grid.append(f"M{at} {top}V{bottom}")
                labels.append(_label(at, bottom + 155, "mid", label))
        for tick, label in self.y.ticks_and_labels():
            at = top + int(steady_integers((1 - self.y.position(tick)) * self.height))
            if top <= at <= bottom:
                grid.append(f"M{left} {at}H{right}")
                labels.append(_label(left - 60, at + 42, "end", label))
        labels.append(_label(right, bottom + 330, "end axis", self.x.label))
        labels.append(_label(0, 120, "axis", self.y.label))
        return (
            f'<g aria-hidden="true"><path class="grid" d="{"".join(grid)}"/>'
            f'<path class="edge" d="M{left} {top}V{bottom}H{right}"/>'
            f"{''.join(labels)}</g>"
        )


def _label(x: int, y: int, look: str, text: str) -> str:
    return f'<text x="{x}" y="{y}" class="{look}">{escape(text)}</text>'


def _render_line(line: Line, frame: _Frame, prefix: str) -> list[Token]:
    look = f'class="line {line.dash} tone-{line.tone}"'
    if line.width != 2:
        look += f' stroke-width="{line.width:g}"'
    if line.opacity != 1:
        look += f' opacity="{line.opacity:g}"'
    if line.dots:
        url = f"url(#{prefix}-{line.tone})"
        look += f' marker-start="{url}" marker-mid="{url}" marker-end="{url}"'
    return [f'<path data-k {look} d="', Slot("d", line_path(line, frame)), '"/>']


def line_path(line: Line, frame: _Frame) -> str:
    """Return the path data of a line: every stretch between two breaks as relative moves."""
    x, y = frame.pixels(np.asarray(line.x, dtype=float), np.asarray(line.y, dtype=float))
    pieces = []
    for stretch in _stretches(x, y, frame.width, frame.height):
        if line.smooth:
            stretch = stretch[_worth_keeping(stretch)]
        points = steady_integers(stretch)
        if line.dots:
            points = _without_hidden_dots(points)
        moves = np.diff(points, axis=0)
        moves = moves[(moves != 0).any(axis=1)]
        if len(moves) or line.dots:
            start = f"M{points[0, 0]} {points[0, 1]}"
            pieces.append(start + ("l" + _numbers(moves.ravel()) if len(moves) else "h0"))
    return "".join(pieces)


def _stretches(x: np.ndarray, y: np.ndarray, width: int, height: int) -> list[np.ndarray]:
    """Cut a polyline at NaN and at a box around the plot area, three times as wide and high."""
    points = np.column_stack([x, y])
    if not len(points):
        return []
    low, high = np.array([-width, -height]), np.array([2 * width, 2 * height])
    if np.isfinite(points).all() and (points >= low).all() and (points <= high).all():
        return [points]
    # Liang and Barsky's clipping, all segments at once.
    start, step = points[:-1], np.diff(points, axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        enter, leave = (low - start) / step, (high - start) / step
    enter, leave = np.minimum(enter, leave), np.maximum(enter, leave)
    still = step == 0
    inside = (start >= low) & (start <= high)
    enter = np.where(still, np.where(inside, -np.inf, np.inf), enter).max(axis=1).clip(min=0)
    leave = np.where(still, np.where(inside, np.inf, -np.inf), leave).min(axis=1).clip(max=1)
    stretches: list[list[np.ndarray]] = []
    continues = -1  # the segment whose start is the end of the one before, uncut
    for i in np.flatnonzero(enter <= leave):  # False for NaN as well
        first, last = start[i] + enter[i] * step[i], start[i] + leave[i] * step[i]
        if enter[i] == 0 and i == continues:
            stretches[-1].append(last)
        else:
            stretches.append([first, last])
        continues = i + 1 if leave[i] == 1 else -1
    return [np.array(stretch) for stretch in stretches]


def _worth_keeping(points: np.ndarray) -> np.ndarray:
    """Choose vertices by Douglas and Peucker's rule: keep the farthest from the chord, recurse."""
    keep = np.zeros(len(points), dtype=bool)
    keep[[0, -1]] = True
    spans = [(0, len(points) - 1)]
    while spans:
        first, last = spans.pop()
        if last - first < 2:
            continue
        chord = points[last] - points[first]
        away = points[first + 1 : last] - points[first]
        length = float(np.hypot(*chord))
        if length > 0:
            distance = np.abs(chord[0] * away[:, 1] - chord[1] * away[:, 0]) / length
        else:
            distance = np.hypot(away[:, 0], away[:, 1])
        farthest = int(distance.argmax())
        if distance[farthest] > TOLERANCE:
            middle = first + 1 + farthest
            keep[middle] = True
            spans += [(first, middle), (middle, last)]
    return keep


def _without_hidden_dots(points: np.ndarray) -> np.ndarray:
    """Leave out iterates that lie under the dot of the one before.

    Only those with the next one as near are left out, so that no bend is lost.
    """
    kept = [0]
    for i in range(1, len(points) - 1):
        near = [np.abs(points[j] - points[kept[-1]]).max() < HIDDEN for j in (i, i + 1)]
        if not all(near):
            kept.append(i)
    return points[[*kept, len(points) - 1]] if len(points) > 1 else points


def _render_points(points: Points, frame: _Frame, prefix: str) -> list[Token]:
    x, y = frame.pixels(np.asarray(points.x, dtype=float), np.asarray(points.y, dtype=float))
    margin = points.size * UNITS
    seen = (x >= -margin) & (x <= frame.width + margin)
    seen &= (y >= -margin) & (y <= frame.height + margin)  # False for NaN as well
    centres = steady_integers(np.column_stack([x[seen], y[seen]]))
    radius = int(points.size * UNITS / 2)
    outline = _OUTLINES[points.shape](radius)
    path = "".join(f"M{cx} {cy}{outline}" for cx, cy in centres)
    filled = "hollow" if points.shape in ("ring", "cross", "plus") else "filled"
    return [
        f'<path data-k class="{filled} tone-{points.tone}" d="',
        Slot("d", path),
        '"/>',
    ]


def _circle(r: int) -> str:
    # One arc that almost closes: shorter than two halves.
    return f"m0-{r}a{r} {r} 0 1 1-1 0z"


_OUTLINES = {
    "dot": _circle,
    "ring": _circle,
    "square": lambda r: f"m-{r}-{r}h{2 * r}v{2 * r}h-{2 * r}z",
    "diamond": lambda r: f"m0-{r}l{r} {r}-{r} {r}-{r}-{r}z",
    "cross": lambda r: f"m-{r}-{r}l{2 * r} {2 * r}m0-{2 * r}l-{2 * r} {2 * r}",
    "plus": lambda r: f"m0-{r}v{2 * r}m-{r}-{r}h{2 * r}",
}


def _render_region(region: Region, frame: _Frame, prefix: str) -> list[Token]:
    def end(value: float | None, axis: Axis, otherwise: float) -> float:
        return otherwise if value is None else float(np.clip(axis.position(value), 0, 1))

    x0, x1 = end(region.x0, frame.x, 0), end(region.x1, frame.x, 1)
    y0, y1 = end(region.y0, frame.y, 0), end(region.y1, frame.y, 1)
    left, right = (int(steady_integers(p * frame.width)) for p in (x0, x1))
    bottom, top = (int(steady_integers((1 - p) * frame.height)) for p in (y0, y1))
    path = f"M{left} {top}H{right}V{bottom}H{left}z" if right > left and bottom > top else ""
    look = f'class="region tone-{region.tone}" opacity="{region.opacity:g}"'
    return [f'<path data-k {look} d="', Slot("d", path), '"/>']


def _render_text(text: Text, frame: _Frame, prefix: str) -> list[Token]:
    x, y = frame.pixels(np.array([text.x], dtype=float), np.array([text.y], dtype=float))
    position = np.array([x[0], y[0]]) + np.array(text.offset) * UNITS
    seen = bool(text.text) and bool(np.isfinite(position).all())
    across, down = steady_integers(position) if seen else (0, 0)
    anchor = {"start": "", "middle": " mid", "end": " end"}[text.anchor]
    strong = " strong" if text.strong else ""
    return [
        f'<text data-k class="tone-{text.tone}{anchor}{strong}" x="',
        Slot("x", str(across)),
        '" y="',
        Slot("y", str(down)),
        '">',
        Slot(TEXT, text.text if seen else ""),
        "</text>",
    ]


_RENDERERS = {
    Line: _render_line,
    Points: _render_points,
    Region: _render_region,
    Text: _render_text,
}


def _dot_markers(panel: Panel, prefix: str) -> str:
    """Define the dots on vertices, one kind a tone."""
    tones = sorted({mark.tone for mark in panel.marks if isinstance(mark, Line) and mark.dots})
    if not tones:
        return ""
    return (
        "<defs>"
        + "".join(
            f'<marker id="{prefix}-{tone}" markerUnits="userSpaceOnUse" markerWidth="60" '
            f'markerHeight="60" refX="30" refY="30"><circle cx="30" cy="30" r="24" '
            f'class="filled tone-{tone}"/></marker>'
            for tone in tones
        )
        + "</defs>"
    )


def legend_key(mark: Mark) -> str:
    """Return a small picture of a mark's look, for a legend."""
    if isinstance(mark, Line):
        marker = f'<circle cx="130" cy="50" r="26" class="filled tone-{mark.tone}"/>'
        drawing = (
            f'<path class="line {mark.dash} tone-{mark.tone}" stroke-width="{mark.width:g}" '
            f'd="M0 50H260"/>' + (marker if mark.dots else "")
        )
    elif isinstance(mark, Points):
        filled = "hollow" if mark.shape in ("ring", "cross", "plus") else "filled"
        path = f"M130 50{_OUTLINES[mark.shape](int(min(mark.size, 8) * UNITS / 2))}"
        drawing = f'<path class="{filled} tone-{mark.tone}" d="{path}"/>'
    else:
        opacity = getattr(mark, "opacity", 1)
        look = f'class="region tone-{mark.tone}" opacity="{opacity:g}"'
        drawing = f'<path {look} d="M0 0H260V100H0z"/>'
    return f'<svg class="key" viewBox="0 0 260 100" aria-hidden="true">{drawing}</svg>'


def _numbers(values: np.ndarray) -> str:
    """Join whole numbers the way path data allows: a minus sign separates as well as a space."""
    return " ".join(map(str, values.tolist())).replace(" -", "-")
