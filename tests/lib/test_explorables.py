import json
import re
from html.parser import HTMLParser

import numpy as np
import pytest

from course_lib.descent import descend
from course_lib.explorables import (
    Axis,
    Explorable,
    Line,
    Panel,
    Points,
    Region,
    Scene,
    Slider,
    Text,
    compact,
    decimal,
    scientific,
    step_size,
    step_size_explorable,
)
from course_lib.explorables.markup import join, render_panels
from course_lib.explorables.rounding import steady_integers
from course_lib.explorables.svg import Slot, render_panel
from course_lib.optimizers import GradientDescent

PAGE_BUDGET = 160_000
VOID = {"input", "br", "img", "hr", "meta", "link"}


class Page(HTMLParser):
    """Checks that elements are closed in order, and collects what the tests ask about."""

    def __init__(self, html):
        super().__init__()
        self.open, self.elements, self.text, self.parts = [], [], {}, []
        self.feed(html)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        self.elements.append((tag, dict(attributes)))
        if "data-k" in dict(attributes):
            self.parts.append(dict(attributes))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attributes):
        self.handle_starttag(tag, attributes)
        if tag not in VOID:
            self.open.pop()

    def handle_endtag(self, tag):
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def handle_data(self, data):
        if self.open:
            self.text[self.open[-1]] = self.text.get(self.open[-1], "") + data

    def attributes(self, tag):
        return [attributes for name, attributes in self.elements if name == tag]


def stored(html):
    payload = re.search(r'<script type="application/json">(.*?)</script>', html, re.DOTALL)
    return json.loads(payload[1])


def value_in(data, channel, position):
    """What the page's script would put there: the same rules, in Python."""
    _, _, values, where = channel
    index = 0
    for at, labels in zip(position, data["sliders"], strict=True):
        index = index * len(labels) + at
    if isinstance(where, list):
        value = values[where[index]]
    else:
        value = values[index if where < 0 else position[where]]
    if isinstance(value, str):
        return value
    sentence, *numbers = value
    pieces = data["sentences"][sentence]
    return "".join(p + n for p, n in zip(pieces, [*numbers, ""], strict=True))


def draw_slope(slope, shift=0):
    panel = Panel(
        "A line",
        Axis("x", (0, 1)),
        Axis("y", (-1, 4)),
        [Line([0, 1], [shift, slope + shift]), Text(0.5, 1, f"slope {slope}")],
        description=f"It rises to {slope + shift}.",
    )
    return Scene([[panel]], f"The slope is {slope}.", slope == 2, {"slope": str(slope)})


def slope_explorable(**changes):
    arguments = {
        "name": "slope",
        "title": "The slope of a line",
        "sliders": [Slider("slope", "Slope", (0, 1, 2)), Slider("shift", "Shift", (0, 1))],
        "draw": draw_slope,
        "start": {"slope": 0, "shift": 0},
        "target": "a slope of 2",
    }
    return Explorable(**(arguments | changes))


@pytest.fixture(scope="module")
def html():
    return step_size_explorable().static_html()


# ------------------------------------------------------------------ numbers


def test_ties_fall_to_one_side_whatever_the_last_bit():
    ties = np.arange(-3, 4) + 0.5
    noisy = [ties, np.nextafter(ties, -np.inf), np.nextafter(ties, np.inf)]
    assert {tuple(steady_integers(values)) for values in noisy} == {tuple(range(-2, 5))}
    for tie in (0.9025, 0.0625, 1.125):
        for value in (tie, np.nextafter(tie, 0), np.nextafter(tie, 2)):
            assert decimal(value, 3) == decimal(tie, 3)
    assert {scientific(v) for v in (2.5e-7, 2.45e-7, np.nextafter(2.45e-7, 0))} == {"2.5 × 10⁻⁷"}


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (1e-6, "1.00 × 10⁻⁶"), (0.9999999, "1.00"), (-12.34, "−12.3"), (1e7, "1.00 × 10⁷")],
)
def test_compact(value, text):
    assert compact(value) == text


def test_zero_has_no_sign():
    assert decimal(-0.0004, 2) == "0.00"


