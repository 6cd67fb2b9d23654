"""What the numbers of a run depend on."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from importlib import metadata
from pathlib import Path
from typing import Any

#: What is measured, under its name in the package index.
PEERS = ("numpy", "scipy", "scikit-learn", "numba", "torch", "autograd")


def describe() -> dict[str, Any]:
    """Return the machine, the versions and the day."""
    return {
        "date": datetime.now(UTC).date().isoformat(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
        "blas": _blas(),
        # Without what a build says of itself: 2.13.0+cpu is 2.13.0.
        "versions": {name: metadata.version(name).split("+")[0] for name in PEERS},
    }


def missing() -> list[str]:
    """Return the packages that are not installed."""
    return [name for name in PEERS if not any(metadata.distributions(name=name))]


def load() -> float | None:
    """Return how many programs wanted a processor, a mean over the last minute."""
    return round(os.getloadavg()[0], 1) if hasattr(os, "getloadavg") else None


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        return platform.processor() or "unknown"
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or "unknown"


def _blas() -> str:
    import numpy as np

    np.ones((2, 2)) @ np.ones((2, 2))
    from threadpoolctl import threadpool_info

    for pool in threadpool_info():
        if pool["user_api"] == "blas":
            kernels = f" ({pool['architecture']})" if "architecture" in pool else ""
            return f"{pool['internal_api']} {pool['version']}{kernels}"
    return "unknown"
