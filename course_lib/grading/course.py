"""The folder of a class, and the configuration of nbgrader that belongs to it.

A class lives in one folder, outside of the book: what was released, submitted, graded and sent
back, the gradebook (SQLite), and ``class.toml``, the only file that a person writes. The masters
stay where they are. ``nbgrader_config.py`` in the folder reads the same settings, so that
nbgrader's own commands and the form grader, started there, see the same class.
"""

from __future__ import annotations

import hashlib
import os
import re
import secrets
import sys
import sysconfig
import tempfile
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nbgrader.api import Gradebook
from nbgrader.coursedir import CourseDirectory
from traitlets.config import Config

from course_lib.grading.assignment import STUB, TEXT_STUB
from course_lib.grading.errors import CourseError
from course_lib.grading.late import METHODS, LatePenalty, time_zone
from course_lib.grading.master import find_masters

DEFAULT_FOLDER = "_class"
SETTINGS = "class.toml"
STEPS = ("release", "submitted", "autograded", "feedback")
#: Kept beside every autograded notebook: what was graded, and how it ended.
RECORD = "grading.json"
# A name becomes a folder, a part of a path that nbgrader reads as a pattern, and a cell of a table.
SAFE_NAME = re.compile(r"\w[\w.@-]{0,127}")
PATTERN_CHARACTERS = set("*?[]{}")

TEMPLATE = """\
# The settings of this class. Every command reads them; change them here.
course = {course}        # the name of the class on the exchange
masters = {masters}  # where the instructor's notebooks are, seen from this folder
seed = {seed}                 # the numbers of assignments that are released from now on
per_student = false          # true: every student gets numbers of their own
timezone = "UTC"             # of due dates that name none, such as "Europe/Berlin"
exchange = ""                # folder of the exchange, on a JupyterHub
check_owner = true           # false where all users of the hub are one user of the machine

[late]
method = "none"              # none, zero (a late notebook earns nothing) or share
share = 0.1                  # lost for every day begun, as a share of the score
grace_minutes = 0

[limits]
workers = 2                  # submissions judged at once
"""

NBGRADER_CONFIG = '''\
"""Read by nbgrader's own commands and by the form grader. The settings are in class.toml."""

from pathlib import Path

from course_lib.grading.course import Course

get_config().merge(Course.open(Path(__file__).parent).config())  # noqa: F821
'''


@dataclass(frozen=True)
class Settings:
    """What ``class.toml`` says, checked."""

    course: str = "downhill"
    masters: str = "../book/assignments"
    seed: int = 0
    per_student: bool = False
    timezone: str = "UTC"
    exchange: str = ""
    check_owner: bool = True
    late: dict[str, Any] = field(default_factory=dict)
    limits: dict[str, Any] = field(default_factory=dict)


#: The kinds of a table's entries, and what they are where nothing is said.
LATE_KINDS = {"method": str, "share": float, "grace_minutes": float}
LIMIT_KINDS = {"workers": int}


