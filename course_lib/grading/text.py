"""Text that a student wrote, made fit to store, to show and to quote.

What comes out holds no lone surrogate and no NUL, which files, databases and channels refuse, and
what is shown holds nothing that a reader cannot see.
"""

from __future__ import annotations

import re

_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")
# Colours, cursor movements, window titles: everything a terminal would obey.
_TERMINAL = re.compile(
    "\x1b(?:\\[[0-?]*[ -/]*[@-~]"
    "|\\][^\x07\x1b]*(?:\x07|\x1b\\\\)?"
    "|[PX^_][^\x1b]*(?:\x1b\\\\)?"
    "|[ -/]*[0-~])?"
)
# Control characters apart from newline and tab; marks that turn the direction of writing, that
# take no room, or that some renderer takes for a line break.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u061c\u180e\u200b-\u200f\u2028-\u202e\u2060-\u206f"
    "\ufeff\ufff9-\ufffb\ufffe\uffff\ud800-\udfff\U000e0000-\U000e007f]"
)


def storable(text: str) -> str:
    r"""Return the text with ``\n`` line ends, and U+FFFD for each NUL and lone surrogate."""
    return _UNSTORABLE.sub("\ufffd", text.replace("\r\n", "\n").replace("\r", "\n"))


def named(text: str) -> str:
    """Return the text with every character named that would not be seen, like ``[U+202E]``."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


def visible(text: str, most: int = 20_000) -> str:
    """Return the text as it can be shown: at most ``most`` characters, nothing hidden in it.

    Sequences that a terminal would obey are taken out. A character that would not be seen, or that
    turns the direction of writing, is named.
    """
    # Cut first, with room for what is taken out: the text may be a flood.
    left_out = len(text) > 4 * most
    text = _TERMINAL.sub("", text[: 4 * most].replace("\r\n", "\n"))
    left_out = left_out or len(text) > most
    return named(text[:most]) + ("\n… the rest is left out" if left_out else "")


def one_line(text: str, most: int = 200) -> str:
    """Return the text as one short line, to be quoted in a message."""
    line = " ".join(_UNSEEN.sub("?", _TERMINAL.sub("", text[: 4 * most])).split())
    return line if len(line) <= most else line[: most - 1] + "…"


def quoted(names: list[str]) -> str:
    """Return the first names of a list as they can be quoted, and how many more there are."""
    more = f" and {len(names) - 3} more" if len(names) > 3 else ""
    return ", ".join(one_line(name, 60) for name in names[:3]) + more
