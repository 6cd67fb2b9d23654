"""Objectives: functions of one flat parameter vector, with value and gradient.

Chapter: *Gradient descent*.
"""

from course_lib.objectives.base import FunctionObjective, Objective
from course_lib.objectives.empirical_risk import EmpiricalRisk
from course_lib.objectives.finite_sum import FiniteSum
from course_lib.objectives.quadratic import Quadratic, random_rotation
from course_lib.objectives.test_functions import (
    FUNCTIONS,
    beale,
    double_well,
    himmelblau,
    named_function,
    quartic,
    rastrigin,
    rosenbrock,
    saddle,
    saturated_neuron,
    sphere,
)

__all__ = [
    "FUNCTIONS",
    "EmpiricalRisk",
    "FiniteSum",
    "FunctionObjective",
    "Objective",
    "Quadratic",
    "beale",
    "double_well",
    "himmelblau",
    "named_function",
    "quartic",
    "random_rotation",
    "rastrigin",
    "rosenbrock",
    "saddle",
    "saturated_neuron",
    "sphere",
]
