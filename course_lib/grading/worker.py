"""The program inside the sandbox: runs a student's cells and answers calls of their functions.

It trusts nobody and is trusted by nobody: what it sends is read by `course_lib.grading.session`
with bounds and deadlines. It knows neither the checks nor the reference. Little is imported, since
it starts once a submission.
"""

from __future__ import annotations

import contextlib
import os
import socket
import sys
import warnings
from typing import Any

from course_lib.grading.cells import Captured, Notebook, close_figures, described
from course_lib.grading.channel import Channel, ChannelError, pack, unpack
from course_lib.grading.plain import (
    FROM_CALLBACK,
    Bounds,
    NotPlainError,
    TooLargeError,
    answer_bounds,
)

# A check may hand over as much as an answer may hold, and one argument more.
FROM_JUDGE = Bounds(text_bytes=8 << 20, array_bytes=256 << 20, parts=400_000, depth=40)
REFUSED = "it takes and returns plain data: numbers, texts, lists, tuples, dicts and arrays"


class Stub:
    """Stands for a function of the judge: calling it asks the judge.

    Parameters
    ----------
    worker
        Which holds the channel.
    number
        Which function of the call it is.
    """

    __slots__ = ("_number", "_worker")
    __name__ = "function"

    def __init__(self, worker: Worker, number: int) -> None:
        self._worker = worker
        self._number = number

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self._worker.ask(self._number, args, kwargs)

    def __repr__(self) -> str:
        return "<function>"


class Worker:
    """Answers the requests that come over a channel, until it closes.

    Parameters
    ----------
    channel
        The way to the judge.
    bounds
        How much an answer may hold.
    output_chars
        How many characters of a cell's output to keep.
    """

    def __init__(self, channel: Channel, bounds: Bounds, output_chars: int) -> None:
        self.channel = channel
        self.bounds = bounds
        self.captured = Captured(output_chars)
        self.notebook = Notebook(self.captured, output_chars)
        self.token = ""
        self._process = os.getpid()

    def serve(self) -> None:
        """Answer requests in turn."""
        answers = {
            "files": self.files,
            "cell": self.cell,
            "defined": self.defined,
            "get": self.get,
            "call": self.call,
        }
        self.send("ready")
        while True:
            head, buffers = self.channel.receive()
            self.token = head.get("token", "")
            answers[head["op"]](head, buffers)

    def send(self, op: str, buffers: list | tuple = (), **head: Any) -> None:
        if os.getpid() != self._process:
            # A copy that the student's code made of this program must not answer too.
            os._exit(0)
        self.channel.send({"op": op, "token": self.token, **head}, buffers)

    def files(self, head: dict, buffers: list) -> None:
        for name, data in zip(head["names"], buffers, strict=True):
            # One that is too large is missing, as if it had not been handed in.
            with contextlib.suppress(OSError):
                os.makedirs(os.path.dirname(name) or ".", exist_ok=True)
                with open(name, "wb") as file:
                    file.write(data)
        self.send("done")

    def cell(self, head: dict, buffers: list) -> None:
        outcome = self.notebook.run(head["id"], head["source"])
        images = outcome.pop("images")
        self.send("outcome", images, **outcome)

    def defined(self, head: dict, buffers: list) -> None:
        value = self.notebook.namespace.get(head["name"])
        known = head["name"] in self.notebook.namespace
        self.send("kind", kind=("function" if callable(value) else "value") if known else None)

    def get(self, head: dict, buffers: list) -> None:
        try:
            self.answer(self.notebook.namespace[head["name"]])
        except KeyError:
            self.send("failure", kind="missing")

    def call(self, head: dict, buffers: list) -> None:
        # Arguments are made anew for every call, so no call sees what another did to them.
        args, kwargs = unpack(head, ("args", "kwargs"), buffers, FROM_JUDGE, self.stub)
        before = self.written(args, kwargs)
        function = self.notebook.namespace.get(head["name"])
        if function is None:
            self.send("failure", kind="missing")
            return
        self.captured.start()
        try:
            result = function(*args, **kwargs)
        except BaseException as error:
            self.captured.start()
            close_figures()
            self.send("failure", kind="raised", **described(error))
            return
        self.captured.start()
        close_figures()
        after = self.written(args, kwargs)
        changed = [name for name, was in before.items() if was is not None and was != after[name]]
        self.answer(result, changed=changed)

    def stub(self, number: int) -> Stub:
        return Stub(self, number)

    def written(self, args: list, kwargs: dict) -> dict[int | str, Any]:
        """Return the arguments as they would be written, to see which of them change."""
        written: dict[int | str, Any] = {}
        for name, value in [*enumerate(args), *kwargs.items()]:
            try:
                written[name] = pack({"value": value}, FROM_JUDGE)
            except NotPlainError:
                # A function or a generator stands for more than its value.
                written[name] = None
            except BaseException:
                written[name] = "cannot be read"
        return written

    def answer(self, value: Any, **head: Any) -> None:
        try:
            trees, buffers = pack({"value": value}, self.bounds)
            self.send("value", buffers, **trees, **head)
        except NotPlainError as error:
            self.send("failure", kind="not-plain", what=error.what)
        except (TooLargeError, MemoryError):
            self.send("failure", kind="too-large")
        except ChannelError:
            raise
        except Exception:
            self.send("failure", kind="not-plain", what="object")

    def ask(self, number: int, args: tuple, kwargs: dict) -> Any:
        try:
            trees, buffers = pack({"args": args, "kwargs": kwargs}, FROM_CALLBACK)
        except NotPlainError as error:
            raise TypeError(f"{REFUSED}; here came {error.what}") from None
        self.send("ask", buffers, function=number, **trees)
        head, buffers = self.channel.receive()
        if head["op"] == "value":
            return unpack(head, ("value",), buffers, FROM_JUDGE)[0]
        kind = getattr(__import__("builtins"), str(head.get("type")), ValueError)
        if not (isinstance(kind, type) and issubclass(kind, Exception)):
            kind = ValueError
        raise kind(head.get("message", ""))


def main(arguments: list[str]) -> None:
    """Run the worker.

    Parameters
    ----------
    arguments
        MiB of an answer, characters of output, and, where the channel is not standard input,
        ``host:port:token`` of a local socket.
    """
    if len(arguments) > 2:
        host, port, token = arguments[2].split(":")
        connection = socket.create_connection((host, int(port)))
        connection.sendall(token.encode("ascii"))
    else:
        # Away from the place where every program looks for its input.
        connection = socket.socket(fileno=os.dup(0))
        with open(os.devnull, "rb") as nothing:
            os.dup2(nothing.fileno(), 0)
    os.set_inheritable(connection.fileno(), False)
    # A window is never opened, so it is no news that none is.
    warnings.filterwarnings("ignore", message="FigureCanvasAgg is non-interactive")
    # The student's own modules come last: they cannot stand for others.
    sys.path.append(os.getcwd())
    bounds = answer_bounds(int(arguments[0]), int(arguments[1]))
    channel = Channel(connection, FROM_JUDGE, bounds.text_bytes)
    worker = Worker(channel, bounds, int(arguments[1]))
    with contextlib.suppress(ChannelError):
        worker.serve()
    os._exit(0)