# ------------------------------------------------------------------ scenes


def test_axes_reject_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="limits must be two finite numbers, low < high"):
        Axis("x", (1, 0))
    with pytest.raises(ValueError, match="log axis must be above zero"):
        Axis("x", (0, 1), scale="log")
    with pytest.raises(ValueError, match="unknown scale 'sqrt'"):
        Axis("x", (0, 1), scale="sqrt")
    with pytest.raises(ValueError, match=r"tick_labels must be as many as ticks \(2\)"):
        Axis("x", (0, 1), ticks=(0, 1), tick_labels=("zero",))


def test_marks_reject_what_cannot_be_drawn():
    with pytest.raises(ValueError, match="x and y must be 1-D and of equal length"):
        Line([0, 1], [0])
    with pytest.raises(ValueError, match="unknown tone 'red'"):
        Points([0], [0], tone="red")
    with pytest.raises(ValueError, match="unknown dash"):
        Line([], [], dash="wavy")
    with pytest.raises(ValueError, match="description of panel 'P' must say what is seen"):
        Panel("P", Axis("x", (0, 1)), Axis("y", (0, 1)), [], description=" ")


def test_ticks_are_round_and_inside():
    assert [t for t, _ in Axis("x", (0, 1)).ticks_and_labels()] == [0, 0.2, 0.4, 0.6, 0.8, 1]
    assert [label for _, label in Axis("x", (-1, 1), ticks=(-1, 1)).ticks_and_labels()] == [
        "−1",
        "1",
    ]
    labels = [label for _, label in Axis("y", (1e-9, 1e3), scale="log").ticks_and_labels()]
    assert labels == ["10⁻⁸", "10⁻⁶", "10⁻⁴", "10⁻²", "1", "100"]


def panel_paths(mark, **limits):
    panel = Panel("P", Axis("x", (0, 1)), Axis("y", (0, 1)), [mark], description="d.")
    return [token.value for token in render_panel(panel, "p") if isinstance(token, Slot)][1:]


def test_lines_that_leave_the_panel_keep_their_direction():
    steep = panel_paths(Line([0.5, 0.6], [0.5, 1e9]))[0]
    start, move = re.fullmatch(r"M(\d+) (-?\d+)l(.*)", steep).groups()[0::2]
    assert int(start) == 1400
    across, up = (int(n) for n in re.findall(r"-?\d+", move))
    assert across == 0
    assert up < -1000


def test_lines_break_at_nan_and_zeros_on_log_axes_fall_to_the_bottom():
    assert panel_paths(Line([0, 0.1, np.nan, 0.9, 1], [0, 1, np.nan, 1, 0]))[0].count("M") == 2
    frame = Panel("P", Axis("x", (0, 1)), Axis("y", (1e-3, 1), scale="log"), [], description="d.")
    marks = [Line([0, 1], [1, 0])]
    panel = Panel(frame.title, frame.x, frame.y, marks, description="d.")
    path = next(t.value for t in render_panel(panel, "p") if isinstance(t, Slot) and t[0] == "d")
    assert path.startswith("M0 0l")


def test_smooth_lines_lose_vertices_that_do_not_show():
    x = np.linspace(0, 1, 400)
    assert len(panel_paths(Line(x, x))[0]) < 30
    curve = panel_paths(Line(x, 0.5 + 0.4 * np.sin(6 * x)))[0]
    assert 60 < len(curve) < 600


def test_empty_marks_draw_nothing():
    for mark in (Line([], []), Points([], []), Region(x0=2.0), Line([np.nan], [np.nan])):
        assert panel_paths(mark) == [""]
    assert panel_paths(Text(np.nan, 0, "hidden"))[-1] == ""


# ------------------------------------------------------------------ the explorable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": "Slope!"}, "name must be lower-case words joined by hyphens"),
        ({"start": {"slope": 0}}, r"start must give a value for \['slope', 'shift'\]"),
        ({"start": {"slope": 7, "shift": 0}}, "slider 'slope' has no value 7"),
        ({"sliders": []}, "sliders must be one to three"),
        (
            {"sliders": [Slider("slope", "s", range(700))], "start": {"slope": 0}},
            "at most 600 positions together, got 700 = 700",
        ),
    ],
)
def test_bad_explorables_say_what_is_wrong(changes, message):
    with pytest.raises(ValueError, match=message):
        slope_explorable(**changes)


