"""Jobs on several processes: each ends in one way or the other, and none takes others with it."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest

from course_lib.grading.errors import CourseError
from course_lib.grading.workers import run_jobs
from tests.grading.jobs_that_end_badly import do, meet


def ended(jobs, **how):
    return {done.job: done.value or done.failure for done in run_jobs(do, jobs, **how)}


def test_a_job_that_takes_its_process_down_loses_only_itself():
    found = ended(["a", "die", "b", "raise", "c", "unpicklable"], workers=2)
    assert {k: found[k] for k in "abc"} == {"a": "A", "b": "B", "c": "C"}
    assert found["die"] == "judging ended the process that did it"
    assert found["raise"] == "judging failed: ValueError: a reason"
    assert "judging failed" in found["unpicklable"]


@pytest.mark.skipif(sys.platform != "linux", reason="only there memory is limited")
def test_a_job_that_wants_all_memory_fails_by_itself():
    assert ended(["a", "eat"])["eat"] == "judging failed: MemoryError: "


def test_a_job_that_never_ends_is_given_up():
    found = ended(["sleep", "a", "b", "c"], workers=2, deadline=8.0)
    assert {k: found[k] for k in "abc"} == {"a": "A", "b": "B", "c": "C"}
    assert found["sleep"] == "judging took longer than 8 s"


def test_two_work_at_once(tmp_path):
    assert [done.value for done in run_jobs(meet, [tmp_path] * 2, workers=2)] == [2, 2]


def test_workers_end_when_their_run_is_killed():
    program = (
        "from tests.grading.jobs_that_end_badly import do\n"
        "from course_lib.grading.workers import run_jobs\n"
        "if __name__ == '__main__':\n"
        "    for done in run_jobs(do, ['a', 'sleep', 'sleep']): print(done.value, flush=True)\n"
    )
    root = Path(__file__).resolve().parents[2]
    with subprocess.Popen(
        [sys.executable, "-c", program], cwd=root, stdout=subprocess.PIPE, text=True
    ) as run:
        assert run.stdout.readline() == "A\n"
        workers = _descendants(run.pid)
        assert len(workers) >= 2
        run.kill()
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and any(_alive(worker) for worker in workers):
        time.sleep(0.1)
    assert not [worker for worker in workers if _alive(worker)]


def _descendants(parent: int) -> list[int]:
    psutil = pytest.importorskip("psutil")
    return [child.pid for child in psutil.Process(parent).children(recursive=True)]


def _alive(process: int) -> bool:
    psutil = pytest.importorskip("psutil")
    try:
        return psutil.Process(process).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def test_a_scheduler_that_is_not_there_is_named(monkeypatch):
    pytest.importorskip("distributed")
    with pytest.raises(CourseError, match="no Dask scheduler answers at nowhere"):
        list(run_jobs(do, ["a"], dask="nowhere"))