@dataclass(frozen=True)
class Course:
    """One class: its folder and its settings.

    Parameters
    ----------
    folder
        Absolute path of the class's folder.
    settings
        What its ``class.toml`` says.
    masters
        Absolute path of the folder of masters.
    """

    folder: Path
    settings: Settings
    masters: Path

    @classmethod
    def open(
        cls, folder: str | Path, *, masters: str | Path | None = None, create: bool = False
    ) -> Course:
        """Return the class in a folder.

        Parameters
        ----------
        folder
            The class's folder.
        masters
            A folder of masters to use instead of the one that ``class.toml`` names. A class that
            is created remembers it.
        create
            Whether to begin a class where there is none.

        Raises
        ------
        CourseError
            If there is no class, or its settings are wrong.
        """
        folder = Path(os.path.abspath(folder))
        for path in (folder, masters or ""):
            if PATTERN_CHARACTERS & set(str(path)):
                raise CourseError(
                    f"the path {path} holds one of * ? [ ] {{ }}, which nbgrader reads as a "
                    "pattern: choose another folder"
                )
        path = folder / SETTINGS
        if not path.is_file():
            if not create:
                raise CourseError(
                    f"there is no class in {folder}: `release` begins one, `--class` names another"
                )
            _begin(folder, masters)
        settings = read_settings(path)
        chosen = Path(os.path.abspath(masters if masters else folder / settings.masters))
        return cls(folder, settings, chosen)

    def config(self) -> Config:
        """Return what nbgrader has to know of the class."""
        from course_lib.grading.autograde import AUTOGRADE, SANITIZE
        from course_lib.grading.exchange import CarefulCollect
        from course_lib.grading.release import PREPROCESSORS

        settings = self.settings
        config = Config()
        config.CourseDirectory.root = str(self.folder)
        config.CourseDirectory.course_id = settings.course
        config.CourseDirectory.db_url = self.database
        config.CourseDirectory.source_directory = self._masters_seen_from_here()
        config.CourseDirectory.ignore = [
            *(".ipynb_checkpoints", "*.pyc", "__pycache__", "feedback"),
            RECORD,
        ]
        config.GenerateAssignment.preprocessors = PREPROCESSORS
        config.PrepareMaster.class_seed = settings.seed
        # Nothing of nbgrader's may run a student's notebook in the instructor's session.
        config.Autograde.sanitize_preprocessors = SANITIZE
        config.Autograde.autograde_preprocessors = AUTOGRADE
        config.ClearSolutions.code_stub = {"python": STUB}
        config.ClearSolutions.text_stub = TEXT_STUB
        config.AssignLatePenalties.plugin_class = LatePenalty
        config.LatePenalty.penalty_method = settings.late.get("method", "none")
        config.LatePenalty.share = float(settings.late.get("share", 0.1))
        config.LatePenalty.grace_minutes = float(settings.late.get("grace_minutes", 0.0))
        # Pages of the form grader show what students wrote in the instructor's own session.
        config.HTMLExporter.sanitize_html = True
        config.ExchangeFactory.collect = CarefulCollect
        config.ExchangeCollect.check_owner = settings.check_owner
        if settings.exchange:
            config.Exchange.root = str(self.folder / settings.exchange)
        return config

    @property
    def database(self) -> str:
        """The address of the gradebook."""
        return f"sqlite:///{self.folder / 'gradebook.db'}"

    def directory(self, assignment: str = "", student: str = "*") -> CourseDirectory:
        """Return nbgrader's view of the folder, for one assignment."""
        return CourseDirectory(
            config=self.config(), assignment_id=assignment, student_id=student, notebook_id="*"
        )

    @contextmanager
    def gradebook(self) -> Iterator[Gradebook]:
        """Open the gradebook, and close it again."""
        book = open_gradebook(self.database, self.settings.course)
        try:
            yield book
        finally:
            book.close()

    def at(self, step: str, student: str = "", assignment: str = "") -> Path:
        """Return the folder of a step, of a student in it, of an assignment in that."""
        return self.folder.joinpath(*(part for part in (step, student, assignment) if part))

    def master(self, assignment: str) -> Path:
        """Return the path of an assignment's master."""
        path = self.masters / assignment / f"{assignment}.ipynb"
        if not SAFE_NAME.fullmatch(assignment) or not path.is_file():
            known = ", ".join(self.assignments()) or "none"
            raise CourseError(
                f"there is no assignment {assignment!r} in {self.masters}; there are: {known}"
            )
        return path

    def assignments(self) -> list[str]:
        """Return the names of all masters."""
        return [path.stem for path in find_masters(self.masters)]

    def _masters_seen_from_here(self) -> str:
        # nbgrader reads the beginning of an absolute path as a regular expression.
        try:
            return os.path.relpath(self.masters, self.folder)
        except ValueError:
            return str(self.masters)


def seed_of_student(seed: int, student: str) -> int:
    """Return a student's own seed, the same at every run and on every machine."""
    digest = hashlib.sha256(f"{seed}:{student}".encode()).digest()
    return int.from_bytes(digest[:4], "big") >> 1


