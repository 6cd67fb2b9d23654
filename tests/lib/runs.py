"""A bowl to run on, and what must hold of every trace."""

from __future__ import annotations

import numpy as np

from course_lib.costs import HalfSquaredError
from course_lib.linear_models import LinearModel
from course_lib.objectives import EmpiricalRisk, Quadratic
from course_lib.trace import Trace

BOWL = Quadratic(np.diag([1.0, 10.0]))
START = [5.0, 1.0]


def small_risk(n: int = 10) -> EmpiricalRisk:
    """Least squares of three parameters on ten random samples."""
    rng = np.random.default_rng(0)
    return EmpiricalRisk(
        LinearModel(2), HalfSquaredError(), rng.standard_normal((n, 2)), rng.standard_normal(n)
    )


def lengths(trace: Trace) -> tuple[int, ...]:
    """Of theta, value, gradient_norm, step_size and seconds."""
    fields = ("theta", "value", "gradient_norm", "step_size", "seconds")
    return tuple(len(getattr(trace, name)) for name in fields)


def is_sound(trace: Trace) -> bool:
    """Every point, value and norm is finite and belongs together; the clock does not run back."""
    for array in (trace.theta, trace.value, trace.gradient_norm):
        assert np.isfinite(array).all()
    assert (np.diff(trace.seconds) >= 0).all()
    assert trace.seconds[0] == 0
    assert not (trace.converged and trace.diverged)
    np.testing.assert_array_equal(trace.final, trace.theta[-1])
    return True
