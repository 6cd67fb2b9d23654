"""Draw book/assets/downhill-hero.svg, the picture on the title page.

The path is a run of the library: gradient descent with exact line search on
f(x, y) = (x^2 + 9 y^2) / 2 from (9, 1), the start from which it is slowest. A step starts at a
right angle to the contour line it leaves and ends where it touches the next one drawn, since both
are contour lines through iterates.

Usage: python tools/draw_title_picture.py [output file]
"""

from __future__ import annotations

import sys
from pathlib import Path

import numpy as np

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from course_lib.descent import descend
from course_lib.line_search import ExactLineSearch
from course_lib.objectives import Quadratic
from course_lib.optimizers import GradientDescent
from course_lib.trace import Trace

KAPPA = 9.0  # curvature of the walls over curvature of the floor
STEPS = 24
WIDTH, HEIGHT = 1200, 560
SCALE = 82.0  # pixels for one unit, the same on both axes: angles are true
ORIGIN = np.array([352.0, 286.0])  # pixel of the minimum

# One card for light and dark pages: it brings its own ground.
GROUND, DEPTH, LINE, PATH, DIRECT = "#24627d", "#071a26", "#7fc0da", "#ffb454", "#e8f3f8"


def pixel(point: np.ndarray) -> np.ndarray:
    """Return the pixel of a point of the plane (y upwards)."""
    return ORIGIN + SCALE * np.asarray(point) * (1.0, -1.0)


def mixed(start: str, end: str, share: float) -> str:
    """Return the colour ``share`` of the way from ``start`` to ``end``."""
    first, last = (np.array([int(c[i : i + 2], 16) for i in (1, 3, 5)]) for c in (start, end))
    return "#" + "".join(f"{round(v):02x}" for v in first + share * (last - first))


def right_angle(before: np.ndarray, corner: np.ndarray, after: np.ndarray, size: float) -> str:
    """Return the little square that marks a right angle at ``corner``."""
    back, on = (size * (p - corner) / np.linalg.norm(p - corner) for p in (before, after))
    points = " ".join(
        f"{x:.1f},{y:.1f}" for x, y in (corner + back, corner + back + on, corner + on)
    )
    return f'<polyline points="{points}"/>'


def run() -> Trace:
    """Return the run that the picture shows."""
    bowl = Quadratic(np.diag([1.0, KAPPA]))
    start = [KAPPA, 1.0]
    return descend(bowl, start, GradientDescent(ExactLineSearch()), max_iterations=STEPS)


def picture(trace: Trace) -> str:
    """Return the SVG of a run."""
    # The contour line through iterate k is an ellipse with these half-axes; k < 0 goes on outward.
    shrink = (KAPPA - 1) / (KAPPA + 1)
    outermost = -7
    half_axis = np.sqrt(2 * trace.value[0]) * shrink ** np.arange(outermost, STEPS)
    contours = [
        f'<ellipse cx="{ORIGIN[0]:.0f}" cy="{ORIGIN[1]:.0f}" rx="{SCALE * a:.1f}" '
        f'ry="{SCALE * a / np.sqrt(KAPPA):.1f}" fill="{mixed(GROUND, DEPTH, depth)}" '
        f'stroke-opacity="{0.3 + 0.3 * depth:.2f}"/>'
        for a, depth in zip(half_axis, np.linspace(0, 1.8, len(half_axis)).clip(0, 1), strict=True)
        if SCALE * a > 12
    ]
    points = [pixel(theta) for theta in trace.theta]
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    squares = [
        right_angle(points[k - 1], points[k], points[k + 1], 24 * shrink ** (k - 1))
        for k in range(1, 8)
    ]
    dots = [
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{max(2.2, 8 * shrink ** (k / 2)):.1f}"/>'
        for k, (x, y) in enumerate(points[:18])
    ]
    (x0, y0), (cx, cy) = points[0], ORIGIN
    return "\n".join(
        [
            f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" '
            f'width="{WIDTH}" height="{HEIGHT}">',
            f'<clipPath id="card"><rect width="{WIDTH}" height="{HEIGHT}" rx="20"/></clipPath>',
            '<g clip-path="url(#card)">',
            f'<rect width="{WIDTH}" height="{HEIGHT}" fill="{GROUND}"/>',
            f'<g stroke="{LINE}" stroke-width="1.8">',
            *contours,
            "</g>",
            f'<path d="M{x0:.1f} {y0:.1f}L{cx:.1f} {cy:.1f}" stroke="{DIRECT}" stroke-width="3" '
            'stroke-dasharray="3 11" stroke-linecap="round"/>',
            f'<g fill="none" stroke="{PATH}" stroke-linejoin="round" stroke-linecap="round">',
            f'<polyline points="{path}" stroke-width="5"/>',
            '<g stroke-width="2" stroke-opacity="0.75">',
            *squares,
            "</g>",
            "</g>",
            f'<g fill="{PATH}">',
            *dots,
            "</g>",
            f'<circle cx="{cx:.1f}" cy="{cy:.1f}" r="11" fill="none" stroke="{DIRECT}" '
            'stroke-width="3"/>',
            "</g>",
            "</svg>",
            "",
        ]
    )


def main() -> None:
    """Write the picture."""
    default = Path(__file__).resolve().parents[1] / "book" / "assets" / "downhill-hero.svg"
    target = Path(sys.argv[1]) if len(sys.argv) > 1 else default
    target.write_text(picture(run()), encoding="utf-8")


if __name__ == "__main__":
    main()
