"""Imports of the library only go down, and the library stays light."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import course_lib

ROOT = Path(__file__).resolve().parents[2]
# The floor of every module or package directly below course_lib.
FLOORS = {
    1: [
        "activations",
        "augmentation",
        "batching",
        "compiled",
        "costs",
        "datasets",
        "initializers",
        "likelihoods",
        "momentum_rates",
        "noise_ball",
        "penalties",
        "preprocessing",
        "rates",
        "schedules",
        "spectral_filters",
        "validation",
    ],
    2: [
        "gradient_check",
        "information_geometry",
        "line_search",
        "linear_models",
        "networks",
        "objectives",
        "oja",
        "optimizers",
        "parameters",
        "tape",
    ],
    3: [
        "averaging",
        "descent",
        "discriminants",
        "estimator",
        "linear_learners",
        "multilayer",
        "pca",
        "quasi_newton",
        "stopping",
        "trace",
        "training",
    ],
    4: [
        "checks",
        "explorables",
        "figures",
        "grading",
        "lesson",
    ],
}
FLOOR_OF = {name: floor for floor, names in FLOORS.items() for name in names}
# Foreign packages, and the lowest floor that may import them.
FOREIGN = {
    "numpy": 1,
    "scipy": 1,
    "numba": 1,
    "sklearn": 3,
    "tqdm": 3,
    "nbformat": 4,
    "nbconvert": 4,
    "nbgrader": 4,
    "nh3": 4,
    "jinja2": 4,
    "pygments": 4,
    "mistune": 4,
    "traitlets": 4,
    "sqlalchemy": 4,
    "markupsafe": 4,
    "distributed": 4,
    "matplotlib": 4,
    "ipywidgets": 4,
    "IPython": 4,
}
# Used where they are installed, so never imported on import.
OPTIONAL = {"numba", "tqdm"}
FILES = sorted((ROOT / "course_lib").rglob("*.py"))


def imports_of(path: Path) -> list[tuple[str, int, bool]]:
    """Absolute names that a file imports, with their lines, and whether on import."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    package = path.relative_to(ROOT).with_suffix("").parts
    found = []

    def visit(node: ast.AST, deferred: bool) -> None:
        for child in ast.iter_child_nodes(node):
            if isinstance(child, ast.Import):
                found.extend((alias.name, child.lineno, deferred) for alias in child.names)
            elif isinstance(child, ast.ImportFrom):
                base = child.module or ""
                if child.level:
                    base = ".".join([*package[: -child.level], *([base] if base else [])])
                if base == "course_lib":
                    names = [f"course_lib.{alias.name}" for alias in child.names]
                else:
                    names = [base]
                found.extend((name, child.lineno, deferred) for name in names)
            is_function = isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda)
            visit(child, deferred or is_function)

    visit(tree, False)
    return found


def test_every_module_stands_on_a_floor():
    present = {
        path.stem if path.is_file() else path.name
        for path in (ROOT / "course_lib").iterdir()
        if (path.suffix == ".py" and path.stem != "__init__") or (path / "__init__.py").is_file()
    }
    assert present == set(FLOOR_OF)
    assert set(course_lib.SUBMODULES) == set(FLOOR_OF)


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_imports_only_go_down(path):
    parts = path.relative_to(ROOT / "course_lib").with_suffix("").parts
    if parts == ("__init__",):
        return
    here, floor = parts[0], FLOOR_OF[parts[0]]
    wrong = []
    for name, line, deferred in imports_of(path):
        head, _, rest = name.partition(".")
        if head == "course_lib":
            other = rest.split(".")[0]
            if other == "__version__":
                continue
            higher = FLOOR_OF[other] > floor
            # On one floor, packages may use each other only where that makes no circle, which
            # importing them shows.
            if higher and other != here:
                wrong.append(
                    f"line {line}: {name} stands on floor {FLOOR_OF[other]}, above {floor}"
                )
        elif head in sys.stdlib_module_names:
            continue
        elif head not in FOREIGN:
            wrong.append(f"line {line}: {name} is not a package this library depends on")
        elif FOREIGN[head] > floor:
            wrong.append(f"line {line}: {name} may be imported from floor {FOREIGN[head]} up")
        elif head in OPTIONAL and not deferred:
            wrong.append(f"line {line}: {name} must be imported inside the function that needs it")
    assert wrong == []


def loaded_after(statement: str) -> set[str]:
    """Top-level packages that a fresh interpreter has loaded after a statement."""
    code = (
        f"{statement}\nimport sys\nprint(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    )
    completed = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    return set(completed.stdout.split())


def test_importing_the_library_is_light():
    assert not loaded_after("import course_lib") & {"matplotlib", "ipywidgets", "sklearn", "scipy"}


@pytest.mark.parametrize("name", [*FLOORS[1], *FLOORS[2], *FLOORS[3]])
def test_lower_floors_do_not_load_the_presentation(name):
    loaded = loaded_after(f"import course_lib.{name}")
    assert not loaded & {"matplotlib", "ipywidgets", "IPython"}
    assert "sklearn" not in loaded or name in FLOORS[3]
