"""Where a student's code runs: a bubblewrap sandbox, or, if asked for by name, none.

The sandbox has no network, no view of the machine but the Python interpreter, its packages and
``course_lib``, all read-only, a private folder in memory, its own process numbers, and limits on
memory, time, files and processes. It dies with the judge.

Started by root, bubblewrap makes the view with root's rights, so that an interpreter in a closed
home folder can be shown, and the program inside gives up these rights before Python starts: an
unprivileged user, no groups, no capabilities, no way to gain any. Giving them up first would be
simpler, and fails where the interpreter lies under ``/root``. Started by anyone else, a user
namespace does the same.
"""

from __future__ import annotations

import os
import shutil
import site
import subprocess
import sys
import sysconfig
import tempfile
import weakref
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path, PurePath

from course_lib.grading.process import WorkerProcess, start_plain, start_sandboxed
from course_lib.grading.syscalls import filter_program

# Not used by any package of Debian's, and below what is given to containers.
FIRST_UID, UIDS = 70_000, 29_000
TMP = "/tmp"
WORK = "/tmp/work"
LIBRARY = "/downhill"
OPEN_FILES = 128
_LIBRARY_FOLDERS = ("lib", "lib32", "lib64", "libx32")
_SYSTEM_FOLDERS = ("bin", "sbin", *_LIBRARY_FOLDERS)
# So that libraries are found; neither names nor accounts of the machine.
_SYSTEM_FILES = ("/etc/ld.so.cache", "/etc/alternatives", "/etc/fonts", "/nix/store")
# Here nbgrader's exchange is, with other students' work.
_HIDDEN = ("/usr/local/share", "/usr/src")
_START = (
    "import sys; sys.path += {paths!r}; arguments = {arguments!r} + sys.argv[1:]; "
    "sys.argv = ['worker']; from course_lib.grading.worker import main; main(arguments)"
)


class SandboxUnavailable(RuntimeError):
    """Students' code cannot be shut in on this machine; the message says what to do."""


@dataclass(frozen=True)
class Limits:
    """What one submission may use.

    Attributes
    ----------
    seconds_a_cell, seconds_a_call, seconds_in_all : float
        Time on the clock while the judge waits.
    memory_mib : int
        Memory of a process.
    output_chars : int
        Output and result of a cell that are kept.
    answer_mib : int
        Arrays of an answer.
    processes : int
        Threads and processes at once.
    file_mib : int
        Length of a file; four times as much is the space for all files.
    restarts : int
        How often the sandbox is started again after the code inside ended it.
    """

    seconds_a_cell: float = 10.0
    seconds_a_call: float = 5.0
    seconds_in_all: float = 60.0
    memory_mib: int = 2048
    output_chars: int = 20_000
    answer_mib: int = 32
    processes: int = 32
    file_mib: int = 16
    restarts: int = 12


