"""Submissions whose files are broken, foreign or traps, and what reading them must say.

Each kind is a function that packs a submission folder. It starts from the honest answers, so that
a kind that is read anyway earns full marks unless it says otherwise.
"""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import nbformat

from course_lib.grading.master import grade_id
from course_lib.grading.released import released_notebook
from tests.grading.hostile.master import NAME, POINTS

FILE = f"{NAME}.ipynb"
RIGHT = {
    "mean-square": "def mean_square(values):\n    return float(np.mean(np.square(values)))",
    "step": "def step(gradient, point, size):\n    return point - size * gradient(point)",
    "why": "It does not grow with the data.",
}
FULL = {name: POINTS[name] for name in ("mean-square", "step")}


def honest_notebook(assignment, **answers: str) -> dict:
    """Return what an honest student hands in, as plain data; answers by name replace some."""
    notebook = released_notebook(assignment, 0)
    given = RIGHT | {name.replace("_", "-"): text for name, text in answers.items()}
    for cell in notebook.cells:
        cell.source = given.get(grade_id(cell), cell.source)
    return json.loads(nbformat.writes(notebook))


def write(folder: Path, notebook: dict, name: str = FILE, **how) -> None:
    """Write a notebook into a submission folder."""
    (folder / name).write_text(json.dumps(notebook, **how), encoding="utf-8")


def find(notebook: dict, name: str) -> dict:
    """Return the cell of a given ``grade_id``."""
    return next(c for c in notebook["cells"] if mark(c).get("grade_id") == name)


def mark(cell: dict) -> dict:
    return cell["metadata"].get("nbgrader", {})


@dataclass(frozen=True)
class FileKind:
    """A way to pack a submission, and what must come of it.

    Attributes
    ----------
    name
        In words.
    pack
        Writes the submission: takes the folder, the honest notebook, and a folder outside of it
        that holds ``secret.txt``.
    rejection
        The name of the rejection, empty where it is read.
    scores
        Points by question where it is read.
    note
        A word that one of the notes holds.
    """

    name: str
    pack: Callable[[Path, dict, Path], None]
    rejection: str = ""
    scores: dict[str, float] | None = None
    note: str = ""


KINDS: list[FileKind] = []


def kind(name: str, rejection: str = "", *, note: str = "", **scores: float):
    """Register a function as a kind; scores by question replace full marks."""

    def register(pack: Callable) -> Callable:
        found = FULL | {key.replace("_", "-"): value for key, value in scores.items()}
        KINDS.append(FileKind(name, pack, rejection, None if rejection else found, note))
        return pack

    return register


@kind("no file at all", "no-notebook")
def _(folder, notebook, outside):
    pass


@kind("an empty file", "empty-file")
def _(folder, notebook, outside):
    (folder / FILE).touch()


@kind("JSON that breaks off", "broken-json")
def _(folder, notebook, outside):
    (folder / FILE).write_text(json.dumps(notebook)[:-200])


@kind("a picture under the notebook's name", "not-utf-8")
def _(folder, notebook, outside):
    (folder / FILE).write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)))


@kind("NUL bytes at the end, as after a full disk", "broken-json")
def _(folder, notebook, outside):
    (folder / FILE).write_bytes(json.dumps(notebook).encode() + bytes(4096))


@kind("JSON that is no notebook", "no-notebook-format")
def _(folder, notebook, outside):
    (folder / FILE).write_text('{"answers": [1, 2, 3]}')


@kind("a list instead of a notebook", "no-notebook-format")
def _(folder, notebook, outside):
    (folder / FILE).write_text(json.dumps(notebook["cells"]))


@kind("cells that are no list", "no-notebook-format")
def _(folder, notebook, outside):
    write(folder, notebook | {"cells": {"0": notebook["cells"]}})


