r"""Schedules: a step size for every iteration, decided before the run begins.

Chapters: *Gradient descent*, *Variants of gradient descent*, *Momentum and adaptive optimizers*. A
schedule is a function of the iteration number :math:`k = 0, 1, 2, \dots` alone, and any such
function will do. (A rule that looks at the objective is a line search.) The ones here also know
their long run.

================ ======================================================= =========================
Schedule         step size                                               Robbins–Monro conditions
================ ======================================================= =========================
`Constant`       :math:`\alpha_0`                                        squares diverge
`InverseTime`    :math:`\alpha_0 / (1 + d k)`                            **hold**
`PowerLaw`       :math:`\alpha_0 / (1 + d k)^p`                          **hold** if ½ < p ≤ 1
`Exponential`    :math:`\alpha_0 q^k`                                    the sum is finite
`StepDecay`      :math:`\alpha_0 q^{\lfloor k / n \rfloor}`              the sum is finite
`Polynomial`     :math:`b + (a - b) (1 - k / n)^p`                       as its last value
`Cosine`         :math:`b + (a - b) (1 + \cos (\pi k / n)) / 2`          as its last value
`CosineRestarts` the same, again and again                               squares diverge
`OneCycle`       up to :math:`a`, down to nearly 0                       as its last value
`WarmUp`         a ramp up to another schedule                           as the other
`Piecewise`      constant pieces                                         as its last value
`Joined`         one schedule after another                              as the last one
================ ======================================================= =========================

A last value of 0 means a finite sum, any other that the squares diverge. A number times one of
these schedules is a schedule.
"""

from course_lib.schedules.base import (
    Constant,
    KnownSchedule,
    LongRun,
    Scaled,
    Schedule,
    as_schedule,
    long_run,
    scheduled_value,
)
from course_lib.schedules.cycles import CosineRestarts, OneCycle, WarmUp
from course_lib.schedules.decay import (
    Cosine,
    Exponential,
    InverseTime,
    Polynomial,
    PowerLaw,
    StepDecay,
)
from course_lib.schedules.pieces import Joined, Piecewise

__all__ = [
    "Constant",
    "Cosine",
    "CosineRestarts",
    "Exponential",
    "InverseTime",
    "Joined",
    "KnownSchedule",
    "LongRun",
    "OneCycle",
    "Piecewise",
    "Polynomial",
    "PowerLaw",
    "Scaled",
    "Schedule",
    "StepDecay",
    "WarmUp",
    "as_schedule",
    "long_run",
    "scheduled_value",
]
