"""Graders are graded: every assignment gives its points to right answers, and to them alone."""

import tomllib
from functools import cache
from pathlib import Path

import numpy as np
import pytest

from course_lib.grading.judge import InProcessSession, judge, judge_question
from course_lib.grading.master import find_masters, read_master
from course_lib.grading.released import released_notebook
from course_lib.grading.sandbox import Sandbox
from course_lib.grading.session import CodeCell
from course_lib.grading.trials import MISTAKES_WANTED, AssignmentTrials, faults_of
from tests.grading.sandboxes import needs_sandbox

ROOT = Path(__file__).resolve().parents[2]
MASTERS = find_masters(ROOT / "book" / "assignments")
SEEDS = (0, 5, 23)
#: Of all mistakes, this share must lose points; the cards list those that do not.
CAUGHT = 0.95

pytestmark = pytest.mark.skipif(
    not MASTERS, reason="the public tree holds no masters; instructors have them"
)
each_master = pytest.mark.parametrize("path", MASTERS, ids=lambda path: path.stem)


@cache
def assignment_of(path):
    return read_master(path)


@cache
def trials_of(path, seed):
    return AssignmentTrials(assignment_of(path), seed)


def code_cells(notebook, answers):
    """The code of a notebook as handed in, with some of the answers given."""
    cells = []
    for position, cell in enumerate(notebook.cells):
        if cell.cell_type == "code":
            name = cell.metadata.get("nbgrader", {}).get("grade_id", f"cell-{position}")
            if not name.endswith("-check"):
                cells.append(CodeCell(name, answers.get(name, cell.source)))
    return cells


@each_master
def test_an_assignment_has_no_fault(path):
    assignment = assignment_of(path)
    assert faults_of(assignment, ROOT / "book" / f"{assignment.chapter}.ipynb") == []


@each_master
@pytest.mark.parametrize("seed", SEEDS[1:])
def test_other_numbers_are_as_good(path, seed):
    trials = trials_of(path, seed)
    assert [str(trial) for trial in trials.unexpected] == []


@each_master
def test_an_assignment_has_questions_of_all_kinds(path):
    questions = assignment_of(path).questions
    assert 4 <= len(questions) <= 6
    assert {question.kind for question in questions} == {"implement", "predict", "explain"}
    assert questions[0].difficulty == 1
    assert max(question.difficulty for question in questions) == 3


def of_the_right_shape(function, fill):
    """A function whose answers have the shape of the right ones, and the same number throughout."""

    def filled(right):
        if isinstance(right, tuple | list):
            return tuple(map(filled, right))
        return np.full(np.shape(right), fill)[()]

    return lambda *arguments, **keywords: filled(function(*arguments, **keywords))


@each_master
@pytest.mark.parametrize("fill", [0.0, 1.0, np.inf, -np.inf, np.nan])
def test_answers_of_the_right_shape_alone_earn_little(path, fill):
    reference = trials_of(path, 0).reference
    for question in reference.assignment.questions:
        if question.kind == "implement":
            names = {name: reference.namespace[name] for name in question.names}
            filled = {name: of_the_right_shape(f, fill) for name, f in names.items()}
            verdict = judge_question(reference, question, InProcessSession(filled))
            assert verdict.score <= verdict.points / 4, (question.id, verdict.checks)


def test_mistakes_are_caught():
    mistakes = [t for path in MASTERS for t in trials_of(path, 0).trials if t.kind == "mistake"]
    questions = {(t.question, id(path)) for path in MASTERS for t in trials_of(path, 0).trials}
    missed = [str(trial) for trial in mistakes if not trial.caught]
    assert len(mistakes) >= MISTAKES_WANTED * len(questions)
    assert len(missed) <= (1 - CAUGHT) * len(mistakes), missed


@needs_sandbox
@each_master
def test_the_solution_earns_everything_in_the_sandbox_and_the_release_nothing(path):
    assignment = assignment_of(path)
    seed = SEEDS[1]
    notebook = released_notebook(assignment, seed)
    solved = {q.id: q.solution for q in assignment.questions if q.shown}
    full = judge(assignment, code_cells(notebook, solved), seed=seed, sandbox=Sandbox.find())
    assert [(q.question, q.failed) for q in full.questions if q.score < q.points] == []
    empty = judge(assignment, code_cells(notebook, {}), seed=seed, sandbox=Sandbox.find())
    assert [(q.question, q.score) for q in empty.questions if q.score] == []
    for verdict in (full, empty):
        assert [o for o in verdict.outcomes if o.status != "ok"] == []


@needs_sandbox
@each_master
def test_other_solutions_earn_everything_in_the_sandbox(path):
    """What only the channel can break: lists, tuples and types that other solutions return."""
    assignment = assignment_of(path)
    notebook = released_notebook(assignment)
    most = max((len(q.alternatives) for q in assignment.questions), default=0)
    for number in range(most):
        answers = {
            q.id: q.alternatives[number].code if number < len(q.alternatives) else q.solution
            for q in assignment.questions
            if q.shown
        }
        cells = code_cells(notebook, answers)
        verdict = judge(assignment, cells, sandbox=Sandbox.find())
        assert [(q.question, q.failed) for q in verdict.questions if q.score < q.points] == []


def test_the_template_is_an_assignment():
    path = ROOT / "course_lib" / "grading" / "templates" / "assignment.ipynb"
    assert faults_of(read_master(path)) == []
    assert tomllib.loads(read_master(path).notebook.cells[0].source)["title"] == "TITLE"