def open_gradebook(address: str, course: str) -> Gradebook:
    """Open a gradebook through nbgrader's interface, and make it where there is none."""
    # nbgrader calls the program alembic by its bare name, which a plain `.venv/bin/python` does
    # not find.
    scripts = sysconfig.get_path("scripts")
    before = os.environ.get("PATH", "")
    os.environ["PATH"] = os.pathsep.join([scripts, str(Path(sys.executable).parent), before])
    try:
        return Gradebook(address, course)
    finally:
        os.environ["PATH"] = before


def read_settings(path: Path) -> Settings:
    """Read and check ``class.toml``.

    Raises
    ------
    CourseError
        If it cannot be read, or an entry is unknown or of the wrong kind.
    """
    try:
        entries = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise CourseError(f"{path} cannot be read: {error}") from None
    kinds = {
        name: type(default)
        for name, default in vars(Settings()).items()
        if name not in ("late", "limits")
    }
    tables = {"late": LATE_KINDS, "limits": LIMIT_KINDS}
    for table, known in tables.items():
        inner = entries.get(table, {})
        if not isinstance(inner, dict):
            raise CourseError(f"{path}: {table} must be a table, [{table}]")
        _check_kinds(f"{path}, [{table}]", inner, known)
    _check_kinds(str(path), {k: v for k, v in entries.items() if k not in tables}, kinds)
    settings = Settings(**entries)
    if settings.late.get("method", "none") not in METHODS:
        raise CourseError(f"{path}: method of [late] must be one of {', '.join(METHODS)}")
    if not 0 <= settings.late.get("share", 0.1) <= 1:
        raise CourseError(f"{path}: share of [late] must be between 0 and 1")
    try:
        time_zone(settings.timezone)
    except ValueError as error:
        raise CourseError(f"{path}: {error}") from None
    if settings.seed < 0 or settings.limits.get("workers", 2) < 1:
        raise CourseError(f"{path}: seed must be at least 0, and workers at least 1")
    if not SAFE_NAME.fullmatch(settings.course):
        raise CourseError(
            f"{path}: course must be one word of letters, digits, _ . @ -, got {settings.course!r}"
        )
    return settings


def write_atomically(path: Path, content: str | bytes) -> None:
    """Write a file so that a reader, or a run after a crash, sees all of it or none."""
    path.parent.mkdir(parents=True, exist_ok=True)
    raw = content.encode("utf-8") if isinstance(content, str) else content
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(raw)
            file.flush()
            os.fsync(file.fileno())
        os.chmod(name, 0o644)
        os.replace(name, path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise


def _begin(folder: Path, masters: str | Path | None) -> None:
    """Make the folder of a class that begins."""
    usual = Path("book") / "assignments"
    found = [place for place in (folder.parent / usual, Path.cwd() / usual) if place.is_dir()]
    masters = Path(os.path.abspath(masters or (found or [folder.parent / usual])[0]))
    if not masters.is_dir():
        raise CourseError(
            f"there is no folder of assignments {masters}: name one with `--masters DIR`"
        )
    try:
        seen = os.path.relpath(masters, folder)
    except ValueError:
        seen = str(masters)
    # Marks and submissions are nobody else's business on a machine with other users.
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for step in STEPS:
        (folder / step).mkdir(exist_ok=True)
    write_atomically(folder / "nbgrader_config.py", NBGRADER_CONFIG)
    text = TEMPLATE.format(
        course=_quoted("downhill"), masters=_quoted(seen), seed=1 + secrets.randbelow(99_999)
    )
    write_atomically(folder / SETTINGS, text)


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _check_kinds(where: str, entries: dict[str, Any], kinds: dict[str, type]) -> None:
    for name, value in entries.items():
        if name not in kinds:
            raise CourseError(f"{where}: unknown entry {name}; known are {', '.join(kinds)}")
        wanted = kinds[name]
        fits = isinstance(value, (int, float) if wanted is float else wanted)
        if not fits or (isinstance(value, bool) and wanted is not bool):
            raise CourseError(f"{where}: {name} must be a {wanted.__name__}, got {value!r}")
