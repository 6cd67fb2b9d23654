"""Optimizers: each is an `init` and an `update` on the flat parameter vector.

Chapter: *Gradient descent*.
"""

from course_lib.optimizers.base import Optimizer, State
from course_lib.optimizers.conjugate_gradient import ConjugateGradient
from course_lib.optimizers.gradient_descent import GradientDescent
from course_lib.optimizers.newton import Newton

__all__ = ["ConjugateGradient", "GradientDescent", "Newton", "Optimizer", "State"]