@kind("the format of 2013", "old-format")
def _(folder, notebook, outside):
    sheet = {"cells": notebook["cells"], "metadata": {}}
    write(folder, {"nbformat": 3, "nbformat_minor": 0, "metadata": {}, "worksheets": [sheet]})


@kind("a format that does not exist yet", "new-format")
def _(folder, notebook, outside):
    write(folder, notebook | {"nbformat": 5})


@kind("a format number of five thousand digits", "no-notebook-format")
def _(folder, notebook, outside):
    text = json.dumps(notebook | {"nbformat": "@"}).replace('"@"', "9" * 5000)
    (folder / FILE).write_text(text)


@kind("the notebook of another assignment", "another-assignment")
def _(folder, notebook, outside):
    for cell in notebook["cells"]:
        cell["id"] = "x" + cell["id"]
        mark(cell)["grade_id"] = "other-" + mark(cell)["grade_id"]
    write(folder, notebook)


@kind("nesting a hundred thousand deep", "too-deep")
def _(folder, notebook, outside):
    text = json.dumps(notebook | {"metadata": "@"})
    (folder / FILE).write_text(text.replace('"@"', "[" * 100_000 + "]" * 100_000))


@kind("millions of empty lists", "too-many-values")
def _(folder, notebook, outside):
    text = json.dumps(notebook | {"metadata": "@"})
    (folder / FILE).write_text(text.replace('"@"', "[" + "[]," * 3_000_000 + "[]]"))


@kind("hundreds of thousands of cells", "too-many-cells")
def _(folder, notebook, outside):
    cell = {"cell_type": "code", "source": "", "metadata": {}, "outputs": []}
    write(folder, notebook | {"cells": notebook["cells"] + [cell] * 100_000})


@kind("a file of half a gigabyte", "too-large")
def _(folder, notebook, outside):
    text = json.dumps(notebook)
    with open(folder / FILE, "w") as file:
        file.write(text)
        file.truncate(500 * 2**20)


@kind("twenty megabytes of output")
def _(folder, notebook, outside):
    output = {"output_type": "stream", "name": "stdout", "text": '[1, "2"], ' * 2_000_000}
    find(notebook, "step")["outputs"] = [output]
    write(folder, notebook)


@kind("megabytes of code", "too-much-text")
def _(folder, notebook, outside):
    for number in range(20):
        notebook["cells"].append(
            {"cell_type": "code", "metadata": {}, "source": f"# {number}\n" + "x = 1\n" * 30_000}
        )
    write(folder, notebook)


@kind("one answer of a megabyte", mean_square=0, note="not there")
def _(folder, notebook, outside):
    find(notebook, "mean-square")["source"] += "\n" + "#" * 2**20
    write(folder, notebook)


@kind("a link to a file outside", "not-a-file")
def _(folder, notebook, outside):
    write(outside, notebook)
    (folder / FILE).symlink_to(outside / FILE)


@kind("a folder of the notebook's name", "not-a-file")
def _(folder, notebook, outside):
    (folder / FILE).mkdir()


@kind("a pipe of the notebook's name", "not-a-file")
def _(folder, notebook, outside):
    os.mkfifo(folder / FILE)


@kind("a socket of the notebook's name", "not-a-file")
def _(folder, notebook, outside):
    with socket.socket(socket.AF_UNIX) as server:
        before = os.getcwd()
        os.chdir(folder)
        try:
            server.bind(FILE)
        finally:
            os.chdir(before)


@kind("the folder is a link", "linked-folder")
def _(folder, notebook, outside):
    write(outside, notebook)
    folder.rmdir()
    folder.symlink_to(outside)


@kind("two notebooks, none with the right name", "several-notebooks")
def _(folder, notebook, outside):
    write(folder, notebook, "final.ipynb")
    write(folder, notebook, "final-really.ipynb")


@kind("another notebook beside the right one", note="Other notebooks")
def _(folder, notebook, outside):
    write(folder, notebook)
    (folder / "scratch.ipynb").write_text("{")


