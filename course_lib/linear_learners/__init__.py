"""Linear learners (being written)."""
from course_lib.linear_learners.perceptron import Perceptron, mistake_bound
__all__ = ["Perceptron", "mistake_bound"]
