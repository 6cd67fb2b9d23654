"""Stopping rules: when is a run over, and which rule said so?

Chapter: *Gradient descent*. None of these proves that a minimum was reached. Each says that
something became small, and the trace keeps which.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass

from course_lib.validation import FloatArray, check_integer, check_real


@dataclass(slots=True)
class Progress:
    """Where a run stands, as its stopping rules and callbacks see it.

    Attributes
    ----------
    iteration : int
        Steps taken so far.
    theta : ndarray of shape (n_parameters,)
        The current point: a read-only view of the run's own array. Copy it to keep it.
    value : float
        The objective at ``theta``.
    gradient_norm : float
        The Euclidean norm of its gradient.
    previous_value : float or None
        The objective before the last step.
    step_norm : float or None
        How far the last step went.
    gradient : ndarray of shape (n_parameters,) or None
        The gradient at ``theta``, read-only; the next iteration overwrites it.
    """

    iteration: int
    theta: FloatArray
    value: float
    gradient_norm: float
    previous_value: float | None = None
    step_norm: float | None = None
    gradient: FloatArray | None = None


class StoppingRule(ABC):
    """A test of the progress that may end the run."""

    #: How the rule calls itself in a trace.
    name: str
    #: Whether a run that ends by this rule counts as converged.
    means_convergence = True

    @abstractmethod
    def check(self, progress: Progress) -> str | None:
        """Return why the run should end, or None."""


@dataclass(frozen=True)
class GradientNorm(StoppingRule):
    r"""Stop when :math:`\|\nabla f\| <` ``tolerance``: the ground is nearly level here."""

    tolerance: float
    name = "gradient norm"

    def __post_init__(self) -> None:
        check_real("tolerance", self.tolerance, above=0)

    def check(self, progress: Progress) -> str | None:
        if progress.gradient_norm < self.tolerance:
            return f"the gradient norm {progress.gradient_norm:.4g} is below {self.tolerance:g}"
        return None


@dataclass(frozen=True)
class ObjectiveChange(StoppingRule):
    r"""Stop when a step changes the objective by less than ``tolerance``.

    With ``relative=True`` the change is measured in units of :math:`\max(1, |f|)`. In a run over
    batches two neighbouring values belong to different samples, and their difference says little.
    """

    tolerance: float
    relative: bool = False
    name = "objective change"

    def __post_init__(self) -> None:
        check_real("tolerance", self.tolerance, above=0)

    def check(self, progress: Progress) -> str | None:
        if progress.previous_value is None:
            return None
        change = abs(progress.previous_value - progress.value)
        if self.relative:
            change /= max(1.0, abs(progress.previous_value))
        if change < self.tolerance:
            return f"the objective changed by {change:.4g}, less than {self.tolerance:g}"
        return None


@dataclass(frozen=True)
class StepNorm(StoppingRule):
    r"""Stop when a step is shorter than ``tolerance``.

    With a small step size this says little: the step is short because it was told to be.
    """

    tolerance: float
    name = "step norm"

    def __post_init__(self) -> None:
        check_real("tolerance", self.tolerance, above=0)

    def check(self, progress: Progress) -> str | None:
        if progress.step_norm is not None and progress.step_norm < self.tolerance:
            return f"the last step went {progress.step_norm:.4g}, less than {self.tolerance:g}"
        return None


@dataclass(frozen=True)
class ObjectiveBelow(StoppingRule):
    """Stop when the objective falls to ``target``: for experiments whose minimum is known."""

    target: float
    name = "objective below target"

    def __post_init__(self) -> None:
        check_real("target", self.target)

    def check(self, progress: Progress) -> str | None:
        if progress.value <= self.target:
            return f"the objective {progress.value:.6g} reached the target {self.target:g}"
        return None


@dataclass(frozen=True)
class IterationCap(StoppingRule):
    """Stop after ``limit`` iterations, whatever was reached."""

    limit: int
    name = "iteration cap"
    means_convergence = False

    def __post_init__(self) -> None:
        check_integer("limit", self.limit, at_least=0)

    def check(self, progress: Progress) -> str | None:
        if progress.iteration >= self.limit:
            return f"the cap of {self.limit} iterations was reached"
        return None
