"""What code in the sandbox cannot do, tried by code in the sandbox."""

import os
import platform
import shutil
import signal
import socket
import stat
import struct
import subprocess
import sys
import time
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path

import pytest

from course_lib.grading import sandbox as module
from course_lib.grading.jobs import hiding
from course_lib.grading.sandbox import FIRST_UID, Limits, Sandbox, SandboxUnavailable, Unsandboxed
from course_lib.grading.session import CodeCell, StudentSession
from course_lib.grading.syscalls import filter_program
from tests.grading.sandboxes import needs_sandbox

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def sandbox():
    return Sandbox.find()


@pytest.fixture(scope="module")
def unfiltered(sandbox):
    """The second line of defence: what the sandbox promises where no filter is known."""
    return replace(sandbox, filtered=False)


def inside(sandbox, source, limits=None):
    """Run code in a sandbox and return what it printed."""
    with StudentSession([CodeCell("q", source)], sandbox=sandbox, limits=limits) as session:
        (outcome,) = session.outcomes
    assert outcome.error is None, outcome.error
    return outcome.stdout


TRY = """
def attempt(act, *args):
    try:
        act(*args)
    except Exception as error:
        return type(error).__name__
    return 'done'
"""


@needs_sandbox
class TestView:
    def test_nothing_of_the_course_but_the_library_is_shown(self, sandbox):
        command = sandbox.command(Limits())
        shown = [
            Path(command[i + 1])
            for i, word in enumerate(command)
            if word in ("--ro-bind", "--bind")
        ]
        assert "--bind" not in command
        assert ROOT / "course_lib" in shown
        for secret in (
            ROOT / "book" / "assignments",
            ROOT / "tests",
            ROOT / ".git",
            Path("/root/x"),
        ):
            assert not any(secret.is_relative_to(folder) for folder in shown)
        assert not any(folder == Path.home() or folder in Path.home().parents for folder in shown)

    def test_gradebook_masters_and_neighbours_cannot_be_found(self, sandbox, tmp_path):
        planted = [
            tmp_path / name for name in ("gradebook.db", "submitted/ada/a.ipynb", "source/a")
        ]
        for path in planted:
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text("secret")
        planted += [ROOT / "pyproject.toml", ROOT / "book" / "intro.md", Path("/etc/passwd")]
        source = TRY + f"print([attempt(open, path) for path in {list(map(str, planted))!r}])"
        assert set(eval(inside(sandbox, source))) == {"FileNotFoundError"}
        source = (
            "import os\nfound = []\n"
            "for place, folders, files in os.walk('/'):\n"
            "    folders[:] = {*folders} - {'proc', 'usr', 'dev', 'site-packages'}\n"
            "    found += [name for name in files if name.endswith(('.ipynb', '.db', '.md'))]\n"
            "print(found)"
        )
        names = eval(inside(sandbox, source))
        assert not {"gradebook.db", "a.ipynb"} & set(names)

    def test_nothing_can_be_written_but_the_working_folder(self, sandbox):
        source = TRY + (
            "import os\n"
            "for folder in ('/', '/usr', '/usr/local/lib', '/etc', '/dev', '/dev/shm', '/proc',"
            " '/downhill', '/downhill/course_lib', '/tmp', '/tmp/work',"
            " os.path.dirname(os.__file__), os.path.dirname(__import__('numpy').__file__)):\n"
            "    print(folder, attempt(open, folder + '/planted', 'w'))"
        )
        said = dict(line.split() for line in inside(sandbox, source).splitlines())
        assert {folder for folder, came in said.items() if came == "done"} == {"/tmp", "/tmp/work"}
        for folder in ("/tmp", "/usr", "/dev/shm", ROOT / "course_lib"):
            assert not Path(folder, "planted").exists()

    def test_every_sandbox_begins_empty(self, sandbox):
        assert inside(sandbox, "open('left', 'w').write('x'); print()") == "\n"
        source = "import os; print(os.listdir('.'), os.path.exists('/tmp/work/left'))"
        assert inside(sandbox, source) == "[] False\n"

    def test_what_is_to_be_hidden_is_empty(self, sandbox):
        source = "import os; print(os.listdir('/usr/local/share'), os.listdir('/usr/lib/locale'))"
        assert inside(hiding(sandbox, Path("/usr/lib/locale")), source) == "[] []\n"
        assert hiding(Unsandboxed(), ROOT) == Unsandboxed()
        assert hiding(None, ROOT) is None

    def test_the_environment_tells_nothing(self, sandbox, monkeypatch):
        monkeypatch.setenv("SECRET_TOKEN", "xyzzy")
        said = inside(sandbox, "import os; print(dict(os.environ))")
        assert "xyzzy" not in said
        assert "'PYTHONSAFEPATH': '1'" in said
        assert "'OPENBLAS_NUM_THREADS': '1'" in said

    def test_python_is_isolated_and_the_students_modules_come_last(self, sandbox):
        source = (
            "import sys, os\n"
            "print(sys.flags.isolated, sys.flags.no_site, sys.path.index(os.getcwd()) == "
            "len(sys.path) - 1, '' in sys.path)"
        )
        assert inside(sandbox, source) == "1 1 True False\n"

    def test_the_library_and_its_packages_are_there(self, sandbox):
        source = "import course_lib.costs, numpy, scipy; print(course_lib.__file__)"
        assert inside(sandbox, source) == "/downhill/course_lib/__init__.py\n"


