"""What instructors keep to themselves is not in what everybody gets."""

import html
import json
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from course_lib.grading.master import find_masters, read_master
from course_lib.grading.withheld import leaks_in, withheld_lines
from tools.public_tree import HTML, PRIVATE, readable, search_folder, write_tree

ROOT = Path(__file__).resolve().parents[2]
MASTERS = find_masters(ROOT / "book" / "assignments")

needs_masters = pytest.mark.skipif(not MASTERS, reason="the public tree holds no masters")
needs_git = pytest.mark.skipif(not (ROOT / ".git").exists(), reason="not a git checkout")


@needs_masters
@needs_git
def test_the_public_tree_holds_no_solution(tmp_path):
    names = write_tree(tmp_path / "public")
    assert {"README.md", "course_lib/__init__.py", "_toc.yml"} <= set(names)
    assert not [name for name in names if name.startswith(PRIVATE)]
    assert search_folder(tmp_path / "public", names) == []


@needs_masters
@needs_git
def test_a_solution_in_the_public_tree_would_be_found(tmp_path):
    names = write_tree(tmp_path / "public")
    line = sorted(withheld_lines(read_master(MASTERS[0])), key=len)[-1]
    coloured = " ".join(f"<span>{html.escape(word)}</span>" for word in line.split(" "))
    for name, text in (
        ("book/notes.md", f"```python\n    {line}\n```\n"),
        ("a.json", json.dumps({"source": [line]})),
        ("page.html", f"<pre>{coloured}</pre>"),
    ):
        (tmp_path / "public" / name).write_text(text, encoding="utf-8")
        assert search_folder(tmp_path / "public", [*names, name]) != [], name


@needs_masters
@pytest.mark.built
def test_the_built_book_holds_no_solution():
    assert (HTML / "index.html").is_file(), "there is no built book: run make book first"
    assert search_folder(HTML) == []


@needs_masters
def test_the_wheel_holds_no_solution(tmp_path):
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)],
        cwd=ROOT,
        check=True,
        capture_output=True,
    )
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(tmp_path / "wheel")
    names = [p for p in (tmp_path / "wheel").rglob("*") if p.is_file()]
    assert [p for p in names if "assignments" in p.parts] == []
    # A line of the library is no leak, nor is one of the template that everybody may copy.
    masters = [read_master(path) for path in MASTERS]
    library = {
        line.strip()
        for path in (ROOT / "course_lib").rglob("*.py")
        for line in path.read_text(encoding="utf-8").splitlines()
    }
    for path in names:
        if path.parent.name == "templates":
            continue
        for master in masters:
            found = [line for line in leaks_in(readable(path), master) if line not in library]
            assert found == [], path


@needs_masters
def test_what_is_withheld_is_not_nothing():
    for path in MASTERS:
        assert len(withheld_lines(read_master(path))) > 20