@dataclass(frozen=True)
class Sandbox:
    """Starts workers inside bubblewrap; `find` makes one that has been tried.

    Attributes
    ----------
    bwrap : str
        Path of the program.
    as_root : bool
        Whether it is started with root's rights, which the program inside gives up.
    uid : int
        The user inside, if so. Different workers take different ones, so that the number of
        processes is counted for each alone.
    filtered : bool
        Whether system calls are filtered (``course_lib.grading.syscalls``).
    hide : tuple of str
        Folders that must not be seen even where they lie inside of what is shown.
    """

    bwrap: str
    as_root: bool = False
    uid: int = FIRST_UID
    filtered: bool = True
    hide: tuple[str, ...] = field(default=())

    @classmethod
    def find(cls, slot: int | None = None) -> Sandbox:
        """Return a sandbox that works on this machine.

        Parameters
        ----------
        slot
            A number for each of the workers that run at once; by default the process's own.

        Raises
        ------
        SandboxUnavailable
            If there is none. The message says why and what to do.
        """
        slot = os.getpid() if slot is None else slot
        return replace(_tried(), uid=FIRST_UID + slot % UIDS)

    def command(self, limits: Limits) -> list[str]:
        """Return the command that runs a worker, without its connections."""
        return [self.bwrap, *self._view(limits), *self._inside(limits)]

    def start(self, limits: Limits) -> WorkerProcess:
        """Start a worker."""
        return start_sandboxed(self.command(limits), filter_program() if self.filtered else None)

    def _view(self, limits: Limits) -> Iterator[str]:
        space = 4 * limits.file_mib << 20
        if self.as_root:
            # A user namespace would make the user inside root in the eyes of the kernel.
            for kind in ("ipc", "pid", "net", "uts", "cgroup-try"):
                yield f"--unshare-{kind}"
            yield from ("--cap-drop", "ALL")
            yield from ("--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID")
        else:
            yield from ("--unshare-all", "--cap-drop", "ALL")
        yield from ("--die-with-parent", "--new-session", "--clearenv", "--hostname", "sandbox")
        for name, value in _environment().items():
            yield from ("--setenv", name, value)
        yield from ("--proc", "/proc", "--dev", "/dev", "--ro-bind", "/usr", "/usr")
        for name in _SYSTEM_FOLDERS:
            path = Path("/", name)
            if path.is_symlink():
                yield from ("--symlink", os.readlink(path), str(path))
            elif path.is_dir():
                yield from ("--ro-bind", str(path), str(path))
        yield from ("--size", str(space), "--perms", "1777", "--tmpfs", TMP)
        yield from ("--perms", "0777", "--dir", WORK)
        made, bound = {Path("/"), Path(TMP)}, [Path("/usr")]
        shown = [(path, path) for path in (*_SYSTEM_FILES, *_python_folders())]
        shown.append((str(Path(__file__).resolve().parents[1]), f"{LIBRARY}/course_lib"))
        shown += [(font, f"{TMP}/matplotlib/{Path(font).name}") for font in _font_lists()]
        for source, target in shown:
            if not os.path.exists(source) or any(Path(target).is_relative_to(b) for b in bound):
                continue
            bound.append(Path(target))
            # Made by bubblewrap, parents could be closed to the user inside.
            for parent in reversed(Path(target).parents):
                if parent not in made:
                    made.add(parent)
                    mode = "0777" if parent.is_relative_to(TMP) else "0755"
                    yield from ("--perms", mode, "--dir", str(parent))
            yield from ("--ro-bind", source, target)
        for path in (*_HIDDEN, *self.hide):
            if os.path.isdir(path) and _is_seen(path, [source for source, _ in shown]):
                yield from ("--size", "4096", "--tmpfs", path, "--remount-ro", path)
        yield from ("--remount-ro", "/dev", "--remount-ro", "/", "--chdir", WORK)

    def _inside(self, limits: Limits) -> Iterator[str]:
        if self.as_root:
            user = str(self.uid)
            yield from (str(shutil.which("setpriv")), "--reuid", user, "--regid", user)
            yield from ("--clear-groups", "--inh-caps=-all", "--no-new-privs")
        # After the user is changed: processes are counted by user.
        yield from _limited(limits, processes=True)
        yield from _python(limits, [LIBRARY, *_package_folders()])


@dataclass(frozen=True)
class Unsandboxed:
    """Starts workers as ordinary processes, with the rights of whoever grades.

    A submission can then read, change and delete whatever its grader can. It is for machines that
    have no bubblewrap, and submissions one has read.
    """

    #: Windows has no socket pairs to hand over; a local port does there.
    by_port: bool = os.name == "nt"

    def command(self, limits: Limits) -> list[str]:
        """Return the command that runs a worker, without its connections."""
        library = str(Path(__file__).resolve().parents[2])
        return [
            *_limited(limits, processes=False),
            *_python(limits, [*_package_folders(), library]),
        ]

    def start(self, limits: Limits) -> WorkerProcess:
        """Start a worker."""
        folder = tempfile.mkdtemp(prefix="submission-")
        environment = _environment(folder)
        if os.name == "nt":
            environment = {**os.environ, **environment, "PATH": os.environ.get("PATH", "")}
        worker = start_plain(self.command(limits), environment, folder, self.by_port)
        weakref.finalize(worker, shutil.rmtree, folder, ignore_errors=True)
        return worker


def checked_files(files: Mapping[str, bytes]) -> dict[str, bytes]:
    """Return files for the working folder, by their path from there.

    Raises
    ------
    ValueError
        If one would lie elsewhere.
    """
    for name in files:
        path = PurePath(name)
        if not path.parts or path.anchor or ".." in path.parts or "\0" in name:
            raise ValueError(f"a file must lie in the working folder, got {name!r}")
    return dict(files)


