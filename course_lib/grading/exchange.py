"""The exchange of a JupyterHub: nbgrader's own classes, with the configuration of the class."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

from nbgrader.auth import Authenticator
from nbgrader.exchange import ExchangeError, ExchangeFactory

from course_lib.grading.course import Course, CourseError
from course_lib.grading.record import CARRIED
from course_lib.grading.release import gathered_log


def publish(course: Course, name: str) -> None:
    """Put a release where students fetch it."""
    _run(course, name, "ReleaseAssignment", force=True)


def collect(course: Course, name: str) -> list[str]:
    """Bring what students handed in into the class's folder; return whose it is."""
    _run(course, name, "Collect", update=True)
    submitted = course.at("submitted")
    return sorted(path.parent.name for path in submitted.glob(f"*/{name}"))


def publish_feedback(course: Course, name: str) -> None:
    """Put pages of feedback where each student fetches the own ones."""
    folders = course.at("feedback").glob(f"*/{name}")
    for student in sorted(path.parent.name for path in folders):
        folder = course.at("feedback", student, name)
        if all((folder / file).is_file() for file in CARRIED):
            _run(course, name, "ReleaseFeedback", student=student)


def _run(course: Course, name: str, step: str, *, student: str = "*", **options: Any) -> None:
    if not course.settings.exchange:
        raise CourseError(
            f"the class has no exchange: name its folder in {course.folder / 'class.toml'}, for "
            'example exchange = "/srv/nbgrader/exchange"'
        )
    config = course.config()
    root = Path(config.Exchange.root)
    if not root.is_dir():
        raise CourseError(
            f"there is no exchange {root}: make the folder, writable for everybody (chmod 777), "
            "or name another in class.toml"
        )
    factory = ExchangeFactory(config=config)
    make: Callable[..., Any] = getattr(factory, step)
    action = make(
        coursedir=course.directory(name, student),
        authenticator=Authenticator(config=config),
        config=config,
        **options,
    )
    with gathered_log() as messages:
        try:
            action.start()
        except ExchangeError as error:
            raise CourseError(f"the exchange refused {name}: {error}") from None
    # Such as a submission that claims to be another student's.
    for message in messages:
        if "cheating" in message:
            print(f"warning: {' '.join(message.split())}")
