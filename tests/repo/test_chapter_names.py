"""Docstrings of the library call the chapters by their titles."""

import json
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
#: Chapters of the plan that are still to be written.
PLANNED = {
    "Convolution and recurrence",
    "Descent elsewhere",
    "Imbalance and augmentation",
    "Learning without backpropagation",
    "Non-convex landscapes",
    "Scaling out",
    "Tuning hyperparameters",
}


def titles() -> set[str]:
    contents = yaml.safe_load((ROOT / "_toc.yml").read_text(encoding="utf-8"))
    found = set()
    for part in contents["parts"]:
        for chapter in part["chapters"]:
            path = ROOT / f"{chapter['file']}.ipynb"
            if "/part" in chapter["file"]:
                first = json.loads(path.read_text(encoding="utf-8"))["cells"][0]["source"]
                found.add(re.search(r"^# (.+)$", "".join(first), re.MULTILINE).group(1))
    return found


MODULES = sorted((ROOT / "course_lib").rglob("*.py"))


@pytest.mark.parametrize("path", MODULES, ids=lambda p: p.relative_to(ROOT).as_posix())
def test_docstring_names_chapters_that_exist(path):
    text = path.read_text(encoding="utf-8")
    lines = re.findall(r"^Chapters?: (\*.*)$", text, re.MULTILINE)
    named = {name for line in lines for name in re.findall(r"\*([A-Z][^*]+)\*", line)}
    assert named - titles() - PLANNED == set()


def test_planned_chapters_are_not_there_yet():
    assert PLANNED & titles() == set()