def test_bad_sliders_say_what_is_wrong():
    with pytest.raises(ValueError, match="must be at least two, all different"):
        Slider("a", "A", (1,))
    with pytest.raises(ValueError, match="must tell its values apart"):
        Slider("a", "A", (1.0, 1.0001))
    with pytest.raises(ValueError, match="label of slider 'a' must say what it moves"):
        Slider("a", " ", (1, 2))


def test_draw_must_return_a_scene():
    with pytest.raises(TypeError, match="draw must return a Scene, got a str"):
        slope_explorable(draw=lambda slope, shift: "a line").static_html()


def test_states_may_differ_in_values_alone():
    def draw(slope, shift):
        scene = draw_slope(slope, shift)
        return scene if slope < 2 else Scene([*scene.columns, *scene.columns], "two", False)

    with pytest.raises(ValueError, match="state 4 differs from state 0"):
        slope_explorable(draw=draw).static_html()


def test_every_state_is_on_the_page():
    explorable = slope_explorable()
    page = explorable.static_html()
    data = stored(page)
    assert data["sliders"] == [["0", "1", "2"], ["0", "1"]]
    for position in ((0, 0), (0, 1), (1, 0), (1, 1), (2, 0), (2, 1)):
        scene = draw_slope(*position)
        tokens = render_panels(scene, "dh-slope")
        values = [value_in(data, channel, position) for channel in data["channels"]]
        assert scene.readout in values
        assert ("✓ reached" if scene.reached else "✗ not yet") in values
        path = next(t.value for t in tokens if isinstance(t, Slot) and t.attribute == "d")
        assert path in values
        label = f"A line. It rises to {sum(position)}."
        assert label in values


def test_words_of_readers_cannot_break_the_page():
    def draw(slope, shift):
        scene = draw_slope(slope, shift)
        return Scene(scene.columns, f'</script> & "{slope}" < 3', False, {"<b>": "</div>"})

    page = slope_explorable(draw=draw, title='A "title" & more').static_html()
    Page(page)
    assert page.count("</script>") == 2
    assert value_in(stored(page), stored(page)["channels"][-1], (1, 0)) == '</script> & "1" < 3'


def test_two_lives_are_chosen_by_the_environment(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "1")
    bundle = slope_explorable()._repr_mimebundle_()
    assert set(bundle) == {"text/html", "text/plain"}
    assert bundle["text/plain"] == "Explorable('slope', 6 states)"
    monkeypatch.setenv("COURSE_STATIC", "0")
    assert "application/vnd.jupyter.widget-view+json" in slope_explorable()._repr_mimebundle_()
    monkeypatch.setenv("COURSE_STATIC", "yes")
    with pytest.raises(ValueError, match="COURSE_STATIC must be 0 or 1, got 'yes'"):
        slope_explorable()._repr_mimebundle_()


def test_without_ipywidgets_the_static_page_shows(monkeypatch):
    monkeypatch.setenv("COURSE_STATIC", "0")
    monkeypatch.setitem(__import__("sys").modules, "ipywidgets", None)
    assert "text/html" in slope_explorable()._repr_mimebundle_()


def test_live_sliders_redraw_and_reset():
    explorable = slope_explorable()
    _, controls, drawing = explorable.widget().children
    slope, shift, reset = controls.children
    assert "The slope is 0." in drawing.value
    before = drawing.value
    slope.value = 2
    assert drawing.value != before
    assert "The slope is 2." in drawing.value
    assert "✓ reached" in drawing.value
    shift.value = 1
    assert join(render_panels(draw_slope(2, 1), "dh-slope")) in drawing.value
    reset.click()
    assert (slope.value, shift.value) == (0, 0)
    assert drawing.value == before
    Page(drawing.value)


def test_both_lives_draw_the_same():
    explorable = slope_explorable()
    drawing = explorable.widget().children[2].value
    panels = join(render_panels(explorable.scene(slope=0, shift=0), "dh-slope"))
    assert panels in drawing
    assert panels in explorable.static_html()


