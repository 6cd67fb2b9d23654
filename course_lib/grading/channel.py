"""The channel to a student's code: frames of bounded length, with a deadline on each.

A frame is a mark of four bytes, the lengths of two parts, a part of JSON that says what the frame
is for, and a part of raw bytes for the arrays of `course_lib.grading.plain`. Both lengths are
checked before either part is read, and memory grows with the bytes that arrive, not with what was
announced.
"""

from __future__ import annotations

import json
import socket
import struct
import time
from collections.abc import Callable, Sequence
from typing import Any

from course_lib.grading.plain import Bounds, MalformedError, TooLargeError, decode, encode

MARK = b"dhf1"
_PREFIX = struct.Struct(">4sIQ")
_CHUNK = 1 << 18
BUFFERS = 10_000


class ChannelError(Exception):
    """The other side broke off, was too slow, or sent what is not a frame.

    Parameters
    ----------
    kind
        ``"closed"``, ``"timeout"``, ``"refused"`` or ``"too-large"``.
    message
        What happened.
    """

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Channel:
    """Sends and receives frames over a connected socket.

    Parameters
    ----------
    connection
        The socket, which the channel owns from here on.
    bounds
        How much a received frame may hold.
    text_bytes
        How long the JSON of a frame that is sent may be.
    """

    def __init__(
        self,
        connection: socket.socket,
        bounds: Bounds | None = None,
        text_bytes: int = Bounds.text_bytes,
    ) -> None:
        self._socket = connection
        self.bounds = bounds or Bounds()
        self.text_bytes = text_bytes

    def send(
        self, head: dict[str, Any], buffers: Sequence[Any] = (), *, deadline: float | None = None
    ) -> None:
        """Send a frame.

        Parameters
        ----------
        head
            What it is for; what `json.dumps` takes.
        buffers
            Byte strings that go with it.
        deadline
            When to give up, in seconds of `time.monotonic`; never if ``None``.

        Raises
        ------
        ChannelError
            If the other side is gone or does not read.
        TooLargeError
            If the frame is too long; then nothing is sent.
        """
        lengths = [memoryview(buffer).nbytes for buffer in buffers]
        text = json.dumps({**head, "buffers": lengths}, separators=(",", ":")).encode("ascii")
        if len(text) > self.text_bytes:
            raise TooLargeError(f"{len(text)} bytes of text, more than {self.text_bytes}")
        prefix = _PREFIX.pack(MARK, len(text), sum(lengths))
        self._write(prefix + text, deadline)
        for buffer in buffers:
            self._write(buffer, deadline)

    def receive(self, *, deadline: float | None = None) -> tuple[dict[str, Any], list[memoryview]]:
        """Return the next frame: what it is for, and its byte strings.

        Raises
        ------
        ChannelError
            If none comes in time, or it is not a frame within the bounds.
        """
        mark, text_length, body_length = _PREFIX.unpack(self._read(_PREFIX.size, deadline))
        if mark != MARK:
            raise ChannelError("refused", "what came is not a frame")
        if text_length > self.bounds.text_bytes or body_length > self.bounds.array_bytes:
            raise ChannelError("too-large", "a frame is longer than allowed")
        head = self._head(self._read(text_length, deadline))
        lengths = head.pop("buffers", None)
        if (
            not isinstance(lengths, list)
            or len(lengths) > BUFFERS
            or not all(type(length) is int and length >= 0 for length in lengths)
            or sum(lengths) != body_length
        ):
            raise ChannelError("refused", "a frame does not say where its arrays are")
        body = memoryview(self._read(body_length, deadline))
        buffers, start = [], 0
        for length in lengths:
            buffers.append(body[start : start + length])
            start += length
        return head, buffers

    def _head(self, text: bytearray) -> dict[str, Any]:
        # Every list, object and entry costs memory once it is read, so they are counted unread.
        if text.count(b"[") + text.count(b"{") + text.count(b",") > 4 * self.bounds.parts:
            raise ChannelError("too-large", "a frame has too many parts")
        try:
            head = json.loads(bytes(text))
        except (ValueError, RecursionError):
            raise ChannelError("refused", "a frame is not JSON") from None
        if not isinstance(head, dict) or not isinstance(head.get("op"), str):
            raise ChannelError("refused", "a frame does not say what it is for")
        return head

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _wait(self, deadline: float | None) -> None:
        if deadline is None:
            self._socket.settimeout(None)
            return
        left = deadline - time.monotonic()
        if left <= 0:
            raise ChannelError("timeout", "no answer in time")
        self._socket.settimeout(left)

    def _read(self, length: int, deadline: float | None) -> bytearray:
        got = bytearray()
        while len(got) < length:
            self._wait(deadline)
            try:
                piece = self._socket.recv(min(length - len(got), _CHUNK))
            except TimeoutError:
                raise ChannelError("timeout", "no answer in time") from None
            except OSError as error:
                raise ChannelError("closed", f"the other side is gone ({error})") from None
            if not piece:
                raise ChannelError("closed", "the other side is gone")
            got += piece
        return got

    def _write(self, data: Any, deadline: float | None) -> None:
        rest = memoryview(data).cast("B")
        while rest:
            self._wait(deadline)
            try:
                rest = rest[self._socket.send(rest[:_CHUNK]) :]
            except TimeoutError:
                raise ChannelError("timeout", "the other side does not read") from None
            except OSError as error:
                raise ChannelError("closed", f"the other side is gone ({error})") from None


def pack(
    values: dict[str, Any], bounds: Bounds | None = None, functions: list[Callable] | None = None
) -> tuple[dict[str, Any], list]:
    """Return the entries of a frame's head that hold plain values, and their byte strings."""
    trees, buffers = encode(list(values.values()), bounds, functions)
    return dict(zip(values, trees[1], strict=True)), buffers


def unpack(
    head: dict[str, Any],
    names: Sequence[str],
    buffers: Sequence[Any],
    bounds: Bounds | None = None,
    function: Callable[[int], Callable] | None = None,
) -> list[Any]:
    """Return the plain values that a frame holds under some names.

    Raises
    ------
    ChannelError
        If one is missing or not plain.
    """
    try:
        return decode(["l", [head[name] for name in names]], buffers, bounds, function)
    except KeyError as error:
        raise ChannelError("refused", f"a frame lacks {error}") from None
    except TooLargeError as error:
        raise ChannelError("too-large", str(error)) from None
    except (MalformedError, RecursionError) as error:
        raise ChannelError("refused", str(error)) from None
