"""When something is due, and what a late submission costs: a plugin of nbgrader's."""

from __future__ import annotations

import re
from datetime import UTC, datetime, time, tzinfo
from math import ceil
from zoneinfo import ZoneInfo

from nbgrader.plugins import LateSubmissionPlugin
from traitlets import Enum, Float

SECONDS_A_DAY = 86_400
METHODS = ("none", "zero", "share")
_TIME = re.compile(
    r"(?P<day>\d{4}-\d\d-\d\d)(?:[ T](?P<time>\d\d:\d\d(?::\d\d(?:\.\d+)?)?))?"
    r" ?(?P<zone>Z|[+-]\d\d:?\d\d|[A-Za-z]+(?:/\w+)*)?"
)
# A date alone: the last minute of the day.
_END_OF_DAY = time(23, 59)


def read_time(text: str, zone: str = "UTC") -> datetime:
    """Return a time as nbgrader's gradebook keeps it, in UTC and without a zone.

    nbgrader's own reading takes ``+0200`` for 200 seconds.

    Parameters
    ----------
    text
        Such as ``2026-10-12 23:59 +0200``, ``2026-10-12 23:59 Europe/Berlin`` or ``2026-10-12``.
    zone
        The time zone that is meant where the text names none.

    Raises
    ------
    ValueError
        If the text holds no time, or a zone that is not known.
    """
    found = _TIME.fullmatch(text.strip())
    if not found:
        raise ValueError(f"{text!r} is no time")
    when = datetime.fromisoformat(f"{found['day']} {found['time'] or _END_OF_DAY.isoformat()}")
    named = found["zone"] or zone
    if named == "Z" or named[0] in "+-":
        offset = datetime.fromisoformat(f"2000-01-01T00:00{named}").tzinfo
    else:
        offset = time_zone(named)
    return when.replace(tzinfo=offset).astimezone(UTC).replace(tzinfo=None)


def time_zone(name: str) -> tzinfo:
    """Return a time zone by its name, such as ``Europe/Berlin``."""
    if name == "UTC":
        # Windows has no list of time zones.
        return UTC
    try:
        return ZoneInfo(name)
    except (OSError, ValueError, KeyError):
        raise ValueError(f"there is no time zone {name!r}") from None


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
