"""Times a workload: all contenders in turn, in one process, on one thread, in CPU time.

The contenders take turns, in an order drawn anew every round, so that whatever else the machine
does meets all of them. What is measured is the CPU time of the process, which leaves out the
time that other programs had the processor; they still share its caches, which lengthens
single runs. The minimum over the rounds is the run that was disturbed least. Everything is prepared
anew several times, for where an array happens to lie in memory can cost a loop a factor of two.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
from collections.abc import Callable
from statistics import median
from time import process_time
from typing import Any

from benchmarks.workload import Run, SelfMeasured, Workload

#: A call shorter than this is repeated within a round: the clock and the loop then cost nothing.
SHORTEST = 0.02
#: Times that everything is prepared, and rounds in each of them.
SESSIONS = 4
FEWEST_ROUNDS, MOST_ROUNDS = 2, 40


def time_of(run: Run, calls: int = 1) -> float:
    """Return the CPU seconds of a call, the mean of ``calls``."""
    started = process_time()
    for _ in range(calls):
        result = run()
    seconds = (process_time() - started) / calls
    return result.seconds if isinstance(result, SelfMeasured) else seconds


def calls_for(run: Run, shortest: float = SHORTEST) -> int:
    """Return how many calls take about ``shortest`` seconds. The first call does not count."""
    if isinstance(run(), SelfMeasured):
        return 1
    return max(1, round(shortest / max(time_of(run), 1e-7)))


def measure(
    workload: Workload,
    *,
    seconds: float,
    tiny: bool = False,
    say: Callable[[str], object] = lambda line: None,
) -> dict[str, Any]:
    """Return the times of all contenders, and what each reached.

    Parameters
    ----------
    workload
        What to measure.
    seconds
        About how long to go on, in CPU time.
    tiny
        One session on a tiny piece of the work.
    say
        Told how it goes.
    """
    data = workload.data(tiny)
    times: dict[str, list[float]] = {name: [] for name in workload.contenders}
    calls: dict[str, int] = {}
    order, shuffle, rounds = list(times), random.Random(0).shuffle, 0
    for session in range(1 if tiny else SESSIONS):
        runs = {name: prepare(data) for name, prepare in workload.contenders.items()}
        results = {name: run() for name, run in runs.items()}
        if not session:
            calls = {name: 1 if tiny else calls_for(run) for name, run in runs.items()}
        spent, n = 0.0, 0
        enough = 0.0 if tiny else seconds / SESSIONS
        while n < FEWEST_ROUNDS or (spent < enough and n < MOST_ROUNDS):
            shuffle(order)
            for name in order:
                times[name].append(time_of(runs[name], calls[name]))
                spent += calls[name] * times[name][-1]
            n += 1
        rounds += n
        say(f"{rounds} rounds")
    measured: dict[str, Any] = {
        name: {"minimum": min(taken), "median": median(taken), "calls": calls[name]}
        for name, taken in times.items()
    }
    if workload.reached is not None:
        _, value_of = workload.reached
        for name, result in results.items():
            measured[name]["reached"] = value_of(data, result)
    return {"rounds": rounds, "threads": threads(), "contenders": measured}


def threads() -> int:
    """Return the largest number of threads that a numerical library here may use."""
    from threadpoolctl import threadpool_info

    most = max((pool["num_threads"] for pool in threadpool_info()), default=1)
    torch = sys.modules.get("torch")
    return max(most, torch.get_num_threads()) if torch else most


def main() -> None:
    """Measure one workload, in a fresh process, and print the result as JSON."""
    from benchmarks.workloads import WORKLOADS

    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("workload", choices=WORKLOADS)
    parser.add_argument("--seconds", type=float, default=20.0)
    parser.add_argument("--tiny", action="store_true")
    given = parser.parse_args()

    def say(line: str) -> None:
        print(f"  {line}", file=sys.stderr, flush=True)

    result = measure(WORKLOADS[given.workload], seconds=given.seconds, tiny=given.tiny, say=say)
    print(json.dumps(result))


if __name__ == "__main__":
    main()
