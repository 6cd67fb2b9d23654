"""A submitted folder, read as what it is: something a stranger packed.

Links are never followed, pipes and devices never opened, and nothing is read past a limit.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from course_lib.grading.text import one_line, quoted, visible

#: The largest notebook that is read, in bytes. Reading takes some 20 times as much memory.
NOTEBOOK_BYTES = 32 * 2**20
#: What is read of the files beside the notebook: one file, all of them, how many, how deep.
FILE_BYTES = 8 * 2**20
FILES_BYTES = 32 * 2**20
FILES = 100
DEPTH = 4
#: How many names of a folder are looked at.
NAMES = 2000
#: Made by Jupyter, by nbgrader or by the operating system, not by the student.
BYSTANDERS = {".ipynb_checkpoints", "__pycache__", "__MACOSX", ".DS_Store", "timestamp.txt"}
_NO_LINKS = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_BELOW = os.open in os.supports_dir_fd and os.stat in os.supports_dir_fd


class Rejection(Exception):
    """A submission that cannot be graded.

    Attributes
    ----------
    name
        A word for the kind of trouble, such as ``"broken-json"``, the same for every student.
    message
        One or two sentences for the instructor and the student: what came, what to do.
    """

    def __init__(self, name: str, message: str) -> None:
        super().__init__(f"{name}: {message}")
        self.name = name
        self.message = message

    def __reduce__(self) -> tuple:
        # It crosses from a worker process to the one that keeps the marks.
        return type(self), (self.name, self.message)


class NotRegular(Exception):
    """What stands there is a link, a folder, a pipe, a socket or a device."""


class TooLarge(Exception):
    """A file is larger than what is read."""


class SubmittedFolder:
    """An open folder, read through its descriptor so that nothing can be put in its place."""

    def __init__(self, path: Path, descriptor: int | None) -> None:
        self._path = path
        self._descriptor = descriptor

    def _place(self, name: str) -> dict:
        if self._descriptor is None:
            return {"path": self._path / name}
        return {"path": name, "dir_fd": self._descriptor}

    def kind(self, name: str) -> str:
        """Say what ``name`` is, in a word: file, folder, link, pipe, socket, device or nothing."""
        place = self._place(name)
        try:
            mode = os.stat(**place, follow_symlinks=False).st_mode
        except (OSError, ValueError):
            return "nothing"
        return _kind(mode)

    def names(self) -> tuple[list[str], bool]:
        """Return the names in the folder in order, and whether there are more than is looked at."""
        names: list[str] = []
        with os.scandir(self._path if self._descriptor is None else self._descriptor) as entries:
            for entry in entries:
                if len(names) == NAMES:
                    return sorted(names), True
                names.append(entry.name)
        return sorted(names), False

    def read(self, name: str, most: int, *, only_copy: bool = False) -> bytes:
        """Return what a regular file holds.

        With ``only_copy``, a file that has a second name on the disk counts as a link: the other
        name may be one that the student must not read.

        Raises
        ------
        NotRegular
            If it is anything else.
        TooLarge
            If it holds more than ``most`` bytes.
        """
        if self.kind(name) != "file":
            raise NotRegular(name)
        flags = os.O_RDONLY | _NO_LINKS | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(**self._place(name), flags=flags)
        with os.fdopen(descriptor, "rb") as file:
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode) or (only_copy and status.st_nlink > 1):
                raise NotRegular(name)
            if status.st_size > most:
                raise TooLarge(name)
            # One byte more than it said: it may be growing.
            content = file.read(status.st_size + 1)
        if len(content) > most:
            raise TooLarge(name)
        return content

    @contextmanager
    def folder(self, name: str) -> Iterator[SubmittedFolder]:
        """Open a folder inside this one."""
        if self.kind(name) != "folder":
            raise NotRegular(name)
        if self._descriptor is None:
            yield SubmittedFolder(self._path / name, None)
            return
        flags = os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS
        descriptor = os.open(**self._place(name), flags=flags)
        try:
            yield SubmittedFolder(self._path / name, descriptor)
        finally:
            os.close(descriptor)


def _kind(mode: int) -> str:
    for test, word in (
        (stat.S_ISREG, "file"),
        (stat.S_ISDIR, "folder"),
        (stat.S_ISLNK, "link"),
        (stat.S_ISFIFO, "pipe"),
        (stat.S_ISSOCK, "socket"),
    ):
        if test(mode):
            return word
    return "device"


@contextmanager
def open_submission(path: Path) -> Iterator[SubmittedFolder]:
    """Open a submission's folder, ``submitted/STUDENT/NAME``; neither of the last two is a link.

    Raises
    ------
    Rejection
        ``"no-folder"``, ``"linked-folder"`` or ``"unreadable"``.
    """
    path = Path(os.path.abspath(path))
    for part in (path.parent, path):
        if part.is_symlink():
            raise Rejection(
                "linked-folder",
                f"The folder {one_line(part.name)} is a link to another place, which is not "
                "followed. Put the files themselves there.",
            )
    if not path.is_dir():
        raise Rejection("no-folder", f"There is no folder {one_line(path.name)} here.")
    try:
        if not _BELOW:
            yield SubmittedFolder(path, None)
            return
        above = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY | _NO_LINKS)
        try:
            with SubmittedFolder(path.parent, above).folder(path.name) as folder:
                yield folder
        finally:
            os.close(above)
    except NotRegular:
        raise Rejection("linked-folder", "The folder was replaced while it was read.") from None
    except OSError as error:
        raise Rejection(
            "unreadable", f"The folder cannot be read: {one_line(error.strerror or 'no reason')}."
        ) from None


def data_files(folder: SubmittedFolder, notes: list[str]) -> dict[str, bytes]:
    """Return the regular files beside the notebook by their path, and note what was left out."""
    collector = _Collector()
    collector.visit(folder, "", DEPTH)
    for why, names in sorted(collector.left_out.items()):
        notes.append(f"Left out, {why}: {quoted(names)}.")
    return dict(sorted(collector.found.items()))


class _Collector:
    def __init__(self) -> None:
        self.found: dict[str, bytes] = {}
        self.left_out: dict[str, list[str]] = {}
        self.bytes_left = FILES_BYTES
        self.names_left = NAMES

    def visit(self, folder: SubmittedFolder, prefix: str, depth: int) -> None:
        names, more = folder.names()
        if more or len(names) > self.names_left:
            self.left_out.setdefault("there are too many names", []).append(prefix or "some files")
        names = names[: self.names_left]
        self.names_left -= len(names)
        for name in names:
            why = self._take(folder, name, prefix, depth)
            if why:
                self.left_out.setdefault(why, []).append(prefix + name)

    def _take(self, folder: SubmittedFolder, name: str, prefix: str, depth: int) -> str:
        """Take one name; return why it was left out, or nothing."""
        kind = folder.kind(name)
        if name in BYSTANDERS or (kind == "file" and name.lower().endswith(".ipynb")):
            return ""
        if visible(name) != name or set(name) & set("\n\t\\:"):
            return "the name is no plain text"
        if kind not in ("file", "folder"):
            return f"it is a {kind}"
        if kind == "folder" and depth == 1:
            return "it lies too deep"
        if kind == "file" and len(self.found) == FILES:
            return f"there are more than {FILES} files"
        try:
            if kind == "folder":
                with folder.folder(name) as inner:
                    self.visit(inner, f"{prefix}{name}/", depth - 1)
                return ""
            content = folder.read(name, min(FILE_BYTES, self.bytes_left), only_copy=True)
        except TooLarge:
            return "it is too large"
        except NotRegular:
            return "it is a link"
        except OSError:
            return "it cannot be read"
        self.bytes_left -= len(content)
        self.found[prefix + name] = content
        return ""
