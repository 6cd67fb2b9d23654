"""A scene as HTML: the part of an explorable that both its lives draw."""

from __future__ import annotations

from html import escape

from course_lib.explorables.scene import Panel, Scene
from course_lib.explorables.svg import TEXT, Slot, Token, legend_key, render_panel


def render_panels(scene: Scene, prefix: str) -> list[Token]:
    """Return the tokens of all panels, column by column."""
    tokens: list[Token] = ['<div class="columns">']
    number = 0
    for column in scene.columns:
        tokens.append('<div class="column">')
        for panel in column:
            number += 1
            tokens.append(f'<div class="panel"><p class="panel-title">{escape(panel.title)}</p>')
            tokens += render_panel(panel, f"{prefix}-{number}")
            tokens.append(_legend(panel) + "</div>")
        tokens.append("</div>")
    return [*tokens, "</div>"]


def render_report(scene: Scene, target: str) -> list[Token]:
    """Return the tokens of the facts, the sentences below, and whether the target is met."""
    tokens: list[Token] = ['<dl class="facts">']
    for label, value in scene.facts.items():
        tokens += [f"<div><dt>{escape(label)}</dt><dd data-k>", Slot(TEXT, value), "</dd></div>"]
    tokens += ['</dl><p class="readout" data-k>', Slot(TEXT, scene.readout), "</p>"]
    if target:
        tokens += [
            '<p class="target" data-k data-reached="',
            Slot("data-reached", "yes" if scene.reached else "no"),
            f'"><span class="goal">Target: {escape(target)}</span> <strong data-k>',
            Slot(TEXT, verdict(scene)),
            "</strong></p>",
        ]
    return tokens


def verdict(scene: Scene) -> str:
    """Say whether the target is met: the sign repeats the words, for the quick eye."""
    return "✓ reached" if scene.reached else "✗ not yet"


def join(tokens: list[Token]) -> str:
    """Return the HTML of one state."""
    return "".join(escape(token.value) if isinstance(token, Slot) else token for token in tokens)


def _legend(panel: Panel) -> str:
    if not panel.legend:
        return ""
    entries = "".join(
        f"<li>{legend_key(mark)}<span>{escape(label)}</span></li>" for label, mark in panel.legend
    )
    return f'<ul class="legend">{entries}</ul>'
