"""Resolve the requirements files for every supported Python into constraints.txt.

One version of each package serves Python 3.11 to 3.13. The file holds names, versions and
markers only: no index, no path, so that it means the same on every machine.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = """\
# Every package of the environment, pinned for Python 3.11, 3.12 and 3.13.
# Written by `make lock` from requirements-rulers.txt; do not edit by hand.
# The GPU libraries that PyTorch brings along on Linux are pinned by PyTorch itself.
"""
GPU_LIBRARIES = ("nvidia-", "cuda-", "triton")


def resolve() -> list[str]:
    """Ask uv's universal resolver for one set of pins over all platforms."""
    command = [sys.executable, "-m", "uv", "pip", "compile", "--universal", "--upgrade"]
    command += ["--python-version", "3.11", "--fork-strategy", "fewest"]
    command += ["--no-header", "--no-annotate", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--no-config", "--quiet", "requirements-rulers.txt"]
    completed = subprocess.run(command, cwd=ROOT, check=True, capture_output=True, text=True)
    return completed.stdout.splitlines()


def main() -> None:
    """Write constraints.txt, refusing what only one machine could install."""
    pins = [line for line in resolve() if line and not line.startswith(("#", *GPU_LIBRARIES))]
    names = [pin.split("==")[0] for pin in pins]
    for pin in pins:
        requirement = pin.split(";")[0].strip()
        if "==" not in requirement or "+" in requirement or "/" in requirement:
            raise SystemExit(f"Not a plain public version: {pin}")
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise SystemExit(f"More than one version over the supported Pythons: {repeated}")
    (ROOT / "constraints.txt").write_text(HEADER + "\n".join(pins) + "\n", encoding="utf-8")
    print(f"constraints.txt: {len(pins)} packages")


if __name__ == "__main__":
    main()
