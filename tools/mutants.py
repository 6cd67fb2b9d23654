"""Change the library one small step at a time, and count the changes that no test notices.

Run by ``make mutants`` (one package: ``make mutants PACKAGE=schedules``); without arguments, all of
``PACKAGES`` are gone through. Each package is copied to ``_build/mutants``, where mutmut turns a
``+`` into a ``-``, a ``<`` into a ``<=``, an argument into ``None``, and runs the tests that reach
the changed function. A mutant that no test fails on has survived.

The files in ``tests/mutation`` list the survivors that are known, each with the reason why it may
live. The command fails on a survivor that is not listed, and where fewer than ``AT_LEAST`` of
all mutants are killed. ``--write`` stores what came out there; new survivors get the reason
"unexplained", which a test in ``tests/repo`` does not accept.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
STAGE = ROOT / "_build" / "mutants"
KNOWN = ROOT / "tests" / "mutation"
AT_LEAST = 0.90

# The tests that a package's mutants have to get past: those of the package, nothing that takes
# long. mutmut picks from them, per function, the ones that reach it.
PACKAGES = {
    "schedules": ["test_schedules", "test_plain_mathematics"],
    "costs": ["test_costs", "test_costs_refusals", "test_scoring"],
    "optimizers": [
        "test_optimizers",
        "test_optimizers_averaging",
        "test_optimizers_chain",
        "test_optimizers_contract",
        "test_optimizers_formulas",
        "test_optimizers_momentum_rates",
        "test_optimizers_quasi_newton",
        "test_optimizers_settings",
        "test_optimizers_worked_numbers",
        "test_conjugate_gradient",
        "test_descent",
        "test_descent_endings",
    ],
    "discriminants": [
        "test_discriminants",
        "test_discriminants_refusals",
        "test_discriminant_threshold",
        "test_lda",
    ],
    "information_geometry": [
        "test_fisher",
        "test_information_geometry",
        "test_information_geometry_claims",
        "test_information_geometry_refusals",
        "test_information_geometry_settings",
        "test_natural_gradient",
    ],
}
# Tests of seconds, which would be run once for every survivor that they reach; and one that counts
# the frames of the call stack, to which mutmut adds its own.
LEFT_OUT = [
    "test_discriminants_refusals.py::test_a_warning_points_to_the_line_that_fits",
    "test_discriminants.py::test_the_mathematics_load_without_scikit_learn_or_scipy",
    "test_fisher.py::TestMonteCarlo::test_comes_as_near_as_it_says[network with normalization]",
    "test_information_geometry.py::test_loads_without_scipy_and_scikit_learn",
    "test_natural_gradient.py::TestDescent::test_descends_on_every_model",
    "test_natural_gradient.py::TestInvariance::test_whole_paths_come_together_as_steps_get_shorter",
    "test_optimizers_quasi_newton.py::test_beats_descent_in_a_curved_valley",
    "test_optimizers_worked_numbers.py::test_adam_can_walk_to_the_worst_point_and_amsgrad_to_the_best_c029",
    "test_optimizers_worked_numbers.py::test_averaging_removes_the_noise_that_a_constant_step_leaves_c119",
    "test_optimizers_worked_numbers.py::test_noise_floors_c028_c118",
]

# What a run of the mutants has in place of pyproject.toml. A mutant that runs for eight times as
# long as the tests need, and 16 seconds, has hung, and counts as killed.
SETTINGS = """
[tool.pytest.ini_options]
addopts = ["--strict-markers", "--import-mode=importlib"]
pythonpath = ["."]
filterwarnings = ["error"]
markers = ["browser: not here", "built: not here"]

