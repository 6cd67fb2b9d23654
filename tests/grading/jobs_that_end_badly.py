"""Functions for `run_jobs`; other processes import them by name."""

from __future__ import annotations

import os
import time
from pathlib import Path


def do(job: str) -> str:
    """Do what a word says."""
    if job == "die":
        os._exit(3)
    if job == "raise":
        raise ValueError("a reason")
    if job == "sleep":
        time.sleep(600)
    if job == "eat":
        return str(len(bytes(12 << 30)))
    if job == "unpicklable":
        return lambda: None
    return job.upper()


def meet(folder: str) -> int:
    """Wait for another process that does the same, and say how many came."""
    Path(folder, str(os.getpid())).touch()
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and len(os.listdir(folder)) < 2:
        time.sleep(0.02)
    return len(os.listdir(folder))