@kind("a name that a browser gave", note="is named")
def _(folder, notebook, outside):
    write(folder, notebook, f"{NAME} (1).ipynb")


@kind("a wrong name", note="is named")
def _(folder, notebook, outside):
    write(folder, notebook, "homework.ipynb")


@kind("links and pipes among the data files", note="Left out")
def _(folder, notebook, outside):
    write(folder, notebook)
    (folder / "secret.txt").symlink_to(outside / "secret.txt")
    (folder / "all").symlink_to(outside)
    os.link(outside / "secret.txt", folder / "hard.txt")
    os.mkfifo(folder / "data.csv")
    (folder / "kept.csv").write_text("1,2\n")


@kind("thousands of data files", note="Left out")
def _(folder, notebook, outside):
    write(folder, notebook)
    for number in range(3000):
        (folder / f"a{number}.csv").touch()


@kind("a module that takes the place of numpy")
def _(folder, notebook, outside):
    write(folder, notebook)
    for name in ("numpy.py", "json.py", "sitecustomize.py", "course_lib.py"):
        (folder / name).write_text("raise SystemExit('mine')\n")


@kind("a mark that orders bytes before the text")
def _(folder, notebook, outside):
    (folder / FILE).write_text(json.dumps(notebook), encoding="utf-8-sig")


@kind("UTF-16, as a Windows shell writes it", note="UTF-16")
def _(folder, notebook, outside):
    (folder / FILE).write_text(json.dumps(notebook), encoding="utf-16")


@kind("half a character and NUL in an answer", mean_square=0, note="characters")
def _(folder, notebook, outside):
    cell = find(notebook, "mean-square")
    cell["source"] += " + '\ud800'\x00"
    write(folder, notebook)


@kind("Windows line ends, and form feeds")
def _(folder, notebook, outside):
    for name in FULL:
        cell = find(notebook, name)
        cell["source"] = "\x0c\r\n" + "".join(cell["source"]).replace("\n", "\r\n")
    write(folder, notebook)


@kind("a source given line by line")
def _(folder, notebook, outside):
    for cell in notebook["cells"]:
        cell["source"] = "".join(cell["source"]).splitlines(keepends=True)
    write(folder, notebook)


@kind("sources that are no text", step=0, note="not there")
def _(folder, notebook, outside):
    find(notebook, "step")["source"] = ["def step():", 7, None]
    notebook["cells"] += [None, 5, {"source": {"a": 1}}, {"cell_type": ["code"], "source": "1"}]
    write(folder, notebook)


@kind("metadata that are no dictionaries")
def _(folder, notebook, outside):
    for cell in [find(notebook, name) for name in FULL]:
        cell["metadata"], cell["id"] = [], {}
    notebook["metadata"] = None
    write(folder, notebook)


@kind("keys that stand twice", note="stands twice")
def _(folder, notebook, outside):
    text = json.dumps(notebook).replace('"grade_id": "step"', '"grade_id": 7, "grade_id": "step"')
    (folder / FILE).write_text(text)


@kind("NaN and numbers of ten thousand digits")
def _(folder, notebook, outside):
    for cell in notebook["cells"]:
        mark(cell)["points"] = float("nan")
        cell["execution_count"] = "@"
    (folder / FILE).write_text(json.dumps(notebook).replace('"@"', "1" * 10_000))


@kind("marks of nbgrader's first version", note="another version")
def _(folder, notebook, outside):
    for cell in notebook["cells"]:
        mark(cell)["schema_version"] = 1
    write(folder, notebook)


@kind("marks of a version that does not exist yet", note="another version")
def _(folder, notebook, outside):
    for cell in notebook["cells"]:
        mark(cell)["schema_version"] = 99
    write(folder, notebook)


@kind("marks that an editor dropped")
def _(folder, notebook, outside):
    for cell in notebook["cells"]:
        cell["metadata"] = {}
    write(folder, notebook)
