r"""One weight, two ways to the loss: what the backward sweep adds up.

Chapter: *Backpropagation*. The graph is that of a residual block in miniature,

.. math:: p = w x, \qquad a = \tanh p, \qquad s = v a - p, \qquad \ell = \tfrac12 (s - y)^2,

with :math:`x = 1` and :math:`y = 2`. The weight :math:`w` acts on the loss through the unit and
around it. Sensitivities multiply along each way and add up where the ways meet. The three panels
show the graph with the values of both sweeps, the loss with the tangent that the backward sweep
claims, and the two ways' shares of it.
"""

from __future__ import annotations

import numpy as np

from course_lib import tape
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.rounding import decimal
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Scene, Text
from course_lib.tape import Variable

INPUT, TARGET = 1.0, 2.0
#: Weight of the way around the unit.
AROUND = -1.0
#: What is asked for: a gradient within this of zero, at a loss above that.
FLAT, HIGH = 0.01, 0.5
WEIGHTS = tuple(i / 4 for i in range(-12, 13))
STRENGTHS = tuple(i / 8 for i in range(2, 25))

_THROUGH_LOOK = {"tone": "series-1", "dash": "solid"}
_AROUND_LOOK = {"tone": "series-2", "dash": "dashed"}
# Where the nodes stand in the drawing of the graph.
_PLACES = {"w": (0.9, 3.8), "p": (3.3, 3.8), "a": (5.1, 6.2), "s": (6.9, 3.8), "ℓ": (9.2, 3.8)}
_BEND = (5.1, 1.2)
# Where the numbers of a node stand, so that no edge runs through them: anchor, pixels to the right,
# and pixels down for the value and for the sensitivity.
_LABELS = {
    "w": ("middle", 0, -20, 31),
    "p": ("end", 7, -20, 31),
    "a": ("middle", 0, -38, -20),
    "s": ("start", -7, -20, 31),
    "ℓ": ("middle", 0, -20, 31),
}


def two_ways_explorable() -> Explorable:
    """Return the explorable of a weight that acts on the loss along two ways."""
    return Explorable(
        "two-ways",
        "One weight, two ways to the loss",
        [
            Slider("weight", "Weight w", WEIGHTS, lambda w: decimal(w, 2)),
            Slider("strength", "Strength v through tanh", STRENGTHS, _three),
        ],
        draw,
        start={"weight": -0.5, "strength": 0.5},
        target=f"a gradient ∂ℓ/∂w within {FLAT} of zero while the loss is above {HIGH}",
        lead="Values run to the right, sensitivities back to the left. "
        "Where can the loss be high and the weight still see no slope?",
    )


def sweep(weight: float, strength: float) -> dict[str, tuple[float, float]]:
    """Return the value and the sensitivity of every node, as the tape finds them."""
    w = Variable(weight)
    p = w * INPUT
    a = tape.tanh(p)
    s = strength * a + AROUND * p
    loss = 0.5 * (s - TARGET) ** 2
    loss.backward()
    nodes = {"w": w, "p": p, "a": a, "s": s, "ℓ": loss}
    return {name: (float(node.value), float(node.gradient)) for name, node in nodes.items()}


def shares(weight: float, strength: float) -> tuple[float, float]:
    """Return what arrives at the weight through the unit, and around it."""
    nodes = sweep(weight, strength)
    slope = 1.0 - nodes["a"][0] ** 2
    return nodes["a"][1] * slope * INPUT, nodes["s"][1] * AROUND * INPUT


def is_reached(weight: float, strength: float) -> bool:
    """Return whether the gradient is flat while the loss is high."""
    nodes = sweep(weight, strength)
    return abs(nodes["w"][1]) < FLAT and nodes["ℓ"][0] > HIGH


def draw(weight: float, strength: float) -> Scene:
    """Draw one state.

    Parameters
    ----------
    weight
        The weight :math:`w`.
    strength
        The weight :math:`v` of the way through the unit.
    """
    nodes = sweep(weight, strength)
    through, around = shares(weight, strength)
    slope = 1.0 - nodes["a"][0] ** 2
    return Scene(
        [
            [_graph_panel(nodes, slope, strength)],
            [_loss_panel(nodes, weight, strength), _share_panel(nodes, through, around)],
        ],
        readout=_story(nodes, slope, through, around),
        reached=is_reached(weight, strength),
        facts={
            "Loss ℓ": decimal(nodes["ℓ"][0], 3),
            "Slope of tanh": decimal(slope, 3),
            "Through tanh": decimal(through, 3),
            "Around it": decimal(around, 3),
            "Sum ∂ℓ/∂w": decimal(nodes["w"][1], 3),
        },
    )


def _three(value: float) -> str:
    return decimal(value, 3)