@needs_sandbox
class TestRights:
    def test_the_user_inside_has_none(self, sandbox):
        said = inside(
            sandbox,
            "import os; print(os.getuid(), os.getgid(), *os.getgroups())\n"
            "kept = ('Cap', 'NoNew', 'Secc')\n"
            "print(*[line for line in open('/proc/self/status') if line.startswith(kept)])",
        )
        ids, *rest = said.splitlines()
        expected = sandbox.uid if sandbox.as_root else os.getuid()
        assert ids.split()[0] == str(expected)
        if sandbox.as_root:
            assert ids.split() == [str(sandbox.uid)] * 2
            assert sandbox.uid >= FIRST_UID
        status = dict(line.strip().split(":\t") for line in rest if line.strip())
        for name in ("CapInh", "CapPrm", "CapEff", "CapAmb"):
            assert int(status[name], 16) == 0
        assert status["NoNewPrivs"] == "1"
        if filter_program() is not None:
            assert status["Seccomp"] == "2"

    def test_workers_have_users_of_their_own(self):
        assert Sandbox.find(0).uid == FIRST_UID
        assert Sandbox.find(1).uid != Sandbox.find(2).uid

    def test_the_network_is_not_there(self, unfiltered):
        with ExitStack() as stack:
            names = []
            for family, address in (
                (socket.AF_INET, ("127.0.0.1", 0)),
                (socket.AF_UNIX, f"\0downhill-test-{os.getpid()}"),
            ):
                server = stack.enter_context(socket.socket(family, socket.SOCK_STREAM))
                server.bind(address)
                server.listen()
                server.settimeout(0.1)
                names.append((int(family), server.getsockname()))
                # It can be reached from here.
                with socket.socket(family, socket.SOCK_STREAM) as client:
                    client.connect(server.getsockname())
                    server.accept()[0].close()
            source = TRY + (
                "import socket\n"
                f"for family, address in {names!r}:\n"
                "    s = socket.socket(family); s.settimeout(1)\n"
                "    print(attempt(s.connect, address))\n"
                "s = socket.socket(); s.settimeout(1)\n"
                "print(attempt(s.connect, ('192.0.2.1', 80)))\n"
                "print(attempt(socket.getaddrinfo, 'example.org', 80), socket.if_nameindex())"
            )
            said = inside(unfiltered, source).splitlines()
        assert "done" not in " ".join(said)
        assert said[-1].endswith("[(1, 'lo')]")

    def test_processes_outside_cannot_be_seen_or_ended(self, unfiltered):
        source = TRY + (
            "import os, signal\n"
            "print(*[n for n in os.listdir('/proc') if n.isdigit()])\n"
            f"print([attempt(os.kill, pid, 0) for pid in ({os.getpid()}, {os.getppid()})])"
        )
        numbers, kills = inside(unfiltered, source).splitlines()
        assert max(map(int, numbers.split())) < 20
        assert eval(kills) == ["ProcessLookupError"] * 2


