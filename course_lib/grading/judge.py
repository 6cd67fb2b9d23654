"""Judging from outside: the checks run here, the student's code runs elsewhere.

The check cells of the *master* run in this process, statement by statement. The names that a
student was to define stand in them for values that were fetched, or for functions that answer over
a channel. Nothing of the student's own text is ever run here.
"""

from __future__ import annotations

import ast
import copy
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, Protocol

import numpy as np

from course_lib.checks import AnswerError, CheckResult, Recorder, recording
from course_lib.grading.assignment import Assignment, Question
from course_lib.grading.session import CellOutcome, CodeCell, Limits, StudentSession


class Session(Protocol):
    """What a judge asks for answers."""

    outcomes: Sequence[CellOutcome]
    reveal_messages: bool
    changed_arguments: Sequence[int]

    def call(self, name: str, arguments: tuple, keywords: dict | None = None) -> Any:
        """Call a function of the student."""

    def get(self, name: str) -> Any:
        """Return the value of a variable of the student."""


@dataclass(frozen=True)
class QuestionVerdict:
    """What the checks of one question found.

    Attributes
    ----------
    question : str
        Its id.
    points, score : float
        What it is worth, and what was earned.
    checks : tuple of CheckResult
        Every check of the master, in order, whether it could be made or not.
    note : str
        What kept checks from being made, empty where nothing did.
    """

    question: str
    points: float
    score: float
    checks: tuple[CheckResult, ...]
    note: str = ""

    @property
    def failed(self) -> tuple[str, ...]:
        """Names of the checks that failed."""
        return tuple(check.name for check in self.checks if not check.passed)


@dataclass(frozen=True)
class Verdict:
    """The outcome of judging one submission.

    Attributes
    ----------
    assignment : str
        Its name.
    seed : int
        The seed of the variant that was judged.
    questions : tuple of QuestionVerdict
        One for each question that is marked by checks.
    outcomes : tuple of CellOutcome
        What running each cell of the student gave.
    seconds : float
        The time it took.
    """

    assignment: str
    seed: int
    questions: tuple[QuestionVerdict, ...]
    outcomes: tuple[CellOutcome, ...] = ()
    seconds: float = 0.0

    @property
    def score(self) -> float:
        """The points earned."""
        return sum(question.score for question in self.questions)

    def question(self, name: str) -> QuestionVerdict:
        """Return the verdict on the question of a given id."""
        return next(question for question in self.questions if question.question == name)

    def to_json(self) -> str:
        """Return the verdict without pictures, as text."""
        plain = asdict(self)
        for outcome in plain["outcomes"]:
            outcome.pop("images", None)
        return json.dumps(plain, ensure_ascii=False, indent=1)


class InProcessSession:
    """A session for code that is trusted: the reference solution, and mistakes of the master.

    Parameters
    ----------
    namespace
        Where the names are looked up.
    """

    def __init__(self, namespace: Mapping[str, Any]) -> None:
        self._namespace = namespace
        self.outcomes: tuple[CellOutcome, ...] = ()
        self.reveal_messages = False
        self.changed_arguments: Sequence[int] = ()

    def call(self, name: str, arguments: tuple, keywords: dict | None = None) -> Any:
        """Call a function; whatever it raises is an `AnswerError`."""
        function = self.get(name)
        if not callable(function):
            raise AnswerError("missing", f"{name} is not a function")
        # As over a channel: what the function does to its arguments stays with it.
        arguments = copy.deepcopy(arguments)
        before = [_bytes_of(argument) for argument in arguments]
        try:
            with np.errstate(all="ignore"):
                answer = function(*arguments, **copy.deepcopy(keywords or {}))
        except AnswerError:
            raise
        except Exception as error:
            raise AnswerError("raised", f"{name} raised {type(error).__name__}") from error
        after = [_bytes_of(argument) for argument in arguments]
        self.changed_arguments = [i for i, was in enumerate(before) if was != after[i]]
        return answer

    def get(self, name: str) -> Any:
        """Return a value."""
        try:
            return self._namespace[name]
        except KeyError:
            raise AnswerError("missing", f"{name} is not defined") from None


