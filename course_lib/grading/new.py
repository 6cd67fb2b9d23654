"""A new assignment from a template that passes its own checks."""

from __future__ import annotations

import re
from importlib.resources import files
from pathlib import Path

from course_lib.grading.assignment import MasterError

_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


def create_master(folder: Path | str, name: str, *, title: str, chapter: str) -> Path:
    """Write a master with one question of each kind, ready to be changed.

    Parameters
    ----------
    folder
        Where the masters are; the new one goes into a folder of its own there.
    name
        Lower-case words joined by hyphens.
    title
        What students read on top.
    chapter
        The page it belongs to, such as ``part1/cost-functions``.

    Raises
    ------
    MasterError
        If the name cannot be one, or there is such an assignment already.
    """
    if not _NAME.fullmatch(name):
        raise MasterError(
            f"name must be lower-case words joined by hyphens, such as 'step-size', got {name!r}"
        )
    path = Path(folder) / name / f"{name}.ipynb"
    if path.exists():
        raise MasterError(f"{path} is there already; choose another name, or change that one")
    template = files("course_lib.grading").joinpath("templates/assignment.ipynb")
    text = template.read_text(encoding="utf-8")
    for word, value in (("TITLE", title), ("CHAPTER", chapter)):
        text = text.replace(word, value.replace("\\", "").replace('"', "'"))
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path