def _graph_panel(nodes: dict[str, tuple[float, float]], slope: float, strength: float) -> Panel:
    centre = _PLACES
    marks: list[Mark] = [
        Line(*_between("w", "p"), tone="muted", width=1.5),
        Line(*_between("p", "a"), width=2.5, **_THROUGH_LOOK),
        Line(*_between("a", "s"), width=2.5, **_THROUGH_LOOK),
        Line(
            [centre["p"][0], _BEND[0], centre["s"][0]],
            [centre["p"][1], _BEND[1], centre["s"][1]],
            width=2.5,
            smooth=False,
            **_AROUND_LOOK,
        ),
        Line(*_between("s", "ℓ"), tone="muted", width=1.5),
        Text(4.2, 5.1, f"×{decimal(slope, 2)}", anchor="end", offset=(-6, 0), tone="series-1"),
        Text(6.0, 5.1, f"×{decimal(strength, 2)}", offset=(6, 0), tone="series-1"),
        Text(*_BEND, f"×{decimal(AROUND, 0)}", anchor="middle", offset=(0, 20), tone="series-2"),
    ]
    x, y = zip(*centre.values(), strict=True)
    marks.append(Points(x, y, shape="dot", size=26, tone="line"))
    for name, (value, sensitivity) in nodes.items():
        anchor, right, above, below = _LABELS[name]
        marks += [
            Text(*centre[name], name, anchor="middle", offset=(0, 5), strong=True),
            Text(*centre[name], decimal(value, 2), anchor=anchor, offset=(right, above)),
            Text(
                *centre[name],
                decimal(sensitivity, 2),
                anchor=anchor,
                offset=(right, below),
                tone="series-4",
                strong=True,
            ),
        ]
    values = ", ".join(f"{name} = {decimal(value, 2)}" for name, (value, _) in nodes.items())
    back = ", ".join(
        f"{decimal(sensitivity, 2)} at {name}" for name, (_, sensitivity) in reversed(nodes.items())
    )
    return Panel(
        "Values forward, sensitivities back",
        Axis("above: value, below: sensitivity", (0, 10), ticks=()),
        Axis("", (0, 8), ticks=()),
        marks,
        description=f"Forward: {values}. Backward: {back}.",
        height=330,
        legend=[
            ("through tanh", Line([], [], width=2.5, **_THROUGH_LOOK)),
            ("around it", Line([], [], width=2.5, **_AROUND_LOOK)),
        ],
    )


def _between(first: str, last: str) -> tuple[list[float], list[float]]:
    (x0, y0), (x1, y1) = _PLACES[first], _PLACES[last]
    return [x0, x1], [y0, y1]


def _loss_panel(nodes: dict[str, tuple[float, float]], weight: float, strength: float) -> Panel:
    grid = np.linspace(WEIGHTS[0], WEIGHTS[-1], 121)
    losses = 0.5 * (strength * np.tanh(grid * INPUT) + AROUND * grid * INPUT - TARGET) ** 2
    loss, gradient = nodes["ℓ"][0], nodes["w"][1]
    reach = 0.9 / np.hypot(1.0, gradient / 2.0)  # about the same length at every slope
    ends = np.array([weight - reach, weight + reach])
    if abs(gradient) < FLAT:
        lies = "lies flat"
    else:
        lies = f"{'rises' if gradient > 0 else 'falls'} with slope {decimal(gradient, 2)}"
    return Panel(
        "The loss against w, and the tangent",
        Axis("weight w", (WEIGHTS[0], WEIGHTS[-1])),
        Axis("loss ℓ", (0, 6)),
        [
            Region(y0=HIGH, tone="series-3", opacity=0.08),
            Line(grid, losses, tone="muted", width=2),
            Line(ends, loss + gradient * (ends - weight), tone="series-4", width=3),
            Points([weight], [loss], shape="dot", size=10, tone="ink"),
        ],
        description=f"At w = {decimal(weight, 2)} the loss is {decimal(loss, 2)} and its tangent "
        f"{lies}.",
        height=210,
        legend=[
            ("loss", Line([], [], tone="muted", width=2)),
            ("tangent of slope ∂ℓ/∂w", Line([], [], tone="series-4", width=3)),
        ],
    )


def _share_panel(nodes: dict[str, tuple[float, float]], through: float, around: float) -> Panel:
    total = nodes["w"][1]
    return Panel(
        "What arrives at w, way by way",
        Axis("share of ∂ℓ/∂w", (-7, 7), ticks=(-6, -4, -2, 0, 2, 4, 6)),
        Axis("", (0, 4), ticks=(3, 2, 1), tick_labels=("tanh", "skip", "sum")),
        [
            Line([0, 0], [0, 4], tone="muted", width=1),
            Line([0, through], [3, 3], width=9, tone="series-1"),
            Line([0, around], [2, 2], width=9, tone="series-2"),
            Line([0, total], [1, 1], width=9, tone="series-4"),
        ],
        description=f"Through tanh {decimal(through, 2)}, around it {decimal(around, 2)}, "
        f"together {decimal(total, 2)}.",
        height=170,
    )


def _story(
    nodes: dict[str, tuple[float, float]], slope: float, through: float, around: float
) -> str:
    loss, total = nodes["ℓ"][0], nodes["w"][1]
    if abs(total) < FLAT and loss > HIGH:
        return (
            "The two ways cancel: each carries a share, the sum is zero, and descent would stay "
            f"here at a loss of {decimal(loss, 2)}."
        )
    if loss < 0.01:
        return "The output s is where it should be, and next to nothing is sent back."
    if slope < 0.1:
        return (
            f"The unit is saturated: its slope is {decimal(slope, 3)}, and nearly all that arrives "
            "comes around it."
        )
    if through * around < 0:
        winner = "around the unit" if abs(around) > abs(through) else "through the unit"
        return (
            "The two ways disagree about the sign; the one "
            f"{winner} wins by {decimal(abs(total), 2)}."
        )
    return "Both ways agree about the sign."
