"""A submitted notebook, taken apart without trusting a byte of it."""

from __future__ import annotations

import json
import re
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from course_lib.grading.pictures import pasted_pictures
from course_lib.grading.submitted_files import Rejection
from course_lib.grading.text import quoted, storable

#: How many values a notebook may hold, cells it may have, and characters of text they may have.
VALUES = 2_000_000
CELLS = 2000
CELL_CHARACTERS = 200_000
TEXT_CHARACTERS = 2_000_000
#: The version of the marks that nbgrader writes into cells.
_SCHEMA = 3
_SAVE_AGAIN = "Open it in JupyterLab, save it, and hand it in again."
# It never gives back what it took and never fails, so that no text makes it slow.
_STRING = re.compile(rb'"(?:[^"\\]++|\\.)*+"?', re.DOTALL)


@dataclass(frozen=True)
class SubmittedCell:
    """One cell: where it stands, counted from one, and what of it is sure to be text."""

    position: int
    kind: str
    source: str
    grade_id: str
    cell_id: str
    pictures: dict[str, dict[str, str]] = field(default_factory=dict, repr=False)


def submitted_cells(content: bytes, notes: list[str]) -> list[SubmittedCell]:
    """Return the cells of a notebook.

    Parameters
    ----------
    content
        The file.
    notes
        Gets a sentence about each oddity.

    Raises
    ------
    Rejection
        If it is no notebook of format 4, or too much of one.
    """
    return _cells(_parse(content, notes), notes)


def _parse(content: bytes, notes: list[str]) -> dict[str, Any]:
    if content.startswith((b"\xff\xfe", b"\xfe\xff")):
        notes.append("The notebook is stored in UTF-16 instead of UTF-8.")
        encoding = "utf-16"
    else:
        encoding = "utf-8-sig"
    try:
        text = content.decode(encoding)
    except UnicodeDecodeError as error:
        raise Rejection(
            "not-utf-8", f"The notebook is no text in UTF-8 (byte {error.start}). {_SAVE_AGAIN}"
        ) from None
    if not text.strip():
        raise Rejection("empty-file", "The notebook is an empty file. Hand in the saved one.")
    _refuse_a_flood_of_values(text.encode())
    repeated: Counter[str] = Counter()

    def pairs(items: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(items)
        if len(found) < len(items):
            repeated.update(key for key, _ in items)
        return found

    try:
        notebook = json.loads(
            text,
            object_pairs_hook=pairs,
            parse_int=_integer,
            parse_float=_no_number,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise Rejection(
            "too-deep", f"The notebook's JSON is nested too deeply. {_SAVE_AGAIN}"
        ) from None
    except ValueError as error:
        where = f" (line {error.lineno})" if isinstance(error, json.JSONDecodeError) else ""
        raise Rejection(
            "broken-json", f"The notebook is no complete JSON file{where}. {_SAVE_AGAIN}"
        ) from None
    twice = [key for key, times in repeated.items() if times > 1]
    if twice:
        notes.append(f"A key stands twice in the file, the last one counts: {quoted(twice)}.")
    return _checked(notebook)


def _integer(digits: str) -> int | None:
    return int(digits) if len(digits) <= 18 else None


def _no_number(_: str) -> None:
    return None


def _refuse_a_flood_of_values(text: bytes) -> None:
    # A list of empty lists takes thirty times its own size in memory. Brackets and commas in
    # strings are harmless, and telling them apart is only worth the time where there are many.
    def marks(data: bytes) -> int:
        return data.count(b",") + data.count(b"[") + data.count(b"{")

    if marks(text) > VALUES and marks(_STRING.sub(b"", text)) > VALUES:
        raise Rejection(
            "too-many-values",
            "The notebook holds millions of values. Clear the outputs, save it, and hand it in "
            "again.",
        )


def _checked(notebook: Any) -> dict[str, Any]:
    if not isinstance(notebook, dict) or not ({"cells", "worksheets", "nbformat"} & set(notebook)):
        raise Rejection("no-notebook-format", f"The file is JSON, but no notebook. {_SAVE_AGAIN}")
    version = notebook.get("nbformat")
    if "worksheets" in notebook or (_is_integer(version) and version < 4):
        raise Rejection("old-format", f"The notebook is stored in an old format. {_SAVE_AGAIN}")
    if not _is_integer(version):
        raise Rejection("no-notebook-format", f"The file does not say its format. {_SAVE_AGAIN}")
    if version > 4:
        raise Rejection(
            "new-format",
            f"The notebook is stored in format {version}, which is newer than what is read (4). "
            "Save it with the course's JupyterLab.",
        )
    if not isinstance(notebook.get("cells"), list):
        raise Rejection("no-notebook-format", f"The notebook has no list of cells. {_SAVE_AGAIN}")
    if len(notebook["cells"]) > CELLS:
        raise Rejection(
            "too-many-cells",
            f"The notebook has {len(notebook['cells'])} cells, more than {CELLS} are not read.",
        )
    return notebook


def _is_integer(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _cells(notebook: dict[str, Any], notes: list[str]) -> list[SubmittedCell]:
    cells: list[SubmittedCell] = []
    broken: list[str] = []
    schemas: set[int] = set()
    characters = 0
    for position, raw in enumerate(notebook["cells"], start=1):
        source = _source(raw.get("source")) if isinstance(raw, dict) else None
        if source is None or len(source) > CELL_CHARACTERS:
            broken.append(f"cell {position}")
            continue
        characters += len(source)
        if characters > TEXT_CHARACTERS:
            raise Rejection(
                "too-much-text",
                f"The cells hold more than {TEXT_CHARACTERS} characters of code and text.",
            )
        metadata = raw.get("metadata")
        mark = metadata.get("nbgrader") if isinstance(metadata, dict) else None
        mark = mark if isinstance(mark, dict) else {}
        if mark:
            version = mark.get("schema_version", 0)
            schemas.add(version if _is_integer(version) else -1)
        clean = storable(source)
        if clean.count("\ufffd") > source.count("\ufffd"):
            notes.append(f"Cell {position} holds characters that no file can; they are replaced.")
        kind = raw.get("cell_type")
        cells.append(
            SubmittedCell(
                position,
                kind if kind in ("code", "markdown", "raw") else "unknown",
                clean,
                _text_or_nothing(mark.get("grade_id")),
                _text_or_nothing(raw.get("id")),
                pasted_pictures(raw.get("attachments")),
            )
        )
    if broken:
        notes.append(f"Not read, for they hold no text or too much of it: {quoted(broken)}.")
    if schemas - {_SCHEMA}:
        notes.append("Cells are marked in another version of nbgrader's format; that is harmless.")
    return cells


def _source(value: Any) -> str | None:
    if isinstance(value, str):
        return value
    if isinstance(value, list) and all(isinstance(line, str) for line in value):
        return "".join(value)
    return None


def _text_or_nothing(value: Any) -> str:
    return value if isinstance(value, str) else ""
