"""Explorables: figures with sliders, live before a kernel and moving without one.

An author writes one function from slider values to a `Scene`; an `Explorable` shows it. The ready
ones have a module each, named after what they explore.
"""

from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.momentum_phases import momentum_phases_explorable
from course_lib.explorables.one_bad_record import one_bad_record_explorable
from course_lib.explorables.perceptron_squeeze import perceptron_squeeze_explorable
from course_lib.explorables.rounding import compact, decimal, scientific
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Scene, Text
from course_lib.explorables.step_size import step_size_explorable

__all__ = [
    "Axis",
    "Explorable",
    "Line",
    "Mark",
    "Panel",
    "Points",
    "Region",
    "Scene",
    "Slider",
    "Text",
    "compact",
    "decimal",
    "momentum_phases_explorable",
    "one_bad_record_explorable",
    "perceptron_squeeze_explorable",
    "scientific",
    "step_size_explorable",
]
