"""All kinds, and how one is run."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace

from course_lib.grading.feedback import feedback_page
from course_lib.grading.intake import Rejection, read_submission
from course_lib.grading.judge import judge
from course_lib.grading.record import Outcome, graded_notebook
from course_lib.grading.sandbox import Limits, Sandbox
from tests.grading.hostile import breakouts, crashes, forgeries, games
from tests.grading.hostile.files import FileKind, find, honest_notebook, write
from tests.grading.hostile.kinds import World
from tests.grading.hostile.master import NAME

CODE = [*crashes.KINDS, *breakouts.KINDS, *forgeries.KINDS]
ALL = [*CODE, *games.KINDS]
#: Short, so that what never ends costs little; long enough for a busy machine.
LIMITS = Limits(
    seconds_a_cell=3.0,
    seconds_a_call=1.0,
    seconds_in_all=30.0,
    memory_mib=1024,
    file_mib=4,
    restarts=6,
)


@dataclass(frozen=True)
class Task:
    """One kind to run, by its place in `ALL`, which also marks its processes."""

    world: World
    number: int


@dataclass(frozen=True)
class Result:
    """What came of a kind, and of the submission after it."""

    scores: tuple[float, ...] = ()
    rejection: str = ""
    statuses: dict[str, str] = field(default_factory=dict)
    verdict: str = ""
    page: str = ""
    next_scores: tuple[float, ...] = ()
    survivors: tuple[str, ...] = ()
    seconds: float = 0.0


class NoMarks:
    """Stands for a gradebook that holds nothing but the submission."""

    def find_submission_notebook(self, *_: str) -> SimpleNamespace:
        return SimpleNamespace(grades=(), comments=(), late_submission_penalty=None, score=0.0)


def run(task: Task) -> Result:
    """Pack, read and judge a kind, then an honest submission; both as a grading run does it."""
    world, kind = task.world, ALL[task.number]
    folder = world.folder / "submitted" / f"kind-{task.number}" / NAME
    folder.mkdir(parents=True)
    notebook = honest_notebook(world.assignment)
    if isinstance(kind, FileKind):
        outside = world.folder / "outside" / str(task.number)
        outside.mkdir(parents=True)
        (outside / "secret.txt").write_text(world.token)
        kind.pack(folder, notebook, outside)
    else:
        mean_square = f"{kind.first}\n{kind.mean_square}" if kind.first else kind.mean_square
        find(notebook, "mean-square")["source"] = world.fill(mean_square)
        find(notebook, "step")["source"] = world.fill(kind.step)
        write(folder, notebook)
        for name, content in kind.files.items():
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_bytes(content)
    # The command line of a worker holds this number, and so tells whose it is.
    limits = Limits(**{**vars(LIMITS), "output_chars": world.mark + task.number})
    started = time.monotonic()
    try:
        submission = read_submission(folder, world.assignment)
    except Rejection as rejection:
        result = {"rejection": rejection.name}
    else:
        verdict = judge(
            world.assignment,
            submission.cells,
            sandbox=Sandbox.find(),
            limits=limits,
            files=submission.files or None,
        )
        result = {
            "scores": tuple(question.score for question in verdict.questions),
            "statuses": {outcome.id: outcome.status for outcome in verdict.outcomes},
            "verdict": verdict.to_json(),
        }
        notebook = graded_notebook(world.assignment, Outcome("eve", 0, submission, verdict))
        result["page"] = feedback_page(
            world.assignment, "eve", NoMarks(), notebook, verdict, submission.notes
        )
    seconds = time.monotonic() - started
    survivors = alive(f"'{limits.output_chars}'")
    if isinstance(kind, FileKind):
        # It is an honest submission itself, or ran nothing.
        return Result(**result, survivors=survivors, seconds=seconds)
    honest = read_submission(world.folder / "submitted" / "honest" / NAME, world.assignment)
    verdict = judge(world.assignment, honest.cells, sandbox=Sandbox.find(), limits=LIMITS)
    scores = tuple(question.score for question in verdict.questions)
    return Result(**result, next_scores=scores, survivors=survivors, seconds=seconds)


def alive(mark: str) -> tuple[str, ...]:
    """Return the command lines of running processes that hold a mark."""
    found = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            line = path.read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")
        except OSError:
            continue
        if mark in line:
            found.append(line)
    return tuple(found)
