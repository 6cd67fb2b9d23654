"""What a student handed in: the code and answers to judge, or a named reason why there are none.

The notebook is read for what only the student can know, the cells that the student was to fill in
and those added beside them. Points, locked cells and checks come from the master, whatever the
submission says about them.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from course_lib.grading.assignment import (
    BEGIN_HIDDEN,
    END_HIDDEN,
    SEED_LINE,
    Assignment,
    strip_region,
)
from course_lib.grading.session import CodeCell
from course_lib.grading.submitted_files import (
    NOTEBOOK_BYTES,
    NotRegular,
    Rejection,
    SubmittedFolder,
    TooLarge,
    data_files,
    open_submission,
)
from course_lib.grading.submitted_notebook import SubmittedCell, submitted_cells
from course_lib.grading.text import one_line, quoted

__all__ = ["Rejection", "Submission", "read_submission"]

#: A seed of more digits was not handed out.
SEED_DIGITS = 18
#: How many notes on one submission are kept.
NOTES = 20
#: What a cell binds at its outermost level, as far as a look at the lines tells.
_BOUND = re.compile(
    r"^(?:async[ \t]+)?(?:def|class)[ \t]+(\w+)|^(\w+)[ \t]*(?::[^=\n]+)?=(?!=)", re.MULTILINE
)


@dataclass(frozen=True)
class Submission:
    """What is judged of a submitted folder.

    Attributes
    ----------
    assignment
        The assignment's name.
    notebook
        The name of the file that was read.
    cells
        The student's code in the order of the notebook: the cells to fill in, under their
        ``grade_id``, and the student's own, as ``cell-7`` (the seventh cell).
    answers
        The text of the questions that are answered in words, by question.
    pictures
        PNG and JPEG pictures that were pasted into those answers, by question, as a notebook's cell
        holds its ``attachments``.
    missing
        Questions whose cell is not there. They earn nothing.
    notes
        What the instructor should know, a sentence each.
    seed
        The seed that stands in the student's copy of the cell ``numbers``, if one does. It is told,
        never used.
    fingerprint
        SHA-256 of everything that was read.
    files
        The regular files beside the notebook, by their path from there.
    """

    assignment: str
    notebook: str
    cells: tuple[CodeCell, ...]
    answers: Mapping[str, str]
    pictures: Mapping[str, dict] = field(default_factory=dict, repr=False)
    missing: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seed: int | None = None
    fingerprint: str = ""
    files: Mapping[str, bytes] = field(default_factory=dict, repr=False)


def read_submission(folder: Path, assignment: Assignment) -> Submission:
    """Read a submitted folder.

    Parameters
    ----------
    folder
        ``submitted/STUDENT/NAME``. Nothing in it is trusted, and nothing in it is changed.
    assignment
        The master, which says what cells there are.

    Raises
    ------
    Rejection
        If there is no notebook in it that can be graded.
    """
    notes: list[str] = []
    with open_submission(folder) as opened:
        name = _notebook_name(opened, assignment.name, notes)
        content = _notebook_bytes(opened, name)
        files = data_files(opened, notes)
    cells = submitted_cells(content, notes)
    sorter = _Sorter(assignment, notes)
    sorter.sort(cells)
    digest = hashlib.sha256(content)
    for path, data in files.items():
        digest.update(f"\n{len(path)} {len(data)} {path}\n".encode())
        digest.update(data)
    return Submission(
        assignment=assignment.name,
        notebook=one_line(name),
        cells=tuple(sorter.cells),
        answers=sorter.answers,
        pictures=sorter.pictures,
        missing=tuple(sorter.missing),
        notes=_few(notes),
        seed=sorter.seed,
        fingerprint=digest.hexdigest(),
        files=files,
    )


def _few(notes: list[str]) -> tuple[str, ...]:
    more = len(notes) - NOTES
    return (*notes[:NOTES], *([f"There are {more} more notes of this kind."] if more > 0 else ()))


def _notebook_name(folder: SubmittedFolder, assignment: str, notes: list[str]) -> str:
    """Find the notebook: the one with the right name, or else the only one that it can be."""
    wanted = f"{assignment}.ipynb"
    names, more = folder.names()
    if more and folder.kind(wanted) == "file":
        names.append(wanted)
    notebooks = [name for name in dict.fromkeys(names) if name.lower().endswith(".ipynb")]
    others = [name for name in notebooks if name != wanted]
    if wanted in notebooks:
        if others:
            notes.append(f"Other notebooks were not read: {quoted(others)}.")
        return wanted
    regular = [name for name in others if folder.kind(name) == "file"]
    alike = [name for name in regular if name.lower().startswith(assignment.lower())]
    for candidates in (alike, regular):
        if len(candidates) == 1:
            notes.append(f"The notebook is named {quoted(candidates)} instead of {wanted}.")
            return candidates[0]
    if regular:
        raise Rejection(
            "several-notebooks",
            f"None is named {wanted}, and it may be any of {quoted(regular)}. "
            "Keep the one to grade.",
        )
    if others:
        return others[0]
    packed = [name for name in names if name.lower().endswith((".zip", ".gz", ".7z", ".rar"))]
    hint = f" Unpack {quoted(packed)} first." if packed else ""
    raise Rejection("no-notebook", f"There is no {wanted} in the folder.{hint}")


def _notebook_bytes(folder: SubmittedFolder, name: str) -> bytes:
    try:
        return folder.read(name, NOTEBOOK_BYTES)
    except NotRegular:
        kind = folder.kind(name)
        raise Rejection(
            "not-a-file",
            f"{one_line(name)} is a {kind}, which is not opened. Hand in the notebook itself.",
        ) from None
    except TooLarge:
        raise Rejection(
            "too-large",
            f"{one_line(name)} holds more than {NOTEBOOK_BYTES // 2**20} MiB. Clear the outputs, "
            "save it, and hand it in again.",
        ) from None


class _Sorter:
    """Sorts a student's cells into those that are judged, those that are read, and the rest."""

    def __init__(self, assignment: Assignment, notes: list[str]) -> None:
        self.notes = notes
        self.cells: list[CodeCell] = []
        self.answers: dict[str, str] = {}
        self.pictures: dict[str, dict] = {}
        self.missing: list[str] = []
        self.seed: int | None = None
        #: What the master says of each of its cells, by ``grade_id``.
        self.code: list[str] = []
        self.words: list[str] = []
        self.locked: dict[str, str] = {}
        self.cell_ids: dict[str, str] = {}
        for cell in assignment.notebook.cells:
            mark = cell.metadata.get("nbgrader", {})
            grade_id = mark.get("grade_id")
            if not grade_id:
                continue
            self.cell_ids[grade_id] = cell.get("id", "")
            if not mark.get("solution"):
                self.locked[grade_id] = cell.source if cell.cell_type == "code" else ""
            elif cell.cell_type == "code":
                self.code.append(grade_id)
            else:
                self.words.append(grade_id)
        self.by_cell_id = {cell: name for name, cell in self.cell_ids.items() if cell}

    def sort(self, cells: list[SubmittedCell]) -> None:
        """Fill ``cells``, ``answers``, ``pictures`` and ``missing``."""
        known: dict[str, list[SubmittedCell]] = {}
        for cell in cells:
            name = self._name(cell)
            if name:
                known.setdefault(name, []).append(cell)
        if not known:
            raise Rejection(
                "another-assignment",
                "No cell of the notebook belongs to this assignment. Write the answers into the "
                "notebook that was handed out, and hand that in.",
            )
        first = {name: self._first(name, copies) for name, copies in known.items()}
        for cell in cells:
            name = self._name(cell)
            if name in self.locked:
                self._look_at_locked(name, cell)
            elif name and cell is not first[name]:
                self.cells.extend(self._copy(name, first[name], cell))
            elif name:
                self._look_at_kind(name, cell)
                if name in self.words:
                    self.answers[name] = cell.source
                    if cell.pictures:
                        self.pictures[name] = cell.pictures
                else:
                    self.cells.append(CodeCell(name, cell.source))
            elif cell.kind == "code" and cell.source.strip():
                self.cells.append(CodeCell(f"cell-{cell.position}", cell.source))
        self.missing = [name for name in (*self.code, *self.words) if name not in first]
        for name in self.missing:
            self.notes.append(f"The cell of {name} is not there; it earns nothing.")

    def _name(self, cell: SubmittedCell) -> str:
        """Return the ``grade_id`` of the released cell that this is, or nothing."""
        if cell.grade_id in self.cell_ids:
            return cell.grade_id
        # Some editors drop what they do not know, but keep the cell's own id.
        return self.by_cell_id.get(cell.cell_id, "") if not cell.grade_id else ""

    def _first(self, name: str, copies: list[SubmittedCell]) -> SubmittedCell:
        # A pasted copy gets an id of its own, so the released cell can be told from it.
        released = [cell for cell in copies if cell.cell_id and cell.cell_id == self.cell_ids[name]]
        return (released or copies)[0]

    def _copy(self, name: str, first: SubmittedCell, copy: SubmittedCell) -> list[CodeCell]:
        # JupyterLab gives both halves of a split cell the same grade_id: the second half is not
        # another answer, and is told by what it defines.
        names, again = _bound(first.source), _bound(copy.source)
        if name in self.code and not names & again and copy.source.strip():
            self.notes.append(
                f"{name} stands in two cells; cell {copy.position} defines nothing twice, so it is "
                "run as the second half."
            )
            return [CodeCell(f"cell-{copy.position}", copy.source)]
        self.notes.append(
            f"{name} stands in two cells; cell {first.position} counts, cell {copy.position} not."
        )
        return []

    def _look_at_kind(self, name: str, cell: SubmittedCell) -> None:
        wanted = "code" if name in self.code else "markdown"
        if cell.kind != wanted:
            self.notes.append(
                f"The cell of {name} was turned from {wanted} into {cell.kind}; it is read as "
                f"{wanted}."
            )

    def _look_at_locked(self, name: str, cell: SubmittedCell) -> None:
        released = strip_region(self.locked[name], BEGIN_HIDDEN, END_HIDDEN)
        seed = SEED_LINE.search(cell.source) if name == "numbers" else None
        if seed is not None and len(seed[1]) <= SEED_DIGITS:
            self.seed = int(seed[1])
        # The seed and the student's numbers are filled in at release.
        if not released or name == "numbers" or released.split() == cell.source.split():
            return
        note = f"The locked cell {name} was changed; the change does not count."
        if note not in self.notes:
            self.notes.append(note)


def _bound(source: str) -> set[str]:
    return {found[1] or found[2] for found in _BOUND.finditer(source)}
