"""What there is to know about assignments at a glance, made from the masters' cards."""

from __future__ import annotations

from collections.abc import Sequence

from nbformat import NotebookNode
from nbformat.v4 import new_markdown_cell

from course_lib.grading.assignment import (
    DIFFICULTIES,
    Assignment,
    Question,
)
from course_lib.grading.judge import reference_for
from course_lib.grading.released import released_notebook

#: How a question is marked, by its kind.
MARKED = {
    "implement": "implement",
    "predict": "predict or diagnose",
    "explain": "explain, marked by hand",
}


def label_of(assignment: Assignment) -> str:
    """Return the label by which the book refers to an assignment."""
    return f"as-{assignment.name}"


def exercise_notebook(assignment: Assignment) -> NotebookNode:
    """Return the assignment as a page of the book: the release of seed 0, with its facts on top."""
    notebook = released_notebook(assignment)
    facts = new_markdown_cell(
        f"({label_of(assignment)})=\n# {assignment.title}: assignment\n\n{facts_of(assignment)}",
        id="facts",
    )
    first = notebook.cells[0]
    # The page has one title, the one with the label.
    first.source = "\n".join(
        line for line in first.source.splitlines() if not line.startswith("# ")
    ).strip("\n")
    notebook.cells.insert(0, facts)
    return notebook


def facts_of(assignment: Assignment) -> str:
    """Return summary, time, points and the table of questions, in MyST."""
    lines = [
        assignment.summary,
        "",
        f"**Time** {assignment.minutes} minutes. **Points** {assignment.points:g}. "
        f"**Chapter** {{doc}}`/book/{assignment.chapter}`.",
        "",
        "| question | you will | kind | level | minutes | points |",
        "|---|---|---|---|--:|--:|",
    ]
    for question in assignment.questions:
        lines.append(
            f"| {question.title} | {question.objective} | {MARKED[question.kind]} "
            f"| {DIFFICULTIES[question.difficulty]} | {question.minutes} | {question.points:g} |"
        )
    return "\n".join(lines)


def index_of(assignments: Sequence[Assignment]) -> str:
    """Return a table of assignments with their totals, in MyST."""
    lines = [
        "| assignment | questions | minutes | points | by checks | by hand |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for assignment in assignments:
        by_hand = sum(q.points for q in assignment.questions if q.kind == "explain")
        lines.append(
            f"| {{ref}}`{label_of(assignment)}` | {len(assignment.questions)} "
            f"| {assignment.minutes} | {assignment.points:g} | {assignment.points - by_hand:g} "
            f"| {by_hand:g} |"
        )
    total = sum(assignment.points for assignment in assignments)
    by_hand = sum(q.points for a in assignments for q in a.questions if q.kind == "explain")
    lines.append(
        f"| **all** | {sum(len(a.questions) for a in assignments)} "
        f"| {sum(a.minutes for a in assignments)} | {total:g} | {total - by_hand:g} "
        f"| {by_hand:g} |"
    )
    return "\n".join(lines)


def coverage_of(assignment: Assignment) -> str:
    """Return which check tests which objective, in MyST: a row a question."""
    lines = [
        "| objective | question | builds on | checks, with their share of the points |",
        "|---|---|---|---|",
    ]
    for question in assignment.questions:
        sections = ", ".join(f"{{ref}}`{label}`" for label in question.prerequisites)
        lines.append(
            f"| {question.objective} | {question.title} | {sections} "
            f"| {_checks_of(assignment, question)} |"
        )
    return "\n".join(lines)


def misconceptions_of(assignment: Assignment) -> str:
    """Return what many believe, and how to bring it out in class, as a MyST definition list."""
    entries = [
        f"{question.misconception}\n: {question.surface}" for question in assignment.questions
    ]
    return "\n\n".join(entries)


def _checks_of(assignment: Assignment, question: Question) -> str:
    if question.kind == "explain":
        return "; ".join(f"{criterion.points:g} p. by hand" for criterion in question.rubric)
    checks = [c for c in reference_for(assignment, 0).checks[question.id] if c.weight]
    total = sum(check.weight for check in checks)
    return "; ".join(
        f"{check.name} ({question.points * check.weight / total:.3g})" for check in checks
    )
