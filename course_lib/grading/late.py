"""What a late submission costs: a plugin of nbgrader's."""

from __future__ import annotations

from math import ceil

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Enum, Float

SECONDS_A_DAY = 86_400
METHODS = ("none", "zero", "share")


class LatePenalty(LateSubmissionPlugin):
    """No penalty, no marks, or a share of the score for every day begun.

    `nbgrader` calls it for every late notebook and caps what it answers at the score.
    """

    penalty_method = Enum(
        METHODS,
        default_value="none",
        help="'none': no penalty; 'zero': the score is lost; 'share': a share of it each day.",
    ).tag(config=True)
    share = Float(0.1, help="The share of the score lost for every day begun.").tag(config=True)
    grace_minutes = Float(0.0, help="A submission this late is still in time.").tag(config=True)

    def late_submission_penalty(
        self, student_id: str, score: float, total_seconds_late: float
    ) -> float | None:
        seconds = total_seconds_late - 60 * self.grace_minutes
        if seconds <= 0 or self.penalty_method == "none":
            return None
        if self.penalty_method == "zero":
            return score
        return min(score, score * self.share * ceil(seconds / SECONDS_A_DAY))
