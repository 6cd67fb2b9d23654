"""The life of an explorable on a page without a kernel: every state drawn beforehand.

All states are drawn by the same Python as the live ones. What differs between them is stored
once, in pools: a contour that depends on one slider alone is stored once a position of that slider.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from course_lib.explorables.markup import join, render_panels, render_report
from course_lib.explorables.svg import TEXT, Slot, Token
from course_lib.lesson.page import script, style

if TYPE_CHECKING:
    from course_lib.explorables.explorable import Explorable

_HERE = "course_lib.explorables"

#: A number as a sentence writes it, for telling the sentence from its numbers.
_NUMBER = re.compile(r"−?\d+(?:\.\d+)?(?: × 10[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]+)?")


def static_html(explorable: Explorable) -> str:
    """Return the explorable as HTML that needs no kernel, no library and no other host."""
    prefix = f"dh-{explorable.name}"
    states = [
        render_panels(scene, prefix) + render_report(scene, explorable.target)
        for scene in explorable.scenes()
    ]
    data = {
        "sliders": [slider.labels for slider in explorable.sliders],
        **pooled(states, [len(slider.labels) for slider in explorable.sliders]),
    }
    # "</" would end the script element; inside JSON the slash may be escaped.
    payload = json.dumps(data, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
    shown = explorable.index_of(explorable.start)
    return "".join(
        [
            style((_HERE, "explorable.css")),
            f'<div class="dh dh-explorable" data-static id="{prefix}" role="group" '
            f'aria-label="{escape(explorable.title)}">',
            f'<header><p class="title">{escape(explorable.title)}</p>'
            '<button type="button">Reset</button></header>',
            f'<p class="lead">{escape(explorable.lead)}</p>' if explorable.lead else "",
            '<p class="needs-script">The sliders need JavaScript; this is the figure as it '
            "starts.</p>",
            _controls(explorable),
            join(states[shown]),
            '<p class="for-ears" role="status"></p>',
            f'<script type="application/json">{payload}</script>',
            "</div>",
            script(_HERE, "explorable.js"),
        ]
    )


def pooled(states: Sequence[list[Token]], shape: Sequence[int]) -> dict[str, list]:
    """Return what differs between ``states``, each value stored once.

    Parameters
    ----------
    states
        The tokens of every state, the last slider moving fastest.
    shape
        The number of positions of every slider.

    Returns
    -------
    dict
        ``sentences``: texts cut at their numbers, as lists of pieces. ``channels``: one list
        ``[part, attribute, values, where]`` for every slot that differs. ``part`` counts the
        elements marked ``data-k``. A value is a text, or a list of a number of a sentence and what
        goes between its pieces. ``where`` says which value a state has: a list of indices; the
        number of the one slider that decides; or -1 where every state has its own.

    Raises
    ------
    ValueError
        If the states differ in more than the values of their slots.
    """
    skeleton = _skeleton(states[0])
    for i, tokens in enumerate(states):
        if _skeleton(tokens) != skeleton:
            raise ValueError(
                "draw must return the same panels, axes, kinds of marks and labels of facts for "
                f"every position of the sliders; state {i} differs from state 0. Hide a mark by "
                "giving it no points or an empty text"
            )
    channels: list[list] = []
    sentences: dict[tuple[str, ...], int] = {}
    part = -1
    for position, token in enumerate(states[0]):
        if isinstance(token, str):
            part += token.count(" data-k")
            continue
        values = [tokens[position].value for tokens in states]  # type: ignore[union-attr]
        if len(set(values)) > 1:
            kept, where = _without_repeats(values, shape)
            if token.attribute in (TEXT, "aria-label"):
                kept = [_as_sentence(value, sentences) for value in kept]
            channels.append([part, token.attribute, kept, where])
    return {"sentences": [list(pieces) for pieces in sentences], "channels": channels}


def _without_repeats(values: list[str], shape: Sequence[int]) -> tuple[list, int | list[int]]:
    """Return the values to store, and how a state finds its own."""
    grid = np.arange(len(values)).reshape(shape)
    for axis in range(len(shape)):
        lines = np.moveaxis(grid, axis, 0).reshape(shape[axis], -1)
        if all(len({values[i] for i in line}) == 1 for line in lines):
            return [values[line[0]] for line in lines], axis
    pool = list(dict.fromkeys(values))
    saved = sum(map(len, values)) - sum(map(len, pool)) + 3 * (len(values) - len(pool))
    if saved < 3 * len(values):
        return values, -1
    number = {value: i for i, value in enumerate(pool)}
    return pool, [number[value] for value in values]


def _as_sentence(text: str, sentences: dict[tuple[str, ...], int]) -> str | list:
    """Return a text, or the number of its sentence with the numbers that it holds."""
    numbers = _NUMBER.findall(text)
    if not numbers or len(text) < 24:
        return text
    pieces = tuple(_NUMBER.split(text))
    return [sentences.setdefault(pieces, len(sentences)), *numbers]


def _skeleton(tokens: list[Token]) -> list[str]:
    return [f"\0{token.attribute}" if isinstance(token, Slot) else token for token in tokens]


def _controls(explorable: Explorable) -> str:
    controls = []
    for slider in explorable.sliders:
        start = slider.index_of(explorable.start[slider.name])
        label = escape(slider.labels[start])
        identifier = f"dh-{explorable.name}-{slider.name}"
        controls.append(
            f'<div class="control"><label for="{identifier}">{escape(slider.label)}</label>'
            f'<output for="{identifier}" aria-live="off">{label}</output>'
            f'<input type="range" id="{identifier}" min="0" max="{len(slider.labels) - 1}" '
            f'step="1" value="{start}" data-start="{start}" aria-valuetext="{label}" '
            'autocomplete="off" disabled></div>'
        )
    return f'<div class="controls">{"".join(controls)}</div>'
