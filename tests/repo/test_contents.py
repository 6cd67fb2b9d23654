"""The table of contents and the files agree, and notebooks are stored as the book wants them."""

from pathlib import Path

import pytest
import yaml

from tools.check_notebooks import find_problems

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted(
    path
    for path in (ROOT / "book").rglob("*.ipynb")
    if not {".ipynb_checkpoints", "assignments"}.intersection(path.parts)
)


def entries(node) -> list[str]:
    if isinstance(node, dict):
        own = [node[key] for key in ("root", "file") if key in node]
        return own + [name for value in node.values() for name in entries(value)]
    if isinstance(node, list):
        return [name for item in node for name in entries(item)]
    return []


CONTENTS = entries(yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8")))


@pytest.mark.parametrize("name", CONTENTS)
def test_entry_of_the_contents_exists(name):
    assert any((ROOT / f"{name}{suffix}").is_file() for suffix in (".md", ".ipynb"))


def test_no_entry_stands_twice():
    assert len(CONTENTS) == len(set(CONTENTS))


def test_every_page_is_in_the_contents():
    pages = [path for path in (ROOT / "book").rglob("*.md") if "assignments" not in path.parts]
    names = {path.relative_to(ROOT).with_suffix("").as_posix() for path in [*pages, *NOTEBOOKS]}
    assert names == set(CONTENTS)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_notebook_is_stored_as_it_ran(path):
    assert find_problems(path) == []


def test_no_top_level_static_folder():
    """Jupyter Book would load every script below it on every page."""
    assert not (ROOT / "_static").exists()


@pytest.mark.parametrize("path", sorted((ROOT / "course_lib").rglob("*.py")), ids=lambda p: p.name)
def test_module_can_be_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 420
