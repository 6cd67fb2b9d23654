"""The part of grading that may run anywhere: read one submission, and judge it.

It knows neither the class nor its gradebook, so that a process, another machine or a container can
do it.
"""

from __future__ import annotations

import os
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from course_lib.grading.assignment import Assignment
from course_lib.grading.intake import Submission, read_submission
from course_lib.grading.judge import Verdict, judge
from course_lib.grading.sandbox import FIRST_UID, UIDS, Sandbox, Unsandboxed
from course_lib.grading.submitted_files import Rejection


@dataclass(frozen=True)
class Job:
    """One submission to judge.

    Attributes
    ----------
    student : str
        The student's id.
    assignment : Assignment
        The master.
    seed : int
        The seed of the student's numbers.
    folder : str
        Where the submission lies.
    submission : Submission or None
        The submission, if it was read already: workers elsewhere do not see the folder.
    sandbox : object
        Where the student's code runs, as `sandbox_for` found it on this machine; None lets a worker
        elsewhere find its own.
    """

    student: str
    assignment: Assignment
    seed: int
    folder: str
    submission: Submission | None = None
    sandbox: Any = None


@dataclass(frozen=True)
class Judged:
    """What became of a job: a verdict, or a reason why there is none.

    Attributes
    ----------
    submission : Submission or None
        What was handed in, if it could be read.
    verdict : Verdict or None
        What the checks found.
    rejection : str
        Why it cannot be graded, empty where it was.
    """

    submission: Submission | None = None
    verdict: Verdict | None = None
    rejection: str = ""


def judge_job(job: Job) -> Judged:
    """Read and judge one submission.

    A submission that cannot be read is rejected by name; whatever the student's code does is part
    of the verdict.
    """
    submission = job.submission
    if submission is None:
        try:
            submission = read_submission(Path(job.folder), job.assignment)
        except Rejection as rejection:
            return Judged(rejection=rejected(rejection))
    verdict = judge(
        job.assignment,
        submission.cells,
        seed=job.seed,
        sandbox=_own(job.sandbox),
        files=submission.files or None,
    )
    # Files beside the notebook may be many megabytes, and have done their part.
    return Judged(replace(submission, files={}, notes=_with_seed(submission, job)), verdict)


def rejected(rejection: Rejection) -> str:
    """Return the sentence that stands for a rejection."""
    return f"Rejected ({rejection.name}): {rejection.message}"


def sandbox_for(unsafe: bool) -> Sandbox | Unsandboxed:
    """Return where students' code runs.

    Raises
    ------
    SandboxUnavailable
        If it can be shut in nowhere, and ``unsafe`` does not allow to let it run freely.
    """
    return Unsandboxed() if unsafe else Sandbox.find()


def hiding(sandbox: Sandbox | Unsandboxed | None, *folders: Path) -> Sandbox | Unsandboxed | None:
    """Return the sandbox such that folders of a class are not seen in it, wherever they lie."""
    hidden = tuple(map(str, folders))
    return replace(sandbox, hide=hidden) if isinstance(sandbox, Sandbox) else sandbox


def _with_seed(submission: Submission, job: Job) -> tuple[str, ...]:
    if submission.seed in (None, job.seed):
        return submission.notes
    return (
        *submission.notes,
        f"The notebook has the numbers of seed {submission.seed}. It was judged with those of seed "
        f"{job.seed}, which were released to this student.",
    )


def _own(sandbox: Sandbox | Unsandboxed | None) -> Sandbox | Unsandboxed:
    if sandbox is None:
        return Sandbox.find()
    if isinstance(sandbox, Unsandboxed):
        return sandbox
    # Processes are counted by user, and each worker has one of its own.
    return replace(sandbox, uid=FIRST_UID + os.getpid() % UIDS)
