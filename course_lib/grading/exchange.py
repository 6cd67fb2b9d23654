"""The exchange of a JupyterHub: nbgrader's own classes, with the configuration of the class.

Collecting alone is done with more care than nbgrader does it. A folder that claims to be another
student's is left where it is, links in it are not followed (they may lead to what only the
instructor can read), and one that cannot be copied stops nobody behind it.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from nbgrader.auth import Authenticator
from nbgrader.exchange import ExchangeError, ExchangeFactory
from nbgrader.exchange.default import ExchangeCollect
from nbgrader.utils import find_owner

from course_lib.grading.course import SAFE_NAME, Course
from course_lib.grading.errors import CourseError
from course_lib.grading.record import CARRIED
from course_lib.grading.release import gathered_log
from course_lib.grading.submitted_files import (
    NOTEBOOK_BYTES,
    NotRegular,
    Rejection,
    TooLarge,
    data_files,
    open_submission,
)
from course_lib.grading.text import one_line

#: A submission that changed so long after the time it names is reported.
CREDIBLE = timedelta(hours=1)


@dataclass(frozen=True)
class Collected:
    """What came of collecting.

    Attributes
    ----------
    students : tuple of str
        Who handed something in, now or before.
    notes : tuple of str
        What was left out, and why.
    """

    students: tuple[str, ...]
    notes: tuple[str, ...]


class CarefulCollect(ExchangeCollect):
    """nbgrader's collecting, without following links, and without trusting names."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.notes: list[str] = []

    def init_src(self) -> None:
        super().init_src()
        self.src_records = [record for record in self.src_records if self._is_own(record)]
        for record in self.src_records:
            self._look_at_time(record)

    def _look_at_time(self, record: dict[str, Any]) -> None:
        # The name of the folder is the student's word; when its entry changed last is the system's.
        try:
            status = os.lstat(os.path.join(self.inbound_path, record["filename"]))
        except OSError:
            return
        arrived = datetime.fromtimestamp(status.st_ctime, UTC).replace(tzinfo=None)
        if arrived - record["timestamp"] > CREDIBLE:
            self.notes.append(
                f"{one_line(record['filename'])} says it was handed in at "
                f"{record['timestamp']:%Y-%m-%d %H:%M} UTC, but was changed at "
                f"{arrived:%Y-%m-%d %H:%M}"
            )

    def _sort_by_timestamp(self, records: list[dict[str, Any]]) -> list[dict[str, Any]]:
        # A newer folder that somebody else made must not hide the student's own.
        newest_first = super()._sort_by_timestamp(records)
        return sorted(newest_first, key=lambda record: not self._is_own(record))

    def _path_to_record(self, path: str) -> dict[str, Any]:
        try:
            record = super()._path_to_record(path)
        except (ExchangeError, ValueError, OverflowError, TypeError):
            record = {"username": "", "filename": Path(path).name, "timestamp": datetime.min}
        if not SAFE_NAME.fullmatch(record["username"]):
            self.notes.append(f"{one_line(record['filename'])} names no student and time")
            record["username"] = ""
        return record

    def _is_own(self, record: dict[str, Any]) -> bool:
        if not record["username"]:
            return False
        if not self.check_owner:
            return True
        try:
            owner = find_owner(os.path.join(self.inbound_path, record["filename"]))
        except (KeyError, OSError):
            owner = "an unknown user"
        if owner == record["username"]:
            return True
        note = f"{one_line(record['filename'])} is not {one_line(record['username'])}'s: it belongs"
        self.notes += [n for n in [f"{note} to {owner}"] if n not in self.notes]
        return False

    def do_copy(self, src: str, dest: str, log: Any = None) -> None:
        """Copy regular files, read through descriptors that follow no link."""
        target, notes = Path(dest), []
        try:
            with open_submission(Path(src)) as folder:
                content = data_files(folder, notes)
                # In all: a folder can hold thousands of notebooks.
                bytes_left = 2 * NOTEBOOK_BYTES
                for name in folder.names()[0]:
                    if folder.kind(name) == "file" and (
                        name in CARRIED or name.lower().endswith(".ipynb")
                    ):
                        most = min(NOTEBOOK_BYTES, bytes_left)
                        content[name] = folder.read(name, most, only_copy=True)
                        bytes_left -= len(content[name])
            for name, data in content.items():
                path = target / name
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_bytes(data)
            # One word for the time, the one that was looked at.
            claimed = Path(src).name.rsplit("+", 3)[2]
            (target / "timestamp.txt").write_text(claimed, encoding="utf-8")
        except TooLarge as error:
            notes.append(f"not collected: {error} is too large, or there are too many notebooks")
            shutil.rmtree(target, ignore_errors=True)
        except (Rejection, NotRegular, OSError) as error:
            notes.append(f"not collected: {error}")
            shutil.rmtree(target, ignore_errors=True)
        self.notes += [f"{one_line(Path(src).name)}: {one_line(note)}" for note in notes]


def publish(course: Course, name: str) -> None:
    """Put a release where students fetch it."""
    _run(course, name, "ReleaseAssignment", force=True)


def collect(course: Course, name: str) -> Collected:
    """Bring what students handed in into the class's folder."""
    action = _run(course, name, "Collect", update=True)
    found = sorted(path.parent.name for path in course.at("submitted").glob(f"*/{name}"))
    return Collected(tuple(found), tuple(action.notes))


def publish_feedback(course: Course, name: str) -> int:
    """Put pages of feedback where each student fetches the own ones; return how many."""
    count = 0
    for student in sorted(path.parent.name for path in course.at("feedback").glob(f"*/{name}")):
        folder = course.at("feedback", student, name)
        # The exchange tells by these whose page it is; what came by e-mail has none.
        if all((folder / file).is_file() for file in CARRIED):
            _run(course, name, "ReleaseFeedback", student=student)
            count += 1
    return count


def _run(course: Course, name: str, step: str, *, student: str = "*", **options: Any) -> Any:
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
    make: Callable[..., Any] = getattr(ExchangeFactory(config=config), step)
    action = make(
        coursedir=course.directory(name, student),
        authenticator=Authenticator(config=config),
        config=config,
        **options,
    )
    with gathered_log():
        try:
            action.start()
        except ExchangeError as error:
            raise CourseError(f"the exchange refused {name}: {error}") from None
        except (AttributeError, OSError, RuntimeError, ValueError) as error:
            # Such as a time stamp that is none: nbgrader means to say so, and fails at that.
            raise CourseError(
                f"nbgrader stopped at {name} on the exchange: {type(error).__name__}: {error}"
            ) from error
    return action
