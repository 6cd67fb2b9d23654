"""Peak memory of one contender, in a fresh process.

What is measured is the peak of the process's resident memory during one run, above what it held
just before: after the imports, the data, and a warm-up on a tiny piece of the work, so that
libraries, their buffers and machine code do not count. Models, states of optimizers, copies of the
data and temporary arrays do. Linux only: elsewhere there is no way to forget an earlier peak.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import json
import re
from pathlib import Path

from benchmarks.workload import SelfMeasured, Workload

STATUS = Path("/proc/self/status")
FORGET_PEAK = Path("/proc/self/clear_refs")


def peak_of(workload: Workload, name: str, tiny: bool = False) -> int | None:
    """Return the bytes of the peak above the start, or None where it cannot be measured."""
    prepare = workload.contenders[name]
    result = prepare(workload.data(True))()
    if isinstance(result, SelfMeasured):
        return result.bytes
    if not FORGET_PEAK.exists():
        return None
    data = workload.data(tiny)
    del result
    gc.collect()
    # What was freed goes back to the system, or the run would find it and not show.
    ctypes.CDLL(None).malloc_trim(0)
    before = _resident("VmRSS")
    FORGET_PEAK.write_text("5")
    prepare(data)()
    return max(0, _resident("VmHWM") - before)


def _resident(field: str) -> int:
    return 1024 * int(re.search(rf"{field}:\s+(\d+) kB", STATUS.read_text()).group(1))


def main() -> None:
    """Measure one contender and print its peak as JSON."""
    from benchmarks.workloads import WORKLOADS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("contender")
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args()
    print(json.dumps(peak_of(WORKLOADS[given.workload], given.contender, given.tiny)))


if __name__ == "__main__":
    main()
