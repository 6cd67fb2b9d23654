"""Where a part of a lesson appears: before a running kernel, or on a page that has none.

With ``COURSE_STATIC=1`` in the environment (book builds, stored outputs, tests of the notebooks)
explorables, quizzes and figures become self-contained HTML or pictures. Without it they use what
a kernel can do.
"""

from __future__ import annotations

import os
import re
from functools import cache
from importlib.resources import files

STATIC_VARIABLE = "COURSE_STATIC"

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def is_static() -> bool:
    """Return whether output must live without a kernel.

    Raises
    ------
    ValueError
        If the variable is set to something other than 0 or 1.
    """
    value = os.environ.get(STATIC_VARIABLE, "0")
    if value not in ("", "0", "1"):
        raise ValueError(f"{STATIC_VARIABLE} must be 0 or 1, got {value!r}")
    return value == "1"


def check_name(argument: str, value: str) -> str:
    """Return ``value`` if it can be part of an identifier on a page.

    Names are given by authors, never drawn at random: stored outputs must not change by themselves.
    """
    if not isinstance(value, str) or not _NAME.fullmatch(value):
        raise ValueError(
            f"{argument} must be lower-case words joined by hyphens, such as 'step-size', got "
            f"{value!r}"
        )
    return value


@cache
def asset(package: str, filename: str) -> str:
    """Return a style or script that lies beside its module, without comments and indentation.

    The style and the script travel inside every output that needs them, so they travel light.
    Comments must stand on lines of their own.
    """
    text = files(package).joinpath(filename).read_text(encoding="utf-8")
    text = re.sub(r"^\s*/\*.*?\*/\s*$", "", text, flags=re.DOTALL | re.MULTILINE)
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def style(*parts: tuple[str, str]) -> str:
    """Return a ``style`` element with the palette of the lesson and the ``parts`` named."""
    sheets = [asset("course_lib.lesson", "palette.css"), *(asset(*part) for part in parts)]
    return f"<style>{' '.join(sheets)}</style>".replace("\n", " ")


def script(package: str, filename: str) -> str:
    """Return a ``script`` element with the file named."""
    return f"<script>\n{asset(package, filename)}\n</script>"
