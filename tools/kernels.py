"""Surroundings for notebook kernels that are the same on every machine.

A reader's own IPython start-up files, matplotlib settings or kernels of the same name would
otherwise change what a notebook prints.
"""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PLACE = ROOT / "_build" / ".surroundings"
# Kernels announce their transport on the error stream at every start; errors still appear. Compiled
# loops add up in another order than array operations do, and numba is not installed everywhere.
KERNEL_SETTINGS = """\
import os

os.environ["COURSE_COMPILED"] = "0"
c = get_config()
c.IPKernelApp.log_level = "ERROR"
"""


def isolate_kernels() -> None:
    """Set the environment that kernels started from this process inherit."""
    profile = PLACE / "ipython" / "profile_default"
    profile.mkdir(parents=True, exist_ok=True)
    (profile / "ipython_kernel_config.py").write_text(KERNEL_SETTINGS, encoding="utf-8")
    (PLACE / "matplotlib").mkdir(exist_ok=True)
    os.environ["IPYTHONDIR"] = str(PLACE / "ipython")
    os.environ["MPLCONFIGDIR"] = str(PLACE / "matplotlib")
    os.environ["JUPYTER_PREFER_ENV_PATH"] = "1"
    # Explorables and quizzes render as HTML that works without a kernel.
    os.environ["COURSE_STATIC"] = "1"
    for name in ("OMP", "OPENBLAS", "MKL", "NUMEXPR", "VECLIB_MAXIMUM"):
        variable = f"{name}_THREADS" if "_" in name else f"{name}_NUM_THREADS"
        os.environ[variable] = "1"
