"""Pictures that a stranger's program drew, reduced to what a browser can show without harm."""

from __future__ import annotations

import base64
import binascii
import struct
import zlib

from course_lib.grading.text import visible

#: The largest picture that is kept, in bytes and in pixels.
PICTURE_BYTES = 2 * 2**20
PIXELS = 20_000_000
#: How many pictures of one cell are kept.
PASTED = 6
_PNG = b"\x89PNG\r\n\x1a\n"
# The picture itself: no text, no colour profile (compressed, of any size), no animation.
_KEPT = {b"IHDR", b"PLTE", b"tRNS", b"gAMA", b"pHYs", b"IDAT", b"IEND"}
_FRAMES = {0xC0, 0xC1, 0xC2}


def decoded(text: object) -> bytes:
    """Return the bytes of a text in base64, none if it is no such text or far too long."""
    if not isinstance(text, str) or len(text) > 2 * PICTURE_BYTES:
        return b""
    try:
        return base64.b64decode("".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        return b""


def still_png(data: bytes) -> bytes | None:
    """Return a PNG picture with nothing in it but the picture, or None if it is not usable.

    Its chunks are walked, not its pixels: a picture that claims to be larger than a screen can show
    would be unpacked by the browser that opens the page.
    """
    if len(data) > PICTURE_BYTES or not data.startswith(_PNG):
        return None
    kept = [_PNG]
    position, first = len(_PNG), True
    while position + 12 <= len(data):
        length, kind = struct.unpack(">I4s", data[position : position + 8])
        body = data[position + 8 : position + 8 + length]
        end = position + 12 + length
        if end > len(data) or zlib.crc32(kind + body) != int.from_bytes(data[end - 4 : end], "big"):
            return None
        if first and (
            kind != b"IHDR" or length != 13 or not _fits(*struct.unpack(">II", body[:8]))
        ):
            return None
        first = False
        if kind in _KEPT:
            kept.append(data[position:end])
        if kind == b"IEND":
            return b"".join(kept)
        position = end
    return None


def still_jpeg(data: bytes) -> bytes | None:
    """Return a JPEG picture if its size is one that can be shown, otherwise None."""
    if len(data) > PICTURE_BYTES or not data.startswith(b"\xff\xd8\xff"):
        return None
    position = 2
    while position + 9 <= len(data) and data[position] == 0xFF:
        marker = data[position + 1]
        if marker in _FRAMES:
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return data if _fits(width, height) else None
        position += 2 + int.from_bytes(data[position + 2 : position + 4], "big")
    return None


def picture_address(mime: object, text: object) -> str | None:
    """Return the ``data:`` address of a PNG or JPEG in base64, or None if it is not usable."""
    readers = {"image/png": still_png, "image/jpeg": still_jpeg}
    reader = readers.get(mime) if isinstance(mime, str) else None
    picture = reader(decoded(text)) if reader else None
    if picture is None:
        return None
    return f"data:{mime};base64,{base64.b64encode(picture).decode('ascii')}"


def pasted_pictures(attachments: object) -> dict[str, dict[str, str]]:
    """Return the pictures pasted into a cell of text, in the form of notebooks.

    Parameters
    ----------
    attachments
        What the cell holds under this key, whatever that is. What is no usable picture, and what is
        more than `PASTED` of them, is left out.
    """
    found: dict[str, dict[str, str]] = {}
    for name, kinds in list(attachments.items() if isinstance(attachments, dict) else ()):
        for mime, text in list(kinds.items() if isinstance(kinds, dict) else ()):
            plain = isinstance(name, str) and 0 < len(name) <= 100 and visible(name) == name
            if plain and len(found) < PASTED and (address := picture_address(mime, text)):
                found[name] = {mime: address.partition(",")[2]}
    return found


def _fits(width: int, height: int) -> bool:
    return width > 0 and height > 0 and width * height <= PIXELS