# ------------------------------------------------------------------ step size and conditioning


def test_page_is_well_formed_and_small(html):
    page = Page(html)
    assert len(html.encode()) < PAGE_BUDGET
    identifiers = [a["id"] for _, a in page.elements if "id" in a]
    assert len(identifiers) == len(set(identifiers))
    assert all(name.startswith("dh-step-size") for name in identifiers)


def test_page_is_the_same_every_time(html):
    step_size.run.cache_clear()
    assert step_size_explorable().static_html() == html


def test_page_asks_nobody(html):
    assert re.findall(r"(?:https?:)?//[a-z]", html) == []


def test_sliders_are_native_labelled_and_speak(html):
    page = Page(html)
    inputs = page.attributes("input")
    assert [i["type"] for i in inputs] == ["range", "range"]
    labels = {label["for"] for label in page.attributes("label")}
    assert {i["id"] for i in inputs} == labels
    assert [i["aria-valuetext"] for i in inputs] == ["10", "0.50"]
    drawings = [s for s in page.attributes("svg") if s.get("role") == "img"]
    assert len(drawings) == 3
    assert all(len(s["aria-label"]) > 40 for s in drawings)
    assert ("p", {"class": "for-ears", "role": "status"}) in page.elements


def test_slots_point_at_the_parts_they_change(html):
    parts = Page(html).parts
    data = stored(html)
    start = (3, 5)
    for channel in data["channels"]:
        part, attribute, *_ = channel
        if attribute != "text":
            assert parts[part][attribute] == value_in(data, channel, start)


def test_every_state_has_its_own_words():
    seen = set()
    for scene in step_size_explorable().scenes():
        assert len(scene.panels) == 3
        words = (scene.readout, *(panel.description for panel in scene.panels), *scene.facts)
        assert all(words)
        seen.add((*words, *scene.facts.values()))
    assert len(seen) == step_size_explorable().n_states


def test_target_needs_more_than_a_guess():
    reached = [
        (position["condition"], position["step"])
        for position in step_size_explorable().positions()
        if step_size.draw(**position).reached
    ]
    assert reached == [(30, 1.85), (30, 1.9)]
    best = 2 / (1 + 1 / 30)
    assert all(abs(step - best) < 0.1 for _, step in reached)
    # No state stands so close to the target that noise could decide it.
    finals = [step_size.run(30, s).value[-1] / step_size.TARGET_GAP for s in step_size.STEPS]
    assert min(abs(np.log(finals))) > 0.01


def test_start_does_not_meet_the_target():
    explorable = step_size_explorable()
    assert not explorable.scene(**explorable.start).reached


def test_runs_agree_with_the_closed_form():
    for condition, step in [(1, 1.0), (5, 0.3), (30, 1.9), (100, 2.1)]:
        bowl = step_size.bowl(condition)
        curvature, axes = np.linalg.eigh(bowl.hessian(np.zeros(2)))
        k = np.arange(101)[:, None]
        coordinates = (1 - step * curvature) ** k * (axes.T @ step_size.START)
        path = coordinates @ axes.T
        trace = descend(bowl, step_size.START, GradientDescent(step), max_iterations=100)
        np.testing.assert_allclose(trace.theta, path, atol=1e-9 * abs(path).max())
        np.testing.assert_array_equal(trace.theta, step_size.run(condition, step).theta)


@pytest.mark.parametrize(
    ("condition", "step", "words"),
    [
        (10, 2.1, "Beyond 2/L"),
        (10, 2.0, "At 2/L exactly"),
        (1, 1.0, "one step hits the minimum. The gap is below 10⁻⁶ after 1 iteration."),
        (1, 1.7, "changes sides and shrinks by the factor −0.70"),
        (10, 1.0, "is gone after one step"),
        (10, 0.5, "never overshoots; the flat direction holds it back"),
        (10, 1.9, "changes sides at every step; the steep direction holds it back"),
    ],
)
def test_the_readout_tells_the_regimes_apart(condition, step, words):
    assert words in step_size.draw(condition, step).readout
