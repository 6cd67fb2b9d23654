"""Explorables: figures with sliders, live before a kernel and moving without one.

An author writes one function from slider values to a `Scene`; an `Explorable` shows it. The ready
ones have a module each, named after what they explore.
"""

from course_lib.explorables.batch_size import batch_size_explorable
from course_lib.explorables.deep_signal import deep_signal_explorable
from course_lib.explorables.explorable import Explorable, Slider
from course_lib.explorables.half_plane import half_plane_explorable
from course_lib.explorables.momentum_phases import momentum_phases_explorable
from course_lib.explorables.one_bad_record import one_bad_record_explorable
from course_lib.explorables.penalty_shape import penalty_shape_explorable
from course_lib.explorables.perceptron_squeeze import perceptron_squeeze_explorable
from course_lib.explorables.projection import projection_explorable
from course_lib.explorables.rounding import compact, decimal, scientific
from course_lib.explorables.scene import Axis, Line, Mark, Panel, Points, Region, Scene, Text
from course_lib.explorables.step_size import step_size_explorable
from course_lib.explorables.two_ways import two_ways_explorable

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
    "batch_size_explorable",
    "compact",
    "decimal",
    "deep_signal_explorable",
    "half_plane_explorable",
    "momentum_phases_explorable",
    "one_bad_record_explorable",
    "penalty_shape_explorable",
    "perceptron_squeeze_explorable",
    "projection_explorable",
    "scientific",
    "step_size_explorable",
    "two_ways_explorable",
]
