"""Importing the library, each time in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
from functools import partial

from benchmarks.workload import Run, SelfMeasured, Target, Workload

# The start of the interpreter is not what is measured.
IMPORT = """
import json, re, time
def memory(field):
    try:
        return 1024 * int(re.search(field + r":\\s+(\\d+) kB", open("/proc/self/status").read())[1])
    except OSError:
        return 0
before, started = memory("VmRSS"), time.process_time()
{statement}
seconds = time.process_time() - started
print(json.dumps([seconds, memory("VmHWM") - before]))
"""


def importing(statement: str, data: None) -> Run:
    code = IMPORT.format(statement=statement)

    def run() -> SelfMeasured:
        printed = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True
        ).stdout
        return SelfMeasured(*json.loads(printed))

    return run


FIRST_DESCENT = (
    "from course_lib import descent, line_search, objectives, optimizers, schedules, stopping"
)

WORKLOADS = {
    "import": Workload(
        "import of course_lib, in a fresh process",
        lambda tiny: None,
        {
            # The package loads its modules when they are first used; nobody stops there.
            "ours, import course_lib": partial(importing, "import course_lib"),
            "ours, with all that a first descent needs": partial(importing, FIRST_DESCENT),
            "numpy": partial(importing, "import numpy"),
        },
        (
            Target("ours, import course_lib", "numpy", 1.5),
            Target("ours, with all that a first descent needs", "numpy", 1.5),
        ),
    ),
}
