"""Create or refresh ``.venv`` so that it holds exactly what a command needs.

``python tools/environment.py build`` installs requirements-build.txt under constraints.txt
and ``course_lib`` in editable mode. A stamp inside ``.venv`` records what was installed from
which files; when nothing changed, nothing is done. An environment made by another Python, or
one whose folder was moved (its scripts then point to a place that is gone), is made anew.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
ENVIRONMENT = ROOT / ".venv"
ORIGIN_STAMP = ENVIRONMENT / "downhill-origin.json"
# Each level holds everything of the ones before it.
BUILD = ["requirements-build.txt", "requirements.txt"]
GRADING = ["requirements-grading.txt", *BUILD]
TEST = ["requirements-test.txt", *GRADING]
REQUIREMENTS = {
    "build": BUILD,
    "grading": GRADING,
    "test": TEST,
    "rulers": ["requirements-rulers.txt", *TEST],
}
WHAT_FOR = {
    "build": "what the book needs (a minute or two, once)",
    "grading": "what grading needs (a minute or two, once)",
    "test": "what the checks need (a minute or two, once)",
    "rulers": "what the tests need, PyTorch and JAX among it (some minutes, once)",
}


def environment_python() -> Path:
    """Path of the interpreter inside ``.venv``."""
    folder, name = ("Scripts", "python.exe") if os.name == "nt" else ("bin", "python")
    return ENVIRONMENT / folder / name


def describe_origin() -> dict[str, str]:
    """Where the environment stands and which interpreter made it."""
    return {
        "folder": str(ENVIRONMENT),
        "base": str(Path(sys.base_prefix).resolve()),
        "version": ".".join(str(part) for part in sys.version_info[:3]),
    }


def environment_is_usable() -> bool:
    """True when ``.venv`` was made here, by this interpreter, and still starts."""
    try:
        recorded = json.loads(ORIGIN_STAMP.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return recorded == describe_origin() and environment_python().exists()


def create_environment() -> None:
    """Make an empty ``.venv``, removing what stood there."""
    if ENVIRONMENT.exists():
        print("Remaking .venv: it was made by another Python, elsewhere, or not completely.")
        if ENVIRONMENT.is_symlink():
            raise SystemExit(".venv is a symbolic link; remove it and run the command again.")
        shutil.rmtree(ENVIRONMENT)
    else:
        print(f"Making .venv with Python {describe_origin()['version']}.")
    # This program may itself run in the environment that is being replaced.
    base_python = getattr(sys, "_base_executable", None) or sys.executable
    run([base_python, "-m", "venv", str(ENVIRONMENT)])
    ORIGIN_STAMP.write_text(json.dumps(describe_origin(), indent=1), encoding="utf-8")


def run(command: list[str]) -> None:
    """Run a command from the repository's root; end this program when it fails."""
    completed = subprocess.run(command, cwd=ROOT, check=False)
    if completed.returncode != 0:
        print(f"\nThis step failed (exit {completed.returncode}): {' '.join(command)}")
        print("The reason stands above; installing needs a connection to the package index.")
        raise SystemExit(1)


def fingerprint(level: str) -> str:
    """Hash of every file that decides what the environment of a level holds."""
    digest = hashlib.sha256()
    for name in [*REQUIREMENTS[level], "constraints.txt", "pyproject.toml"]:
        digest.update(name.encode())
        digest.update((ROOT / name).read_bytes())
    return digest.hexdigest()


def install(level: str) -> None:
    """Install the requirements of a level and ``course_lib``, unless the stamp says done."""
    stamp = ENVIRONMENT / f"downhill-{level}.sha256"
    wanted = fingerprint(level)
    if stamp.exists() and stamp.read_text(encoding="utf-8") == wanted:
        return
    print(f"Installing {WHAT_FOR[level]}.", flush=True)
    pip = [str(environment_python()), "-m", "pip", "install", "--quiet"]
    pip += ["--disable-pip-version-check", "--no-warn-script-location"]
    run([*pip, "-r", REQUIREMENTS[level][0], "-c", "constraints.txt"])
    # The build backend is among the requirements, so no second environment is needed for it.
    run([*pip, "--no-deps", "--no-build-isolation", "--editable", "."])
    stamp.write_text(wanted, encoding="utf-8")


def main() -> None:
    """Bring ``.venv`` to the level named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("level", choices=sorted(REQUIREMENTS))
    level = parser.parse_args().level
    if not environment_is_usable():
        create_environment()
    install(level)


if __name__ == "__main__":
    main()