def _environment(folder: str = TMP) -> dict[str, str]:
    threads = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
    return {
        "HOME": folder,
        "USER": "student",
        "LOGNAME": "student",
        "PATH": "/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TMPDIR": folder,
        "MPLBACKEND": "Agg",
        "MPLCONFIGDIR": f"{folder}/matplotlib",
        "PYTHONSAFEPATH": "1",
        # Compiling takes longer than any answer, and would be done anew for each submission.
        "COURSE_COMPILED": "0",
        **dict.fromkeys(threads, "1"),
    }


def _limited(limits: Limits, *, processes: bool) -> list[str]:
    prlimit = shutil.which("prlimit")
    if prlimit is None:
        return []
    seconds = int(limits.seconds_in_all) + 10
    command = [
        prlimit,
        f"--as={limits.memory_mib << 20}",
        f"--cpu={seconds}:{seconds + 1}",
        f"--fsize={limits.file_mib << 20}",
        f"--nofile={OPEN_FILES}",
        "--core=0",
    ]
    if processes:
        command.append(f"--nproc={limits.processes}")
    return command


def _python(limits: Limits, paths: list[str]) -> list[str]:
    arguments = [str(limits.answer_mib), str(limits.output_chars)]
    start = _START.format(paths=paths, arguments=arguments)
    # Isolated, and without the files of site-packages that run code at every start.
    return [_interpreter(), "-I", "-S", "-B", "-c", start]


def _interpreter() -> str:
    # Of a virtual environment, what it was made from: its packages are named one by one.
    return os.path.realpath(getattr(sys, "_base_executable", sys.executable) or sys.executable)


def _package_folders() -> list[str]:
    known = [*site.getsitepackages(), site.getusersitepackages()]
    known += [path for path in sys.path if path.endswith(("site-packages", "dist-packages"))]
    found = [os.path.realpath(path) for path in known if path in sys.path and os.path.isdir(path)]
    return list(dict.fromkeys(found))


def _python_folders() -> list[str]:
    prefixes = sorted({os.path.realpath(path) for path in (sys.base_prefix, sys.base_exec_prefix)})
    # Not the whole prefix: a Python built by hand can have a home folder as its own.
    parts = [os.path.join(path, name) for path in prefixes for name in ("bin", *_LIBRARY_FOLDERS)]
    # Python itself can be a library, at a place of its own.
    known = [sysconfig.get_config_var(name) or "" for name in ("LIBDIR", "INSTSONAME")]
    return [os.path.dirname(_interpreter()), *parts, os.path.join(*known), *_package_folders()]


def _font_lists() -> list[str]:
    # Else the first figure of every submission would look through all fonts, for seconds.
    home = os.environ.get("MPLCONFIGDIR")
    cache_home = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    folder = Path(home) if home else Path(cache_home, "matplotlib")
    return [str(path.resolve()) for path in sorted(folder.glob("fontlist-v*.json"))]


def _is_seen(path: str, shown: list[str]) -> bool:
    below = any(Path(path).is_relative_to(folder) for folder in ("/usr", *shown))
    # Python itself may be kept there.
    return below and not any(Path(folder).is_relative_to(path) for folder in shown)


@cache
def _tried() -> Sandbox:
    if not sys.platform.startswith("linux"):
        raise SandboxUnavailable(
            f"students' code cannot be shut in on {sys.platform}: bubblewrap is for Linux. Grade "
            "on a Linux machine, or, for submissions you have read, with --unsafe-no-sandbox"
        )
    bwrap = shutil.which("bwrap")
    missing = [name for name in ("prlimit", "setpriv") if shutil.which(name) is None]
    if bwrap is None or missing:
        what = "bubblewrap" if bwrap is None else f"the program {missing[0]} of util-linux"
        raise SandboxUnavailable(
            f"{what} is not installed, and students' code runs in its sandbox only. Debian and "
            "Ubuntu: apt install bubblewrap util-linux; Fedora: dnf install bubblewrap"
        )
    program = filter_program()
    sandbox = Sandbox(bwrap, as_root=os.geteuid() == 0, filtered=program is not None)
    complaint = _probe(sandbox)
    if complaint:
        raise SandboxUnavailable(
            f"bubblewrap is installed but makes no sandbox: {complaint}. It needs version 0.7 and "
            "user namespaces: in a container, ask for a security profile that allows them; on "
            "Ubuntu 24.04 or later, allow them to bwrap with an AppArmor profile"
        )
    return sandbox


def _probe(sandbox: Sandbox) -> str:
    try:
        with sandbox.start(Limits()) as worker:
            return worker.wait_ready(20.0)
    except (OSError, subprocess.SubprocessError) as error:
        return str(error)
