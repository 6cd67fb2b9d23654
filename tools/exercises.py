"""Write the pages of the book that show assignments, from the masters in book/assignments.

``python tools/exercises.py`` writes ``book/exercises``; a test fails where a page there is not what
its master makes. Outputs are stored by ``make outputs``, as for chapters.
"""

from __future__ import annotations

import io
from contextlib import redirect_stdout
from pathlib import Path

import nbformat

from course_lib.grading.assignment import Assignment
from course_lib.grading.master import find_masters, read_master
from course_lib.grading.overview import (
    coverage_of,
    exercise_notebook,
    index_of,
    misconceptions_of,
)

ROOT = Path(__file__).resolve().parent.parent
MASTERS = ROOT / "book" / "assignments"
PAGES = ROOT / "book" / "exercises"
GENERATED = "<!-- Written by `make exercises` from the masters; do not edit by hand. -->"


def in_order_of_the_book(assignments: list[Assignment]) -> list[Assignment]:
    """Sort assignments by the place of their chapters in the table of contents."""
    contents = (ROOT / "_toc.yml").read_text(encoding="utf-8")
    return sorted(assignments, key=lambda one: contents.find(f"book/{one.chapter}"))


def read_masters() -> list[Assignment]:
    """Read every master of the repository; none in the public one."""
    return in_order_of_the_book([read_master(path) for path in find_masters(MASTERS)])


def tables(assignments: list[Assignment]) -> dict[str, str]:
    """The generated parts of pages, by file name."""
    coverage = [f"### {one.title}\n\n{coverage_of(one)}" for one in assignments]
    beliefs = [f"### {one.title}\n\n{misconceptions_of(one)}" for one in assignments]
    return {
        "index.txt": index_of(assignments),
        "coverage.txt": "\n\n".join(coverage),
        "misconceptions.txt": "\n\n".join(beliefs),
    }


def pages() -> dict[str, str]:
    """All generated files, by name; notebooks without outputs."""
    with redirect_stdout(io.StringIO()):
        assignments = read_masters()
        made = {name: f"{GENERATED}\n\n{text}\n" for name, text in tables(assignments).items()}
        for assignment in assignments:
            notebook = exercise_notebook(assignment)
            made[f"{assignment.name}.ipynb"] = nbformat.writes(notebook).rstrip("\n") + "\n"
    return made


def sources_of(notebook: str) -> list[tuple[str, str, str]]:
    """What a notebook says, apart from its outputs."""
    cells = nbformat.reads(notebook, as_version=4).cells
    return [(cell.id, cell.cell_type, cell.source) for cell in cells]


def stale(made: dict[str, str]) -> list[str]:
    """Names of generated files that are not what was made of the masters."""
    names = []
    for name, text in made.items():
        path = PAGES / name
        there = path.read_text(encoding="utf-8") if path.is_file() else ""
        if name.endswith(".ipynb"):
            same = bool(there) and sources_of(there) == sources_of(text)
        else:
            same = there == text
        if not same:
            names.append(name)
    return names


def main() -> None:
    """Write what is stale."""
    PAGES.mkdir(exist_ok=True)
    made = pages()
    names = stale(made)
    for name in names:
        (PAGES / name).write_text(made[name], encoding="utf-8", newline="\n")
        print(f"wrote {(PAGES / name).relative_to(ROOT)}")
    if any(name.endswith(".ipynb") for name in names):
        print("Run `make outputs` for these notebooks: they are stored with what they print.")


if __name__ == "__main__":
    main()
