"""One explorable, two lives: sliders before a kernel, sliders on a page that has none."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from math import prod
from typing import Any

from course_lib.explorables.rounding import compact
from course_lib.explorables.scene import Scene
from course_lib.lesson.page import check_name, is_static

#: More states than this make a page too heavy.
MOST_STATES = 600


@dataclass(frozen=True)
class Slider:
    """One parameter and the values it can take.

    Parameters
    ----------
    name
        The keyword under which ``draw`` receives the value; lower-case words joined by hyphens or
        underscores.
    label
        What the reader sees, with the unit where there is one.
    values
        All values, in order. They need not be evenly spaced.
    format
        Turns a value into what is shown and spoken.

    Examples
    --------
    >>> Slider("kappa", "Condition number κ", (1, 10, 100)).labels
    ['1', '10', '100']
    """

    name: str
    label: str
    values: Sequence[float]
    format: Callable[[float], str] | None = None

    def __post_init__(self) -> None:
        check_name("name of a slider", self.name.replace("_", "-"))
        if not self.label.strip():
            raise ValueError(f"label of slider {self.name!r} must say what it moves, got ''")
        if len(self.values) < 2 or len(set(self.values)) != len(self.values):
            raise ValueError(
                f"values of slider {self.name!r} must be at least two, all different, got "
                f"{list(self.values)}"
            )
        if len(set(self.labels)) != len(self.values):
            raise ValueError(
                f"format of slider {self.name!r} must tell its values apart, got {self.labels}"
            )

    @cached_property
    def labels(self) -> list[str]:
        """What is shown for each value."""
        if self.format is not None:
            return [self.format(value) for value in self.values]
        return [str(value) if isinstance(value, int) else compact(value) for value in self.values]

    def index_of(self, value: float) -> int:
        """Return the position of ``value``.

        Raises
        ------
        ValueError
            If the slider has no such value.
        """
        try:
            return list(self.values).index(value)
        except ValueError:
            raise ValueError(
                f"slider {self.name!r} has no value {value!r}: choose one of {list(self.values)}"
            ) from None


class Explorable:
    """A figure with sliders and a numeric target.

    As the last expression of a cell it shows itself: as ipywidgets before a kernel, and with
    ``COURSE_STATIC=1`` as HTML that moves without one. Both are drawn by the same function.

    Parameters
    ----------
    name
        Lower-case words joined by hyphens; unique in its chapter, for identifiers derive from it.
    title
        What can be explored here.
    sliders
        At most three: their values multiply to the number of states, all of which are drawn for
        the static page.
    draw
        Called with one keyword a slider; returns the `Scene` of that state. It must be
        deterministic, and return the same panels and kinds of marks every time.
    start
        The value of every slider at first, by name. It should not meet the target.
    target
        What the reader is to reach, as a sentence with a number in it.
    lead
        One sentence that says what to try.

    Examples
    --------
    >>> from course_lib.explorables import Axis, Line, Panel, Scene
    >>> def draw(slope):
    ...     line = Line([0, 1], [0, slope])
    ...     panel = Panel("A line", Axis("x", (0, 1)), Axis("y", (0, 2)), [line],
    ...                   description=f"It rises to {slope}.")
    ...     return Scene([[panel]], readout=f"The slope is {slope}.", reached=slope == 2)
    >>> Explorable("slope", "The slope of a line", [Slider("slope", "Slope", (0, 1, 2))], draw,
    ...            start={"slope": 0}, target="a slope of 2")
    Explorable('slope', 3 states)
    """

    def __init__(
        self,
        name: str,
        title: str,
        sliders: Sequence[Slider],
        draw: Callable[..., Scene],
        *,
        start: Mapping[str, float],
        target: str = "",
        lead: str = "",
    ) -> None:
        self.name = check_name("name", name)
        self.title = title
        self.sliders = tuple(sliders)
        self.target = target
        self.lead = lead
        self._draw = draw
        names = [slider.name for slider in self.sliders]
        if not 1 <= len(names) <= 3 or len(set(names)) != len(names):
            raise ValueError(f"sliders must be one to three with different names, got {names}")
        if set(start) != set(names):
            raise ValueError(f"start must give a value for {names}, got {list(start)}")
        if self.n_states > MOST_STATES:
            raise ValueError(
                f"the sliders must have at most {MOST_STATES} positions together, got "
                f"{' x '.join(str(len(s.values)) for s in self.sliders)} = {self.n_states}"
            )
        self.start = dict(start)
        self.index_of(self.start)

    @property
    def n_states(self) -> int:
        """How many positions the sliders have together."""
        return prod(len(slider.values) for slider in self.sliders)

    def positions(self) -> Iterator[dict[str, float]]:
        """Yield all positions of the sliders, the last slider moving fastest."""
        names = [slider.name for slider in self.sliders]
        for values in product(*(slider.values for slider in self.sliders)):
            yield dict(zip(names, values, strict=True))

    def index_of(self, position: Mapping[str, float]) -> int:
        """Return the number of a position among `positions`."""
        index = 0
        for slider in self.sliders:
            index = index * len(slider.values) + slider.index_of(position[slider.name])
        return index

    def scene(self, **position: float) -> Scene:
        """Return what one position of the sliders shows."""
        scene = self._draw(**position)
        if not isinstance(scene, Scene):
            raise TypeError(f"draw must return a Scene, got a {type(scene).__name__}")
        return scene

    def scenes(self) -> Iterator[Scene]:
        """Yield the scenes of all positions, in the order of `positions`."""
        for position in self.positions():
            yield self.scene(**position)

    def static_html(self) -> str:
        """Return self-contained HTML that moves without a kernel."""
        from course_lib.explorables.static import static_html

        return static_html(self)

    def widget(self) -> Any:
        """Return the ipywidgets of the live version."""
        from course_lib.explorables.live import live_widget

        return live_widget(self)

    def _repr_mimebundle_(
        self, include: Any = None, exclude: Any = None, **options: Any
    ) -> dict[str, Any]:
        if not is_static():
            try:
                return self.widget()._repr_mimebundle_(include=include, exclude=exclude)
            except ImportError:
                pass  # Without ipywidgets the static page still moves.
        return {"text/html": self.static_html(), "text/plain": repr(self)}

    def __repr__(self) -> str:
        return f"Explorable({self.name!r}, {self.n_states} states)"
