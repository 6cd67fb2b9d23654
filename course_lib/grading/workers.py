"""Judging several submissions at once, in processes of this machine or of a Dask cluster.

What is sent is a plain function and its arguments; what comes back is its value, or the sentence
that says why there is none. A job that takes its process down, or never ends, loses only itself.
"""

from __future__ import annotations

import multiprocessing
import multiprocessing.connection
import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Executor, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from course_lib.grading.errors import CourseError
from course_lib.validation import check_integer

#: A job that takes longer, in seconds, is given up. The sandbox's own limits are far below.
DEADLINE = 300.0
#: So many processes may be lost before something else than a submission must be wrong.
RESTARTS = 1000
#: What one process may address, in bytes. A check that makes too much of an answer then fails by
#: itself, before the machine ends processes as it likes.
MEMORY = 8 << 30


@dataclass(frozen=True)
class Done:
    """How one job ended.

    Attributes
    ----------
    job : object
        The job.
    value : object
        What the function returned; None if it did not.
    failure : str
        Why there is no value, empty where there is one.
    """

    job: Any
    value: Any = None
    failure: str = ""


def run_jobs(
    function: Callable[[Any], Any],
    jobs: Iterable[Any],
    *,
    workers: int = 2,
    dask: str | None = None,
    deadline: float = DEADLINE,
) -> Iterator[Done]:
    """Yield how each job ended, in the order in which they do.

    Parameters
    ----------
    function
        Called with one job, in another process.
    jobs
        The jobs; they are taken only as fast as they are done.
    workers
        How many processes of this machine work at once.
    dask
        Address of a Dask scheduler whose workers do it instead, such as ``tcp://host:8786``.
    deadline
        Seconds after which a job is given up, on this machine.

    Raises
    ------
    CourseError
        If the scheduler does not answer.
    """
    check_integer("workers", workers, at_least=1)
    if dask:
        yield from _on_cluster(function, jobs, dask)
        return
    pool = _Pool(workers, function.__module__)
    try:
        yield from _in_pool(pool, function, iter(jobs), deadline)
    finally:
        pool.stop()


class _Pool:
    """Processes that can be stopped at any time, and started again."""

    def __init__(self, size: int, module: str) -> None:
        self.size = size
        self.module = module
        self.starts = 0
        self.executor = self._start()

    def _start(self) -> ProcessPoolExecutor:
        method = "forkserver" if sys.platform == "linux" else "spawn"
        context = multiprocessing.get_context(method)
        if method == "forkserver":
            # Loaded once, and there in every process that is forked.
            context.set_forkserver_preload([self.module])
        return ProcessPoolExecutor(self.size, mp_context=context, initializer=_begin)

    def stop(self) -> None:
        # There is no public way to end a process that is at work.
        processes = list((self.executor._processes or {}).values())
        self.executor.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            with suppress(ProcessLookupError, ValueError):
                process.kill()
        for process in processes:
            process.join(5)

    def restart(self) -> None:
        self.stop()
        self.starts += 1
        if self.starts > RESTARTS:
            raise CourseError(
                "the processes that judge end again and again; is there enough memory?"
            )
        self.executor = self._start()


@dataclass
class _Running:
    """A job at work: since when, and whether it is the only one."""

    job: Any
    began: float
    alone: bool


def _in_pool(
    pool: _Pool, function: Callable[[Any], Any], source: Iterator[Any], deadline: float
) -> Iterator[Done]:
    pending: dict[Future, _Running] = {}
    # After a crash, those that were at work run one by one: the next crash tells who it was.
    suspects: deque[Any] = deque()
    while True:
        alone = bool(suspects) or any(running.alone for running in pending.values())
        while len(pending) < (1 if alone else pool.size):
            job = suspects.popleft() if suspects else next(source, _NOTHING)
            if job is _NOTHING:
                break
            running = _Running(job, time.monotonic(), alone)
            try:
                pending[pool.executor.submit(function, job)] = running
            except BrokenProcessPool:
                # A process ended since the last look, which is then found below.
                suspects.append(job)
                break
        if not pending and not suspects:
            return
        if not pending:
            pool.restart()
            continue
        done, _ = wait(pending, timeout=0.5, return_when=FIRST_COMPLETED)
        broken: list[_Running] = []
        for future in done:
            running, error = pending.pop(future), future.exception()
            if error is None:
                yield Done(running.job, future.result())
            elif isinstance(error, BrokenProcessPool):
                broken.append(running)
            else:
                yield Done(running.job, failure=_sentence(error))
        late = [f for f, r in pending.items() if time.monotonic() - r.began > deadline]
        for future in late:
            failure = f"judging took longer than {deadline:g} s"
            yield Done(pending.pop(future).job, failure=failure)
        if broken or late:
            pool.restart()
            for running in broken:
                if running.alone:
                    yield Done(running.job, failure="judging ended the process that did it")
                else:
                    suspects.append(running.job)
            suspects.extend(running.job for running in pending.values())
            pending.clear()


_NOTHING = object()


def _on_cluster(
    function: Callable[[Any], Any], jobs: Iterable[Any], address: str
) -> Iterator[Done]:
    try:
        from distributed import Client
    except ImportError:
        raise CourseError(
            "grading on a Dask cluster needs the package distributed: pip install distributed"
        ) from None
    try:
        client = Client(address, timeout=20)
    except (OSError, TimeoutError, ValueError) as error:
        raise CourseError(f"no Dask scheduler answers at {address}: {error}") from None
    with client:
        # A task whose worker dies is given to others by Dask, and given up after some.
        executor: Executor = client.get_executor(pure=False)
        window = 2 * max(1, sum(client.nthreads().values()))
        source, pending = iter(jobs), {}
        while True:
            while len(pending) < window and (job := next(source, _NOTHING)) is not _NOTHING:
                pending[executor.submit(function, job)] = job
            if not pending:
                return
            for future in wait(pending, return_when=FIRST_COMPLETED)[0]:
                job, error = pending.pop(future), future.exception()
                if error is None:
                    yield Done(job, future.result())
                else:
                    yield Done(job, failure=_sentence(error))


def _sentence(error: BaseException) -> str:
    return f"judging failed: {type(error).__name__}: {error}"[:500]


def _begin() -> None:
    _end_with_parent()
    if sys.platform == "linux":
        import resource

        # The hard limit stays, for what is started from here has limits of its own.
        hard = resource.getrlimit(resource.RLIMIT_AS)[1]
        if hard == resource.RLIM_INFINITY or hard > MEMORY:
            resource.setrlimit(resource.RLIMIT_AS, (MEMORY, hard))


def _end_with_parent() -> None:
    """Let a worker end when the run is killed; nothing else tells it."""
    parent = multiprocessing.parent_process()
    if parent is None:
        return

    def watch() -> None:
        multiprocessing.connection.wait([parent.sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
