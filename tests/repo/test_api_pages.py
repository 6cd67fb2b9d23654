"""Everything public in the library has its place in the built book."""

import inspect
import zlib
from importlib import import_module
from pathlib import Path

import pytest

import course_lib

INVENTORY = Path(__file__).resolve().parents[2] / "_build" / "html" / "objects.inv"

pytestmark = pytest.mark.built


def documented() -> set[str]:
    """The names of the Python objects that the book describes."""
    assert INVENTORY.is_file(), f"there is no built book in {INVENTORY.parent}: run make book first"
    packed = INVENTORY.read_bytes().split(b"\n", 4)[4]
    lines = zlib.decompress(packed).decode().splitlines()
    return {line.split()[0] for line in lines if line.split()[1].startswith("py:")}


def public_names(module) -> list[str]:
    """What the module offers: its ``__all__``, or its own classes and functions."""
    if hasattr(module, "__all__"):
        return module.__all__
    return [
        name
        for name, value in vars(module).items()
        if not name.startswith("_")
        and (inspect.isclass(value) or inspect.isfunction(value))
        and value.__module__ == module.__name__
    ]


@pytest.mark.parametrize("name", [*course_lib.SUBMODULES, "lesson.claims"])
def test_everything_public_is_described(name):
    path = f"course_lib.{name}"
    known = documented()
    assert path in known
    missing = [n for n in public_names(import_module(path)) if f"{path}.{n}" not in known]
    assert missing == []
