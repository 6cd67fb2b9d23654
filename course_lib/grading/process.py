"""A worker as a process: its start, its channel, and its certain end."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import select
import signal
import socket
import subprocess
import time
from types import TracebackType

from course_lib.grading.channel import Channel, ChannelError
from course_lib.grading.worker import FROM_JUDGE

_SIGNALS = {
    "SIGSEGV": "compiled code crashed, or a recursion had no end",
    "SIGBUS": "compiled code crashed",
    "SIGFPE": "compiled code crashed",
    "SIGILL": "compiled code crashed",
    "SIGABRT": "compiled code gave up",
    "SIGKILL": "it was killed",
    "SIGXCPU": "it computed for too long",
    "SIGALRM": "its own alarm rang",
}


class WorkerProcess:
    """A started worker.

    Attributes
    ----------
    channel : Channel
        The way to it.

    Parameters
    ----------
    process
        What was started: bubblewrap, or the interpreter itself.
    connection
        The judge's end of the socket.
    inner
        A handle of the first process inside the sandbox.
    """

    def __init__(
        self, process: subprocess.Popen, connection: socket.socket, inner: int | None = None
    ) -> None:
        self._process = process
        self._inner = inner
        self.channel = Channel(connection, text_bytes=FROM_JUDGE.text_bytes)

    def __enter__(self) -> WorkerProcess:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.kill()

    def wait_ready(self, seconds: float) -> str:
        """Wait until it says that it is ready; return what is wrong, or an empty text."""
        try:
            head, _ = self.channel.receive(deadline=time.monotonic() + seconds)
        except ChannelError as error:
            self._end()
            said = self._process.stderr.read(2000).decode("utf-8", "replace").strip()
            return said or str(error)
        return "" if head["op"] == "ready" else "what was started is not a worker"

    def reason(self) -> str:
        """Return why it ended by itself, in words; empty if it did not or that is not known."""
        try:
            code = self._process.wait(1.0)
        except subprocess.TimeoutExpired:
            return ""
        # Bubblewrap reports a signal as 128 and its number.
        number = code - 128 if code > 128 else -code
        try:
            return _SIGNALS.get(signal.Signals(number).name, "")
        except ValueError:
            return ""

    def kill(self) -> None:
        """End it and all its processes, and wait until they are gone."""
        self._end()
        self._process.stderr.close()

    def _end(self) -> None:
        self.channel.close()
        if self._inner is not None:
            # The kernel ends all processes of a namespace before the first one of it is gone, and
            # bubblewrap waits for that one.
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._inner, signal.SIGKILL)
            _wait_for(self._inner, 10.0)
            os.close(self._inner)
            self._inner = None
        if self._process.returncode is None:
            self._kill_group()
        self._process.wait()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            if hasattr(os, "killpg"):
                os.killpg(self._process.pid, signal.SIGKILL)
            else:
                self._process.kill()


def start_sandboxed(command: list[str], filter_program: bytes | None) -> WorkerProcess:
    """Start bubblewrap with a worker inside.

    Parameters
    ----------
    command
        Bubblewrap, its options, and the program inside.
    filter_program
        The filter of system calls, if there is one.
    """
    ours, theirs = socket.socketpair()
    told, tell = os.pipe()
    handed, options = [tell], ["--info-fd", str(tell)]
    if filter_program is not None:
        rules, write = os.pipe()
        os.write(write, filter_program)
        os.close(write)
        handed.append(rules)
        options += ["--seccomp", str(rules)]
    try:
        process = subprocess.Popen(
            [command[0], *options, *command[1:]],
            stdin=theirs,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            pass_fds=handed,
            env={"PATH": "/usr/bin:/bin"},
            start_new_session=True,
        )
    except BaseException:
        ours.close()
        os.close(told)
        raise
    finally:
        theirs.close()
        for descriptor in handed:
            os.close(descriptor)
    return WorkerProcess(process, ours, _first_inside(told))


def _first_inside(told: int) -> int | None:
    said = b""
    deadline = time.monotonic() + 10.0
    with open(told, "rb", buffering=0) as stream:
        while b"}" not in said:
            piece = stream.read(4096) if _wait_for(told, deadline - time.monotonic()) else b""
            if not piece:
                return None
            said += piece
    try:
        return os.pidfd_open(json.loads(said)["child-pid"])
    except ProcessLookupError:
        return None


def _wait_for(descriptor: int, seconds: float) -> bool:
    # Not select, which refuses descriptors from 1024 on.
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    return bool(poll.poll(max(0.0, seconds) * 1000))


def start_plain(
    command: list[str], environment: dict[str, str], folder: str, by_port: bool
) -> WorkerProcess:
    """Start a worker as an ordinary process.

    Parameters
    ----------
    command
        The interpreter and what it runs, the worker's arguments last.
    environment
        The environment variables.
    folder
        The working folder.
    by_port
        Whether it connects to a local port instead of finding its connection as standard input.
    """
    options = {
        "stdout": subprocess.DEVNULL,
        "stderr": subprocess.PIPE,
        "env": environment,
        "cwd": folder,
        "start_new_session": True,
    }
    if not by_port:
        ours, theirs = socket.socketpair()
        with theirs:
            return WorkerProcess(subprocess.Popen(command, stdin=theirs, **options), ours)
    token = secrets.token_hex(16)
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"127.0.0.1:{server.getsockname()[1]}:{token}"
        process = subprocess.Popen([*command, address], stdin=subprocess.DEVNULL, **options)
        server.settimeout(20.0)
        ours, _ = server.accept()
    ours.settimeout(20.0)
    if ours.recv(len(token)) != token.encode("ascii"):
        ours.close()
        process.kill()
        raise OSError("someone else answered in place of the worker")
    return WorkerProcess(process, ours)