class RemoteFunction:
    """Stands for a function of the student in a check cell.

    Attributes
    ----------
    changed_arguments : sequence of int
        Positions of the arguments that the last call changed.
    """

    def __init__(self, session: Session, name: str) -> None:
        self._session = session
        self.__name__ = name
        self.changed_arguments: Sequence[int] = ()

    def __call__(self, *arguments: Any, **keywords: Any) -> Any:
        answer = self._session.call(self.__name__, arguments, keywords)
        self.changed_arguments = self._session.changed_arguments
        return answer


class Unanswered:
    """Stands for a variable that could not be fetched: using it says why."""

    def __init__(self, error: AnswerError) -> None:
        self._error = error

    def __course_lib_answer__(self) -> Any:
        raise self._error


class Reference:
    """The master's own solution, run once for a seed, and what its checks consist of.

    Parameters
    ----------
    assignment
        The master.
    seed
        The seed of the numbers.
    """

    def __init__(self, assignment: Assignment, seed: int) -> None:
        self.assignment = assignment
        self.seed = seed
        self.base: dict[str, Any] = {"__name__": "assignment"}
        run_source(assignment.setup, "setup", self.base)
        run_source(assignment.numbers_for(seed), "numbers", self.base)
        self.namespace = self.namespace_with({})
        self._mistaken: dict[tuple[str, str], Callable[[str], Any]] = {}
        session = InProcessSession(self.namespace)
        #: The checks of each question, as the reference solution passes them.
        self.checks = {
            question.id: self._checks_of(question, session)
            for question in assignment.questions
            if question.shown
        }

    def namespace_with(self, replaced: Mapping[str, str]) -> dict[str, Any]:
        """Return what the answer cells define, with some of the cells replaced."""
        namespace = dict(self.base)
        with np.errstate(all="ignore"):
            for question in self.assignment.questions:
                if question.shown:
                    source = replaced.get(question.id, question.solution)
                    run_source(source, question.id, namespace)
        return namespace

    def mistakes(self, question: Question) -> list[tuple[str, Callable[[str], Any]]]:
        """Return the hints of a question's likely mistakes, with what each would have made."""
        return [
            (mistake.hint, self._mistaken_namespace(question, mistake.name, mistake.code))
            for mistake in question.mistakes
            if mistake.hint
        ]

    def _mistaken_namespace(self, question: Question, name: str, code: str) -> Callable[[str], Any]:
        key = question.id, name
        if key not in self._mistaken:
            cache: dict[str, Any] = {}

            def make(wanted: str) -> Any:
                if wanted not in question.names:
                    raise LookupError(wanted)
                if not cache:
                    try:
                        cache.update(self.namespace_with({question.id: code}))
                    except Exception as error:
                        raise LookupError(wanted) from error
                return cache[wanted]

            self._mistaken[key] = make
        return self._mistaken[key]

    def _checks_of(self, question: Question, session: Session) -> tuple[CheckResult, ...]:
        results, note = run_checks(self, question, session)
        broken = [f"{r.name}: {r.hint}" for r in results if not r.passed]
        if note or broken:
            raise ValueError(
                f"{self.assignment.name}, question {question.id!r}, seed {self.seed}: the "
                f"reference solution fails: {'; '.join([*broken, note])}"
            )
        return tuple(results)


@lru_cache(maxsize=64)
def reference_for(assignment: Assignment, seed: int) -> Reference:
    """Return the reference of an assignment and a seed, made once a process."""
    return Reference(assignment, seed)