@needs_sandbox
class TestLimits:
    def test_memory(self, sandbox):
        limits = Limits(memory_mib=512)
        source = TRY + "print(attempt(bytearray, 600 << 20), attempt(bytearray, 100 << 20))"
        assert inside(sandbox, source, limits) == "MemoryError done\n"

    def test_files(self, sandbox):
        source = TRY + (
            "import os\n"
            "print(attempt(open('a', 'wb').write, bytes(2 << 20)), os.path.getsize('a'))\n"
            "n = 0\n"
            "try:\n"
            "    for n in range(50):\n"
            "        with open(f'b{n}', 'wb') as file: file.write(bytes(1 << 19))\n"
            "except OSError as error: print(error.strerror, n < 8)\n"
            "files = []\n"
            "try:\n"
            "    while True: files.append(open('/dev/null'))\n"
            "except OSError as error: print(error.strerror, len(files) < 128)"
        )
        assert inside(sandbox, source, Limits(file_mib=1)).splitlines() == [
            "OSError 1048576",
            "No space left on device True",
            "Too many open files True",
        ]

    def test_time_of_computing_is_limited_beside_that_on_the_clock(self, sandbox):
        source = (
            "import resource as r; print(r.getrlimit(r.RLIMIT_CPU), r.getrlimit(r.RLIMIT_CORE))"
        )
        assert inside(sandbox, source, Limits(seconds_in_all=5)) == "(15, 16) (0, 0)\n"

    def test_limits_cannot_be_raised(self, sandbox):
        source = TRY + (
            "import resource as r\n"
            "for kind in ('AS', 'FSIZE', 'CPU', 'NPROC', 'NOFILE'):\n"
            "    kind = getattr(r, 'RLIMIT_' + kind)\n"
            "    print(attempt(r.setrlimit, kind, (r.RLIM_INFINITY, r.RLIM_INFINITY)))"
        )
        assert set(inside(sandbox, source).split()) == {"ValueError"}

    def test_threads(self, sandbox):
        source = (
            "import threading, time\nn = 0\n"
            "try:\n"
            "    for n in range(200):\n"
            "        threading.Thread(target=time.sleep, args=(100,), daemon=True).start()\n"
            "except RuntimeError as error: print(error)\n"
            "print(n)"
        )
        if not sandbox.as_root and os.getuid() == 0:
            pytest.fail("root's processes are not counted; find() must not choose this")
        message, count = inside(sandbox, source, Limits(processes=12)).splitlines()
        assert message == "can't start new thread"
        assert int(count) < 12

    def test_processes_where_no_filter_forbids_them(self, unfiltered):
        source = (
            "import os, time\nn = 0\n"
            "try:\n"
            "    for n in range(200):\n"
            "        if os.fork() == 0: time.sleep(100)\n"
            "except OSError as error: print(error.strerror)\n"
            "print(n)"
        )
        message, count = inside(unfiltered, source, Limits(processes=12)).splitlines()
        assert message == "Resource temporarily unavailable"
        assert int(count) < 12


def processes_with(words):
    """Return the processes of this machine that have some words in their command line."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if words in path.read_bytes().decode("utf-8", "replace"):
                found.append(int(path.parent.name))
        except OSError:
            continue
    return found


def processes_of(uid):
    """Return the processes of this machine that a user runs."""
    found = []
    for path in Path("/proc").glob("[0-9]*"):
        try:
            if path.stat().st_uid == uid:
                found.append(int(path.name))
        except OSError:
            continue
    return found


def gone(find, what, seconds=5.0):
    """Whether no process is found within some time."""
    end = time.monotonic() + seconds
    while find(what):
        if time.monotonic() > end:
            return False
        time.sleep(0.02)
    return True


# A child that has left its parent, its session and its group, and looks like another program.
DAEMON = """
import os, signal, time
def leave():
    if os.fork() == 0:
        os.setsid()
        for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT): signal.signal(number, 1)
        if os.fork() == 0:
            os.execv('/usr/bin/sleep', ['sleep', '{mark}'])
        os._exit(0)
    time.sleep(0.2)
