"""One version of the project, and one list of supported Pythons, wherever they are written."""

import re
import tomllib
from pathlib import Path

import pytest
import yaml

import course_lib
from tools import check_python, environment

ROOT = Path(__file__).resolve().parents[2]
SUPPORTED = [check_python.name_of(version) for version in check_python.SUPPORTED]
ASSIGNMENT = re.compile(r"^([A-Za-z0-9_.-]+)==([^\s;]+)", re.MULTILINE)


def read(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def pins(name: str) -> dict[str, str]:
    return {
        found[0].lower().replace("_", "-"): found[1] for found in ASSIGNMENT.findall(read(name))
    }


def test_version_is_the_same_everywhere():
    newest = re.search(r"^## \[(\d+\.\d+\.\d+)\]", read("CHANGELOG.md"), re.MULTILINE)
    assert newest is not None
    assert newest.group(1) == course_lib.__version__
    citation = yaml.safe_load(read("CITATION.cff"))
    assert citation["version"] == course_lib.__version__
    assert str(citation["date-released"]) in read("CHANGELOG.md")
    project = tomllib.loads(read("pyproject.toml"))
    assert project["tool"]["hatch"]["version"]["path"] == "course_lib/__init__.py"


def test_supported_pythons_are_the_same_everywhere():
    project = tomllib.loads(read("pyproject.toml"))["project"]
    named = [text.rsplit(" ", 1)[1] for text in project["classifiers"] if "Python :: 3." in text]
    assert named == SUPPORTED
    major, minor = check_python.SUPPORTED[-1]
    assert project["requires-python"] == f">={SUPPORTED[0]},<{major}.{minor + 1}"
    workflow = yaml.safe_load(read(".github/workflows/test.yml"))
    assert workflow["jobs"]["test"]["strategy"]["matrix"]["python"] == SUPPORTED
    prose = f"{', '.join(SUPPORTED[:-1])} or {SUPPORTED[-1]}"
    assert f"Python {prose}" in read("README.md")
    assert f"Python {prose}" in read("Makefile")
    assert f"Supported Pythons: {', '.join(SUPPORTED)}" in read("Makefile")
    assert read(".binder/runtime.txt").strip() in [f"python-{name}" for name in SUPPORTED]


@pytest.mark.parametrize("version", [(2, 7, 18), (3, 10, 13), (3, 14, 0)])
def test_other_pythons_are_told_what_to_do(version):
    problem = check_python.find_problem(version)
    assert all(name in problem for name in SUPPORTED)
    assert ".".join(map(str, version)) in problem
    assert "make book PYTHON=" in problem


def test_missing_venv_module_is_explained():
    problem = check_python.find_problem((3, 11, 2), modules_needed=["no_such_module"])
    assert "no_such_module" in problem
    assert "python3.11-venv" in problem


@pytest.mark.parametrize(
    "name",
    [
        "requirements.txt",
        "requirements-build.txt",
        "requirements-grading.txt",
        "requirements-test.txt",
        "requirements-rulers.txt",
    ],
)
def test_requirements_are_exact_and_covered_by_the_constraints(name):
    lines = [line.split("#")[0].strip() for line in read(name).splitlines()]
    loose = [line for line in lines if line and not line.startswith("-r") and "==" not in line]
    assert loose == []
    locked = pins("constraints.txt")
    wrong = {k: (v, locked.get(k)) for k, v in pins(name).items() if locked.get(k) != v}
    assert wrong == {}, "run make lock"


def test_the_test_run_installs_the_rulers():
    assert re.search(r"^test: env-rulers ", read("Makefile"), re.MULTILINE)
    assert environment.REQUIREMENTS["rulers"] == [
        f"requirements{level}.txt" for level in ("-rulers", "-test", "-grading", "-build", "")
    ]


def test_constraints_name_public_versions_only():
    text = read("constraints.txt")
    assert re.search(r"https?:|file:|--|/|\+", text) is None


def test_pre_commit_uses_the_pinned_ruff():
    hooks = yaml.safe_load(read(".pre-commit-config.yaml"))["repos"][0]
    assert hooks["rev"] == "v" + pins("requirements-test.txt")["ruff"]


def test_readme_names_the_packages_that_continuous_integration_installs():
    for package in ("chromium", "bubblewrap"):
        assert f"apt-get install {package}" in read("README.md")
        assert package in read(".ci/run")
    assert re.search(r"^(status=0\n)?make test\b", read(".ci/run"), re.MULTILINE)
