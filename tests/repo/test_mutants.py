"""The record of mutation testing is honest: it fits the code, and every survivor has a reason."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

from tools.mutants import AT_LEAST, LEFT_OUT, PACKAGES

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "tests" / "mutation"


def record(package: str) -> dict:
    return tomllib.loads((FOLDER / f"{package}.toml").read_text(encoding="utf-8"))


def test_every_package_and_no_other_has_a_record():
    assert sorted(path.stem for path in FOLDER.glob("*.toml")) == sorted(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_enough_mutants_are_killed(package):
    stored = record(package)
    assert stored["mutants"] > 500
    assert stored["killed"] / stored["mutants"] >= AT_LEAST
    row = f"| `{package}` | {stored['mutants']} | {stored['killed']} | "
    row += f"{100 * stored['killed'] / stored['mutants']:.1f} % |"
    assert row in (FOLDER / "README.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("package", PACKAGES)
def test_every_survivor_is_in_a_function_that_exists_and_has_a_reason(package):
    stored = record(package)
    survivors = stored.get("survivor", [])
    assert len(survivors) <= stored["mutants"] - stored["killed"]
    for survivor in survivors:
        path, _, function = survivor["where"].partition(": ")
        assert path.startswith(f"course_lib/{package}/")
        code = (ROOT / path).read_text(encoding="utf-8")
        assert f"def {function.rpartition('.')[2]}(" in code, "run make mutants"
        assert survivor["becomes"] != survivor["was"]
        assert len(survivor["why"]) > 20, survivor


@pytest.mark.parametrize("package", PACKAGES)
def test_the_tests_it_names_exist(package):
    for name in PACKAGES[package]:
        assert (ROOT / "tests" / "lib" / f"{name}.py").exists(), name


def test_the_tests_it_leaves_out_exist():
    for name in LEFT_OUT:
        path, *_, function = name.partition("[")[0].split("::")
        assert f"def {function}(" in (ROOT / "tests" / "lib" / path).read_text(encoding="utf-8")


def test_what_it_installs_is_pinned():
    lines = (ROOT / "requirements-mutants.txt").read_text(encoding="utf-8").splitlines()
    assert [line.partition("==")[0] for line in lines if not line.startswith("#")] == ["mutmut"]