def judge(
    assignment: Assignment,
    cells: Sequence[CodeCell],
    *,
    seed: int = 0,
    sandbox: Any,
    limits: Limits | None = None,
    files: Mapping[str, bytes] | None = None,
) -> Verdict:
    """Judge the code of one submission.

    Parameters
    ----------
    assignment
        The master.
    cells
        The student's code, in order; answer cells carry the id of their question. The cells
        ``setup`` and ``numbers`` are the master's and are put in front.
    seed
        The seed of the student's variant.
    sandbox
        A `course_lib.grading.sandbox.Sandbox`, or an explicit
        `~course_lib.grading.sandbox.Unsandboxed`.
    limits
        Bounds on time and size.
    files
        Files that the student handed in beside the notebook.
    """
    started = time.perf_counter()
    reference = reference_for(assignment, seed)
    trusted = [
        CodeCell("setup", assignment.setup),
        CodeCell("numbers", assignment.numbers_for(seed)),
    ]
    own = [cell for cell in cells if cell.id not in ("setup", "numbers")]
    extra = {"files": files} if files else {}
    with StudentSession([*trusted, *own], limits=limits or Limits(), sandbox=sandbox, **extra) as s:
        questions = judge_questions(reference, s)
        outcomes = tuple(s.outcomes)
    return Verdict(
        assignment.name, seed, questions, outcomes, round(time.perf_counter() - started, 3)
    )


def judge_questions(reference: Reference, session: Session) -> tuple[QuestionVerdict, ...]:
    """Run the checks of every question on a session."""
    return tuple(
        judge_question(reference, question, session)
        for question in reference.assignment.questions
        if question.shown
    )


def judge_question(reference: Reference, question: Question, session: Session) -> QuestionVerdict:
    """Run the checks of one question, and share its points over them by weight."""
    found, note = run_checks(reference, question, session)
    by_name = {result.name: result for result in found}
    checks = tuple(
        by_name.get(check.name)
        or CheckResult(check.name, check.weight, False, note or "this check could not be made")
        for check in reference.checks[question.id]
    )
    # Leaving one's arguments alone is worth something only where an answer comes out.
    answered = any(c.passed and c.weight > 0 and not c.needs_others for c in checks)
    earned = sum(c.weight for c in checks if c.passed and (answered or not c.needs_others))
    total = sum(check.weight for check in reference.checks[question.id])
    score = round(question.points * earned / total, 2) if total else 0.0
    return QuestionVerdict(question.id, question.points, score, checks, note)


def run_checks(
    reference: Reference, question: Question, session: Session
) -> tuple[list[CheckResult], str]:
    """Run the check cell of a question; return what it recorded, and what stopped it."""
    namespace = dict(reference.base)
    # While the reference itself is being made, it stands beside itself.
    namespace["reference"] = SimpleNamespace(**_public(reference.namespace))
    namespace.update(_bind_names(reference, question, session))
    recorder = Recorder(mistakes=reference.mistakes(question))
    notes: list[str] = []
    with recording(recorder), np.errstate(all="ignore"):
        for hidden, source in ((False, question.shown), (True, question.hidden)):
            recorder.hidden = hidden
            session.reveal_messages = not hidden
            for statement in ast.parse(source).body:
                code = compile(
                    ast.Module([statement], type_ignores=[]), f"<checks of {question.id}>", "exec"
                )
                try:
                    exec(code, namespace)
                except AnswerError as error:
                    notes.append(str(error))
                except Exception as error:
                    # The master's statement met an answer it cannot work with.
                    notes.append(f"a check could not be made ({type(error).__name__})")
    return recorder.results, "; ".join(dict.fromkeys(notes))


def run_source(source: str, name: str, namespace: dict[str, Any]) -> None:
    """Run a cell of the master."""
    exec(compile(source, f"<{name}>", "exec"), namespace)


def _bind_names(reference: Reference, question: Question, session: Session) -> dict[str, Any]:
    bound: dict[str, Any] = {}
    for name in question.names:
        if callable(reference.namespace[name]):
            bound[name] = RemoteFunction(session, name)
        else:
            try:
                bound[name] = session.get(name)
            except AnswerError as error:
                bound[name] = Unanswered(error)
    return bound


def _public(namespace: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in namespace.items() if not name.startswith("__")}


def _bytes_of(argument: Any) -> Any:
    if isinstance(argument, np.ndarray):
        return argument.shape, argument.tobytes()
    return repr(argument) if isinstance(argument, list | dict | tuple) else None
