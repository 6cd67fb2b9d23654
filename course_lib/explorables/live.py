"""The life of an explorable before a kernel: ordinary ipywidgets, redrawn by Python.

ipywidgets is imported here and nowhere else in the library.
"""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any

from course_lib.explorables.markup import join, render_panels, render_report
from course_lib.lesson.page import style

if TYPE_CHECKING:
    from ipywidgets import Widget

    from course_lib.explorables.explorable import Explorable

_HERE = "course_lib.explorables"


def live_widget(explorable: Explorable) -> Widget:
    """Return the explorable as a widget.

    Its children are the heading, a row of sliders with a reset button, and the drawing.

    Raises
    ------
    ImportError
        If ipywidgets is not installed.
    """
    import ipywidgets as widgets

    wide = widgets.Layout(width="auto", flex="1 1 300px", min_width="260px")
    sliders = {
        slider.name: widgets.SelectionSlider(
            options=list(zip(slider.labels, slider.values, strict=True)),
            value=explorable.start[slider.name],
            description=slider.label,
            style={"description_width": "initial"},
            layout=wide,
        )
        for slider in explorable.sliders
    }
    reset = widgets.Button(description="Reset", layout=widgets.Layout(width="auto"))
    heading = widgets.HTML(
        f"{style((_HERE, 'explorable.css'))}"
        f"<strong>{escape(explorable.title)}</strong>"
        + (f"<br>{escape(explorable.lead)}" if explorable.lead else "")
    )
    drawing = widgets.HTML()
    resetting = False

    def redraw(_: Any = None) -> None:
        if resetting:
            return
        scene = explorable.scene(**{name: slider.value for name, slider in sliders.items()})
        tokens = render_panels(scene, f"dh-{explorable.name}")
        tokens += ['<div role="status">', *render_report(scene, explorable.target), "</div>"]
        drawing.value = f'<div class="dh dh-explorable" data-ready>{join(tokens)}</div>'

    def to_start(_: Any) -> None:
        nonlocal resetting
        resetting = True
        for name, slider in sliders.items():
            slider.value = explorable.start[name]
        resetting = False
        redraw()

    for slider in sliders.values():
        slider.observe(redraw, names="value")
    reset.on_click(to_start)
    redraw()
    controls = widgets.HBox(
        [*sliders.values(), reset], layout=widgets.Layout(flex_flow="row wrap", max_width="56rem")
    )
    return widgets.VBox([heading, controls, drawing])
