"""Write the public tree: everything of this repository but what instructors keep to themselves.

``python tools/public_tree.py`` copies the committed files to ``_build/public``, leaves out the
masters of assignments, and searches what it wrote for their solutions and hidden checks. The book,
the Binder image and the wheel are made from the public tree alone, and the public repository holds
nothing else: its history is made of these trees, so no earlier commit can tell either.
"""

from __future__ import annotations

import html
import io
import json
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

from course_lib.grading.master import find_masters, read_master
from course_lib.grading.withheld import leaks_in, strings_of

ROOT = Path(__file__).resolve().parent.parent
PUBLIC = ROOT / "_build" / "public"
HTML = ROOT / "_build" / "html"
#: What instructors keep to themselves, as folders of the repository.
PRIVATE = ("book/assignments",)
TAG = re.compile(r"<[^<>]+>")
# A line of a solution may well be a line of the library, whose algorithms the course is about.
SHARED = ("course_lib/", "tests/", "benchmarks/")


def is_private(name: str) -> bool:
    """Whether a path of the repository stays out of the public tree."""
    return any(name == folder or name.startswith(f"{folder}/") for folder in PRIVATE)


def write_tree(target: Path, commit: str = "HEAD") -> list[str]:
    """Copy the public files of a commit into a fresh folder; return their names."""
    archive = subprocess.run(
        ["git", "archive", "--format=tar", commit], cwd=ROOT, check=True, capture_output=True
    ).stdout
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    with tarfile.open(fileobj=io.BytesIO(archive)) as files:
        public = [member for member in files.getmembers() if not is_private(member.name)]
        files.extractall(target, members=public, filter="data")
    return [member.name for member in public if member.isfile()]


def search_folder(folder: Path, names: list[str] | None = None) -> list[str]:
    """Return where files below a folder show what masters withhold."""
    assignments = [read_master(path) for path in find_masters(ROOT / "book" / "assignments")]
    if names is None:
        names = [p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file()]
    found = []
    for name in names:
        if name.startswith(SHARED):
            continue
        text = readable(folder / name)
        for assignment in assignments:
            found += [
                f"{name}: {line!r} of {assignment.name}" for line in leaks_in(text, assignment)
            ]
    return found


def readable(path: Path) -> str:
    """The text of a file, unwrapped from JSON and HTML; empty for pictures and such."""
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
    if path.suffix == ".html":
        # Listings are coloured word by word.
        return html.unescape(TAG.sub("", text))
    if path.suffix in (".json", ".ipynb"):
        return "\n".join(strings_of(json.loads(text)))
    return text


def main() -> None:
    """Write and search the public tree."""
    changed = subprocess.run(
        ["git", "status", "--porcelain"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    if changed:
        print("Only what is committed becomes public; left out:\n" + changed, file=sys.stderr)
    names = write_tree(PUBLIC)
    found = search_folder(PUBLIC, names)
    if found:
        shutil.rmtree(PUBLIC)
        raise SystemExit("The public tree would show:\n" + "\n".join(found))
    print(f"{len(names)} files are in {PUBLIC.relative_to(ROOT)}, and no solution among them.")


if __name__ == "__main__":
    main()
