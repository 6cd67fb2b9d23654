"""Check everything: style, the library, the repository, the notebooks and the built pages.

Run by ``make test`` after the book is built. Arguments are handed to pytest, for example
``python tools/test.py tests/lib -k quadratic``; without any, everything is checked.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

from kernels import isolate_kernels

ROOT = Path(__file__).resolve().parent.parent
STYLE = (["ruff", "check", "."], ["ruff", "format", "--check", "--quiet", "."])
# Notebooks run once more, and what they print is compared with the stored outputs.
NOTEBOOKS = ["--nbval", "--nbval-current-env", "--nbval-cell-timeout=300"]
NOTEBOOKS += ["--nbval-sanitize-with", "tests/notebooks/sanitize.cfg", "--ignore=book/assignments"]
# A file's tests stay together: those of a notebook share a kernel, those of pages a browser.
IN_PARALLEL = ["-n", str(min(os.cpu_count() or 1, 4)), "--dist", "loadfile"]


def main() -> None:
    """Run the checks in turn; pytest comes last, so that its closing line does too."""
    isolate_kernels()
    os.chdir(ROOT)
    style_is_fine = True
    for command in STYLE:
        completed = subprocess.run([sys.executable, "-m", *command], check=False)
        style_is_fine = style_is_fine and completed.returncode == 0
    if not style_is_fine:
        print("The style rules object, see above; `make format` applies most of them.", flush=True)
    arguments = sys.argv[1:] or [*IN_PARALLEL, "tests", "book"]
    command = [sys.executable, "-m", "pytest", *NOTEBOOKS, *arguments]
    completed = subprocess.run(command, check=False)
    if completed.returncode != 0 or not style_is_fine:
        raise SystemExit(completed.returncode or 1)


if __name__ == "__main__":
    main()
