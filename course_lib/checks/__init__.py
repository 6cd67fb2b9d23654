"""Checks of a learner's own functions, the same alone at a desk and in grading.

An exercise shows some checks in the notebook: ``check.value(mean_loss, ...)`` calls the function at
once, says what is likely wrong with its answer, and shows a case whose answer is known. Assignments
are judged with the same vocabulary, by a process in which the learner's code does not run: there a
function is a stand-in for one that answers over a channel.

Every chapter has exercises, so none is named here.
"""

from course_lib.checks.checker import Checker, check
from course_lib.checks.diagnosis import compare
from course_lib.checks.errors import AnswerError
from course_lib.checks.parts import part_of
from course_lib.checks.recorder import CheckResult, Recorder, recording
from course_lib.checks.variants import Numbers, variant

__all__ = [
    "AnswerError",
    "CheckResult",
    "Checker",
    "Numbers",
    "Recorder",
    "check",
    "compare",
    "part_of",
    "recording",
    "variant",
]