[tool.mutmut]
source_paths = ["course_lib"]
only_mutate = ["course_lib/{package}/*"]
pytest_add_cli_args_test_selection = {tests}
pytest_add_cli_args = [
  "--hypothesis-profile=mutants", "--assert=plain", "-p", "no:cacheprovider", "-p", "no:xdist",
  "-p", "no:nbval", "-p", "no:pytest_cov",
]
timeout_constant = 2.0
timeout_multiplier = 8.0
use_git_change_detection = false
track_dependencies = false
"""


@dataclass(frozen=True)
class Survivor:
    """A change that no test noticed: where, and the lines before and after."""

    where: str
    was: str
    becomes: str


@dataclass(frozen=True)
class Outcome:
    """What became of the mutants of one package."""

    mutants: int
    timeouts: int
    survivors: list[Survivor]

    @property
    def killed(self) -> int:
        return self.mutants - len(self.survivors)

    @property
    def score(self) -> float:
        return self.killed / self.mutants


def stage(package: str) -> Path:
    """Lay out the package, its tests and the settings where the mutants are made."""
    folder = STAGE / package
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [*(ROOT / "course_lib").rglob("*.py"), *(ROOT / "tests").rglob("*.py")]
    wanted += (ROOT / "course_lib").rglob("*.toml")
    for path in wanted:
        target = folder / path.relative_to(ROOT)
        # mutmut goes by times of files: what has not changed is not copied again.
        if not target.exists() or target.read_bytes() != path.read_bytes():
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(path, target)
    for copy in [*(folder / "course_lib").rglob("*.py"), *(folder / "tests").rglob("*.py")]:
        if not (ROOT / copy.relative_to(folder)).exists():
            copy.unlink()
    tests = [f"tests/lib/{name}.py" for name in PACKAGES[package]]
    left_out = [name for name in LEFT_OUT if name.partition(".")[0] in PACKAGES[package]]
    tests += [f"--deselect=tests/lib/{name}" for name in left_out]
    settings = SETTINGS.format(package=package, tests=json.dumps(tests))
    (folder / "pyproject.toml").write_text(settings, encoding="utf-8")
    return folder


def forget_survivors(folder: Path) -> None:
    """Have mutmut run its survivors again, and nothing else."""
    for meta in folder.glob("mutants/course_lib/**/*.meta"):
        stored = json.loads(meta.read_text(encoding="utf-8"))
        codes = stored["exit_code_by_key"]
        for name, code in codes.items():
            codes[name] = code if code == 1 else None
        meta.write_text(json.dumps(stored), encoding="utf-8")
    # Tests that were added to the selection would make it run everything.
    stats = folder / "mutants" / "mutmut-stats.json"
    if stats.exists():
        stored = json.loads(stats.read_text(encoding="utf-8")) | {"config_fingerprint": {}}
        stats.write_text(json.dumps(stored), encoding="utf-8")


def mutmut(folder: Path, *arguments: str) -> None:
    """Run mutmut in ``folder``."""
    # The copy must be found before the library that is installed in editable mode.
    environment = os.environ | {"PYTHONDONTWRITEBYTECODE": "1"}
    program = "import sys; from mutmut.__main__ import cli; sys.exit(cli())"
    command = [sys.executable, "-c", program, *arguments]
    completed = subprocess.run(command, cwd=folder, env=environment, check=False)
    if completed.returncode != 0:
        raise SystemExit(f"mutmut ended with {completed.returncode}: the reason stands above.")


def read_outcome(folder: Path) -> Outcome:
    """Read what mutmut stored, with the survivors as changes of lines."""
    os.chdir(folder)
    from mutmut.mutation.diff_apply import get_diff_for_mutant
    from mutmut.stats import status_by_exit_code

    total = timeouts = 0
    survivors = []
    for meta in sorted(folder.glob("mutants/course_lib/**/*.meta")):
        source = meta.relative_to(folder / "mutants").with_suffix("")
        codes = json.loads(meta.read_text(encoding="utf-8"))["exit_code_by_key"]
        for name, code in codes.items():
            status = status_by_exit_code[code]
            total += 1
            timeouts += status == "timeout"
            if status not in ("survived", "no tests", "not checked", "suspicious"):
                continue
            diff = get_diff_for_mutant(name, path=source).splitlines()[2:]
            mangled = name.rpartition(".")[2].partition("__mutmut_")[0]
            function = mangled.removeprefix("x_").removeprefix("xǁ").replace("ǁ", ".")
            survivors.append(
                Survivor(
                    f"{source.as_posix()}: {function}",
                    "\n".join(line[1:].strip() for line in diff if line.startswith("-")),
                    "\n".join(line[1:].strip() for line in diff if line.startswith("+")),
                )
            )
    return Outcome(total, timeouts, survivors)


def read_known(package: str) -> dict[Survivor, str]:
    """Return the survivors listed for a package, with their reasons."""
    path = KNOWN / f"{package}.toml"
    if not path.exists():
        return {}
    listed = tomllib.loads(path.read_text(encoding="utf-8")).get("survivor", [])
    return {Survivor(one["where"], one["was"], one["becomes"]): one["why"] for one in listed}


def write_known(package: str, outcome: Outcome) -> None:
    """Store the outcome, keeping the reasons that are already written."""
    reasons = read_known(package)
    lines = [
        f"# Mutants of course_lib/{package} that live, and why they may.",
        "# Written by `python tools/mutants.py --write`; only the reasons are written by hand.",
        f"mutants = {outcome.mutants}",
        f"killed = {outcome.killed}",
    ]
    for one in sorted(set(outcome.survivors), key=lambda s: (s.where, s.was, s.becomes)):
        lines += ["", "[[survivor]]"]
        for key, text in vars(one).items():
            lines.append(f"{key} = {quoted(text)}")
        lines.append(f"why = {quoted(reasons.get(one, 'unexplained'))}")
    KNOWN.mkdir(exist_ok=True)
    (KNOWN / f"{package}.toml").write_text("\n".join(lines) + "\n", encoding="utf-8")


def quoted(text: str) -> str:
    """Return ``text`` as a TOML string that stays readable."""
    if "'" not in text and "\n" not in text:
        return f"'{text}'"
    if "'''" not in text and not text.endswith("'"):
        return f"'''{text}'''"
    return json.dumps(text, ensure_ascii=False)


def report(package: str, outcome: Outcome) -> bool:
    """Print the outcome of one package; return whether it is as it should be."""
    known = read_known(package)
    new = [one for one in outcome.survivors if one not in known]
    gone = [one for one in known if one not in outcome.survivors]
    print(
        f"\n{package}: {outcome.killed} of {outcome.mutants} mutants killed "
        f"({outcome.score:.1%}), {outcome.timeouts} of them by the clock"
    )
    for title, group in (("Not listed", new), ("Listed, but killed now", gone)):
        for one in group:
            print(f"\n{title}: {one.where}")
            print("\n".join(f"  - {line}" for line in one.was.splitlines()))
            print("\n".join(f"  + {line}" for line in one.becomes.splitlines()))
    if outcome.score < AT_LEAST:
        print(f"\nAt least {AT_LEAST:.0%} should be killed.")
    return not new and outcome.score >= AT_LEAST


def main() -> None:
    """Run the packages one after the other."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("packages", nargs="*", metavar="package", default=list(PACKAGES))
    parser.add_argument("--write", action="store_true", help="store the outcome in tests/mutation")
    parser.add_argument(
        "--again",
        action="store_true",
        help="run only the survivors of the last time; for work on the tests, not for the score",
    )
    parser.add_argument("--processes", type=int, default=1)
    given = parser.parse_args()
    unknown = set(given.packages) - set(PACKAGES)
    if unknown:
        parser.error(f"unknown {sorted(unknown)}: choose from {', '.join(PACKAGES)}")
    fine = True
    for package in given.packages:
        if not given.again:
            shutil.rmtree(STAGE / package, ignore_errors=True)
        folder = stage(package)
        if given.again:
            forget_survivors(folder)
        mutmut(folder, "run", "--max-children", str(given.processes))
        outcome = read_outcome(folder)
        if given.write:
            write_known(package, outcome)
        fine = report(package, outcome) and fine
    if not fine:
        raise SystemExit(1)


if __name__ == "__main__":
    main()
