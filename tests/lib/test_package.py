"""The package as a whole: what importing it loads, its examples, its docstrings."""

from __future__ import annotations

import ast
import doctest
import pkgutil
import re
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import course_lib

ROOT = Path(__file__).parents[2]
MODULES = sorted(
    module.name for module in pkgutil.walk_packages(course_lib.__path__, "course_lib.")
)
SERVES_ALL_CHAPTERS = {
    "checks",
    "compiled",
    "datasets",
    "estimator",
    "explorables",
    "figures",
    "grading",
    "lesson",
    "validation",
}


def _run(code: str) -> str:
    return subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout


@pytest.mark.parametrize("name", course_lib.SUBMODULES)
def test_every_submodule_is_there_by_name(name):
    assert course_lib.__getattr__(name) is import_module(f"course_lib.{name}")


def test_unknown_submodule_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'course_lib' has no attribute 'optimisers'"):
        course_lib.optimisers  # noqa: B018


def test_dir_lists_what_can_be_imported():
    assert set(course_lib.SUBMODULES) <= set(dir(course_lib))
    assert "__version__" in dir(course_lib)


def test_import_loads_no_submodule_and_nothing_foreign():
    loaded = _run("import sys, course_lib; print(*sys.modules)").split()
    assert [name for name in loaded if name.startswith("course_lib")] == ["course_lib"]
    heavy = {"numpy", "scipy", "matplotlib", "ipywidgets", "sklearn", "IPython"}
    assert not heavy & set(loaded)


def test_a_run_loads_neither_scipy_nor_figures():
    code = """
import sys
from course_lib.descent import descend
from course_lib.objectives import sphere
from course_lib.optimizers import GradientDescent
descend(sphere(), [3.0, 3.0, 3.0], GradientDescent(0.1), max_iterations=10)
print(*sys.modules)
"""
    loaded = set(_run(code).split())
    assert not {"scipy", "matplotlib", "ipywidgets", "sklearn", "numpy.testing"} & loaded


@pytest.mark.parametrize("name", MODULES)
def test_examples_in_docstrings_run(name):
    # An ellipsis stands for what an example leaves out.
    assert doctest.testmod(import_module(name), optionflags=doctest.ELLIPSIS).failed == 0


def test_examples_on_the_library_page_run():
    page = ROOT / "book" / "api" / "index.md"
    text = re.sub("^```.*$", "", page.read_text(encoding="utf-8"), flags=re.MULTILINE)
    example = doctest.DocTestParser().get_doctest(text, {}, page.name, str(page), 0)
    assert len(example.examples) > 10
    assert doctest.DocTestRunner().run(example).failed == 0


@pytest.mark.parametrize("name", course_lib.SUBMODULES)
def test_every_module_has_its_place_on_the_library_pages(name):
    pages = [p.read_text(encoding="utf-8") for p in (ROOT / "book" / "api").glob("*.md")]
    assert any(f".. automodule:: course_lib.{name}\n" in page for page in pages)
    assert any(f"{{py:mod}}`{name} <course_lib.{name}>`" in page for page in pages)


@pytest.mark.parametrize("name", [n for n in MODULES if "lesson.claims." not in n])
def test_public_functions_have_types_and_docstrings(name):
    tree = ast.parse(Path(import_module(name).__file__).read_text(encoding="utf-8"))
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"
        if isinstance(node, ast.FunctionDef) and not node.name.startswith("_"):
            assert ast.get_docstring(node), f"{name}.{node.name} has no docstring"
            # The inner loops take what their callers have checked and typed.
            if {"compiled", "_VectorOperation"} & {ast.unparse(d) for d in node.decorator_list}:
                continue
            arguments = [*node.args.args, *node.args.kwonlyargs]
            untyped = [a.arg for a in arguments if a.annotation is None]
            assert untyped == [], f"{name}.{node.name}: no types for {untyped}"
            assert node.returns is not None, f"{name}.{node.name}: no type of the result"


@pytest.mark.parametrize(
    "name",
    sorted(set(course_lib.SUBMODULES) - SERVES_ALL_CHAPTERS),
)
def test_docstring_names_the_chapter(name):
    assert re.search(r"Chapters?: \*", getattr(course_lib, name).__doc__)
