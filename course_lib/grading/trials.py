"""Graders are graded: does an assignment give its points to the right answers, and to them alone?

The reference solution must earn everything, the released notebook nothing. Every mistake that a
card names must fail exactly the checks it names, and every alternative solution must pass them all.
"""

from __future__ import annotations

import io
import re
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import redirect_stdout
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from course_lib.checks import AnswerError
from course_lib.grading.assignment import Assignment, Question
from course_lib.grading.judge import (
    InProcessSession,
    QuestionVerdict,
    Reference,
    judge_question,
    run_source,
)
from course_lib.grading.released import released_notebook
from course_lib.grading.withheld import leaks_of

#: Fewer mistakes than this leave a question's checks unproven.
MISTAKES_WANTED = 8

_LABEL = re.compile(r"^\((sec-[\w-]+|ch-[\w-]+)\)=", re.MULTILINE)


@dataclass(frozen=True)
class Trial:
    """One solution that was judged, and what was to come out.

    Attributes
    ----------
    question : str
        The question's id.
    name : str
        Which solution: ``"reference"``, ``"starter"``, or a mistake's or an alternative's name.
    kind : str
        ``"reference"``, ``"starter"``, ``"mistake"`` or ``"alternative"``.
    verdict : QuestionVerdict
        What came out.
    fails : frozenset of str or None
        Names of the checks that were to fail; None where only the score of zero counts.
    """

    question: str
    name: str
    kind: str
    verdict: QuestionVerdict
    fails: frozenset[str] | None

    @property
    def as_expected(self) -> bool:
        """Whether exactly the checks failed that were to fail."""
        if self.fails is None:
            return self.verdict.score == 0.0
        return frozenset(self.verdict.failed) == self.fails

    @property
    def caught(self) -> bool:
        """Whether a wrong solution lost points."""
        return self.verdict.score < self.verdict.points

    def __str__(self) -> str:
        failed = ", ".join(self.verdict.failed) or "nothing"
        if self.fails is None:
            return f"{self.question}: {self.name} earns {self.verdict.score:g}, should earn 0"
        wanted = ", ".join(sorted(self.fails)) or "nothing"
        return f"{self.question}: {self.name}: failed {failed}; should fail {wanted}"


class AssignmentTrials:
    """All trials of an assignment under one seed.

    Parameters
    ----------
    assignment
        The master.
    seed
        The seed of the numbers.
    """

    def __init__(self, assignment: Assignment, seed: int = 0) -> None:
        self.assignment = assignment
        self.reference = Reference(assignment, seed)

    @cached_property
    def trials(self) -> tuple[Trial, ...]:
        """Every solution, judged."""
        return tuple(
            trial
            for question in self.assignment.questions
            if question.shown
            for trial in self._trials_of(question)
        )

    @property
    def unexpected(self) -> list[Trial]:
        """The trials that came out otherwise than the cards say."""
        return [trial for trial in self.trials if not trial.as_expected]

    def _trials_of(self, question: Question) -> Iterator[Trial]:
        yield self._try(question, "reference", "reference", question.solution, frozenset())
        yield self._try(question, "starter", "starter", question.starter, None)
        for mistake in question.mistakes:
            fails = frozenset(mistake.fails)
            yield self._try(question, mistake.name, "mistake", mistake.code, fails)
        for other in question.alternatives:
            yield self._try(question, other.name, "alternative", other.code, frozenset())

    def _try(
        self, question: Question, name: str, kind: str, code: str, fails: frozenset[str] | None
    ) -> Trial:
        try:
            namespace = self.reference.namespace_with({question.id: code})
            session: Any = InProcessSession(namespace)
        except Exception as error:
            session = _Broken(AnswerError("missing", f"the cell raised {type(error).__name__}"))
        return Trial(
            question.id, name, kind, judge_question(self.reference, question, session), fails
        )


class _Broken(InProcessSession):
    """A session whose answer cell could not be run."""

    def __init__(self, error: AnswerError) -> None:
        super().__init__({})
        self._error = error

    def get(self, name: str) -> Any:
        raise self._error


def faults_of(assignment: Assignment, chapter: Path | None = None, seed: int = 0) -> list[str]:
    """Return what is wrong with an assignment, as sentences; nothing if it can be released.

    Parameters
    ----------
    assignment
        The master.
    chapter
        The chapter's notebook, where the sections named as prerequisites must be.
    seed
        The seed of the numbers.
    """
    faults = list(_faults_of_form(assignment))
    if chapter is not None:
        labels = set(_LABEL.findall(chapter.read_text(encoding="utf-8").replace('"', "\n")))
        faults += [
            f"{question.id}: {chapter.name} has no section {label!r}"
            for question in assignment.questions
            for label in question.prerequisites
            if label not in labels
        ]
    try:
        trials = AssignmentTrials(assignment, seed)
    except Exception as error:
        return [*faults, f"the reference solution does not run: {type(error).__name__}: {error}"]
    for question, checks in trials.reference.checks.items():
        names = [check.name for check in checks]
        faults += [f"{question}: two checks are named {n!r}" for n in names if names.count(n) > 1]
        if not any(check.weight for check in checks):
            faults.append(f"{question}: no check has a weight")
    faults += [str(trial) for trial in trials.unexpected]
    faults += [
        f"{trial.question}: mistake {trial.name!r} loses no point"
        for trial in trials.trials
        if trial.kind == "mistake" and not trial.caught
    ]
    faults += _faults_of_release(assignment, seed)
    return faults


def _faults_of_form(assignment: Assignment) -> Iterator[str]:
    """Yield what can be seen without running anything."""
    names = Counter(name for question in assignment.questions for name in question.names)
    yield from (f"{name} is defined by {n} questions" for name, n in names.items() if n > 1)
    for question in assignment.questions:
        where = question.id
        if question.minutes <= 0 or question.points <= 0:
            yield f"{where}: minutes and points must be positive"
        for key in ("objective", "misconception", "surface"):
            if not getattr(question, key).strip():
                yield f"{where}: {key} is empty"
        if not question.shown:
            continue
        if len(question.mistakes) < MISTAKES_WANTED:
            yield f"{where}: {len(question.mistakes)} mistakes, wanted {MISTAKES_WANTED}"
        repeated = Counter(mistake.name for mistake in question.mistakes)
        yield from (f"{where}: two mistakes are named {n!r}" for n, k in repeated.items() if k > 1)
        if not question.hidden.strip():
            yield f"{where}: no hidden check, so the shown ones can be answered by heart"
        if "reference" in question.shown:
            yield f"{where}: a shown check uses 'reference', which students do not have"


def _faults_of_release(assignment: Assignment, seed: int) -> Iterator[str]:
    """Yield what a released notebook holds that it should not, or why it does not run."""
    notebook = released_notebook(assignment, seed)
    text = "\n".join(cell.source for cell in notebook.cells)
    yield from (f"the released notebook shows {leak}" for leak in leaks_of(notebook, assignment))
    for token in ("reference.", "{{"):
        if token in text:
            yield f"the released notebook holds {token!r}"
    namespace: dict[str, Any] = {"__name__": "assignment"}
    for cell in notebook.cells:
        if cell.cell_type == "code":
            name = cell.metadata.get("nbgrader", {}).get("grade_id", "cell")
            try:
                with redirect_stdout(io.StringIO()):
                    run_source(cell.source, name, namespace)
            except Exception as error:
                yield f"released cell {name!r} does not run: {type(error).__name__}: {error}"
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")
