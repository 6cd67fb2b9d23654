"""Measure the library beside its peers and write what came out for the book.

Each workload runs in fresh processes on one thread: once for the times, with all contenders in
turn, and once for every contender's peak memory. Where the library has loops that numba compiles,
all of it happens twice, with numba and without. A selection of workloads replaces their results and
leaves the others. With --write nothing is measured: the page is made anew from the stored results.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
from typing import Any

from benchmarks import machine, report
from benchmarks.workload import Workload
from benchmarks.workloads import WORKLOADS

ONE_THREAD = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "VECLIB_MAXIMUM_THREADS",
)
#: What `COURSE_COMPILED` is, with numba and without.
WAYS = {report.NUMBA: "1", report.NUMPY: "0"}
SECONDS, QUICK_SECONDS = 20.0, 2.0


def in_fresh_process(module: str, arguments: list[str], way: str) -> Any:
    """Run a module of this package, and return the JSON that it prints."""
    environment = {**os.environ, **dict.fromkeys(ONE_THREAD, "1"), "COURSE_COMPILED": WAYS[way]}
    command = [sys.executable, "-m", f"benchmarks.{module}", *arguments]
    printed = subprocess.run(
        command, cwd=report.ROOT, env=environment, check=True, stdout=subprocess.PIPE, text=True
    )
    return json.loads(printed.stdout)


def measure(key: str, workload: Workload, seconds: float, with_memory: bool) -> dict[str, Any]:
    """Return all that is known of a workload, by way."""
    found = {}
    for way in report.ways(workload):
        print(f"{workload.title} ({way})", flush=True)
        before = machine.load()
        result = in_fresh_process("timing", [key, "--seconds", str(seconds)], way)
        result["load"] = max(filter(None, (before, machine.load())), default=None)
        for name, measured in result["contenders"].items():
            measured["memory"] = (
                in_fresh_process("memory", [key, name], way) if with_memory else None
            )
        found[way] = result
    return found


def main() -> None:
    """Measure what is asked for, store it, and write the table and the plot."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "workloads", nargs="*", metavar="workload", help=f"all if none: {', '.join(WORKLOADS)}"
    )
    parser.add_argument(
        "--seconds", type=float, default=SECONDS, help="CPU time for each (default: %(default)g)"
    )
    parser.add_argument(
        "--quick",
        action="store_true",
        help=f"{QUICK_SECONDS:g} s for each, no memory, and nothing is stored",
    )
    parser.add_argument(
        "--write", action="store_true", help="only write the page from the stored results"
    )
    given = parser.parse_args()
    if unknown := [key for key in given.workloads if key not in WORKLOADS]:
        parser.error(f"no such workload: {', '.join(unknown)}; there are {', '.join(WORKLOADS)}")
    if not given.write and (missing := machine.missing()):
        parser.error(f"{', '.join(missing)} must be installed: run make bench, which does that")
    results = report.stored()
    if not given.write:
        seconds = QUICK_SECONDS if given.quick else given.seconds
        description = machine.describe()
        for key in given.workloads or WORKLOADS:
            measured = measure(key, WORKLOADS[key], seconds, with_memory=not given.quick)
            entry = {"machine": description, "measured": measured}
            for line in report.lines(key, entry):
                print(f"  {line.in_words()}", flush=True)
            results[key] = entry
            if not given.quick:
                report.store(results)
        if given.quick:
            return
    report.write(results)
    print(f"Written: {report.PAGE.relative_to(report.ROOT)}, which book/benchmarks.md shows.")


if __name__ == "__main__":
    main()