"""


@needs_sandbox
class TestSurvivors:
    def mark(self, number):
        # An odd length of time, to know the process by.
        return f"{600 + number}.{os.getpid()}"

    def test_the_filter_forbids_new_processes(self, sandbox):
        if filter_program() is None:
            assert platform.machine() not in ("x86_64", "aarch64")
            return
        source = TRY + (
            "import os, subprocess, threading\n"
            "print(attempt(os.fork), attempt(subprocess.run, ['/bin/true']),"
            " attempt(os.posix_spawn, '/bin/true', ['true'], {}))\n"
            "thread = threading.Thread(target=print, args=('a thread may run',))\n"
            "thread.start(); thread.join()"
        )
        assert inside(sandbox, source).splitlines() == [
            "PermissionError PermissionError PermissionError",
            "a thread may run",
        ]

    def test_nothing_outlives_the_session(self, unfiltered):
        mark = self.mark(1)
        sandbox = replace(unfiltered, uid=unfiltered.uid + 1)
        source = DAEMON.format(mark=mark) + "leave()"
        with StudentSession([CodeCell("q", source)], sandbox=sandbox) as session:
            assert session.outcomes[0].status == "ok"
            assert processes_with(f"sleep\0{mark}")
        # At once: closing waits for the last of them.
        assert not processes_with(f"sleep\0{mark}")
        if sandbox.as_root:
            assert not processes_of(sandbox.uid)

    @pytest.mark.parametrize("end", ["os._exit(1)", "while True: pass"])
    def test_nothing_outlives_a_crash_or_a_deadline(self, unfiltered, end):
        mark = self.mark(2)
        source = DAEMON.format(mark=mark) + f"leave()\n{end}"
        limits = Limits(seconds_a_cell=1.0)
        with StudentSession([CodeCell("q", source)], sandbox=unfiltered, limits=limits) as session:
            assert session.outcomes[0].status in ("crashed", "timeout")
            assert not processes_with(f"sleep\0{mark}")

    def test_nothing_outlives_a_judge_that_is_killed(self, unfiltered):
        mark = self.mark(3)
        source = DAEMON.format(mark=mark) + "leave()\nwhile True: pass"
        program = (
            "from course_lib.grading.sandbox import Sandbox\n"
            "from course_lib.grading.session import CodeCell, StudentSession\n"
            f"StudentSession([CodeCell('q', {source!r})], sandbox={unfiltered!r})"
        )
        judge = subprocess.Popen([sys.executable, "-c", program], cwd=ROOT)
        try:
            end = time.monotonic() + 15
            while not processes_with(f"sleep\0{mark}"):
                assert time.monotonic() < end
                time.sleep(0.02)
        finally:
            judge.send_signal(signal.SIGKILL)
            judge.wait()
        assert gone(processes_with, f"sleep\0{mark}")

    def test_no_descriptor_is_left_open(self, sandbox):
        inside(sandbox, "print(1)")
        before = os.listdir("/proc/self/fd")
        for _ in range(2):
            inside(sandbox, "import os; print(1); os.environ['A'] = 'b'")
        with StudentSession([CodeCell("q", "import os; os._exit(1)")], sandbox=sandbox):
            pass
        assert os.listdir("/proc/self/fd") == before


ALLOWED, EPERM, ENOSYS, NO_FAMILY, KILLED = 0x7FFF0000, 0x50001, 0x50026, 0x50061, 0x80000000


def verdict(program, architecture, number, argument=0):
    """Run a filter as the kernel does, on one call."""
    data = struct.pack("<IIQQ", number, architecture, 0, argument)
    steps = list(struct.iter_unpack("=HBBI", program))
    place = value = 0
    while True:
        code, yes, no, k = steps[place]
        place += 1
        if code == 0x20:
            (value,) = struct.unpack_from("<I", data, k)
        elif code == 0x06:
            return k
        else:
            hit = {0x15: value == k, 0x35: value >= k, 0x45: bool(value & k)}[code]
            place += yes if hit else no


class TestFilter:
    # Numbers of clone, clone3, socket, read, execve, unshare, ptrace and their architecture.
    NUMBERS = (
        ("x86_64", 0xC000003E, 56, 435, 41, 0, 59, 272, 101),
        ("aarch64", 0xC00000B7, 220, 435, 198, 63, 221, 97, 117),
    )

    @pytest.mark.parametrize("row", NUMBERS, ids=lambda row: row[0])
    def test_decides_as_it_says(self, row):
        machine, arch, clone, clone3, connection, read, execve, unshare, ptrace = row
        program = filter_program(machine)
        assert len(program) < 4096, "it must fit into a pipe that nobody reads yet"
        # What pthread_create asks for, and what fork does.
        assert verdict(program, arch, clone, 0x3D0F00) == ALLOWED
        assert verdict(program, arch, clone, 0x1200011) == EPERM
        assert verdict(program, arch, clone3) == ENOSYS
        for family, expected in ((1, ALLOWED), (2, ALLOWED), (10, ALLOWED), (16, NO_FAMILY)):
            assert verdict(program, arch, connection, family) == expected
        assert verdict(program, arch, connection, 40) == NO_FAMILY
        for number in (read, execve):
            assert verdict(program, arch, number) == ALLOWED
        for number in (unshare, ptrace, 425, 434 + 4, 428):
            assert verdict(program, arch, number) == EPERM

    def test_calls_of_another_architecture_end_the_process(self):
        assert verdict(filter_program("x86_64"), 0x40000003, 0) == KILLED
        assert verdict(filter_program("aarch64"), 0xC000003E, 63) == KILLED

    def test_the_same_calls_under_other_numbers_are_unknown(self):
        assert verdict(filter_program("x86_64"), 0xC000003E, 0x40000000 + 57) == ENOSYS
        assert verdict(filter_program("x86_64"), 0xC000003E, 57) == EPERM

    def test_there_is_none_for_machines_it_does_not_know(self):
        assert filter_program("riscv64") is None


class TestUnavailable:
    """Where there is no sandbox, the message says what to do."""

    @pytest.fixture(autouse=True)
    def _not_tried(self):
        module._tried.cache_clear()
        yield
        module._tried.cache_clear()

    def test_without_bubblewrap(self, monkeypatch):
        monkeypatch.setattr(module.sys, "platform", "linux")
        monkeypatch.setattr(module.shutil, "which", lambda name: None)
        with pytest.raises(
            SandboxUnavailable, match=r"bubblewrap is not installed.*apt install bubble"
        ):
            Sandbox.find()

    def test_without_a_program_that_it_needs(self, monkeypatch):
        monkeypatch.setattr(module.sys, "platform", "linux")
        monkeypatch.setattr(
            module.shutil, "which", lambda name: None if name == "setpriv" else f"/bin/{name}"
        )
        with pytest.raises(SandboxUnavailable, match="the program setpriv of util-linux is not"):
            Sandbox.find()

    @pytest.mark.parametrize("system", ["darwin", "win32"])
    def test_on_other_systems(self, monkeypatch, system):
        monkeypatch.setattr(module.sys, "platform", system)
        with pytest.raises(SandboxUnavailable, match=f"on {system}: .*--unsafe-no-sandbox"):
            Sandbox.find()

    @pytest.mark.skipif(not sys.platform.startswith("linux"), reason="bubblewrap is for Linux")
    def test_where_bubblewrap_does_not_work(self, monkeypatch, tmp_path):
        broken = tmp_path / "bwrap"
        broken.write_text(
            "#!/bin/sh\necho 'bwrap: No permissions to create new namespace' >&2\nexit 1"
        )
        broken.chmod(broken.stat().st_mode | stat.S_IXUSR)
        which = shutil.which
        monkeypatch.setattr(
            module.shutil,
            "which",
            lambda name: str(broken) if name == "bwrap" else which(name) or "-",
        )
        with pytest.raises(
            SandboxUnavailable, match=r"makes no sandbox: bwrap: No permissions.*0\.7"
        ):
            Sandbox.find()


class TestUnsandboxed:
    def test_runs_the_same_worker_and_leaves_nothing(self):
        source = "import os; open('left', 'w').write('x'); print(os.getcwd())"
        folder = inside(Unsandboxed(), source).strip()
        assert "submission-" in folder
        assert not Path(folder).exists()

    @pytest.mark.skipif(shutil.which("prlimit") is None, reason="there is no prlimit")
    def test_has_the_limits_of_a_process(self):
        source = TRY + "print(attempt(bytearray, 600 << 20))"
        assert inside(Unsandboxed(), source, Limits(memory_mib=512)) == "MemoryError\n"

    def test_does_without_prlimit(self, monkeypatch):
        monkeypatch.setattr(module.shutil, "which", lambda name: None)
        assert inside(Unsandboxed(), "print(1)") == "1\n"
